//! The port to the database that rows are read from.

pub mod mysql;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::domain::check::server::ServerFacts;
use crate::domain::column::{Cascade, SourceSchema};
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::estate::{EstateAsk, Found};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::fence::Writers;
use crate::domain::ids::{SourceName, SourceTable};
use crate::domain::plan::TablePlan;
use crate::domain::report::Flaw;
use crate::domain::retry::RetryNotes;
use crate::domain::verify::{ByParts, Comparison, Cut, PartSum, Wanted};
use crate::domain::window::{Low, Window};

/// The database that rows are read from. Every call opens, uses and closes its own connections, so a caller may drop
/// any future.
pub trait Source: Send + Sync + Sized + 'static {
    /// Columns, keys and indexes of a table or view.
    ///
    /// # Errors
    /// `Schema` when the table does not exist, `Auth` when it may not be read, `Transient` when the server does not
    /// answer.
    fn describe(&self, table: &SourceTable) -> impl Future<Output = Result<SourceSchema, Fault>> + Send;

    /// The same source, which has looked at these tables together, in a few statements for all of them, and describes
    /// each as it was then. A table that could not be described together is described when it is asked for, with that
    /// table's own error.
    fn having_described(&self, tables: &[SourceTable]) -> impl Future<Output = Self> + Send;

    /// The table as that look described it; `None` if it could not be described together.
    fn at_hand(&self, table: &SourceTable) -> Option<&SourceSchema>;

    /// What `bounds` says about the newest values of many tables' columns, each with an index, in a few statements for
    /// all of them. `None` for a table that must be asked for by itself. The beginning of a window does not matter.
    fn newest(&self, asks: &[BoundsAsk]) -> impl Future<Output = Vec<Option<Newest>>> + Send;

    /// Where a window that begins at `ask.low` may end.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn bounds(&self, ask: &BoundsAsk) -> impl Future<Output = Result<Bounds, Fault>> + Send;

    /// The transactions and statements at a server that may still write values from before now into `table`; `None`:
    /// into any table, as for a view, whose tables are unknown. Calls at the same time share one look at the server.
    ///
    /// # Errors
    /// The errors of `describe`. For an account that may not see them the sight is
    /// [`Sight::Nothing`](crate::domain::fence::Sight::Nothing).
    fn writers(
        &self,
        server: Option<&SourceName>,
        table: Option<&SourceTable>,
    ) -> impl Future<Output = Result<Writers, Fault>> + Send;

    /// Rows and their sums in stretches below a watermark; one vector for each stretch.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn tail_sums(&self, ask: &TailAsk) -> impl Future<Output = Result<Vec<Vec<TailSum>>, Fault>> + Send;

    /// Rows of a table and the sums of their whole content, by part of the key; with `compared` also the sums that
    /// BigQuery is asked for, of the same rows. It is one statement, so a part is summed up at one moment.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn content_sums(
        &self,
        comparison: &Comparison,
        cut: &Cut,
        compared: bool,
    ) -> impl Future<Output = Result<Vec<ContentSum>, Fault>> + Send;

    /// Tells if this process's connections have recently reached more than one server where there should be one.
    fn is_balanced(&self, server: Option<&SourceName>) -> bool;

    /// Where the first `rows` rows of a window end, including rows that share the last value; `None` if the window
    /// holds no more.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn step_end(&self, ask: &StretchAsk, rows: u64) -> impl Future<Output = Result<Option<Cursor>, Fault>> + Send;

    /// How many rows a window holds, by the server's statistics.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn estimate(&self, ask: &StretchAsk) -> impl Future<Output = Result<Estimate, Fault>> + Send;

    /// The same source; it reports retries to `notes`.
    #[must_use]
    fn watched(&self, notes: RetryNotes) -> Self;

    /// Reads a window in the background; rows arrive through the returned [`Extract`] as fast as the caller takes them.
    fn read(&self, extraction: Extraction) -> Extract;
}

