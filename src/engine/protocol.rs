//! The words between the engine and whoever operates it: commands in, events out.
//!
//! Events are facts in the past tense, few, and never lost; what changes many times a second is [`super::Progress`].

use serde::{Deserialize, Serialize};

use crate::domain::ids::{JobId, MappingName, RunId};
use crate::domain::report::{MappingReport, RunReport};
use crate::domain::schema::ColumnDiffView;
use crate::state::LastRun;

/// What an operator can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// One incremental run.
    Sync(Selection),
    /// Compare schemas; with `apply`, carry out what is safe.
    Compare { selection: Selection, apply: bool },
    /// Watermarks, lags and last runs.
    Inspect(Selection),
    /// Stop one mapping at its next safe point.
    Cancel(MappingName),
    /// Stop everything at its next safe point.
    CancelAll,
}

/// Which mappings are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    All,
    Named(Vec<MappingName>),
}

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    RunStarted {
        run: RunId,
        mappings: Vec<MappingName>,
    },
    /// A mapping that another run of this engine is working on was not started again.
    MappingRefused {
        mapping: MappingName,
        reason: String,
    },
    PhaseStarted {
        run: RunId,
        mapping: MappingName,
        phase: Phase,
    },
    /// An earlier process had sent a publish and not lived to see its end.
    PublishRecovered {
        run: RunId,
        mapping: MappingName,
        job: JobId,
        done: bool,
    },
    WindowFixed {
        run: RunId,
        mapping: MappingName,
        window: String,
        rows_estimate: Option<u64>,
    },
    /// A new difference between both schemas; `applied` says whether the statements were carried out.
    SchemaCompared {
        mapping: MappingName,
        creates_table: bool,
        columns: Vec<ColumnDiffView>,
        statements: Vec<String>,
        applied: bool,
        conflicts: usize,
    },
    CompareFailed {
        mapping: MappingName,
        error: String,
        hint: String,
    },
    CompareFinished,
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
    WatermarkAdvanced {
        run: RunId,
        mapping: MappingName,
        from: Option<String>,
        to: String,
    },
    RetryScheduled {
        run: RunId,
        mapping: MappingName,
        attempt: u32,
        wait_ms: u64,
        because: String,
    },
    MappingFinished {
        report: Box<MappingReport>,
    },
    RunFinished {
        report: RunReport,
    },
    Inspected {
        mappings: Vec<MappingStatus>,
    },
    /// Something of ours broke; what it was working on has ended, the watermarks are where the last publish left them.
    EngineFailed {
        error: String,
    },
    /// The report files or the run's record could not be written; the data is not touched by that.
    RecordFailed {
        run: RunId,
        error: String,
    },
}

/// A mapping at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MappingStatus {
    pub mapping: MappingName,
    pub source: String,
    pub target: String,
    pub mode: String,
    pub watermark: Option<String>,
    /// The incremental column's greatest value in MySQL; `None` for an empty table or when it could not be asked.
    pub newest: Option<String>,
    pub lag: Option<Lag>,
    pub last_run: Option<LastRun>,
    /// Why the source could not be asked.
    pub problem: Option<String>,
    /// A publish whose end is not known yet; the next run asks.
    pub pending: Option<JobId>,
}

/// How far the source's newest row is ahead of the watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    Seconds(i64),
    /// Steps of an integer cursor, an upper bound of the rows.
    Steps(i64),
}

impl Event {
    /// The mapping it is about.
    #[must_use]
    pub fn mapping(&self) -> Option<&MappingName> {
        match self {
            Self::MappingRefused { mapping, .. }
            | Self::PhaseStarted { mapping, .. }
            | Self::PublishRecovered { mapping, .. }
            | Self::WindowFixed { mapping, .. }
            | Self::SchemaCompared { mapping, .. }
            | Self::CompareFailed { mapping, .. }
            | Self::Warned { mapping, .. }
            | Self::StagingLoaded { mapping, .. }
            | Self::Published { mapping, .. }
            | Self::WatermarkAdvanced { mapping, .. }
            | Self::RetryScheduled { mapping, .. } => Some(mapping),
            Self::MappingFinished { report } => Some(&report.mapping_name),
            Self::RunStarted { .. }
            | Self::CompareFinished
            | Self::RunFinished { .. }
            | Self::Inspected { .. }
            | Self::EngineFailed { .. }
            | Self::RecordFailed { .. } => None,
        }
    }
}
