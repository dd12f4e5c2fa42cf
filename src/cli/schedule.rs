//! `bqsync schedule`: stays up, runs mappings when they are due, takes up changed files between two runs, and ends when
//! it is told to.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::interrupt::Interrupts;
use super::printer::Printer;
use super::progress_lines::print_progress;
use super::{run_once, service};
use crate::domain::report::{Outcome, RunReport};
use crate::engine::{Command, Event, Handle};
use crate::format;

/// How often the user's files are looked at; a change is taken up when a second look finds it unchanged.
const LOOK: Duration = Duration::from_secs(1);

/// Starts another engine with the files' present content.
pub type Starter = Box<dyn FnOnce() -> Handle + Send>;

/// The result of a look at the user's files.
#[expect(missing_debug_implementations, reason = "what starts an engine is a function")]
pub enum Found {
    /// Nothing has changed.
    Nothing,
    /// The files have changed, and are valid.
    Changed(Starter),
    /// The files cannot be used, with the reasons, one per line; the former content stays.
    Broken(Vec<String>),
    /// The files were broken, and again hold the content that is followed.
    Mended,
}

/// An engine that begins when the one before it has ended.
struct Next {
    start: Starter,
    /// When the present engine was told to end: the next engine serves due times after this.
    since: DateTime<Utc>,
}

/// Follows the schedule until a signal comes; then running work stops at its next safe point. A failed run does not end
/// it.
pub async fn schedule(mut handle: Handle, printer: Printer, mut look: Box<dyn FnMut() -> Found + Send>) -> ExitStatus {
    let mut interrupts = Interrupts::listen();
    let mut lines = tokio::spawn(print_progress(handle.progress(), printer));
    let mut looks = tokio::time::interval(LOOK);
    let mut next: Option<Next> = None;
    let mut watch = Watch { printer, next: None, runs: BTreeSet::new(), left: false, cut_short: false };
    handle.send(Command::FollowSchedule { make_up: true });
    let mut stopping = false;
    let status = loop {
        tokio::select! {
            () = interrupts.next() => {
                if stopping {
                    printer.note("stopped at once; the next run asks BigQuery how the jobs that were sent have ended");
                    break ExitStatus::Interrupted;
                }
                stopping = true;
                service::stopping();
                handle.send(Command::LeaveSchedule);
                handle.send(Command::CancelAll);
            }
            _ = looks.tick(), if !stopping && next.is_none() => match look() {
                Found::Nothing => {}
                Found::Changed(start) => {
                    service::status("a changed configuration will be used once the present runs have ended");
                    next = Some(Next { start, since: Utc::now() });
                    handle.send(Command::Retire);
                }
                Found::Broken(problems) => say_broken(&problems),
                Found::Mended => {
                    tracing::info!("the configuration is valid again, and unchanged");
                    service::status(&watch.status());
                }
            },
            event = handle.next_event() => match (event, next.take()) {
                (Some(event), kept) => {
                    next = kept;
                    watch.hear(event);
                }
                // All runs have ended.
                (None, Some(Next { start, since })) if !stopping => {
                    tracing::info!("the changed configuration is used from now on");
                    service::status("the changed configuration is followed");
                    handle = start();
                    lines.abort();
                    lines = tokio::spawn(print_progress(handle.progress(), printer));
                    watch.runs.clear();
                    handle.send(Command::TakeOverSchedule { since });
                }
                (None, _) if stopping => break watch.end(),
                (None, _) => break ExitStatus::Failed,
            },
        }
        if watch.left && watch.runs.is_empty() {
            break watch.end();
        }
    };
    lines.abort();
    status
}

/// Reports once for each change that cannot be used.
fn say_broken(problems: &[String]) {
    let kept = "the changed configuration is invalid; the former one stays in use";
    for problem in problems {
        tracing::error!(problem, "{kept}");
    }
    service::status(kept);
}

/// What the engine's events have told.
struct Watch {
    printer: Printer,
    next: Option<DateTime<Utc>>,
    /// The runs under way.
    runs: BTreeSet<String>,
    /// No more runs begin.
    left: bool,
    /// A run was stopped before its end.
    cut_short: bool,
}

impl Watch {
    const fn end(&self) -> ExitStatus {
        if self.cut_short { ExitStatus::Interrupted } else { ExitStatus::Ok }
    }

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
                // It is unknown which run broke; that run sends no more events, the others do.
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
            (runs, next) => format!("{} under way, {}", format::counted(runs, "run"), next.unwrap_or_default()),
        }
    }

    /// Shows one run after the other: as JSON one line each, so that a reader need not wait for the end.
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
