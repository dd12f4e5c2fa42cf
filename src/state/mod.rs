//! The port to the store of watermarks, pending publishes and run reports.

mod files;
pub mod local;
pub mod reports;

use std::collections::BTreeMap;
use std::future::Future;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::fault::Fault;
use crate::domain::ids::{JobId, JobPlace, MappingName, RunId, TableId};
use crate::domain::report::{Outcome, RunReport};

/// Where the program remembers. One writer per mapping: only a lease can save.
pub trait StateStore: Send + Sync + 'static {
    /// Held while a mapping is worked on; dropping it (or dying) gives it back.
    type Lease: Send + Sync;

    /// Takes a mapping for this process.
    ///
    /// # Errors
    /// `Conflict`, naming who holds it since when.
    fn lease(&self, mapping: &MappingName, run: &RunId) -> impl Future<Output = Result<Self::Lease, Fault>> + Send;

    /// What is remembered of a mapping; empty for a new one.
    ///
    /// # Errors
    /// `Config` naming the file when it cannot be read as state.
    fn load(&self, mapping: &MappingName) -> impl Future<Output = Result<MappingState, Fault>> + Send;

    /// What is remembered of every mapping.
    ///
    /// # Errors
    /// As `load`.
    fn load_all(&self) -> impl Future<Output = Result<BTreeMap<MappingName, MappingState>, Fault>> + Send;

    /// Replaces what is remembered of the leased mapping; durable when it returns.
    ///
    /// # Errors
    /// `Conflict`, `Config` or `Transient` naming the file; then the former state is still there.
    fn save(&self, lease: &Self::Lease, state: &MappingState) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Writes the reports of a run.
    ///
    /// # Errors
    /// `Config` naming the file that cannot be written.
    fn record_run(&self, report: &RunReport) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// What is remembered of one mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MappingState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<StoredWatermark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingPublish>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
}

/// A watermark as text; read once the column's type is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredWatermark {
    /// `2026-11-23 07:59:58` or `88120332`: what `last_sync` holds.
    pub value: String,
    /// It came from the original tool or was set by hand, so rows sharing the value may be missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
}

/// A publish that was about to be sent. Written before it is; asked after at the next start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPublish {
    pub job: JobId,
    /// Where the job was sent to, whatever the configuration says by now.
    pub place: JobPlace,
    pub staging: TableId,
    /// The watermark when it was sent; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The watermark once the job is known to be done.
    pub high: String,
    pub rows: u64,
}

/// How the last run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    pub run_id: RunId,
    pub finished_at: DateTime<Utc>,
    pub outcome: Outcome,
    pub rows: u64,
    /// Milliseconds.
    pub duration_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
