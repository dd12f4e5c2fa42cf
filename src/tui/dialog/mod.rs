//! Questions: they say in full what will be done before it is done.

#[cfg(test)]
mod tests;
pub mod view;

use crate::domain::estate::Proposal;
use crate::domain::ids::MappingName;
use crate::engine::{BackfillAsk, ColumnDecision};
use crate::tui::keys::Action;
use crate::tui::scroll::{Extent, Scroll};
use crate::tui::session::Which;

/// The number of lines of a page.
const PAGE: usize = 5;

/// A question with its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    pub title: String,
    pub lines: Vec<String>,
    pub choices: Vec<Choice>,
    pub selected: usize,
    /// The position, if not all lines fit.
    pub scroll: Scroll,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub letter: char,
    pub label: String,
    pub intent: Intent,
}

/// What an answer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    Nothing,
    Copy(String),
    Cancel(Vec<MappingName>),
    CancelAll,
    Pause(Vec<MappingName>),
    Resume(Vec<MappingName>),
    WaitAndQuit,
    CancelAndQuit,
    Run(Vec<MappingName>),
    /// Like `Run`, after a question about those that would begin from the start.
    RunMarked(Vec<MappingName>),
    StartBackfill {
        ask: BackfillAsk,
        restart: bool,
    },
    OpenBackfill(BackfillAsk),
    DeleteRows(Vec<MappingName>),
    /// Replace a table even if it shrinks.
    ReplaceAnyway(MappingName),
    Repair(MappingName),
    /// Compare the rows of both sides.
    Compare(Vec<MappingName>),
    /// Show the newest rows of both sides.
    ShowRows(MappingName),
    StartBackfills(Vec<BackfillAsk>),
    /// Add the mappings to the configuration's file.
    AddMappings(Vec<Proposal>),
    /// Switch to other files.
    Switch(Which),
    Decide {
        mapping: MappingName,
        decisions: Vec<ColumnDecision>,
    },
}

impl Intent {
    /// Tells if the answer needs an engine.
    #[must_use]
    pub const fn needs_engine(&self) -> bool {
        !matches!(self, Self::Nothing | Self::Copy(_) | Self::WaitAndQuit | Self::CancelAndQuit | Self::Switch(_))
    }
}

impl Dialog {
    #[must_use]
    pub fn new(title: impl Into<String>, lines: Vec<String>, choices: Vec<Choice>) -> Self {
        debug_assert!(says_yes_by_y(&choices), "a question with one yes takes `y`");
        Self { title: title.into(), lines, choices, selected: 0, scroll: Scroll::default() }
    }

    /// The answer that a letter stands for.
    #[must_use]
    pub fn by_letter(&self, letter: char) -> Option<Intent> {
        self.choices.iter().find(|choice| choice.letter == letter).map(|choice| choice.intent.clone())
    }

    /// The answer that a key gives; `None`: no answer yet.
    pub fn act(&mut self, action: Action) -> Option<Intent> {
        match action {
            Action::Open => return Some(self.chosen()),
            Action::Back => return Some(Intent::Nothing),
            Action::Down | Action::Right | Action::NextPane => self.move_by(true),
            Action::Up | Action::Left | Action::PreviousPane => self.move_by(false),
            Action::PageDown | Action::PageUp => self.scroll.travel(action, PAGE),
            _ => {}
        }
        None
    }

    pub const fn drawn(&mut self, extent: Extent) {
        self.scroll.drawn(extent);
    }

    fn move_by(&mut self, forward: bool) {
        let count = self.choices.len().max(1);
        self.selected = (self.selected + if forward { 1 } else { count - 1 }) % count;
    }

    #[must_use]
    pub fn chosen(&self) -> Intent {
        self.choices.get(self.selected).map_or(Intent::Nothing, |choice| choice.intent.clone())
    }

    /// The message after an answer that does nothing: which answer would do something.
    #[must_use]
    pub fn unanswered(&self) -> Option<String> {
        let other = self.choices.iter().find(|choice| choice.intent != Intent::Nothing)?;
        (!self.asks_to_quit()).then(|| format!("nothing was done; press {} there to {}", other.letter, other.label))
    }

    #[must_use]
    pub fn asks_to_quit(&self) -> bool {
        self.choices.iter().any(|choice| choice.intent == Intent::CancelAndQuit)
    }
}

/// Tells if a question of one yes and one no takes the letters that all others take.
fn says_yes_by_y(choices: &[Choice]) -> bool {
    let is_no = |choice: &&Choice| choice.letter == 'n';
    let yes: Vec<_> = choices.iter().filter(|choice| !is_no(choice)).collect();
    yes.len() != 1 || yes.len() == choices.len() || yes[0].letter == 'y'
}

pub fn choice(letter: char, label: impl Into<String>, intent: Intent) -> Choice {
    Choice { letter, label: label.into(), intent }
}
