//! The report of a run.

use ratatui::crossterm::event::KeyCode;

use crate::domain::ids::RunId;
use crate::domain::report::{Outcome, RunReport, Trigger};
use crate::tui::ask::Answer;
use crate::tui::desk::looks::snapshots;
use crate::tui::desk::scenes::{history, job};
use crate::tui::desk::{Desk, RUN};
use crate::tui::model::samples::{self, utc};
use crate::tui::screen::Screen;

fn report() -> Desk {
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
    desk.answered(Answer::ReportRead { run: run_id, by: Screen::Report, report: Ok(Some(Box::new(report))) });
    desk
}

#[test]
fn the_report_of_a_run() {
    snapshots("report", &mut report());
}
