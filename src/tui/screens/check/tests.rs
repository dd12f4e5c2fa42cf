//! The check of what a run needs, from the console.

use ratatui::crossterm::event::KeyCode;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::finding::{Finding, Topic};
use crate::engine::{Check, Checked, Selection};
use crate::tui::ask::{Answer, Ask};
use crate::tui::desk::{Desk, named};
use crate::tui::screen::Screen;
use crate::tui::shared::Effect;

fn ask(selection: Selection, probe: bool) -> Effect {
    Effect::Ask(Ask::Check(Check { selection, probe, costs: false }))
}

fn answer(names: &[&str]) -> Answer {
    Answer::Checked(Checked {
        mappings: names.iter().map(|name| named(name)).collect(),
        findings: vec![
            Finding::ok(Topic::Config, "fine"),
            Finding::warn(Topic::Keys, "not unique").remedy("ADD UNIQUE KEY").of(&named("users")),
            Finding::fail(Topic::State, &Fault::new(FaultKind::Config, "cannot be written").with_hint("chmod")),
        ],
    })
}

#[test]
fn all_mappings_are_checked_and_problems_come_first() {
    let mut desk = Desk::open();
    assert_eq!(desk.press('i'), [ask(Selection::All, true)]);
    assert_eq!(desk.app.screens.front(), Screen::Check);
    assert!(desk.app.screens.check.findings.is_none());
    desk.answered(answer(&["orders", "users", "carts"]));
    let topics: Vec<_> = desk.app.screens.check.findings.as_ref().unwrap().iter().map(|f| f.topic).collect();
    assert_eq!(topics, [Topic::State, Topic::Keys, Topic::Config]);
    let copied = "fail state cannot be written; chmod\nwarn keys users: not unique; ADD UNIQUE KEY";
    assert_eq!(desk.press('y'), [Effect::Copy(copied.to_owned())]);
    assert_eq!(desk.press('u'), [ask(Selection::All, true)]);
    assert!(desk.app.screens.check.findings.is_none(), "what was found is out of date");
    desk.code(KeyCode::Esc);
    assert_eq!(desk.app.screens.front(), Screen::Mappings);
}

#[test]
fn from_a_run_its_mapping_alone_is_checked_and_no_other_answer_is_taken() {
    let mut desk = Desk::open();
    desk.code(KeyCode::Enter);
    let orders = Selection::Named(vec![named("orders")]);
    assert_eq!(desk.press('i'), [ask(orders, true)]);
    desk.answered(answer(&["orders", "users", "carts"]));
    assert!(desk.app.screens.check.findings.is_none());
    desk.answered(answer(&["orders"]));
    assert_eq!(desk.app.screens.check.findings.as_ref().map(Vec::len), Some(3));
}

#[test]
fn read_only_checks_without_writing() {
    let mut desk = Desk::open_with(true, None);
    assert_eq!(desk.press('i'), [ask(Selection::All, false)]);
}

#[test]
fn long_findings_can_be_read_to_their_end() {
    let mut desk = Desk::open();
    desk.press('i');
    let mut findings = vec![Finding::ok(Topic::Config, "word ".repeat(60)); 20];
    findings.push(Finding::ok(Topic::Config, "the end"));
    desk.answered(Answer::Checked(Checked { mappings: vec![], findings }));
    desk.press('G');
    assert!(desk.look().contains("the end"));
    desk.press('G');
    desk.press('k');
    assert!(!desk.look().contains("the end"), "a key after the end moves at once");
}
