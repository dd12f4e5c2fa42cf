//! Deletion of target rows that the source no longer has.

use chrono::TimeDelta;

use super::works::{UPSERT, to_delete};
use crate::domain::fault::FaultKind::{self, Conflict};
use crate::domain::report::{Deletion, MappingReport, Outcome};
use crate::testing::{Call, Shop, Trouble, deletes, sync};

/// A target of twenty rows, of which the source has lost five; `rest` may limit the share that may be deleted.
fn guarded(rest: &str) -> Shop {
    let shop = Shop::new(&format!("{UPSERT}, {rest}")).rows(1..=20);
    shop.succeeds(sync());
    (3..=7).for_each(|id| shop.delete(id));
    shop
}

#[track_caller]
fn refused(shop: &Shop, kind: FaultKind) -> MappingReport {
    let report = shop.run(deletes(false)).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(kind)), "{report:#?}");
    assert_eq!(shop.arrived().len(), 20);
    shop.is_tidy("what was refused");
    report
}

#[test]
fn rows_that_the_source_no_longer_has_are_deleted_or_marked() {
    for how in ["deletes: hard", "deletes: soft, deleted_column: gone"] {
        let shop = to_delete(how);
        let report = shop.succeeds(deletes(false));
        assert_eq!(report.deletion, Some(Deletion { keys: 15, held: 20, vanished: 5, deleted: 5 }));
        assert_eq!(report.watermark_before, report.watermark_after);
        shop.is_equal(how);
        shop.is_tidy(how);
        let held = shop.dataset().tables["t"].rows.len();
        assert_eq!(held, if how.contains("soft") { 20 } else { 15 });
        // The second time there is nothing left to do, and no job is sent.
        shop.world.script.clear();
        assert_eq!(shop.succeeds(deletes(false)).deletion.unwrap().vanished, 0);
        assert!(!shop.calls().contains(&Call::Delete));
    }
}

#[test]
fn a_row_that_reappears_is_no_longer_marked() {
    let shop = to_delete("deletes: soft, deleted_column: gone");
    shop.succeeds(deletes(false));
    shop.insert_at(5, "back", "2026-02-01");
    shop.succeeds(sync());
    shop.is_equal("its coming back");
}

#[test]
fn a_dry_run_counts_under_any_configuration_and_changes_nothing() {
    for how in ["deletes: ignore", "deletes: hard, max_delete_fraction: 1"] {
        let shop = guarded(how);
        let reports = shop.world.remembered(crate::testing::HERE, |state| state.reports.len());
        let state = shop.state();
        let report = shop.run(deletes(true)).unwrap();
        assert_eq!(report.deletion, Some(Deletion { keys: 15, held: 20, vanished: 5, deleted: 0 }), "{report:#?}");
        assert_eq!(shop.arrived().len(), 20);
        assert_eq!(shop.state(), state);
        assert_eq!(shop.world.remembered(crate::testing::HERE, |state| state.reports.len()), reports);
        shop.is_tidy("a dry run");
    }
}

#[test]
fn more_than_the_allowed_share_is_refused() {
    let shop = guarded("deletes: hard, max_delete_fraction: 0.2");
    let report = refused(&shop, Conflict);
    assert!(report.errors[0].contains("MySQL no longer has 5 of 20 rows of p.d.t"), "{report:#?}");
    assert_eq!(report.deletion, Some(Deletion { keys: 15, held: 20, vanished: 5, deleted: 0 }));
}

#[test]
fn an_empty_source_deletes_nothing() {
    let shop = guarded("deletes: hard, max_delete_fraction: 1");
    shop.database().rows.clear();
    assert!(refused(&shop, Conflict).errors[0].contains("MySQL shows no row of t"));
}

#[test]
fn a_mapping_that_may_not_delete_or_cannot_mark_is_refused() {
    let shop = guarded("deletes: ignore");
    assert!(refused(&shop, FaultKind::Config).errors[0].contains("says `deletes: ignore`"));
    let keyless = Shop::new("incremental_column: at, mode: append").rows(1..=20);
    keyless.succeeds(sync());
    assert!(refused(&keyless, FaultKind::Config).errors[0].contains("has no `primary_keys`"));
    let shop = guarded("deletes: soft, deleted_column: gone").with("allow_schema_additions: false");
    let mut dataset = shop.dataset();
    let table = dataset.tables.get_mut("t").unwrap();
    table.columns.pop();
    table.rows.iter_mut().for_each(|row| row.truncate(3));
    drop(dataset);
    assert!(refused(&shop, FaultKind::Schema).errors[0].contains("has no column `gone` to mark deleted rows in"));
}

#[test]
fn a_mapping_that_has_never_run_has_nothing_to_delete() {
    let shop = Shop::new(&format!("{UPSERT}, deletes: hard")).rows(1..=20);
    let report = shop.succeeds(deletes(false));
    assert_eq!(report.warnings, ["nothing has been synced yet, so there is nothing to delete"]);
    assert!(shop.dataset().tables.is_empty());
}

#[test]
fn a_row_younger_than_settle_is_not_deleted() {
    let shop = Shop::new(&format!("{UPSERT}, deletes: hard, max_delete_fraction: 1")).with("settle: 10m").rows(1..=20);
    shop.insert_at(30, "a replica is ahead", "2026-11-23 07:50:00");
    shop.succeeds(sync());
    shop.delete(30);
    // The source that is read now lags by fifteen minutes.
    shop.database().ahead = -TimeDelta::minutes(15);
    let report = shop.succeeds(deletes(false));
    assert_eq!(report.deletion.unwrap().vanished, 0, "{report:#?}");
    shop.database().ahead = TimeDelta::zero();
    assert_eq!(shop.succeeds(deletes(false)).deletion.unwrap().deleted, 1);
    shop.is_equal("the replica has caught up");
}

#[test]
fn a_deletion_whose_answer_is_lost_takes_effect_once() {
    let shop = to_delete("deletes: hard");
    shop.trouble(Call::Delete, 1, Trouble::AnswerLost);
    let report = shop.succeeds(deletes(false));
    assert_eq!((report.attempts, report.deletion.unwrap().vanished), (2, 0), "{report:#?}");
    shop.is_equal("the second attempt");
    shop.is_tidy("the second attempt");
}
