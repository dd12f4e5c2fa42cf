//! A small plan for unit tests of this adapter.

use chrono_tz::Tz;

use crate::domain::cursor::CursorKind;
use crate::domain::ids::TableId;
use crate::domain::plan::{ColumnPlan, CursorPlan, TablePlan, samples};
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::warehouse::Staged;

pub fn target() -> TableId {
    TableId { project: "my-project".into(), dataset: "shop".into(), table: "orders".into() }
}

pub fn staged() -> Staged {
    Staged {
        table: target().sibling("_bqsync_1"),
        inline: None,
        rows: 3,
        bytes: 900,
        key_ranges: vec![Some(("1".into(), "9".into()))],
        cursor_range: Some(("TIMESTAMP '2026-01-01 00:00:00+00'".into(), "TIMESTAMP '2026-01-02 00:00:00+00'".into())),
    }
}

/// A column; if its name is not plain, it is staged under another name.
pub fn column(name: &str, source_type: SourceType, target_type: TargetType) -> ColumnPlan {
    let column = samples::column(name, source_type, target_type);
    let staged_name = if name.is_ascii() { name.to_owned() } else { "c2".to_owned() };
    ColumnPlan { staged_name, ..column }
}

/// Key `id`, cursor `updated_at`, and one column of each way of publishing.
pub fn orders() -> TablePlan {
    let columns = vec![
        samples::number("id"),
        column("updated_at", SourceType::Timestamp { fsp: 6 }, TargetType::Timestamp),
        column("größe", SourceType::Text { chars: None }, TargetType::String(None)),
        column("total", SourceType::Decimal { precision: 40, scale: 10 }, TargetType::BigNumeric(None)),
        column("doc", SourceType::Json, TargetType::Json),
    ];
    let kind = CursorKind::DateTime { fsp: 6, zone: Tz::UTC };
    let cursor = Some(CursorPlan { position: 1, kind, indexed: true });
    TablePlan { cursor, cluster: vec![0], ..samples::plan(columns, &[0], 1) }
}
