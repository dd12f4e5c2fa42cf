//! The port to the store of watermarks, pending publishes and run reports.

mod any;
mod backfill;
mod declared;
mod document;
pub mod gcs;
pub mod local;
mod replaced;
pub mod reports;
mod rows_of;
mod rules;
mod sums;
mod target;

pub use self::any::{AnyLease, AnyState};
pub use self::backfill::{BackfillState, EndedBackfill, Parts};
pub use self::declared::Declared;
pub use self::replaced::Replaced;
pub use self::rows_of::RowsOf;
pub use self::rules::{Rules, SEVERAL};
pub use self::sums::{RememberedSums, SumsPlace};
pub use self::target::LeftTarget;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::config::Mode;
use crate::domain::estate::KnownTables;
use crate::domain::fault::Fault;
use crate::domain::ids::{JobId, JobPlace, MappingName, RunId, TableId};
use crate::domain::report::{MappingReport, Outcome, RunReport, RunSummary, Trigger};
use crate::domain::retry::RetryNotes;
use crate::domain::schema::Decisions;
use crate::domain::tail::Tail;
use crate::host::host_name;

/// Where the program keeps its state. One writer per mapping: only the holder of a lease can save.
pub trait StateStore: Send + Sync + 'static {
    /// Held while a mapping is worked on; dropping it (or the end of the process) gives it back.
    type Lease: Lease;

    /// Identifies the store: processes with the same identity share its leases.
    fn identity(&self) -> &str;

    /// The same store; it repeats its calls as `notes` allow, and reports that to them.
    #[must_use]
    fn watched(&self, notes: &RetryNotes) -> Self
    where
        Self: Sized;

    /// Takes the lease of a mapping, or of one part of its backfill by the part's name, for this process.
    ///
    /// # Errors
    /// `Conflict`, naming the holder and since when it has held the lease.
    fn lease(&self, mapping: &MappingName, run: &RunId) -> impl Future<Output = Result<Self::Lease, Fault>> + Send;

    /// The state of a mapping; empty for a new one.
    ///
    /// # Errors
    /// `Config` naming the file when it cannot be read as state.
    fn load(&self, mapping: &MappingName) -> impl Future<Output = Result<MappingState, Fault>> + Send;

    /// The states of all mappings.
    ///
    /// # Errors
    /// The same as those of `load`.
    fn load_all(&self) -> impl Future<Output = Result<BTreeMap<MappingName, MappingState>, Fault>> + Send;

    /// Replaces the state of the leased mapping; durable when it returns.
    ///
    /// # Errors
    /// `Conflict`, `Config` or `Transient` naming the file; the former state is still there then.
    fn save(&self, lease: &Self::Lease, state: &MappingState) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Writes the checksums of a mirror beside its state; only the holder of its lease may. Durable when it returns.
    ///
    /// # Errors
    /// `Config` or `Transient` naming the file.
    fn save_sums(
        &self,
        mapping: &MappingName,
        place: SumsPlace,
        text: Vec<u8>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The checksums stored in that place; `None` if there are none.
    ///
    /// # Errors
    /// The same as those of `save_sums`.
    fn load_sums(
        &self,
        mapping: &MappingName,
        place: SumsPlace,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Fault>> + Send;

    /// The remembered tables of the entries for many tables; empty at first.
    ///
    /// # Errors
    /// The same as those of `load`.
    fn load_tables(&self) -> impl Future<Output = Result<KnownTables, Fault>> + Send;

    /// Adds to the remembered tables, also while other processes do the same; durable when it returns.
    ///
    /// # Errors
    /// The same as those of `save`.
    fn note_tables(&self, news: &KnownTables) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Who works on which mapping now, on any host; one holder for each mapping, also where several share its backfill.
    ///
    /// # Errors
    /// The same as those of `load`.
    fn holders(&self) -> impl Future<Output = Result<BTreeMap<MappingName, Holder>, Fault>> + Send;

    /// Writes the reports of a run and adds it to the history, whose length is limited.
    ///
    /// # Errors
    /// `Config` naming the file that cannot be written.
    fn record_run(&self, report: &RunReport) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The latest runs of all hosts, newest first; at most `most`.
    ///
    /// # Errors
    /// `Config` or `Transient` when the history cannot be read; a file that is not a run report is left out.
    fn history(&self, most: usize) -> impl Future<Output = Result<Vec<RunSummary>, Fault>> + Send;

    /// A run's whole report; `None` when it is no longer kept.
    ///
    /// # Errors
    /// As `history`.
    fn run_report(&self, run: &RunId) -> impl Future<Output = Result<Option<RunReport>, Fault>> + Send;
}

/// The lease of a mapping.
pub trait Lease: Send + Sync {
    /// The former holder has not given the mapping back: it died or was cut off.
    fn follows_a_dead_one(&self) -> bool;
}

/// What `check` asks of the store, which runs do not.
pub trait Diagnose: Send + Sync + 'static {
    /// Writes, reads and removes a test object beside the state and the reports; returns where these are, in words.
    ///
    /// # Errors
    /// `Config`, `Auth` or `Transient` naming the file or object.
    fn probe(&self) -> impl Future<Output = Result<String, Fault>> + Send;
}

