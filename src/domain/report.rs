//! The results of a run, in the original tool's keys and ours.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::config::Mode;
use super::counted::counted;
use super::fault::{Fault, FaultKind};
use super::ids::{JobId, MappingName, RunId};
use super::mirror::Mirrored;
use super::replacement::{Replacement, Shrink};
use super::undecided::Undecided;
use super::verify::Repair;

/// How a mapping's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything up to the window's end is in BigQuery.
    Ok,
    Failed,
    /// Stopped at a safe point by the operator.
    Cancelled,
    /// `allow_schema_additions: review`, and there is something to decide.
    Waiting,
}

impl Outcome {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Waiting => "REVIEW",
        }
    }
}

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A person, or a program that called `run-once`.
    #[default]
    Manual,
    Schedule,
    Backfill,
    Deletes,
    Repair,
}

impl Trigger {
    /// Whether such a run moves rows from the watermark on.
    #[must_use]
    pub const fn is_incremental(self) -> bool {
        match self {
            Self::Manual | Self::Schedule => true,
            Self::Backfill | Self::Deletes | Self::Repair => false,
        }
    }

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Schedule => "schedule",
            Self::Backfill => "backfill",
            Self::Deletes => "deletes",
            Self::Repair => "repair",
        }
    }
}

/// One object of `etl/reports/report.json`. The first five keys are the original tool's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MappingReport {
    pub mapping_name: MappingName,
    pub mode: Mode,
    /// Rows read from MySQL and published.
    pub records_processed: u64,
    pub errors: Vec<String>,
    pub duration_seconds: f64,

    pub run_id: RunId,
    pub outcome: Outcome,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub source: String,
    pub target: String,
    /// The window that was moved; `None` if there was nothing new or the run ended before the window was known.
    pub window: Option<String>,
    /// Why rows wait for the next run: other rows may still come with their values.
    #[serde(default)]
    pub held_back: Option<String>,
    /// How far the window's end is behind the newest row that MySQL had when the window was fixed, if the column is a
    /// time.
    #[serde(default)]
    pub lag_seconds: Option<u64>,
    /// Rows below the watermark that were read again, because they differed from what the last run had left.
    #[serde(default)]
    pub rows_read_again: u64,
    /// A lower bound of how many of these came late, that is, after a run had passed their value.
    #[serde(default)]
    pub rows_late: u64,
    /// Published steps, each with its own watermark or checkpoint.
    #[serde(default)]
    pub steps: u64,
    pub watermark_before: Option<String>,
    pub watermark_after: Option<String>,
    pub rows_inserted: u64,
    pub rows_updated: u64,
    /// Bytes of values read from MySQL, for the rows that were published.
    #[serde(default)]
    pub bytes_read: u64,
    /// The result of looking for deleted rows; `None` if the run did not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
    /// What replaced what; `None` if no whole table was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replacement>,
    /// The results of a mirror's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirrored: Option<Mirrored>,
    /// Why a whole table was not replaced, where `--allow-shrink` would allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrink: Option<Shrink>,
    /// The result of comparing both sides and mending differences; `None` if the run did not compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// Bytes of Parquet uploaded.
    pub bytes_staged: u64,
    /// Bytes billed for all statements of the run, including those that only count. Loads and copies are free.
    pub bytes_billed: Option<u64>,
    /// Bytes that BigQuery estimated for these statements before they began.
    #[serde(default)]
    pub bytes_estimated: Option<u64>,
    /// The number of attempts; 1 if nothing was retried.
    pub attempts: u32,
    pub error_kind: Option<FaultKind>,
    /// The server that was not reached, if that is the error.
    #[serde(skip)]
    pub absent: Option<String>,
    /// The operator's next step after an error.
    pub hint: Option<String>,
    /// What the operator has to decide, if the outcome is `waiting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Undecided>,
    pub warnings: Vec<String>,
    /// Values that arrived as NULL because the target type cannot hold them.
    pub flaws: Vec<FlawCount>,
    /// DDL statements that were carried out.
    pub schema_changes: Vec<String>,
    pub jobs: Vec<JobId>,
}

/// Rows of the target that the source no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// Keys read from MySQL.
    pub keys: u64,
    /// Rows of the target, except those that were marked before.
    pub held: u64,
    /// Of these, the rows that MySQL no longer has.
    pub vanished: u64,
    /// Of these, the rows that were removed or marked.
    pub deleted: u64,
}

/// How many values of a column arrived as NULL, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlawCount {
    pub column: String,
    pub flaw: Flaw,
    pub count: u64,
}

/// Why a value could not be held by its target type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// `0000-00-00`, the 31st of February, a year of 0.
    InvalidDate,
    /// A TIME outside one day going to TIME, a TINYINT of 2 going to BOOL, ...
    OutOfRange,
}

impl Flaw {
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::InvalidDate => "zero or impossible date",
            Self::OutOfRange => "value out of the target type's range",
        }
    }
}

