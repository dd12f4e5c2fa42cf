//! Recovery of a publish that an earlier process had sent.

use std::sync::Arc;

use super::works::{APPEND, KEYLESS, UPSERT, later, to_backfill, to_delete, whole};
use crate::domain::naming::STAGING_PREFIX;
use crate::domain::report::{MappingReport, Outcome};
use crate::engine::{Command, Event};
use crate::state::StoredWatermark;
use crate::testing::{Call, HERE, Shop, Trouble, deletes, sync};

/// A process killed at a publish of new rows.
fn killed_at_the_publish(mapping: &str, kill: Trouble) -> Shop {
    let shop = Shop::new(mapping).rows(1..=59);
    shop.succeeds(sync());
    shop.insert(60..=89);
    shop.trouble(Call::Publish, 1, kill);
    // Here the process only hears of the error.
    shop.trouble(Call::Fate, 1, Trouble::KilledBefore);
    assert!(shop.run(sync()).is_none());
    assert_eq!(shop.state().pending.unwrap().rows, 30);
    shop.world.script.clear();
    shop
}

/// The next run: its report, and whether it found that the publish had been done.
fn recovers(shop: &Shop, command: Command) -> (MappingReport, bool) {
    let mut process = shop.process_of(HERE);
    process.send(command);
    let found = process.until(|event| match event {
        Event::PublishRecovered { done, .. } => Some(*done),
        _ => None,
    });
    let report = process.ends().unwrap();
    assert_eq!(report.outcome, Outcome::Ok, "{report:#?}");
    shop.is_tidy("the recovery");
    (report, found.unwrap())
}

fn calls_of_recovery(shop: &Shop) -> Vec<Call> {
    let calls = shop.calls();
    calls.into_iter().skip_while(|call| *call != Call::Fate).take_while(|call| *call != Call::Leftovers).collect()
}

#[test]
fn a_pending_publish_that_took_effect_is_adopted_and_its_rows_are_not_read_again() {
    for mapping in [UPSERT, APPEND, KEYLESS] {
        let shop = killed_at_the_publish(mapping, Trouble::KilledAfter);
        let (report, done) = recovers(&shop, sync());
        assert!(done);
        assert_eq!(calls_of_recovery(&shop), [Call::Fate, Call::DropStaging, Call::Save]);
        assert_eq!((report.records_processed, report.rows_inserted, report.jobs.len()), (30, 30, 1), "{mapping}");
        assert_eq!(report.watermark_after.as_deref(), Some("2026-01-01 00:00:29"));
        assert!(report.warnings.is_empty(), "{report:#?}");
        shop.is_equal(mapping);
    }
}

#[test]
fn a_pending_publish_that_never_arrived_is_forgotten_and_its_rows_are_read_again() {
    let shop = killed_at_the_publish(KEYLESS, Trouble::KilledBefore);
    let (report, done) = recovers(&shop, sync());
    assert!(!done);
    assert_eq!(calls_of_recovery(&shop), [Call::Fate, Call::DropStaging, Call::Fate, Call::Save]);
    assert_eq!(report.records_processed, 30);
    shop.is_equal("it");
}

#[test]
fn a_pending_publish_that_arrives_before_its_staging_table_is_dropped_is_adopted() {
    let shop = killed_at_the_publish(KEYLESS, Trouble::Late);
    let world = Arc::clone(&shop.world);
    shop.trouble(Call::DropStaging, 1, Trouble::meanwhile(move || world.dataset().deliver(world.clock.millis())));
    let (report, done) = recovers(&shop, sync());
    assert!(done);
    assert_eq!(calls_of_recovery(&shop), [Call::Fate, Call::DropStaging, Call::Fate, Call::Save]);
    assert_eq!(report.records_processed, 30);
    shop.is_equal("it");
}

#[test]
fn a_pending_publish_that_arrives_after_its_staging_table_was_dropped_has_failed() {
    let shop = killed_at_the_publish(KEYLESS, Trouble::Late);
    let world = Arc::clone(&shop.world);
    shop.trouble(Call::Fate, 2, Trouble::meanwhile(move || world.dataset().deliver(world.clock.millis())));
    let (report, done) = recovers(&shop, sync());
    assert!(!done);
    assert_eq!(report.records_processed, 30);
    shop.is_equal("it");
}

#[test]
fn a_pending_publish_that_failed_is_sent_again() {
    let shop = Shop::new(UPSERT).rows(1..=59);
    shop.succeeds(sync());
    shop.insert(60..=89);
    let world = Arc::clone(&shop.world);
    let staging_goes = move || world.dataset().tables.retain(|table, _| table == "t");
    shop.trouble(Call::Publish, 1, Trouble::meanwhile(staging_goes));
    assert_eq!(shop.run(sync()).unwrap().outcome, Outcome::Failed);
    shop.world.script.clear();
    let (report, done) = recovers(&shop, sync());
    assert!(!done);
    assert_eq!(calls_of_recovery(&shop), [Call::Fate, Call::DropStaging, Call::Save]);
    // The sums below its watermark were lost with it, so those minutes are read again.
    assert_eq!((report.records_processed, report.rows_read_again), (89, 59));
    shop.is_equal("it");
}

