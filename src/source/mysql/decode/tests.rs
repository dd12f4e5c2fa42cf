use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};

use super::*;
use crate::domain::cursor::CursorKind;
use crate::domain::mask::Mask;
use crate::domain::plan::masked::carriage as masked_carriage;
use crate::domain::plan::{ColumnPlan, CursorPlan};
use crate::domain::secret::Secret;
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::carriage;
use crate::source::mysql::samples::{column, plan};

type Row = Vec<Option<Vec<u8>>>;

const INT: SourceType = SourceType::Int { bits: 32, unsigned: false };
const TEXT: SourceType = SourceType::Text { chars: None };

fn batcher(columns: Vec<ColumnPlan>, change: impl FnOnce(&mut TablePlan)) -> Batcher {
    let mut plan = plan(columns, &[0], 0);
    change(&mut plan);
    let table = SourceTable::whole(None, "t".into());
    Batcher::new(table, Arc::new(plan), BatchLimits { rows: 3, bytes: 100, ..BatchLimits::default() })
}

#[expect(clippy::unnecessary_wraps, reason = "a cell may be NULL")]
fn id(value: i32) -> Option<Vec<u8>> {
    Some(value.to_le_bytes().to_vec())
}

fn rows(mut batcher: Batcher, rows: Vec<Row>) -> RecordBatch {
    for row in rows {
        batcher.push(&row).unwrap();
    }
    batcher.finish().unwrap().rows
}

#[test]
fn a_zero_date_arrives_as_null_and_is_counted() {
    let mut batcher = batcher(vec![column("id", INT), column("day", SourceType::Date)], |_| {});
    for day in [Some(vec![4, 0xb2, 7, 1, 2]), Some(vec![0]), Some(vec![4, 0xe8, 7, 2, 31]), None] {
        batcher.push(&vec![id(1), day]).unwrap();
    }
    let batch = batcher.finish().unwrap();
    let days = batch.rows.column(1).as_primitive::<Date32Type>();
    assert_eq!((days.value(0), days.null_count()), (1, 3));
    assert_eq!(batch.flaws, [(1, Flaw::InvalidDate, 2)]);
    assert!(batcher.finish().unwrap().flaws.is_empty(), "counts belong to one batch");
}

#[test]
fn a_zero_date_fails_the_mapping_if_the_mapping_says_so() {
    let columns = vec![column("id", INT), column("at", SourceType::DateTime { fsp: 0 })];
    let mut batcher = batcher(columns, |plan| plan.invalid_values = InvalidValues::Fail);
    let fault = batcher.push(&vec![id(7), Some(vec![0])]).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Data);
    assert_eq!(fault.to_string(), "Column `at` of t holds a zero or impossible date in the row with `id` = 7");
    assert!(fault.hint().contains("`invalid_values` is `fail`"), "{}", fault.hint());
}

#[test]
fn a_value_out_of_range_is_refused_with_its_row() {
    let as_bool = carriage(&SourceType::Int { bits: 8, unsigned: false }, &TargetType::Bool).unwrap();
    let flag = column("flag", SourceType::Int { bits: 8, unsigned: false });
    let flag = ColumnPlan { encoding: as_bool.encoding, staged: as_bool.staged, ..flag };
    let mut batcher = batcher(vec![column("k", SourceType::Time { fsp: 0 }), flag], |plan| {
        plan.invalid_values = InvalidValues::Fail;
    });
    let fault = batcher.push(&vec![Some(vec![8, 0, 34, 0, 0, 0, 17, 11, 11]), Some(vec![77])]).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "Column `flag` of t holds a value out of the target type's range in the row with `k` = '833:11:11'"
    );
}

#[test]
fn a_row_without_a_key_is_named_by_its_cursor() {
    let columns = vec![column("day", SourceType::Date), column("at", SourceType::DateTime { fsp: 0 })];
    let mut batcher = batcher(columns, |plan| {
        plan.invalid_values = InvalidValues::Fail;
        plan.keys = Vec::new();
        plan.cursor = Some(number_at(1));
    });
    let fault = batcher.push(&vec![Some(vec![0]), Some(vec![4, 0xea, 7, 11, 23])]).unwrap_err();
    assert!(fault.to_string().ends_with(" in the row with `at` = '2026-11-23 00:00:00'"), "{fault}");
}

