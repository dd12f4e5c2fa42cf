//! The keys that work here.

use crate::tui::desk::Desk;
use crate::tui::desk::looks::snapshots;

fn help() -> Desk {
    let mut desk = Desk::open();
    desk.press('?');
    desk
}

#[test]
fn the_help_at_every_size() {
    snapshots("help", &mut help());
}
