//! How often a mapping's work is retried, and what ends it for good.

use std::sync::Arc;
use std::time::Duration;

use super::works::{APPEND, UPSERT};
use crate::domain::column::SourceColumn;
use crate::domain::fault::FaultKind::{self, Auth, Bug, Busy, Config, Conflict, Data, Quota, Schema, Transient};
use crate::domain::report::Outcome;
use crate::domain::source_type::SourceType;
use crate::engine::{Command, Event};
use crate::testing::{Call, HERE, Refusal, Shop, Trouble, Value, sync};

/// A run whose first `times` tries fail.
fn failing(kind: FaultKind, times: usize) -> Shop {
    let shop = Shop::new(APPEND).rows(1..=30);
    (1..=times).for_each(|nth| shop.trouble(Call::Bounds, nth, Trouble::refused(kind)));
    shop
}

#[test]
fn each_kind_of_fault_gets_the_attempts_of_its_policy() {
    let attempts = [
        (Transient, 4),
        (Quota, 3),
        (Busy, 6),
        (Auth, 1),
        (Schema, 1),
        (Config, 1),
        (Data, 1),
        (Conflict, 1),
        (Bug, 1),
    ];
    for (kind, most) in attempts {
        let shop = failing(kind, usize::try_from(most).unwrap() - 1);
        assert_eq!(shop.succeeds(sync()).attempts, most, "{kind:?}");
        shop.is_equal("the last attempt");
        let report = failing(kind, usize::try_from(most).unwrap()).run(sync()).unwrap();
        assert_eq!((report.outcome, report.error_kind, report.attempts), (Outcome::Failed, Some(kind), most));
    }
}

/// How long each wait was announced to be, in seconds.
fn waits_of(shop: &Shop) -> Vec<u64> {
    let mut process = shop.process_of(HERE);
    process.send(sync());
    process.ends().unwrap();
    let wait = |event: &Event| match event {
        Event::RetryScheduled { wait_ms, .. } => Some(wait_ms / 1000),
        _ => None,
    };
    process.events.iter().filter_map(wait).collect()
}

#[test]
fn a_used_up_quota_is_retried_after_minutes_or_as_long_as_the_server_asks() {
    let waits = waits_of(&failing(Quota, 1));
    assert!((600..=1_200).contains(&waits[0]), "{waits:?}");
    let shop = Shop::new(APPEND).rows(1..=30);
    let hour = Some(Duration::from_hours(1));
    let refusal = Refusal { kind: Quota, retry_after: hour, is_too_much: false };
    shop.trouble(Call::Publish, 1, Trouble::Refused(refusal));
    assert_eq!(waits_of(&shop), [3_600]);
    shop.is_equal("the wait");
}

#[test]
fn a_published_step_resets_the_count_of_attempts() {
    // Without this, each attempt would read the minutes below the watermark again.
    let shop = Shop::new(&format!("{UPSERT}, lookback: 0")).with("window_rows: 10").rows(1..=60);
    // Three failures in each step, the most that one may have.
    for step in 0..5 {
        (1..=3).for_each(|nth| shop.trouble(Call::Publish, step * 4 + nth, Trouble::refused(Transient)));
    }
    let report = shop.succeeds(sync());
    assert_eq!((report.attempts, report.records_processed), (16, 60));
    shop.is_equal("all of it");
}

/// The table gets another column whenever it is looked at while it is read.
fn altered(shop: &Shop, times: usize) {
    for nth in 1..=times {
        let world = Arc::clone(&shop.world);
        let alter = move || {
            let mut database = world.database();
            let kind = SourceType::Int { bits: 64, unsigned: false };
            database.schema.columns.push(SourceColumn::new(format!("c{nth}"), kind, true));
            database.rows.iter_mut().for_each(|row| row.push(Value::Int(7)));
        };
        // One look to plan, and one after all rows are read.
        shop.trouble(Call::Describe, 2 * nth, Trouble::meanwhile(alter));
    }
}

