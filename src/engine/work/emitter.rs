//! Sends each event once to the operator's front end and to the log.

use tokio::sync::mpsc;
use tracing::{debug, error, info, warn};

use crate::domain::fault::FaultKind;
use crate::domain::report::{MappingReport, Outcome};
use crate::domain::verify::Verification;
use crate::engine::protocol::{Comparison, Event};
use crate::engine::work::outages::{News, Outages};

/// The sending end of the lifecycle events. Unbounded, because they are few and must not be lost.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Emitter {
    sender: mpsc::UnboundedSender<Event>,
    outages: Outages,
}

impl Emitter {
    pub(in crate::engine) fn new(sender: mpsc::UnboundedSender<Event>) -> Self {
        Self { sender, outages: Outages::default() }
    }

    /// Logs the event and hands it to the front end; a front end that has left does not stop the work.
    pub(in crate::engine) fn emit(&self, event: Event) {
        log(&event, &self.outages);
        let _ = self.sender.send(event);
    }
}

/// Where an event is about one mapping, the surrounding span holds mapping, run and operation.
fn log(event: &Event, outages: &Outages) {
    match event {
        Event::RunStarted { run, trigger, mappings } => {
            info!(%run, trigger = trigger.word(), mappings = mappings.len(), "run started");
        }
        Event::MappingRefused { mapping, reason } => warn!(%mapping, reason, "mapping not started"),
        Event::RunScheduled { at, mappings } => info!(%at, mappings = mappings.len(), "next scheduled run"),
        Event::MissedRunFound { mapping, due } => info!(%mapping, %due, "a missed run is made up"),
        Event::DueRunDelayed { mapping, due, reason } => info!(%mapping, %due, reason, "due, and waits"),
        Event::DueRunLeft { mapping, due } => info!(%mapping, %due, "due, and another process has run it"),
        Event::MappingLeft { mapping, reason, .. } => info!(%mapping, reason, "due, and left to another process"),
        Event::ScheduleLeft => info!("the schedule is no longer followed"),
        Event::PhaseStarted { phase, .. } => debug!(phase = phase.word(), "phase started"),
        Event::PublishRecovered { job, done: true, .. } => {
            info!(%job, "an earlier run's publish had succeeded and is adopted");
        }
        Event::PublishRecovered { job, done: false, .. } => {
            info!(%job, "an earlier run's publish never took effect; its rows are read again");
        }
        Event::FenceAwaited { open, oldest, patience_ms, .. } => {
            info!(open, oldest, patience_ms, "waiting for open transactions");
        }
        Event::HeldBack { reason, .. } => warn!(reason, "rows held back"),
        Event::StepStarted { step, window, .. } => info!(step, window, "step started"),
        Event::BackfillAdvanced { done, to, slices, rows, .. } => {
            info!(done, to, slices, rows, "backfill advanced");
        }
        Event::Paused { mapping } => info!(%mapping, "paused by the operator"),
        Event::Resumed { mapping } => info!(%mapping, "resumed by the operator"),
        Event::WindowFixed { window, rows_estimate, .. } => info!(window, rows_estimate, "window fixed"),
        Event::SchemaCompared(comparison) => log_comparison(comparison),
        Event::Warned { message, .. } => warn!("{message}"),
        Event::StagingLoaded { job, rows, bytes, .. } => info!(%job, rows, bytes, "rows staged"),
        Event::Published { job, inserted, updated, bytes_billed, .. } => {
            info!(%job, inserted, updated, bytes_billed, "published");
        }
        Event::RowsCompared { verification, .. } => log_verification(verification),
        Event::RowsDeleted { job, deleted, marked, .. } => info!(%job, deleted, marked, "rows deleted"),
        Event::WatermarkAdvanced { from, to, whole: false, .. } => info!(from, to, "watermark advanced"),
        Event::WatermarkAdvanced { from, to, whole: true, .. } => info!(from, to, "brought over as of"),
        Event::RetryScheduled { run, operation, attempt, wait_ms, because, absent, .. } => match absent {
            Some(server) if outages.is_news(run, server, News::Away) => {
                warn!(because, "{server} does not answer; what needs it is tried again");
            }
            // A call and the mapping's whole work are both retried, in each mapping, and meet the same error.
            None if outages.is_news(run, because, News::Again) => {
                warn!(operation, attempt, wait_ms, because, "will try again");
            }
            Some(_) | None => debug!(operation, attempt, wait_ms, because, "will try again"),
        },
        Event::MappingFinished { report } => match report.outcome {
            Outcome::Failed => log_failure(report, outages),
            outcome => info!(
                outcome = outcome.word(),
                rows = report.records_processed,
                seconds = report.duration_seconds,
                "mapping finished"
            ),
        },
        Event::RunFinished { report } => {
            outages.forget(&report.run_id);
            info!(run = %report.run_id, mappings = report.mappings.len(), "run finished");
        }
        Event::EngineFailed { error } => error!(error, "the engine failed"),
        Event::RecordFailed { run, error } => error!(%run, error, "the run's report could not be written"),
        Event::OutletFailed { outlet, error, hint } => {
            warn!(outlet, error, hint, "the run has ended, but its notification failed");
        }
    }
}

/// Logs a failed mapping; of several that fail by the same outage, the first as an error. The run's report has them all.
fn log_failure(report: &MappingReport, outages: &Outages) {
    let (hint, kind) = (report.hint.as_deref(), report.error_kind.map(FaultKind::word));
    match &report.absent {
        Some(server) if !outages.is_news(&report.run_id, server, News::Failed) => {
            info!(hint, kind, "mapping failed: {server} does not answer");
        }
        _ => error!(error = report.errors.join("; "), hint, kind, "mapping failed"),
    }
}

/// Logs only counts: keys are row values.
pub(in crate::engine) fn log_verification(verification: &Verification) {
    let Verification { mapping, only_in_mysql, only_in_bigquery, differing, doubled, bytes, .. } = verification;
    let outcome = verification.outcome.word();
    info!(%mapping, outcome, only_in_mysql, only_in_bigquery, differing, doubled, bytes, "rows compared");
}

/// Logs a schema difference; runs and questions both use it.
pub(in crate::engine) fn log_comparison(comparison: &Comparison) {
    let Comparison { mapping, statements, applied, conflicts, .. } = comparison;
    if !statements.is_empty() || *conflicts > 0 {
        info!(%mapping, statements = statements.join("; "), applied, conflicts, "schemas differ");
    }
}
