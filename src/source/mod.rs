//! The port to the database that rows come from.

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

/// Where rows come from. Every call opens, uses and closes connections of its own, so a caller may drop any future.
pub trait Source: Send + Sync + Sized + 'static {
    /// Columns, keys and indexes of a table or view.
    ///
    /// # Errors
    /// `Schema` when there is no such table, `Auth` when it may not be read, `Transient` when the server is away.
    fn describe(&self, table: &SourceTable) -> impl Future<Output = Result<SourceSchema, Fault>> + Send;

    /// The same source, which has looked at these tables together, in a few statements for all of them, and describes each
    /// as it was then. What could not be told so it describes when it is asked, with the error of that table.
    fn having_described(&self, tables: &[SourceTable]) -> impl Future<Output = Self> + Send;

    /// What that look has told of a table.
    fn at_hand(&self, table: &SourceTable) -> Option<&SourceSchema>;

    /// What `bounds` says of many tables' columns, each of them with an index, in a few statements for all of them. `None`
    /// where it could not be told so: that table has to be asked for by itself. From where on a window would begin does
    /// not matter.
    fn newest(&self, asks: &[BoundsAsk]) -> impl Future<Output = Vec<Option<Newest>>> + Send;

    /// Where a window that begins at `ask.low` may end.
    ///
    /// # Errors
    /// As `describe`.
    fn bounds(&self, ask: &BoundsAsk) -> impl Future<Output = Result<Bounds, Fault>> + Send;

    /// The transactions and statements at a server that may still write values from before now into `table`; `None`: into
    /// any, as through a view, which nothing says the tables of. Calls made at the same time share one look at the server.
    ///
    /// # Errors
    /// As `describe`; for an account that may not see them the sight is [`Sight::Nothing`](crate::domain::fence::Sight::Nothing).
    fn writers(
        &self,
        server: Option<&SourceName>,
        table: Option<&SourceTable>,
    ) -> impl Future<Output = Result<Writers, Fault>> + Send;

    /// Rows and their sums in stretches below a watermark, a vector for each.
    ///
    /// # Errors
    /// As `describe`.
    fn tail_sums(&self, ask: &TailAsk) -> impl Future<Output = Result<Vec<Vec<TailSum>>, Fault>> + Send;

    /// Rows of a table and the sums of all that they hold, by part of the key; with `compared` also the sums that BigQuery is
    /// asked for, of the same rows. One statement: a part is summed up at one moment.
    ///
    /// # Errors
    /// As `describe`.
    fn content_sums(
        &self,
        comparison: &Comparison,
        cut: &Cut,
        compared: bool,
    ) -> impl Future<Output = Result<Vec<ContentSum>, Fault>> + Send;

    /// Have this process's connections reached more than one server lately where this one should be?
    fn is_balanced(&self, server: Option<&SourceName>) -> bool;

    /// Where the first `rows` rows of a window end, rows sharing the last value included; `None` when it holds no more.
    ///
    /// # Errors
    /// As `describe`.
    fn step_end(&self, ask: &StretchAsk, rows: u64) -> impl Future<Output = Result<Option<Cursor>, Fault>> + Send;

    /// How much a window holds, by the server's statistics.
    ///
    /// # Errors
    /// As `describe`.
    fn estimate(&self, ask: &StretchAsk) -> impl Future<Output = Result<Estimate, Fault>> + Send;

    /// The same source, whose repeated calls are told to `notes`.
    #[must_use]
    fn watched(&self, notes: RetryNotes) -> Self;

    /// Reads a window in the background; rows arrive through the returned [`Extract`] as fast as it is emptied.
    fn read(&self, extraction: Extraction) -> Extract;
}

/// What a check asks of the server, beside what runs do.
pub trait Diagnose: Send + Sync + 'static {
    /// The servers that can be asked; `None` is the one without a name.
    fn servers(&self) -> Vec<Option<SourceName>>;

    /// The same source, which knows which of the tables that it has described together have no foreign keys at all.
    fn having_cascades(&self) -> impl Future<Output = Self> + Send;

    /// Foreign keys by which the table's rows change without their incremental column; none where the account may not know.
    ///
    /// # Errors
    /// As `describe`.
    fn cascades(&self, table: &SourceTable) -> impl Future<Output = Result<Vec<Cascade>, Fault>> + Send;

    /// How much a whole table holds, by the server's statistics: nothing of it is read.
    ///
    /// # Errors
    /// As `describe`.
    fn size(&self, table: &SourceTable) -> impl Future<Output = Result<Estimate, Fault>> + Send;

    /// What the server plans for the rows that a table's filter leaves; none of them is read.
    ///
    /// # Errors
    /// The server's own words where the filter is no condition on rows of the table; else as `describe`.
    fn try_filter(&self, table: &SourceTable) -> impl Future<Output = Result<Filtered, Fault>> + Send;

    /// The tables of whole databases, in a few statements for all of them.
    ///
    /// # Errors
    /// As `describe`.
    fn estate(&self, server: Option<&SourceName>, ask: &EstateAsk)
    -> impl Future<Output = Result<Found, Fault>> + Send;

    /// What a server says of itself, of the account and of the connection.
    ///
    /// # Errors
    /// As `describe`.
    fn survey(&self, server: Option<&SourceName>) -> impl Future<Output = Result<ServerFacts, Fault>> + Send;
}

