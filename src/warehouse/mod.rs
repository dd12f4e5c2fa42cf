//! The port to the warehouse that rows go to.

pub mod bigquery;
mod billing;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};

pub use self::billing::Billing;
use crate::domain::check::access::Identity;
use crate::domain::column::TargetSchema;
use crate::domain::cost::Cost;
use crate::domain::cursor::Cursor;
use crate::domain::fault::Fault;
use crate::domain::ids::{JobId, JobPlace, MappingName, TableId};
use crate::domain::plan::TablePlan;
use crate::domain::publish::PublishKind;
use crate::domain::retry::RetryNotes;
use crate::domain::schema::SchemaDiff;
use crate::domain::shard_change::Strays;
use crate::domain::table_shard::TableShard;
use crate::domain::verify::{Comparison, Parts, Question};
use crate::domain::window::Window;

/// Where rows go. Every job is named by the caller, so that asking again never does it twice.
pub trait Warehouse: Send + Sync + Sized + 'static {
    type Upload: Upload;

    /// Creates the dataset when it is missing; true when it did.
    ///
    /// # Errors
    /// `Auth` when it may not, `Conflict` when the dataset stands in another location.
    fn ensure_dataset(&self, table: &TableId) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// A table's columns; `None` when it does not exist.
    ///
    /// # Errors
    /// `Auth`, `Transient`.
    fn describe(&self, table: &TableId) -> impl Future<Output = Result<Option<TargetSchema>, Fault>> + Send;

    /// Rows of a table as it was described, or of one of its shards; counted, where what the description says may be an
    /// estimate.
    ///
    /// # Errors
    /// As `describe`.
    fn rows_held(
        &self,
        table: &TableId,
        described: &TargetSchema,
        shard: Option<&TableShard>,
    ) -> impl Future<Output = Result<Option<u64>, Fault>> + Send;

    /// The statements that carry a difference out: creates the table, or adds, widens and relaxes columns. Pure.
    fn ddl(&self, table: &TableId, plan: &TablePlan, diff: &SchemaDiff) -> Vec<String>;

    /// Runs DDL statements in order.
    ///
    /// # Errors
    /// `Schema` with BigQuery's own words when one is refused.
    fn apply(&self, statements: &[String]) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Begins an upload into a staging table of its own that expires by itself.
    ///
    /// # Errors
    /// As `describe`.
    fn stage(&self, order: StageOrder) -> impl Future<Output = Result<Self::Upload, Fault>> + Send;

    /// Sends the publish job and waits for its end. A job id that BigQuery already knows is adopted, not run again, where
    /// its mark says that it is this publish.
    ///
    /// # Errors
    /// The job's own error whole, classified.
    fn publish(&self, order: &PublishOrder) -> impl Future<Output = Result<Sent, Fault>> + Send;

    /// What became of a publish job that may have been sent; waits for one that still runs. A job of another mark is not it.
    ///
    /// # Errors
    /// `Auth`, `Transient`: its fate is not known yet.
    fn fate(
        &self,
        job: &JobId,
        place: &JobPlace,
        mark: Option<&str>,
    ) -> impl Future<Output = Result<JobFate, Fault>> + Send;

    /// Takes the id of a job that is not there, so that it can never arrive; its fate, where it has arrived by now.
    ///
    /// # Errors
    /// As `fate`.
    fn forestall(
        &self,
        job: &JobId,
        place: &JobPlace,
        mark: Option<&str>,
    ) -> impl Future<Output = Result<JobFate, Fault>> + Send;

    /// Drops a staging table; one that is gone already is fine.
    ///
    /// # Errors
    /// `Auth`, `Transient`.
    fn drop_staging(&self, table: &TableId) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The staging tables beside a table that this program made and nobody has dropped yet, by name and label.
    ///
    /// # Errors
    /// `Auth`, `Transient`.
    fn leftovers(&self, beside: &TableId) -> impl Future<Output = Result<Vec<TableId>, Fault>> + Send;

    /// The same warehouse, whose repeated calls are told to `notes`.
    #[must_use]
    fn watched(&self, notes: RetryNotes) -> Self;

    /// The same warehouse, whose jobs are billed so.
    #[must_use]
    fn billed(&self, billing: Billing) -> Self;
}

