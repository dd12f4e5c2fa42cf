//! Rows compared, and mended, from the console.

use ratatui::crossterm::event::KeyCode;

use super::{Comparison, Repairing};
use crate::domain::ids::RunId;
use crate::domain::report::{MappingReport, Outcome as Ended, RunReport, Trigger};
use crate::domain::verify::{Difference, DifferenceKind, Looking, Outcome, Repair, Verification};
use crate::engine::{
    Command, Event, Failure, MOST_BYTES, MappingProgress, Of, Phase, RepairOrder, Selection, Verified, Verify,
};
use crate::tui::ask::{Answer, Ask};
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::desk::{Desk, named};
use crate::tui::dialog::Intent;
use crate::tui::model::samples;
use crate::tui::screen::Screen;
use crate::tui::shared::Effect;

const REPAIR: &str = "20261123T080100Z-4ea14e";

fn ask(dry_run: bool) -> Effect {
    let selection = Selection::Named(vec![named("orders")]);
    Effect::Ask(Ask::Verify(Verify { selection, dry_run, most_bytes: MOST_BYTES, most_named: 1_000 }))
}

fn verification(outcome: Outcome) -> Verification {
    let begun = Verification::begin(named("orders"), "orders".to_owned(), "demo.shop.orders".to_owned());
    Verification {
        outcome,
        window: Some("(beginning, 2026-11-23 07:59:58.123456]".to_owned()),
        rows_in_mysql: 18_204,
        rows_in_bigquery: 18_203,
        key_columns: vec!["shop".to_owned(), "number".to_owned()],
        not_compared: vec!["shape".to_owned()],
        bytes: 1_200_000_000,
        ..begun
    }
}

fn different() -> Verification {
    let key = |kind, number: &str| Difference { key: vec![Some("a".to_owned()), Some(number.to_owned())], kind };
    Verification {
        only_in_mysql: 2,
        only_in_bigquery: 1,
        differing: 1_500,
        doubled: 1,
        changed_since: 7,
        differences: vec![
            key(DifferenceKind::OnlyInMysql, "17"),
            key(DifferenceKind::Differs, "18"),
            key(DifferenceKind::OnlyInBigquery, "99"),
        ],
        ..verification(Outcome::Different)
    }
}

fn said(desk: &mut Desk, answer: Result<Verification, Failure>) {
    desk.answered(Answer::Verified(Verified::Ended(Box::new(Of { mapping: named("orders"), answer }))));
}

/// Compared, with this outcome.
fn compared(mut desk: Desk, found: Verification) -> Desk {
    assert_eq!(desk.press('v'), [ask(true)]);
    said(&mut desk, Ok(verification(Outcome::Estimated)));
    assert_eq!(desk.code(KeyCode::Enter), [ask(false)]);
    said(&mut desk, Ok(found));
    desk
}

/// The operator has said yes, and the run has begun.
fn repairing() -> Desk {
    let mut desk = compared(Desk::deleting("hard"), different());
    desk.press('m');
    desk.press('y');
    desk.hear(Event::RunStarted {
        run: RunId(REPAIR.into()),
        trigger: Trigger::Repair,
        mappings: vec![named("orders")],
    });
    let looking = Some(Looking::Parts { done: 3, of: 12 });
    let (trigger, phase) = (Trigger::Repair, Phase::Plan);
    desk.progress(
        "orders",
        MappingProgress { trigger, phase, looking, rows_read: 1_400, ..MappingProgress::default() },
    );
    desk
}

/// The same, ended.
fn ended(outcome: Ended, still: u64) -> Desk {
    let mut desk = repairing();
    let run = RunId(REPAIR.into());
    let verification = Box::new(different());
    desk.hear(Event::RowsCompared { run: run.clone(), verification, again: false });
    let mut after = Verification { differing: still, ..verification_after(still) };
    after.differences.truncate(usize::try_from(still).unwrap());
    desk.hear(Event::RowsCompared { run: run.clone(), verification: Box::new(after), again: true });
    let counts = Repair {
        only_in_mysql: 2,
        differing: 1_500,
        doubled: 1,
        only_in_bigquery: 1,
        inserted: 2,
        updated: 1_500,
        undoubled: 1,
        deleted: 1,
        different_still: Some(still),
        ..Repair::default()
    };
    let mut report = MappingReport { repair: Some(counts), ..samples::report("orders", REPAIR, outcome) };
    if outcome == Ended::Failed {
        report.errors = vec!["1 key(s) of demo.shop.orders differ still after they were mended".to_owned()];
        report.hint = Some("`bqsync verify --mapping orders` names them".to_owned());
    }
    desk.hear(Event::MappingFinished { report: Box::new(report.clone()) });
    let (started_at, finished_at) = (report.started_at, report.finished_at);
    let (trigger, by) = (Trigger::Repair, "ops@jump".to_owned());
    desk.hear(Event::RunFinished {
        report: RunReport { run_id: run, trigger, by, started_at, finished_at, mappings: vec![report] },
    });
    desk
}

