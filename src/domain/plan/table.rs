//! A plan: the columns that one mapping moves, and how its rows are told apart and read.

use chrono_tz::Tz;

use crate::domain::column::SourceColumn;
use crate::domain::config::{InvalidValues, Mode};
use crate::domain::cursor::CursorKind;
use crate::domain::finding::Finding;
use crate::domain::mask::Mask;
use crate::domain::partitioning::Partitioning;
use crate::domain::schema::SchemaDiff;
use crate::domain::source_type::Characters;
use crate::domain::table_options::TableOptions;
use crate::domain::table_shard::TableShard;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::{Cast, Encoding, StagedType};

/// One column that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPlan {
    pub source: SourceColumn,
    /// Name in the target table.
    pub target_name: String,
    /// Type in the target table once the difference is resolved.
    pub target_type: TargetType,
    /// Name in the staging table: the target's if every interface takes it, otherwise `c` and the position.
    pub staged_name: String,
    pub encoding: Encoding,
    pub staged: StagedType,
    pub cast: Cast,
    /// The mask that is put on each decoded value; `encoding` is then that of the value under it.
    pub mask: Option<Mask>,
}

impl ColumnPlan {
    /// Tells if the column has a few values that repeat, so that a dictionary makes the file smaller. (Measured: a
    /// dictionary on every column makes it larger and its writer slower.)
    #[must_use]
    pub fn repeats_values(&self) -> bool {
        match self.source.source_type.characters() {
            Characters::Listed => true,
            Characters::Free | Characters::No => false,
        }
    }
}

/// A table that moves.
#[derive(Debug, Clone)]
pub struct TablePlan {
    pub columns: Vec<ColumnPlan>,
    /// Positions in `columns` of the primary keys, in configured order.
    pub keys: Vec<usize>,
    /// The source guarantees that no two rows share the keys.
    pub keys_unique: bool,
    /// In an upsert the target holds only each key's newest version; in an append it holds every version.
    pub mode: Mode,
    /// `None`: no column orders the rows, and no row lies in a window.
    pub cursor: Option<CursorPlan>,
    /// The zone in which DATETIME values are read.
    pub timezone: Tz,
    pub empty_string_as_null: bool,
    pub invalid_values: InvalidValues,
    pub paging: Paging,
    /// The partitioning of the table as it is, or as it will be created.
    pub partitioning: Option<Partitioning>,
    /// The other options of a new table.
    pub options: TableOptions,
    /// The Cloud KMS key of the table, existing or new; its staging tables use it, too.
    pub kms_key: Option<String>,
    /// Positions in `columns` of those by which a new table is clustered.
    pub cluster: Vec<usize>,
    /// The target's column that marks rows which the source no longer has.
    pub deleted_column: Option<String>,
    /// The target's column for the moment of each row's publish.
    pub loaded_at: Option<String>,
    /// The target's rows that belong to this mapping, and the value that a publish puts into each; `None`: all rows.
    pub shard: Option<TableShard>,
    /// The description of a new table.
    pub comment: Option<String>,
}

/// The cursor by which windows are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorPlan {
    /// Position in `columns` of the incremental column.
    pub position: usize,
    pub kind: CursorKind,
    /// An index begins with the incremental column, so that a window can be cut without reading the table.
    pub indexed: bool,
}

/// How the rows of a window are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// Short queries by `(cursor, key)`: an index carries that order and the keys tell rows apart.
    Keyset,
    /// One streamed pass: pages would scan the table each time, or could split rows that share cursor and key.
    Stream,
}

impl TablePlan {
    #[must_use]
    pub fn cursor_column(&self) -> Option<&ColumnPlan> {
        self.cursor.map(|cursor| &self.columns[cursor.position])
    }

    /// Tells if this is the incremental column.
    #[must_use]
    pub fn is_cursor(&self, position: usize) -> bool {
        self.cursor.is_some_and(|cursor| cursor.position == position)
    }

    /// Tells if the column tells rows apart or orders them.
    #[must_use]
    pub fn places_rows(&self, position: usize) -> bool {
        self.is_cursor(position) || self.keys.contains(&position)
    }

    /// Tells if the column's empty text arrives as NULL. In a column that places rows, an empty text is a value.
    #[must_use]
    pub fn empty_becomes_null(&self, position: usize) -> bool {
        let column = &self.columns[position];
        let can_be_empty = match column.source.source_type.characters() {
            Characters::Free | Characters::Listed => column.encoding == Encoding::Text,
            Characters::No => false,
        };
        self.empty_string_as_null && can_be_empty && !self.places_rows(position)
    }

    /// Tells if a staged value of the column can be NULL. A publish that compares rows by the column must then treat
    /// NULL as equal to NULL, or it would insert such a row again.
    #[must_use]
    pub fn may_be_null(&self, position: usize) -> bool {
        let column = &self.columns[position];
        let may_be_emptied = match column.source.source_type.characters() {
            // For a key this may be true without need; the publish is right either way.
            Characters::Free => self.empty_string_as_null,
            Characters::Listed | Characters::No => self.empty_becomes_null(position),
        };
        let never_arrives = column.mask == Some(Mask::Null);
        column.source.nullable || column.encoding.has_flaws() || may_be_emptied || never_arrives
    }

    /// The plan for only the keys, of every row: in one pass, because no incremental column orders it.
    #[must_use]
    pub fn keys_only(&self) -> Self {
        let columns: Vec<_> = self.keys.iter().map(|&key| self.columns[key].clone()).collect();
        Self {
            keys: (0..columns.len()).collect(),
            columns,
            cursor: None,
            paging: Paging::Stream,
            partitioning: None,
            cluster: Vec::new(),
            deleted_column: None,
            loaded_at: None,
            shard: None,
            comment: None,
            ..self.clone()
        }
    }

    /// Tells if keys that differ in the source also differ in the target, each staged as the target will hold it.
    #[must_use]
    pub fn keys_stay_apart(&self) -> bool {
        self.keys.iter().map(|&key| &self.columns[key]).all(|c| c.cast == Cast::None && c.staged != StagedType::Float64)
    }

    /// Tells if every staged column is a target column of the same name and type, so that a copy job can publish it. A
    /// copy adds neither the moment of publishing nor the shard's name.
    #[must_use]
    pub fn is_verbatim(&self) -> bool {
        let is_filled = self.loaded_at.is_none() && self.shard.is_none();
        is_filled && self.columns.iter().all(|c| c.cast == Cast::None && c.staged_name == c.target_name)
    }
}

/// A plan, the difference that must be carried out first, and what the operator should know.
#[derive(Debug, Clone)]
pub struct Planned {
    pub table: TablePlan,
    pub diff: SchemaDiff,
    pub warnings: Vec<Finding>,
    /// Columns that BigQuery has and the source does not show, while the account may not read every column there.
    pub withheld: Vec<String>,
    /// Options that the mapping asks of a new table, and that the existing table has otherwise.
    pub options: Vec<Finding>,
}

#[cfg(test)]
mod tests;
