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
fn enter_shows_the_lines_of_the_marked_tables_and_adds_them_after_the_confirmation() {
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
fn an_unwritable_file_keeps_the_marks() {
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
fn the_star_marks_every_proposed_table_and_no_impossible_one() {
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

/// Types a filter and leaves the field.
fn filter(desk: &mut Desk, text: &str) {
    desk.press('/');
    text.chars().for_each(|letter| {
        desk.press(letter);
    });
    desk.code(KeyCode::Enter);
}

fn names(desk: &Desk) -> Vec<String> {
    desk.app.screens.tables.shown().map(|proposal| proposal.name.clone()).collect()
}

#[test]
fn a_filter_lists_the_tables_that_match_its_words_modes_and_statuses() {
    let listed = |text: &str| {
        let mut desk = desk(false);
        filter(&mut desk, text);
        names(&desk)
    };
    assert_eq!(listed("visitors"), ["clicks_of_visitors_with_a_long_name"]);
    assert_eq!(listed("mode:mirror"), ["baskets"]);
    assert_eq!(listed("mode:replace"), ["daily_report"], "a table that is left out has a mode too");
    assert_eq!(listed("status:left-out,impossible"), ["daily_report", "odd"]);
    assert_eq!(listed("status:proposed -name:basket"), ["clicks_of_visitors_with_a_long_name", "名前"]);
    let mut desk = desk(false);
    desk.press('/');
    "status:big".chars().for_each(|letter| {
        desk.press(letter);
    });
    assert!(desk.look().contains("there is no status `big`; there are proposed"), "{}", desk.look());
    assert_eq!(names(&desk).len(), 5, "a word that is not understood hides nothing");
}

#[test]
fn under_a_filter_marks_and_the_cursor_are_those_of_the_listed_tables() {
    let mut desk = desk(false);
    desk.press('j');
    filter(&mut desk, "status:proposed -basket");
    assert!(desk.look().contains("2 of 5 tables"), "{}", desk.look());
    desk.code(KeyCode::Enter);
    assert_eq!(asked(&desk), ["clicks_of_visitors_with_a_long_name"], "the cursor stays on its table");
    desk.code(KeyCode::Esc);
    desk.press('*');
    desk.code(KeyCode::Enter);
    assert_eq!(asked(&desk), ["clicks_of_visitors_with_a_long_name", "名前"], "* marks only listed tables");
    desk.code(KeyCode::Esc);
    filter(&mut desk, " visitors");
    assert!(desk.look().contains("2 marked, 1 not shown"), "{}", desk.look());
    desk.code(KeyCode::Enter);
    let hidden = &desk.app.shared.dialog.as_ref().unwrap().lines[0];
    assert!(hidden.starts_with("1 of these tables is marked and hidden by the filter"), "{hidden}");
    desk.code(KeyCode::Esc);
    desk.code(KeyCode::Esc);
    assert_eq!(names(&desk).len(), 1, "Esc clears the marks before the filter");
    desk.code(KeyCode::Esc);
    assert_eq!((names(&desk).len(), desk.app.screens.front()), (5, Screen::Tables));
    desk.code(KeyCode::Esc);
    assert_eq!(desk.app.screens.front(), Screen::Mappings);
}

#[test]
fn a_filter_without_a_match_names_the_key_that_clears_it() {
    let mut desk = desk(false);
    filter(&mut desk, "nowhere");
    assert!(desk.look().contains("No table matches `nowhere`; Esc clears the filter."), "{}", desk.look());
    desk.code(KeyCode::Enter);
    assert!(desk.app.shared.dialog.is_none());
    desk.answered(listed());
    assert_eq!(names(&desk), [""; 0], "a list that is read again is filtered too");
}

#[test]
fn a_command_opens_the_list_with_a_filter_and_tab_completes_it() {
    let mut desk = Desk::open_with(false, None);
    ":tables st".chars().for_each(|letter| {
        desk.press(letter);
    });
    desk.code(KeyCode::Tab);
    "left-out".chars().for_each(|letter| {
        desk.press(letter);
    });
    assert_eq!(desk.app.line.as_ref().unwrap().input.value(), "tables status:left-out");
    desk.code(KeyCode::Enter);
    desk.answered(listed());
    assert_eq!(names(&desk), ["daily_report"]);
}

#[test]
fn a_filter_while_it_is_typed_and_after_it() {
    let mut desk = desk(false);
    desk.press(' ');
    desk.press('/');
    "mode:append".chars().for_each(|letter| {
        desk.press(letter);
    });
    snapshots("tables_typing", &mut desk);
    desk.code(KeyCode::Enter);
    snapshots("tables_filter", &mut desk);
}
