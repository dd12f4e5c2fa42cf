//! All mappings, and the sources that change them: state, MySQL, progress and the ends of runs.

use std::collections::HashMap;
use std::time::Instant;

use super::now::Now;
use super::row::{Measured, Row};
use crate::domain::config::Config;
use crate::domain::ids::MappingName;
use crate::domain::report::MappingReport;
use crate::engine::{MappingStatus, Progress};

/// All mappings, in the order of the file.
#[derive(Debug, Default)]
pub struct Book {
    pub rows: Vec<Row>,
    places: HashMap<MappingName, usize>,
}

impl Book {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let rows: Vec<Row> = config.mappings.iter().map(|mapping| Row::new(config, mapping)).collect();
        let places = rows.iter().enumerate().map(|(place, row)| (row.name.clone(), place)).collect();
        Self { rows, places }
    }

    /// Takes over what is known of mappings that are still in the file.
    pub fn take_over(&mut self, mut old: Self) {
        for row in &mut self.rows {
            if let Some(place) = old.places.get(&row.name).copied() {
                row.take_over(&mut old.rows[place]);
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

    /// Takes the state's new content; MySQL's figures stay. `true` if that changes anything.
    pub fn watched(&mut self, statuses: Vec<MappingStatus>) -> bool {
        let mut changed = false;
        for mut status in statuses {
            let Some(row) = self.get_mut(&status.mapping) else { continue };
            changed |= row.look_for_loss(&status);
            row.keep_unrecorded(&mut status);
            match &mut row.status {
                // While a run of ours works on it, the run knows more than the state.
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

    /// Like `watched`, with MySQL's figures.
    pub fn measured(&mut self, mut status: MappingStatus, now: Now) -> bool {
        // A problem of the state is reported with the state.
        let new = Measured {
            newest: status.newest.take(),
            lag: status.lag.take(),
            problem: status.problem.take(),
            asked: std::mem::take(&mut status.asked),
            at: Some(now.at),
        };
        let Some(row) = self.get_mut(&status.mapping) else { return false };
        let aged = row.measured.as_ref().is_some_and(|known| known.stale_for(now.at).is_some());
        let changed = row.measured(new);
        let name = row.name.clone();
        let watched = self.watched(vec![status]);
        if let Some(row) = self.get_mut(&name) {
            row.judge(now.utc);
        }
        watched || changed || aged
    }

    /// Decides which mappings are late by now. `true` if that changes anything.
    pub fn judge(&mut self, now: Now) -> bool {
        let mut changed = false;
        for row in &mut self.rows {
            let before = row.late().map(str::to_owned);
            row.judge(now.utc);
            changed |= row.late() != before.as_deref();
        }
        changed
    }

    /// Tells if the age of a figure is visible.
    #[must_use]
    pub fn ages(&self, now: Instant) -> bool {
        self.rows.iter().filter_map(|row| row.measured.as_ref()).any(|measured| measured.stale_for(now).is_some())
    }

    /// Takes the runs' progress.
    pub fn progressed(&mut self, progress: &Progress) {
        for row in &mut self.rows {
            match (progress.mappings.get(&row.name), &mut row.live) {
                (Some(new), Some(live)) => live.clone_from(new),
                (Some(new), none) => *none = Some(new.clone()),
                (None, live) => *live = None,
            }
        }
    }

    /// Takes a sample of the rates, once a second while something runs.
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
