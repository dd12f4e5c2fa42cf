//! The keys that work here.

use crate::tui::desk::Desk;
use crate::tui::desk::looks::snapshots;

fn help() -> Desk {
    let mut desk = Desk::open();
    desk.press('?');
    desk
}

#[test]
fn the_keys_that_work_here() {
    snapshots("help", &mut help());
}
