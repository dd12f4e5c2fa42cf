//! A question over the screen.

use crate::tui::desk::Desk;
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::desk::scenes::running;

fn quit() -> Desk {
    let mut desk = running();
    desk.press('q');
    desk
}

#[test]
fn the_question_before_leaving() {
    let mut desk = quit();
    plain(&desk);
    snapshots("quit", &mut desk);
}
