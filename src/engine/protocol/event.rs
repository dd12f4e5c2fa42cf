//! The events of runs, in the past tense.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::query::Comparison;
use crate::domain::ids::{JobId, MappingName, RunId};
use crate::domain::report::{MappingReport, RunReport, Trigger};
use crate::domain::verify::Verification;

/// The steps of one mapping's run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waiting for its turn.
    Queued,
    Lease,
    Recover,
    Describe,
    Plan,
    /// Reading, encoding and uploading, all at once.
    Extract,
    /// The load job into the staging table.
    Load,
    Publish,
    Advance,
}

impl Phase {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Lease => "lease",
            Self::Recover => "recover",
            Self::Describe => "describe",
            Self::Plan => "plan",
            Self::Extract => "extract",
            Self::Load => "load",
            Self::Publish => "publish",
            Self::Advance => "advance",
        }
    }
}

/// What has happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    RunStarted {
        run: RunId,
        trigger: Trigger,
        mappings: Vec<MappingName>,
    },
    /// A mapping that another run of this engine is working on was not started again.
    MappingRefused {
        mapping: MappingName,
        reason: String,
    },
    /// The schedule's next due time, of these mappings.
    RunScheduled {
        at: DateTime<Utc>,
        mappings: Vec<MappingName>,
    },
    /// No process ran for this due time, so it is made up now.
    MissedRunFound {
        mapping: MappingName,
        due: DateTime<Utc>,
    },
    /// It is due, but a process works on it; its run begins when that work has ended.
    DueRunDelayed {
        mapping: MappingName,
        due: DateTime<Utc>,
        reason: String,
    },
    /// Another process has run for this due time.
    DueRunLeft {
        mapping: MappingName,
        due: DateTime<Utc>,
    },
    /// A due mapping was taken out of its run: another process was quicker.
    MappingLeft {
        run: RunId,
        mapping: MappingName,
        reason: String,
    },
    /// The schedule begins no more runs.
    ScheduleLeft,
    PhaseStarted {
        run: RunId,
        mapping: MappingName,
        phase: Phase,
    },
    /// An earlier process had sent a publish and died before its end.
    PublishRecovered {
        run: RunId,
        mapping: MappingName,
        job: JobId,
        done: bool,
    },
    /// Transactions that may still bring rows into the window are open. Reading begins when they have ended, or after
    /// `patience_ms` without their rows.
    FenceAwaited {
        run: RunId,
        mapping: MappingName,
        open: usize,
        oldest: String,
        patience_ms: u64,
    },
    /// Rows below which others may still appear wait for the next run.
    HeldBack {
        run: RunId,
        mapping: MappingName,
        reason: String,
    },
    WindowFixed {
        run: RunId,
        mapping: MappingName,
        window: String,
        rows_estimate: Option<u64>,
    },
    /// A large window moves in steps, numbered from 1.
    StepStarted {
        run: RunId,
        mapping: MappingName,
        step: u64,
        window: String,
    },
    /// A run met a difference between both schemas.
    SchemaCompared(Box<Comparison>),
    /// Everything of a backfill up to `done` is in BigQuery.
    BackfillAdvanced {
        run: RunId,
        mapping: MappingName,
        done: String,
        to: String,
        slices: u64,
        rows: u64,
    },
    Paused {
        mapping: MappingName,
    },
    Resumed {
        mapping: MappingName,
    },
    Warned {
        run: RunId,
        mapping: MappingName,
        message: String,
    },
    StagingLoaded {
        run: RunId,
        mapping: MappingName,
        job: JobId,
        rows: u64,
        bytes: u64,
    },
    Published {
        run: RunId,
        mapping: MappingName,
        job: JobId,
        inserted: u64,
        updated: u64,
        bytes_billed: Option<u64>,
    },
    /// A repair has compared both sides: what differs, or, with `again`, what still differs after it was mended. The
    /// keys that it names are row values: for the operator's screen, never for a log.
    RowsCompared {
        run: RunId,
        verification: Box<Verification>,
        again: bool,
    },
    /// Rows that the source no longer has are deleted from the target, or marked there.
    RowsDeleted {
        run: RunId,
        mapping: MappingName,
        job: JobId,
        deleted: u64,
        marked: bool,
    },
    WatermarkAdvanced {
        run: RunId,
        mapping: MappingName,
        from: Option<String>,
        to: String,
        /// The target holds all rows as of the time `to`; otherwise the rows up to the value `to`.
        whole: bool,
    },
    /// A call, or the mapping's whole work, is retried after a wait; `attempt` is the number of the coming try.
    RetryScheduled {
        run: RunId,
        mapping: MappingName,
        operation: String,
        attempt: u32,
        wait_ms: u64,
        because: String,
        /// The server that was not reached, if that is the failure.
        absent: Option<String>,
    },
    MappingFinished {
        report: Box<MappingReport>,
    },
    RunFinished {
        report: RunReport,
    },
    /// Our own code failed; the work it was doing has ended, and the watermarks are where the last publish left them.
    EngineFailed {
        error: String,
    },
    /// The report files or the run's record could not be written; the data is unaffected.
    RecordFailed {
        run: RunId,
        error: String,
    },
    /// `metrics_file` could not be written, or `notify` could not be reached; the run is unaffected.
    OutletFailed {
        outlet: String,
        error: String,
        hint: String,
    },
}

impl Event {
    /// The mapping that the event is about.
    #[must_use]
    pub fn mapping(&self) -> Option<&MappingName> {
        match self {
            Self::MappingRefused { mapping, .. }
            | Self::MissedRunFound { mapping, .. }
            | Self::DueRunDelayed { mapping, .. }
            | Self::DueRunLeft { mapping, .. }
            | Self::MappingLeft { mapping, .. }
            | Self::PhaseStarted { mapping, .. }
            | Self::PublishRecovered { mapping, .. }
            | Self::WindowFixed { mapping, .. }
            | Self::Warned { mapping, .. }
            | Self::StagingLoaded { mapping, .. }
            | Self::Published { mapping, .. }
            | Self::RowsDeleted { mapping, .. }
            | Self::WatermarkAdvanced { mapping, .. }
            | Self::FenceAwaited { mapping, .. }
            | Self::HeldBack { mapping, .. }
            | Self::StepStarted { mapping, .. }
            | Self::BackfillAdvanced { mapping, .. }
            | Self::Paused { mapping }
            | Self::Resumed { mapping }
            | Self::RetryScheduled { mapping, .. } => Some(mapping),
            Self::MappingFinished { report } => Some(&report.mapping_name),
            Self::RowsCompared { verification, .. } => Some(&verification.mapping),
            Self::SchemaCompared(comparison) => Some(&comparison.mapping),
            Self::RunStarted { .. }
            | Self::RunScheduled { .. }
            | Self::ScheduleLeft
            | Self::RunFinished { .. }
            | Self::EngineFailed { .. }
            | Self::RecordFailed { .. }
            | Self::OutletFailed { .. } => None,
        }
    }
}
