//! The history of all hosts.

use crate::domain::report::Outcome;
use crate::tui::ask::Answer;
use crate::tui::desk::Desk;
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::desk::scenes::history;
use crate::tui::model::samples::past_runs;

/// The newest run of orders took far longer than those before, of which one has failed.
fn glanced() -> Desk {
    let mut desk = Desk::open();
    desk.press('h');
    let mut runs = past_runs("orders", &[900, 1_100, 1_000, 0, 1_200, 950, 1_050, 18_204]);
    runs[4].parts[0].outcome = Outcome::Failed;
    runs[4].outcome = Outcome::Failed;
    desk.answered(Answer::HistoryRead(Ok(runs)));
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
