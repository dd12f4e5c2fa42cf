use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use serde_json::{Value, json};

use super::super::fixture::target;
use super::*;
use crate::domain::ids::{JobId, MappingName};
use crate::domain::plan::samples;
use crate::domain::staging::arrow_schema;
use crate::domain::target_type::TargetType;

fn order(plan: TablePlan, inline_rows: u64) -> StageOrder {
    let staging = target().sibling("_bqsync_1");
    StageOrder { mapping: MappingName("m".into()), plan: Arc::new(plan), staging, job: JobId("j".into()), inline_rows }
}

/// A table of one column of each staged type.
fn of_each_type() -> TablePlan {
    let staged = [
        StagedType::Int64,
        StagedType::Float64,
        StagedType::Bool,
        StagedType::Decimal { precision: 38, scale: 9 },
        StagedType::Date,
        StagedType::Timestamp,
        StagedType::DateTime,
        StagedType::Text,
        StagedType::Bytes,
    ];
    let columns = staged.iter().enumerate().map(|(position, &staged)| {
        let column = samples::number(&format!("größe {position}"));
        crate::domain::plan::ColumnPlan { staged, staged_name: format!("s{position}"), ..column }
    });
    samples::plan(columns.collect(), &[0], 0)
}

fn rows(columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(arrow_schema(&of_each_type()), columns).unwrap()
}

/// Three rows: the smallest value of each type, the greatest, and NULL.
fn extremes() -> RecordBatch {
    let decimals = vec![Some(-(10_i128.pow(38) - 1)), Some(5), None];
    // 0001-01-01 and 9999-12-31.
    let micros = vec![Some(-62_135_596_800_000_000), Some(253_402_300_799_999_999), None];
    rows(vec![
        Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None])),
        Arc::new(Float64Array::from(vec![Some(-0.0), Some(5e-324), None])),
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        Arc::new(Decimal128Array::from(decimals).with_precision_and_scale(38, 9).unwrap()),
        Arc::new(Date32Array::from(vec![Some(-719_162), Some(2_932_896), None])),
        Arc::new(TimestampMicrosecondArray::from(micros.clone()).with_timezone("UTC")),
        Arc::new(TimestampMicrosecondArray::from(micros)),
        Arc::new(StringArray::from(vec![Some("a'\"\\\n\u{7}é𝄞"), Some(""), None])),
        Arc::new(BinaryArray::from(vec![Some(&[0_u8, 255][..]), Some(&[][..]), None])),
    ])
}

#[test]
fn every_type_has_a_text_that_is_read_back_as_the_value() {
    let plan = of_each_type();
    let rows = extremes();
    let mut held = Held::default();
    assert!(held.takes(&rows, &order(plan.clone(), 3)));
    held.add(rows);
    let staged = held.staged(order(plan.clone(), 3));
    let sent = serde_json::to_value(parameter(&plan, staged.inline.as_ref().unwrap())).unwrap();
    let types = &sent["parameterType"]["arrayType"]["structTypes"];
    let names: Vec<&str> = types.as_array().unwrap().iter().map(|t| t["type"]["type"].as_str().unwrap()).collect();
    let expected = ["INT64", "FLOAT64", "BOOL", "NUMERIC", "DATE", "TIMESTAMP", "DATETIME", "STRING", "BYTES"];
    assert_eq!(names, expected);
    let of = |row: usize| {
        let values = &sent["parameterValue"]["arrayValues"][row]["structValues"];
        (0..9).map(|position| values[format!("c{position}")]["value"].clone()).collect::<Vec<_>>()
    };
    let least = json!([
        "-9223372036854775808",
        "-0.0",
        "true",
        "-99999999999999999999999999999.999999999",
        "0001-01-01",
        "0001-01-01 00:00:00.000000+00:00",
        "0001-01-01T00:00:00.000000",
        "a'\"\\\n\u{7}é𝄞",
        "AP8="
    ]);
    assert_eq!(json!(of(0)), least);
    let greatest = json!([
        "9223372036854775807",
        "5e-324",
        "false",
        "0.000000005",
        "9999-12-31",
        "9999-12-31 23:59:59.999999+00:00",
        "9999-12-31T23:59:59.999999",
        "",
        ""
    ]);
    assert_eq!(json!(of(1)), greatest);
    assert!(of(2).iter().all(Value::is_null), "{:?}", of(2));
}

#[test]
fn the_rows_have_the_names_of_a_staging_table() {
    let mut plan = of_each_type();
    plan.columns.truncate(2);
    assert_eq!(relation(&plan), "(SELECT __r.c0 AS `s0`, __r.c1 AS `s1` FROM UNNEST(@rows) AS __r)");
}

#[test]
fn rows_too_large_for_a_request_or_without_a_text_form_are_staged() {
    let plan = of_each_type();
    let mut held = Held::default();
    assert!(!held.takes(&extremes(), &order(plan.clone(), 2)), "three rows");
    held.add(extremes());
    assert!(!held.takes(&extremes(), &order(plan.clone(), 5)), "six rows in all");
    let with = |position: usize, array: ArrayRef| {
        let mut columns = extremes().slice(0, 1).columns().to_vec();
        columns[position] = array;
        Held::default().takes(&rows(columns), &order(plan.clone(), 9))
    };
    assert!(with(7, Arc::new(StringArray::from(vec!["plain"]))));
    assert!(!with(7, Arc::new(StringArray::from(vec!["nul \0"]))));
    assert!(!with(4, Arc::new(Date32Array::from(vec![2_932_897]))), "the year 10000");
    assert!(!with(8, Arc::new(BinaryArray::from(vec![&vec![1; MOST_BYTES][..]]))));
}

#[test]
fn a_slice_of_a_large_batch_counts_only_its_own_bytes() {
    let large = vec![7; 1_000_000];
    let whole = Int64Array::from(large);
    let plan = samples::plan(vec![samples::number("id")], &[0], 0);
    let whole = RecordBatch::try_new(arrow_schema(&plan), vec![Arc::new(whole)]).unwrap();
    assert!(Held::default().takes(&whole.slice(10, 3), &order(plan, 9)));
}

#[test]
fn the_type_of_a_parameter_is_the_type_of_the_staging_tables_column() {
    assert_eq!(StagedType::Decimal { precision: 5, scale: 2 }.target_type(), TargetType::Numeric(None));
}

#[test]
fn no_value_is_in_the_debug_text() {
    let held = Held { batches: vec![extremes()], rows: 3, bytes: 0 };
    let shown = format!("{held:?}");
    let shown = format!("{shown} {:?}", held.staged(order(of_each_type(), 9)).inline);
    assert!(!shown.contains("9223372036854775807") && !shown.contains("255"), "{shown}");
}