#[test]
fn a_table_that_is_altered_while_it_is_read_is_read_again_three_times() {
    let setting = "allow_schema_additions: true";
    let shop = Shop::new(UPSERT).with(setting).rows(1..=30);
    altered(&shop, 3);
    assert_eq!(shop.succeeds(sync()).attempts, 4);
    shop.is_equal("three changes");
    let shop = Shop::new(UPSERT).with(setting).rows(1..=30);
    altered(&shop, 4);
    let report = shop.run(sync()).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(Schema)));
    assert_eq!(report.errors, ["t was altered while it was read: `c4` BIGINT was added"]);
    shop.succeeds(sync());
    shop.is_equal("the next run");
    shop.is_tidy("the next run");
}

#[test]
fn a_fault_caused_by_an_altered_table_leads_to_another_look() {
    let shop = Shop::new(UPSERT).with("allow_schema_additions: true").rows(1..=30);
    altered(&shop, 1);
    shop.trouble(Call::Read, 2, Trouble::refused(Schema));
    assert_eq!(shop.succeeds(sync()).attempts, 2);
    shop.is_equal("the second attempt");
    let shop = Shop::new(UPSERT).rows(1..=30);
    shop.trouble(Call::Read, 2, Trouble::refused(Schema));
    assert_eq!(shop.run(sync()).unwrap().error_kind, Some(Schema));
}

#[test]
fn the_deadline_stops_the_work_at_a_safe_point_and_keeps_what_is_done() {
    let shop = Shop::new(UPSERT).with("window_rows: 40\ndeadline: 1h").rows(1..=100);
    shop.trouble(Call::Read, 6, Trouble::HeldBefore);
    let report = shop.run(sync()).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(Transient)));
    assert_eq!(report.errors, ["The mapping's work had not ended after 1 h (`deadline`)"]);
    assert_eq!((report.steps, report.watermark_after.as_deref()), (1, Some("2026-01-01 00:00:13")));
    shop.succeeds(sync());
    shop.is_equal("the next run");
    shop.is_tidy("the next run");
}

#[test]
fn a_cancel_ends_a_wait_at_once() {
    let shop = failing(Quota, 3);
    let mut process = shop.process_of(HERE);
    process.send(sync());
    process.until(|event| matches!(event, Event::RetryScheduled { .. }).then_some(())).unwrap();
    process.send(Command::CancelAll);
    let report = process.ends().unwrap();
    assert_eq!((report.outcome, report.attempts, report.errors.len()), (Outcome::Cancelled, 1, 0));
}

#[test]
fn a_lease_held_or_taken_over_by_another_process_ends_the_run() {
    let shop = Shop::new(UPSERT).rows(1..=30);
    shop.trouble(Call::Publish, 1, Trouble::HeldAfter);
    let mut first = shop.process_of(HERE);
    first.send(sync());
    first.until_held();
    let refused = shop.run(sync()).unwrap();
    assert_eq!((refused.outcome, refused.error_kind), (Outcome::Failed, Some(Conflict)));
    assert!(refused.errors[0].contains("Mapping `t` is held by run"), "{refused:#?}");
    shop.world.remembered(HERE, crate::testing::Remembered::expire_leases);
    shop.world.script.let_go();
    let report = first.ends().unwrap();
    assert_eq!(report.error_kind, Some(Conflict));
    assert!(report.errors[0].contains("is another process's by now"), "{report:#?}");
    shop.succeeds(sync());
    shop.is_equal("the next run");
}

#[test]
fn a_failed_final_save_fails_the_run_and_loses_no_rows() {
    let shop = Shop::new(UPSERT).rows(1..=30);
    shop.trouble(Call::Save, 3, Trouble::refused(Auth));
    let report = shop.run(sync()).unwrap();
    assert_eq!((report.outcome, report.error_kind, report.records_processed), (Outcome::Failed, Some(Auth), 30));
    shop.is_equal("it all the same");
    assert_eq!(shop.succeeds(sync()).records_processed, 0);
}
