//! A backfill: typed, previewed, asked about, started.

use ratatui::crossterm::event::KeyCode;

use super::Preview;
use crate::domain::report::Outcome;
use crate::engine::{
    BackfillAsk, BackfillPreview, BackfillState, Command, PreviewBackfill, PublishBytes, SlicePreview,
};
use crate::tui::app::Msg;
use crate::tui::ask::{Answer, Ask};
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::desk::{Desk, named};
use crate::tui::model::samples;
use crate::tui::shared::Effect;

fn ask() -> BackfillAsk {
    BackfillAsk { mapping: named("orders"), start: "2026-10-01".into(), end: Some("2026-10-31".into()) }
}

fn answer(preview: BackfillPreview) -> Answer {
    Answer::Previewed { mapping: preview.ask.mapping.clone(), preview: Ok(Box::new(preview)) }
}

fn preview(unfinished: Option<BackfillState>) -> Answer {
    answer(BackfillPreview {
        ask: ask(),
        window: "[2026-10-01 00:00:00, 2026-10-31 23:59:59]".into(),
        notes: vec![],
        slices: vec![],
        more_slices: false,
        rows_estimate: Some(62_000),
        bytes_estimate: Some(9_000_000),
        rows_in_target: Some(61_000),
        publish: "merge".into(),
        publish_bytes: Some(PublishBytes { of_table: 80_000_000, publishes: 3, in_all: 249_000_000 }),
        unfinished,
    })
}

#[test]
fn a_backfill_is_previewed_then_asked_about_then_started() {
    let mut desk = Desk::open();
    desk.press('b');
    desk.tell(Msg::Paste("2026-10-01".to_owned()));
    desk.code(KeyCode::Tab);
    "2026-10-31".chars().for_each(|c| {
        desk.press(c);
    });
    assert_eq!(desk.code(KeyCode::Enter), [Effect::Ask(Ask::Preview(PreviewBackfill(ask())))]);
    desk.answered(preview(None));
    assert_eq!(desk.code(KeyCode::Enter), []);
    let lines = &desk.app.shared.dialog.as_ref().unwrap().lines;
    assert!(lines[0].contains("62,000"), "{lines:?}");
    assert!(lines[2].contains("80.0 MB of the table by each of 3 publishes, about 249.0 MB in all"), "{lines:?}");
    assert_eq!(desk.press('y'), [Effect::Send(Command::Backfill { ask: ask(), restart: false, shard: None })]);
    assert!(desk.app.busy());
}

#[test]
fn an_answer_to_other_values_is_not_shown() {
    let mut desk = Desk::open();
    desk.press('b');
    desk.tell(Msg::Paste("2026-10-01".to_owned()));
    desk.code(KeyCode::Enter);
    desk.press('5');
    desk.answered(preview(None));
    assert_eq!(desk.app.screens.backfill.confirm(), None);
}

fn unfinished() -> BackfillState {
    BackfillState {
        start: "2026-10-01".into(),
        end: Some("2026-10-31".into()),
        from: "2026-10-01 00:00:00".into(),
        to: "2026-10-31 23:59:59".into(),
        done: Some("2026-10-12 00:00:00".into()),
        slices: 3,
        rows: 21_000,
        began_at: samples::utc(7, 0, 0),
        by: "ops@jump".into(),
        parts: None,
        rules: None,
    }
}

#[test]
fn an_unfinished_backfill_is_offered_when_the_console_opens() {
    let mut desk = Desk::closed(false, None);
    desk.tell(Msg::Opened(Ok(samples::facts(&["orders"]))));
    let mut orders = samples::status("orders", Some(Outcome::Ok));
    orders.backfill = Some(unfinished());
    desk.watched(vec![orders.clone()]);
    assert!(desk.app.shared.dialog.as_ref().unwrap().lines[0].contains("2026-10-12"));
    assert_eq!(desk.press('y'), [Effect::Ask(Ask::Preview(PreviewBackfill(ask())))]);
    desk.answered(preview(Some(unfinished())));
    desk.code(KeyCode::Enter);
    assert_eq!(desk.press('y'), [Effect::Send(Command::Backfill { ask: ask(), restart: false, shard: None })]);
    desk.watched(vec![orders]);
    assert!(desk.app.shared.dialog.is_none(), "offered once");
}

#[test]
fn a_start_that_cannot_be_read_is_not_sent() {
    let mut desk = Desk::open();
    desk.press('b');
    desk.tell(Msg::Paste("soon".to_owned()));
    assert_eq!(desk.code(KeyCode::Enter), []);
}

