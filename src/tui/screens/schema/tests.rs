//! The operator's decisions on new columns.

use ratatui::crossterm::event::KeyCode;

use super::Mark;
use crate::domain::report::Outcome;
use crate::domain::schema::{ColumnDiffView, VerdictKind};
use crate::engine::{ColumnDecision, Compare, Comparison, Decide, Decided, Of, Selection};
use crate::tui::ask::{Answer, Ask};
use crate::tui::desk::looks::{plain, shown, snapshots};
use crate::tui::desk::{Desk, named, sync};
use crate::tui::dialog::Intent;
use crate::tui::model::{Word, samples};
use crate::tui::shared::Effect;

fn column(name: &str, verdict: VerdictKind) -> ColumnDiffView {
    ColumnDiffView {
        column: name.to_owned(),
        mysql: Some("varchar(20)".to_owned()),
        bigquery: None,
        verdict,
        becomes: Some("STRING".to_owned()),
        note: None,
        remedy: None,
        accepted: None,
        mask: None,
    }
}

fn answer(comparison: Comparison) -> Answer {
    Answer::Compared(Of { mapping: comparison.mapping.clone(), answer: Ok(comparison) })
}

fn decided(decided: Decided) -> Answer {
    Answer::Decided { mapping: decided.mapping.clone(), decided: Ok(decided) }
}

fn compared(statements: &[&str]) -> Answer {
    answer(Comparison {
        mapping: named("carts"),
        creates_table: false,
        new_table: false,
        columns: vec![
            column("id", VerdictKind::Same),
            column("coupon", VerdictKind::New),
            column("note", VerdictKind::New),
            column("size", VerdictKind::Conflict),
        ],
        statements: statements.iter().map(|s| (*s).to_owned()).collect(),
        applied: false,
        conflicts: 1,
        options: Vec::new(),
    })
}

/// A run of carts has met new columns.
fn desk_with_review() -> Desk {
    let mut desk = Desk::open();
    desk.press('G');
    desk.press('r');
    desk.start("carts");
    desk.finish("carts", Outcome::Waiting);
    let mut carts = samples::status("carts", Some(Outcome::Waiting));
    carts.undecided = vec!["coupon".into(), "note".into(), "size".into()];
    desk.watched(vec![carts]);
    assert_eq!(desk.word("carts"), Word::Review);
    desk.press('s');
    desk.answered(compared(&["ALTER TABLE all"]));
    desk
}

#[test]
fn options_that_the_mapping_asks_for_and_the_table_lacks_are_shown() {
    let mut desk = desk_with_review();
    let option = "`partition_by` asks for partitions by month of `at`, and shop.carts is partitioned by day of `at`";
    let Answer::Compared(Of { mapping, answer: Ok(comparison) }) = compared(&[]) else { unreachable!() };
    let comparison = Comparison { options: vec![option.to_owned()], ..comparison };
    desk.answered(Answer::Compared(Of { mapping, answer: Ok(comparison) }));
    assert!(shown(&desk, (80, 24)).contains("asks for partitions by month"), "{}", shown(&desk, (80, 24)));
}

#[test]
fn a_review_shows_the_exact_ddl_before_it_changes_anything_and_the_run_goes_on() {
    let mut desk = desk_with_review();
    desk.press(' ');
    desk.press('n');
    desk.press(' ');
    desk.press(' ');
    desk.press('n');
    desk.press(' ');
    let accepted = vec!["coupon".to_owned()];
    let ask = Compare { selection: Selection::Named(vec![named("carts")]), apply: false, columns: accepted };
    assert_eq!(desk.code(KeyCode::Enter), [Effect::Ask(Ask::Compare(ask))]);
    desk.answered(compared(&["ALTER TABLE `carts` ADD COLUMN `coupon` STRING"]));
    let dialog = desk.app.shared.dialog.clone().unwrap();
    assert!(dialog.lines.iter().any(|line| line.contains("ADD COLUMN `coupon`")), "{dialog:?}");
    assert!(dialog.lines.iter().any(|line| line.contains("note, size")), "{dialog:?}");
    assert_eq!(dialog.chosen(), Intent::Nothing, "Enter alone changes nothing");
    let decision = |column: &str, accept| ColumnDecision { column: column.to_owned(), accept };
    let decisions = vec![decision("coupon", true), decision("note", false), decision("size", false)];
    let decide = Decide { mapping: named("carts"), decisions };
    assert_eq!(desk.press('y'), [Effect::Ask(Ask::Decide(decide))]);
    assert!(desk.app.busy(), "DDL is on its way");
    let effects = desk.answered(decided(Decided {
        mapping: named("carts"),
        accepted: vec!["coupon".into()],
        declined: vec!["note".into(), "size".into()],
        statements: vec!["ALTER".into()],
        notes: Vec::new(),
        waits: false,
    }));
    assert!(effects.contains(&sync(&["carts"])), "{effects:?}");
}

