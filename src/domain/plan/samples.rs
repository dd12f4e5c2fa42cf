//! Plans for unit tests.

use super::{ColumnPlan, CursorPlan, Paging, TablePlan};
use crate::domain::column::SourceColumn;
use crate::domain::config::{InvalidValues, Mode};
use crate::domain::cursor::CursorKind;
use crate::domain::source_type::SourceType;
use crate::domain::table_options::TableOptions;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::carriage;

/// A column without NULLs, converted to the given type.
///
/// # Panics
/// If there is no way to convert it.
pub fn column(name: &str, source_type: SourceType, target_type: TargetType) -> ColumnPlan {
    let way = carriage(&source_type, &target_type).unwrap();
    ColumnPlan {
        source: SourceColumn::new(name, source_type, false),
        target_name: name.into(),
        target_type,
        staged_name: name.into(),
        encoding: way.encoding,
        staged: way.staged,
        cast: way.cast,
        mask: None,
    }
}

/// A whole number of 64 bits.
pub fn number(name: &str) -> ColumnPlan {
    column(name, SourceType::Int { bits: 64, unsigned: false }, TargetType::Int64)
}

/// An upsert whose cursor is a whole number with an index.
pub fn plan(columns: Vec<ColumnPlan>, keys: &[usize], cursor: usize) -> TablePlan {
    TablePlan {
        columns,
        keys: keys.to_vec(),
        keys_unique: true,
        mode: Mode::Upsert,
        cursor: Some(CursorPlan { position: cursor, kind: CursorKind::Int, indexed: true }),
        timezone: chrono_tz::UTC,
        empty_string_as_null: false,
        invalid_values: InvalidValues::Null,
        paging: Paging::Keyset,
        partitioning: None,
        options: TableOptions::default(),
        kms_key: None,
        cluster: Vec::new(),
        deleted_column: None,
        loaded_at: None,
        shard: None,
        comment: None,
    }
}