/// What a check asks of BigQuery, beside what runs do.
pub trait Diagnose: Send + Sync + 'static {
    /// Finds the credentials, and who they say we are.
    ///
    /// # Errors
    /// `Auth`, naming what was tried.
    fn identify(&self) -> impl Future<Output = Result<Identity, Fault>> + Send;

    /// Runs a job that reads nothing and changes nothing.
    ///
    /// # Errors
    /// `Auth` when the account may run none, `Transient`.
    fn try_job(&self) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Writes, reads and removes the object of a staging table that does not exist; gives the folder of such objects, or
    /// `None` where staged files go through no bucket.
    ///
    /// # Errors
    /// `Auth`, `Config` naming the bucket's key, `Transient`.
    fn try_bucket(&self, staging: &TableId) -> impl Future<Output = Result<Option<String>, Fault>> + Send;

    /// Is the dataset there?
    ///
    /// # Errors
    /// As `ensure_dataset`.
    fn has_dataset(&self, table: &TableId) -> impl Future<Output = Result<bool, Fault>> + Send;
}

/// What is asked before something is done: how much there is, and what it would cost.
pub trait Estimates: Send + Sync + 'static {
    /// Bytes that one publish of a window (`None`: of a whole table) would read of the target; an upper bound, and free to ask. The rows themselves,
    /// which are not there yet, come on top.
    ///
    /// # Errors
    /// As `describe`.
    fn publish_bytes(
        &self,
        target: &TableId,
        plan: &TablePlan,
        kind: PublishKind,
        window: Option<Window>,
    ) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// Rows of the target within a window of the incremental column.
    ///
    /// # Errors
    /// As `describe`.
    fn count(
        &self,
        target: &TableId,
        plan: &TablePlan,
        window: Window,
    ) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// Rows of the target beyond a value of the incremental column.
    ///
    /// # Errors
    /// As `describe`.
    fn count_beyond(
        &self,
        target: &TableId,
        plan: &TablePlan,
        mark: Cursor,
    ) -> impl Future<Output = Result<Counted, Fault>> + Send;

    /// Rows of a target that came as another shard's than the mapping is now.
    ///
    /// # Errors
    /// As `describe`.
    fn count_strays(
        &self,
        target: &TableId,
        described: &TargetSchema,
        strays: &Strays,
    ) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// Bytes that answering a comparison's question would read; an upper bound, and free to ask.
    ///
    /// # Errors
    /// As `describe`.
    fn question_bytes(
        &self,
        comparison: &Comparison,
        question: &Question,
    ) -> impl Future<Output = Result<u64, Fault>> + Send;
}

/// Finds and removes rows that the source no longer has.
pub trait Deletes: Send + Sync + 'static {
    /// Counts what a deletion would be done to.
    ///
    /// # Errors
    /// As `describe`.
    fn count_vanished(&self, vanished: &Vanished) -> impl Future<Output = Result<VanishedCounts, Fault>> + Send;

    /// Sends the deletion and waits for its end. A job id that BigQuery already knows is adopted, not run again.
    ///
    /// # Errors
    /// As `publish`.
    fn delete(&self, order: &DeleteOrder) -> impl Future<Output = Result<PublishCounts, Fault>> + Send;
}

/// An upload under way. Dropping it abandons the upload: nothing was loaded.
pub trait Upload: Send {
    /// Hands over rows; waits while the network is behind.
    ///
    /// # Errors
    /// What the encoder or the upload met.
    fn write(&mut self, rows: RecordBatch) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Bytes of Parquet that the server has so far.
    fn bytes_sent(&self) -> u64;

    /// Ends the file and waits for the load job.
    ///
    /// # Errors
    /// The load job's own error whole, classified.
    fn finish(self) -> impl Future<Output = Result<Staged, Fault>> + Send;
}

/// What to stage.
#[derive(Debug, Clone)]
pub struct StageOrder {
    pub mapping: MappingName,
    pub plan: Arc<TablePlan>,
    /// The staging table; unique, in the target's dataset.
    pub staging: TableId,
    pub job: JobId,
    /// So many rows or fewer may travel within their publish instead: then no staging table is made.
    pub inline_rows: u64,
}

