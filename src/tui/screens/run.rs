//! Screen 2: one mapping's run.

use super::travel;
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{MappingReport, RunReport};
use crate::tui::keys::Action;
use crate::tui::model::{Book, Job};

/// What Tab goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    #[default]
    Steps,
    Jobs,
    Log,
}

#[derive(Debug, Default)]
pub struct RunScreen {
    pub mapping: Option<MappingName>,
    pub pane: Pane,
    /// Lines up from the end.
    pub steps_up: usize,
    pub log_up: usize,
    job: usize,
    /// Of a run that this console has not seen.
    pub report: Option<MappingReport>,
}

impl RunScreen {
    pub fn open(&mut self, mapping: MappingName) {
        *self = Self { mapping: Some(mapping), pane: self.pane, ..Self::default() };
    }

    pub fn next_pane(&mut self, forward: bool) {
        self.pane = match (self.pane, forward) {
            (Pane::Steps, true) | (Pane::Log, false) => Pane::Jobs,
            (Pane::Jobs, true) | (Pane::Steps, false) => Pane::Log,
            (Pane::Log, true) | (Pane::Jobs, false) => Pane::Steps,
        };
    }

    pub fn travel(&mut self, action: Action, page: usize, book: &Book) {
        match self.pane {
            Pane::Steps => self.steps_up = from_end(self.steps_up, page, action),
            Pane::Log => self.log_up = from_end(self.log_up, page, action),
            Pane::Jobs => self.job = travel(self.marked(book), self.jobs(book).len(), page, action),
        }
    }

    /// Jobs of the run that is shown.
    #[must_use]
    pub fn jobs(&self, book: &Book) -> Vec<Job> {
        let log = self.mapping.as_ref().and_then(|name| book.get(name)).and_then(|row| row.log.as_ref());
        match (log, &self.report) {
            (Some(log), _) => log.jobs.clone(),
            (None, Some(report)) => {
                let job = |id: &crate::domain::ids::JobId| Job { id: id.clone(), what: "job", rows: 0, bytes: None };
                report.jobs.iter().map(job).collect()
            }
            (None, None) => Vec::new(),
        }
    }

    #[must_use]
    pub fn marked(&self, book: &Book) -> usize {
        self.job.min(self.jobs(book).len().saturating_sub(1))
    }

    /// The marked job.
    #[must_use]
    pub fn job(&self, book: &Book) -> Option<Job> {
        self.jobs(book).into_iter().nth(self.marked(book))
    }

    pub fn report_read(&mut self, _run: &RunId, report: Option<&RunReport>) {
        let of_mapping = |report: &RunReport| {
            report.mappings.iter().find(|m| Some(&m.mapping_name) == self.mapping.as_ref()).cloned()
        };
        if let Some(report) = report.and_then(of_mapping) {
            self.report = Some(report);
        }
    }
}

/// Lists that follow their end: up goes away from it.
fn from_end(up: usize, page: usize, action: Action) -> usize {
    match action {
        Action::Up => up.saturating_add(1),
        Action::Down => up.saturating_sub(1),
        Action::PageUp => up.saturating_add(page),
        Action::PageDown => up.saturating_sub(page),
        Action::Top => 10_000,
        Action::Bottom => 0,
        _ => up,
    }
}
