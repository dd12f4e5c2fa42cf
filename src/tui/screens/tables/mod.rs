//! The server's tables without a mapping, each with the mapping that is proposed; marked ones are added to the file.

mod filter;
mod question;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeSet;

use ratatui::crossterm::event::KeyEvent;

use self::filter::Test;
pub use self::filter::{FIELDS, STATUSES};
use super::shown::{About, Acts, Next};
use crate::domain::estate::{Choice, Proposal, lines_to_add};
use crate::domain::ids::MappingName;
use crate::engine::{self, Failure, ListTables};
use crate::tui::ask::Ask;
use crate::tui::filter::Filter;
use crate::tui::keys::{Action, Scope};
use crate::tui::scroll::travel;
use crate::tui::shared::Shared;

/// The indent of most files' entries.
const INDENT: usize = 2;

#[derive(Debug, Default)]
pub struct Tables {
    /// `None` until the engine has answered.
    listed: Option<Result<Box<engine::Tables>, Failure>>,
    /// Positions among the proposals, filtered.
    visible: Vec<usize>,
    /// The cursor's position among the visible ones.
    place: usize,
    /// Names of the proposed mappings.
    marked: BTreeSet<String>,
    filter: Filter<Test>,
}

impl Tables {
    /// Asks again, and keeps the marks.
    pub fn ask(&mut self, shared: &mut Shared) {
        self.listed = None;
        shared.ask(Ask::Tables(ListTables::default()));
    }

    pub fn answered(&mut self, listed: Result<Box<engine::Tables>, Failure>) {
        self.listed = Some(listed);
        let known: BTreeSet<_> = self.proposals().iter().map(|proposal| proposal.name.clone()).collect();
        self.marked.retain(|name| known.contains(name));
        self.arrange(None);
    }

    /// Filters anew; the cursor goes to the table `at` if that is listed, otherwise it stays at its position.
    fn arrange(&mut self, at: Option<&str>) {
        let listed = self.proposals().iter().enumerate().filter(|(_, proposal)| self.filter.holds(proposal));
        self.visible = listed.map(|(place, _)| place).collect();
        let at = at.and_then(|name| self.shown().position(|proposal| proposal.name == name));
        self.place = at.unwrap_or(self.place).min(self.visible.len().saturating_sub(1));
    }

    /// Changes the filter; the cursor stays on its table if that is still listed.
    fn change_filter(&mut self, change: impl FnOnce(&mut Filter<Test>)) {
        let at = self.selected().map(|proposal| proposal.name.clone());
        change(&mut self.filter);
        self.arrange(at.as_deref());
    }

    /// Sets another filter, from any screen.
    ///
    /// # Errors
    /// The part that was not understood.
    pub fn look_for(&mut self, text: &str) -> Result<(), String> {
        self.change_filter(|filter| filter.set(text));
        self.filter.complaint().map_or(Ok(()), |complaint| Err(complaint.to_owned()))
    }

    /// The marked mappings are in the file.
    pub fn added(&mut self) {
        self.marked.clear();
    }

    fn proposals(&self) -> &[Proposal] {
        match &self.listed {
            Some(Ok(tables)) => &tables.proposals,
            Some(Err(_)) | None => &[],
        }
    }

    /// The listed tables.
    fn shown(&self) -> impl Iterator<Item = &Proposal> {
        self.visible.iter().filter_map(|place| self.proposals().get(*place))
    }

    fn selected(&self) -> Option<&Proposal> {
        self.proposals().get(*self.visible.get(self.place)?)
    }

    /// How many marked tables the filter hides.
    fn hidden(&self) -> usize {
        self.marked.len() - self.shown().filter(|proposal| self.marked.contains(&proposal.name)).count()
    }

    /// What Enter applies to: the marked tables, also those that the filter hides; otherwise the table under the cursor.
    fn wanted(&self) -> Vec<Proposal> {
        let marked: Vec<_> =
            self.proposals().iter().filter(|proposal| self.marked.contains(&proposal.name)).cloned().collect();
        if marked.is_empty() {
            self.selected().filter(|proposal| can_be_moved(proposal)).cloned().into_iter().collect()
        } else {
            marked
        }
    }

    fn mark(&mut self, shared: &mut Shared) {
        let Some(proposal) = self.selected() else { return };
        if let Choice::Impossible(why) = &proposal.choice {
            return shared.remark(format!("{} cannot be moved: {why}", proposal.table));
        }
        let name = proposal.name.clone();
        if !self.marked.remove(&name) {
            self.marked.insert(name);
        }
        self.place = travel(self.place, self.visible.len(), 1, Action::Down);
    }

    /// Marks all listed tables that a mapping is proposed for; if all are marked, unmarks them.
    fn mark_all(&mut self) {
        let proposed = self.shown().filter(|proposal| matches!(proposal.choice, Choice::Moved(_)));
        let names: BTreeSet<_> = proposed.map(|proposal| proposal.name.clone()).collect();
        if names.is_subset(&self.marked) {
            self.marked.retain(|name| !names.contains(name));
        } else {
            self.marked.extend(names);
        }
    }
}

const fn can_be_moved(proposal: &Proposal) -> bool {
    proposal.entry().is_some()
}

impl Acts for Tables {
    fn open(&mut self, _about: About, shared: &mut Shared) -> bool {
        self.ask(shared);
        true
    }

    fn can_open(&self, _subject: Option<&MappingName>, shared: &Shared) -> bool {
        shared.has_engine()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        if self.filter.typing {
            if let Some(complaint) = self.filter.complaint().filter(|_| action == Action::Open) {
                shared.remark(complaint);
            }
            self.change_filter(|filter| filter.act(action));
            return Next::Done;
        }
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.place = travel(self.place, self.visible.len(), shared.page(), action);
            }
            Action::Mark => self.mark(shared),
            Action::MarkShown => self.mark_all(),
            Action::Open => self.confirm(shared),
            Action::Filter => self.filter.typing = true,
            Action::Back if !self.marked.is_empty() => self.marked.clear(),
            Action::Back if self.filter.is_set() => self.change_filter(Filter::clear),
            Action::Reload if shared.has_engine() => self.ask(shared),
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn possible(&self, action: Action, _shared: &Shared) -> bool {
        match action {
            Action::Open => !self.wanted().is_empty(),
            Action::Mark => self.selected().is_some_and(can_be_moved),
            Action::MarkShown => !self.visible.is_empty(),
            Action::Copy => !self.wanted().is_empty(),
            Action::Filter => !self.proposals().is_empty(),
            _ => true,
        }
    }

    fn field(&self) -> Option<Scope> {
        self.filter.typing.then_some(Scope::Typing)
    }

    fn type_in(&mut self, event: &KeyEvent, _shared: &mut Shared) {
        self.change_filter(|filter| filter.type_in(event));
    }

    /// The lines for config.yaml.
    fn copied(&self, _shared: &Shared) -> Option<String> {
        let wanted = self.wanted();
        (!wanted.is_empty()).then(|| lines_to_add(&wanted, INDENT))
    }
}
