//! The history of all hosts.

use crate::tui::desk::looks::snapshots;
use crate::tui::desk::scenes::history;

#[test]
fn the_history_of_all_hosts() {
    snapshots("history", &mut history());
}
