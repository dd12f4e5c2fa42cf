//! `bqsync run-once` and `bqsync backfill`: runs, shows the result, and turns it into an exit code.

use super::exit::ExitStatus;
use super::interrupt::Interrupts;
use super::printer::Printer;
use super::progress_lines::print_progress;
use crate::cli::args::OutputFormat;
use crate::domain::config::Mode;
use crate::domain::replacement::Replacement;
use crate::domain::report::{MappingReport, Outcome, RunReport};
use crate::domain::undecided::Undecided;
use crate::engine::{Command, Event, Handle};
use crate::format;

/// How a run's report is shown.
pub(super) type Show = fn(&RunReport, Printer);

/// A run that has ended.
pub(super) struct Ended {
    pub report: RunReport,
    interrupted: bool,
    unrecorded: bool,
}

impl Ended {
    pub(super) fn status(&self) -> ExitStatus {
        exit_status(&self.report, self.interrupted, self.unrecorded)
    }
}

/// Runs the command's run to its end.
pub(super) async fn run_to_its_end(handle: Handle, command: Command, show: Show, printer: Printer) -> ExitStatus {
    match listen_to_its_end(handle, command, printer, |_| ()).await {
        Ok(ended) => {
            show(&ended.report, printer);
            ended.status()
        }
        Err(status) => status,
    }
}

/// The same, but the caller hears the events and shows the report.
///
/// # Errors
/// The exit status if there is no report.
pub(super) async fn listen_to_its_end(
    mut handle: Handle,
    command: Command,
    printer: Printer,
    mut heard: impl FnMut(Event),
) -> Result<Ended, ExitStatus> {
    let mut interrupts = Interrupts::listen();
    let mut interrupted = false;
    let mut unrecorded = false;
    let lines = tokio::spawn(print_progress(handle.progress(), printer));
    handle.send(command);
    let report = loop {
        tokio::select! {
            () = interrupts.next() => {
                if interrupted {
                    printer.note("stopped at once; the next run asks BigQuery how the jobs that were sent have ended");
                    return Err(ExitStatus::Interrupted);
                }
                interrupted = true;
                printer.note("stopping at the next safe point; interrupt again to leave at once");
                handle.send(Command::CancelAll);
            }
            event = handle.next_event() => match event {
                Some(Event::RunFinished { report }) => break Some(report),
                Some(Event::RecordFailed { error, .. }) => {
                    unrecorded = true;
                    printer.error(&format!("the run's report could not be written: {error}"));
                }
                Some(Event::EngineFailed { error }) => {
                    printer.note_own_failure(&error);
                    break None;
                }
                Some(event) => heard(event),
                None => break None,
            },
        }
    };
    lines.abort();
    let report = report.ok_or(ExitStatus::Failed)?;
    Ok(Ended { report, interrupted, unrecorded })
}

fn exit_status(report: &RunReport, interrupted: bool, unrecorded: bool) -> ExitStatus {
    if interrupted {
        ExitStatus::Interrupted
    } else if report.any(Outcome::Failed) || unrecorded {
        if all_refuse_an_option(report) { ExitStatus::Usage } else { ExitStatus::Failed }
    } else if report.any(Outcome::Waiting) {
        ExitStatus::Waiting
    } else {
        ExitStatus::Ok
    }
}

/// Tells if every mapping has refused an option: only then has nothing begun.
fn all_refuse_an_option(report: &RunReport) -> bool {
    report.mappings.iter().all(|mapping| {
        let error = mapping.errors.first();
        let untouched = mapping.records_processed == 0 && mapping.schema_changes.is_empty();
        untouched && error.is_some_and(|error| ExitStatus::of_failure(error) == ExitStatus::Usage)
    })
}

pub(super) fn show(report: &RunReport, printer: Printer) {
    if printer.format == OutputFormat::Json {
        printer.json(report);
        return;
    }
    let header = ["MAPPING", "TABLE", "MODE", "ROWS", "NEW", "CHANGED", "TIME", "WATERMARK", "STATUS"];
    printer.table(&header, report.mappings.iter().map(row).collect(), &[3, 4, 5, 6]);
    for mapping in &report.mappings {
        explain(mapping, printer);
    }
}

fn row(mapping: &MappingReport) -> Vec<String> {
    vec![
        mapping.mapping_name.to_string(),
        mapping.target.clone(),
        mapping.mode.word().to_owned(),
        format::count(mapping.records_processed),
        format::count(mapping.rows_inserted),
        format::count(mapping.rows_updated),
        format::duration(mapping.took()),
        mapping.watermark_after.clone().unwrap_or_else(|| "-".to_owned()),
        mapping.outcome.word().to_owned(),
    ]
}

/// Prints what the table has no room for.
pub(super) fn explain(mapping: &MappingReport, printer: Printer) {
    let name = &mapping.mapping_name;
    for change in &mapping.schema_changes {
        let change: Vec<&str> = change.lines().map(str::trim).collect();
        printer.line(&format!("{name}: schema: {}", change.join(" ")));
    }
    if let Some(reason) = &mapping.held_back {
        printer.line(&format!("{name}: held back: {reason}"));
    }
    for line in mapping.replaced.iter().flat_map(Replacement::lines) {
        printer.line(&format!("{name}: {line}"));
    }
    if let Some(mirrored) = &mapping.mirrored {
        printer.line(&format!("{name}: mirrored: {}", mirrored.words()));
    }
    if let Some(late) = mapping.late() {
        printer.line(&format!("{name}: late: {late}"));
    }
    for warning in &mapping.warnings {
        printer.line(&format!("{name}: warning: {warning}"));
    }
    for flaw in &mapping.flaws {
        let (values, column) = (format::counted(flaw.count, "value"), &flaw.column);
        printer.line(&format!("{name}: warning: {values} of `{column}` arrived as NULL: {}", flaw.flaw.words()));
    }
    for error in &mapping.errors {
        printer.line(&format!("{name}: error: {error}"));
    }
    if let Some(hint) = &mapping.hint {
        printer.line(&format!("{name}: next: {hint}"));
    }
    let kept = match (mapping.watermark_after.as_deref(), mapping.mode) {
        (None, Mode::Replace | Mode::Mirror) => "the table has not been brought over yet".to_owned(),
        (None, Mode::Append | Mode::Upsert) => "it has no watermark yet".to_owned(),
        (Some(at), Mode::Replace | Mode::Mirror) => format!("BigQuery holds the table as it was read at {at}"),
        (Some(mark), Mode::Append | Mode::Upsert) => format!("everything up to {mark} is in BigQuery"),
    };
    let goes_on = match mapping.mode {
        Mode::Append | Mode::Upsert if mapping.watermark_after.is_none() => "begins it",
        Mode::Append | Mode::Upsert => "goes on from there",
        Mode::Replace => "reads it again",
        Mode::Mirror => "brings what is not as it was",
    };
    match mapping.outcome {
        Outcome::Cancelled => printer.line(&format!("{name}: stopped; {kept}, the next run {goes_on}")),
        Outcome::Waiting => {
            let undecided = mapping.waits_for.unwrap_or(Undecided::Columns);
            printer.line(&format!("{name}: {}; {kept}", undecided.sentence()));
            printer.line(&format!("{name}: next: {}", undecided.next_step(name)));
        }
        Outcome::Ok | Outcome::Failed => {}
    }
}
