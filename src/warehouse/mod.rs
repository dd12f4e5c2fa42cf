//! The port to the warehouse: where rows are published.

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

/// Where rows are published. The caller names every job, so a repeated request never runs it twice.
pub trait Warehouse: Send + Sync + Sized + 'static {
    type Upload: Upload;

    /// Creates the dataset when it is missing; true when it did.
    ///
    /// # Errors
    /// `Auth` when the account may not create it, `Conflict` when the dataset exists in another location.
    fn ensure_dataset(&self, table: &TableId) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// A table's columns; `None` when it does not exist.
    ///
    /// # Errors
    /// `Auth`, `Transient`.
    fn describe(&self, table: &TableId) -> impl Future<Output = Result<Option<TargetSchema>, Fault>> + Send;

    /// The number of rows of a described table, or of one of its shards. Rows are counted by a query where the
    /// description's number may be an estimate.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn rows_held(
        &self,
        table: &TableId,
        described: &TargetSchema,
        shard: Option<&TableShard>,
    ) -> impl Future<Output = Result<Option<u64>, Fault>> + Send;

    /// The statements that resolve a schema difference: they create the table, or add, widen and relax columns. Pure.
    fn ddl(&self, table: &TableId, plan: &TablePlan, diff: &SchemaDiff) -> Vec<String>;

    /// Runs DDL statements in order.
    ///
    /// # Errors
    /// `Schema` with BigQuery's own words when one is refused.
    fn apply(&self, statements: &[String]) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Begins an upload into its own staging table, which expires by itself.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn stage(&self, order: StageOrder) -> impl Future<Output = Result<Self::Upload, Fault>> + Send;

    /// Sends the publish job and waits for its end. A job id that BigQuery already knows is adopted, not run again, if
    /// the job's mark says that it is this publish.
    ///
    /// # Errors
    /// The whole error of the job, classified.
    fn publish(&self, order: &PublishOrder) -> impl Future<Output = Result<Sent, Fault>> + Send;

    /// Finds out how a publish job ended that may have been sent; waits for it while it runs. A job with another mark
    /// is another publish's.
    ///
    /// # Errors
    /// `Auth`, `Transient`: the job's fate is still unknown.
    fn fate(
        &self,
        job: &JobId,
        place: &JobPlace,
        mark: Option<&str>,
    ) -> impl Future<Output = Result<JobFate, Fault>> + Send;

    /// Takes the id of a job that BigQuery does not have, so that the job can never arrive. If it has arrived by now,
    /// gives its fate.
    ///
    /// # Errors
    /// The errors of `fate`.
    fn forestall(
        &self,
        job: &JobId,
        place: &JobPlace,
        mark: Option<&str>,
    ) -> impl Future<Output = Result<JobFate, Fault>> + Send;

    /// Drops a staging table; succeeds if the table is already gone.
    ///
    /// # Errors
    /// `Auth`, `Transient`.
    fn drop_staging(&self, table: &TableId) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The staging tables of this program that are still beside a table, recognised by name and label.
    ///
    /// # Errors
    /// `Auth`, `Transient`.
    fn leftovers(&self, beside: &TableId) -> impl Future<Output = Result<Vec<TableId>, Fault>> + Send;

    /// The same warehouse; it reports repeated calls to `notes`.
    #[must_use]
    fn watched(&self, notes: RetryNotes) -> Self;

    /// The same warehouse; its jobs carry `billing`.
    #[must_use]
    fn billed(&self, billing: Billing) -> Self;
}

/// What `check` asks of BigQuery beyond what runs ask.
pub trait Diagnose: Send + Sync + 'static {
    /// Finds the credentials and the account that they belong to.
    ///
    /// # Errors
    /// `Auth`, naming the credentials that were tried.
    fn identify(&self) -> impl Future<Output = Result<Identity, Fault>> + Send;

    /// Runs a job that reads nothing and changes nothing.
    ///
    /// # Errors
    /// `Auth` when the account may not run jobs, `Transient`.
    fn try_job(&self) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Writes, reads and removes the object of a staging table that does not exist. Gives the folder of such objects,
    /// or `None` where staged files go through no bucket.
    ///
    /// # Errors
    /// `Auth`, `Config` naming the bucket's key, `Transient`.
    fn try_bucket(&self, staging: &TableId) -> impl Future<Output = Result<Option<String>, Fault>> + Send;

    /// Tells if the dataset exists.
    ///
    /// # Errors
    /// The errors of `ensure_dataset`.
    fn has_dataset(&self, table: &TableId) -> impl Future<Output = Result<bool, Fault>> + Send;
}

