use super::*;
use crate::domain::column::{SourceColumn, TargetColumn};
use crate::domain::config::InvalidValues;
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::plan::{ColumnPlan, Paging};
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::{Cast, Encoding, StagedType};

/// A table of one integer column that is cursor and key.
fn plan() -> TablePlan {
    let column = ColumnPlan {
        source: SourceColumn::new("id", SourceType::Int { bits: 64, unsigned: false }, false),
        target_name: "id".into(),
        target_type: TargetType::Int64,
        staged_name: "id".into(),
        encoding: Encoding::Int { bits: 64, unsigned: false },
        staged: StagedType::Int64,
        cast: Cast::None,
    };
    TablePlan {
        columns: vec![column],
        keys: vec![0],
        keys_unique: true,
        cursor: 0,
        cursor_kind: CursorKind::Int,
        timezone: chrono_tz::UTC,
        empty_string_as_null: false,
        invalid_values: InvalidValues::Null,
        paging: Paging::Keyset,
        cursor_indexed: true,
        partition: None,
    }
}

fn target(rows: u64, extra_column: bool) -> TargetSchema {
    let column = |name: &str| TargetColumn { name: name.into(), target_type: TargetType::Int64, required: false };
    let mut columns = vec![column("id")];
    if extra_column {
        columns.push(column("old"));
    }
    TargetSchema { columns, rows }
}

fn mark(imported: bool) -> Watermark {
    Watermark { cursor: Cursor::Int(5), imported }
}

fn window(low: Low) -> Window {
    Window { low, high: Cursor::Int(9) }
}

#[test]
fn a_watermark_of_ours_is_gone_on_after_and_a_foreign_one_read_again() {
    let low_of = |operator, imported| low(operator, Some(&mark(imported)), None);
    let (after, from) = (Low::After(Cursor::Int(5)), Low::From(Cursor::Int(5)));
    assert_eq!(low_of(Operator::Greater, false), after);
    assert_eq!(low_of(Operator::Greater, true), from);
    assert_eq!(low_of(Operator::GreaterOrEqual, false), from);
}

#[test]
fn without_a_watermark_the_window_begins_where_the_mapping_says() {
    assert_eq!(low(Operator::Greater, None, None), Low::Beginning);
    assert_eq!(low(Operator::Greater, None, Some(Cursor::Int(3))), Low::From(Cursor::Int(3)));
}

#[test]
fn an_append_copies_only_where_both_sides_are_the_same_and_no_row_can_be_there() {
    let (plan, ours) = (plan(), mark(false));
    let kind_with = |target: Option<&TargetSchema>, watermark, low| {
        kind(Mode::Append, &window(low), &Circumstances { plan: &plan, target, watermark })
    };
    let (full, wider, empty) = (target(7, false), target(7, true), target(0, false));
    let after = Low::After(Cursor::Int(5));
    assert_eq!(kind_with(Some(&full), Some(&ours), after), PublishKind::Copy);
    assert_eq!(kind_with(Some(&wider), Some(&ours), after), PublishKind::Insert);
    assert_eq!(kind_with(Some(&empty), None, Low::Beginning), PublishKind::Copy);
    assert_eq!(kind_with(None, None, Low::Beginning), PublishKind::Insert);
    assert_eq!(kind_with(Some(&full), None, Low::Beginning), PublishKind::InsertMissing);
    assert_eq!(kind_with(Some(&full), Some(&ours), Low::From(Cursor::Int(5))), PublishKind::InsertMissing);
}

#[test]
fn an_upsert_always_merges() {
    let plan = plan();
    let now = Circumstances { plan: &plan, target: None, watermark: None };
    assert_eq!(kind(Mode::Upsert, &window(Low::Beginning), &now), PublishKind::Merge);
}
