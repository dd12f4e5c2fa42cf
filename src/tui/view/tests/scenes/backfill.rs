//! Screen 4, as it is filled in and as it previews.

use ratatui::crossterm::event::KeyCode;

use crate::engine::{BackfillAsk, BackfillPreview, Event, PublishBytes, SlicePreview};
use crate::tui::app::Msg;
use crate::tui::desk::{Desk, named};

pub fn backfill_form() -> Desk {
    let mut desk = Desk::open();
    desk.press('b');
    desk.tell(Msg::Paste("2026-10-01".into()));
    desk.code(KeyCode::Tab);
    desk.tell(Msg::Paste("2026-10-32".into()));
    desk
}

pub fn backfill_preview() -> Desk {
    let mut desk = Desk::open();
    desk.press('b');
    desk.tell(Msg::Paste("2026-10-01".into()));
    desk.code(KeyCode::Tab);
    desk.tell(Msg::Paste("2026-10-31".into()));
    desk.code(KeyCode::Enter);
    let slice = |from: &str, to: &str, rows| SlicePreview { window: format!("(2026-10-{from}, 2026-10-{to}]"), rows };
    desk.hear(Event::BackfillPreviewed {
        preview: Box::new(BackfillPreview {
            ask: BackfillAsk { mapping: named("orders"), start: "2026-10-01".into(), end: Some("2026-10-31".into()) },
            window: "[2026-10-01 00:00:00, 2026-10-31 23:59:59]".into(),
            notes: vec!["the end was cut to the watermark".into()],
            slices: vec![
                slice("01", "12", Some(5_000_000)),
                slice("12", "24", Some(5_000_000)),
                slice("24", "31", None),
            ],
            more_slices: false,
            rows_estimate: Some(12_400_000),
            bytes_estimate: Some(2_300_000_000),
            rows_in_target: Some(12_399_120),
            publish: "merge on id; a newer row is never replaced by an older one".into(),
            publish_bytes: Some(PublishBytes { of_table: 9_600_000_000, publishes: 3, in_all: 31_100_000_000 }),
            unfinished: None,
        }),
    });
    desk
}
