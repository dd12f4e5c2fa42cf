//! The list of all actions here, found by a few letters.

#[cfg(test)]
mod tests;
pub mod view;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::tui::keys::commands::{COMMANDS, Takes};
use crate::tui::keys::{Action, Scope, bindings, names};
use crate::tui::own;
use crate::tui::scroll::travel;
use crate::tui::shared::Shared;

/// What choosing an entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Act(Action),
    /// The operator's own command, by its letter.
    Own(char),
    /// A complete command line.
    Do(String),
    /// A command line that the operator must complete.
    Write(String),
}

#[derive(Debug)]
pub struct Entry {
    pub keys: String,
    pub text: String,
    pub choice: Choice,
    /// Shown only if letters match it, because there may be hundreds.
    asked_for: bool,
}

#[derive(Debug, Default)]
pub struct Palette {
    pub input: Input,
    entries: Vec<Entry>,
    /// Positions of the entries that match, the best first.
    found: Vec<usize>,
    pub place: usize,
}

/// What follows from a key.
#[derive(Debug, PartialEq, Eq)]
pub enum After {
    Stay,
    Close,
    Chosen(Choice),
}

impl Palette {
    /// The list for `scope`: its keys, every command, and every mapping.
    #[must_use]
    pub fn of(scope: Scope, shared: &Shared) -> Self {
        let keys = bindings(scope, shared.read_only).filter(|binding| !is_motion(binding.action));
        let keys = keys.map(|binding| Entry {
            keys: names(binding),
            text: binding.help.to_owned(),
            choice: Choice::Act(binding.action),
            asked_for: false,
        });
        let own = own::commands(scope, shared).iter().map(|command| Entry {
            keys: command.key.to_string(),
            text: command.name.clone(),
            choice: Choice::Own(command.key),
            asked_for: false,
        });
        let commands = COMMANDS.iter().filter(|command| !(shared.read_only && command.writes()));
        let commands = commands.map(|command| Entry {
            keys: format!(":{}", command.name),
            text: command.help().to_owned(),
            choice: match command.takes {
                Takes::Nothing => Choice::Do(command.name.to_owned()),
                _ => Choice::Write(format!("{} ", command.name)),
            },
            asked_for: false,
        });
        let mappings = shared.book.rows.iter().map(|row| Entry {
            keys: ":open".to_owned(),
            text: row.name.0.clone(),
            choice: Choice::Do(format!("open {}", row.name)),
            asked_for: true,
        });
        let mut palette =
            Self { entries: keys.chain(own).chain(commands).chain(mappings).collect(), ..Self::default() };
        palette.search();
        palette
    }

    pub fn act(&mut self, action: Action, page: usize) -> After {
        match action {
            Action::Open => match self.marked() {
                Some(entry) => return After::Chosen(entry.choice.clone()),
                None => return After::Stay,
            },
            Action::Back => return After::Close,
            _ => self.place = travel(self.place, self.found.len(), page, action),
        }
        After::Stay
    }

    pub fn type_in(&mut self, event: &KeyEvent) {
        if self.input.handle_event(&Event::Key(*event)).is_some_and(|changed| changed.value) {
            self.search();
        }
    }

    pub fn found(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.found.iter().map(|place| &self.entries[*place])
    }

    fn marked(&self) -> Option<&Entry> {
        self.entries.get(*self.found.get(self.place)?)
    }

    fn search(&mut self) {
        self.place = 0;
        let wanted = self.input.value().trim();
        if wanted.is_empty() {
            self.found = (0..self.entries.len()).filter(|place| !self.entries[*place].asked_for).collect();
            return;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(wanted, CaseMatching::Ignore, Normalization::Smart);
        let mut letters = Vec::new();
        let mut score = |entry: &Entry| {
            let text = format!("{} {}", entry.keys, entry.text);
            pattern.score(Utf32Str::new(&text, &mut letters), &mut matcher)
        };
        let scored = self.entries.iter().enumerate().filter_map(|(place, entry)| Some((score(entry)?, place)));
        let mut scored: Vec<(u32, usize)> = scored.collect();
        // With equal scores, the first in the table wins.
        scored.sort_by_key(|(score, place)| (std::cmp::Reverse(*score), *place));
        self.found = scored.into_iter().map(|(_, place)| place).collect();
    }
}

/// Keys that move the cursor are not listed.
const fn is_motion(action: Action) -> bool {
    matches!(
        action,
        Action::Up
            | Action::Down
            | Action::Left
            | Action::Right
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::NextPane
            | Action::PreviousPane
            | Action::Palette
            | Action::Command
    )
}
