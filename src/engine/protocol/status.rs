//! Where things stand, as the engine tells it when asked.

use serde::{Deserialize, Serialize};

use super::command::BackfillAsk;
use crate::domain::cursor::Cursor;
use crate::domain::ids::{JobId, MappingName};
use crate::domain::schema::Decisions;
use crate::format;
use crate::state::{BackfillState, Holder, LastRun};

/// A mapping at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MappingStatus {
    pub mapping: MappingName,
    pub source: String,
    pub target: String,
    pub mode: String,
    pub watermark: Option<String>,
    /// The incremental column's greatest value in MySQL; `None` for an empty table or when it could not be asked.
    pub newest: Option<String>,
    pub lag: Option<Lag>,
    pub last_run: Option<LastRun>,
    /// Why the source could not be asked.
    pub problem: Option<String>,
    #[serde(default)]
    pub asked: Asked,
    /// A publish whose end is not known yet; the next run asks.
    pub pending: Option<JobId>,
    /// Who works on it right now, here or elsewhere.
    pub held_by: Option<Holder>,
    /// A backfill that has not come to its end.
    pub backfill: Option<BackfillState>,
    /// Its table has appeared since the entry that takes it was first expanded, and waits for a decision.
    #[serde(default)]
    pub new_table: bool,
    /// Columns that wait for a decision.
    pub undecided: Vec<String>,
    /// What has been decided, by column.
    pub decisions: Decisions,
}

/// What asking came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    #[default]
    Answered,
    /// The problem is that nobody answered, or that nobody was asked after others did not: nothing is known to be wrong.
    Unanswered,
    /// It would have taken a scan, which was not asked for.
    Spared,
}

/// What a backfill would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillPreview {
    pub ask: BackfillAsk,
    /// The window as it would be moved: `[2026-10-01 00:00:00, 2026-10-31 23:59:59]`.
    pub window: String,
    /// What was asked for and will not be done, in words.
    pub notes: Vec<String>,
    /// In order; `(window, rows)`, rows by the index.
    pub slices: Vec<SlicePreview>,
    /// There are more slices than are listed.
    pub more_slices: bool,
    /// By the server's statistics.
    pub rows_estimate: Option<u64>,
    /// Of the values in MySQL, by the server's statistics.
    pub bytes_estimate: Option<u64>,
    /// Rows of the target within the window; `None` when there is no table yet.
    pub rows_in_target: Option<u64>,
    /// `merge` or `insert missing`, with what that means.
    pub publish: String,
    /// `None` where BigQuery could not be asked, or has no table yet.
    pub publish_bytes: Option<PublishBytes>,
    /// An unfinished backfill of the mapping, which the same words go on with.
    pub unfinished: Option<BackfillState>,
}

/// Bytes that publishing would read in BigQuery, which is what it bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishBytes {
    /// Of the table by each publish; an upper bound.
    pub of_table: u64,
    /// One for each slice.
    pub publishes: u64,
    /// By all of them, with the rows that come from MySQL.
    pub in_all: u64,
}

impl PublishBytes {
    /// For the preview; both front ends say it alike.
    #[must_use]
    pub fn words(&self) -> String {
        let (of_table, in_all) = (format::bytes(self.of_table), format::bytes(self.in_all));
        match self.publishes {
            1 => format!("at most {of_table} of the table, about {in_all} with the rows themselves"),
            many => {
                let many = format::count(many);
                format!("at most {of_table} of the table by each of {many} publishes, about {in_all} in all")
            }
        }
    }
}

/// A slice of a backfill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlicePreview {
    pub window: String,
    /// `None` for the last one, which holds at most as many as the others.
    pub rows: Option<u64>,
}

/// How far the source's newest row is ahead of the watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    Seconds(i64),
    /// Steps of an integer cursor, an upper bound of the rows.
    Steps(i64),
}

impl Lag {
    /// Of a watermark behind the newest value; `None` where one of them is no date.
    pub(in crate::engine) fn between(mark: Cursor, newest: Cursor) -> Option<Self> {
        match (mark, newest) {
            (Cursor::Int(mark), Cursor::Int(newest)) => i64::try_from((newest - mark).max(0)).ok().map(Self::Steps),
            (Cursor::Moment(mark), Cursor::Moment(newest)) => {
                let behind = newest.to_naive()? - mark.to_naive()?;
                Some(Self::Seconds(behind.num_seconds().max(0)))
            }
            _ => None,
        }
    }

    /// `None` for an integer column, whose steps take no time.
    pub(in crate::engine) fn seconds(self) -> Option<u64> {
        match self {
            Self::Seconds(seconds) => u64::try_from(seconds).ok(),
            Self::Steps(_) => None,
        }
    }
}
