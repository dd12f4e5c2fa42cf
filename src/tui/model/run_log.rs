//! The events of a mapping's run, as the Run screen shows them.

use std::time::{Duration, Instant};

use super::now::Now;
use crate::domain::ids::{JobId, RunId};
use crate::domain::report::{MappingReport, Trigger};
use crate::engine::{Event, Phase};
use crate::format::numbered;

/// The most steps that are kept: as many as fit on a large screen; a first load may have thousands.
const STEPS_KEPT: usize = 200;

/// The phases of a run in order, each once.
pub const PHASES: [Phase; 8] = [
    Phase::Lease,
    Phase::Recover,
    Phase::Describe,
    Phase::Plan,
    Phase::Extract,
    Phase::Load,
    Phase::Publish,
    Phase::Advance,
];

/// One mapping's part of a run.
#[derive(Debug)]
pub struct RunLog {
    pub run: RunId,
    pub trigger: Trigger,
    /// Time spent in each of [`PHASES`] so far; `None` if it was not reached.
    spent: [Option<Duration>; 8],
    current: Option<(usize, Instant)>,
    pub window: Option<String>,
    pub steps: Vec<StepLine>,
    pub jobs: Vec<Job>,
    /// Warnings, waits and what was held back, in words.
    pub notes: Vec<String>,
    /// How far a backfill is.
    pub backfill: Option<BackfillLine>,
    pub report: Option<MappingReport>,
}

/// A step of a large window, or the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepLine {
    pub step: u64,
    pub window: String,
    /// Rows staged; `None` while they are being read.
    pub rows: Option<u64>,
    pub published: bool,
}

/// A BigQuery job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub what: &'static str,
    pub rows: u64,
    /// Bytes uploaded for a load, or billed for a publish, if BigQuery says.
    pub bytes: Option<u64>,
}

/// The progress of a backfill: everything up to `done` is in BigQuery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillLine {
    pub done: String,
    pub to: String,
    pub slices: u64,
    pub rows: u64,
}

impl RunLog {
    #[must_use]
    pub fn begin(run: RunId, trigger: Trigger) -> Self {
        Self {
            run,
            trigger,
            spent: [None; 8],
            current: None,
            window: None,
            steps: Vec::new(),
            jobs: Vec::new(),
            notes: Vec::new(),
            backfill: None,
            report: None,
        }
    }

    /// Records an event of this mapping's run.
    pub fn note(&mut self, event: &Event, now: Now) {
        match event {
            Event::PhaseStarted { phase, .. } => self.enter(*phase, now.at),
            Event::WindowFixed { window, .. } => self.window = Some(window.clone()),
            Event::StepStarted { step, window, .. } => self.step(*step, window),
            Event::StagingLoaded { job, rows, bytes, .. } => {
                self.only_step();
                if let Some(step) = self.steps.last_mut() {
                    step.rows = Some(*rows);
                }
                self.job(job, "load", *rows, Some(*bytes));
            }
            Event::Published { job, inserted, updated, bytes_billed, .. } => {
                if let Some(step) = self.steps.last_mut() {
                    step.published = true;
                }
                self.job(job, "publish", inserted + updated, *bytes_billed);
            }
            Event::RowsDeleted { job, deleted, marked, .. } => {
                self.job(job, if *marked { "mark" } else { "delete" }, *deleted, None);
            }
            Event::BackfillAdvanced { done, to, slices, rows, .. } => {
                self.backfill = Some(BackfillLine { done: done.clone(), to: to.clone(), slices: *slices, rows: *rows });
            }
            Event::FenceAwaited { open, oldest, .. } => {
                self.notes.push(format!(
                    "waiting for {} to end, the oldest from {oldest}",
                    numbered(*open as u64, "open transaction", "open transactions")
                ));
            }
            Event::HeldBack { reason, .. } => self.notes.push(format!("held back: {reason}")),
            Event::Warned { message, .. } => self.notes.push(message.clone()),
            Event::PublishRecovered { job, done, .. } => {
                let became = if *done {
                    "had succeeded: its rows are in BigQuery"
                } else {
                    "never took effect; its rows are read again"
                };
                self.notes.push(format!("an earlier run's publish {job} {became}"));
            }
            Event::RetryScheduled { operation, attempt, because, .. } => {
                self.notes.push(format!("{operation} failed, attempt {attempt} follows: {because}"));
            }
            Event::MappingFinished { report } => {
                self.leave(now.at);
                self.report = Some((**report).clone());
            }
            _ => {}
        }
    }

    /// Records that the engine broke during the run.
    pub fn lost(&mut self, now: Instant) {
        self.leave(now);
    }

    /// Each phase with its time; `true` for the present one.
    pub fn phases(&self, now: Instant) -> impl Iterator<Item = (Phase, Option<Duration>, bool)> {
        let current = self.current;
        PHASES.into_iter().zip(self.spent).enumerate().map(move |(place, (phase, spent))| match current {
            Some((at, since)) if at == place => {
                (phase, Some(spent.unwrap_or_default() + now.saturating_duration_since(since)), true)
            }
            _ => (phase, spent, false),
        })
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.leave(now);
        let place = PHASES.iter().position(|known| *known == phase);
        self.current = place.map(|place| (place, now));
    }

    fn leave(&mut self, now: Instant) {
        if let Some((place, since)) = self.current.take() {
            let spent = &mut self.spent[place];
            *spent = Some(spent.unwrap_or_default() + now.saturating_duration_since(since));
        }
    }

    fn step(&mut self, step: u64, window: &str) {
        if self.steps.len() == STEPS_KEPT {
            self.steps.remove(0);
        }
        self.steps.push(StepLine { step, window: window.to_owned(), rows: None, published: false });
    }

    /// The only step of a window that is moved at once, which has no step events of its own.
    fn only_step(&mut self) {
        if self.steps.is_empty() {
            let window = self.window.clone().unwrap_or_default();
            self.step(1, &window);
        }
    }

    fn job(&mut self, id: &JobId, what: &'static str, rows: u64, bytes: Option<u64>) {
        if self.jobs.len() == STEPS_KEPT {
            self.jobs.remove(0);
        }
        self.jobs.push(Job { id: id.clone(), what, rows, bytes });
    }
}
