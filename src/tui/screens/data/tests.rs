//! Rows side by side.

use ratatui::crossterm::event::KeyCode;

use crate::domain::verify::{Beside, Cell, Pair, SeenColumn};
use crate::engine::ReadBeside;
use crate::tui::ask::{Answer, Ask};
use crate::tui::desk::looks::snapshots;
use crate::tui::desk::{Desk, named};
use crate::tui::screen::Screen;
use crate::tui::shared::Effect;

fn cell(value: Option<&str>) -> Cell {
    Cell { shown: value.map(str::to_owned), hash: value.map(str::to_owned) }
}

fn row(values: [Option<&str>; 7]) -> Vec<Cell> {
    values.map(cell).to_vec()
}

const LONG: &str = "a note that nobody could read to its end in a cell of a table, because it goes on and on";

fn rows() -> Beside {
    let column = |(name, is_key, is_masked): (&str, bool, bool)| SeenColumn {
        name: name.into(),
        is_key,
        is_masked,
        is_compared: name != "place",
    };
    let columns = [
        ("id", true, false),
        ("customer", false, false),
        ("email", false, true),
        ("total", false, false),
        ("place", false, false),
        ("note", false, false),
        ("updated_at", false, false),
    ];
    let at = Some("2026-11-23 08:00:39");
    let hostile = Some("x\x1b]0;t\x07\u{202e}y");
    let ours = [
        row([Some("104"), Some("Ada"), Some("masked"), Some("12.5"), None, Some(LONG), at]),
        row([Some("103"), Some("Grace"), Some("masked"), Some("7"), None, hostile, at]),
        row([Some("102"), Some("Edsger"), None, Some("99.95"), None, None, at]),
        row([Some("101"), Some("注文"), Some("masked"), Some("0"), None, Some(""), at]),
    ];
    let mut changed = ours[1].clone();
    changed[3] = cell(Some("8"));
    let mut unmasked = ours[3].clone();
    unmasked[2] = Cell { shown: Some("masked".into()), hash: Some("another".into()) };
    let pair = |source: &Vec<Cell>, target: Option<Vec<Cell>>, is_newer| Pair {
        source: source.clone(),
        copies: usize::from(target.is_some()),
        target,
        is_newer,
    };
    let pairs = vec![
        pair(&ours[0], None, true),
        pair(&ours[1], Some(changed), false),
        pair(&ours[2], Some(ours[2].clone()), false),
        pair(&ours[3], Some(unmasked), false),
    ];
    Beside {
        columns: columns.map(column).to_vec(),
        pairs,
        bytes: 12_345_678,
        by: vec!["updated_at".into()],
        scans: None,
    }
}

fn asks(effects: &[Effect], price_only: bool) -> bool {
    effects.iter().any(
        |effect| matches!(effect, Effect::Ask(Ask::Beside(ReadBeside { price_only: asked, .. })) if *asked == price_only),
    )
}

fn answer(desk: &mut Desk, price_only: bool) {
    let answer = Ok(Box::new(rows()));
    desk.answered(Answer::BesideRead { mapping: named("orders"), price_only, answer });
}

fn shown() -> Desk {
    let mut desk = Desk::open();
    desk.press('d');
    answer(&mut desk, true);
    desk.press('y');
    answer(&mut desk, false);
    desk
}

#[test]
fn bigquery_reads_nothing_before_the_operator_has_seen_the_cost() {
    let mut desk = Desk::open();
    desk.code(KeyCode::Enter);
    assert!(asks(&desk.code(KeyCode::Enter), true), "twice Enter on a mapping");
    assert_eq!(desk.app.screens.front(), Screen::Data);
    answer(&mut desk, false);
    assert!(!desk.look().contains("Ada"), "an answer to what was not asked");
    answer(&mut desk, true);
    let dialog = desk.app.shared.dialog.clone().expect("a question");
    assert!(dialog.lines[0].contains("12.3 MB"), "{:?}", dialog.lines);
    assert_eq!(desk.code(KeyCode::Enter), [], "Enter alone reads nothing");
    desk.code(KeyCode::Enter);
    let effects = desk.press('y');
    assert!(asks(&effects, false), "{effects:?}");
    let Some(Effect::Ask(Ask::Beside(query))) = effects.first() else { panic!("{effects:?}") };
    assert!(query.most_bytes > 12_345_678 && query.most_bytes < 30_000_000);
}

#[test]
fn a_table_that_would_be_read_from_end_to_end_is_asked_about_first() {
    let mut desk = Desk::open();
    desk.press('d');
    let answer = Ok(Box::new(Beside { scans: Some(12_000_000), pairs: Vec::new(), ..rows() }));
    desk.answered(Answer::BesideRead { mapping: named("orders"), price_only: true, answer });
    let look = desk.look();
    assert!(look.contains("No index begins with updated_at") && look.contains("12,000,000 rows"), "{look}");
}

#[test]
fn a_text_null_differs_from_the_value_null() {
    let mut desk = Desk::open();
    desk.press('d');
    answer(&mut desk, true);
    desk.press('y');
    let mut rows = rows();
    rows.pairs[2].source[5] = cell(Some("NULL"));
    desk.answered(Answer::BesideRead { mapping: named("orders"), price_only: false, answer: Ok(Box::new(rows)) });
    (0..3).for_each(|_| {
        desk.code(KeyCode::Right);
    });
    let look = desk.look();
    assert!(look.contains("*\"NULL\"") && look.contains("*NULL"), "{look}");
}

#[test]
fn differing_values_are_marked_and_control_characters_are_escaped() {
    let mut desk = shown();
    let look = desk.look();
    assert!(look.contains("not there yet: newer than the watermark"), "{look}");
    assert!(look.contains("*7") && look.contains("*8") && look.contains("both  102"), "{look}");
    assert!(look.contains("*masked"), "a value that is not as the mask makes it: {look}");
    (0..5).for_each(|_| {
        desk.code(KeyCode::Right);
    });
    let look = desk.look();
    assert!(look.contains("updated_at") && !look.contains("customer"), "{look}");
    desk.code(KeyCode::Left);
    assert!(desk.look().contains("x\\u001b]0;t\\u0007\\u202ey"), "{}", desk.look());
    snapshots("rows", &mut shown());
}

#[test]
fn a_single_row_shows_every_value_in_full() {
    let mut desk = shown();
    desk.code(KeyCode::Enter);
    let look = desk.look();
    let rows = look.lines().map(|line| line.trim_matches('│').trim_end().trim_start_matches("           "));
    assert!(rows.collect::<String>().replace(' ', "").contains(&LONG.replace(' ', "")), "{look}");
    desk.code(KeyCode::Esc);
    assert_eq!(desk.app.screens.front(), Screen::Data);
    desk.press('j');
    desk.code(KeyCode::Enter);
    assert!(desk.look().contains("total (differs)"), "{}", desk.look());
    snapshots("rows_one", &mut desk);
    desk.code(KeyCode::Esc);
    desk.code(KeyCode::Esc);
    desk.press('d');
    assert!(!desk.look().contains("Grace"), "what was read is not kept");
}

#[test]
fn a_lost_engine_resets_the_rows() {
    let mut desk = Desk::open();
    desk.press('d');
    desk.tell(crate::tui::app::Msg::Opened(Ok(crate::tui::model::samples::facts(&["orders"]))));
    answer(&mut desk, true);
    assert!(desk.app.shared.dialog.is_none());
    assert!(desk.look().contains("Enter asks"), "{}", desk.look());
}