/// Rows that travel within their publish. They are shown by none of our texts.
#[derive(Clone, PartialEq)]
pub struct Inline(pub Arc<[RecordBatch]>);

impl fmt::Debug for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").field("batches", &self.0.len()).finish_non_exhaustive()
    }
}

/// Smallest and greatest value of a column, as SQL literals.
pub type Range = (String, String);

/// Rows that are ready to be published. Staged is not published.
#[derive(Debug, Clone, PartialEq)]
pub struct Staged {
    /// The staging table that holds them; only its name, where `inline` does.
    pub table: TableId,
    pub inline: Option<Inline>,
    pub rows: u64,
    /// Bytes of Parquet; of rows that travel inline, of their values.
    pub bytes: u64,
    /// Of each key, where its type lets a table be pruned by it.
    pub key_ranges: Vec<Option<Range>>,
    /// Of the incremental column.
    pub cursor_range: Option<Range>,
}

/// What to publish.
#[derive(Debug, Clone)]
pub struct PublishOrder {
    pub mapping: MappingName,
    pub job: JobId,
    /// What tells it from another publish under the same job id: a label's value.
    pub mark: String,
    pub kind: PublishKind,
    pub target: TableId,
    pub plan: Arc<TablePlan>,
    pub staged: Staged,
    /// Of a mirror alone.
    pub within: Option<Within>,
}

/// Parts of a table whose rows are staged whole.
#[derive(Debug, Clone)]
pub struct Within {
    /// Says how a row's part is found.
    pub comparison: Arc<Comparison>,
    pub parts: Parts,
    /// Rows of them that are not staged are removed, or marked where the plan has a column for that.
    pub deletes: bool,
}

/// Rows of the target whose keys the source no longer has.
#[derive(Debug, Clone)]
pub struct Vanished {
    pub target: TableId,
    /// Of the target's rows.
    pub plan: Arc<TablePlan>,
    /// Of the staged keys ([`TablePlan::keys_only`]).
    pub keys: Arc<TablePlan>,
    /// Holds every key of the source.
    pub staged: TableId,
    /// Rows whose incremental column reaches this value are too young: the source may not show them yet.
    pub before: Option<Cursor>,
    /// Only rows of these parts are asked for; of these alone the staged keys are.
    pub within: Option<Within>,
}

/// Rows, and what counting them cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub rows: u64,
    pub cost: Cost,
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VanishedCounts {
    /// Rows that are not marked as deleted.
    pub held: u64,
    /// Of these, the ones that the source no longer has.
    pub vanished: u64,
    /// Of the counting.
    pub cost: Cost,
}

/// What to delete.
#[derive(Debug, Clone)]
pub struct DeleteOrder {
    pub mapping: MappingName,
    pub job: JobId,
    pub vanished: Vanished,
    /// The column to mark them in; `None`: they are removed.
    pub mark: Option<String>,
}

/// What a publish did, by BigQuery's own count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PublishCounts {
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    pub cost: Cost,
    /// When BigQuery took the job, in milliseconds since 1970: the target was as it had been before.
    pub began: Option<u64>,
    /// When the job ended, in milliseconds since 1970.
    pub ended: Option<u64>,
}

impl PublishCounts {
    #[must_use]
    pub fn began_at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(i64::try_from(self.began?).ok()?)
    }
}

/// What came of sending a publish.
#[derive(Debug)]
pub enum Sent {
    Done(PublishCounts),
    /// Another publish has its id: nothing was sent.
    Taken(Taken),
}

/// A publish under an id that another one asked for. It has ended.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// It added, replaced or removed rows.
    pub changed: bool,
    /// When, in milliseconds since 1970.
    pub ended: Option<u64>,
}

/// What became of a job.
#[derive(Debug)]
pub enum JobFate {
    Done(PublishCounts),
    /// It ended with this error and changed nothing.
    Failed(Fault),
    /// BigQuery has never seen it.
    Unknown,
}
