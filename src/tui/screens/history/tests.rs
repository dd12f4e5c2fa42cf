//! The history of all hosts.

use crate::domain::report::Outcome;
use crate::engine::ReadHistory;
use crate::tui::ask::{Answer, Ask};
use crate::tui::desk::Desk;
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::desk::scenes::history;
use crate::tui::model::samples::past_runs;
use crate::tui::shared::Effect;

/// A desk where the newest run of orders took far longer than the runs before it, of which one failed.
fn glanced() -> Desk {
    let mut desk = Desk::open();
    desk.press('h');
    let mut runs = past_runs("orders", &[900, 1_100, 1_000, 0, 1_200, 950, 1_050, 18_204]);
    runs[4].parts[0].outcome = Outcome::Failed;
    runs[4].outcome = Outcome::Failed;
    desk.answered(Answer::HistoryRead { most: 200, runs: Ok(runs) });
    desk
}

#[test]
fn the_last_runs_of_the_mapping_are_seen_at_a_glance() {
    let mut desk = glanced();
    let seen = desk.look();
    assert!(seen.contains("17 times the usual") && seen.contains("18,204"), "{seen}");
    plain(&desk);
    snapshots("glance", &mut desk);
}

#[test]
fn the_history_of_all_hosts() {
    snapshots("history", &mut history());
}

fn asked(effects: &[Effect]) -> Vec<usize> {
    let most = |effect: &Effect| match effect {
        Effect::Ask(Ask::History(ReadHistory(most))) => Some(*most),
        _ => None,
    };
    effects.iter().filter_map(most).collect()
}

#[test]
fn the_newest_are_seen_before_the_older_ones_are_read_and_those_are_read_once() {
    let mut desk = Desk::open();
    assert_eq!(asked(&desk.press('h')), [30]);
    let all = past_runs("orders", &[100; 45]);
    let first = || Answer::HistoryRead { most: 30, runs: Ok(all[..30].to_vec()) };
    assert_eq!(asked(&desk.answered(first())), [200]);
    let look = desk.look();
    assert!(look.contains("reading older runs") && look.contains("schedule"), "{look}");
    desk.answered(Answer::HistoryRead { most: 200, runs: Ok(all.clone()) });
    assert!(!desk.look().contains("reading older runs"));
    assert_eq!(asked(&desk.press('u')), [30]);
    assert_eq!(asked(&desk.answered(first())), [0; 0], "they meet what is known");
    assert_eq!(desk.app.screens.history.runs.as_ref().unwrap().len(), 45);
    let others = past_runs("users", &[7; 30]).into_iter().map(|mut run| {
        run.run_id.0.push('x');
        run
    });
    let answer = Answer::HistoryRead { most: 30, runs: Ok(others.collect()) };
    assert_eq!(asked(&desk.answered(answer)), [200], "something is missing between them");
}
