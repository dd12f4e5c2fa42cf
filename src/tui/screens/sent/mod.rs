//! The statements that were recently sent to BigQuery: SQL, job ids, and links to Google's console.

#[cfg(test)]
mod tests;
mod view;

use super::shown::{About, Acts, Next};
use crate::domain::ids::MappingName;
use crate::statements::Statement;
use crate::tui::keys::Action;
use crate::tui::scroll::{Extent, Scroll, travel};
use crate::tui::shared::Shared;

/// The panes that Tab goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Pane {
    #[default]
    List,
    Sql,
}

#[derive(Debug, Default)]
pub struct Sent {
    /// Words that a statement must contain, all of them.
    wanted: Vec<String>,
    /// The number of the marked statement; `None`: always the newest.
    marked: Option<u64>,
    pane: Pane,
    scroll: Scroll,
}

impl Sent {
    /// Sets the words that lines must contain.
    pub fn look_for(&mut self, words: &str) {
        self.wanted = words.split_whitespace().map(str::to_lowercase).collect();
        self.marked = None;
    }

    /// The statements that are listed, newest first.
    fn listed(&self, shared: &Shared) -> Vec<Statement> {
        let holds = |statement: &Statement, word: &String| {
            let texts = [Some(&statement.what), statement.job.as_ref(), statement.sql.as_ref()];
            texts.into_iter().flatten().any(|text| text.to_lowercase().contains(word))
        };
        let wanted = |statement: &Statement| self.wanted.iter().all(|word| holds(statement, word));
        shared.facts.as_ref().map(|facts| facts.statements.latest(wanted)).unwrap_or_default()
    }

    fn place(&self, listed: &[Statement]) -> usize {
        let marked = self.marked.and_then(|number| listed.iter().position(|statement| statement.number == number));
        marked.unwrap_or(0)
    }

    fn travel(&mut self, action: Action, shared: &Shared) {
        if self.pane == Pane::Sql {
            return self.scroll.travel(action, shared.page());
        }
        let listed = self.listed(shared);
        let place = travel(self.place(&listed), listed.len(), shared.page(), action);
        // At the top, the mark follows the newest statement.
        self.marked = listed.get(place).map(|statement| statement.number).filter(|_| place > 0);
        self.scroll = Scroll::default();
    }
}

impl Acts for Sent {
    fn open(&mut self, _about: About, _shared: &mut Shared) -> bool {
        *self = Self::default();
        true
    }

    fn can_open(&self, _subject: Option<&MappingName>, shared: &Shared) -> bool {
        shared.facts.is_some()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.travel(action, shared);
            }
            Action::NextPane | Action::PreviousPane => {
                self.pane = if self.pane == Pane::List { Pane::Sql } else { Pane::List };
            }
            Action::Back if !self.wanted.is_empty() => self.look_for(""),
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn possible(&self, action: Action, shared: &Shared) -> bool {
        action != Action::Copy || !self.listed(shared).is_empty()
    }

    fn drawn(&mut self, extent: Extent) {
        self.scroll.drawn(extent);
    }

    /// The job and its location as comments, then the SQL, ready to paste into Google's console.
    fn copied(&self, shared: &Shared) -> Option<String> {
        let listed = self.listed(shared);
        let statement = listed.get(self.place(&listed))?;
        let job = statement.job.as_ref().map(|job| format!("-- job {job}"));
        let link = statement.link().map(|link| format!("-- {link}"));
        let lines: Vec<String> = job.into_iter().chain(link).chain(statement.sql.clone()).collect();
        Some(lines.join("\n"))
    }

    /// Every statement is logged too, so a log line means that there may be a new one.
    fn shows_logs(&self) -> bool {
        true
    }
}
