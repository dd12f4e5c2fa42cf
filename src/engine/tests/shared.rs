//! A backfill that several processes share: one dies, one comes late, one that was thought dead comes back, and others
//! want the mapping meanwhile.

use chrono::TimeDelta;

use super::works::{KEYLESS, UPSERT, whole};
use crate::domain::fault::FaultKind::Conflict;
use crate::domain::report::{MappingReport, Outcome};
use crate::engine::{BackfillAsk, Command};
use crate::testing::{Call, HERE, Process, Remembered, Shop, Trouble, backfill, sync};

/// Enough rows for several parts, each of a step or two.
fn to_share(mapping: &str) -> Shop {
    let shop = Shop::new(mapping).with("window_rows: 5").rows(1..=40);
    shop.world.script.clear();
    shop
}

fn ask(start: &str) -> BackfillAsk {
    let Command::Backfill { ask, .. } = backfill(start) else { unreachable!() };
    ask
}

fn share(shard: &str) -> Command {
    Command::Backfill { ask: ask("2026-01-01"), restart: false, shard: Some(shard.parse().unwrap()) }
}

fn restart() -> Command {
    Command::Backfill { ask: ask("2026-01-01"), restart: true, shard: None }
}

/// A process of a share that is held at the given call.
fn held(shop: &Shop, shard: &str, call: Call, nth: usize) -> Process {
    shop.trouble(call, nth, Trouble::HeldBefore);
    let mut process = shop.process_of(HERE);
    process.send(share(shard));
    process.until_held();
    process
}

#[track_caller]
fn refused(shop: &Shop, command: Command, words: &str) -> MappingReport {
    let report = shop.run(command).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(Conflict)), "{report:#?}");
    assert!(report.errors[0].contains(words), "{report:#?}");
    report
}

#[test]
fn a_single_process_cuts_the_backfill_and_moves_every_part() {
    for mapping in [UPSERT, KEYLESS] {
        let shop = to_share(mapping);
        let report = shop.succeeds(share("0/2"));
        assert_eq!((report.records_processed, report.watermark_after), (40, None));
        assert_eq!(report.window.as_deref(), Some("[2026-01-01 00:00:00, 2026-01-01 00:00:13]"));
        shop.is_equal(mapping);
        shop.is_tidy(mapping);
        let state = shop.state();
        assert_eq!((state.backfill, state.ended_backfill.unwrap().told), (None, vec![0]));
        // The others come late: each is told so once, and moves nothing.
        let late = shop.succeeds(share("1/2"));
        assert_eq!(
            (late.records_processed, &*late.warnings[0]),
            (0, "the other processes had moved all of it before this one started")
        );
        assert_eq!(shop.state().ended_backfill.unwrap().told, [0, 1]);
        // A process that comes again asks for a new backfill.
        shop.pass(TimeDelta::seconds(1));
        assert_eq!(shop.succeeds(share("1/2")).records_processed, 40);
        shop.is_equal("another backfill");
    }
}

#[test]
fn two_processes_share_the_parts_and_each_waits_for_the_others_last_part() {
    for mapping in [UPSERT, KEYLESS] {
        let shop = to_share(mapping);
        // The first process is held in its first part.
        let mut first = held(&shop, "0/2", Call::Publish, 1);
        let mut second = shop.process_of(HERE);
        second.send(share("1/2"));
        shop.trouble(Call::Lease, 12, Trouble::HeldBefore);
        second.until_held();
        // The second has moved all others by now and waits; the first goes on, and finds nothing else to do.
        shop.world.script.let_go();
        let report = first.ends().unwrap();
        assert_eq!(report.outcome, Outcome::Ok, "{report:#?}");
        shop.world.script.let_go();
        let other = second.ends().unwrap();
        assert_eq!(other.outcome, Outcome::Ok, "{other:#?}");
        assert_eq!(report.records_processed + other.records_processed, 40);
        shop.is_equal(mapping);
        shop.is_tidy(mapping);
    }
}

#[test]
fn other_work_on_the_mapping_is_refused_while_a_part_is_moved() {
    let shop = to_share(KEYLESS);
    let mut first = held(&shop, "0/2", Call::Publish, 1);
    refused(&shop, sync(), "Mapping `t#part-0` is held by run");
    refused(&shop, backfill("2026-01-02"), "Mapping `t#part-0` is held by run");
    let other = Command::Backfill { ask: ask("2026-01-02"), restart: false, shard: Some("0/2".parse().unwrap()) };
    refused(&shop, other, "has not ended (`bqsync status` shows how far its");
    shop.world.script.let_go();
    assert_eq!(first.ends().unwrap().outcome, Outcome::Ok);
    shop.is_equal("the backfill");
}

