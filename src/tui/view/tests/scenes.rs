//! The states that are looked at.

mod backfill;

use std::time::Duration;

use ratatui::crossterm::event::KeyCode;
use tracing::Level;

use crate::domain::config::Problem;
use crate::domain::ids::{JobId, RunId};
use crate::domain::report::{Outcome, RunReport, RunSummary, Trigger};
use crate::domain::schema::{ColumnDiffView, VerdictKind};
use crate::engine::{Event, Holder, MappingProgress, MappingStatus, Phase, Progress, Retry};
use crate::logging::LogLine;
use crate::tui::app::Msg;
use crate::tui::desk::{Desk, RUN, named, vanished};
use crate::tui::model::samples::{self, utc};
use crate::tui::{Facts, Trouble};

pub use self::backfill::{backfill_form, backfill_preview};

pub fn all() -> Vec<Desk> {
    vec![
        everything(),
        running(),
        filtering(),
        trouble(),
        run(),
        failed(),
        review(),
        ddl(),
        backfill_form(),
        backfill_preview(),
        history(),
        report(),
        logs(),
        help(),
        quit(),
        deletes(),
        any_script(),
    ]
}

fn measured(desk: &mut Desk, status: &MappingStatus, seconds: i64) {
    desk.hear(Event::Measured { status: Box::new(samples::measured(status.clone(), seconds)) });
}

/// One mapping for each word that an operator may find in the morning.
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
    let users = samples::status("users", Some(Outcome::Failed));
    let returns = samples::status("returns", None);
    let statuses = vec![orders.clone(), users.clone(), carts.clone(), events, stock, returns];
    desk.watched(statuses);
    measured(&mut desk, &orders, 42);
    measured(&mut desk, &users, 109_000);
    measured(&mut desk, &carts, 3);
    desk.hear(Event::Measured { status: Box::new(prices) });
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

/// Orders moves, users waits to try again, carts for its turn.
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

pub fn filtering() -> Desk {
    let mut desk = everything();
    desk.press('/');
    desk.press('s');
    desk.press('t');
    desk
}

pub fn trouble() -> Desk {
    let problem = |line, message: &str, hint: &str| Problem {
        file: "config.yaml".into(),
        line,
        message: message.into(),
        hint: hint.into(),
    };
    let mut desk = Desk::closed(false, None);
    desk.tell(Msg::Opened(Err(Trouble {
        sentence: "2 problems in the configuration".into(),
        problems: vec![
            problem(Some(7), "mapping `orders`: unknown key `primary_key`", "did you mean `primary_keys`?"),
            problem(None, "`project` needs ${GCP_PROJECT_ID}, which is not set", "set it in .env or the environment"),
        ],
    })));
    desk
}

fn job(name: &str) -> JobId {
    JobId(format!("bqsync_{name}_orders_3f2a99c01d"))
}

/// Orders is in its second step.
pub fn run() -> Desk {
    let mut desk = running();
    let (run, mapping) = (RunId(RUN.into()), named("orders"));
    for phase in [Phase::Lease, Phase::Recover, Phase::Describe, Phase::Plan, Phase::Extract] {
        desk.hear(Event::PhaseStarted { run: run.clone(), mapping: mapping.clone(), phase });
        desk.now.at += Duration::from_millis(700);
    }
    let window = "(2026-11-22 02:00:11, 2026-11-23 08:00:39]".to_owned();
    desk.hear(Event::WindowFixed {
        run: run.clone(),
        mapping: mapping.clone(),
        window,
        rows_estimate: Some(1_000_000),
    });
    for (step, window) in [(1, "(11-22 02:00:11, 11-22 17:30:00]"), (2, "(11-22 17:30:00, 11-23 08:00:39]")] {
        desk.hear(Event::StepStarted { run: run.clone(), mapping: mapping.clone(), step, window: window.into() });
        if step == 1 {
            let (run, mapping) = (run.clone(), mapping.clone());
            desk.hear(Event::StagingLoaded {
                run: run.clone(),
                mapping: mapping.clone(),
                job: job("load"),
                rows: 500_000,
                bytes: 21_400_000,
            });
            desk.hear(Event::Published {
                run,
                mapping,
                job: job("publish"),
                inserted: 499_000,
                updated: 1_000,
                bytes_billed: Some(83_886_080),
            });
        }
    }
    desk.hear(Event::HeldBack { run, mapping, reason: "2 open transactions, the oldest since 08:00:12".into() });
    for (level, text) in [(Level::INFO, "window fixed"), (Level::WARN, "waiting for 2 open transactions")] {
        write_log(&desk, level, text);
    }
    desk.press('g');
    desk.code(KeyCode::Enter);
    desk
}

fn write_log(desk: &Desk, level: Level, text: &str) {
    desk.app.logs.ring.push(LogLine {
        at: utc(8, 0, 41),
        level,
        target: "engine".into(),
        mapping: Some("orders".into()),
        text: text.into(),
    });
}

