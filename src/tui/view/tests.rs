//! The lines around every screen.

use crate::tui::desk::Desk;
use crate::tui::desk::looks::{shown, snapshots};
use crate::tui::desk::scenes::everything;

#[test]
fn read_only_says_so_and_offers_nothing_that_writes() {
    snapshots("read_only", &mut Desk::open_with(true, None));
}

#[test]
fn a_terminal_that_is_too_small_is_told_what_is_needed() {
    let desk = everything();
    for size in [(59, 15), (60, 14), (20, 5), (1, 1)] {
        let shown = shown(&desk, size);
        assert!(size.0 < 20 || shown.starts_with("bqsync needs"), "{shown}");
    }
}
