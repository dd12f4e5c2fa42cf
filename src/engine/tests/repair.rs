//! A target that somebody has damaged is made equal again.

use std::sync::Arc;

use super::works::{APPEND, KEYLESS, UPSERT, damaged, damaged_append, id};
use crate::domain::fault::FaultKind;
use crate::domain::publish::PublishKind::{InsertMissing, Merge, MergeAsRead, MergeOnce};
use crate::domain::report::{MappingReport, Outcome, Trigger};
use crate::domain::verify::{DifferenceKind, Outcome as Verified, Repair, Verification};
use crate::engine::{Command, Event, RepairOrder, Selection};
use crate::testing::{Call, HERE, Shop, Trouble, Value, repair, row, sync};

/// What a repair reported about the rows before and after, and the run's report.
fn told(shop: &Shop, command: Command) -> (Vec<Verification>, MappingReport) {
    let mut process = shop.process_of(HERE);
    process.send(command);
    let report = process.ends().unwrap();
    let compared = process.events.iter().filter_map(|event| match event {
        Event::RowsCompared { verification, .. } => Some((**verification).clone()),
        _ => None,
    });
    (compared.collect(), report)
}

#[test]
fn differences_are_mended_by_key_and_the_watermark_stays() {
    let shop = damaged(UPSERT);
    let before = shop.state();
    let (compared, report) = told(&shop, repair(false));
    assert_eq!(report.outcome, Outcome::Ok, "{report:#?}");
    let expected = Repair {
        only_in_mysql: 8,
        differing: 1,
        doubled: 1,
        only_in_bigquery: 1,
        inserted: 8,
        updated: 1,
        undoubled: 1,
        deleted: 1,
        left: 0,
        different_still: Some(0),
        bytes_compared: 0,
        bytes_to_mend: None,
    };
    assert_eq!(report.repair, Some(expected));
    assert_eq!(
        (report.watermark_before, report.watermark_after),
        (before.watermark.as_ref().map(|m| m.value.clone()), before.watermark.as_ref().map(|m| m.value.clone()))
    );
    shop.is_equal("the repair");
    shop.is_tidy("the repair");
    let kinds: Vec<_> = compared[0].differences.iter().map(|difference| difference.kind).collect();
    assert!(kinds.contains(&DifferenceKind::Doubled) && kinds.len() == 11, "{compared:#?}");
    assert!(compared[1].differences.is_empty() && compared.len() == 2, "{compared:#?}");
    let after = shop.state();
    assert_eq!((after.watermark, after.last_run.unwrap().trigger), (before.watermark, Trigger::Repair));
    assert_eq!(after.totals.last_success, before.totals.last_success, "it is no incremental run");
}

#[test]
fn each_kind_of_difference_gets_its_own_publish_and_equal_tables_get_none() {
    let shop = damaged(UPSERT);
    shop.published();
    shop.succeeds(repair(false));
    let published = shop.published();
    assert_eq!(published, [MergeAsRead, MergeAsRead, MergeOnce], "in batches of five");
    let report = shop.succeeds(repair(false));
    assert_eq!((report.repair.unwrap().found(), report.repair.unwrap().is_equal()), (0, true));
    assert!(shop.published().is_empty());
    let append = damaged_append();
    append.published();
    append.succeeds(repair(false));
    append.is_equal("the repair");
    assert_eq!(append.published(), [InsertMissing, InsertMissing]);
    // The next run knows the target as it was left.
    append.insert(61..=70);
    append.pass(chrono::TimeDelta::minutes(5));
    append.succeeds(sync());
    append.is_equal("the next run");
}

#[test]
fn a_dry_run_counts_and_changes_nothing() {
    let shop = damaged(UPSERT);
    let (state, arrived) = (shop.state(), shop.arrived());
    let (compared, report) = told(&shop, repair(true));
    assert_eq!(report.outcome, Outcome::Ok, "{report:#?}");
    let counts = report.repair.unwrap();
    assert_eq!((counts.inserted, counts.updated, counts.undoubled, counts.deleted), (8, 1, 1, 1));
    assert_eq!((counts.different_still, counts.bytes_to_mend, compared.len()), (None, Some(0), 1));
    assert_eq!((shop.state(), shop.arrived()), (state, arrived));
    assert!(shop.world.remembered(HERE, |state| state.reports.len() == 1), "only the sync's");
}

#[test]
fn rows_that_only_bigquery_has_are_counted_and_left_if_the_mapping_ignores_deletes() {
    for (mapping, words) in [(UPSERT, "`deletes: ignore`"), (APPEND, "kept as history")] {
        let shop = Shop::new(mapping).rows(1..=20);
        shop.succeeds(sync());
        (3..=7).for_each(|id| shop.delete(id));
        let report = shop.succeeds(repair(false));
        let counts = report.repair.unwrap();
        assert_eq!((counts.left, counts.different_still, counts.is_equal()), (5, Some(5), false), "{report:#?}");
        assert!(report.warnings.iter().any(|warning| warning.contains(words)), "{report:#?}");
        assert_eq!(shop.arrived().len(), 20);
    }
}

