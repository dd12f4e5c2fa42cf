//! What single keys and entries of config.yaml say, once they are read, completed and checked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::column::same_name;
use crate::domain::ids::{MappingName, SourceTable, TableId};
use crate::domain::lookback::Lookback;
use crate::domain::mask::Mask;
use crate::domain::naming;
use crate::domain::new_columns::{Pattern, Treatment, treatment};
use crate::domain::schedule::Schedule;
use crate::domain::secret::Secret;
use crate::domain::table_options::{PartitionBy, TableOptions};
use crate::domain::table_shard::TableShard;
use crate::domain::target_type::TargetType;

/// How a mapping's work is cut up, and how long it waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Rows of one step of a large window; each step is published and remembered on its own.
    pub window_rows: u64,
    /// So many rows or fewer travel within their publish, without a staging table.
    pub inline_rows: u64,
    /// How long open transactions that may still bring older rows are waited for.
    pub fence_timeout: Duration,
    /// Rows younger than this wait for the next run. `None`: only where open transactions cannot be seen, and then
    /// [`Pace::UNSEEN_SETTLE`].
    pub settle: Option<Duration>,
    /// All of one mapping's work in a run, waits included.
    pub deadline: Duration,
}

impl Pace {
    /// Longer than most transactions of an application take.
    pub const UNSEEN_SETTLE: Duration = Duration::from_secs(10);
}

/// What to do about columns BigQuery lacks (`allow_schema_additions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaAdditions {
    /// Add and widen.
    Allow,
    /// Warn, and sync the columns that exist.
    Deny,
    /// Stop the mapping until an operator has decided.
    Review,
}

/// What to do about a table that appears after the entry that would take it was first expanded (`allow_table_additions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableAdditions {
    /// Take it.
    Allow,
    /// Leave it out, and say so.
    Deny,
    /// Let it wait until an operator has decided.
    Review,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateLocation {
    Local(PathBuf),
    Gcs {
        bucket: String,
        prefix: String,
        /// How long a holder that gives no sign of life keeps a mapping.
        lease: Duration,
    },
}

impl fmt::Display for StateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Gcs { bucket, prefix, .. } => write!(f, "gs://{bucket}/{prefix}"),
        }
    }
}

/// A command of the operator's own (`console.commands`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCommand {
    pub key: char,
    pub name: String,
    /// For `sh`, with variables for what it is about ([`shell::script`](crate::domain::shell::script)).
    pub script: String,
    /// Where its key stands.
    pub line: usize,
}

/// Who is told of a run's end (`notify`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// A secret: who knows it may write to the channel behind it.
    pub url: Secret,
    pub on: NotifyOn,
}

/// Which ends are told of; each of them includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotifyOn {
    Failure,
    /// A mapping waits for a schema decision.
    Waiting,
    Always,
}

/// One entry of `mappings`.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub name: MappingName,
    /// Where it stands in the file, for messages about it.
    pub line: usize,
    /// The entry with `tables` that it was made from, as written.
    pub pattern: Option<String>,
    /// Its table has appeared since that entry was first expanded, and waits for the operator's word.
    pub is_new_table: bool,
    pub source: SourceTable,
    pub target: TableId,
    /// The rows of the target that are this mapping's; `None`: all.
    pub shard: Option<TableShard>,
    /// Where the target's dataset is, and its jobs run.
    pub location: String,
    /// As configured; not empty for `upsert` and `mirror`.
    pub primary_keys: Vec<String>,
    /// `None` for a mode that moves no windows.
    pub incremental_column: Option<String>,
    pub mode: Mode,
    pub operator: Operator,
    /// As written; read once the column's type is known.
    pub backfill_start: Option<String>,
    /// Read so much below the watermark again on every run; upsert only.
    pub lookback: Option<Lookback>,
    /// Overrides, by source column.
    pub columns: BTreeMap<String, TargetType>,
    pub exclude: Vec<String>,
    /// By source column.
    pub mask: BTreeMap<String, Mask>,
    /// Of columns that nothing else names; the first pattern that matches counts.
    pub new_columns: Vec<Pattern>,
    /// Names in BigQuery, by source column.
    pub rename: BTreeMap<String, String>,
    /// The target's column that gets the moment of each row's publish.
    pub loaded_at: Option<String>,
    /// What a new table is partitioned by.
    pub partition_by: Option<PartitionBy>,
    /// What else a new table is made with.
    pub options: TableOptions,
    /// The columns (by source name) that a new table is clustered by, in this order; empty: the keys.
    pub cluster_by: Vec<String>,
    /// No statement in BigQuery may be billed for more bytes; its own, or that of all.
    pub maximum_bytes_billed: Option<u64>,
    pub empty_string_as_null: bool,
    pub invalid_values: InvalidValues,
    /// Its own, or that of all; `None`: it runs only when it is told to.
    pub schedule: Option<Schedule>,
    pub deletes: Deletes,
    /// The greatest share of the target's rows, 0 to 1, that may be deleted at once.
    pub most_deleted: f64,
    /// The share of the target's rows, 0 to 1, by which a replace may leave it smaller.
    pub most_shrunk: f64,
}

