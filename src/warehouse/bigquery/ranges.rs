//! The smallest and greatest value of a column over all batches of a file, as SQL literals.
//!
//! BigQuery prunes a MERGE's target only by constants, never by what the source holds, so the statement contains the
//! range of the staged keys.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use chrono::{DateTime, NaiveDateTime};

use crate::domain::type_map::StagedType;

/// Tracks the range of one column.
#[derive(Debug)]
pub struct RangeTracker {
    column: usize,
    staged: StagedType,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Empty,
    Range(i128, i128),
    /// A NULL was seen, which no range holds, or values of the type are not ordered here.
    Unknown,
}

impl RangeTracker {
    #[must_use]
    pub fn new(column: usize, staged: StagedType) -> Self {
        let ordered = matches!(
            staged,
            StagedType::Int64
                | StagedType::Decimal { .. }
                | StagedType::Date
                | StagedType::Timestamp
                | StagedType::DateTime
        );
        Self { column, staged, state: if ordered { State::Empty } else { State::Unknown } }
    }

    pub fn follow(&mut self, rows: &RecordBatch) {
        if matches!(self.state, State::Unknown) || rows.num_rows() == 0 {
            return;
        }
        let array = rows.column(self.column);
        let bounds = if array.null_count() > 0 { None } else { bounds(array.as_ref()) };
        self.state = match (bounds, self.state) {
            (None, _) => State::Unknown,
            (Some((low, high)), State::Range(least, most)) => State::Range(least.min(low), most.max(high)),
            (Some((low, high)), _) => State::Range(low, high),
        };
    }

    /// The two literals; `None` when there is no range.
    #[must_use]
    pub fn literals(&self) -> Option<(String, String)> {
        match self.state {
            State::Range(low, high) => Some((literal(self.staged, low)?, literal(self.staged, high)?)),
            State::Empty | State::Unknown => None,
        }
    }
}

/// Least and greatest of an array without NULLs.
fn bounds(array: &dyn Array) -> Option<(i128, i128)> {
    match array.data_type() {
        DataType::Int64 => ends(array.as_primitive::<Int64Type>().values().iter().map(|&v| i128::from(v))),
        DataType::Decimal128(..) => ends(array.as_primitive::<Decimal128Type>().values().iter().copied()),
        DataType::Date32 => ends(array.as_primitive::<Date32Type>().values().iter().map(|&v| i128::from(v))),
        DataType::Timestamp(..) => {
            ends(array.as_primitive::<TimestampMicrosecondType>().values().iter().map(|&v| i128::from(v)))
        }
        _ => None,
    }
}

fn ends(values: impl Iterator<Item = i128>) -> Option<(i128, i128)> {
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

fn literal(staged: StagedType, value: i128) -> Option<String> {
    match staged {
        // The smallest INT64 has no literal: `-` is an operator, and 2^63 alone is out of range.
        StagedType::Int64 => (value != i128::from(i64::MIN)).then(|| value.to_string()),
        StagedType::Decimal { scale, .. } => Some(format!("NUMERIC '{}'", decimal(value, scale))),
        StagedType::Date => Some(format!("DATE '{}'", date(value)?)),
        StagedType::Timestamp => Some(format!("TIMESTAMP '{}+00'", micros(value)?)),
        StagedType::DateTime => Some(format!("DATETIME '{}'", micros(value)?)),
        StagedType::Float64 | StagedType::Bool | StagedType::Text | StagedType::Bytes => None,
    }
}

/// The digits of a decimal, with a point where it has a scale.
pub fn decimal(value: i128, scale: u8) -> String {
    if scale == 0 {
        return value.to_string();
    }
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    format!("{sign}{whole}.{fraction}")
}

/// A date such as `2026-11-23` from days since 1970; `None` where BigQuery has no such date.
pub fn date(days: i128) -> Option<String> {
    let seconds = i64::try_from(days).ok()?.checked_mul(86_400)?;
    let day = DateTime::from_timestamp(seconds, 0)?.naive_utc();
    in_range(day).then(|| day.format("%Y-%m-%d").to_string())
}

/// A time such as `2026-11-23 08:00:00.000000` from microseconds since 1970; `None` where BigQuery has no such time.
pub fn micros(value: i128) -> Option<String> {
    let at = DateTime::from_timestamp_micros(i64::try_from(value).ok()?)?.naive_utc();
    in_range(at).then(|| at.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
}

/// BigQuery's years have at most four digits.
fn in_range(at: NaiveDateTime) -> bool {
    use chrono::Datelike;
    (1..=9999).contains(&at.year())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::*;

    fn batch(values: Vec<Option<i64>>) -> RecordBatch {
        let array: ArrayRef = Arc::new(Int64Array::from(values));
        RecordBatch::try_from_iter_with_nullable([("id", array, true)]).unwrap()
    }

    #[test]
    fn a_range_spans_all_batches() {
        let mut tracker = RangeTracker::new(0, StagedType::Int64);
        tracker.follow(&batch(vec![Some(7), Some(-3)]));
        tracker.follow(&batch(vec![]));
        tracker.follow(&batch(vec![Some(12)]));
        assert_eq!(tracker.literals(), Some(("-3".into(), "12".into())));
    }

    #[test]
    fn a_null_key_makes_the_range_unknown() {
        let mut tracker = RangeTracker::new(0, StagedType::Int64);
        tracker.follow(&batch(vec![Some(7), None]));
        tracker.follow(&batch(vec![Some(8)]));
        assert_eq!(tracker.literals(), None);
    }

    #[test]
    fn literals_are_exact() {
        let numeric = StagedType::Decimal { precision: 10, scale: 2 };
        assert_eq!(literal(numeric, -5).unwrap(), "NUMERIC '-0.05'");
        assert_eq!(literal(StagedType::Date, 20_780).unwrap(), "DATE '2026-11-23'");
        let at = 1_795_420_798_000_001;
        assert_eq!(literal(StagedType::Timestamp, at).unwrap(), "TIMESTAMP '2026-11-23 07:59:58.000001+00'");
        assert_eq!(literal(StagedType::DateTime, at).unwrap(), "DATETIME '2026-11-23 07:59:58.000001'");
        assert_eq!(literal(StagedType::Int64, i128::from(i64::MIN)), None);
    }
}
