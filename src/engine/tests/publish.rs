//! How a publish is sent, and how it may end.

use chrono::TimeDelta;

use super::works::{APPEND, KEYLESS, UPSERT};
use crate::domain::fault::FaultKind;
use crate::domain::publish::PublishKind::{Copy, Insert, InsertMissing, InsertNewest, Merge, MergeAsRead};
use crate::domain::report::{MappingReport, Outcome};
use crate::engine::{Command, Event};
use crate::testing::{Call, HERE, Process, Shop, Trouble, sync};
use crate::warehouse::Taken;

/// A target that the mapping has left, and rows for a copy job.
fn to_copy() -> Shop {
    let shop = Shop::new(APPEND).rows(1..=59);
    shop.succeeds(sync());
    shop.published();
    shop.pass(TimeDelta::hours(3));
    shop.insert(60..=88);
    shop
}

/// A run whose first publishes find their names taken.
fn finding_taken(taken: &[Taken]) -> (Shop, MappingReport) {
    let shop = to_copy();
    shop.dataset().taken.extend(taken);
    let report = shop.succeeds(sync());
    shop.is_equal("the run");
    shop.is_tidy("the run");
    (shop, report)
}

#[test]
fn each_mode_uses_its_cheapest_correct_publish() {
    for (mapping, first, later) in [
        (UPSERT, Copy, Merge),
        (APPEND, Copy, Copy),
        (KEYLESS, Copy, Copy),
        ("primary_keys: [id], incremental_column: at, partition_by: at, mode: append", Insert, Insert),
    ] {
        let shop = Shop::new(mapping).rows(1..=59);
        shop.succeeds(sync());
        assert_eq!(shop.published(), [first], "{mapping}");
        shop.insert(60..=88);
        let report = shop.succeeds(sync());
        assert_eq!(shop.published(), [later], "{mapping}");
        assert_eq!((report.rows_inserted, report.records_processed, report.warnings.len()), (29, 29, 0), "{report:#?}");
        shop.is_equal(mapping);
    }
}

#[test]
fn the_first_step_of_an_upsert_keeps_each_keys_newest_row_and_reread_rows_win() {
    let shop = Shop::new(UPSERT).with("window_rows: 40").rows(1..=100);
    shop.succeeds(sync());
    assert_eq!(shop.published(), [InsertNewest, Merge, Merge]);
    shop.update(90, "stamped back", "2026-01-01 00:00:25");
    shop.succeeds(sync());
    assert_eq!(shop.published(), [MergeAsRead, MergeAsRead, MergeAsRead]);
    shop.is_equal("a row that was stamped back");
}

#[test]
fn a_job_name_taken_by_a_publish_without_effect_costs_nothing() {
    let (shop, report) = finding_taken(&[Taken { changed: false, ended: None }]);
    assert_eq!(shop.published(), [Copy]);
    assert!(report.jobs[0].0.ends_with("_1"), "{:?}", report.jobs);
}

#[test]
fn rows_are_looked_up_after_another_publish_changed_the_target() {
    let now = to_copy().world.clock.millis();
    for (ended, expected) in [(None, InsertMissing), (Some(now - 60_000), InsertMissing), (Some(now - 7_200_000), Copy)]
    {
        let (shop, _) = finding_taken(&[Taken { changed: true, ended }]);
        assert_eq!(shop.published(), [expected], "{ended:?}");
    }
}

#[test]
fn after_sixteen_taken_names_a_publish_uses_its_runs_own_name() {
    let (shop, report) = finding_taken(&[Taken { changed: false, ended: None }; 16]);
    assert_eq!(shop.published(), [InsertMissing]);
    assert!(report.jobs[0].0.starts_with("bqsync_insert_t_"), "{:?}", report.jobs);
    let (shop, report) = finding_taken(&[Taken { changed: false, ended: None }; 15]);
    assert_eq!((shop.published(), report.jobs[0].0.ends_with("_15")), (vec![Copy], true), "{:?}", report.jobs);
}

#[test]
fn a_refused_copy_is_replaced_by_an_insert() {
    let shop = to_copy();
    shop.dataset().refuses_copies = true;
    let mut process = shop.process_of(HERE);
    process.send(sync());
    assert_eq!(process.ends().unwrap().outcome, Outcome::Ok);
    assert_eq!(shop.published(), [Copy, Insert]);
    let warned =
        |event: &Event| matches!(event, Event::Warned { message, .. } if message.contains("are inserted instead"));
    assert!(process.events.iter().any(warned), "{:?}", process.events);
    shop.is_equal("an insert");
}

#[test]
fn a_copy_that_took_effect_although_it_was_reported_as_refused_is_adopted() {
    let shop = to_copy();
    shop.trouble(Call::Publish, 1, Trouble::SaysFailed(FaultKind::Schema));
    let report = shop.succeeds(sync());
    assert_eq!((shop.published(), report.rows_inserted), (vec![Copy], 29));
    shop.is_equal("the copy");
}

/// The publish has taken effect, and its answer is held back.
fn cancelled_while_it_publishes() -> (Shop, Process) {
    let shop = to_copy();
    shop.trouble(Call::Publish, 1, Trouble::HeldAfter);
    let mut process = shop.process_of(HERE);
    process.send(sync());
    process.until_held();
    process.send(Command::CancelAll);
    (shop, process)
}

#[test]
fn a_publish_that_ends_soon_after_the_operator_cancels_counts() {
    let (shop, mut process) = cancelled_while_it_publishes();
    shop.world.script.let_go();
    let report = process.ends().unwrap();
    assert_eq!((report.outcome, report.rows_inserted), (Outcome::Ok, 29));
    shop.is_equal("the publish");
    shop.is_tidy("the publish");
}

#[test]
fn the_next_run_looks_up_a_publish_that_outlived_the_operators_cancel() {
    let (shop, mut process) = cancelled_while_it_publishes();
    let report = process.ends().unwrap();
    assert_eq!((report.outcome, report.rows_inserted), (Outcome::Cancelled, 0));
    let warned = |event: &Event| matches!(event, Event::Warned { message, .. } if message.contains("is still running"));
    assert!(process.events.iter().any(warned), "{:?}", process.events);
    assert!(shop.state().pending.is_some());
    let report = shop.succeeds(sync());
    assert_eq!((shop.published(), report.rows_inserted), (vec![Copy], 29));
    shop.is_equal("the next run");
    shop.is_tidy("the next run");
}

#[test]
fn a_target_that_others_write_to_is_reported_once_and_rows_are_looked_up() {
    let shop = to_copy();
    let theirs = crate::testing::row(1_000, "theirs", "2026-01-01");
    shop.dataset().tables.get_mut("t").unwrap().rows.push(theirs.clone());
    let report = shop.succeeds(sync());
    assert_eq!(shop.published(), [InsertMissing]);
    assert!(
        report.warnings[0].contains("is not as this mapping left it (it holds 60 rows, and was left with 59)"),
        "{report:#?}"
    );
    assert!(shop.arrived().contains(&theirs) && shop.arrived().len() == 89);
    shop.insert(100..=110);
    assert!(shop.succeeds(sync()).warnings.is_empty());
    assert_eq!(shop.published(), [Copy]);
}
