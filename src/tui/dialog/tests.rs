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
    let look = desk.look();
    assert!(!look.contains("statement 40;") && look.contains("lines more below: PgDn"), "{look}");
    (0..12).for_each(|_| {
        desk.code(KeyCode::PageDown);
        desk.look();
    });
    let look = desk.look();
    assert!(look.contains("statement 40;") && look.contains("lines above: PgUp"), "{look}");
    desk.code(KeyCode::PageUp);
    assert!(!desk.look().contains("statement 40;"), "a key after the end moves at once");
}

#[test]
fn an_answer_that_does_nothing_says_which_one_does() {
    let mut desk = Desk::open();
    let choices = || vec![choice('n', "go back", Intent::Nothing), choice('y', "start it", Intent::CancelAll)];
    desk.app.shared.dialog = Some(Dialog::new("Backfill orders?", Vec::new(), choices()));
    desk.code(KeyCode::Enter);
    assert_eq!(desk.notice(), "nothing was done; press y there to start it");
    desk.app.shared.dialog = Some(Dialog::new("Closed", Vec::new(), vec![choice('n', "close", Intent::Nothing)]));
    desk.press('j');
    desk.press('n');
    assert!(desk.app.shared.dialog.is_none());
}

#[test]
fn no_frame_behind_touches_the_question() {
    let mut desk = Desk::open();
    desk.press('b');
    let choices = vec![choice('n', "go back", Intent::Nothing)];
    desk.app.shared.dialog = Some(Dialog::new("Apply?", vec!["a line".to_owned()], choices));
    let look = desk.look();
    let edges: Vec<&str> = look.lines().filter(|line| line.contains("Apply?") || line.contains("go back")).collect();
    assert_eq!(edges.len(), 2, "{look}");
    assert!(edges.iter().all(|line| line.matches(['│', '┌', '┐']).count() == 2), "{look}");
}
