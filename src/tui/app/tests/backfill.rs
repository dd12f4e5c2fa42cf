//! A backfill: asked for, previewed, asked about, started.

use super::*;

fn ask() -> BackfillAsk {
    BackfillAsk { mapping: named("orders"), start: "2026-10-01".into(), end: Some("2026-10-31".into()) }
}

fn preview(unfinished: Option<BackfillState>) -> Event {
    Event::BackfillPreviewed {
        preview: Box::new(BackfillPreview {
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
        }),
    }
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
    assert_eq!(desk.code(KeyCode::Enter), [Effect::Send(Command::PreviewBackfill(ask()))]);
    desk.hear(preview(None));
    assert_eq!(desk.code(KeyCode::Enter), []);
    let lines = &desk.app.dialog.as_ref().unwrap().lines;
    assert!(lines[0].contains("62,000"), "{lines:?}");
    assert!(lines[2].contains("80.0 MB of the table by each of 3 publishes, about 249.0 MB in all"), "{lines:?}");
    assert_eq!(desk.press('y'), [Effect::Send(Command::Backfill { ask: ask(), restart: false, shard: None })]);
    assert!(desk.app.busy());
}

#[test]
fn a_preview_of_other_words_is_not_shown() {
    let mut desk = Desk::open();
    desk.press('b');
    desk.tell(Msg::Paste("2026-10-01".to_owned()));
    desk.code(KeyCode::Enter);
    desk.press('5');
    desk.hear(preview(None));
    assert_eq!(desk.app.backfill.confirm(), None);
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
    }
}

#[test]
fn an_unfinished_backfill_is_offered_when_the_console_opens() {
    let mut desk = Desk::closed(false, None);
    desk.tell(Msg::Opened(Ok(samples::facts(&["orders"]))));
    let mut orders = samples::status("orders", Some(Outcome::Ok));
    orders.backfill = Some(unfinished());
    desk.watched(vec![orders.clone()]);
    assert!(desk.app.dialog.as_ref().unwrap().lines[0].contains("2026-10-12"));
    assert_eq!(desk.press('1'), [Effect::Send(Command::PreviewBackfill(ask()))]);
    desk.hear(preview(Some(unfinished())));
    desk.code(KeyCode::Enter);
    assert_eq!(desk.press('g'), [Effect::Send(Command::Backfill { ask: ask(), restart: false, shard: None })]);
    desk.watched(vec![orders]);
    assert!(desk.app.dialog.is_none(), "offered once");
}

#[test]
fn a_start_that_cannot_be_read_is_not_sent() {
    let mut desk = Desk::open();
    desk.press('b');
    desk.tell(Msg::Paste("soon".to_owned()));
    assert_eq!(desk.code(KeyCode::Enter), []);
}
