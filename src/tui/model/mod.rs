//! What the console knows of every mapping: from the configuration, the state, MySQL and the runs it has seen.

mod rates;
mod run_log;
#[cfg(test)]
pub(super) mod samples;
mod standing;

use std::collections::HashMap;
use std::time::Instant;

use chrono::{DateTime, Utc};

pub use self::rates::Rates;
pub use self::run_log::{Job, RunLog};
pub use self::standing::{Standing, Word};

use crate::domain::config::{Config, Mapping};
use crate::domain::ids::MappingName;
use crate::domain::report::MappingReport;
use crate::engine::{Lag, LastRun, MappingProgress, MappingStatus, Progress};

/// Both clocks, read once for each message: `update` looks at none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    pub at: Instant,
    pub utc: DateTime<Utc>,
}

/// One mapping.
#[derive(Debug)]
pub struct Row {
    pub name: MappingName,
    pub source: String,
    pub target: String,
    /// As BigQuery's own tools write it: `project.dataset.table`.
    pub full_target: String,
    pub mode: &'static str,
    pub cursor: String,
    pub keys: Vec<String>,
    /// The latest word of the state; `None` until it was read.
    pub status: Option<MappingStatus>,
    pub measured: Option<Measured>,
    /// While a run of ours works on it.
    pub live: Option<MappingProgress>,
    pub rates: Rates,
    /// The latest run that this console has seen.
    pub log: Option<RunLog>,
}

/// What MySQL said.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub newest: Option<String>,
    pub lag: Option<Lag>,
    pub problem: Option<String>,
}

impl Row {
    fn new(mapping: &Mapping) -> Self {
        Self {
            name: mapping.name.clone(),
            source: mapping.source.to_string(),
            target: format!("{}.{}", mapping.target.dataset, mapping.target.table),
            full_target: mapping.target.to_string(),
            mode: mapping.mode.word(),
            cursor: mapping.incremental_column.clone(),
            keys: mapping.primary_keys.clone(),
            status: None,
            measured: None,
            live: None,
            rates: Rates::default(),
            log: None,
        }
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

    #[must_use]
    pub fn undecided(&self) -> &[String] {
        self.status.as_ref().map_or(&[], |status| &status.undecided)
    }

    /// The report of the latest run seen here, or what the state kept of the last one.
    #[must_use]
    pub fn last_error(&self) -> Option<(&str, Option<&str>)> {
        if self.live.is_some() {
            return None;
        }
        let seen = self.log.as_ref().and_then(|log| log.report.as_ref());
        if let Some(report) = seen {
            report.errors.first().map(|error| (error.as_str(), report.hint.as_deref()))
        } else {
            let last = self.last_run()?;
            last.error.as_deref().map(|error| (error, last.hint.as_deref()))
        }
    }

    /// The state does not tell of a run that could not write its end into it: its task panicked, or it got no lease.
    fn keep_unrecorded(&self, status: &mut MappingStatus) {
        let known = self.last_run().filter(|last| self.log.as_ref().is_some_and(|log| log.run == last.run_id));
        let recorded = status.last_run.as_ref().map(|last| last.finished_at);
        if let Some(known) = known.filter(|known| recorded.is_none_or(|recorded| recorded < known.finished_at)) {
            status.last_run = Some(known.clone());
        }
    }

    fn finished(&mut self, report: &MappingReport) {
        self.live = None;
        let Some(status) = self.status.as_mut() else { return };
        status.watermark.clone_from(&report.watermark_after);
        status.held_by = None;
        status.last_run = Some(LastRun {
            run_id: report.run_id.clone(),
            trigger: self.log.as_ref().map(|log| log.trigger).unwrap_or_default(),
            finished_at: report.finished_at,
            outcome: report.outcome,
            rows: report.records_processed,
            duration_ms: u64::try_from((report.finished_at - report.started_at).num_milliseconds()).unwrap_or(0),
            error: report.errors.first().cloned(),
            hint: report.hint.clone(),
            lag_seconds: report.lag_seconds,
        });
    }
}

/// All mappings, in the order of the file.
#[derive(Debug, Default)]
pub struct Book {
    pub rows: Vec<Row>,
    places: HashMap<MappingName, usize>,
}

impl Book {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let rows: Vec<Row> = config.mappings.iter().map(Row::new).collect();
        let places = rows.iter().enumerate().map(|(place, row)| (row.name.clone(), place)).collect();
        Self { rows, places }
    }

    /// A mapping that is still in the file keeps what is known of it.
    pub fn take_over(&mut self, mut old: Self) {
        for row in &mut self.rows {
            if let Some(place) = old.places.get(&row.name).copied() {
                let before = &mut old.rows[place];
                row.status = before.status.take();
                row.log = before.log.take();
            }
        }
    }

    #[must_use]
    pub fn get(&self, name: &MappingName) -> Option<&Row> {
        self.rows.get(*self.places.get(name)?)
    }

    pub fn get_mut(&mut self, name: &MappingName) -> Option<&mut Row> {
        self.rows.get_mut(*self.places.get(name)?)
    }

    #[must_use]
    pub fn place(&self, name: &MappingName) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// What the state says now; what MySQL said stays. `true` when that changes anything.
    pub fn watched(&mut self, statuses: Vec<MappingStatus>) -> bool {
        let mut changed = false;
        for mut status in statuses {
            let Some(row) = self.get_mut(&status.mapping) else { continue };
            row.keep_unrecorded(&mut status);
            match &mut row.status {
                // A run of ours knows better until it has ended.
                Some(known) if row.live.is_some() => known.backfill = status.backfill,
                Some(known) if *known == status => {}
                known => {
                    *known = Some(status);
                    changed = true;
                }
            }
        }
        changed
    }

    /// As `watched`, with what MySQL says.
    pub fn measured(&mut self, mut status: MappingStatus) -> bool {
        let measured = Some(Measured {
            newest: status.newest.take(),
            lag: status.lag.take(),
            // The state's own trouble is told with the state.
            problem: status.problem.take(),
        });
        let Some(row) = self.get_mut(&status.mapping) else { return false };
        let changed = row.measured != measured;
        row.measured = measured;
        self.watched(vec![status]) || changed
    }

    /// How far everything is.
    pub fn progressed(&mut self, progress: &Progress) {
        for row in &mut self.rows {
            match (progress.mappings.get(&row.name), &mut row.live) {
                (Some(new), Some(live)) => live.clone_from(new),
                (Some(new), none) => *none = Some(new.clone()),
                (None, live) => *live = None,
            }
        }
    }

    /// Once a second while something runs.
    pub fn sample(&mut self, now: Now) {
        for row in &mut self.rows {
            if let Some(live) = &row.live {
                row.rates.sample(live, now.at);
            }
        }
    }

    pub fn finished(&mut self, report: &MappingReport) {
        if let Some(row) = self.get_mut(&report.mapping_name) {
            row.finished(report);
        }
    }

    #[must_use]
    pub fn running(&self) -> usize {
        self.rows.iter().filter(|row| row.live.is_some()).count()
    }
}