impl MappingReport {
    /// An empty report, filled in while the run goes on.
    #[must_use]
    pub fn begin(
        name: MappingName,
        mode: Mode,
        run_id: RunId,
        source: String,
        target: String,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            mapping_name: name,
            mode,
            records_processed: 0,
            errors: Vec::new(),
            duration_seconds: 0.0,
            run_id,
            outcome: Outcome::Ok,
            started_at: now,
            finished_at: now,
            source,
            target,
            window: None,
            held_back: None,
            lag_seconds: None,
            rows_read_again: 0,
            rows_late: 0,
            steps: 0,
            watermark_before: None,
            watermark_after: None,
            rows_inserted: 0,
            rows_updated: 0,
            bytes_read: 0,
            deletion: None,
            replaced: None,
            mirrored: None,
            shrink: None,
            repair: None,
            bytes_staged: 0,
            bytes_billed: None,
            bytes_estimated: None,
            attempts: 1,
            error_kind: None,
            absent: None,
            hint: None,
            waits_for: None,
            warnings: Vec::new(),
            flaws: Vec::new(),
            schema_changes: Vec::new(),
            jobs: Vec::new(),
        }
    }

    /// Records the fault that ended the run.
    pub fn fail(&mut self, fault: &Fault) {
        self.outcome = Outcome::Failed;
        self.errors.push(fault.to_string());
        self.error_kind = Some(fault.kind());
        self.absent = fault.absent().map(|absent| absent.server.clone());
        self.hint = Some(fault.hint().to_owned());
    }

    /// Rows that came below the watermark, in words; `None` if there were none.
    #[must_use]
    pub fn late(&self) -> Option<String> {
        let (late, again) = (counted(self.rows_late, "row"), counted(self.rows_read_again, "row"));
        (self.rows_late > 0).then(|| {
            format!("{late} had come below the watermark and arrived with this run ({again} read again for it)")
        })
    }

    #[must_use]
    pub fn took(&self) -> Duration {
        Duration::try_from_secs_f64(self.duration_seconds).unwrap_or_default()
    }

    /// Sets the end and the duration, which changes of the wall clock do not affect.
    pub fn finish(&mut self, now: DateTime<Utc>, took: Duration) {
        self.finished_at = now;
        // To the millisecond, which is precise enough.
        self.duration_seconds = (took.as_secs_f64() * 1000.0).round() / 1000.0;
    }
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    pub run_id: RunId,
    #[serde(default)]
    pub trigger: Trigger,
    /// `user@host`; empty in reports of earlier versions.
    #[serde(default)]
    pub by: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub mappings: Vec<MappingReport>,
}

/// A short summary of a run, for the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    pub run_id: RunId,
    pub trigger: Trigger,
    pub by: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub mappings: Vec<MappingName>,
    /// Rows read and published, over all mappings.
    pub rows: u64,
    /// The worst outcome of all mappings.
    pub outcome: Outcome,
    /// The figures of each mapping.
    #[serde(default)]
    pub parts: Vec<PartSummary>,
}

/// One mapping's part of a run's summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartSummary {
    pub mapping: MappingName,
    pub rows: u64,
    pub duration_ms: u64,
    pub bytes_billed: Option<u64>,
    pub outcome: Outcome,
}

impl From<&MappingReport> for PartSummary {
    fn from(report: &MappingReport) -> Self {
        Self {
            mapping: report.mapping_name.clone(),
            rows: report.records_processed,
            duration_ms: u64::try_from(report.took().as_millis()).unwrap_or(u64::MAX),
            bytes_billed: report.bytes_billed,
            outcome: report.outcome,
        }
    }
}

impl From<&RunReport> for RunSummary {
    fn from(report: &RunReport) -> Self {
        let worst = [Outcome::Failed, Outcome::Waiting, Outcome::Cancelled].into_iter().find(|o| report.any(*o));
        Self {
            run_id: report.run_id.clone(),
            trigger: report.trigger,
            by: report.by.clone(),
            started_at: report.started_at,
            finished_at: report.finished_at,
            mappings: report.mappings.iter().map(|m| m.mapping_name.clone()).collect(),
            rows: report.mappings.iter().map(|m| m.records_processed).sum(),
            outcome: worst.unwrap_or(Outcome::Ok),
            parts: report.mappings.iter().map(PartSummary::from).collect(),
        }
    }
}

impl RunReport {
    #[must_use]
    pub fn any(&self, outcome: Outcome) -> bool {
        self.mappings.iter().any(|m| m.outcome == outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_rows_are_reported_and_rows_that_were_only_read_again_are_not() {
        let (name, run) = (MappingName("orders".into()), RunId("r".into()));
        let (source, target) = ("shop.orders".to_owned(), "p.d.orders".to_owned());
        let mut report = MappingReport::begin(name, Mode::Upsert, run, source, target, DateTime::UNIX_EPOCH);
        report.rows_read_again = 7;
        assert_eq!(report.late(), None);
        report.rows_late = 2;
        let told = "2 rows had come below the watermark and arrived with this run (7 rows read again for it)";
        assert_eq!(report.late().as_deref(), Some(told));
    }
}
