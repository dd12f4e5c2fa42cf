//! Commands: typed, completed, remembered, carried out.

use ratatui::crossterm::event::KeyCode;

use crate::engine::{BackfillAsk, Command, PreviewBackfill};
use crate::tui::ask::Ask;
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::desk::scenes::{everything, history};
use crate::tui::desk::{Desk, named, sync};
use crate::tui::screen::Screen;
use crate::tui::shared::Effect;

fn type_in(desk: &mut Desk, text: &str) {
    text.chars().for_each(|c| {
        desk.press(c);
    });
}

/// What the line holds.
fn line(desk: &Desk) -> &str {
    desk.app.line.as_ref().map_or("", |line| line.input.value())
}

/// Types a whole command; gives its effects, except for remembering it.
fn command(desk: &mut Desk, text: &str) -> Vec<Effect> {
    type_in(desk, &format!(":{text}"));
    let mut effects = desk.code(KeyCode::Enter);
    effects.retain(|effect| !matches!(effect, Effect::Keep(_)));
    effects
}

#[test]
fn a_command_does_the_same_as_its_key_for_the_named_mappings() {
    let mut desk = Desk::open();
    assert_eq!(command(&mut desk, "run carts"), [sync(&["carts"])]);
    let mut desk = Desk::open();
    assert_eq!(command(&mut desk, "run"), [sync(&["orders"])], "without a name, what is under the cursor");
    let mut desk = Desk::open();
    assert_eq!(command(&mut desk, "run *r*s"), [], "several are asked about");
    assert_eq!(desk.press('y'), [sync(&["orders", "users", "carts"])]);
    let ask = BackfillAsk { mapping: named("users"), start: "2026-01-01".into(), end: None };
    let mut desk = Desk::open();
    assert_eq!(
        command(&mut desk, "backfill users 2026-01-01"),
        [Effect::Ask(Ask::Preview(PreviewBackfill(ask)))],
        "previewed first"
    );
    assert_eq!(desk.app.screens.front(), Screen::Backfill);
}

#[test]
fn commands_filter_order_and_mark_the_list_from_any_screen() {
    let mut desk = everything();
    desk.press('l');
    command(&mut desk, "filter status:failed");
    assert_eq!((desk.app.screens.front(), desk.app.screens.mappings.visible().len()), (Screen::Mappings, 1));
    command(&mut desk, "filter");
    command(&mut desk, "mark status:review,failed");
    assert_eq!(desk.app.subjects(), ["users", "carts"].map(named));
    command(&mut desk, "order last-run");
    assert_eq!(desk.app.screens.mappings.order.word(), "last run");
    let mut desk = history();
    command(&mut desk, "history failed");
    assert_eq!(desk.app.screens.history.listed().len(), 1);
    assert!(desk.look().contains("history failed (1 shown)"));
    desk.code(KeyCode::Esc);
    assert_eq!(desk.app.screens.history.listed().len(), 4);
}

#[test]
fn an_invalid_command_is_explained_and_does_nothing() {
    for (line, said) in [
        ("runn", "no command is called `runn`"),
        ("run ordres", "no mapping is called `ordres`; did you mean `orders`?"),
        ("backfill orders 1 2 3", "a start and an end"),
        ("quit now", "takes no arguments"),
        ("open *r*s", "`open` takes one mapping, but 3 match"),
        ("order best", "order by file"),
    ] {
        let mut desk = Desk::open();
        assert_eq!(command(&mut desk, line), [], "{line}");
        assert!(desk.notice().contains(said), "{line}: {}", desk.notice());
    }
    let mut desk = Desk::open_with(true, None);
    assert_eq!(command(&mut desk, "run orders"), []);
    assert!(desk.notice().contains("--read-only"), "{}", desk.notice());
}

#[test]
fn tab_completes_commands_names_and_what_a_filter_takes() {
    let mut desk = everything();
    type_in(&mut desk, ":ba");
    desk.code(KeyCode::Tab);
    assert_eq!(line(&desk), "backfill ", "only one fits");
    type_in(&mut desk, "or");
    desk.code(KeyCode::Tab);
    assert_eq!(line(&desk), "backfill orders ");
    desk.code(KeyCode::Esc);
    type_in(&mut desk, ":filter st");
    desk.code(KeyCode::Tab);
    assert_eq!(line(&desk), "filter status:", "it and stock agree no further: the first of them");
    desk.code(KeyCode::Tab);
    assert_eq!(line(&desk), "filter stock");
    desk.code(KeyCode::BackTab);
    assert_eq!(line(&desk), "filter status:");
    desk.code(KeyCode::Esc);
    type_in(&mut desk, ":filter -status:fa");
    desk.code(KeyCode::Tab);
    assert_eq!(line(&desk), "filter -status:failed ");
}

#[test]
fn earlier_commands_come_back_and_outlive_the_console() {
    let mut desk = Desk::open();
    command(&mut desk, "order name");
    command(&mut desk, "order lag");
    type_in(&mut desk, ":fil");
    desk.code(KeyCode::Up);
    desk.code(KeyCode::Up);
    desk.code(KeyCode::Up);
    assert_eq!(line(&desk), "order name");
    desk.code(KeyCode::Down);
    assert_eq!(line(&desk), "order lag");
    desk.code(KeyCode::Down);
    assert_eq!(line(&desk), "fil", "what was being written is still there");
    desk.code(KeyCode::Esc);
    type_in(&mut desk, ":wrong");
    let kept = desk.code(KeyCode::Enter);
    let [Effect::Keep(kept)] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(kept.commands, ["order name", "order lag", "wrong"]);
}

#[test]
fn an_empty_line_is_closed_by_deleting_once_more() {
    let mut desk = Desk::open();
    type_in(&mut desk, ":r");
    desk.code(KeyCode::Backspace);
    assert!(desk.app.line.is_some());
    desk.code(KeyCode::Backspace);
    assert!(desk.app.line.is_none());
    assert_eq!(command(&mut desk, ""), []);
    desk.start("orders");
    assert_eq!(command(&mut desk, "pause"), [Effect::Send(Command::Pause(named("orders")))]);
}

#[test]
fn the_command_line_shows_the_meaning_and_the_words_that_fit() {
    let mut desk = everything();
    type_in(&mut desk, ":run s");
    plain(&desk);
    snapshots("command", &mut desk);
}
