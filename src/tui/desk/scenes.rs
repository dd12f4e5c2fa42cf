//! States in which more than one screen is drawn.

use std::time::Duration;

use tracing::Level;

use crate::domain::ids::{JobId, RunId};
use crate::domain::report::{Outcome, RunSummary, Trigger};
use crate::engine::{Asked, Event, Holder, MappingProgress, MappingStatus, Phase, Progress, Retry};
use crate::logging::LogLine;
use crate::tui::app::Msg;
use crate::tui::ask::Answer;
use crate::tui::desk::{Desk, RUN, named};
use crate::tui::model::samples::{self, utc};

fn measured(desk: &mut Desk, status: &MappingStatus, seconds: i64) {
    desk.answered(Answer::Measured(Box::new(samples::measured(status.clone(), seconds))));
}

/// One mapping for each status that an operator may find in the morning.
pub fn everything() -> Desk {
    let names = ["orders", "users", "carts", "events", "stock", "prices", "returns"];
    let mut desk = Desk::closed(false, None);
    desk.tell(Msg::Opened(Ok(samples::facts(&names))));
    let orders = samples::status("orders", Some(Outcome::Ok));
    let mut carts = samples::status("carts", Some(Outcome::Waiting));
    carts.undecided = vec!["coupon".into(), "note".into()];
    let mut events = samples::status("events", Some(Outcome::Ok));
    events.watermark = Some("88120332".into());
    let mut stock = samples::status("stock", Some(Outcome::Ok));
    stock.held_by = Some(Holder {
        host: "jump2".into(),
        pid: 4711,
        run_id: RunId("20261123T075959Z-0badc0".into()),
        since: utc(7, 59, 59),
    });
    let mut prices = samples::status("prices", Some(Outcome::Ok));
    prices.problem = Some("Connecting to MySQL at db.example.com:3306 failed: connection refused".into());
    prices.asked = Asked::Unanswered;
    let users = samples::status("users", Some(Outcome::Failed));
    let returns = samples::status("returns", None);
    let statuses = vec![orders.clone(), users.clone(), carts.clone(), events, stock, returns];
    desk.watched(statuses);
    measured(&mut desk, &orders, 42);
    measured(&mut desk, &users, 109_000);
    measured(&mut desk, &carts, 3);
    desk.answered(Answer::Measured(Box::new(prices)));
    desk
}

fn live(rows_read: u64) -> MappingProgress {
    MappingProgress {
        phase: Phase::Extract,
        window: Some("(2026-11-22 02:00:11, 2026-11-23 08:00:39]".into()),
        step: 2,
        rows_estimate: Some(1_000_000),
        rows_read,
        bytes_read: rows_read * 180,
        bytes_uploaded: rows_read * 40,
        rows_published: 500_000,
        ..MappingProgress::default()
    }
}

/// Orders moves, users waits for a retry, carts waits for its turn.
pub fn running() -> Desk {
    let mut desk = Desk::open();
    let mappings = vec![named("orders"), named("users"), named("carts")];
    desk.hear(Event::RunStarted { run: RunId(RUN.into()), trigger: Trigger::Manual, mappings });
    for (second, rows_read) in [600_000, 620_000, 680_000, 685_000, 828_200].into_iter().enumerate() {
        let retry = Retry {
            at: desk.now.at + Duration::from_secs(12 - second as u64),
            because: "Loading into staging failed: quotaExceeded".into(),
            attempt: 2,
        };
        let waits = MappingProgress { phase: Phase::Load, retry: Some(retry), ..live(1_000) };
        let mappings = [
            (named("orders"), live(rows_read)),
            (named("users"), waits),
            (named("carts"), MappingProgress { phase: Phase::Queued, ..MappingProgress::default() }),
        ];
        desk.tell(Msg::Progress(Progress { mappings: mappings.into() }));
        desk.now.at += Duration::from_secs(1);
        desk.tell(Msg::Tick);
    }
    desk
}

pub fn job(name: &str) -> JobId {
    JobId(format!("bqsync_{name}_orders_3f2a99c01d"))
}

pub fn write_log(desk: &Desk, level: Level, text: &str) {
    desk.app.shared.ring.push(LogLine {
        at: utc(8, 0, 41),
        level,
        target: "engine".into(),
        mapping: Some("orders".into()),
        text: text.into(),
    });
}

pub fn history() -> Desk {
    let mut desk = Desk::open();
    desk.press('h');
    let run = |number: u32, trigger, by: &str, outcome, mappings: &[&str]| RunSummary {
        run_id: RunId(format!("20261123T0{number}0000Z-00ff0{number}")),
        trigger,
        by: by.into(),
        started_at: utc(number, 0, 0),
        finished_at: utc(number, 0, 12),
        mappings: mappings.iter().map(|name| named(name)).collect(),
        rows: 18_204 * u64::from(number),
        outcome,
        parts: Vec::new(),
    };
    let runs = Ok(vec![
        run(8, Trigger::Manual, "ops@jump1", Outcome::Failed, &["orders", "users", "carts"]),
        run(7, Trigger::Backfill, "ops@jump2", Outcome::Cancelled, &["orders"]),
        run(6, Trigger::Schedule, "bqsync@cron-1", Outcome::Ok, &["orders", "users"]),
        run(2, Trigger::Schedule, "bqsync@cron-1", Outcome::Waiting, &["carts"]),
    ]);
    desk.answered(Answer::HistoryRead { most: 30, runs });
    desk.press('j');
    desk
}
