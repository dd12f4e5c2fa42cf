//! Plans for the unit tests of this adapter.

use crate::domain::column::SourceColumn;
use crate::domain::config::{InvalidValues, Mode};
use crate::domain::cursor::CursorKind;
use crate::domain::plan::{ColumnPlan, Paging, TablePlan};
use crate::domain::source_type::SourceType;
use crate::domain::type_map::{carriage, default_target};

/// A column carried into the type it gets by default.
pub fn column(name: &str, source_type: SourceType) -> ColumnPlan {
    let target_type = default_target(&source_type).unwrap();
    let way = carriage(&source_type, &target_type).unwrap();
    ColumnPlan {
        source: SourceColumn::new(name, source_type, false),
        target_name: name.into(),
        target_type,
        staged_name: name.into(),
        encoding: way.encoding,
        staged: way.staged,
        cast: way.cast,
    }
}

pub fn plan(columns: Vec<ColumnPlan>, keys: &[usize], cursor: usize) -> TablePlan {
    TablePlan {
        columns,
        keys: keys.to_vec(),
        keys_unique: true,
        mode: Mode::Upsert,
        cursor,
        cursor_kind: CursorKind::Int,
        timezone: chrono_tz::UTC,
        empty_string_as_null: false,
        invalid_values: InvalidValues::Null,
        paging: Paging::Keyset,
        cursor_indexed: true,
        partition: None,
        partitioning: None,
        cluster: Vec::new(),
        deleted_column: None,
    }
}