#[test]
fn a_watermark_set_by_hand_before_the_recovery_stays() {
    let shop = killed_at_the_publish(KEYLESS, Trouble::KilledAfter);
    let by_hand = StoredWatermark { value: "2026-01-01 00:00:10".into(), imported: true };
    shop.edit(|state| state.watermark = Some(by_hand));
    shop.insert_at(200, "new", "2026-02-01");
    let (report, done) = recovers(&shop, sync());
    assert!(done);
    assert_eq!(report.watermark_before.as_deref(), Some("2026-01-01 00:00:10"));
    assert_eq!(report.window.as_deref(), Some("[2026-01-01 00:00:10, 2026-02-01 00:00:00]"));
    shop.is_equal("rows of the watermark's own value were read again");
}

#[test]
fn an_adopted_backfill_step_moves_the_checkpoint_and_not_the_watermark() {
    let shop = to_backfill(KEYLESS);
    let mark = shop.state().watermark;
    shop.trouble(Call::Publish, 2, Trouble::KilledAfter);
    assert!(shop.run(whole()).is_none());
    assert_eq!(shop.state().backfill.unwrap().slices, 1);
    shop.world.script.clear();
    // It is looked at before the run goes on.
    shop.trouble(Call::Leftovers, 1, Trouble::KilledBefore);
    assert!(shop.run(whole()).is_none());
    let backfill = shop.state().backfill.unwrap();
    assert_eq!((backfill.slices, backfill.done.as_deref()), (2, Some("2026-01-01 00:00:27")));
    assert_eq!((shop.state().watermark, shop.state().pending), (mark, None));
    shop.world.script.clear();
    shop.succeeds(whole());
    shop.is_equal("the backfill");
}

#[test]
fn a_backfill_restarted_before_the_recovery_keeps_its_checkpoint() {
    let shop = to_backfill(KEYLESS);
    shop.trouble(Call::Publish, 2, Trouble::KilledAfter);
    assert!(shop.run(whole()).is_none());
    shop.edit(|state| state.backfill.as_mut().unwrap().done = None);
    shop.world.script.clear();
    shop.trouble(Call::Leftovers, 1, Trouble::KilledBefore);
    assert!(shop.run(whole()).is_none());
    let state = shop.state();
    assert_eq!((state.backfill.unwrap().done, state.pending), (None, None));
    shop.world.script.clear();
    shop.succeeds(whole());
    shop.is_equal("the backfill");
}

#[test]
fn an_adopted_publish_of_reread_rows_moves_nothing() {
    let shop = later(KEYLESS);
    shop.trouble(Call::Publish, 1, Trouble::KilledAfter);
    assert!(shop.run(sync()).is_none());
    let pending = shop.state().pending.unwrap();
    assert_eq!((pending.moves, pending.since.clone()), (crate::state::Moves::Nothing, None), "{pending:?}");
    shop.world.script.clear();
    let (report, done) = recovers(&shop, sync());
    assert!(done);
    assert_eq!(report.watermark_before.as_deref(), Some("2026-01-01 00:00:20"));
    shop.is_equal("it");
}

#[test]
fn a_deletion_that_took_effect_is_adopted_although_it_has_no_mark() {
    let shop = to_delete("deletes: hard");
    shop.trouble(Call::Delete, 1, Trouble::KilledAfter);
    assert!(shop.run(deletes(false)).is_none());
    shop.world.script.clear();
    let (report, done) = recovers(&shop, sync());
    assert!(done);
    assert_eq!(report.watermark_before, report.watermark_after);
    shop.is_equal("it");
}

#[test]
fn an_inline_publish_cannot_arrive_after_it_was_given_up() {
    let shop = Shop::new(APPEND).inline().rows(1..=30);
    shop.succeeds(sync());
    shop.insert(33..=60);
    shop.trouble(Call::Publish, 1, Trouble::Late);
    shop.trouble(Call::Fate, 1, Trouble::KilledBefore);
    assert!(shop.run(sync()).is_none());
    shop.world.script.clear();
    // Somebody else has changed the target, so the rows are now sent under another name.
    shop.dataset().tables.get_mut("t").unwrap().modified += 5;
    shop.succeeds(sync());
    let now = shop.world.clock.millis();
    shop.dataset().deliver(now);
    shop.is_equal("the late arrival");
}

#[test]
fn a_staging_table_that_reappears_after_its_drop_is_dropped_by_the_next_run() {
    let shop = Shop::new(UPSERT).rows(1..=59);
    shop.trouble(Call::Finish, 1, Trouble::KilledBefore);
    assert!(shop.run(sync()).is_none());
    shop.world.script.clear();
    let of_dead = |shop: &Shop| {
        let dataset = shop.dataset();
        dataset
            .tables
            .iter()
            .find(|(name, _)| name.starts_with(STAGING_PREFIX))
            .map(|(name, table)| (name.clone(), table.clone()))
    };
    let (name, table) = of_dead(&shop).unwrap();
    shop.succeeds(sync());
    shop.is_tidy("the run after it");
    // The dead run's load job was on its way, and arrives now.
    shop.dataset().tables.insert(name, table);
    shop.insert(60..=70);
    shop.succeeds(sync());
    shop.is_tidy("the one after that");
}
