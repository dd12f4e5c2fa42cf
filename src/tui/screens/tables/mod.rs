//! Tables of the server that no mapping is about, each with the mapping that is proposed: marked ones are added to the file.

mod question;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeSet;

use super::shown::{About, Acts, Next};
use crate::domain::estate::{Choice, Proposal, lines_to_add};
use crate::domain::ids::MappingName;
use crate::engine::{self, Failure, ListTables};
use crate::tui::ask::Ask;
use crate::tui::keys::Action;
use crate::tui::scroll::travel;
use crate::tui::shared::Shared;

/// As entries stand in most files.
const INDENT: usize = 2;

#[derive(Debug, Default)]
pub struct Tables {
    /// `None` until the engine has answered.
    listed: Option<Result<Box<engine::Tables>, Failure>>,
    place: usize,
    /// Names of the mappings that are proposed.
    marked: BTreeSet<String>,
}

impl Tables {
    /// Asks anew, and keeps what is marked.
    pub fn ask(&mut self, shared: &mut Shared) {
        self.listed = None;
        shared.ask(Ask::Tables(ListTables::default()));
    }

    pub fn answered(&mut self, listed: Result<Box<engine::Tables>, Failure>) {
        self.listed = Some(listed);
        let known: BTreeSet<_> = self.proposals().iter().map(|proposal| proposal.name.clone()).collect();
        self.marked.retain(|name| known.contains(name));
        self.place = self.place.min(known.len().saturating_sub(1));
    }

    /// What was marked is in the file.
    pub fn added(&mut self) {
        self.marked.clear();
    }

    fn proposals(&self) -> &[Proposal] {
        match &self.listed {
            Some(Ok(tables)) => &tables.proposals,
            Some(Err(_)) | None => &[],
        }
    }

    fn selected(&self) -> Option<&Proposal> {
        self.proposals().get(self.place)
    }

    /// What Enter is about: what is marked, else the table under the cursor.
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
        self.place = travel(self.place, self.proposals().len(), 1, Action::Down);
    }

    /// All that are proposed, or none where all are marked.
    fn mark_all(&mut self) {
        let proposed = self.proposals().iter().filter(|proposal| matches!(proposal.choice, Choice::Moved(_)));
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
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.place = travel(self.place, self.proposals().len(), shared.page(), action);
            }
            Action::Mark => self.mark(shared),
            Action::MarkShown => self.mark_all(),
            Action::Open => self.confirm(shared),
            Action::Back if !self.marked.is_empty() => self.marked.clear(),
            Action::Reload if shared.has_engine() => self.ask(shared),
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn possible(&self, action: Action, _shared: &Shared) -> bool {
        match action {
            Action::Open => !self.wanted().is_empty(),
            Action::Mark => self.selected().is_some_and(can_be_moved),
            Action::MarkShown | Action::Copy => !self.proposals().is_empty(),
            _ => true,
        }
    }

    /// For the clipboard: the lines for config.yaml.
    fn copied(&self, _shared: &Shared) -> Option<String> {
        let wanted = self.wanted();
        (!wanted.is_empty()).then(|| lines_to_add(&wanted, INDENT))
    }
}
