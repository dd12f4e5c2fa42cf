//! A window moves in steps: where they end, and what is remembered of each.

use std::sync::Arc;

use super::works::{APPEND, KEYLESS, NUMBERS, UPSERT, to_backfill, whole};
use crate::domain::fault::FaultKind;
use crate::domain::publish::PublishKind::{Copy, InsertMissing, Merge};
use crate::domain::report::Outcome;
use crate::engine::Event;
use crate::testing::{Call, HERE, Shop, Trouble, sync};

/// The windows of a run's steps, if there are several.
fn steps_of(shop: &Shop) -> Vec<String> {
    let mut process = shop.process_of(HERE);
    process.send(sync());
    let report = process.ends().unwrap();
    assert_eq!(report.outcome, Outcome::Ok, "{report:#?}");
    let step = |event: &Event| match event {
        Event::StepStarted { window, .. } => Some(window.clone()),
        _ => None,
    };
    process.events.iter().filter_map(step).collect()
}

/// The calls in their order. (Both sides are described at the same time, so the target's description is left out.)
fn calls_of(shop: &Shop) -> Vec<Call> {
    let mut calls = shop.calls();
    calls.retain(|call| *call != Call::DescribeTarget);
    calls
}

#[test]
fn a_run_that_finds_nothing_new_reads_no_rows_and_asks_bigquery_nothing() {
    let shop = Shop::new(APPEND).rows(1..=30);
    shop.succeeds(sync());
    shop.world.script.clear();
    let report = shop.succeeds(sync());
    assert_eq!((report.window, report.records_processed, report.steps), (None, 0, 0));
    let expected = [Call::Lease, Call::Load, Call::Describe, Call::Bounds, Call::TailSums, Call::Save, Call::RecordRun];
    assert_eq!(calls_of(&shop), expected);
}

#[test]
fn a_window_of_one_step_makes_each_call_once() {
    let shop = Shop::new(APPEND).rows(1..=9);
    let report = shop.succeeds(sync());
    assert_eq!((report.steps, report.records_processed), (1, 9));
    let expected = [
        Call::Lease,
        Call::Load,
        Call::Leftovers,
        Call::Describe,
        Call::EnsureDataset,
        Call::Apply,
        Call::Bounds,
        Call::Writers,
        Call::TailSums,
        Call::StepEnd,
        Call::Read,
        Call::Stage,
        Call::Read,
        Call::Write,
        Call::Describe,
        Call::Finish,
        Call::Save,
        Call::Publish,
        Call::Save,
        Call::DropStaging,
        Call::Save,
        Call::RecordRun,
    ];
    assert_eq!(calls_of(&shop), expected);
}

#[test]
fn a_large_window_is_moved_in_steps_that_keep_ties_together() {
    for mapping in [UPSERT, APPEND] {
        let shop = Shop::new(mapping).with("window_rows: 40").rows(1..=100);
        // Row 40 shares its second with 39 and 41.
        let expected = [
            "(beginning, 2026-01-01 00:00:13]",
            "(2026-01-01 00:00:13, 2026-01-01 00:00:27]",
            "(2026-01-01 00:00:27, 2026-01-01 00:00:33]",
        ];
        assert_eq!(steps_of(&shop), expected);
        shop.is_equal(mapping);
    }
    let shop = Shop::new(UPSERT).with("window_rows: 7");
    (1..=100).for_each(|id| shop.insert_at(id, "all at once", "2026-02-02 02:02:02"));
    assert_eq!(steps_of(&shop), [""; 0]);
    shop.is_equal("one step");
}

#[test]
fn an_append_in_steps_describes_its_target_before_each_step_and_copies() {
    let shop = Shop::new(APPEND).with("window_rows: 40").rows(1..=5);
    shop.succeeds(sync());
    shop.published();
    shop.world.script.clear();
    shop.insert(6..=100);
    shop.succeeds(sync());
    assert_eq!(shop.published(), [Copy, Copy, Copy]);
    let looks = shop.calls().iter().filter(|call| **call == Call::DescribeTarget).count();
    assert_eq!(looks, 3);
}

#[test]
fn a_step_that_was_too_large_is_repeated_in_smaller_steps() {
    let shop = Shop::new(NUMBERS).in_batches_of(4_096).rows(1..=9_000);
    shop.trouble(Call::Publish, 1, Trouble::too_much());
    let report = shop.succeeds(sync());
    assert_eq!((report.steps, report.records_processed, report.attempts), (2, 9_000, 1));
    let warning = report.warnings.iter().find(|warning| warning.contains("a step was too large")).unwrap();
    assert!(
        warning.contains("from here on steps have 4882 rows; `window_rows: 4882` begins with such steps"),
        "{warning}"
    );
    shop.is_equal("smaller steps");
    shop.is_tidy("smaller steps");
}