#[test]
fn rows_that_only_bigquery_has_are_marked_within_the_allowed_share() {
    let shop =
        Shop::new(&format!("{UPSERT}, deletes: soft, deleted_column: gone, max_delete_fraction: 0.5")).rows(1..=20);
    shop.succeeds(sync());
    (3..=7).for_each(|id| shop.delete(id));
    assert_eq!(shop.succeeds(repair(false)).repair.unwrap().deleted, 5);
    shop.is_equal("marking");
    assert_eq!(shop.dataset().tables["t"].rows.len(), 20);
    (8..=18).for_each(|id| shop.delete(id));
    shop.damage(|rows| rows.retain(|row| id(row) != 20));
    let report = shop.run(repair(false)).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(FaultKind::Conflict)), "{report:#?}");
    let counts = report.repair.unwrap();
    assert_eq!((counts.inserted, counts.deleted, counts.different_still), (1, 0, Some(11)), "the rest is mended");
}

#[test]
fn a_row_that_reappears_before_its_deletion_stays() {
    let shop = damaged(UPSERT);
    let world = Arc::clone(&shop.world);
    // The row comes back after the comparison.
    let back = move || world.database().rows.push(row(900, "never there", "2026-01-01"));
    shop.trouble(Call::Publish, 3, Trouble::meanwhile(back));
    let report = shop.succeeds(repair(false));
    assert_eq!(report.repair.unwrap().deleted, 0, "{report:#?}");
    shop.is_equal("its coming back");
}

#[test]
fn a_row_that_changes_during_a_repair_arrives_now_or_with_the_next_run() {
    for nth in 1..=4 {
        let shop = damaged(UPSERT);
        let world = Arc::clone(&shop.world);
        // One row beyond the watermark, and one below it.
        let writes = move || {
            let mut database = world.database();
            for row in &mut database.rows {
                match id(row) {
                    6 => *row = crate::testing::row(6, "newer", "2026-01-02"),
                    7 => row[1] = Value::Text("corrected".to_owned()),
                    _ => {}
                }
            }
        };
        shop.trouble(Call::Read, nth, Trouble::meanwhile(writes));
        let report = shop.run(repair(false)).unwrap();
        shop.succeeds(sync());
        if report.outcome == Outcome::Ok {
            shop.is_equal(&format!("page {nth}"));
        } else {
            assert!(report.errors[0].contains("after the repair p.d.t still differs from MySQL in"), "{report:#?}");
            shop.succeeds(repair(false));
            shop.is_equal(&format!("page {nth}, again"));
        }
    }
}

#[test]
fn a_batch_that_writes_too_many_partitions_is_halved() {
    let shop = damaged(UPSERT);
    shop.trouble(Call::Publish, 1, Trouble::too_much());
    let report = shop.run(repair(false)).unwrap();
    // A batch cannot be smaller than five rows.
    assert_eq!(report.outcome, Outcome::Failed, "{report:#?}");
    shop.succeeds(repair(false));
    shop.is_equal("the next");
}

#[test]
fn differences_that_cannot_be_mended_by_key_are_reported_with_the_next_step() {
    let shop = Shop::new(KEYLESS).rows(1..=20);
    shop.succeeds(sync());
    assert!(shop.succeeds(repair(false)).repair.unwrap().is_equal());
    shop.damage(|rows| rows.truncate(15));
    let report = shop.run(repair(false)).unwrap();
    assert_eq!(report.error_kind, Some(FaultKind::Config), "{report:#?}");
    assert!(report.hint.unwrap().contains("bqsync backfill --mapping t"));
    for mapping in [UPSERT, APPEND] {
        let empty = Shop::new(mapping);
        empty.succeeds(sync());
        let (compared, report) = told(&empty, repair(false));
        assert_eq!(compared[0].outcome, Verified::Equal, "{report:#?}");
        assert!(report.repair.unwrap().is_equal() && report.warnings.is_empty(), "{report:#?}");
    }
    let never = Shop::new(UPSERT).rows(1..=3);
    assert!(never.succeeds(repair(false)).warnings[0].contains("nothing has been synced yet"));
    assert!(never.dataset().tables.is_empty());
}

#[test]
fn a_dry_run_on_an_append_promises_no_updates() {
    let shop = damaged_append();
    shop.damage(|rows| rows[30][1] = Value::Text("damaged".to_owned()));
    let report = shop.succeeds(repair(true));
    let counts = report.repair.unwrap();
    assert_eq!((counts.only_in_mysql, counts.differing), (8, 1), "{report:#?}");
    assert_eq!((counts.inserted, counts.updated), (9, 0), "{report:#?}");
    let told = |part: &str| report.warnings.iter().any(|warning| warning.contains(part));
    assert!(told("no row of an append is changed") && told("the key differs after the repair too"), "{report:#?}");
    assert!(told("DELETE FROM `p.d.t` WHERE"), "{report:#?}");
}

