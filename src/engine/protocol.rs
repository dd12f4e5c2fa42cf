//! The words between the engine and whoever operates it: commands in, events out.
//!
//! Events are facts in the past tense, few, and never lost; what changes many times a second is [`super::Progress`].

use serde::{Deserialize, Serialize};

use crate::domain::ids::{JobId, MappingName, RunId};
use crate::domain::lookback::Lookback;
use crate::domain::report::{MappingReport, RunReport, RunSummary, Trigger};
use crate::domain::schema::{ColumnDiffView, Decisions};
use crate::state::{BackfillState, Holder, LastRun};

/// What an operator can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// One incremental run.
    Sync(SyncOrder),
    /// Move a given window, whatever the watermark says; goes on with an unfinished one of the same words.
    Backfill {
        ask: BackfillAsk,
        restart: bool,
    },
    /// What a backfill would do; nothing is moved.
    PreviewBackfill(BackfillAsk),
    /// Compare schemas; with `apply`, carry out what is safe (of the named columns, or of all when none is named).
    Compare {
        selection: Selection,
        apply: bool,
        columns: Vec<String>,
    },
    /// Remember what the operator says of columns, carry out what was accepted.
    Decide {
        mapping: MappingName,
        decisions: Vec<ColumnDecision>,
    },
    /// Watermarks, lags, last runs and who works on what.
    Inspect(Selection),
    /// The latest runs, newest first.
    ReadHistory {
        most: usize,
    },
    /// One run's report.
    ReadReport(RunId),
    /// Hold a running mapping between two batches.
    Pause(MappingName),
    Resume(MappingName),
    /// Stop one mapping at its next safe point.
    Cancel(MappingName),
    /// Stop everything at its next safe point.
    CancelAll,
}

/// What an incremental run is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncOrder {
    pub selection: Selection,
    pub trigger: Trigger,
    /// Read so much below the watermark again; upsert mappings only. Wins over the mapping's own.
    pub lookback: Option<Lookback>,
}

impl SyncOrder {
    /// As an operator, or whatever called the program, asks for it.
    #[must_use]
    pub const fn manual(selection: Selection) -> Self {
        Self { selection, trigger: Trigger::Manual, lookback: None }
    }
}

/// A window of a mapping's incremental column, as the operator writes it; both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillAsk {
    pub mapping: MappingName,
    pub start: String,
    /// `None`: the watermark, or, before the first run, as far as rows are settled.
    pub end: Option<String>,
}

/// A column by its name in BigQuery, and whether it may change the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDecision {
    pub column: String,
    /// Declined: the column is left out of the mapping.
    pub accept: bool,
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
        trigger: Trigger,
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
    /// Transactions that may still bring rows into the window are open; reading begins when they have ended, or
    /// without what they may bring after `patience_ms`.
    FenceAwaited {
        run: RunId,
        mapping: MappingName,
        open: usize,
        oldest: String,
        patience_ms: u64,
    },
    /// Rows that others may still join wait for the next run.
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
    /// A large window is moved in steps; from 1.
    StepStarted {
        run: RunId,
        mapping: MappingName,
        step: u64,
        window: String,
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
    /// The operator's word on columns is remembered and carried out.
    SchemaDecided {
        mapping: MappingName,
        accepted: Vec<String>,
        declined: Vec<String>,
        statements: Vec<String>,
    },
    DecideFailed {
        mapping: MappingName,
        error: String,
        hint: String,
    },
    BackfillPreviewed {
        preview: Box<BackfillPreview>,
    },
    PreviewFailed {
        mapping: MappingName,
        error: String,
        hint: String,
    },
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
    HistoryRead {
        runs: Vec<RunSummary>,
    },
    /// `None`: the run is no longer kept.
    ReportRead {
        run: RunId,
        report: Option<Box<RunReport>>,
    },
    /// The history or a report could not be read.
    HistoryFailed {
        error: String,
        hint: String,
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
    WatermarkAdvanced {
        run: RunId,
        mapping: MappingName,
        from: Option<String>,
        to: String,
    },
    /// A call, or the mapping's whole work, is tried again after a wait; `attempt` is the one to come.
    RetryScheduled {
        run: RunId,
        mapping: MappingName,
        operation: String,
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
    /// Who works on it right now, here or elsewhere.
    pub held_by: Option<Holder>,
    /// A backfill that has not come to its end.
    pub backfill: Option<BackfillState>,
    /// Columns that wait for a decision.
    pub undecided: Vec<String>,
    /// What has been decided, by column.
    pub decisions: Decisions,
}

/// What a backfill would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillPreview {
    pub ask: BackfillAsk,
    /// The window as it would be moved: `[2026-10-01 00:00:00, 2026-10-31 23:59:59]`.
    pub window: String,
    /// What was asked for and will not be done, in words.
    pub notes: Vec<String>,
    /// In order; `(window, rows)`, rows by the index.
    pub slices: Vec<SlicePreview>,
    /// There are more slices than are listed.
    pub more_slices: bool,
    /// By the server's statistics.
    pub rows_estimate: Option<u64>,
    /// Of the values in MySQL, by the server's statistics.
    pub bytes_estimate: Option<u64>,
    /// Rows of the target within the window; `None` when there is no table yet.
    pub rows_in_target: Option<u64>,
    /// `merge` or `insert missing`, with what that means.
    pub publish: String,
    /// An unfinished backfill of the mapping, which the same words go on with.
    pub unfinished: Option<BackfillState>,
}

/// A slice of a backfill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlicePreview {
    pub window: String,
    /// `None` for the last one, which holds at most as many as the others.
    pub rows: Option<u64>,
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
            | Self::FenceAwaited { mapping, .. }
            | Self::HeldBack { mapping, .. }
            | Self::StepStarted { mapping, .. }
            | Self::SchemaDecided { mapping, .. }
            | Self::DecideFailed { mapping, .. }
            | Self::PreviewFailed { mapping, .. }
            | Self::BackfillAdvanced { mapping, .. }
            | Self::Paused { mapping }
            | Self::Resumed { mapping }
            | Self::RetryScheduled { mapping, .. } => Some(mapping),
            Self::MappingFinished { report } => Some(&report.mapping_name),
            Self::BackfillPreviewed { preview } => Some(&preview.ask.mapping),
            Self::RunStarted { .. }
            | Self::CompareFinished
            | Self::RunFinished { .. }
            | Self::Inspected { .. }
            | Self::HistoryRead { .. }
            | Self::ReportRead { .. }
            | Self::HistoryFailed { .. }
            | Self::EngineFailed { .. }
            | Self::RecordFailed { .. } => None,
        }
    }
}
