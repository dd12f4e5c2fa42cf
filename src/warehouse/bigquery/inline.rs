//! Rows that travel within their publish, as one parameter of its statement: an array of structs.
//!
//! BigQuery reads a parameter's values by the rules of its text literals, so each staged type has a text that is read
//! back as the same value. Rows with a value that has no such text (a character that JSON may not carry, a year of five
//! digits) are staged.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::query_parameter_type::QueryParameterType;
use gcp_bigquery_client::model::query_parameter_type_struct_types::QueryParameterTypeStructTypes;
use gcp_bigquery_client::model::query_parameter_value::QueryParameterValue;

use super::literal::column;
use super::ranges::{self, RangeTracker};
use crate::domain::plan::TablePlan;
use crate::domain::type_map::StagedType;
use crate::warehouse::{Inline, StageOrder, Staged};

/// The parameter's name.
const ROWS: &str = "rows";

/// A request may have 10 MB, and JSON writes a control character as six. Source: BigQuery quotas, "Query request size".
const MOST_BYTES: usize = 1024 * 1024;

/// Each value carries its name: 25 bytes on top of its own.
const MOST_VALUES: usize = 50_000;

/// Rows that are held back while they are few.
#[derive(Default)]
pub struct Held {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Held {
    /// Tells if these rows and the held ones fit into one request.
    pub fn takes(&self, more: &RecordBatch, order: &StageOrder) -> bool {
        let rows = self.rows + more.num_rows();
        u64::try_from(rows).is_ok_and(|rows| rows <= order.inline_rows)
            && rows.saturating_mul(more.num_columns()) <= MOST_VALUES
            && self.bytes + bytes_of(more) <= MOST_BYTES
            && has_texts(more, &order.plan)
    }

    pub fn add(&mut self, more: RecordBatch) {
        self.rows += more.num_rows();
        self.bytes += bytes_of(&more);
        self.batches.push(more);
    }

    pub fn into_batches(self) -> Vec<RecordBatch> {
        self.batches
    }

    /// Makes the held rows ready to be published.
    pub fn staged(self, order: StageOrder) -> Staged {
        let range = |position: usize| {
            let mut tracker = RangeTracker::new(position, order.plan.columns[position].staged);
            self.batches.iter().for_each(|rows| tracker.follow(rows));
            tracker.literals()
        };
        Staged {
            key_ranges: order.plan.keys.iter().map(|&key| range(key)).collect(),
            cursor_range: order.plan.cursor.and_then(|cursor| range(cursor.position)),
            table: order.staging,
            rows: self.rows as u64,
            bytes: self.bytes as u64,
            inline: Some(Inline(self.batches.into())),
        }
    }
}

/// Bytes of the rows' values; a slice counts only its own part of the array.
fn bytes_of(rows: &RecordBatch) -> usize {
    let of = |array: &dyn Array| array.to_data().get_slice_memory_size().unwrap_or(usize::MAX);
    rows.columns().iter().fold(0, |all, array| all.saturating_add(of(array)))
}

fn has_texts(rows: &RecordBatch, plan: &TablePlan) -> bool {
    plan.columns.iter().zip(rows.columns()).all(|(of, array)| {
        (0..array.len()).all(|row| array.is_null(row) || text(array.as_ref(), of.staged, row).is_some())
    })
}

/// The rows as a FROM names them, with the column names of a staging table.
pub fn relation(plan: &TablePlan) -> String {
    let columns: Vec<String> = plan
        .columns
        .iter()
        .enumerate()
        .map(|(position, c)| format!("__r.{} AS {}", field(position), column(&c.staged_name)))
        .collect();
    format!("(SELECT {} FROM UNNEST(@{ROWS}) AS __r)", columns.join(", "))
}

fn field(position: usize) -> String {
    format!("c{position}")
}

/// The rows as the statement's parameter.
pub fn parameter(plan: &TablePlan, rows: &Inline) -> QueryParameter {
    let scalar = |name: &str| QueryParameterType { r#type: name.to_owned(), ..QueryParameterType::default() };
    let fields = plan.columns.iter().enumerate().map(|(position, c)| QueryParameterTypeStructTypes {
        name: Some(field(position)),
        r#type: Some(scalar(c.staged.target_type().name())),
        ..QueryParameterTypeStructTypes::default()
    });
    let of_a_row = QueryParameterType { struct_types: Some(fields.collect()), ..scalar("STRUCT") };
    let values = rows.0.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| values(plan, batch, row))).collect();
    QueryParameter {
        name: Some(ROWS.to_owned()),
        parameter_type: Some(QueryParameterType { array_type: Some(Box::new(of_a_row)), ..scalar("ARRAY") }),
        parameter_value: Some(QueryParameterValue { array_values: Some(values), ..QueryParameterValue::default() }),
    }
}

/// One row's values; a missing value is NULL.
fn values(plan: &TablePlan, batch: &RecordBatch, row: usize) -> QueryParameterValue {
    let value = |(position, array): (usize, &arrow_array::ArrayRef)| {
        let value = (!array.is_null(row)).then(|| text(array.as_ref(), plan.columns[position].staged, row)).flatten();
        (field(position), QueryParameterValue { value, ..QueryParameterValue::default() })
    };
    let values = batch.columns().iter().enumerate().map(value).collect();
    QueryParameterValue { struct_values: Some(values), ..QueryParameterValue::default() }
}

/// The text of a value that is not NULL; `None` where no text would be read back as the same value.
fn text(array: &dyn Array, staged: StagedType, row: usize) -> Option<String> {
    Some(match staged {
        StagedType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        // The shortest digits that are read back as the same number.
        StagedType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        StagedType::Bool => array.as_boolean().value(row).to_string(),
        StagedType::Decimal { scale, .. } => ranges::decimal(array.as_primitive::<Decimal128Type>().value(row), scale),
        StagedType::Date => ranges::date(array.as_primitive::<Date32Type>().value(row).into())?,
        StagedType::Timestamp => format!("{}+00:00", micros(array, row)?),
        StagedType::DateTime => micros(array, row)?.replacen(' ', "T", 1),
        StagedType::Text => Some(array.as_string::<i32>().value(row)).filter(|text| !text.contains('\0'))?.to_owned(),
        StagedType::Bytes => STANDARD.encode(array.as_binary::<i32>().value(row)),
    })
}

fn micros(array: &dyn Array, row: usize) -> Option<String> {
    ranges::micros(array.as_primitive::<TimestampMicrosecondType>().value(row).into())
}

#[cfg(test)]
mod tests;