impl Mapping {
    /// The column (by source name) that a new table is partitioned on.
    #[must_use]
    pub fn partition_column(&self) -> Option<&str> {
        self.partition_by.as_ref()?.column.as_deref()
    }

    /// The name in BigQuery of a column of the source.
    #[must_use]
    pub fn target_column(&self, source: &str) -> String {
        let renamed = self.rename.iter().find(|(column, _)| same_name(column, source)).map(|(_, name)| name);
        naming::column_name(renamed.map_or(source, String::as_str))
    }

    /// What is done with a column's values; `None`: they arrive as they are. Patterns leave alone what the mapping names as
    /// a part of its rows.
    #[must_use]
    pub fn mask_of(&self, source: &str) -> Option<&Mask> {
        let named = self.mask.iter().find(|(column, _)| same_name(column, source)).map(|(_, mask)| mask);
        named.or_else(|| match self.pattern_of(source) {
            Some(Treatment::Mask(mask)) => Some(mask),
            Some(Treatment::Exclude | Treatment::Keep) | None => None,
        })
    }

    /// Does the column stay in MySQL?
    #[must_use]
    pub fn excludes(&self, source: &str) -> bool {
        self.exclude.iter().any(|column| same_name(column, source))
            || self.pattern_of(source) == Some(&Treatment::Exclude)
    }

    /// What `new_columns` says of a column that the mapping does not name elsewhere.
    fn pattern_of(&self, source: &str) -> Option<&Treatment> {
        let is_named = self.mask.keys().any(|column| same_name(column, source)) || self.places_rows_by(source);
        treatment(&self.new_columns, source).filter(|_| !is_named)
    }

    /// Are rows told apart, ordered or partitioned by the column?
    #[must_use]
    pub fn places_rows_by(&self, source: &str) -> bool {
        let named = self.primary_keys.iter().chain(&self.incremental_column).map(String::as_str);
        named.chain(self.partition_column()).any(|column| same_name(column, source))
    }

    /// The column that marks deleted rows.
    #[must_use]
    pub fn deleted_column(&self) -> Option<&str> {
        match &self.deletes {
            Deletes::Soft { column } => Some(column),
            Deletes::Ignore | Deletes::Hard => None,
        }
    }
}

/// Marks deleted rows where the mapping names no other.
pub const DELETED_COLUMN: &str = "_bqsync_deleted_at";

/// What is done about rows that the source no longer has, when `bqsync deletes` looks for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletes {
    Ignore,
    /// They are marked with the time in a column of ours.
    Soft {
        column: String,
    },
    Hard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Append,
    Upsert,
    /// The whole table is read anew and put in the place of what the target holds.
    Replace,
    /// Parts of the table whose checksum in MySQL has changed are brought over, rows that are gone included.
    Mirror,
}

impl Mode {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Upsert => "upsert",
            Self::Replace => "replace",
            Self::Mirror => "mirror",
        }
    }

    /// Are rows moved by windows of a cursor, up to a watermark? Of the others every run looks at the whole table.
    #[must_use]
    pub const fn has_windows(self) -> bool {
        match self {
            Self::Append | Self::Upsert => true,
            Self::Replace | Self::Mirror => false,
        }
    }
}

/// How a window begins: beyond the watermark, or with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Greater,
    GreaterOrEqual,
}

/// What becomes of values that the target type cannot hold: zero and impossible dates, a TINYINT of 2 into BOOL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidValues {
    /// They arrive as NULL, counted and reported.
    Null,
    /// They fail the mapping.
    Fail,
}