/// Which table's incremental column is asked about.
#[derive(Debug, Clone)]
pub struct BoundsAsk {
    pub table: SourceTable,
    /// Name of the incremental column.
    pub column: String,
    pub nullable: bool,
    /// No two rows share a value.
    pub is_unique: bool,
    /// Ask how many rows there are, too; without an index that begins with the column nobody can say.
    pub wants_rows: bool,
    pub kind: CursorKind,
    /// Zone that DATETIME values are written in.
    pub timezone: Tz,
    pub low: Low,
    /// Instants from here on (UTC) are held back, beside those of the running tick; nothing of an integer column is.
    pub before: Option<NaiveDateTime>,
    /// Rows younger than this are held back too.
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

/// How much a window, or a table, holds; `None` where the server has no statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    pub rows: Option<u64>,
    /// Bytes of a row in the table, on average.
    pub row_bytes: Option<u64>,
}

/// What a server plans for the rows that a filter leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filtered {
    /// Rows that it would look at; `None` where it does not say.
    pub rows: Option<u64>,
    /// No row can match.
    pub is_impossible: bool,
}

/// Which stretches of a table's incremental column are summed up.
#[derive(Debug, Clone)]
pub struct TailAsk {
    pub table: SourceTable,
    /// Name of the incremental column.
    pub column: String,
    /// Columns that tell rows apart; may be none.
    pub keys: Vec<String>,
    pub stretches: Vec<TailStretch>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailStretch {
    /// Values above this one, up to `high`.
    pub above: Cursor,
    pub high: Cursor,
    /// A sum for each hour; else one for all.
    pub by_hour: bool,
    /// What the column's clock shows. Rows that another zone's clocks show as just now are left out: more may share
    /// their values.
    pub unless_now: Option<Cursor>,
}

/// How many rows a stretch, or an hour of it, holds, and the sum of their keys' and values' hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailSum {
    /// `2026-11-23 07`; empty for the whole stretch.
    pub hour: String,
    pub rows: u64,
    /// A whole number of any size.
    pub sum: String,
}

/// A part of a table, as its server sums it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentSum {
    /// Of all that its rows hold.
    pub content: PartSum,
    /// Of what both servers write alike, where that was asked for.
    pub compared: Option<PartSum>,
}

/// When a server's clock was looked at, by this machine's timer: it showed its time at some moment between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    pub asked: Instant,
    pub answered: Instant,
}

/// What the source says of a window's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The greatest value that no further row can join: below the server's current tick for a moment. `None`: nothing
    /// within the window.
    pub high: Option<Cursor>,
    /// Rows from `low` to `high` by the server's plan; `None` where it has none.
    pub rows: Option<u64>,
    /// The greatest value in the table, for the lag; may lie beyond `high`.
    pub newest: Option<Cursor>,
    /// The server's clock (UTC), looked at before the table was.
    pub now: NaiveDateTime,
    pub looked: Looked,
    /// What the server's clock shows as a value of the column; `None` for integers.
    pub tick: Option<Cursor>,
    /// The first value that is held back: that of the running tick, or an earlier one where so asked. Of a column of whole
    /// numbers: where rows may share them and they are the time of day.
    pub limit: Option<Cursor>,
    /// The number that the server gives the next row, where the column is AUTO_INCREMENT and nothing lies beyond the
    /// window's beginning.
    pub next_number: Option<u64>,
    /// Rows whose incremental column is NULL exist: no window ever holds them.
    pub has_nulls: bool,
}

/// What the source says of an incremental column's values, wherever a window begins; as [`Bounds`] has it.
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
    /// Of the window's rows those of these keys; text may bring a few more, which its collation holds equal. `None`: all.
    pub only: Option<Wanted>,
    /// Rows are read in one statement, and come with the sums of what they hold.
    pub by_parts: Option<ByParts>,
    /// The window is a step of a larger one: reading it in the key's order would walk over all of the others' rows.
    pub is_step: bool,
    /// Connections that may read it side by side, each a part of it; 1 or more.
    pub readers: usize,
    pub cancel: CancellationToken,
}

/// How much one batch and one page may hold.
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
    /// 16,384 rows measured fastest (1,024: 18 % slower; 65,536: 3 % slower and more memory). 2 MiB keeps wide rows in
    /// bounds: each reader builds a batch and may wait with another, and up to six more wait or are encoded. (With two
    /// readers 4 MiB held 155 MB in a whole upsert.) Pages from 10,000 rows cost little; 131,072 is noise.
    fn default() -> Self {
        Self { rows: 16_384, bytes: 2 << 20, page_rows: 131_072 }
    }
}

/// One reader for each processor, because decoding is work; more than four load the server more than they bring.
#[must_use]
pub fn readers_by_processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// Rows on their way.
#[derive(Debug)]
pub struct RowBatch {
    /// Columns as `domain::staging::arrow_schema` says.
    pub rows: RecordBatch,
    /// Bytes of its values.
    pub bytes: usize,
    /// Values that became NULL: position in the plan, why, how many.
    pub flaws: Vec<(usize, Flaw, u64)>,
    /// Of rows that are read by parts: the sums of what they hold.
    pub sums: Vec<PartSum>,
}

/// What a reader says; stopped is not finished.
#[derive(Debug)]
pub enum Step {
    Batch(RowBatch),
    /// Every row of the window has been handed over.
    End {
        /// No two of them share their keys, as staged: they were read in an order in which that cannot be.
        each_key_once: bool,
    },
    /// The cancel token fired; rows are missing.
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

    /// One that has met this before it has read anything.
    #[must_use]
    pub fn failed(fault: Fault) -> Self {
        let (steps, received) = mpsc::channel(1);
        // There is room for one.
        steps.try_send(Err(fault)).ok();
        Self::new(received)
    }

    /// The next step.
    ///
    /// # Errors
    /// What the reader met; `Bug` when it ended without a word.
    pub async fn next(&mut self) -> Result<Step, Fault> {
        self.steps
            .recv()
            .await
            .unwrap_or_else(|| Err(Fault::new(FaultKind::Bug, "The reader ended without saying that it was done")))
    }
}
