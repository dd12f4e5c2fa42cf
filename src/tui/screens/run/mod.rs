//! Screen 2: one mapping's run.

#[cfg(test)]
mod tests;
mod view;

use super::shown::{About, Acts, Next};
use crate::domain::ids::{JobId, MappingName, RunId};
use crate::domain::report::{MappingReport, RunReport};
use crate::engine::Failure;
use crate::tui::ask::Ask;
use crate::tui::keys::Action;
use crate::tui::model::{Book, Job};
use crate::tui::screen::Screen;
use crate::tui::scroll::{Extent, Tail, travel};
use crate::tui::shared::{NO_MAPPING, Shared};

/// The panes that Tab goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    #[default]
    Steps,
    Jobs,
    Log,
}

#[derive(Debug, Default)]
pub struct Run {
    pub mapping: Option<MappingName>,
    pub pane: Pane,
    steps: Tail,
    log: Tail,
    job: usize,
    /// The run whose report this screen has asked for; the history asks for others.
    asked: Option<RunId>,
    /// The report of a run that this console has not seen.
    pub report: Option<MappingReport>,
}

impl Run {
    fn next_pane(&mut self, forward: bool) {
        self.pane = match (self.pane, forward) {
            (Pane::Steps, true) | (Pane::Log, false) => Pane::Jobs,
            (Pane::Jobs, true) | (Pane::Steps, false) => Pane::Log,
            (Pane::Log, true) | (Pane::Jobs, false) => Pane::Steps,
        };
    }

    fn travel(&mut self, action: Action, page: usize, book: &Book) {
        match self.pane {
            Pane::Steps => self.steps.travel(action, page),
            Pane::Log => self.log.travel(action, page),
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
                let job = |id: &JobId| Job { id: id.clone(), what: "job", rows: 0, bytes: None };
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

    /// Takes the report that was asked for last; if it cannot be read, the screen stays.
    pub fn answered(&mut self, run: &RunId, report: Result<Option<Box<RunReport>>, Failure>) {
        if self.asked.take_if(|asked| asked == run).is_none() {
            return;
        }
        let report = report.ok().flatten();
        let of_mapping = report
            .and_then(|report| report.mappings.into_iter().find(|m| Some(&m.mapping_name) == self.mapping.as_ref()));
        if of_mapping.is_some() {
            self.report = of_mapping;
        }
    }
}

impl Acts for Run {
    fn open(&mut self, about: About, shared: &mut Shared) -> bool {
        let About::Mapping(name) = about else {
            shared.say(NO_MAPPING);
            return false;
        };
        // For a run that this console has not seen, the screen shows the report.
        let row = shared.book.get(&name).filter(|row| row.log.is_none());
        let unseen = row.and_then(|row| row.last_run()).map(|last| last.run_id.clone());
        *self = Self { mapping: Some(name), pane: self.pane, asked: unseen.clone(), ..Self::default() };
        if let Some(run) = unseen {
            shared.ask(Ask::Report { run, by: Screen::Run });
        }
        true
    }

    fn subject<'a>(&'a self, _shared: &Shared) -> Option<&'a MappingName> {
        self.mapping.as_ref()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.travel(action, shared.page(), &shared.book);
            }
            Action::NextPane => self.next_pane(true),
            Action::PreviousPane => self.next_pane(false),
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn possible(&self, action: Action, shared: &Shared) -> bool {
        action != Action::Copy || self.job(&shared.book).is_some()
    }

    fn drawn(&mut self, extent: Extent) {
        match self.pane {
            Pane::Steps => self.steps.drawn(extent),
            Pane::Log => self.log.drawn(extent),
            // The mark moves in that pane, within the run's own jobs.
            Pane::Jobs => {}
        }
    }

    fn copied(&self, shared: &Shared) -> Option<String> {
        self.job(&shared.book).map(|job| job.id.to_string())
    }

    fn shows_logs(&self) -> bool {
        true
    }
}