#[test]
fn a_review_that_leaves_something_open_goes_on_waiting() {
    let mut desk = desk_with_review();
    desk.press(' ');
    desk.code(KeyCode::Enter);
    desk.answered(compared(&["ALTER"]));
    assert!(desk.app.shared.dialog.as_ref().unwrap().lines.iter().any(|line| line.contains("Still undecided")));
    desk.press('y');
    let effects = desk.answered(decided(Decided {
        mapping: named("carts"),
        accepted: vec!["coupon".into()],
        declined: vec![],
        statements: vec![],
        notes: Vec::new(),
        waits: false,
    }));
    assert!(!effects.contains(&sync(&["carts"])), "{effects:?}");
}

/// A table that has appeared in MySQL; BigQuery has nothing of it.
fn desk_with_new_table() -> Desk {
    let mut desk = Desk::open();
    desk.press('G');
    let mut carts = samples::status("carts", None);
    carts.new_table = true;
    desk.watched(vec![carts]);
    desk.press('s');
    desk.answered(answer(Comparison {
        mapping: named("carts"),
        creates_table: true,
        new_table: true,
        columns: vec![column("id", VerdictKind::New), column("v", VerdictKind::New)],
        statements: vec!["CREATE TABLE".into()],
        applied: false,
        conflicts: 0,
        options: Vec::new(),
    }));
    desk
}

#[test]
fn a_declined_column_of_a_new_table_is_sent_with_the_decision_on_the_table() {
    let mut desk = desk_with_new_table();
    assert!(shown(&desk, (80, 24)).contains("a new table that waits for a decision"), "{}", shown(&desk, (80, 24)));
    desk.press('G');
    desk.press(' ');
    desk.press(' ');
    assert!(shown(&desk, (80, 24)).contains("created without it"), "{}", shown(&desk, (80, 24)));
    assert_eq!(desk.code(KeyCode::Enter), []);
    let lines = desk.app.shared.dialog.as_ref().unwrap().lines.join(" ");
    assert!(lines.contains("moved without v: BigQuery's table gets no such column"), "{lines}");
    let decision = |column: &str, accept| ColumnDecision { column: column.to_owned(), accept };
    let decisions = vec![decision("*", true), decision("v", false)];
    let decide = Decide { mapping: named("carts"), decisions };
    assert_eq!(desk.press('y'), [Effect::Ask(Ask::Decide(decide))]);
    let effects = desk.answered(decided(Decided {
        mapping: named("carts"),
        accepted: vec!["*".into()],
        declined: vec!["v".into()],
        statements: vec![],
        notes: Vec::new(),
        waits: false,
    }));
    assert!(effects.contains(&sync(&["carts"])), "{effects:?}");
    assert!(desk.notice().contains("taken without v"), "{}", desk.notice());
}

#[test]
fn declining_a_new_table_declines_all_of_it_despite_marks() {
    let mut desk = desk_with_new_table();
    desk.press(' ');
    desk.code(KeyCode::Enter);
    let decisions = vec![ColumnDecision { column: "*".to_owned(), accept: false }];
    let decide = Decide { mapping: named("carts"), decisions };
    assert_eq!(desk.press('x'), [Effect::Ask(Ask::Decide(decide))]);
}

