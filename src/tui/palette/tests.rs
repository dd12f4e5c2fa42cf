//! The list of all actions.

use ratatui::crossterm::event::KeyCode;

use super::Choice;
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::desk::scenes::everything;
use crate::tui::desk::{Desk, sync};
use crate::tui::screen::Screen;

fn looking_for(desk: &mut Desk, text: &str) -> Vec<Choice> {
    desk.ctrl('p');
    text.chars().for_each(|c| {
        desk.press(c);
    });
    desk.app.palette.as_ref().unwrap().found().map(|entry| entry.choice.clone()).collect()
}

#[test]
fn a_few_letters_find_what_can_be_done() {
    let mut desk = Desk::open();
    let first = looking_for(&mut desk, "run map now").remove(0);
    assert_eq!(desk.code(KeyCode::Enter), [sync(&["orders"])], "{first:?}");
    let mut desk = Desk::open();
    assert!(looking_for(&mut desk, "users").contains(&Choice::Do("open users".into())), "mappings are found too");
    desk.code(KeyCode::Enter);
    assert_eq!(desk.app.screens.front(), Screen::Run);
    let mut desk = Desk::open();
    assert_eq!(looking_for(&mut desk, ":backfill")[0], Choice::Write("backfill ".into()));
    desk.code(KeyCode::Enter);
    assert_eq!(desk.app.line.as_ref().unwrap().input.value(), "backfill ", "what needs words gets them");
    let mut desk = Desk::open();
    assert_eq!(looking_for(&mut desk, "zzzz"), []);
    desk.code(KeyCode::Enter);
    assert!(desk.look().contains("No action here"), "the list stays");
}

#[test]
fn a_console_that_only_reads_lists_nothing_that_writes() {
    let mut desk = Desk::open_with(true, None);
    let all = looking_for(&mut desk, "");
    assert!(!all.contains(&Choice::Write("run ".into())) && all.contains(&Choice::Write("filter ".into())), "{all:?}");
}

#[test]
fn the_list_of_actions_at_every_size() {
    let mut desk = everything();
    looking_for(&mut desk, "");
    plain(&desk);
    snapshots("palette", &mut desk);
}
