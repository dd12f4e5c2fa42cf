//! The values of single keys and entries of config.yaml, once they are read, completed and checked.

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

/// How a mapping's work is divided, and how long it may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Rows in one step of a large window; each step is published and remembered on its own.
    pub window_rows: u64,
    /// Up to this many rows travel within their publish, without a staging table.
    pub inline_rows: u64,
    /// How long a run waits for open transactions that may still bring older rows.
    pub fence_timeout: Duration,
    /// Rows younger than this wait for the next run. `None`: only if open transactions cannot be seen, and then
    /// [`Pace::UNSEEN_SETTLE`].
    pub settle: Option<Duration>,
    /// The limit for all of one mapping's work in a run, waits included.
    pub deadline: Duration,
}

impl Pace {
    /// Longer than most transactions of an application.
    pub const UNSEEN_SETTLE: Duration = Duration::from_secs(10);
}

/// What to do about columns that BigQuery lacks (`allow_schema_additions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaAdditions {
    /// Add and widen them.
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
    /// Leave it out, and report it.
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
        /// How long a holder that sends no sign of life keeps a mapping.
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
    /// A script for `sh`, with variables for the object that it is run on
    /// ([`shell::script`](crate::domain::shell::script)).
    pub script: String,
    /// The line of its key.
    pub line: usize,
}

/// Who is notified of a run's end (`notify`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// The address. It is secret: anyone who knows it may write to the channel behind it.
    pub url: Secret,
    pub on: NotifyOn,
}

/// Which ends are notified; each kind includes those before it.
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
    /// The entry's line in the file, for messages.
    pub line: usize,
    /// The text of the entry with `tables` that this mapping comes from.
    pub pattern: Option<String>,
    /// The mapping's table appeared after that entry was first expanded, and waits for the operator's decision.
    pub is_new_table: bool,
    pub source: SourceTable,
    pub target: TableId,
    /// The rows of the target that belong to this mapping; `None`: all.
    pub shard: Option<TableShard>,
    /// The location of the target's dataset, where its jobs run.
    pub location: String,
    /// The keys as configured; not empty for `upsert` and `mirror`.
    pub primary_keys: Vec<String>,
    /// `None` for a mode without windows.
    pub incremental_column: Option<String>,
    pub mode: Mode,
    pub operator: Operator,
    /// The text as written; parsed once the column's type is known.
    pub backfill_start: Option<String>,
    /// How far below the watermark every run reads again; upsert only.
    pub lookback: Option<Lookback>,
    /// Configured types, by source column.
    pub columns: BTreeMap<String, TargetType>,
    pub exclude: Vec<String>,
    /// Masks, by source column.
    pub mask: BTreeMap<String, Mask>,
    /// Patterns for columns that no other key names; the first one that matches counts.
    pub new_columns: Vec<Pattern>,
    /// Names in BigQuery, by source column.
    pub rename: BTreeMap<String, String>,
    /// The target's column for the moment of each row's publish.
    pub loaded_at: Option<String>,
    /// The partitioning of a new table.
    pub partition_by: Option<PartitionBy>,
    /// The other options of a new table.
    pub options: TableOptions,
    /// The columns (by source name) that a new table is clustered by, in this order; empty: the keys.
    pub cluster_by: Vec<String>,
    /// The most bytes that a statement in BigQuery may be billed for: the mapping's own limit, or that of all.
    pub maximum_bytes_billed: Option<u64>,
    pub empty_string_as_null: bool,
    pub invalid_values: InvalidValues,
    /// The mapping's own schedule, or that of all; `None`: it runs only on demand.
    pub schedule: Option<Schedule>,
    pub deletes: Deletes,
    /// The greatest share of the target's rows, 0 to 1, that may be deleted at once.
    pub most_deleted: f64,
    /// The greatest share of the target's rows, 0 to 1, by which a replace may shrink it.
    pub most_shrunk: f64,
}

impl Mapping {
    /// The column (by source name) that a new table is partitioned on.
    #[must_use]
    pub fn partition_column(&self) -> Option<&str> {
        self.partition_by.as_ref()?.column.as_deref()
    }

    /// The BigQuery name of a source column.
    #[must_use]
    pub fn target_column(&self, source: &str) -> String {
        let renamed = self.rename.iter().find(|(column, _)| same_name(column, source)).map(|(_, name)| name);
        naming::column_name(renamed.map_or(source, String::as_str))
    }

    /// The mask of a column's values; `None`: they arrive unchanged. Patterns do not apply to columns by which the
    /// mapping identifies or places its rows.
    #[must_use]
    pub fn mask_of(&self, source: &str) -> Option<&Mask> {
        let named = self.mask.iter().find(|(column, _)| same_name(column, source)).map(|(_, mask)| mask);
        named.or_else(|| match self.pattern_of(source) {
            Some(Treatment::Mask(mask)) => Some(mask),
            Some(Treatment::Exclude | Treatment::Keep) | None => None,
        })
    }

    /// Tells if the column stays in MySQL.
    #[must_use]
    pub fn excludes(&self, source: &str) -> bool {
        self.exclude.iter().any(|column| same_name(column, source))
            || self.pattern_of(source) == Some(&Treatment::Exclude)
    }

    /// What `new_columns` says about a column that the mapping does not name elsewhere.
    fn pattern_of(&self, source: &str) -> Option<&Treatment> {
        let is_named = self.mask.keys().any(|column| same_name(column, source)) || self.places_rows_by(source);
        treatment(&self.new_columns, source).filter(|_| !is_named)
    }

    /// Tells if the column tells rows apart, orders them or partitions them.
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

/// The default column that marks deleted rows.
pub const DELETED_COLUMN: &str = "_bqsync_deleted_at";

/// What `bqsync deletes` does about rows that the source no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletes {
    Ignore,
    /// It marks them with the time in a column of ours.
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
    /// Every run reads the whole table and replaces the target's rows with it.
    Replace,
    /// A run brings over the parts of the table whose checksum in MySQL has changed, and removes their rows that are
    /// gone.
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

    /// Tells if the mode moves rows by windows of a cursor, up to a watermark. In the other modes every run looks at
    /// the whole table.
    #[must_use]
    pub const fn has_windows(self) -> bool {
        match self {
            Self::Append | Self::Upsert => true,
            Self::Replace | Self::Mirror => false,
        }
    }
}

/// How a window begins: beyond the watermark, or at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Greater,
    GreaterOrEqual,
}

/// What happens to values that the target type cannot hold: zero and impossible dates, a TINYINT of 2 in BOOL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidValues {
    /// They arrive as NULL, counted and reported.
    Null,
    /// They make the mapping fail.
    Fail,
}