/// Users was refused by MySQL.
pub fn failed() -> Desk {
    let mut desk = Desk::open();
    desk.press('j');
    desk.start("users");
    let mut report = samples::report("users", RUN, Outcome::Failed);
    report.errors =
        vec!["Reading columns of shop.users was refused: SELECT command denied to user 'sync'@'10.0.0.7'".into()];
    report.hint = Some("GRANT SELECT ON `shop`.`users` TO 'sync'@'10.0.0.7';".into());
    desk.hear(Event::MappingFinished { report: Box::new(report) });
    desk.code(KeyCode::Enter);
    desk
}

fn column(
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
        accepted: None,
    }
}

fn compared(statements: Vec<String>) -> Event {
    let mut declined = column("internal_remark", Some("text"), None, VerdictKind::New, Some("STRING"));
    declined.accepted = Some(false);
    Event::SchemaCompared {
        mapping: named("orders"),
        creates_table: false,
        columns: vec![
            column("id", Some("bigint unsigned"), Some("NUMERIC"), VerdictKind::Same, None),
            column("total", Some("decimal(38,9)"), Some("NUMERIC"), VerdictKind::Widen, Some("BIGNUMERIC")),
            column("coupon", Some("varchar(20)"), None, VerdictKind::New, Some("STRING")),
            column("placed_at", Some("datetime(3)"), Some("TIMESTAMP"), VerdictKind::Relax, None),
            column("legacy_code", None, Some("STRING"), VerdictKind::MissingInSource, None),
            column("size", Some("varchar(8)"), Some("INT64"), VerdictKind::Conflict, None),
            declined,
        ],
        statements,
        applied: false,
        conflicts: 1,
    }
}

pub fn review() -> Desk {
    let mut desk = Desk::open();
    desk.press('s');
    desk.hear(compared(vec![]));
    desk.press('j');
    desk.press(' ');
    desk.press('j');
    desk.press(' ');
    desk.press(' ');
    desk
}

pub fn ddl() -> Desk {
    let mut desk = review();
    desk.code(KeyCode::Enter);
    desk.hear(compared(vec![
        "ALTER TABLE `demo`.`shop`.`orders` ALTER COLUMN `total` SET DATA TYPE BIGNUMERIC".into(),
    ]));
    desk
}

/// Three rows of orders have vanished: the question.
pub fn deletes() -> Desk {
    let mut desk = Desk::deleting("soft");
    desk.press('x');
    desk.looked(vanished(3));
    desk
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
    };
    desk.hear(Event::HistoryRead {
        runs: vec![
            run(8, Trigger::Manual, "ops@jump1", Outcome::Failed, &["orders", "users", "carts"]),
            run(7, Trigger::Backfill, "ops@jump2", Outcome::Cancelled, &["orders"]),
            run(6, Trigger::Schedule, "bqsync@cron-1", Outcome::Ok, &["orders", "users"]),
            run(2, Trigger::Schedule, "bqsync@cron-1", Outcome::Waiting, &["carts"]),
        ],
    });
    desk.press('j');
    desk
}

pub fn report() -> Desk {
    let mut desk = history();
    desk.press('k');
    desk.code(KeyCode::Enter);
    let run_id = RunId("20261123T080000Z-00ff08".into());
    let mut users = samples::report("users", RUN, Outcome::Failed);
    users.errors = vec!["Reading columns of shop.users was refused".into()];
    users.hint = Some("GRANT SELECT ON `shop`.`users` TO 'sync'@'10.0.0.7';".into());
    let mut orders = samples::report("orders", RUN, Outcome::Ok);
    orders.window = Some("(2026-11-22 02:00:11, 2026-11-23 08:00:30]".into());
    orders.warnings = vec!["no index carries updated_at: the table is read in one pass".into()];
    orders.jobs = vec![job("load"), job("publish")];
    let report = RunReport {
        run_id: run_id.clone(),
        trigger: Trigger::Manual,
        by: "ops@jump1".into(),
        started_at: utc(8, 0, 0),
        finished_at: utc(8, 0, 12),
        mappings: vec![orders, users],
    };
    desk.hear(Event::ReportRead { run: run_id, report: Some(Box::new(report)) });
    desk
}

/// Filtered: the unfiltered list is tui-logger's own, and shared by all tests of the process.
pub fn logs() -> Desk {
    let mut desk = Desk::open();
    for (level, text) in [
        (Level::INFO, "window fixed"),
        (
            Level::WARN,
            "window: waiting for 2 open transactions that may still bring rows into it, the oldest since 08:00:12",
        ),
        (Level::ERROR, "window lost"),
        (Level::INFO, "nothing of the kind"),
    ] {
        write_log(&desk, level, text);
    }
    desk.press('l');
    desk.press('/');
    desk.tell(Msg::Paste("window".into()));
    desk
}

pub fn help() -> Desk {
    let mut desk = Desk::open();
    desk.press('?');
    desk
}

pub fn quit() -> Desk {
    let mut desk = running();
    desk.press('q');
    desk
}

/// Wide, combining and right-to-left characters.
pub fn any_script() -> Desk {
    let names = ["Bestellungen", "注文", "заказы", "e\u{301}tudes"];
    let mut desk = Desk::closed(false, None);
    let Facts { mysql, emulator, .. } = samples::facts(&["orders"]);
    desk.tell(Msg::Opened(Ok(Facts { config: samples::config(&names), mysql, emulator })));
    desk.watched(names.iter().map(|name| samples::status(name, Some(Outcome::Ok))).collect());
    desk
}