/// Who holds a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub host: String,
    pub pid: u32,
    pub run_id: RunId,
    pub since: DateTime<Utc>,
}

impl Holder {
    /// This process, as a holder from now on.
    fn here(run: &RunId) -> Self {
        Self { host: host_name(), pid: std::process::id(), run_id: run.clone(), since: Utc::now() }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, pid, run_id, since } = self;
        write!(f, "run {run_id} (process {pid} on {host}) since {}", seconds(*since))
    }
}

/// `2026-11-23T07:59:58Z`.
fn seconds(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The state of one mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MappingState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<StoredWatermark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingPublish>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
    /// An unfinished backfill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<BackfillState>,
    /// The last finished backfill that processes shared, for the processes that come late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_backfill: Option<EndedBackfill>,
    /// The operator's decisions about single columns, by their name in BigQuery.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub decisions: Decisions,
    /// Rows up to this value may be in the target although the watermark is below it: an append compares each of them, and
    /// an upsert replaces them, whichever has the greater value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_to: Option<String>,
    /// The source rows just below the watermark when it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Tail>,
    /// The server's clock was seen behind the watermark, at this value: the next run that continues reads from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_from: Option<String>,
    /// For an append or a mirror: the target as the mapping left it. `None`: unknown, so each row is looked for or
    /// compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<LeftTarget>,
    /// Both sides when an incremental run last compared them and found no difference to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// For a table that every run reads as a whole: what it held last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replaced>,
    /// For a mirror: MySQL's checksums of what BigQuery holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sums: Option<RememberedSums>,
    /// The row filter and the masks under which rows were moved up to the watermark. `None`: all rows, unmasked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// The columns that MySQL's table had when an incremental run last moved its rows; empty: unknown.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub columns: BTreeSet<String>,
    /// Columns that such a run has moved and that MySQL's table no longer has. Should one come back, BigQuery holds
    /// values of before.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gone_columns: BTreeSet<String>,
    /// How MySQL's table declared the moved columns at that run, by their names; empty: unknown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub declared: BTreeMap<String, Declared>,
    /// Which rows of the target belong to the mapping. `None`: those that the configuration says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_of: Option<RowsOf>,
    /// Columns that a run under `allow_schema_additions: review` found and that await the operator's decision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<String>,
    /// The latest due time of the schedule for which a run has ended: one run for each due time, whichever process does
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Totals::is_empty")]
    pub totals: Totals,
}

/// Both sides when a run last compared them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// A digest of the source's schema and of everything else that a plan is made from.
    pub schemas: String,
    pub at: DateTime<Utc>,
}

