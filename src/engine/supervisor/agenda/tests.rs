//! Nights as an operator describes them: what was due, who ran, what had to wait.

use std::path::Path;

use super::*;
use crate::domain::config::parse;
use crate::domain::ids::RunId;
use crate::domain::report::Trigger;
use crate::state::LastRun;

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-11-{text}Z").replace(' ', "T").parse().unwrap()
}

fn named(name: &str) -> MappingName {
    MappingName(name.to_owned())
}

fn mappings(lines: &str) -> Vec<Mapping> {
    let text = format!("project: p\ndataset: d\nschedule: {{cron: 0 2 * * *}}\nmappings:\n{lines}");
    parse(&text, Path::new("config.yaml"), &|_| None).unwrap().mappings
}

/// `users` and `orders` run at two in the night, `carts` every quarter of an hour without making up, `logs` never.
fn shop() -> Vec<Mapping> {
    let line =
        |name: &str, rest: &str| format!("  - {{name: {name}, mysql_table: {name}, incremental_column: id{rest}}}\n");
    let carts = ", schedule: {cron: '*/15 * * * *', catch_up: false}";
    mappings(&[line("users", ""), line("orders", ""), line("carts", carts), line("logs", ", schedule: never")].concat())
}

fn ran(trigger: Trigger, outcome: Outcome, finished: &str, seconds: u64) -> LastRun {
    LastRun {
        run_id: RunId("r".to_owned()),
        trigger,
        finished_at: at(finished),
        outcome,
        rows: 1,
        duration_ms: seconds * 1000,
        error: None,
        hint: None,
        lag_seconds: None,
    }
}

fn last(run: LastRun) -> MappingState {
    MappingState { last_run: Some(run), ..MappingState::default() }
}

fn scheduled_for(due: &str) -> MappingState {
    MappingState { scheduled_for: Some(at(due)), ..MappingState::default() }
}

fn state(entries: &[(&str, MappingState)]) -> Known {
    let states = entries.iter().map(|(name, state)| (named(name), state.clone())).collect();
    Known { states: Some(states), holders: BTreeMap::new() }
}

fn held(name: &str) -> Known {
    let holder = Holder { host: "jump2".into(), pid: 4711, run_id: RunId("other".into()), since: at("23 01:50:00") };
    Known { holders: BTreeMap::from([(named(name), holder)]), ..state(&[]) }
}

/// The runs that begin while none of ours is under way.
fn begun(agenda: &mut Agenda, known: &Known) -> Vec<String> {
    agenda.judge(known, |_| false).start.into_iter().map(|name| name.0).collect()
}

#[test]
fn mappings_due_at_the_same_time_run_together_and_the_next_due_time_is_known() {
    let mut agenda = Agenda::new(&shop(), at("23 01:50:00"), false);
    assert_eq!(agenda.next(), Some((at("23 02:00:00"), vec![named("carts"), named("orders"), named("users")])));
    assert!(!agenda.pass(at("23 01:59:59")) && !agenda.is_open());
    assert!(agenda.pass(at("23 02:00:00")));
    assert_eq!(begun(&mut agenda, &state(&[])), ["carts", "orders", "users"]);
    assert_eq!(agenda.next(), Some((at("23 02:15:00"), vec![named("carts")])));
    assert!(!agenda.is_open() && !agenda.pass(at("23 02:14:59")));
}

#[test]
fn due_times_that_pass_during_a_run_are_served_by_one_run() {
    let mut agenda = Agenda::new(&shop(), at("23 03:00:01"), false);
    agenda.pass(at("23 03:15:00"));
    assert_eq!(begun(&mut agenda, &state(&[])), ["carts"]);
    for due in ["23 03:30:00", "23 03:45:00", "23 04:00:00"] {
        agenda.pass(at(due));
        assert!(!agenda.is_open());
    }
    agenda.ended(&named("carts"), false);
    assert_eq!(begun(&mut agenda, &state(&[("carts", scheduled_for("23 03:15:00"))])), ["carts"]);
    agenda.ended(&named("carts"), false);
    assert!(!agenda.is_open(), "three due times were one run");
}

#[test]
fn an_operators_run_delays_a_due_run_and_is_reported_once() {
    let mut agenda = Agenda::new(&shop(), at("23 03:00:01"), false);
    for due in ["23 03:15:00", "23 03:30:00"] {
        agenda.pass(at(due));
        let findings = agenda.judge(&state(&[]), |name| name.0 == "carts");
        assert!(findings.start.is_empty());
        assert_eq!(findings.events.len(), usize::from(due == "23 03:15:00"), "{:?}", findings.events);
    }
    assert_eq!(begun(&mut agenda, &state(&[])), ["carts"]);
}

#[test]
fn a_mapping_that_another_process_runs_waits_and_is_skipped_if_that_run_was_the_due_one() {
    let mut agenda = Agenda::new(&shop(), at("23 01:50:00"), false);
    agenda.pass(at("23 02:00:00"));
    let findings = agenda.judge(&held("users"), |_| false);
    assert_eq!(findings.start, [named("carts"), named("orders")]);
    assert!(
        matches!(&findings.events[..], [Event::DueRunDelayed { reason, .. }] if reason.contains("4711 on jump2")),
        "{:?}",
        findings.events
    );
    assert!(agenda.is_open());
    let findings = agenda.judge(&state(&[("users", scheduled_for("23 02:00:00"))]), |_| false);
    assert!(matches!(&findings.events[..], [Event::DueRunLeft { .. }]), "{:?}", findings.events);
    assert!(findings.start.is_empty() && !agenda.is_open());
}

