//! The filter of a list: words and `field:value`, each also with a `-` before it, and the field in which it is typed.

use ratatui::Frame;
use ratatui::crossterm::event::{Event, KeyEvent};
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use serde_json::Value;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::keys::Action;
use super::text::{fit, width};
use super::theme::Theme;
use crate::domain::config::Mode;
use crate::format;

/// What one word of a filter tells of a line of the list.
pub trait Test: Sized {
    /// A line of the list.
    type Item;
    /// The fields, each with its colon.
    const FIELDS: &'static [&'static str];
    /// What can be typed; shown beside an empty filter.
    const EXAMPLE: &'static str;

    /// Reads a word without a colon, in lower case.
    fn word(text: &str) -> Self;

    /// Reads a field and its value, in lower case; `None`: the list has no such field.
    ///
    /// # Errors
    /// What to write instead, in words for the operator.
    fn field(name: &str, value: &str) -> Option<Result<Self, String>>;

    fn holds(&self, item: &Self::Item) -> bool;
}

/// A filter's text, what it means, and whether the keys type it.
#[derive(Debug)]
pub struct Filter<T> {
    input: Input,
    terms: Vec<Term<T>>,
    complaint: Option<String>,
    pub typing: bool,
}

#[derive(Debug)]
struct Term<T> {
    not: bool,
    test: T,
}

impl<T> Default for Filter<T> {
    fn default() -> Self {
        Self { input: Input::default(), terms: Vec::new(), complaint: None, typing: false }
    }
}

impl<T: Test> Filter<T> {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut filter = Self::default();
        filter.set(text);
        filter
    }

    pub fn set(&mut self, text: &str) {
        self.input = Input::new(text.to_owned());
        self.read();
    }

    pub fn type_in(&mut self, event: &KeyEvent) {
        self.input.handle_event(&Event::Key(*event));
        self.read();
    }

    pub fn clear(&mut self) {
        self.typing = false;
        self.set("");
    }

    /// Handles a key while the filter is typed.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Open => self.typing = false,
            Action::Back => self.clear(),
            _ => {}
        }
    }

    #[must_use]
    pub fn value(&self) -> &str {
        self.input.value()
    }

    /// Tells if it hides anything, or could.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.value().trim().is_empty()
    }

    /// The part that was not understood, which is ignored.
    #[must_use]
    pub fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    #[must_use]
    pub fn holds(&self, item: &T::Item) -> bool {
        self.terms.iter().all(|term| term.test.holds(item) != term.not)
    }

    /// Draws the filter with the cursor, and beside it the part that was not understood, or what could be typed, or how
    /// many of `all` lines are `shown`.
    pub fn draw(&self, frame: &mut Frame<'_>, (shown, all): (usize, usize), theme: Theme, area: Rect) {
        let value = self.value();
        let room = usize::from(area.width).saturating_sub(width(value) + 4);
        let (said, style) = match self.complaint() {
            Some(complaint) => (complaint.to_owned(), theme.bad()),
            None if value.is_empty() => (T::EXAMPLE.to_owned(), theme.quiet()),
            None if shown == 0 => ("nothing matches; Esc clears".to_owned(), theme.wants()),
            None => (format!("{} shown", share(shown, all)), theme.quiet()),
        };
        let spans = vec![
            Span::styled("/", theme.key()),
            Span::raw(value.to_owned()),
            Span::raw("   "),
            Span::styled(fit(&said, room, theme), style),
        ];
        frame.render_widget(Line::from(spans), area);
        let cursor = u16::try_from(self.input.visual_cursor()).unwrap_or(0);
        frame.set_cursor_position(Position::new((area.x + 1 + cursor).min(area.right().saturating_sub(1)), area.y));
    }

    fn read(&mut self) {
        (self.terms, self.complaint) = (Vec::new(), None);
        let typed = self.input.value().to_lowercase();
        for word in typed.split_whitespace() {
            let (not, word) =
                word.strip_prefix('-').filter(|rest| !rest.is_empty()).map_or((false, word), |w| (true, w));
            match read(word) {
                Ok(test) => self.terms.push(Term { not, test }),
                Err(sentence) => {
                    self.complaint.get_or_insert(sentence);
                }
            }
        }
    }
}

fn read<T: Test>(word: &str) -> Result<T, String> {
    let Some((field, value)) = word.split_once(':') else { return Ok(T::word(word)) };
    let unknown = || Err(format!("there is no field `{field}:`; write {}", T::FIELDS.join(", ")));
    T::field(field, value).unwrap_or_else(unknown)
}

/// The value of `name:`.
///
/// # Errors
/// What to write instead.
pub fn name_of(value: &str) -> Result<String, String> {
    if value.is_empty() {
        return Err("write a part of the name after name:".to_owned());
    }
    Ok(value.to_owned())
}

/// The value of `mode:`.
///
/// # Errors
/// The modes that there are.
pub fn mode_of(value: &str) -> Result<Mode, String> {
    serde_json::from_value(Value::from(value))
        .map_err(|_| format!("there is no mode `{value}`: append, upsert, replace or mirror"))
}

/// The values of `status:`, separated by commas, each of them one of `known`.
///
/// # Errors
/// Which value is wrong, and which there are.
pub fn words_of<'a>(value: &'a str, known: &[String]) -> Result<Vec<&'a str>, String> {
    let words: Vec<&str> = value.split(',').filter(|word| !word.is_empty()).collect();
    match words.iter().find(|word| !known.iter().any(|known| known == *word)) {
        Some(word) => Err(format!("there is no status `{word}`; there are {}", known.join(", "))),
        None if words.is_empty() => Err(format!("write one of {}, or several with commas", known.join(", "))),
        None => Ok(words),
    }
}

/// `12 of 2,000`.
#[must_use]
pub fn share(shown: usize, all: usize) -> String {
    format!("{} of {}", format::count(shown as u64), format::count(all as u64))
}

/// How many lines are marked, and how many of these the filter hides; `None` if none is marked.
#[must_use]
pub fn marked(marked: usize, hidden: usize) -> Option<String> {
    let all = format::count(marked as u64);
    match hidden {
        _ if marked == 0 => None,
        0 => Some(format!("{all} marked")),
        _ => Some(format!("{all} marked, {} not shown", format::count(hidden as u64))),
    }
}
