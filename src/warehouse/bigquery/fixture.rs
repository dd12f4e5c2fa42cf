//! A small plan for unit tests of this adapter.

use chrono_tz::Tz;

use crate::domain::column::SourceColumn;
use crate::domain::config::{InvalidValues, Mode};
use crate::domain::cursor::CursorKind;
use crate::domain::ids::TableId;
use crate::domain::plan::{ColumnPlan, Paging, TablePlan};
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::{Carriage, carriage};
use crate::warehouse::Staged;

pub fn target() -> TableId {
    TableId { project: "my-project".into(), dataset: "shop".into(), table: "orders".into() }
}

pub fn staged() -> Staged {
    Staged {
        table: target().sibling("_bqsync_1"),
        rows: 3,
        bytes: 900,
        key_ranges: vec![Some(("1".into(), "9".into()))],
        cursor_range: Some(("TIMESTAMP '2026-01-01 00:00:00+00'".into(), "TIMESTAMP '2026-01-02 00:00:00+00'".into())),
    }
}

pub fn column(name: &str, source_type: SourceType, target_type: TargetType) -> ColumnPlan {
    let Carriage { encoding, staged, cast, .. } = carriage(&source_type, &target_type).unwrap();
    let staged_name = if name.is_ascii() { name.to_owned() } else { "c2".to_owned() };
    ColumnPlan {
        source: SourceColumn::new(name, source_type, false),
        target_name: name.into(),
        target_type,
        staged_name,
        encoding,
        staged,
        cast,
    }
}

/// Key `id`, cursor `updated_at`, and one column of each way of publishing.
pub fn orders() -> TablePlan {
    TablePlan {
        columns: vec![
            column("id", SourceType::Int { bits: 64, unsigned: false }, TargetType::Int64),
            column("updated_at", SourceType::Timestamp { fsp: 6 }, TargetType::Timestamp),
            column("größe", SourceType::Text { chars: None }, TargetType::String(None)),
            column("total", SourceType::Decimal { precision: 40, scale: 10 }, TargetType::BigNumeric(None)),
            column("doc", SourceType::Json, TargetType::Json),
        ],
        keys: vec![0],
        cursor: 1,
        cursor_kind: CursorKind::DateTime { fsp: 6, zone: Tz::UTC },
        keys_unique: true,
        mode: Mode::Upsert,
        timezone: Tz::UTC,
        empty_string_as_null: false,
        invalid_values: InvalidValues::Null,
        paging: Paging::Keyset,
        cursor_indexed: true,
        partition: None,
        partitioning: None,
        cluster: vec![0],
        deleted_column: None,
    }
}
