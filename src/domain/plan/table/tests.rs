//! What the plan says about a column's values, for each way in which they are converted.

use super::*;
use crate::domain::plan::samples::{self, column, number};
use crate::domain::source_type::SourceType;

const TEXT: SourceType = SourceType::Text { chars: None };

/// The key `id`, the cursor `at`, and the column `x`; none may be NULL at the source.
fn plan(source_type: SourceType, target_type: TargetType) -> TablePlan {
    let columns = vec![number("id"), number("at"), column("x", source_type, target_type)];
    TablePlan { mode: Mode::Append, ..samples::plan(columns, &[0], 1) }
}

#[test]
fn a_staged_value_may_be_null_if_its_type_cannot_hold_every_source_value() {
    let big = SourceType::Int { bits: 64, unsigned: true };
    let tiny = SourceType::Int { bits: 8, unsigned: false };
    let (wall, time) = (SourceType::DateTime { fsp: 6 }, SourceType::Time { fsp: 0 });
    for (source, target, expected) in [
        (big.clone(), TargetType::Int64, true),
        (big, TargetType::Numeric(None), false),
        (tiny.clone(), TargetType::Bool, true),
        (tiny, TargetType::Int64, false),
        (SourceType::Bit { width: 1 }, TargetType::Bool, false),
        (SourceType::Date, TargetType::Date, true),
        (SourceType::Date, TargetType::DateTime, true),
        (SourceType::Date, TargetType::Timestamp, true),
        (SourceType::Date, TargetType::String(None), false),
        (wall.clone(), TargetType::DateTime, true),
        (wall.clone(), TargetType::Timestamp, true),
        (wall, TargetType::String(None), false),
        (SourceType::Timestamp { fsp: 0 }, TargetType::Timestamp, true),
        (time.clone(), TargetType::Time, true),
        (time, TargetType::String(None), false),
        (TEXT, TargetType::String(None), false),
        (SourceType::Geometry, TargetType::String(None), false),
    ] {
        let mut plan = plan(source.clone(), target.clone());
        assert_eq!(plan.may_be_null(2), expected, "{source} -> {target}");
        plan.columns[2].source.nullable = true;
        assert!(plan.may_be_null(2), "{source} -> {target}");
    }
}

#[test]
fn an_empty_text_becomes_null_on_request_except_in_columns_that_place_rows() {
    let mut of = plan(TEXT, TargetType::String(None));
    assert!(!of.empty_becomes_null(2) && !of.may_be_null(2));
    of.empty_string_as_null = true;
    assert!(of.empty_becomes_null(2) && of.may_be_null(2));
    of.keys = vec![0, 2];
    assert!(of.places_rows(2) && !of.empty_becomes_null(2) && of.may_be_null(2));
    for (source, target, expected) in [
        (SourceType::Enum, TargetType::String(None), true),
        (SourceType::Set, TargetType::String(None), true),
        (SourceType::Binary, TargetType::String(None), false),
        (SourceType::Json, TargetType::String(None), false),
    ] {
        let plan = TablePlan { empty_string_as_null: true, ..plan(source.clone(), target.clone()) };
        assert_eq!(plan.empty_becomes_null(2), expected, "{source} -> {target}");
        assert_eq!(plan.may_be_null(2), expected, "{source} -> {target}");
    }
    let bytes = TablePlan { empty_string_as_null: true, ..plan(TEXT, TargetType::Bytes(None)) };
    assert!(!bytes.empty_becomes_null(2), "an empty value of bytes is one");
}

#[test]
fn only_columns_with_listed_values_use_a_dictionary() {
    for (source, expected) in
        [(SourceType::Enum, true), (SourceType::Set, true), (TEXT, false), (SourceType::Uuid, false)]
    {
        assert_eq!(plan(source.clone(), TargetType::String(None)).columns[2].repeats_values(), expected, "{source}");
    }
    assert!(!plan(SourceType::Date, TargetType::Date).columns[2].repeats_values());
}
