//! `bqsync schedule`: stays up, runs mappings when they are due, and leaves when it is told to.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};

use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::interrupt::Interrupts;
use super::printer::Printer;
use super::progress_lines::print_progress;
use super::{run_once, service};
use crate::domain::report::{Outcome, RunReport};
use crate::engine::{Command, Event, Handle};

/// Follows the schedule until a signal comes; then what runs stops at its next safe point. Failed runs end nothing.
pub(super) async fn schedule(mut handle: Handle, printer: Printer) -> ExitStatus {
    let mut interrupts = Interrupts::listen();
    let lines = tokio::spawn(print_progress(handle.progress(), printer));
    let mut watch = Watch { printer, next: None, runs: BTreeSet::new(), left: false, cut_short: false };
    handle.send(Command::FollowSchedule { make_up: true });
    let mut stopping = false;
    let status = loop {
        tokio::select! {
            () = interrupts.next() => {
                if stopping {
                    printer.note("left at once; what was sent to BigQuery is asked after by the next run");
                    break ExitStatus::Interrupted;
                }
                stopping = true;
                service::stopping();
                handle.send(Command::LeaveSchedule);
                handle.send(Command::CancelAll);
            }
            event = handle.next_event() => match event {
                Some(event) => watch.hear(event),
                None => break ExitStatus::Failed,
            },
        }
        if watch.left && watch.runs.is_empty() {
            break if watch.cut_short { ExitStatus::Interrupted } else { ExitStatus::Ok };
        }
    };
    lines.abort();
    status
}

/// What has been heard of the engine.
struct Watch {
    printer: Printer,
    next: Option<DateTime<Utc>>,
    /// Under way.
    runs: BTreeSet<String>,
    /// No more runs begin.
    left: bool,
    /// A run was stopped before its end.
    cut_short: bool,
}

impl Watch {
    fn hear(&mut self, event: Event) {
        match event {
            Event::RunScheduled { at, .. } => {
                if self.next.replace(at).is_none() {
                    service::ready();
                }
            }
            Event::RunStarted { run, .. } => {
                self.runs.insert(run.0);
            }
            Event::RunFinished { report } => {
                self.runs.remove(&report.run_id.0);
                self.cut_short |= report.any(Outcome::Cancelled);
                self.show(&report);
            }
            Event::ScheduleLeft => self.left = true,
            Event::RecordFailed { error, .. } => {
                self.printer.error(&format!("the run's report could not be written: {error}"));
            }
            Event::EngineFailed { error } => {
                self.printer.note_own_failure(&error);
                // Which run broke is not known, and it says no more; the others do.
                self.runs.clear();
            }
            _ => return,
        }
        service::status(&self.status());
    }

    fn status(&self) -> String {
        let next = self.next.map(|at| format!("next run {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)));
        match (self.runs.len(), next) {
            (_, _) if self.left => "stopping at the next safe point".to_owned(),
            (0, next) => next.unwrap_or_default(),
            (runs, next) => format!("{runs} run(s) under way, {}", next.unwrap_or_default()),
        }
    }

    /// One run after the other: as JSON a line each, so that a reader need not wait for the end.
    fn show(&self, report: &RunReport) {
        if report.mappings.is_empty() {
            return;
        }
        match self.printer.format {
            OutputFormat::Json => self.printer.json_line(report),
            OutputFormat::Table => run_once::show(report, self.printer),
        }
    }
}