/// Estimates before work begins: how many rows there are, and what the work would cost.
pub trait Estimates: Send + Sync + 'static {
    /// Bytes that one publish of a window (`None`: of a whole table) would read of the target: an upper bound, free to
    /// ask. The bytes of the rows themselves, which are not staged yet, come on top.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn publish_bytes(
        &self,
        target: &TableId,
        plan: &TablePlan,
        kind: PublishKind,
        window: Option<Window>,
    ) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// The number of target rows within a window of the incremental column.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn count(
        &self,
        target: &TableId,
        plan: &TablePlan,
        window: Window,
    ) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// The number of target rows beyond a value of the incremental column.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn count_beyond(
        &self,
        target: &TableId,
        plan: &TablePlan,
        mark: Cursor,
    ) -> impl Future<Output = Result<Counted, Fault>> + Send;

    /// The number of target rows that came as another shard than the mapping's present one.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn count_strays(
        &self,
        target: &TableId,
        described: &TargetSchema,
        strays: &Strays,
    ) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// Bytes that the answer to a comparison's question would read: an upper bound, free to ask.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn question_bytes(
        &self,
        comparison: &Comparison,
        question: &Question,
    ) -> impl Future<Output = Result<u64, Fault>> + Send;
}

/// Finds and removes rows that the source no longer has.
pub trait Deletes: Send + Sync + 'static {
    /// Counts the rows that a deletion would affect.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn count_vanished(&self, vanished: &Vanished) -> impl Future<Output = Result<VanishedCounts, Fault>> + Send;

    /// Sends the deletion and waits for its end. A job id that BigQuery already knows is adopted, not run again.
    ///
    /// # Errors
    /// The errors of `publish`.
    fn delete(&self, order: &DeleteOrder) -> impl Future<Output = Result<PublishCounts, Fault>> + Send;
}

/// An upload under way. Dropping it abandons the upload; nothing is loaded then.
pub trait Upload: Send {
    /// Hands over rows; waits while the network is behind.
    ///
    /// # Errors
    /// The encoder's or the upload's error.
    fn write(&mut self, rows: RecordBatch) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Bytes of Parquet that the server has so far.
    fn bytes_sent(&self) -> u64;

    /// Ends the file and waits for the load job.
    ///
    /// # Errors
    /// The whole error of the load job, classified.
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
    /// Up to this many rows may travel within their publish; then no staging table is made.
    pub inline_rows: u64,
}

/// Rows that travel within their publish. No log, report or message shows them.
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
    /// The staging table that holds the rows; if `inline` holds them, only its name.
    pub table: TableId,
    pub inline: Option<Inline>,
    pub rows: u64,
    /// Bytes of Parquet; for rows that travel inline, bytes of their values.
    pub bytes: u64,
    /// Smallest and greatest staged value of each key; `None` where a value is NULL or BigQuery cannot prune by the
    /// key's type.
    pub key_ranges: Vec<Option<Range>>,
    /// Smallest and greatest staged value of the incremental column.
    pub cursor_range: Option<Range>,
}

/// What to publish.
#[derive(Debug, Clone)]
pub struct PublishOrder {
    pub mapping: MappingName,
    pub job: JobId,
    /// The value of the label that tells this publish from another one under the same job id.
    pub mark: String,
    pub kind: PublishKind,
    pub target: TableId,
    pub plan: Arc<TablePlan>,
    pub staged: Staged,
    /// The parts to mirror; `None` for every kind but `Mirror`.
    pub within: Option<Within>,
}

/// Parts of a table whose rows are staged whole.
#[derive(Debug, Clone)]
pub struct Within {
    /// Says which part a row belongs to.
    pub comparison: Arc<Comparison>,
    pub parts: Parts,
    /// Rows of the target in these parts that are not staged are removed, or marked where the plan has a column for
    /// that.
    pub deletes: bool,
}

/// Rows of the target whose keys the source no longer has.
#[derive(Debug, Clone)]
pub struct Vanished {
    pub target: TableId,
    /// The plan of the target's rows.
    pub plan: Arc<TablePlan>,
    /// The plan of the staged keys ([`TablePlan::keys_only`]).
    pub keys: Arc<TablePlan>,
    /// The staging table that holds every key of the source.
    pub staged: TableId,
    /// Rows whose incremental column reaches this value are too young to judge: the source may not show them yet.
    pub before: Option<Cursor>,
    /// Only rows of these parts are compared; only keys of these parts are staged.
    pub within: Option<Within>,
}

/// A number of rows, and what counting them cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub rows: u64,
    pub cost: Cost,
}

/// How many rows the target holds, and how many the source no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VanishedCounts {
    /// Rows that are not marked as deleted.
    pub held: u64,
    /// Those of `held` that the source no longer has.
    pub vanished: u64,
    /// What the counting cost.
    pub cost: Cost,
}

/// What to delete.
#[derive(Debug, Clone)]
pub struct DeleteOrder {
    pub mapping: MappingName,
    pub job: JobId,
    pub vanished: Vanished,
    /// The column that marks deleted rows; `None`: the rows are removed.
    pub mark: Option<String>,
}

/// What a publish did, by BigQuery's own count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PublishCounts {
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    pub cost: Cost,
    /// When BigQuery took the job, in milliseconds since 1970; until then the target was unchanged.
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

/// The result of sending a publish.
#[derive(Debug)]
pub enum Sent {
    Done(PublishCounts),
    /// Another publish has this job id; nothing was sent.
    Taken(Taken),
}

/// A publish that another order sent under the same job id. It has ended.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// It added, replaced or removed rows.
    pub changed: bool,
    /// When it ended, in milliseconds since 1970.
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
