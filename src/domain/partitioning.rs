//! How a BigQuery table is partitioned, and how far a step may reach so that its publish writes few enough partitions.

use std::fmt;

use chrono::TimeDelta;

use super::cursor::{Cursor, Moment};
use super::quote;

/// The most partitions that one job may write. Source: BigQuery, "Quotas and limits", partitioned tables.
const MOST_OF_A_JOB: i64 = 4_000;

/// Partitions kept in reserve: a step may begin and end in the middle of a partition, and an instant may lie on another
/// day in UTC than in its column's zone.
const SLACK: i64 = 4;

/// The pseudo-column of a table that is partitioned by the time of loading.
const LOADED: &str = "_PARTITIONTIME";

/// The partitioning of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partitioning {
    /// `None`: by the time of loading, which only a pseudo-column shows.
    pub column: Option<String>,
    pub unit: PartitionUnit,
    /// BigQuery refuses every statement that reads the table without a condition on this column.
    pub needs_filter: bool,
    /// How long a partition lives; `None`: as long as the table.
    pub life: Option<TimeDelta>,
}

/// What one partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionUnit {
    Hour,
    Day,
    Month,
    Year,
    Range(Ranges),
}

/// Ranges of `size` whole numbers each, from `start` up to `end`, which is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    pub start: i64,
    pub end: i64,
    pub size: i64,
}

impl Partitioning {
    #[must_use]
    pub const fn new(column: Option<String>, unit: PartitionUnit) -> Self {
        Self { column, unit, needs_filter: false, life: None }
    }

    /// Partitioning by day of a column, the default.
    #[must_use]
    pub const fn by_day(column: String) -> Self {
        Self::new(Some(column), PartitionUnit::Day)
    }
}

/// Writes `by day of `created_at``.
impl fmt::Display for Partitioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.column, self.unit) {
            (Some(column), PartitionUnit::Range(Ranges { start, end, size })) => {
                write!(f, "by ranges of `{column}`, {size} each from {start} to {end}")
            }
            (Some(column), unit) => write!(f, "by {} of `{column}`", unit.word()),
            (None, unit) => write!(f, "by {} of loading", unit.word()),
        }
    }
}

impl Partitioning {
    /// The condition that a statement must contain if the table requires a partition filter; `None` if it requires
    /// none. It is true of every row, because the statement's own bounds exclude rows. `alias`: the table's in the
    /// statement; empty if it has none.
    #[must_use]
    pub fn condition(&self, alias: &str) -> Option<String> {
        let name = quote::bigquery_name(self.column.as_deref().unwrap_or(LOADED));
        let name = if alias.is_empty() { name } else { format!("{alias}.{name}") };
        self.needs_filter.then(|| format!("({name} IS NULL OR {name} IS NOT NULL)"))
    }
}

impl PartitionUnit {
    /// The word in the configuration and in BigQuery; `range` for ranges.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
            Self::Range(_) => "range",
        }
    }

    /// The greatest value that one job may write together with `first`; `None` where no two values are too far apart.
    #[must_use]
    pub fn reach(self, first: Cursor) -> Option<Cursor> {
        let units = MOST_OF_A_JOB - SLACK;
        match (self, first) {
            (Self::Hour, Cursor::Moment(moment)) => later(moment, TimeDelta::hours(units - 48)),
            (Self::Day, Cursor::Moment(moment)) => later(moment, TimeDelta::days(units)),
            (Self::Range(ranges), Cursor::Int(first)) => {
                Some(Cursor::Int(first.saturating_add(i128::from(ranges.size) * i128::from(units))))
            }
            // The years that partitions may hold (1960 to 2159) have fewer months than the limit.
            _ => None,
        }
    }
}

/// The moment later `by` a time; `None` beyond the last day that there is. A date that no calendar has, and BigQuery
/// cannot hold, stays unchanged.
fn later(moment: Moment, by: TimeDelta) -> Option<Cursor> {
    let Some(at) = moment.to_naive() else { return Some(Cursor::Moment(moment)) };
    Some(Cursor::Moment(Moment::from_naive(at.checked_add_signed(by)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Cursor {
        Cursor::Moment(Moment::parse(text).unwrap())
    }

    #[test]
    fn a_step_reaches_as_far_as_one_job_may_write() {
        let first = at("2001-03-04 05:06:07");
        assert_eq!(PartitionUnit::Day.reach(first), Some(at("2012-02-11 05:06:07")));
        assert_eq!(PartitionUnit::Hour.reach(first), Some(at("2001-08-15 17:06:07")));
        let ranges = PartitionUnit::Range(Ranges { start: 0, end: 1_000_000, size: 100 });
        assert_eq!(ranges.reach(Cursor::Int(-7)), Some(Cursor::Int(399_593)));
        assert_eq!(PartitionUnit::Month.reach(first), None);
        assert_eq!(PartitionUnit::Day.reach(Cursor::Int(1)), None);
        let never = Cursor::Moment(Moment::default());
        assert_eq!(PartitionUnit::Day.reach(never), Some(never));
    }

    #[test]
    fn a_partitioning_is_written_in_words() {
        let ranges = PartitionUnit::Range(Ranges { start: 0, end: 1_000, size: 100 });
        let said = [
            Partitioning::by_day("at".to_owned()),
            Partitioning::new(Some("id".to_owned()), ranges),
            Partitioning::new(None, PartitionUnit::Month),
        ];
        let said: Vec<_> = said.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["by day of `at`", "by ranges of `id`, 100 each from 0 to 1000", "by month of loading"]);
    }

    #[test]
    fn no_step_writes_more_days_than_a_job_may() {
        let (Some(Cursor::Moment(last)), Cursor::Moment(first)) =
            (PartitionUnit::Day.reach(at("2001-01-01 23:59:59")), at("2001-01-01 23:59:59"))
        else {
            panic!("a day has a reach")
        };
        let days = (last.to_naive().unwrap().date() - first.to_naive().unwrap().date()).num_days() + 1;
        // One more at each end in another zone.
        assert!(days + 2 <= MOST_OF_A_JOB, "{days}");
    }
}