fn verification_after(still: u64) -> Verification {
    let outcome = if still == 0 { Outcome::Equal } else { Outcome::Different };
    let found = different();
    Verification { differences: vec![found.differences[1].clone()], ..verification(outcome) }
}

#[test]
fn the_price_is_shown_first_and_enter_compares() {
    let mut desk = Desk::open();
    assert_eq!(desk.press('v'), [ask(true)]);
    assert_eq!(desk.app.screens.front(), Screen::Verify);
    said(&mut desk, Ok(verification(Outcome::Estimated)));
    assert!(desk.look().contains("up to 1.2 GB in BigQuery"), "{}", desk.look());
    assert_eq!(desk.press('m'), [], "nothing is known to differ");
    assert_eq!(desk.code(KeyCode::Enter), [ask(false)]);
    let looking = Looking::Mysql { done: 3, of: 9 };
    desk.answered(Answer::Verified(Verified::Looking { mapping: named("orders"), looking }));
    assert!(desk.look().contains("3 of 9 statements"), "{}", desk.look());
    assert_eq!(desk.code(KeyCode::Enter), [], "once at a time");
    said(&mut desk, Ok(verification(Outcome::Equal)));
    assert!(desk.look().contains("EQUAL"), "{}", desk.look());
    assert_eq!(desk.press('y'), [], "nothing differs");
    // What was found stays when the screen is left.
    desk.code(KeyCode::Esc);
    assert_eq!(desk.press('v'), []);
    assert!(matches!(desk.app.screens.verify.comparison, Comparison::Compared(_)));
}

#[test]
fn keys_that_differ_are_listed_and_copied() {
    let mut desk = compared(Desk::open(), different());
    let copied = "only in MySQL: shop=a, number=17\ndiffers: shop=a, number=18\nonly in BigQuery: shop=a, number=99";
    assert_eq!(desk.press('y'), [Effect::Copy(copied.to_owned())]);
    assert!(desk.look().contains("and 1,501 more"), "{}", desk.look());
}

