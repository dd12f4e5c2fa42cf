//! Tables that no mapping is about, and how they get one.

use ratatui::crossterm::event::KeyCode;

use crate::domain::check::server::tests::facts;
use crate::domain::config::Mode;
use crate::domain::estate::{Choice, Entry, Line, Proposal};
use crate::engine::{Failure, ListTables, Tables};
use crate::tui::app::Msg;
use crate::tui::ask::{Answer, Ask};
use crate::tui::desk::Desk;
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::dialog::Intent;
use crate::tui::model::samples;
use crate::tui::screen::Screen;
use crate::tui::session::Added;
use crate::tui::shared::Effect;

fn proposal(table: &str, mode: Mode, rows: Option<u64>, key: &str) -> Proposal {
    let line = |text: String, why: &str| Line { text, why: why.to_owned() };
    let lines = vec![
        line(format!("name: {table}"), ""),
        line(format!("mysql_table: {table}"), ""),
        line(format!("mode: {}", mode.word()), "no column shows that a row has changed: MySQL sums the whole table up"),
    ];
    let keys = if key.is_empty() { Vec::new() } else { vec![key.to_owned()] };
    Proposal {
        source: None,
        database: "shop".to_owned(),
        table: table.to_owned(),
        name: table.to_owned(),
        rows,
        bytes: rows.map(|rows| rows * 120),
        is_view: false,
        choice: Choice::Moved(Entry { mode, keys, lines, notes: Vec::new() }),
    }
}

fn listed() -> Answer {
    let mut view = proposal("daily_report", Mode::Replace, None, "");
    let Choice::Moved(entry) = view.choice else { panic!() };
    view.choice = Choice::LeftOut(entry, "a view, whose tables can be moved themselves".to_owned());
    let impossible = Choice::Impossible("Columns `a b` and `a_b` would both be `a_b` in BigQuery".to_owned());
    let proposals = vec![
        proposal("baskets", Mode::Mirror, Some(18_204), "basket_id"),
        proposal("clicks_of_visitors_with_a_long_name", Mode::Append, Some(88_120_332), "click_id"),
        view,
        Proposal { choice: impossible, ..proposal("odd", Mode::Replace, Some(1), "") },
        proposal("名前", Mode::Upsert, Some(12), "id"),
    ];
    let others = vec!["hr".to_owned()];
    Answer::Tables(Ok(Box::new(Tables {
        proposals,
        others,
        seen: 8,
        places: vec!["shop".to_owned()],
        unread: Vec::new(),
        server: facts(),
    })))
}

fn desk(read_only: bool) -> Desk {
    let mut desk = Desk::open_with(read_only, None);
    assert_eq!(desk.press('t'), [Effect::Ask(Ask::Tables(ListTables::default()))]);
    assert_eq!(desk.app.screens.front(), Screen::Tables);
    desk.answered(listed());
    desk
}

fn asked(desk: &Desk) -> Vec<String> {
    let dialog = desk.app.shared.dialog.as_ref().unwrap();
    match &dialog.choices[1].intent {
        Intent::AddMappings(wanted) => wanted.iter().map(|proposal| proposal.name.clone()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn enter_shows_the_lines_of_what_is_marked_and_adds_them_once_it_is_told_to() {
    let mut desk = desk(false);
    desk.code(KeyCode::Enter);
    assert_eq!(asked(&desk), ["baskets"], "nothing is marked: the one under the cursor");
    assert_eq!(desk.code(KeyCode::Esc), []);
    desk.press(' ');
    desk.press('j');
    desk.press(' ');
    desk.code(KeyCode::Enter);
    assert_eq!(asked(&desk), ["baskets", "daily_report"], "somebody has marked what is left out otherwise");
    let dialog = desk.app.shared.dialog.as_ref().unwrap();
    assert!(dialog.lines.iter().any(|line| line.starts_with("  - name: daily_report")), "{:?}", dialog.lines);
    let effects = desk.press('y');
    let [Effect::Append(wanted)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(wanted.len(), 2);
    assert_eq!(desk.answered(Answer::Appended(Ok(Added::Mappings(2)))), [Effect::Reopen]);
    desk.tell(Msg::Opened(Ok(samples::facts(&["orders", "baskets", "daily_report"]))));
    assert!(desk.notice().contains("2 mappings were added"), "{}", desk.notice());
}

#[test]
fn a_file_that_cannot_be_written_to_keeps_what_is_marked() {
    let mut desk = desk(false);
    desk.press(' ');
    desk.code(KeyCode::Enter);
    desk.press('y');
    assert_eq!(desk.answered(Answer::Appended(Err("`mappings` is not a list".to_owned()))), []);
    assert!(desk.notice().contains("`mappings` is not a list"), "{}", desk.notice());
    desk.code(KeyCode::Enter);
    assert_eq!(asked(&desk), ["baskets"]);
}

#[test]
fn a_file_that_has_got_such_a_mapping_meanwhile_is_read_again() {
    let mut desk = desk(false);
    desk.press(' ');
    desk.code(KeyCode::Enter);
    desk.press('y');
    let why = "config.yaml has got a mapping `baskets` meanwhile; nothing is written";
    assert_eq!(desk.answered(Answer::Appended(Ok(Added::Meanwhile(why.to_owned())))), [Effect::Reopen]);
    let effects = desk.tell(Msg::Opened(Ok(samples::facts(&["orders", "baskets"]))));
    assert_eq!(desk.notice(), why);
    assert!(effects.contains(&Effect::Ask(Ask::Tables(ListTables::default()))), "the list too: {effects:?}");
}

#[test]
fn all_that_is_proposed_is_marked_and_what_cannot_be_moved_never_is() {
    let mut desk = desk(false);
    desk.press('*');
    desk.code(KeyCode::Enter);
    assert_eq!(asked(&desk), ["baskets", "clicks_of_visitors_with_a_long_name", "名前"]);
    desk.code(KeyCode::Esc);
    desk.press('*');
    for _ in 0..3 {
        desk.press('j');
    }
    desk.press(' ');
    assert!(desk.notice().contains("odd cannot be moved: Columns `a b`"), "{}", desk.notice());
    desk.code(KeyCode::Enter);
    assert!(desk.app.shared.dialog.is_none());
}

#[test]
fn read_only_lists_and_adds_nothing() {
    let mut desk = desk(true);
    desk.code(KeyCode::Enter);
    assert!(desk.app.shared.dialog.is_none());
}

#[test]
fn a_server_that_does_not_answer_is_told_and_asked_again() {
    let mut desk = desk(false);
    let failure = Failure { error: "Connecting failed".to_owned(), hint: "see that it is up".to_owned() };
    desk.answered(Answer::Tables(Err(failure)));
    assert!(desk.look().contains("Connecting failed"));
    assert_eq!(desk.press('u'), [Effect::Ask(Ask::Tables(ListTables::default()))]);
}

#[test]
fn looks() {
    let mut marked = desk(false);
    marked.press(' ');
    plain_words();
    snapshots("tables", &mut marked);
    marked.code(KeyCode::Enter);
    snapshots("tables_question", &mut marked);
}

fn plain_words() {
    let mut desk = desk(false);
    let Answer::Tables(Ok(mut tables)) = listed() else { panic!() };
    tables.proposals.truncate(4);
    desk.answered(Answer::Tables(Ok(tables)));
    plain(&desk);
}
