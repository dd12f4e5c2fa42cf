use super::*;
use crate::domain::column::{SourceColumn, TargetColumn};
use crate::domain::config::InvalidValues;
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::plan::{ColumnPlan, Paging};
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::{Cast, Encoding, StagedType};

/// A table of one integer column that is cursor and, with `keyed`, key.
fn plan(keyed: bool) -> TablePlan {
    let column = ColumnPlan {
        source: SourceColumn {
            name: "id".into(),
            source_type: SourceType::Int { bits: 64, unsigned: false },
            nullable: false,
        },
        target_name: "id".into(),
        target_type: TargetType::Int64,
        staged_name: "id".into(),
        encoding: Encoding::Int { bits: 64, unsigned: false },
        staged: StagedType::Int64,
        cast: Cast::None,
    };
    TablePlan {
        columns: vec![column],
        keys: if keyed { vec![0] } else { Vec::new() },
        cursor: 0,
        cursor_kind: CursorKind::Int,
        timezone: chrono_tz::UTC,
        empty_string_as_null: false,
        invalid_values: InvalidValues::Null,
        paging: Paging::Keyset,
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
fn a_watermark_of_ours_is_gone_on_after_and_a_foreign_one_read_again_where_keys_can_tell() {
    let (keyed, keyless) = (plan(true), plan(false));
    let low_of = |mode, operator, plan: &TablePlan, imported| {
        let watermark = mark(imported);
        low(mode, operator, &Circumstances { plan, target: None, watermark: Some(&watermark) }, None)
    };
    let (after, from) = (Low::After(Cursor::Int(5)), Low::From(Cursor::Int(5)));
    assert_eq!(low_of(Mode::Upsert, Operator::Greater, &keyed, false), after);
    assert_eq!(low_of(Mode::Upsert, Operator::Greater, &keyed, true), from);
    assert_eq!(low_of(Mode::Append, Operator::Greater, &keyed, true), from);
    assert_eq!(low_of(Mode::Append, Operator::Greater, &keyless, true), after);
    assert_eq!(low_of(Mode::Append, Operator::GreaterOrEqual, &keyed, false), from);
}

#[test]
fn without_a_watermark_the_window_begins_where_the_mapping_says() {
    let plan = plan(true);
    let now = Circumstances { plan: &plan, target: None, watermark: None };
    assert_eq!(low(Mode::Upsert, Operator::Greater, &now, None), Low::Beginning);
    assert_eq!(low(Mode::Upsert, Operator::Greater, &now, Some(Cursor::Int(3))), Low::From(Cursor::Int(3)));
}

#[test]
fn an_append_copies_only_where_both_sides_are_the_same_and_no_row_can_be_there() {
    let (plan, ours) = (plan(true), mark(false));
    let kind_with = |target: Option<&TargetSchema>, watermark, low| {
        kind(Mode::Append, &window(low), &Circumstances { plan: &plan, target, watermark }).unwrap()
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
fn an_append_that_cannot_tell_what_is_there_is_refused() {
    let (plan, full) = (plan(false), target(7, false));
    let now = Circumstances { plan: &plan, target: Some(&full), watermark: None };
    let fault = kind(Mode::Append, &window(Low::Beginning), &now).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Conflict);
}

#[test]
fn an_upsert_always_merges() {
    let plan = plan(true);
    let now = Circumstances { plan: &plan, target: None, watermark: None };
    assert_eq!(kind(Mode::Upsert, &window(Low::Beginning), &now).unwrap(), PublishKind::Merge);
}
