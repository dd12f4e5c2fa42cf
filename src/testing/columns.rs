//! Converts rows to Arrow batches and back.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::DataType;
use chrono::{DateTime, NaiveDateTime, TimeDelta};

use super::value::{Row, Value};
use crate::domain::cursor::Moment;
use crate::domain::plan::TablePlan;
use crate::domain::staging::arrow_schema;

/// `rows` must be in the plan's order.
pub fn batch(plan: &TablePlan, rows: &[Row]) -> RecordBatch {
    let schema = arrow_schema(plan);
    let column = |(position, field): (usize, &Arc<arrow_schema::Field>)| {
        array(field.data_type(), rows.iter().map(move |row| &row[position]))
    };
    let columns: Vec<ArrayRef> = schema.fields().iter().enumerate().map(column).collect();
    RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
}

fn array<'a>(of: &DataType, values: impl Iterator<Item = &'a Value>) -> ArrayRef {
    match of {
        DataType::Int64 => Arc::new(values.map(number).collect::<Int64Array>()),
        DataType::Utf8 => Arc::new(values.map(text).collect::<StringArray>()),
        DataType::Timestamp(_, zone) => {
            let micros: TimestampMicrosecondArray = values.map(micros).collect();
            Arc::new(micros.with_timezone_opt(zone.clone()))
        }
        DataType::Date32 => Arc::new(values.map(days).collect::<Date32Array>()),
        other => panic!("tables in memory have no {other}"),
    }
}

fn number(value: &Value) -> Option<i64> {
    if let Value::Int(value) = value { Some(*value) } else { None }
}

fn text(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

fn micros(value: &Value) -> Option<i64> {
    if let Value::At(moment) = value { Some(moment.to_naive()?.and_utc().timestamp_micros()) } else { None }
}

fn days(value: &Value) -> Option<i32> {
    micros(value).and_then(|micros| i32::try_from(micros.div_euclid(86_400_000_000)).ok())
}

/// The rows of a batch, in the plan's order.
pub fn rows(batch: &RecordBatch) -> Vec<Row> {
    let row = |position| batch.columns().iter().map(|column| value(column, position)).collect();
    (0..batch.num_rows()).map(row).collect()
}

fn value(column: &ArrayRef, position: usize) -> Value {
    if column.is_null(position) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Int64 => Value::Int(column.as_primitive::<Int64Type>().value(position)),
        DataType::Utf8 => Value::Text(column.as_string::<i32>().value(position).to_owned()),
        DataType::Timestamp(..) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(position);
            Value::At(Moment::from_naive(DateTime::from_timestamp_micros(micros).unwrap().naive_utc()))
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(position);
            Value::At(Moment::from_naive(NaiveDateTime::default() + TimeDelta::days(days.into())))
        }
        other => panic!("tables in memory have no {other}"),
    }
}