#[test]
fn an_append_that_a_repair_cannot_make_equal_has_a_next_step_that_ends_it() {
    let shop = damaged_append();
    shop.damage(|rows| rows[30][1] = Value::Text("damaged".to_owned()));
    let report = shop.run(repair(false)).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(FaultKind::Data)), "{report:#?}");
    assert_eq!(report.repair.unwrap().inserted, 8, "{report:#?}");
    let hint = report.hint.unwrap();
    assert!(
        hint.contains("delete all rows of such a key in BigQuery (`bqsync verify --mapping t` names them"),
        "{hint}"
    );
    assert!(hint.contains("DELETE FROM `p.d.t` WHERE ...), and repair again"), "{hint}");
    shop.damage(|rows| rows.retain(|row| row[1] != Value::Text("damaged".to_owned())));
    shop.succeeds(repair(false));
    shop.is_equal("what the hint says");
}

#[test]
fn doubled_keys_are_left_if_the_target_has_extra_columns() {
    let shop = damaged(UPSERT);
    let mut dataset = shop.dataset();
    let table = dataset.tables.get_mut("t").unwrap();
    table.columns.push(crate::domain::column::TargetColumn::new(
        "own",
        crate::domain::target_type::TargetType::Int64,
        false,
    ));
    table.rows.iter_mut().for_each(|row| row.push(Value::Int(7)));
    drop(dataset);
    let report = shop.succeeds(repair(false));
    let counts = report.repair.unwrap();
    assert_eq!((counts.undoubled, counts.left, counts.different_still), (0, 1, Some(1)), "{report:#?}");
    assert!(report.warnings.iter().any(|w| w.contains("DELETE FROM `p.d.t` WHERE")), "{report:#?}");
    let kept = shop.dataset().tables["t"].rows.iter().filter(|row| row[3] == Value::Int(7)).count();
    assert_eq!(kept, 53, "what the mapping does not fill is not touched");
}

#[test]
fn a_mapping_whose_lease_is_held_is_not_repaired() {
    let shop = damaged(UPSERT);
    shop.trouble(Call::Describe, 1, Trouble::HeldBefore);
    let mut first = shop.process_of(HERE);
    first.send(sync());
    first.until_held();
    let report = shop.run(repair(false)).unwrap();
    assert_eq!(report.error_kind, Some(FaultKind::Conflict), "{report:#?}");
    shop.world.script.let_go();
    first.ends().unwrap();
}

#[test]
fn differing_keys_beyond_the_named_ones_are_counted() {
    let shop = damaged(UPSERT);
    let order = RepairOrder { selection: Selection::All, dry_run: true, most_bytes: 0, most_named: 1 };
    let (compared, report) = told(&shop, Command::Repair(order));
    assert_eq!((compared[0].differences.len(), compared[0].found(), report.repair.unwrap().found()), (1, 11, 11));
}

#[test]
fn a_repair_stops_at_the_byte_limit_and_mends_what_it_has_found() {
    let order = |most_bytes| {
        Command::Repair(RepairOrder { selection: Selection::All, dry_run: false, most_bytes, most_named: 20 })
    };
    let shop = damaged(UPSERT);
    shop.dataset().question_bytes = 10;
    // The calls: the key's ends and the sums, the rows of the differing parts, and these once more.
    let refused = shop.run(order(19)).unwrap();
    assert!(refused.errors[0].contains("would read 20 B"), "{refused:#?}");
    let searched = shop.run(order(29)).unwrap();
    assert_eq!((searched.error_kind, searched.rows_inserted), (Some(FaultKind::Config), 0), "{searched:#?}");
    assert!(searched.hint.unwrap().contains("--repair --max-bytes"));
    let mended = shop.succeeds(order(39));
    let counts = mended.repair.unwrap();
    assert_eq!((counts.inserted, counts.different_still, counts.bytes_compared), (8, None, 30), "{mended:#?}");
    assert!(mended.warnings.iter().any(|warning| warning.contains("not all repaired rows were compared again")));
    shop.is_equal("the repair");
}

#[test]
fn a_repair_behind_a_balancer_never_replaces_a_newer_row_with_an_older_one() {
    let shop = damaged(UPSERT);
    shop.damage(|rows| rows[30][2] = Value::At(crate::testing::at("2026-01-01 00:00:19")));
    shop.database().is_balanced = true;
    shop.published();
    let report = shop.run(repair(false)).unwrap();
    assert_eq!(report.repair.unwrap().different_still, Some(1), "{report:#?}");
    assert_eq!(shop.published(), [Merge, Merge, MergeOnce]);
    shop.database().is_balanced = false;
    shop.succeeds(repair(false));
    shop.is_equal("one server");
}

#[test]
fn rows_mended_by_a_failed_attempt_are_counted() {
    for nth in 1..=3 {
        let shop = damaged(UPSERT);
        shop.trouble(Call::Publish, nth, Trouble::AnswerLost);
        let report = shop.succeeds(repair(false));
        let counts = report.repair.unwrap();
        assert_eq!(report.attempts, 2, "{report:#?}");
        // The publish whose answer was lost is adopted, and its rows count for the run.
        assert_eq!((report.rows_inserted, report.rows_updated), (9, 1), "{report:#?}");
        assert!(counts.found() >= 11 - 5 && counts.is_equal(), "{report:#?}");
        shop.is_equal(&format!("publish {nth}"));
    }
}