impl MappingState {
    /// Up to where BigQuery is complete, in words: the watermark, or for a table that every run reads as a whole the
    /// moment when reading began.
    #[must_use]
    pub fn complete_to(&self, mode: Mode) -> Option<String> {
        match mode {
            Mode::Append | Mode::Upsert => self.watermark.as_ref().map(|mark| mark.value.clone()),
            Mode::Replace | Mode::Mirror => self.replaced.as_ref().map(ToString::to_string),
        }
    }

    /// Whether rows of the mapping may be in the target.
    #[must_use]
    pub fn has_published(&self) -> bool {
        let is_under_way = self.pending.is_some() || self.backfill.is_some() || self.overlap_to.is_some();
        let has_looked = self.watermark.is_some() || self.replaced.is_some() || self.sums.is_some();
        has_looked || is_under_way || self.ended_backfill.is_some() || self.totals.rows > 0
    }

    /// Records a replaced table. What an append knew of its target is no longer true: if the mapping appends again one
    /// day, it looks for each row. Its watermark stays.
    pub fn note_replaced(&mut self, replaced: Replaced) {
        self.replaced = Some(replaced);
        (self.target, self.tail) = (None, None);
    }
}

/// Totals over all runs of a mapping, backfills included.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    pub runs: u64,
    pub failures: u64,
    /// Rows read and published.
    pub rows: u64,
    /// When an incremental run last succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<DateTime<Utc>>,
}

impl Totals {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A watermark as text; parsed once the column's type is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredWatermark {
    /// `2026-11-23 07:59:58` or `88120332`: what `last_sync` holds.
    pub value: String,
    /// It came from the original tool or an operator set it, so rows that share the value may be missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
}

/// A publish that was about to be sent: written before the job is sent, looked up at the next start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPublish {
    pub job: JobId,
    /// Where the job was sent, whatever the configuration says now.
    pub place: JobPlace,
    pub staging: TableId,
    /// The rows travel inside the job, so it needs no staging table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inline: bool,
    /// Tells it from another publish that may have the same job id. `None`: its id is unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// What the state moves once the publish is confirmed.
    #[serde(default, skip_serializing_if = "Moves::is_watermark")]
    pub moves: Moves,
    /// The moved value when the job was sent; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The moved value once the job is known to be done.
    pub high: String,
    pub rows: u64,
}

/// What a confirmed publish moves in the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moves {
    #[default]
    Watermark,
    /// The checkpoint of the mapping's backfill; never the watermark.
    Backfill,
    /// What is remembered of the whole table.
    Replace,
    /// What is remembered of some parts of the table.
    Mirror,
    /// Nothing: the job deletes rows that the source no longer has, or brings rows from below the watermark.
    Nothing,
}

impl Moves {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
    const fn is_watermark(&self) -> bool {
        matches!(self, Self::Watermark)
    }
}

/// How the last run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    pub run_id: RunId,
    #[serde(default)]
    pub trigger: Trigger,
    pub finished_at: DateTime<Utc>,
    pub outcome: Outcome,
    pub rows: u64,
    /// Milliseconds.
    pub duration_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The operator's next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How many seconds behind MySQL's newest row it ended, if that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<u64>,
}

impl LastRun {
    /// Made from the report of a finished run; the same for every store.
    #[must_use]
    pub fn of(report: &MappingReport, trigger: Trigger) -> Self {
        Self {
            run_id: report.run_id.clone(),
            trigger,
            finished_at: report.finished_at,
            outcome: report.outcome,
            rows: report.records_processed,
            duration_ms: u64::try_from(report.took().as_millis()).unwrap_or(0),
            error: report.errors.first().cloned(),
            hint: report.hint.clone(),
            lag_seconds: report.lag_seconds.filter(|_| report.outcome == Outcome::Ok),
        }
    }
}
