//! A process is killed, taken for dead, cancelled or overtaken at each call that it makes, or the call ends in each
//! other possible way: the next run repairs what that left. No row is lost or doubled.

use std::sync::Arc;

use chrono::TimeDelta;

use super::works::{WORKS, Work, at_each_call};
use crate::domain::fault::FaultKind;
use crate::domain::report::{MappingReport, Outcome};
use crate::engine::Command;
use crate::testing::{Call, HERE, Process, Shop, Trouble};

fn work(name: &str) -> &'static Work {
    WORKS.iter().find(|work| work.name == name).unwrap()
}

/// One work of each kind: every kind of publish, and everything that a publish may move.
fn few() -> impl Iterator<Item = &'static Work> {
    let names = [
        "first load in steps, append",
        "later run, upsert",
        "later run, keyless",
        "later run, append, inline",
        "replace, edited",
        "mirror, edited, in steps",
        "mirror, edited, inline",
        "backfill, append",
        "deletes, hard",
        "repair, upsert",
    ];
    names.into_iter().map(work)
}

/// Tells if the work is a run that moves rows beyond the watermark.
fn is_run(work: &Work) -> bool {
    ["backfill", "deletes", "repair"].iter().all(|other| !work.name.contains(other))
}

/// A process that is held at its `nth` call; `None` if it ended with fewer calls.
fn held_at(shop: &Shop, work: &Work, nth: usize) -> Option<Process> {
    shop.trouble_at(nth, Trouble::HeldBefore);
    let mut process = shop.process_of(HERE);
    process.send((work.command)());
    process.is_held().then_some(process)
}

fn ends_when_let_go(shop: &Shop, mut process: Process) -> MappingReport {
    shop.world.script.let_go();
    process.ends().expect("nobody kills it")
}

#[test]
fn the_next_run_repairs_what_a_process_killed_at_any_call_left() {
    for work in &WORKS {
        at_each_call(work, |shop, nth| {
            shop.trouble_at(nth, Trouble::KilledAfter);
            shop.run((work.command)());
        });
    }
}

#[test]
fn the_next_run_repairs_what_a_process_killed_during_recovery_left() {
    for name in
        ["later run, keyless", "later run, append, inline", "backfill, append", "replace, edited", "mirror, edited"]
    {
        let work = work(name);
        for first in (1..60).step_by(13) {
            at_each_call(work, |shop, nth| {
                shop.trouble_at(first, Trouble::KilledAfter);
                shop.run((work.command)());
                shop.world.script.clear();
                shop.trouble_at(nth, Trouble::KilledAfter);
                shop.run((work.command)());
            });
        }
    }
}

#[test]
fn a_run_with_a_fault_at_any_call_reports_success_only_if_all_rows_are_there() {
    let troubles: [fn() -> Trouble; 3] =
        [|| Trouble::AnswerLost, || Trouble::refused(FaultKind::Transient), || Trouble::refused(FaultKind::Auth)];
    for work in few() {
        for trouble in troubles {
            at_each_call(work, |shop, nth| {
                shop.trouble_at(nth, trouble());
                let report = shop.run((work.command)()).unwrap();
                if report.outcome == Outcome::Ok {
                    shop.is_equal(&format!("{}, {:?} at call {nth}", work.name, trouble()));
                }
            });
        }
    }
}

#[test]
fn a_process_taken_for_dead_at_any_call_doubles_nothing_when_it_wakes_up() {
    for work in &WORKS {
        at_each_call(work, |shop, nth| {
            let Some(zombie) = held_at(shop, work, nth) else { return };
            shop.world.remembered(HERE, crate::testing::Remembered::expire_leases);
            let place = format!("{}, held at call {nth}", work.name);
            shop.succeeds((work.command)());
            shop.is_equal(&place);
            ends_when_let_go(shop, zombie);
            shop.is_equal(&place);
        });
    }
}

#[test]
fn the_next_run_continues_a_run_cancelled_at_any_call() {
    for work in few() {
        at_each_call(work, |shop, nth| {
            let Some(process) = held_at(shop, work, nth) else { return };
            process.send(Command::CancelAll);
            let report = ends_when_let_go(shop, process);
            assert_ne!(report.outcome, Outcome::Failed, "{report:#?}");
        });
    }
}

#[test]
fn another_host_with_its_own_state_that_overtakes_at_any_call_doubles_nothing() {
    for work in WORKS.iter().filter(|work| is_run(work)) {
        at_each_call(work, |shop, nth| {
            let Some(slower) = held_at(shop, work, nth) else { return };
            let place = format!("{}, held at call {nth}", work.name);
            let mut other = shop.process_of("elsewhere");
            other.send((work.command)());
            assert_eq!(other.ends().unwrap().outcome, Outcome::Ok, "{place}");
            shop.is_equal(&place);
            let report = ends_when_let_go(shop, slower);
            assert_eq!(report.outcome, Outcome::Ok, "{place}: {report:#?}");
            shop.is_equal(&place);
        });
    }
}

#[test]
fn rows_written_at_any_call_arrive_with_this_run_or_the_next() {
    for work in few().filter(|work| is_run(work)) {
        at_each_call(work, |shop, nth| {
            let world = Arc::clone(&shop.world);
            let comes = move || {
                use crate::engine::Clock;
                let now = world.clock.now().naive_utc().to_string();
                world.database().rows.push(crate::testing::row(20_000, "meanwhile", &now));
                world.clock.pass(TimeDelta::seconds(30));
            };
            shop.trouble_at(nth, Trouble::meanwhile(comes));
            shop.succeeds((work.command)());
        });
    }
}

#[test]
fn a_publish_that_arrives_after_its_sender_died_takes_effect_once() {
    for work in few().filter(|work| !work.name.contains("deletes")) {
        at_each_call(work, |shop, nth| {
            shop.trouble(Call::Publish, 1, Trouble::Late);
            shop.trouble(Call::Fate, 1, Trouble::KilledBefore);
            shop.run((work.command)());
            shop.world.script.clear();
            let world = Arc::clone(&shop.world);
            let arrives = move || world.dataset().deliver(world.clock.millis());
            shop.trouble_at(nth, Trouble::meanwhile(arrives));
            shop.succeeds((work.command)());
        });
    }
}
