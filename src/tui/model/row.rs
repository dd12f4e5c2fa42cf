//! One mapping as the console knows it.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::late::Lateness;
use super::rates::Rates;
use super::run_log::RunLog;
use crate::domain::config::{Config, Mapping, Mode};
use crate::domain::ids::MappingName;
use crate::domain::report::{MappingReport, Outcome};
use crate::engine::{Asked, Lag, LastRun, MappingProgress, MappingStatus};

/// One mapping.
#[derive(Debug)]
pub struct Row {
    pub name: MappingName,
    pub source: String,
    pub target: String,
    /// The target as BigQuery's own tools write it: `project.dataset.table`.
    pub full_target: String,
    pub mode: Mode,
    /// `None`: every run looks at the whole table.
    pub cursor: Option<String>,
    pub keys: Vec<String>,
    pub lateness: Lateness,
    /// The state's latest content; `None` until it was read.
    pub status: Option<MappingStatus>,
    /// The last watermark that the state held.
    seen: Option<String>,
    /// Set when the state no longer holds a watermark.
    pub lost: Option<Lost>,
    pub measured: Option<Measured>,
    /// The progress, while a run of ours works on it.
    pub live: Option<MappingProgress>,
    pub rates: Rates,
    /// The latest run that this console has seen.
    pub log: Option<RunLog>,
}

/// MySQL's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub newest: Option<String>,
    pub lag: Option<Lag>,
    pub problem: Option<String>,
    pub asked: Asked,
    /// When newest and lag were read; `None` if they never were.
    pub at: Option<Instant>,
}

impl Measured {
    /// The age of the figures, once they are older than they should be.
    #[must_use]
    pub fn stale_for(&self, now: Instant) -> Option<Duration> {
        /// Some hundred mappings are measured within a minute.
        const FRESH: Duration = Duration::from_mins(2);
        let age = now.saturating_duration_since(self.at.filter(|_| self.newest.is_some())?);
        (age > FRESH).then_some(age)
    }
}

/// A watermark that was seen and that the state no longer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub watermark: String,
    /// The operator has been told.
    pub told: bool,
}

impl Row {
    pub(super) fn new(config: &Config, mapping: &Mapping) -> Self {
        Self {
            name: mapping.name.clone(),
            source: mapping.source.to_string(),
            target: config.shown(&mapping.target),
            full_target: mapping.target.to_string(),
            mode: mapping.mode,
            cursor: mapping.incremental_column.clone(),
            keys: mapping.primary_keys.clone(),
            lateness: Lateness::of(mapping.schedule.as_ref()),
            status: None,
            seen: None,
            lost: None,
            measured: None,
            live: None,
            rates: Rates::default(),
            log: None,
        }
    }

    /// The mode in words: `upsert by updated_at`; `replace`.
    #[must_use]
    pub fn how(&self) -> String {
        let by = self.cursor.as_ref().map(|cursor| format!(" by {cursor}")).unwrap_or_default();
        format!("{}{by}", self.mode.word())
    }

    #[must_use]
    pub fn watermark(&self) -> Option<&str> {
        self.status.as_ref()?.watermark.as_deref()
    }

    #[must_use]
    pub fn last_run(&self) -> Option<&LastRun> {
        self.status.as_ref()?.last_run.as_ref()
    }