#[test]
fn losing_a_lease_to_another_process_is_not_a_failure_and_the_due_time_stays_open() {
    let mut agenda = Agenda::new(&shop(), at("23 01:50:00"), false);
    agenda.pass(at("23 02:00:00"));
    begun(&mut agenda, &state(&[]));
    agenda.ended(&named("users"), true);
    assert!(agenda.is_open());
    assert_eq!(begun(&mut agenda, &state(&[("users", scheduled_for("23 02:00:00"))])), [""; 0]);
    // The other process's run was an operator's, and it failed.
    agenda.pass(at("24 02:00:00"));
    begun(&mut agenda, &state(&[]));
    agenda.ended(&named("users"), true);
    let failed = last(ran(Trigger::Manual, Outcome::Failed, "24 02:05:00", 60));
    assert_eq!(begun(&mut agenda, &state(&[("users", failed)])), ["users"]);
}

#[test]
fn a_missed_run_is_made_up_once_if_catch_up_is_on() {
    let known = state(&[
        ("users", scheduled_for("22 02:00:00")),
        ("orders", last(ran(Trigger::Manual, Outcome::Ok, "22 18:00:00", 9))),
        ("carts", scheduled_for("22 02:00:00")),
    ]);
    let mut agenda = Agenda::new(&shop(), at("23 09:50:00"), true);
    let findings = agenda.judge(&known, |_| false);
    assert_eq!(findings.start, [named("orders"), named("users")], "carts are not made up");
    assert_eq!(findings.events.len(), 2);
    assert!(
        findings.events.iter().all(|e| matches!(e, Event::MissedRunFound { due, .. } if *due == at("23 02:00:00")))
    );
    assert!(!Agenda::new(&shop(), at("23 09:50:00"), false).is_open(), "a console makes nothing up");
}

#[test]
fn a_due_time_that_a_run_served_is_not_missed() {
    for served in [
        scheduled_for("23 02:00:00"),
        last(ran(Trigger::Manual, Outcome::Ok, "23 08:00:09", 9)),
        // A run by hand was stopped or failed afterwards; the night's run counts all the same.
        MappingState {
            last_run: Some(ran(Trigger::Manual, Outcome::Cancelled, "23 08:00:00", 9)),
            ..scheduled_for("23 02:00:00")
        },
        // It has never run, so no run was missed.
        MappingState::default(),
    ] {
        let mut agenda = Agenda::new(
            &mappings("  - {name: users, mysql_table: u, incremental_column: id}"),
            at("23 09:50:00"),
            true,
        );
        let findings = agenda.judge(&state(&[("users", served.clone())]), |_| false);
        assert!(findings.start.is_empty() && findings.events.is_empty() && !agenda.is_open(), "{served:?}");
    }
}

#[test]
fn a_due_time_stays_missed_after_a_run_that_did_not_bring_the_rows() {
    for unserved in [
        last(ran(Trigger::Schedule, Outcome::Cancelled, "23 02:10:00", 600)),
        last(ran(Trigger::Manual, Outcome::Failed, "23 08:00:00", 9)),
        last(ran(Trigger::Backfill, Outcome::Ok, "23 08:00:00", 9)),
        last(ran(Trigger::Manual, Outcome::Ok, "23 02:30:00", 3600)),
    ] {
        let mut agenda = Agenda::new(
            &mappings("  - {name: users, mysql_table: u, incremental_column: id}"),
            at("23 09:50:00"),
            true,
        );
        assert_eq!(begun(&mut agenda, &state(&[("users", unserved.clone())])), ["users"], "{unserved:?}");
    }
}

#[test]
fn an_unreadable_state_delays_missed_runs_but_not_due_ones() {
    let unreadable = Known::default();
    let mut agenda = Agenda::new(&shop(), at("23 09:50:00"), true);
    assert_eq!(begun(&mut agenda, &unreadable), [""; 0]);
    assert!(agenda.is_open());
    agenda.pass(at("24 02:00:00"));
    assert_eq!(begun(&mut agenda, &unreadable), ["carts", "orders", "users"], "their runs say what is wrong");
}

#[test]
fn changing_the_clock_runs_nothing_twice() {
    let mut agenda = Agenda::new(&shop(), at("23 01:50:00"), false);
    agenda.pass(at("23 02:00:00"));
    begun(&mut agenda, &state(&[]));
    for name in ["users", "orders", "carts"] {
        agenda.ended(&named(name), false);
    }
    assert!(!agenda.pass(at("23 01:30:00")) && !agenda.pass(at("23 02:00:30")));
    // Three days ahead: it is made up once.
    agenda.pass(at("26 12:00:00"));
    assert_eq!(begun(&mut agenda, &state(&[])).len(), 3);
    assert_eq!(agenda.next().unwrap().0, at("26 12:15:00"));
}
