//! A run under way, and one that failed.

use std::time::Duration;

use ratatui::crossterm::event::KeyCode;
use tracing::Level;

use crate::domain::ids::RunId;
use crate::domain::report::{Outcome, RunReport, RunSummary, Trigger};
use crate::engine::{Event, Phase};
use crate::tui::ask::{Answer, Ask};
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::desk::scenes::{job, running, write_log};
use crate::tui::desk::{Desk, RUN, named};
use crate::tui::model::samples;
use crate::tui::screen::Screen;
use crate::tui::shared::Effect;

/// A desk where orders is in its second step.
fn run() -> Desk {
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

/// A desk where MySQL refused users.
fn failed() -> Desk {
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

#[test]
fn a_run_under_way() {
    let mut desk = run();
    plain(&desk);
    snapshots("run", &mut desk);
}

#[test]
fn a_run_that_failed() {
    snapshots("run_failed", &mut failed());
}

fn reported(by: Screen, run: &str, rows: u64) -> Answer {
    let mut orders = samples::report("orders", run, Outcome::Ok);
    orders.records_processed = rows;
    let report = RunReport {
        run_id: RunId(run.into()),
        trigger: Trigger::Manual,
        by: "ops@jump".into(),
        started_at: orders.started_at,
        finished_at: orders.finished_at,
        mappings: vec![orders],
    };
    Answer::ReportRead { run: report.run_id.clone(), by, report: Ok(Some(Box::new(report))) }
}

fn summary(run: &str) -> RunSummary {
    RunSummary {
        run_id: RunId(run.into()),
        trigger: Trigger::Manual,
        by: "ops@jump".into(),
        started_at: samples::utc(7, 0, 0),
        finished_at: samples::utc(7, 0, 12),
        mappings: vec![named("orders")],
        rows: 18_204,
        outcome: Outcome::Ok,
        parts: Vec::new(),
    }
}

#[test]
fn an_older_report_that_history_has_opened_is_not_the_last_run() {
    const OLDER: &str = "20261123T070000Z-00ff07";
    let read = |by, run: &str| Effect::Ask(Ask::Report { run: RunId(run.into()), by });
    let mut desk = Desk::open();
    assert_eq!(desk.code(KeyCode::Enter), [read(Screen::Run, RUN)]);
    desk.answered(reported(Screen::Run, RUN, 18_204));
    assert!(desk.look().contains("18,204 rows in"));
    desk.press('h');
    desk.answered(Answer::HistoryRead { most: 30, runs: Ok(vec![summary(RUN), summary(OLDER)]) });
    desk.press('j');
    assert_eq!(desk.code(KeyCode::Enter), [read(Screen::Report, OLDER)]);
    desk.answered(reported(Screen::Report, OLDER, 77));
    assert!(desk.look().contains("77 rows"));
    desk.code(KeyCode::Esc);
    desk.code(KeyCode::Esc);
    let shown = desk.look();
    assert!(shown.contains("18,204 rows in") && !shown.contains("77 rows"), "{shown}");
}
