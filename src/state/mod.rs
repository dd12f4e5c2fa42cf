//! The port to the store of watermarks, pending publishes and run reports.

mod any;
mod backfill;
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
use crate::domain::schema::Decisions;
use crate::domain::tail::Tail;
use crate::host::host_name;

/// Where the program remembers. One writer per mapping: only a lease can save.
pub trait StateStore: Send + Sync + 'static {
    /// Held while a mapping is worked on; dropping it (or dying) gives it back.
    type Lease: Lease;

    /// What tells this store from every other that a mapping may be taken in at the same time: who shares it shares its
    /// leases.
    fn identity(&self) -> &str;

    /// Takes a mapping, or a part of its backfill by the part's name, for this process.
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

    /// Puts the sums of a mirror beside its state; its lease's holder does. Durable when it returns.
    ///
    /// # Errors
    /// `Config` or `Transient` naming the file.
    fn save_sums(
        &self,
        mapping: &MappingName,
        place: SumsPlace,
        text: Vec<u8>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// What stands there; `None` where nothing does.
    ///
    /// # Errors
    /// As `save_sums`.
    fn load_sums(
        &self,
        mapping: &MappingName,
        place: SumsPlace,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Fault>> + Send;

    /// What was made of the tables that entries for many tables take; empty where nothing was.
    ///
    /// # Errors
    /// As `load`.
    fn load_tables(&self) -> impl Future<Output = Result<KnownTables, Fault>> + Send;

    /// Adds to it, whoever else does so at the same time; durable when it returns.
    ///
    /// # Errors
    /// As `save`.
    fn note_tables(&self, news: &KnownTables) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Who works on what right now, here or elsewhere; of those who share a backfill one.
    ///
    /// # Errors
    /// As `load`.
    fn holders(&self) -> impl Future<Output = Result<BTreeMap<MappingName, Holder>, Fault>> + Send;

    /// Writes the reports of a run and adds it to the history, which is bounded.
    ///
    /// # Errors
    /// `Config` naming the file that cannot be written.
    fn record_run(&self, report: &RunReport) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The latest runs of all hosts, newest first; at most `most`.
    ///
    /// # Errors
    /// `Config` or `Transient` when the history cannot be read; a report that is no report is left out.
    fn history(&self, most: usize) -> impl Future<Output = Result<Vec<RunSummary>, Fault>> + Send;

    /// A run's whole report; `None` when it is no longer kept.
    ///
    /// # Errors
    /// As `history`.
    fn run_report(&self, run: &RunId) -> impl Future<Output = Result<Option<RunReport>, Fault>> + Send;
}

/// A mapping that is taken.
pub trait Lease: Send + Sync {
    /// Whoever held the mapping before has not given it back: it died, or was cut off.
    fn follows_a_dead_one(&self) -> bool;
}

/// What a check asks of the store, beside what runs do.
pub trait Diagnose: Send + Sync + 'static {
    /// Writes, reads and removes something beside the state and the reports; gives where they are, in words.
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
    /// This process, from now on.
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

/// What is remembered of one mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MappingState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<StoredWatermark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingPublish>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
    /// A backfill that has not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<BackfillState>,
    /// The last one that processes shared, for those of them that come late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_backfill: Option<EndedBackfill>,
    /// What an operator has said of single columns, by their name in BigQuery.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub decisions: Decisions,
    /// Rows up to this value may be in the target although the watermark is below: an append looks for each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_to: Option<String>,
    /// What stood just below the watermark when it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Tail>,
    /// The server's clock was seen behind the watermark, at this value: the next run that goes on reads from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_from: Option<String>,
    /// Of an append or a mirror: the target as it was left. `None`: unknown, so each row is looked for, or compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<LeftTarget>,
    /// Both sides when an incremental run last compared them and found nothing to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// Of a table that every run looks at as a whole: what it held last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replaced>,
    /// Of a mirror: MySQL's sums of what BigQuery holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sums: Option<RememberedSums>,
    /// Which rows were moved up to the watermark, and how their values were masked. `None`: all, as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// The columns that MySQL's table had when an incremental run last moved its rows; empty: unknown.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub columns: BTreeSet<String>,
    /// Which rows of the target are the mapping's. `None`: those that the mapping says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_of: Option<RowsOf>,
    /// Columns that a run under `allow_schema_additions: review` met and that nobody has decided about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<String>,
    /// The latest due time of the schedule for which a run came to its end: each is run for once, whoever does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Totals::is_empty")]
    pub totals: Totals,
}

/// Both sides when they were last compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// A word for the source's schema and for all that a plan is made from beside it.
    pub schemas: String,
    pub at: DateTime<Utc>,
}

impl MappingState {
    /// Up to where BigQuery is complete, in words: the watermark, or the moment that a table which every run looks at as a
    /// whole was read at.
    #[must_use]
    pub fn complete_to(&self, mode: Mode) -> Option<String> {
        match mode {
            Mode::Append | Mode::Upsert => self.watermark.as_ref().map(|mark| mark.value.clone()),
            Mode::Replace | Mode::Mirror => self.replaced.as_ref().map(ToString::to_string),
        }
    }

    /// May rows of the mapping be in the target?
    #[must_use]
    pub fn has_published(&self) -> bool {
        let is_under_way = self.pending.is_some() || self.backfill.is_some() || self.overlap_to.is_some();
        let has_looked = self.watermark.is_some() || self.replaced.is_some() || self.sums.is_some();
        has_looked || is_under_way || self.ended_backfill.is_some() || self.totals.rows > 0
    }

    /// What an append knew of its target holds no more: should the mapping append again one day, it looks for each row. Its
    /// watermark stays.
    pub fn note_replaced(&mut self, replaced: Replaced) {
        self.replaced = Some(replaced);
        (self.target, self.tail) = (None, None);
    }
}

/// What all runs of a mapping have come to, backfills too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    pub runs: u64,
    pub failures: u64,
    /// Read and published.
    pub rows: u64,
    /// When an incremental run last ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<DateTime<Utc>>,
}

impl Totals {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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
    /// Its rows travel within it: there is no staging table without which it could do nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inline: bool,
    /// What tells it from another publish that may go by the same id. `None`: its id was its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// What its end moves.
    #[serde(default, skip_serializing_if = "Moves::is_watermark")]
    pub moves: Moves,
    /// What that was when it was sent; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What it will be once the job is known to be done.
    pub high: String,
    pub rows: u64,
}

/// What a confirmed publish moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moves {
    #[default]
    Watermark,
    /// The checkpoint of the mapping's backfill; never the watermark.
    Backfill,
    /// What is remembered of the table as a whole.
    Replace,
    /// What is remembered of some parts of it.
    Mirror,
    /// None of these: it deletes rows that the source no longer has, or brings rows from below the watermark.
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
    /// The operator's next step after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How far it ended behind MySQL's newest row, as far as that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<u64>,
}

impl LastRun {
    /// Of a run that has ended; the same whoever keeps it.
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
