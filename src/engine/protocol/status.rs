//! The standing of mappings, as the engine gives it when asked.

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
    /// The incremental column's greatest value in MySQL; `None` for an empty table or when MySQL could not be asked.
    pub newest: Option<String>,
    pub lag: Option<Lag>,
    pub last_run: Option<LastRun>,
    /// Why the source could not be asked.
    pub problem: Option<String>,
    #[serde(default)]
    pub asked: Asked,
    /// A publish whose end is not known yet; the next run asks for it.
    pub pending: Option<JobId>,
    /// Who works on the mapping right now, here or elsewhere.
    pub held_by: Option<Holder>,
    /// A backfill that has not ended.
    pub backfill: Option<BackfillState>,
    /// The mapping's table appeared after the entry that takes it was first expanded, and waits for a decision.
    #[serde(default)]
    pub new_table: bool,
    /// Columns that wait for a decision.
    pub undecided: Vec<String>,
    /// The decisions made, by column.
    pub decisions: Decisions,
}

/// How asking the source ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    #[default]
    Answered,
    /// The problem is only that nobody answered, or that this mapping was not asked after others did not answer;
    /// nothing is known to be wrong.
    Unanswered,
    /// The answer needs a scan, which was not asked for.
    Spared,
}

/// The preview of a backfill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillPreview {
    pub ask: BackfillAsk,
    /// The window that would be moved: `[2026-10-01 00:00:00, 2026-10-31 23:59:59]`.
    pub window: String,
    /// What was asked for and will not be done, in words.
    pub notes: Vec<String>,
    /// The slices in order, with their rows by the index.
    pub slices: Vec<SlicePreview>,
    /// There are more slices than those listed.
    pub more_slices: bool,
    /// Rows in MySQL by the server's statistics.
    pub rows_estimate: Option<u64>,
    /// Bytes of the values in MySQL, by the server's statistics.
    pub bytes_estimate: Option<u64>,
    /// Rows of the target within the window; `None` if the table does not exist yet.
    pub rows_in_target: Option<u64>,
    /// `merge` or `insert missing`, with an explanation.
    pub publish: String,
    /// `None` if BigQuery could not be asked, or has no table yet.
    pub publish_bytes: Option<PublishBytes>,
    /// An unfinished backfill of the mapping; the same words go on with it.
    pub unfinished: Option<BackfillState>,
}

/// Bytes that publishing would read in BigQuery, which is what it bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishBytes {
    /// Bytes of the table that each publish reads; an upper bound.
    pub of_table: u64,
    /// The number of publishes, one for each slice.
    pub publishes: u64,
    /// Bytes that all publishes read, including the rows that come from MySQL.
    pub in_all: u64,
}

impl PublishBytes {
    /// The words of the preview, the same in both front ends.
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
    /// `None` for the last slice, which holds at most as many rows as the others.
    pub rows: Option<u64>,
}

/// How far the source's newest row is ahead of the watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    Seconds(i64),
    /// Steps of an integer cursor: an upper bound of the number of rows.
    Steps(i64),
}

impl Lag {
    /// The lag of a watermark behind the newest value; `None` if one of them is not a date.
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

    /// The lag in seconds; `None` for an integer column, whose steps take no time.
    pub(in crate::engine) fn seconds(self) -> Option<u64> {
        match self {
            Self::Seconds(seconds) => u64::try_from(seconds).ok(),
            Self::Steps(_) => None,
        }
    }
}