#[test]
fn a_skipped_time_in_a_key_is_refused_with_its_row() {
    let columns = vec![column("id", INT), column("at", SourceType::DateTime { fsp: 0 })];
    let mut batcher = batcher(columns, |plan| {
        plan.timezone = chrono_tz::Europe::Berlin;
        plan.keys = vec![0, 1];
    });
    let fault = batcher.push(&vec![id(1), Some(vec![7, 0xea, 7, 3, 29, 2, 30, 0])]).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Data);
    let row = "in the row with `id` = 1 AND `at` = '2026-03-29 02:30:00'";
    assert!(fault.to_string().ends_with(row), "{fault}");
}

#[test]
fn text_that_is_not_utf8_is_refused_with_table_column_and_key() {
    let mut batcher = batcher(vec![column("id", INT), column("name", TEXT)], |_| {});
    let fault = batcher.push(&vec![id(42), Some(b"secret \xff".to_vec())]).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Data);
    assert_eq!(fault.to_string(), "Column `name` of t is not valid UTF-8 in the row with `id` = 42");
    assert!(fault.hint().contains("columns: {name: BYTES}"), "{}", fault.hint());
}

#[test]
fn a_json_value_that_mysql_sends_as_nothing_is_refused_with_its_row_and_never_becomes_null() {
    for empty_string_as_null in [false, true] {
        let columns = vec![column("id", INT), column("doc", SourceType::Json)];
        let mut batcher = batcher(columns, |plan| plan.empty_string_as_null = empty_string_as_null);
        let fault = batcher.push(&vec![id(7), Some(vec![])]).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Data);
        assert!(fault.to_string().contains("`doc` of t") && fault.to_string().contains("`id` = 7"), "{fault}");
        assert!(fault.hint().contains("max_allowed_packet"), "{}", fault.hint());
    }
}

#[test]
fn an_empty_string_becomes_null_only_if_the_mapping_says_so() {
    // MariaDB's JSON is text.
    let mut doc = column("doc", SourceType::Json);
    doc.source.charset = Some("utf8mb4".into());
    let columns = || vec![column("id", INT), column("name", TEXT), doc.clone()];
    let row = || vec![vec![id(1), Some(vec![]), Some(vec![])]];
    let kept = rows(batcher(columns(), |_| {}), row());
    assert_eq!(kept.column(1).null_count(), 0);
    let nulled = rows(batcher(columns(), |plan| plan.empty_string_as_null = true), row());
    assert_eq!((nulled.column(1).null_count(), nulled.column(2).null_count()), (1, 0));
}

fn number_at(position: usize) -> CursorPlan {
    CursorPlan { position, kind: CursorKind::Int, indexed: true }
}

#[test]
fn an_empty_string_in_a_key_or_cursor_stays_a_string() {
    let columns = vec![column("id", INT), column("code", TEXT), column("at", TEXT), column("name", TEXT)];
    let batcher = batcher(columns, |plan| {
        plan.empty_string_as_null = true;
        (plan.keys, plan.cursor) = (vec![0, 1], Some(number_at(2)));
    });
    let batch = rows(batcher, vec![vec![id(1), Some(vec![]), Some(vec![]), Some(vec![])]]);
    assert_eq!([1, 2, 3].map(|index| batch.column(index).null_count()), [0, 0, 1]);
}

#[test]
fn a_key_never_becomes_null() {
    for invalid_values in [InvalidValues::Null, InvalidValues::Fail] {
        let columns = vec![column("id", INT), column("day", SourceType::Date)];
        let mut batcher = batcher(columns, |plan| {
            plan.invalid_values = invalid_values;
            // A cursor that is also a key is a key.
            (plan.keys, plan.cursor) = (vec![0, 1], Some(number_at(1)));
        });
        let fault = batcher.push(&vec![id(1), Some(vec![0])]).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Data);
        assert_eq!(
            fault.to_string(),
            "Column `day` of t, a primary key, holds a zero or impossible date in the row with `id` = 1 AND CAST(`day` \
             AS CHAR) = '0000-00-00'"
        );
        assert!(fault.hint().contains("`columns:`"), "{}", fault.hint());
    }
}

#[test]
fn a_zero_date_in_the_cursor_arrives_as_null_and_is_counted() {
    let mut batcher =
        batcher(vec![column("id", INT), column("day", SourceType::Date)], |plan| plan.cursor = Some(number_at(1)));
    batcher.push(&vec![id(1), Some(vec![0])]).unwrap();
    assert_eq!(batcher.finish().unwrap().flaws, [(1, Flaw::InvalidDate, 1)]);
}

