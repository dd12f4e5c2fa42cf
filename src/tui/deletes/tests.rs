//! Deleted rows: looked for, asked about, deleted.

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::RunId;
use crate::domain::report::{MappingReport, Outcome, Trigger};
use crate::engine::{Command, Event, Selection};
use crate::tui::desk::looks::snapshots;
use crate::tui::desk::{Desk, RUN, named, vanished};
use crate::tui::dialog::Intent;
use crate::tui::model::Word;
use crate::tui::shared::Effect;

fn deletes(dry_run: bool) -> Effect {
    Effect::Send(Command::Deletes { selection: Selection::Named(vec![named("orders")]), dry_run })
}

/// Three rows have vanished, and the question is open.
fn asked(word: &str) -> Desk {
    let mut desk = Desk::deleting(word);
    assert_eq!(desk.press('x'), [deletes(true)]);
    desk.looked(vanished(3));
    desk
}

#[test]
fn deleted_rows_are_counted_then_asked_about_then_deleted() {
    let mut desk = asked("hard");
    let dialog = desk.app.shared.dialog.clone().unwrap();
    assert!(dialog.lines[0].contains("3 of the 18,204 rows of demo.shop.orders"), "{dialog:?}");
    assert!(dialog.lines.iter().any(|line| line.contains("deleted from the table")), "{dialog:?}");
    assert!(dialog.lines.iter().any(|line| line.contains("at most 0.1")), "{dialog:?}");
    assert_eq!(dialog.chosen(), Intent::Nothing, "Enter alone deletes nothing");
    assert!(!desk.app.busy());
    assert_eq!(desk.press('y'), [deletes(false)]);
    assert!(desk.app.busy());
    let mut done = vanished(3);
    done.run_id = RunId("20261123T080100Z-d0e000".into());
    done.deletion.as_mut().unwrap().deleted = 3;
    desk.looked(done);
    assert!(desk.notice().contains("3 rows") && desk.app.shared.dialog.is_none(), "{}", desk.notice());
    assert_eq!(desk.app.shared.book.get(&named("orders")).unwrap().log.as_ref().unwrap().trigger, Trigger::Deletes);
}

#[test]
fn the_question_names_the_column_that_marks_rows() {
    let desk = asked("soft");
    let dialog = desk.app.shared.dialog.unwrap();
    assert!(dialog.lines.iter().any(|line| line.contains("`_bqsync_deleted_at`")), "{dialog:?}");
    assert!(dialog.choices.iter().any(|choice| choice.label == "mark 3 rows"), "{dialog:?}");
}

#[test]
fn a_count_does_not_become_the_last_run_of_the_mapping() {
    let mut desk = Desk::deleting("hard");
    desk.start("orders");
    desk.finish("orders", Outcome::Ok);
    let last = desk.app.shared.book.get(&named("orders")).unwrap().last_run().cloned();
    desk.press('x');
    desk.looked(vanished(0));
    assert!(desk.app.shared.dialog.is_none() && desk.notice().contains("still in MySQL"), "{}", desk.notice());
    let row = desk.app.shared.book.get(&named("orders")).unwrap();
    assert_eq!((row.last_run(), &row.log.as_ref().unwrap().run.0), (last.as_ref(), &RUN.to_owned()));
}

#[test]
fn a_delete_that_the_guard_refuses_cannot_be_confirmed() {
    let mut desk = Desk::deleting("hard");
    desk.press('x');
    let mut report = vanished(9_000);
    let guard =
        Fault::new(FaultKind::Conflict, "9,000 of 18,204 rows are gone").with_hint("raise `max_delete_fraction`");
    report.fail(&guard);
    desk.looked(report);
    let dialog = desk.app.shared.dialog.clone().unwrap();
    assert!(dialog.choices.iter().all(|choice| choice.intent == Intent::Nothing), "{dialog:?}");
    assert!(dialog.lines.iter().any(|line| line.contains("raise `max_delete_fraction`")), "{dialog:?}");
    assert_eq!(desk.word("orders"), Word::Ok, "the mapping itself has not failed");
}

#[test]
fn a_question_does_not_take_a_key_that_was_meant_for_something_else() {
    let mut elsewhere = Desk::deleting("hard");
    elsewhere.press('x');
    elsewhere.press('j');
    elsewhere.looked(vanished(3));
    let mut typing = Desk::deleting("hard");
    typing.press('x');
    typing.press('/');
    typing.looked(vanished(3));
    for desk in [elsewhere, typing] {
        assert!(
            desk.app.shared.dialog.is_none() && desk.notice().contains("3 of the 18,204 rows"),
            "{}",
            desk.notice()
        );
    }
}

#[test]
fn one_count_at_a_time_and_none_while_the_mapping_runs() {
    let mut desk = Desk::deleting("hard");
    desk.press('x');
    desk.press('j');
    assert_eq!(desk.press('x'), []);
    assert!(desk.notice().contains("is already counting"), "{}", desk.notice());
    let mut desk = Desk::deleting("hard");
    desk.start("orders");
    assert_eq!(desk.press('x'), []);
    assert!(desk.notice().contains("running already"), "{}", desk.notice());
}

#[test]
fn a_broken_engine_ends_the_count() {
    let mut desk = Desk::deleting("hard");
    desk.press('x');
    desk.hear(Event::EngineFailed { error: "it broke".into() });
    assert_eq!(desk.press('x'), [deletes(true)]);
}

#[test]
fn a_mapping_that_ignores_deletions_and_a_console_that_only_reads_delete_nothing() {
    let mut desk = asked("ignore");
    let dialog = desk.app.shared.dialog.clone().unwrap();
    assert!(dialog.lines.iter().any(|line| line.contains("deletes: ignore")), "{dialog:?}");
    assert_eq!(desk.press('y'), [], "there is no such answer");
    assert_eq!(desk.press('h'), [Effect::Copy("deletes: hard".into())], "what to write can be copied");
    let mut desk = Desk::open_with(true, None);
    assert_eq!(desk.press('x'), []);
    assert!(desk.notice().contains("--read-only"), "{}", desk.notice());
}

/// Orders has lost three rows, users none, carts five that its mapping keeps.
#[test]
fn several_are_counted_at_once_and_those_that_may_be_are_deleted() {
    let mut desk = Desk::deleting("hard");
    desk.press('*');
    let all = Selection::Named(["orders", "users", "carts"].map(named).to_vec());
    assert_eq!(desk.press('x'), [Effect::Send(Command::Deletes { selection: all, dry_run: true })]);
    let of = |name: &str, gone| MappingReport { mapping_name: named(name), ..vanished(gone) };
    desk.looked_at(vec![of("orders", 3), of("users", 0), of("carts", 5)]);
    let dialog = desk.app.shared.dialog.clone().unwrap();
    assert_eq!(dialog.lines[0], "orders: 3 of 18,204 rows vanished from MySQL; to be deleted");
    assert!(dialog.choices.iter().any(|choice| choice.label == "delete or mark 8 rows of 2 mappings"), "{dialog:?}");
    let lost = Selection::Named(["orders", "carts"].map(named).to_vec());
    assert_eq!(desk.press('y'), [Effect::Send(Command::Deletes { selection: lost, dry_run: false })]);
}

#[test]
fn the_question_before_rows_are_deleted() {
    snapshots("deletes", &mut asked("soft"));
}
