//! A run under way, and one that failed.

use std::time::Duration;

use ratatui::crossterm::event::KeyCode;
use tracing::Level;

use crate::domain::ids::RunId;
use crate::domain::report::Outcome;
use crate::engine::{Event, Phase};
use crate::tui::desk::looks::{plain, snapshots};
use crate::tui::desk::scenes::{job, running, write_log};
use crate::tui::desk::{Desk, RUN, named};
use crate::tui::model::samples;

/// Orders is in its second step.
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

/// Users was refused by MySQL.
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
