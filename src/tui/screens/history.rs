//! Screen 5: past runs of all hosts, and the report of one.

use super::travel;
use crate::domain::ids::RunId;
use crate::domain::report::{RunReport, RunSummary};
use crate::tui::keys::Action;

#[derive(Debug, Default)]
pub struct History {
    /// Newest first; `None` until they were read.
    pub runs: Option<Vec<RunSummary>>,
    pub failure: Option<(String, String)>,
    pub place: usize,
}

impl History {
    pub fn read(&mut self, runs: Vec<RunSummary>) {
        let marked = self.selected().map(|run| run.run_id.clone());
        let again = marked.and_then(|id| runs.iter().position(|run| run.run_id == id)).filter(|_| self.place > 0);
        self.place = again.unwrap_or(0);
        self.runs = Some(runs);
        self.failure = None;
    }

    pub fn failed(&mut self, error: String, hint: String) {
        self.failure = Some((error, hint));
    }

    #[must_use]
    pub fn selected(&self) -> Option<&RunSummary> {
        self.runs.as_ref()?.get(self.place)
    }

    pub fn travel(&mut self, action: Action, page: usize) {
        self.place = travel(self.place, self.runs.as_ref().map_or(0, Vec::len), page, action);
    }
}

/// What is known of a run's report.
#[derive(Debug, Default)]
pub enum Kept {
    /// The state store has not answered yet.
    #[default]
    Asked,
    Gone,
    Here(Box<RunReport>),
}

/// One run's report.
#[derive(Debug, Default)]
pub struct Report {
    pub run: Option<RunId>,
    pub kept: Kept,
    pub scroll: usize,
}

impl Report {
    pub fn open(&mut self, run: RunId) {
        *self = Self { run: Some(run), kept: Kept::Asked, scroll: 0 };
    }

    pub fn read(&mut self, run: &RunId, report: Option<Box<RunReport>>) {
        if self.run.as_ref() == Some(run) {
            self.kept = report.map_or(Kept::Gone, Kept::Here);
        }
    }

    pub fn travel(&mut self, action: Action, page: usize) {
        let lines = self.here().map_or(0, |report| {
            crate::tui::view::history::report_lines(report, crate::tui::theme::Theme::default()).len()
        });
        self.scroll = travel(self.scroll, lines, page, action);
    }

    fn here(&self) -> Option<&RunReport> {
        match &self.kept {
            Kept::Here(report) => Some(report),
            Kept::Asked | Kept::Gone => None,
        }
    }

    /// For the clipboard: errors and what to do about them, or the run's id where all is well.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let report = self.here()?;
        let lines: Vec<String> = report
            .mappings
            .iter()
            .flat_map(|m| {
                let hint = m.hint.iter().map(|hint| format!("next: {hint}"));
                m.errors.iter().cloned().chain(hint).map(|line| format!("{}: {line}", m.mapping_name))
            })
            .collect();
        Some(if lines.is_empty() { report.run_id.to_string() } else { lines.join("\n") })
    }
}