#[test]
fn a_repair_is_asked_about_with_counts_and_its_result_is_shown() {
    let mut desk = compared(Desk::deleting("hard"), different());
    assert_eq!(desk.press('m'), []);
    let dialog = desk.app.shared.dialog.clone().unwrap();
    let told = dialog.lines.join("\n");
    for words in [
        "2 keys only in MySQL: inserted",
        "1,500 keys that differ: updated",
        "1 key doubled in BigQuery: reduced to one row",
        "1 key only in BigQuery: deleted",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(dialog.chosen(), Intent::Nothing, "Enter alone mends nothing");
    assert!(dialog.choices.iter().any(|choice| choice.label == "repair 1,504 keys"), "{dialog:?}");
    let selection = Selection::Named(vec![named("orders")]);
    let order = RepairOrder { selection, dry_run: false, most_bytes: MOST_BYTES, most_named: 1_000 };
    assert_eq!(desk.press('y'), [Effect::Send(Command::Repair(order))]);
    assert!(desk.app.busy());
    let mut desk = repairing();
    assert!(desk.look().contains("3 of 12 looked into"), "{}", desk.look());
    assert_eq!(desk.press('m'), [], "once at a time");
    let mut desk = ended(Ended::Ok, 0);
    let shown = desk.look();
    assert!(shown.contains("2 inserted, 1500 updated") && shown.contains("equal now"), "{shown}");
    assert!(shown.contains("EQUAL") && !desk.app.busy(), "{shown}");
    assert!(desk.notice().contains("2 inserted"), "{}", desk.notice());
}

#[test]
fn the_repair_question_names_rows_that_are_left_and_offers_nothing_if_all_are() {
    let only_there = Verification { only_in_bigquery: 3, ..verification(Outcome::Different) };
    let mut desk = compared(Desk::open(), only_there);
    desk.press('m');
    let dialog = desk.app.shared.dialog.clone().unwrap();
    assert!(dialog.lines[0].contains("`deletes: ignore`"), "{dialog:?}");
    assert!(dialog.choices.iter().all(|choice| choice.intent == Intent::Nothing), "{dialog:?}");
    let mut soft = compared(Desk::deleting("soft"), different());
    soft.press('m');
    assert!(soft.app.shared.dialog.unwrap().lines.join(" ").contains("marked with the time in `_bqsync_deleted_at`"));
}

#[test]
fn remaining_differences_are_listed_and_can_be_repaired_again() {
    let mut desk = ended(Ended::Failed, 1);
    let shown = desk.look();
    assert!(shown.contains("1 differ still") && shown.contains("shop=a, number=18"), "{shown}");
    desk.press('m');
    assert!(desk.app.shared.dialog.is_some());
}

#[test]
fn answers_about_another_mapping_and_engines_that_broke_change_nothing_that_is_shown() {
    let mut desk = Desk::open();
    desk.press('v');
    desk.code(KeyCode::Esc);
    desk.press('j');
    desk.press('v');
    said(&mut desk, Ok(verification(Outcome::Estimated)));
    assert_eq!(desk.app.screens.verify.comparison, Comparison::Pricing);
    let mut desk = repairing();
    desk.hear(Event::EngineFailed { error: "it broke".into() });
    assert_eq!(desk.app.screens.verify.repairing, Repairing::None);
    let mut desk = Desk::open();
    desk.press('v');
    said(&mut desk, Err(Failure { error: "Reading was refused".into(), hint: "GRANT SELECT".into() }));
    assert!(desk.look().contains("GRANT SELECT"));
}

#[test]
fn a_console_that_only_reads_compares_and_repairs_nothing() {
    let mut desk = compared(Desk::open_with(true, None), different());
    assert_eq!(desk.press('m'), []);
    assert!(desk.app.shared.dialog.is_none());
    assert!(!desk.look().contains("m repair"), "{}", desk.look());
}

#[test]
fn how_it_looks() {
    plain(&compared(Desk::open(), different()));
    snapshots("verify_found", &mut compared(Desk::open(), different()));
    snapshots("verify_running", &mut repairing());
    snapshots("verify_ended", &mut ended(Ended::Failed, 1));
    let mut asked = compared(Desk::deleting("soft"), different());
    asked.press('m');
    snapshots("verify_question", &mut asked);
}

fn ask_of(names: &[&str], dry_run: bool) -> Effect {
    let selection = Selection::Named(names.iter().map(|name| named(name)).collect());
    Effect::Ask(Ask::Verify(Verify { selection, dry_run, most_bytes: MOST_BYTES, most_named: 1_000 }))
}

fn said_of(desk: &mut Desk, name: &str, answer: Result<Verification, Failure>) {
    desk.answered(Answer::Verified(Verified::Ended(Box::new(Of { mapping: named(name), answer }))));
}

/// All three are marked; two have a price, and the third cannot be compared.
fn several() -> Desk {
    let mut desk = Desk::open();
    desk.press('*');
    assert_eq!(desk.press('v'), [ask_of(&["orders", "users", "carts"], true)]);
    said_of(&mut desk, "orders", Ok(verification(Outcome::Estimated)));
    said_of(&mut desk, "users", Ok(verification(Outcome::Estimated)));
    let hint = "name the columns that tell rows apart".to_owned();
    said_of(&mut desk, "carts", Err(Failure { error: "`carts` has no `primary_keys`".to_owned(), hint }));
    desk
}

#[test]
fn marked_mappings_are_compared_together_after_the_price_is_shown() {
    let mut desk = several();
    assert_eq!(desk.code(KeyCode::Enter), []);
    let dialog = desk.app.shared.dialog.clone().unwrap();
    assert_eq!(dialog.lines[0], "orders, users");
    assert!(dialog.lines[1].contains("2.4 GB"), "{dialog:?}");
    assert_eq!(desk.press('y'), [ask_of(&["orders", "users"], false)]);
    said_of(&mut desk, "orders", Ok(different()));
    snapshots("verify_several", &mut desk);
    plain(&desk);
    assert!(desk.look().contains("1,504 keys differ"));
    desk.code(KeyCode::Enter);
    assert!(desk.look().contains("only in BigQuery"), "Enter shows what differs");
    desk.press('m');
    assert!(desk.app.shared.dialog.is_some(), "which can be mended");
    desk.code(KeyCode::Esc);
    desk.code(KeyCode::Esc);
    assert!(desk.look().contains("Rows of 3 mappings"), "Esc goes back to the list");
    desk.code(KeyCode::Esc);
    assert_eq!(desk.app.screens.front(), Screen::Mappings);
}