#[test]
fn a_review_begins_at_what_needs_a_decision_and_goes_from_one_to_the_next() {
    let mut desk = desk_with_review();
    let marked = |desk: &Desk| desk.app.screens.schema.columns()[desk.app.screens.schema.selected].column.clone();
    let mut seen = vec![marked(&desk)];
    for key in ['n', 'n', 'n', 'N'] {
        desk.press(key);
        seen.push(marked(&desk));
    }
    assert_eq!(seen, ["coupon", "note", "size", "coupon", "size"]);
    desk.press('g');
    desk.press(' ');
    assert!(desk.notice().contains("id is the same on both sides"), "{}", desk.notice());
    for _ in 0..3 {
        desk.press('n');
        desk.press(' ');
    }
    desk.press('n');
    assert!(desk.notice().contains("Enter shows"), "{}", desk.notice());
    // Read again, the mark stays where it is.
    desk.press('u');
    desk.answered(compared(&[]));
    assert_eq!(marked(&desk), "size");
}

#[test]
fn a_conflict_cannot_be_accepted() {
    let mut desk = desk_with_review();
    desk.press('a');
    let marked: Vec<&String> = desk.app.screens.schema.marks.keys().collect();
    assert_eq!(marked, ["coupon", "note"]);
    desk.press('G');
    desk.press(' ');
    assert_eq!(desk.app.screens.schema.marks.get("size"), Some(&Mark::Decline));
}

fn both_sides(
    name: &str,
    mysql: Option<&str>,
    bigquery: Option<&str>,
    verdict: VerdictKind,
    becomes: Option<&str>,
) -> ColumnDiffView {
    ColumnDiffView {
        column: name.into(),
        mysql: mysql.map(Into::into),
        bigquery: bigquery.map(Into::into),
        verdict,
        becomes: becomes.map(Into::into),
        note: None,
        remedy: None,
        accepted: None,
        mask: None,
    }
}

fn orders_compared(statements: Vec<String>) -> Answer {
    let mut declined = both_sides("internal_remark", Some("text"), None, VerdictKind::New, Some("STRING"));
    declined.accepted = Some(false);
    answer(Comparison {
        mapping: named("orders"),
        creates_table: false,
        new_table: false,
        columns: vec![
            both_sides("id", Some("bigint unsigned"), Some("NUMERIC"), VerdictKind::Same, None),
            both_sides("total", Some("decimal(38,9)"), Some("NUMERIC"), VerdictKind::Widen, Some("BIGNUMERIC")),
            both_sides("coupon", Some("varchar(20)"), None, VerdictKind::New, Some("STRING")),
            both_sides("placed_at", Some("datetime(3)"), Some("TIMESTAMP"), VerdictKind::Relax, None),
            both_sides("legacy_code", None, Some("STRING"), VerdictKind::MissingInSource, None),
            both_sides("size", Some("varchar(8)"), Some("INT64"), VerdictKind::Conflict, None),
            declined,
        ],
        statements,
        applied: false,
        conflicts: 1,
        options: Vec::new(),
    })
}

fn review() -> Desk {
    let mut desk = Desk::open();
    desk.press('s');
    desk.answered(orders_compared(vec![]));
    desk.press(' ');
    desk.press('j');
    desk.press(' ');
    desk.press(' ');
    desk
}

fn ddl() -> Desk {
    let mut desk = review();
    desk.code(KeyCode::Enter);
    desk.answered(orders_compared(vec![
        "ALTER TABLE `demo`.`shop`.`orders` ALTER COLUMN `total` SET DATA TYPE BIGNUMERIC".into(),
    ]));
    desk
}

#[test]
fn a_schema_review() {
    let mut desk = review();
    plain(&desk);
    snapshots("schema", &mut desk);
}

#[test]
fn the_ddl_before_it_is_carried_out() {
    snapshots("schema_ddl", &mut ddl());
}