#[test]
fn an_incremental_run_first_recovers_the_part_of_a_dead_process() {
    let shop = to_share(KEYLESS);
    // BigQuery has the rows, but no state says so.
    shop.trouble(Call::Publish, 2, Trouble::KilledAfter);
    assert!(shop.run(share("0/2")).is_none());
    shop.world.script.clear();
    shop.succeeds(sync());
    shop.is_equal("the incremental run");
    assert!(shop.state_of("t#part-0").pending.is_none());
    let part = shop.state_of("t#part-0").backfill.unwrap();
    assert!(part.is_done() || part.done.is_some(), "{part:?}");
    // An operator's command without a shard goes on with what is left.
    let report = shop.succeeds(whole());
    assert!(report.records_processed < 40, "{report:#?}");
    shop.is_equal("the backfill");
    assert!(shop.state().backfill.is_none());
}

#[test]
fn discarding_a_shared_backfill_ends_the_other_processes_work_on_it() {
    let shop = to_share(KEYLESS);
    // Between two parts the process holds no lease.
    let mut first = held(&shop, "0/2", Call::Lease, 3);
    shop.succeeds(restart());
    shop.is_equal("the new backfill");
    shop.world.script.let_go();
    let report = first.ends().unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(Conflict)), "{report:#?}");
    assert!(report.errors[0].contains("The backfill of `t` was discarded by another process"), "{report:#?}");
    shop.is_equal("the old one's end");
}

#[test]
fn a_part_that_another_process_finished_is_not_moved_again() {
    let shop = to_share(KEYLESS);
    let mut first = held(&shop, "0/2", Call::Lease, 3);
    let other = shop.succeeds(share("1/2"));
    shop.world.script.let_go();
    let report = first.ends().unwrap();
    assert_eq!(report.outcome, Outcome::Ok, "{report:#?}");
    assert_eq!(report.records_processed + other.records_processed, 40);
    shop.is_equal("both");
    shop.is_tidy("both");
}

#[test]
fn a_table_without_an_index_is_moved_by_one_process_with_a_note() {
    let shop = to_share(UPSERT);
    shop.database().schema.indexes.clear();
    let report = shop.succeeds(share("0/2"));
    assert!(report.warnings.iter().any(|w| w.contains("so one process moves it all")), "{report:#?}");
    shop.is_equal("it");
}

#[test]
fn another_process_of_the_share_repairs_what_a_process_killed_at_any_call_left() {
    for mapping in [UPSERT, KEYLESS] {
        for nth in 1.. {
            let shop = to_share(mapping);
            shop.trouble_at(nth, Trouble::KilledAfter);
            shop.run(share("0/2"));
            if shop.world.script.is_left() {
                break;
            }
            shop.world.script.clear();
            let place = format!("{mapping}, killed at call {nth}");
            shop.succeeds(share("1/2"));
            shop.is_equal(&place);
            shop.succeeds(share("0/2"));
            shop.is_equal(&place);
            shop.is_tidy(&place);
            assert!(shop.state().backfill.is_none(), "{place}");
        }
    }
}

#[test]
fn a_process_taken_for_dead_at_any_call_doubles_nothing_when_it_wakes_up() {
    for mapping in [UPSERT, KEYLESS] {
        for nth in 1.. {
            let shop = to_share(mapping);
            shop.trouble_at(nth, Trouble::HeldBefore);
            let mut zombie = shop.process_of(HERE);
            zombie.send(share("0/2"));
            if !zombie.is_held() {
                break;
            }
            shop.world.remembered(HERE, Remembered::expire_leases);
            let place = format!("{mapping}, held at call {nth}");
            shop.succeeds(share("1/2"));
            shop.is_equal(&place);
            shop.world.script.let_go();
            zombie.ends().unwrap();
            shop.is_equal(&place);
            // A backfill that it may have begun anew, not knowing that it had ended, is continued.
            shop.succeeds(share("0/2"));
            shop.succeeds(sync());
            shop.is_equal(&place);
            // A staging table that it made after the others had swept expires by itself.
            assert_eq!(shop.state().pending, None, "{place}");
        }
    }
}
