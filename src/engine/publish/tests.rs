use super::*;
use crate::domain::column::{SourceColumn, SourceSchema, TargetColumn};
use crate::domain::config::InvalidValues;
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::plan::{ColumnPlan, Paging, TablePlan};
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
        mode: Mode::Upsert,
        cursor: 0,
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

fn target(rows: u64, extra_column: bool) -> TargetSchema {
    let column = |name: &str| TargetColumn::new(name, TargetType::Int64, false);
    let mut columns = vec![column("id")];
    if extra_column {
        columns.push(column("old"));
    }
    TargetSchema { columns, rows: Some(rows), ..TargetSchema::default() }
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

fn ground(target: Option<TargetSchema>) -> Ground {
    let source = SourceSchema {
        columns: vec![SourceColumn::new("id", SourceType::Int { bits: 64, unsigned: false }, false)],
        unique_keys: Vec::new(),
        indexes: Vec::new(),
        is_view: false,
        is_transactional: true,
        hides_columns: false,
        rows_estimate: None,
    };
    Ground { source, target, plan: Arc::new(plan()) }
}

#[test]
fn an_append_copies_only_where_both_sides_are_the_same_and_no_row_can_be_there() {
    let after = window(Low::After(Cursor::Int(5)));
    let of = |target, overlap: Option<i128>| {
        let known = Known { overlap: overlap.map(Cursor::Int), ..known(after) };
        kind(Mode::Append, &known, &ground(target))
    };
    assert_eq!(of(Some(target(7, false)), None), PublishKind::Copy);
    assert_eq!(of(Some(target(7, true)), None), PublishKind::Insert);
    assert_eq!(of(None, None), PublishKind::Insert);
    assert_eq!(of(Some(target(7, false)), Some(5)), PublishKind::Copy);
    assert_eq!(of(Some(target(7, false)), Some(6)), PublishKind::InsertMissing);
    let unsure = Known { unsure: true, ..known(after) };
    assert_eq!(kind(Mode::Append, &unsure, &ground(Some(target(7, false)))), PublishKind::InsertMissing);
}

#[test]
fn a_window_overlaps_unless_it_goes_on_after_a_watermark_of_ours_or_into_an_empty_table() {
    let (full, empty, ours) = (target(7, false), target(0, false), mark(false));
    let after = window(Low::After(Cursor::Int(5)));
    assert!(!may_overlap(&after, Some(&full), Some(&ours)));
    assert!(may_overlap(&window(Low::From(Cursor::Int(5))), Some(&full), Some(&ours)));
    assert!(may_overlap(&window(Low::Beginning), Some(&full), None));
    assert!(!may_overlap(&window(Low::Beginning), Some(&empty), None));
    assert!(!may_overlap(&window(Low::Beginning), None, None));
    let unknown = TargetSchema { rows: None, ..empty };
    assert!(may_overlap(&window(Low::Beginning), Some(&unknown), None));
}

fn known(window: Window) -> Known {
    Known { window, overlap: None, unsure: false, is_first: true, each_key_once: true, wins: Wins::Newer }
}

#[test]
fn an_upsert_merges_but_into_an_empty_target() {
    let known = known(window(Low::Beginning));
    let of = |known, target| kind(Mode::Upsert, &known, &ground(target));
    assert_eq!(of(known, None), PublishKind::Insert);
    assert_eq!(of(known, Some(target(0, false))), PublishKind::Insert);
    assert_eq!(of(Known { each_key_once: false, ..known }, None), PublishKind::InsertNewest);
    assert_eq!(of(known, Some(target(1, false))), PublishKind::Merge);
    assert_eq!(of(Known { is_first: false, ..known }, None), PublishKind::Merge);
    assert_eq!(of(Known { is_first: false, wins: Wins::Read, ..known }, None), PublishKind::MergeAsRead);
    let unknown = TargetSchema { rows: None, ..target(0, false) };
    assert_eq!(of(known, Some(unknown)), PublishKind::Merge, "a figure that is missing is not 0");
}