#[test]
fn a_preview_closes_when_the_values_change() {
    let mut desk = Desk::open();
    desk.press('b');
    desk.tell(Msg::Paste("2026-10-01".to_owned()));
    desk.code(KeyCode::Enter);
    desk.press('x');
    let form = &desk.app.screens.backfill;
    assert_eq!((&form.preview, form.start.value()), (&Preview::None, "2026-10-01x"));
}

fn backfill_form() -> Desk {
    let mut desk = Desk::open();
    desk.press('b');
    desk.tell(Msg::Paste("2026-10-01".into()));
    desk.code(KeyCode::Tab);
    desk.tell(Msg::Paste("2026-10-32".into()));
    desk
}

fn backfill_preview() -> Desk {
    let mut desk = Desk::open();
    desk.press('b');
    desk.tell(Msg::Paste("2026-10-01".into()));
    desk.code(KeyCode::Tab);
    desk.tell(Msg::Paste("2026-10-31".into()));
    desk.code(KeyCode::Enter);
    let slice = |from: &str, to: &str, rows| SlicePreview { window: format!("(2026-10-{from}, 2026-10-{to}]"), rows };
    desk.answered(answer(BackfillPreview {
        ask: BackfillAsk { mapping: named("orders"), start: "2026-10-01".into(), end: Some("2026-10-31".into()) },
        window: "[2026-10-01 00:00:00, 2026-10-31 23:59:59]".into(),
        notes: vec!["the end was cut to the watermark".into()],
        slices: vec![slice("01", "12", Some(5_000_000)), slice("12", "24", Some(5_000_000)), slice("24", "31", None)],
        more_slices: false,
        rows_estimate: Some(12_400_000),
        bytes_estimate: Some(2_300_000_000),
        rows_in_target: Some(12_399_120),
        publish: "merge on id; a newer row is never replaced by an older one".into(),
        publish_bytes: Some(PublishBytes { of_table: 9_600_000_000, publishes: 3, in_all: 31_100_000_000 }),
        unfinished: None,
    }));
    desk
}

#[test]
fn a_long_name_is_shown_from_its_beginning() {
    let name = "warehouse_orders_of_the_year_2025_from_the_old_shop";
    let mut desk = Desk::closed(false, None);
    desk.tell(Msg::Opened(Ok(samples::facts(&[name]))));
    desk.watched(vec![samples::status(name, Some(Outcome::Ok))]);
    desk.press('b');
    assert!(desk.look().contains(name), "{}", desk.look());
    desk.tell(Msg::Resized(60, 15));
    assert!(desk.look().contains("warehouse_orders_of_the_year_2025"), "{}", desk.look());
}

#[test]
fn a_backfill_that_is_typed() {
    snapshots("backfill_form", &mut backfill_form());
}

#[test]
fn a_backfill_and_what_it_would_do() {
    let mut desk = backfill_preview();
    plain(&desk);
    snapshots("backfill_preview", &mut desk);
}

#[test]
fn a_backfill_of_the_marked_mappings_is_previewed_and_started_together() {
    let mut desk = Desk::open();
    desk.press(' ');
    desk.press(' ');
    desk.press('b');
    desk.tell(Msg::Paste("2026-10-01".to_owned()));
    desk.code(KeyCode::Tab);
    desk.tell(Msg::Paste("2026-10-31".to_owned()));
    let of = |name: &str| BackfillAsk { mapping: named(name), ..ask() };
    let asks = ["orders", "users"].map(|name| Effect::Ask(Ask::Preview(PreviewBackfill(of(name)))));
    assert_eq!(desk.code(KeyCode::Enter), asks);
    for name in ["orders", "users"] {
        let Answer::Previewed { preview: Ok(mut known), .. } = preview(None) else { panic!("a preview") };
        known.ask = of(name);
        desk.answered(answer(*known));
    }
    plain(&desk);
    snapshots("backfill_several", &mut desk);
    assert_eq!(desk.code(KeyCode::Enter), []);
    let dialog = desk.app.shared.dialog.clone().unwrap();
    assert_eq!((dialog.title.as_str(), dialog.lines[0].as_str()), ("Backfill 2 mappings?", "orders, users"));
    assert!(dialog.lines[1].contains("124,000 rows") && dialog.lines[1].contains("498.0 MB"), "{dialog:?}");
    let start = |name| Effect::Send(Command::Backfill { ask: of(name), restart: true, shard: None });
    assert_eq!(desk.press('y'), [start("orders"), start("users")]);
}