#[test]
fn a_datetime_is_read_in_the_mappings_zone_and_a_timestamp_as_it_is() {
    let columns = vec![
        column("id", INT),
        column("local", SourceType::DateTime { fsp: 0 }),
        column("instant", SourceType::Timestamp { fsp: 0 }),
    ];
    let wall = || Some(vec![7, 0xb2, 7, 1, 1, 12, 0, 0]);
    let batch =
        rows(batcher(columns, |plan| plan.timezone = chrono_tz::Asia::Dhaka), vec![vec![id(1), wall(), wall()]]);
    let micros = |index: usize| batch.column(index).as_primitive::<TimestampMicrosecondType>().value(0);
    assert_eq!((micros(1), micros(2)), (6 * 3_600_000_000, 12 * 3_600_000_000));
}

#[test]
fn a_wall_clock_that_its_zone_pushes_beyond_the_year_9999_is_out_of_range() {
    let columns = vec![column("id", INT), column("at", SourceType::DateTime { fsp: 0 })];
    let mut batcher = batcher(columns, |plan| plan.timezone = chrono_tz::America::New_York);
    batcher.push(&vec![id(1), Some(vec![7, 0x0f, 0x27, 12, 31, 23, 0, 0])]).unwrap();
    assert_eq!(batcher.finish().unwrap().flaws, [(1, Flaw::OutOfRange, 1)]);
}

#[test]
fn a_batch_is_full_by_rows_or_by_bytes() {
    let mut batcher = batcher(vec![column("id", INT), column("name", TEXT)], |_| {});
    batcher.push(&vec![id(1), Some(vec![b'x'; 50])]).unwrap();
    assert!(!batcher.is_full());
    batcher.push(&vec![id(2), Some(vec![b'x'; 50])]).unwrap();
    assert!(batcher.is_full());
    assert_eq!(batcher.finish().unwrap().bytes, 116);
    for n in 0..3 {
        assert!(!batcher.is_full());
        batcher.push(&vec![id(n), None]).unwrap();
    }
    assert!(batcher.is_full());
    batcher.clear();
    assert_eq!(batcher.finish().unwrap().rows.num_rows(), 0);
}

#[test]
fn every_default_encoding_has_a_builder() {
    let decimal = SourceType::Decimal { precision: 12, scale: 2 };
    let columns = vec![
        column("id", INT),
        column("big", SourceType::Int { bits: 64, unsigned: true }),
        column("amount", decimal),
        column("bit", SourceType::Bit { width: 1 }),
        column("span", SourceType::Time { fsp: 0 }),
        column("raw", SourceType::Binary),
    ];
    let row = vec![
        id(-5),
        Some(vec![0xff; 8]),
        Some(b"-1234.50".to_vec()),
        Some(vec![1]),
        Some(vec![8, 1, 34, 0, 0, 0, 22, 59, 59]),
        Some(vec![0, 0xff]),
    ];
    let batch = rows(batcher(columns, |_| {}), vec![row]);
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), -5);
    assert_eq!(batch.column(1).as_primitive::<Decimal128Type>().value(0), i128::from(u64::MAX));
    assert_eq!(batch.column(2).as_primitive::<Decimal128Type>().value(0), -123_450);
    assert!(batch.column(3).as_boolean().value(0));
    assert_eq!(batch.column(4).as_string::<i32>().value(0), "-838:59:59");
    assert_eq!(batch.column(5).as_binary::<i32>().value(0), [0, 0xff]);
}

#[test]
fn bytes_of_another_type_are_a_schema_fault() {
    let mut batcher = batcher(vec![column("id", INT)], |_| {});
    assert_eq!(batcher.push(&vec![Some(b"abc".to_vec())]).unwrap_err().kind(), FaultKind::Schema);
}