/// What `check` asks of the server beyond what runs ask.
pub trait Diagnose: Send + Sync + 'static {
    /// The servers of this source; `None` is the one without a name.
    fn servers(&self) -> Vec<Option<SourceName>>;

    /// The same source, which knows which of the tables that it described together have no foreign keys at all.
    fn having_cascades(&self) -> impl Future<Output = Self> + Send;

    /// Foreign keys by which the table's rows change without their incremental column; empty if the account may not
    /// know them.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn cascades(&self, table: &SourceTable) -> impl Future<Output = Result<Vec<Cascade>, Fault>> + Send;

    /// How many rows a whole table holds, by the server's statistics; none of them is read.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn size(&self, table: &SourceTable) -> impl Future<Output = Result<Estimate, Fault>> + Send;

    /// What the server plans for reading the rows that match the table's filter; none of them is read.
    ///
    /// # Errors
    /// The server's own message if the filter is not a valid condition on the table's rows; otherwise the errors of
    /// `describe`.
    fn try_filter(&self, table: &SourceTable) -> impl Future<Output = Result<Filtered, Fault>> + Send;

    /// The tables of whole databases, in a few statements for all of them.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn estate(&self, server: Option<&SourceName>, ask: &EstateAsk)
    -> impl Future<Output = Result<Found, Fault>> + Send;

    /// What a server says about itself, the account and the connection.
    ///
    /// # Errors
    /// The errors of `describe`.
    fn survey(&self, server: Option<&SourceName>) -> impl Future<Output = Result<ServerFacts, Fault>> + Send;
}

/// A question about a table's incremental column.
#[derive(Debug, Clone)]
pub struct BoundsAsk {
    pub table: SourceTable,
    /// Name of the incremental column.
    pub column: String,
    pub nullable: bool,
    /// No two rows share a value.
    pub is_unique: bool,
    /// Also ask for the number of rows; without an index that begins with the column it is unknown.
    pub wants_rows: bool,
    pub kind: CursorKind,
    /// The zone in which DATETIME values are written.
    pub timezone: Tz,
    pub low: Low,
    /// Instants from here on (UTC) are held back, in addition to those of the running tick; in an integer column
    /// nothing is.
    pub before: Option<NaiveDateTime>,
    /// Rows younger than this are also held back.
    pub settle: Duration,
}

/// A window of a table's incremental column.
#[derive(Debug, Clone)]
pub struct StretchAsk {
    pub table: SourceTable,
    /// Name of the incremental column.
    pub column: String,
    pub kind: CursorKind,
    pub window: Window,
}

/// The size of a window or table; `None` where the server has no statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    pub rows: Option<u64>,
    /// Average bytes of a row in the table.
    pub row_bytes: Option<u64>,
}

/// The server's plan for reading the rows that match a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filtered {
    /// Rows that the server would look at; `None` where it does not say.
    pub rows: Option<u64>,
    /// No row can match.
    pub is_impossible: bool,
}

/// Stretches of a table's incremental column to sum up.
#[derive(Debug, Clone)]
pub struct TailAsk {
    pub table: SourceTable,
    /// Name of the incremental column.
    pub column: String,
    /// Columns that tell rows apart; may be empty.
    pub keys: Vec<String>,
    pub stretches: Vec<TailStretch>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailStretch {
    /// Values above this one, up to `high`.
    pub above: Cursor,
    pub high: Cursor,
    /// One sum for each hour; otherwise one for the whole stretch.
    pub by_hour: bool,
    /// The column's present clock. Rows that are just now by another zone's clock are left out, because more rows may
    /// share their values.
    pub unless_now: Option<Cursor>,
}

/// The number of rows in a stretch, or in an hour of it, and the sum of their hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailSum {
    /// `2026-11-23 07`; empty for the whole stretch.
    pub hour: String,
    pub rows: u64,
    /// The sum of the hashes: a whole number of any size, as text.
    pub sum: String,
}

/// A part of a table as its server sums it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentSum {
    /// The sum of the rows' whole content.
    pub content: PartSum,
    /// The sum of what both servers write alike, if it was asked for.
    pub compared: Option<PartSum>,
}

/// When a server's clock was read, by this machine's timer: it showed its time at some moment between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    pub asked: Instant,
    pub answered: Instant,
}

/// The server's answer about the end of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The greatest value that no further row can join: for a moment, below the server's current tick. `None`: the
    /// window holds nothing.
    pub high: Option<Cursor>,
    /// Rows from `low` to `high` by the server's plan; `None` where it has none.
    pub rows: Option<u64>,
    /// The greatest value in the table, for the lag; it may lie beyond `high`.
    pub newest: Option<Cursor>,
    /// The server's clock (UTC), read before the table.
    pub now: NaiveDateTime,
    pub looked: Looked,
    /// The server's clock as a value of the column; `None` for integers.
    pub tick: Option<Cursor>,
    /// The first value that is held back: the running tick, or an earlier value if the question says so. In a column of
    /// whole numbers it exists only if rows may share values and the values are times of day.
    pub limit: Option<Cursor>,
    /// The number that the server gives the next row, if the column is AUTO_INCREMENT and no row lies beyond the
    /// window's beginning.
    pub next_number: Option<u64>,
    /// There are rows whose incremental column is NULL; no window ever holds them.
    pub has_nulls: bool,
}

