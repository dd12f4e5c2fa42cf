//! A question over the screen.

use ratatui::crossterm::event::KeyCode;

use super::{Dialog, Intent, choice};
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

#[test]
fn a_question_that_does_not_fit_is_read_page_by_page() {
    let lines = (1..=40).map(|line| format!("statement {line};")).collect();
    let mut desk = Desk::open();
    desk.app.shared.dialog = Some(Dialog::new("Apply?", lines, vec![choice('n', "go back", Intent::Nothing)]));
    assert!(!desk.look().contains("statement 40;"));
    (0..12).for_each(|_| {
        desk.code(KeyCode::PageDown);
        desk.look();
    });
    assert!(desk.look().contains("statement 40;"));
    desk.code(KeyCode::PageUp);
    assert!(!desk.look().contains("statement 40;"), "a key after the end moves at once");
}