/// A publish treats NULL as equal to NULL only where an encoding has flaws: a flaw that it does not know of would
/// insert rows again.
#[test]
fn only_encodings_with_flaws_produce_flaws() {
    let int = |bits, unsigned| SourceType::Int { bits, unsigned };
    let decimal = |precision, scale| SourceType::Decimal { precision, scale };
    let extremes: [(SourceType, Vec<u8>); 20] = [
        (int(64, true), u64::MAX.to_le_bytes().to_vec()),
        (int(64, false), i64::MIN.to_le_bytes().to_vec()),
        (int(32, true), u32::MAX.to_le_bytes().to_vec()),
        (int(8, false), vec![2]),
        (SourceType::Year, 2155_u16.to_le_bytes().to_vec()),
        (decimal(18, 0), b"-999999999999999999".to_vec()),
        (decimal(38, 9), b"99999999999999999999999999999.999999999".to_vec()),
        (decimal(65, 30), b"1.000000000000000000000000000001".to_vec()),
        (SourceType::Float, f32::MIN.to_le_bytes().to_vec()),
        (SourceType::Double, f64::MAX.to_le_bytes().to_vec()),
        (SourceType::Bit { width: 1 }, vec![1]),
        (SourceType::Bit { width: 63 }, (u64::MAX >> 1).to_be_bytes().to_vec()),
        (SourceType::Bit { width: 64 }, u64::MAX.to_be_bytes().to_vec()),
        (SourceType::Date, vec![0]),
        (SourceType::DateTime { fsp: 6 }, vec![0]),
        (SourceType::Timestamp { fsp: 6 }, vec![0]),
        (SourceType::Time { fsp: 0 }, vec![8, 0, 34, 0, 0, 0, 22, 59, 59]),
        (TEXT, Vec::new()),
        (SourceType::Binary, vec![0]),
        (SourceType::Vector, 1.5_f32.to_le_bytes().to_vec()),
    ];
    let targets = [
        TargetType::Int64,
        TargetType::Float64,
        TargetType::Bool,
        TargetType::Numeric(None),
        TargetType::BigNumeric(None),
        TargetType::String(None),
        TargetType::Bytes(None),
        TargetType::Date,
        TargetType::DateTime,
        TargetType::Timestamp,
        TargetType::Time,
        TargetType::Json,
        TargetType::Geography,
    ];
    let mut with_flaws = 0;
    for (source, raw) in &extremes {
        for target in &targets {
            let Some(way) = carriage(source, target) else { continue };
            let carried = ColumnPlan { encoding: way.encoding, staged: way.staged, ..column("x", source.clone()) };
            let mut out = Column::new(&plan(vec![column("id", INT), carried], &[0], 0), 1);
            let pushed = out.push(Some(raw));
            let has_flaw = matches!(pushed, Err(Unfit::Flaw(_)));
            assert_eq!(has_flaw, way.encoding.has_flaws(), "{source} -> {target}: {pushed:?}");
            with_flaws += usize::from(has_flaw);
        }
    }
    assert_eq!(with_flaws, 10, "BIGINT UNSIGNED, TINYINT as BOOL, dates and times in their own types");
}

fn masked(name: &str, source: SourceType, mask: Mask) -> ColumnPlan {
    let text = TargetType::String(None);
    let way = masked_carriage(&source, &text, &mask).unwrap();
    let (encoding, staged) = (way.encoding, way.staged);
    ColumnPlan { target_type: text, encoding, staged, mask: Some(mask), ..column(name, source) }
}

#[test]
fn a_value_is_masked_before_it_is_stored_anywhere() {
    let keyed = Mask::Hmac(Secret::new("key"));
    let columns = vec![
        column("id", INT),
        masked("a", TEXT, Mask::Sha256),
        masked("b", INT, Mask::Sha256),
        masked("c", SourceType::Binary, keyed.clone()),
        masked("d", TEXT, Mask::Last(4)),
        ColumnPlan { mask: Some(Mask::Null), ..column("e", INT) },
    ];
    let mut batcher = batcher(columns, |plan| plan.empty_string_as_null = true);
    let text = |text: &str| Some(text.as_bytes().to_vec());
    batcher.push(&vec![id(1), text("secret"), id(-42), Some(vec![0xff, 0]), text("41111234"), id(7)]).unwrap();
    assert!(!format!("{batcher:?}").contains("secret"));
    batcher.push(&vec![id(2), None, None, None, text(""), None]).unwrap();
    let rows = batcher.finish().unwrap().rows;
    let of = |position: usize| rows.column(position).as_string::<i32>().value(0).to_owned();
    assert_eq!((Some(of(1)), Some(of(2))), (Mask::Sha256.of(b"secret"), Mask::Sha256.of(b"-42")));
    assert_eq!((Some(of(3)), of(4)), (keyed.of(&[0xff, 0]), "1234".to_owned()));
    assert_eq!(rows.column(5).null_count(), 2);
    for position in 1..=4 {
        assert!(rows.column(position).is_null(1), "a NULL stays NULL, and so does an empty text that is one");
    }
}

#[test]
fn invalid_text_under_a_mask_is_refused_without_being_shown() {
    let mut batcher = batcher(vec![column("id", INT), masked("name", TEXT, Mask::Sha256)], |_| {});
    let fault = batcher.push(&vec![id(42), Some(b"secret \xff".to_vec())]).unwrap_err();
    assert_eq!(fault.to_string(), "Column `name` of t is not valid UTF-8 in the row with `id` = 42");
    assert!(fault.hint().contains("mask: {name: null}") && !fault.hint().contains("BYTES"), "{}", fault.hint());
}