#[test]
fn a_step_that_cannot_be_smaller_fails() {
    let small = Shop::new(NUMBERS).in_batches_of(4_096).rows(1..=4_000);
    let unindexed = Shop::new(KEYLESS).in_batches_of(4_096).rows(1..=9_000);
    unindexed.database().schema.indexes.clear();
    for shop in [small, unindexed] {
        shop.trouble(Call::Publish, 1, Trouble::too_much());
        let report = shop.run(sync()).unwrap();
        assert_eq!((report.outcome, report.error_kind, report.steps), (Outcome::Failed, Some(FaultKind::Data), 0));
        shop.succeeds(sync());
        shop.is_equal("the next run");
        shop.is_tidy("the next run");
    }
}

#[test]
fn a_step_writes_no_more_partitions_than_a_job_may() {
    let shop = Shop::new("primary_keys: [id], incremental_column: at, partition_by: at, mode: append");
    for (id, stamp) in (1..).zip(["2001-03-04 05:06:07", "2005-01-01", "2012-02-11 05:06:08", "2026-01-01"]) {
        shop.insert_at(id, "far apart", stamp);
    }
    let expected = [
        "(beginning, 2012-02-11 05:06:07]",
        "(2012-02-11 05:06:07, 2023-01-20 05:06:08]",
        "(2023-01-20 05:06:08, 2026-01-01 00:00:00]",
    ];
    assert_eq!(steps_of(&shop), expected);
    shop.is_equal("steps");
}

#[test]
fn an_empty_stretch_of_a_backfill_counts_as_done() {
    let shop = to_backfill(UPSERT);
    let world = Arc::clone(&shop.world);
    let rows_go = move || world.database().rows.retain(|row| row[0] > crate::testing::Value::Int(41));
    shop.trouble(Call::Read, 1, Trouble::meanwhile(rows_go));
    shop.trouble(Call::Publish, 1, Trouble::KilledBefore);
    assert!(shop.run(whole()).is_none());
    let backfill = shop.state().backfill.unwrap();
    assert_eq!((backfill.slices, backfill.rows, backfill.done.as_deref()), (1, 0, Some("2026-01-01 00:00:13")));
    shop.world.script.clear();
    shop.succeeds(whole());
    assert!(shop.state().backfill.is_none());
}

#[test]
fn an_append_remembers_rows_beyond_its_watermark_until_it_has_passed_them() {
    let shop = Shop::new(APPEND).with("window_rows: 40").rows(1..=100);
    shop.succeeds(whole());
    assert_eq!(shop.state().overlap_to.as_deref(), Some("2026-01-01 00:00:33"));
    shop.published();
    // The first run has no watermark, and every row is there.
    let report = shop.succeeds(sync());
    assert_eq!((shop.published(), report.rows_inserted), (vec![InsertMissing; 3], 0));
    assert_eq!(shop.state().overlap_to, None);
    shop.insert(102..=110);
    shop.succeeds(sync());
    assert_eq!(shop.published(), [Copy]);
    shop.is_equal("all");
}

#[test]
fn a_lookback_rereads_a_stretch_and_leaves_the_watermark_in_place() {
    let shop = Shop::new(&format!("{UPSERT}, lookback: 3s")).with("window_rows: 4").rows(1..=100);
    shop.succeeds(sync());
    let mark = shop.state().watermark;
    // The application forgot to set the new moment.
    shop.update(91, "corrected", "2026-01-01 00:00:30");
    shop.published();
    let report = shop.succeeds(sync());
    assert_eq!((report.records_processed, shop.published(), shop.state().watermark), (11, vec![Merge], mark));
    shop.is_equal("the lookback");
}

#[test]
fn a_pause_holds_between_two_batches_and_a_cancel_ends_it() {
    use crate::domain::ids::MappingName;
    use crate::engine::Command;
    let shop = Shop::new(UPSERT).rows(1..=100);
    let mapping = || MappingName("t".to_owned());
    shop.trouble(Call::Write, 2, Trouble::HeldAfter);
    let mut process = shop.process_of(HERE);
    process.send(sync());
    process.until_held();
    process.send(Command::Pause(mapping()));
    shop.world.script.let_go();
    let is = |wanted: fn(&Event) -> bool| move |event: &Event| wanted(event).then_some(());
    process.until(is(|event| matches!(event, Event::Paused { .. }))).unwrap();
    process.send(Command::Resume(mapping()));
    process.until(is(|event| matches!(event, Event::Resumed { .. }))).unwrap();
    process.send(Command::Cancel(mapping()));
    let report = process.ends().unwrap();
    assert_eq!((report.outcome, report.steps), (Outcome::Cancelled, 0));
    shop.succeeds(sync());
    shop.is_equal("the next run");
}