/// The server's answer about an incremental column's values, wherever a window begins; fields as in [`Bounds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    pub newest: Option<Cursor>,
    pub has_nulls: bool,
    pub tick: Option<Cursor>,
    pub limit: Option<Cursor>,
}

impl From<Bounds> for Newest {
    fn from(bounds: Bounds) -> Self {
        let Bounds { newest, has_nulls, tick, limit, .. } = bounds;
        Self { newest, has_nulls, tick, limit }
    }
}

/// A window to read.
#[derive(Debug, Clone)]
pub struct Extraction {
    pub table: SourceTable,
    pub plan: Arc<TablePlan>,
    /// `None`: every row, whatever its incremental column holds.
    pub window: Option<Window>,
    pub limits: BatchLimits,
    /// Only the rows with these keys; for text there may be a few more, which its collation holds equal. `None`: all
    /// rows of the window.
    pub only: Option<Wanted>,
    /// Read the rows in one statement, with the sums of their content.
    pub by_parts: Option<ByParts>,
    /// The window is a step of a larger one: reading it in the key's order would walk over all rows of the other steps.
    pub is_step: bool,
    /// Connections that may read the window side by side, each a part of it; at least 1.
    pub readers: usize,
    pub cancel: CancellationToken,
}

/// The limits of one batch and one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Rows of a `RecordBatch`.
    pub rows: usize,
    /// Bytes of a `RecordBatch`'s values; one row may exceed it.
    pub bytes: usize,
    /// Rows of one keyset query.
    pub page_rows: usize,
}

impl Default for BatchLimits {
    /// 16,384 rows measured fastest (1,024: 18 % slower; 65,536: 3 % slower and more memory). 2 MiB bounds the memory
    /// for wide rows: each reader builds a batch and may wait with another one, and up to six more wait or are encoded.
    /// (With two readers 4 MiB held 155 MB in a whole upsert.) Pages from 10,000 rows on cost little; 131,072 is noise.
    fn default() -> Self {
        Self { rows: 16_384, bytes: 2 << 20, page_rows: 131_072 }
    }
}

/// One reader for each processor, because decoding is work; more than four load the server more than they help.
#[must_use]
pub fn readers_by_processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// A batch of rows from a reader.
#[derive(Debug)]
pub struct RowBatch {
    /// The rows, with the schema of `domain::staging::arrow_schema`.
    pub rows: RecordBatch,
    /// Bytes of the rows' values.
    pub bytes: usize,
    /// Values that became NULL: position in the plan, the flaw, and how many.
    pub flaws: Vec<(usize, Flaw, u64)>,
    /// For rows that are read by parts, the sums of their content.
    pub sums: Vec<PartSum>,
}

/// A message of a reader; stopped is not finished.
#[derive(Debug)]
pub enum Step {
    Batch(RowBatch),
    /// Every row of the window has been handed over.
    End {
        /// No two rows have the same keys, as staged: the order of reading rules it out.
        each_key_once: bool,
    },
    /// The cancel token fired; some rows are missing.
    Stopped,
}

/// The receiving end of a reader. Dropping it ends the reader.
#[derive(Debug)]
pub struct Extract {
    steps: mpsc::Receiver<Result<Step, Fault>>,
}

impl Extract {
    #[must_use]
    pub const fn new(steps: mpsc::Receiver<Result<Step, Fault>>) -> Self {
        Self { steps }
    }

    /// An extract that gives this fault before it has read anything.
    #[must_use]
    pub fn failed(fault: Fault) -> Self {
        let (steps, received) = mpsc::channel(1);
        // The channel has room for one step.
        steps.try_send(Err(fault)).ok();
        Self::new(received)
    }

    /// The next step.
    ///
    /// # Errors
    /// The reader's fault; `Bug` when it ended without any.
    pub async fn next(&mut self) -> Result<Step, Fault> {
        self.steps
            .recv()
            .await
            .unwrap_or_else(|| Err(Fault::new(FaultKind::Bug, "The reader ended without saying that it was done")))
    }
}
