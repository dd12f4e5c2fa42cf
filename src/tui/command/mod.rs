//! The command line: typed, completed, remembered.

mod complete;
#[cfg(test)]
mod tests;
pub mod view;

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use self::complete::{Completion, completion};
use crate::tui::keys::Action;
use crate::tui::shared::Shared;

#[derive(Debug, Default)]
pub struct CommandLine {
    pub input: Input,
    /// How many commands back in the history; 0: the line that is being typed.
    back: usize,
    /// The line that is being typed, while an earlier one is shown.
    draft: String,
    /// The words that Tab goes through, and the present one.
    cycle: Option<(Completion, usize)>,
}

/// What follows from a key.
#[derive(Debug, PartialEq, Eq)]
pub enum After {
    Stay,
    Close,
    Do(String),
}

impl CommandLine {
    /// A line that begins with this text.
    #[must_use]
    pub fn with(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()), ..Self::default() }
    }

    /// `history`: earlier lines, oldest first.
    pub fn act(&mut self, action: Action, history: &[String], shared: &Shared) -> After {
        match action {
            Action::Open => return After::Do(self.input.value().trim().to_owned()),
            Action::Back => return After::Close,
            Action::NextPane => self.complete(true, shared),
            Action::PreviousPane => self.complete(false, shared),
            Action::Up => self.recall(true, history),
            Action::Down => self.recall(false, history),
            _ => {}
        }
        After::Stay
    }

    pub fn type_in(&mut self, event: &KeyEvent) -> After {
        if event.code == KeyCode::Backspace && self.input.value().is_empty() {
            return After::Close;
        }
        if self.input.handle_event(&Event::Key(*event)).is_some_and(|changed| changed.value) {
            (self.cycle, self.back) = (None, 0);
        }
        After::Stay
    }

    fn recall(&mut self, earlier: bool, history: &[String]) {
        if self.back == 0 {
            self.draft = self.input.value().to_owned();
        }
        self.back = if earlier { (self.back + 1).min(history.len()) } else { self.back.saturating_sub(1) };
        let line = self.back.checked_sub(1).and_then(|back| history.iter().rev().nth(back));
        self.input = Input::new(line.unwrap_or(&self.draft).clone());
        self.cycle = None;
    }

    /// Completes: the first time to the longest common beginning, then word by word.
    fn complete(&mut self, forward: bool, shared: &Shared) {
        if let Some((completion, at)) = &mut self.cycle {
            let count = completion.words.len();
            *at = (*at + if forward { 1 } else { count - 1 }) % count;
            self.input = Input::new(completion.with(&completion.words[*at], false));
            return;
        }
        let completion = completion(self.input.value(), shared);
        match completion.words.as_slice() {
            [] => {}
            [only] => self.input = Input::new(completion.with(only, true)),
            words => {
                let common = completion.common();
                let (text, at) = if common.len() > completion.word.len() {
                    // The next Tab begins with the first word.
                    (completion.with(&common, false), words.len() - 1)
                } else {
                    (completion.with(&words[0], false), 0)
                };
                self.input = Input::new(text);
                self.cycle = Some((completion, at));
            }
        }
    }

    /// The words that fit at the cursor.
    #[must_use]
    pub fn fitting(&self, shared: &Shared) -> Vec<String> {
        match &self.cycle {
            Some((completion, _)) => completion.words.clone(),
            None => completion(self.input.value(), shared).words,
        }
    }
}
