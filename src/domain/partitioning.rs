//! How a BigQuery table is cut into partitions, and how far a step may reach so that its publish writes few enough.

use chrono::TimeDelta;

use super::cursor::{Cursor, Moment};

/// Partitions that one job may write. Source: BigQuery, "Quotas and limits", partitioned tables.
const MOST_OF_A_JOB: i64 = 4_000;

/// A step may begin and end in the middle of a partition, and an instant may lie in another day in UTC than in its column's
/// zone.
const SLACK: i64 = 4;

/// What a table is partitioned by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partitioning {
    /// `None`: by the time of loading, which only a pseudo-column shows.
    pub column: Option<String>,
    pub unit: PartitionUnit,
    /// BigQuery refuses whatever reads the table without a condition on it.
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
    /// So many whole numbers.
    Range(i64),
}

impl Partitioning {
    /// By day of a column, as bqsync makes its tables.
    #[must_use]
    pub fn by_day(column: String) -> Self {
        Self { column: Some(column), unit: PartitionUnit::Day, needs_filter: false, life: None }
    }
}

impl PartitionUnit {
    /// The greatest value that one job may write together with `first`; `None` where no two values are too far apart.
    #[must_use]
    pub fn reach(self, first: Cursor) -> Option<Cursor> {
        let units = MOST_OF_A_JOB - SLACK;
        match (self, first) {
            (Self::Hour, Cursor::Moment(moment)) => later(moment, TimeDelta::hours(units - 48)),
            (Self::Day, Cursor::Moment(moment)) => later(moment, TimeDelta::days(units)),
            (Self::Range(size), Cursor::Int(first)) => {
                Some(Cursor::Int(first.saturating_add(i128::from(size) * i128::from(units))))
            }
            // Of the years that partitions may hold (1960 to 2159) there are not so many months.
            _ => None,
        }
    }
}

/// `None` beyond the last day that there is. A date that no calendar has, and that BigQuery cannot hold, is left to itself.
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
        assert_eq!(PartitionUnit::Range(100).reach(Cursor::Int(-7)), Some(Cursor::Int(399_593)));
        assert_eq!(PartitionUnit::Month.reach(first), None);
        assert_eq!(PartitionUnit::Day.reach(Cursor::Int(1)), None);
        let never = Cursor::Moment(Moment::default());
        assert_eq!(PartitionUnit::Day.reach(never), Some(never));
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
