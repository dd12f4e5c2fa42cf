//! The report of one run.

#[cfg(test)]
mod tests;
mod view;

use super::shown::{About, Acts, Next};
use crate::domain::ids::RunId;
use crate::domain::report::RunReport;
use crate::engine::Failure;
use crate::tui::ask::Ask;
use crate::tui::keys::Action;
use crate::tui::screen::Screen;
use crate::tui::scroll::{Extent, Scroll};
use crate::tui::shared::Shared;

/// The state of a run's report.
#[derive(Debug, Default)]
pub enum Kept {
    /// It was asked for; the state store has not answered yet.
    #[default]
    Asked,
    Gone,
    Here(Box<RunReport>),
    Unreadable(Failure),
}

/// One run's report.
#[derive(Debug, Default)]
pub struct Report {
    pub run: Option<RunId>,
    pub kept: Kept,
    pub scroll: Scroll,
}

impl Report {
    fn here(&self) -> Option<&RunReport> {
        match &self.kept {
            Kept::Here(report) => Some(report),
            Kept::Asked | Kept::Gone | Kept::Unreadable(_) => None,
        }
    }
}

impl Report {
    pub fn answered(&mut self, run: &RunId, report: Result<Option<Box<RunReport>>, Failure>) {
        if self.run.as_ref() != Some(run) {
            return;
        }
        self.kept = match report {
            Ok(Some(report)) => Kept::Here(report),
            Ok(None) => Kept::Gone,
            Err(failure) => Kept::Unreadable(failure),
        };
    }
}

impl Acts for Report {
    fn open(&mut self, about: About, shared: &mut Shared) -> bool {
        let About::Run(run) = about else { return false };
        *self = Self { run: Some(run.clone()), ..Self::default() };
        shared.ask(Ask::Report { run, by: Screen::Report });
        true
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.scroll.travel(action, shared.page());
                Next::Done
            }
            _ => Next::Usual,
        }
    }

    fn drawn(&mut self, extent: Extent) {
        self.scroll.drawn(extent);
    }

    /// The text for the clipboard: errors and their remedies, or the run's id if there are none.
    fn copied(&self, _shared: &Shared) -> Option<String> {
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