    /// Why MySQL or the state could not be asked.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        let of_state = self.status.as_ref().and_then(|status| status.problem.as_deref());
        of_state.or_else(|| self.measured.as_ref().and_then(|measured| measured.problem.as_deref()))
    }

    /// Tells if the only problem is that nobody answered.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        match self.status.as_ref().filter(|status| status.problem.is_some()) {
            Some(of_state) => of_state.asked == Asked::Unanswered,
            None => self.measured.as_ref().is_some_and(|measured| measured.asked == Asked::Unanswered),
        }
    }

    /// Tells if the mapping's table waits for a decision.
    #[must_use]
    pub fn is_new_table(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.new_table)
    }

    #[must_use]
    pub fn undecided(&self) -> &[String] {
        self.status.as_ref().map_or(&[], |status| &status.undecided)
    }

    /// Tells if nobody works on it, here or elsewhere.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.live.is_none() && self.status.as_ref().is_none_or(|status| status.held_by.is_none())
    }

    /// Why the mapping is late, in words; `None` while somebody works on it.
    #[must_use]
    pub fn late(&self) -> Option<&str> {
        let held = self.status.as_ref().is_some_and(|status| status.held_by.is_some());
        if held || self.live.is_some() { None } else { self.lateness.words() }
    }

    pub(super) fn judge(&mut self, now: DateTime<Utc>) {
        let ended = self.last_run().map(|last| last.finished_at);
        let lag = self.measured.as_ref().and_then(|measured| measured.lag);
        self.lateness.judge(ended, lag, now);
    }

    /// The error and hint of the latest run: from the report seen here, or from the state.
    #[must_use]
    pub fn last_error(&self) -> Option<(&str, Option<&str>)> {
        if self.live.is_some() {
            return None;
        }
        let seen = self.log.as_ref().and_then(|log| log.report.as_ref());
        if let Some(report) = seen {
            return report.errors.first().map(|error| (error.as_str(), report.hint.as_deref()));
        }
        let last = self.last_run()?;
        last.error.as_deref().map(|error| (error, last.hint.as_deref()))
    }

    /// Keeps a run whose end is not in the state because it could not be written: its task panicked, or it got no
    /// lease.
    pub(super) fn keep_unrecorded(&self, status: &mut MappingStatus) {
        let known = self.last_run().filter(|last| self.log.as_ref().is_some_and(|log| log.run == last.run_id));
        let recorded = status.last_run.as_ref().map(|last| last.finished_at);
        if let Some(known) = known.filter(|known| recorded.is_none_or(|recorded| recorded < known.finished_at)) {
            status.last_run = Some(known.clone());
        }
    }

    /// Compares the state's content with the earlier one to find lost watermarks. `true` if that changes anything.
    pub(super) fn look_for_loss(&mut self, status: &MappingStatus) -> bool {
        // Nothing is known if the state cannot be read; a table that is looked at as a whole has no watermark to lose.
        if status.problem.is_some() || self.live.is_some() || !self.mode.has_windows() {
            return false;
        }
        let lost = match (&status.watermark, self.seen.clone()) {
            (Some(mark), _) => {
                self.seen = Some(mark.clone());
                None
            }
            (None, Some(watermark)) => self.lost.clone().or(Some(Lost { watermark, told: false })),
            (None, None) => None,
        };
        let changed = lost != self.lost;
        self.lost = lost;
        changed
    }

    /// Takes over what was known of the mapping before its file was read again.
    pub(super) fn take_over(&mut self, before: &mut Self) {
        self.status = before.status.take();
        self.log = before.log.take();
        self.measured = before.measured.take();
        self.seen = before.seen.take();
        // It is reported again, because the schedule is followed anew.
        self.lost = before.lost.take().map(|lost| Lost { told: false, ..lost });
    }

    /// Takes MySQL's figures; if MySQL gave none, the earlier ones stay and age. `true` if that changes anything.
    pub(super) fn measured(&mut self, mut new: Measured) -> bool {
        let known = self.measured.take();
        if let Some(known) = known.clone().filter(|_| new.asked != Asked::Answered) {
            new = Measured { problem: new.problem, asked: new.asked, ..known };
        }
        let changed = known.is_none_or(|known| Measured { at: new.at, ..known } != new);
        self.measured = Some(new);
        changed
    }

    pub(super) fn finished(&mut self, report: &MappingReport) {
        self.live = None;
        if let Some(measured) = self.measured.as_mut().filter(|_| report.outcome == Outcome::Ok) {
            // A run that ended well is newer than an earlier problem.
            (measured.problem, measured.asked) = (None, Asked::Answered);
        }
        let Some(status) = self.status.as_mut() else { return };
        status.watermark.clone_from(&report.watermark_after);
        status.held_by = None;
        let trigger = self.log.as_ref().map(|log| log.trigger).unwrap_or_default();
        status.last_run = Some(LastRun::of(report, trigger));
    }
}
