//! Two states that feed one target, and a state that is older than its target: no row comes twice.

use super::works::{APPEND, KEYLESS, UPSERT};
use crate::domain::publish::PublishKind::{self, Copy, InsertMissing, Merge};
use crate::domain::report::{MappingReport, Outcome};
use crate::testing::{Call, HERE, Shop, Trouble, sync};

fn runs_elsewhere(shop: &Shop) -> MappingReport {
    let mut other = shop.process_of("elsewhere");
    other.send(sync());
    other.ends().unwrap()
}

/// A run whose publish is under way while the other host runs from beginning to end.
fn overtaken(shop: &Shop) -> (MappingReport, Vec<PublishKind>) {
    shop.trouble(Call::Publish, 1, Trouble::HeldBefore);
    let mut process = shop.process_of(HERE);
    process.send(sync());
    process.until_held();
    assert_eq!(runs_elsewhere(shop).outcome, Outcome::Ok);
    shop.world.script.let_go();
    let report = process.ends().unwrap();
    assert_eq!(report.outcome, Outcome::Ok, "{report:#?}");
    shop.is_equal("both");
    shop.is_tidy("both");
    (report, shop.published())
}

fn warnings(report: &MappingReport) -> usize {
    report.warnings.iter().filter(|warning| warning.contains("is not as this mapping left it")).count()
}

#[test]
fn two_hosts_loading_an_empty_upsert_target_at_once_bring_each_row_once() {
    let shop = Shop::new(UPSERT).rows(1..=59);
    let (report, published) = overtaken(&shop);
    assert_eq!((published, report.rows_inserted), (vec![Copy, Merge], 0));
    shop.insert(60..=90);
    assert_eq!(overtaken(&shop).1, [Merge, Merge]);
}

#[test]
fn two_hosts_appending_at_once_bring_each_row_once() {
    for mapping in [APPEND, KEYLESS] {
        let shop = Shop::new(mapping).rows(1..=59);
        let (report, published) = overtaken(&shop);
        assert_eq!((published, warnings(&report)), (vec![Copy, InsertMissing], 1));
        // Both know the target now, and go on from the same watermark.
        shop.insert(60..=90);
        let (report, published) = overtaken(&shop);
        assert_eq!((published, warnings(&report)), (vec![Copy, InsertMissing], 1));
    }
}

#[test]
fn a_restored_older_state_doubles_nothing_and_is_reported_once() {
    for mapping in [APPEND, KEYLESS] {
        let shop = Shop::new(mapping).rows(1..=59);
        shop.succeeds(sync());
        let kept = shop.state();
        shop.insert(60..=90);
        assert_eq!(warnings(&shop.succeeds(sync())), 0);
        shop.edit(|state| *state = kept);
        shop.published();
        let report = shop.succeeds(sync());
        assert_eq!((warnings(&report), report.rows_inserted, shop.published()), (1, 0, vec![InsertMissing]));
        // From then on the state knows its target.
        shop.insert(93..=99);
        let report = shop.succeeds(sync());
        assert_eq!((warnings(&report), report.rows_inserted, shop.published()), (0, 7, vec![Copy]));
        let counted = shop.calls().into_iter().filter(|call| *call == Call::CountBeyond).count();
        assert_eq!(counted, 1, "only the run in doubt asks what lies beyond the watermark");
        shop.is_equal(mapping);
    }
}

#[test]
fn a_state_without_a_remembered_target_looks_up_rows_once_without_a_warning() {
    let shop = Shop::new(APPEND).rows(1..=59);
    shop.succeeds(sync());
    shop.edit(|state| state.target = None);
    shop.published();
    for (ids, expected) in [(60..=89, InsertMissing), (90..=99, Copy)] {
        shop.insert(ids);
        let report = shop.succeeds(sync());
        assert_eq!((warnings(&report), shop.published()), (0, vec![expected]));
    }
    shop.is_equal("both");
}

#[test]
fn rows_are_looked_up_until_the_watermark_reaches_the_newest_row() {
    let shop = Shop::new(APPEND).with("fence_timeout: 1s").rows(1..=59);
    shop.succeeds(sync());
    let kept = shop.state();
    shop.insert(60..=65);
    shop.insert_at(70, "new", "2026-11-23 08:07:00");
    shop.succeeds(sync());
    shop.edit(|state| *state = kept);
    let since = crate::testing::at("2026-11-23 08:02:00").to_naive().unwrap();
    shop.database().begin(42, since, crate::testing::row(71, "open", "2026-11-23 08:07:10"));
    assert!(shop.succeeds(sync()).held_back.is_some());
    assert!(shop.state().target.unwrap().unsure, "the target holds rows beyond the watermark");
    shop.database().commit();
    shop.succeeds(sync());
    shop.is_equal("the next run");
    assert!(!shop.state().target.unwrap().unsure);
}

#[test]
fn rows_are_looked_up_while_the_source_is_behind_the_target() {
    for mapping in [APPEND, KEYLESS] {
        let shop = Shop::new(mapping).rows(1..=20);
        shop.succeeds(sync());
        let kept = shop.state();
        shop.insert_at(21, "new", "2026-11-23 08:07:00");
        shop.insert_at(22, "newer", "2026-11-23 08:07:01");
        shop.succeeds(sync());
        shop.edit(|state| *state = kept);
        // A replica that lacks the last row, or a server that took over without it.
        let last = shop.database().rows.pop().unwrap();
        let report = shop.succeeds(sync());
        assert!(report.warnings.iter().any(|warning| warning.contains("1 row beyond the watermark")), "{report:#?}");
        shop.database().rows.push(last);
        shop.succeeds(sync());
        shop.is_equal(mapping);
        assert!(!shop.state().target.unwrap().unsure);
    }
}

#[test]
fn an_unsent_publish_is_not_confused_with_another_hosts_publish_of_the_same_name() {
    let shop = Shop::new(APPEND).rows(1..=30);
    shop.trouble(Call::Publish, 1, Trouble::KilledBefore);
    assert!(shop.run(sync()).is_none());
    shop.world.script.clear();
    let job = shop.state().pending.unwrap().job;
    // The other host sees fewer rows, and takes the name.
    shop.database().rows.truncate(20);
    assert_eq!(runs_elsewhere(&shop).jobs, [job]);
    shop.insert(21..=30);
    let report = shop.succeeds(sync());
    assert_eq!(report.rows_inserted, 10);
    shop.is_equal("both");
}

#[test]
fn a_staging_table_of_another_host_is_dropped_once_its_run_must_be_dead() {
    use chrono::TimeDelta;
    let shop = Shop::new(APPEND).rows(1..=30);
    shop.trouble(Call::Finish, 1, Trouble::KilledAfter);
    let mut dies = shop.process_of("elsewhere");
    dies.send(sync());
    assert!(dies.ends().is_none());
    drop(dies);
    shop.world.script.clear();
    for (hours, tables) in [(0, 2), (47, 2), (2, 1)] {
        shop.pass(TimeDelta::hours(hours));
        shop.succeeds(sync());
        assert_eq!(shop.dataset().tables.len(), tables, "{hours} hours later");
    }
}
