//! Screen 1: which mappings are listed, in which order, and which one is marked.

mod columns;
mod detail;
#[cfg(test)]
mod tests;
mod view;

use std::cmp::Ordering;

use ratatui::crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::shown::{About, Acts, Next};
use crate::domain::ids::MappingName;
use crate::engine::{Event as EngineEvent, Lag};
use crate::tui::keys::{Action, Scope};
use crate::tui::model::{Book, Row};
use crate::tui::screen::Screen;
use crate::tui::scroll::travel;
use crate::tui::shared::Shared;

/// How the list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As in the file.
    #[default]
    File,
    /// What needs the operator first.
    Status,
    Lag,
    LastRun,
    Name,
}

impl Order {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Status => "status",
            Self::Lag => "lag",
            Self::LastRun => "last run",
            Self::Name => "name",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::File => Self::Status,
            Self::Status => Self::Lag,
            Self::Lag => Self::LastRun,
            Self::LastRun => Self::Name,
            Self::Name => Self::File,
        }
    }

    fn compare(self, a: &Row, b: &Row) -> Ordering {
        match self {
            Self::File => Ordering::Equal,
            Self::Status => a.word().cmp(&b.word()),
            // The furthest behind, and what is not known, first.
            Self::Lag => behind(b).cmp(&behind(a)),
            Self::LastRun => ended(b).cmp(&ended(a)),
            Self::Name => a.name.cmp(&b.name),
        }
    }
}

/// Seconds and steps cannot be compared; seconds stand first.
fn behind(row: &Row) -> (u8, i64) {
    match row.measured.as_ref().map(|measured| (measured.lag, measured.problem.is_some())) {
        Some((_, true)) => (3, 0),
        Some((Some(Lag::Seconds(seconds)), _)) => (2, seconds),
        Some((Some(Lag::Steps(steps)), _)) => (1, steps),
        Some((None, false)) | None => (0, 0),
    }
}

fn ended(row: &Row) -> Option<chrono::DateTime<chrono::Utc>> {
    row.last_run().map(|run| run.finished_at)
}

/// The list.
#[derive(Debug, Default)]
pub struct Mappings {
    /// Places in the book, filtered and ordered.
    visible: Vec<usize>,
    selected: Option<MappingName>,
    pub order: Order,
    pub filter: Input,
    /// The filter has the keys.
    pub typing: bool,
}

impl Mappings {
    /// Filters and orders anew; the mark stays on its mapping where that is still listed.
    pub fn arrange(&mut self, book: &Book) {
        let wanted = self.filter.value().to_lowercase();
        let holds = |row: &Row| {
            wanted.is_empty()
                || [row.name.0.as_str(), &row.source, &row.target, row.word().text()]
                    .iter()
                    .any(|text| text.to_lowercase().contains(&wanted))
        };
        self.visible = (0..book.rows.len()).filter(|place| holds(&book.rows[*place])).collect();
        let order = self.order;
        self.visible.sort_by(|a, b| order.compare(&book.rows[*a], &book.rows[*b]));
        if self.place(book).is_none() {
            self.mark(book, 0);
        }
    }

    #[must_use]
    pub fn visible(&self) -> &[usize] {
        &self.visible
    }

    #[must_use]
    pub fn selected<'a>(&'a self, book: &Book) -> Option<&'a MappingName> {
        self.selected.as_ref().filter(|name| book.get(name).is_some())
    }

    /// The mark's place in the list.
    #[must_use]
    pub fn place(&self, book: &Book) -> Option<usize> {
        let selected = book.place(self.selected.as_ref()?)?;
        self.visible.iter().position(|place| *place == selected)
    }

    fn travel(&mut self, action: Action, page: usize, book: &Book) {
        let place = travel(self.place(book).unwrap_or(0), self.visible.len(), page, action);
        self.mark(book, place);
    }

    fn next_order(&mut self, book: &Book) -> &'static str {
        self.order = self.order.next();
        self.arrange(book);
        self.order.word()
    }

    fn clear_filter(&mut self, book: &Book) {
        self.typing = false;
        self.filter.reset();
        self.arrange(book);
    }

    fn act_while_typing(&mut self, action: Action, book: &Book) {
        match action {
            Action::Open => self.typing = false,
            Action::Back => self.clear_filter(book),
            _ => {}
        }
    }

    fn mark(&mut self, book: &Book, place: usize) {
        self.selected = self.visible.get(place).and_then(|place| book.rows.get(*place)).map(|row| row.name.clone());
    }
}

impl Acts for Mappings {
    fn open(&mut self, _about: About, _shared: &mut Shared) -> bool {
        true
    }

    fn subject<'a>(&'a self, shared: &Shared) -> Option<&'a MappingName> {
        self.selected(&shared.book)
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        if self.typing {
            self.act_while_typing(action, &shared.book);
            return Next::Done;
        }
        let is_of_list = matches!(action, Action::Open | Action::Back | Action::Filter | Action::Sort);
        if is_of_list && shared.trouble.is_some() {
            shared.remark("nothing is listed before the configuration can be read; u reads the files again");
            return Next::Done;
        }
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.travel(action, shared.page(), &shared.book);
            }
            Action::Open => {
                let about = self.selected(&shared.book).cloned().map_or(About::All, About::Mapping);
                return Next::Show(Screen::Run, about);
            }
            // The mark is what the other keys are about; the check is about the whole list.
            Action::Show(Screen::Check) => return Next::Show(Screen::Check, About::All),
            Action::Back if self.filter.value().is_empty() => shared.remark("there is no filter to clear; q leaves"),
            Action::Back => self.clear_filter(&shared.book),
            Action::Filter => self.typing = true,
            Action::Sort => {
                let order = self.next_order(&shared.book);
                shared.say(format!("ordered by {order}"));
            }
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn possible(&self, action: Action, shared: &Shared) -> bool {
        match action {
            Action::Open | Action::Filter | Action::Sort if shared.trouble.is_some() => false,
            Action::Open => self.selected(&shared.book).is_some(),
            Action::Filter | Action::Sort | Action::Copy => !shared.book.rows.is_empty(),
            _ => true,
        }
    }

    fn field(&self) -> Option<Scope> {
        self.typing.then_some(Scope::Typing)
    }

    fn type_in(&mut self, event: &KeyEvent, shared: &mut Shared) {
        self.filter.handle_event(&Event::Key(*event));
        self.arrange(&shared.book);
    }

    fn heard(&mut self, event: &EngineEvent, _is_shown: bool, shared: &mut Shared) {
        if matches!(event, EngineEvent::MappingFinished { .. }) {
            self.arrange(&shared.book);
        }
    }

    fn copied(&self, shared: &Shared) -> Option<String> {
        if let Some(trouble) = &shared.trouble {
            return Some(trouble.to_string());
        }
        let row = self.selected(&shared.book).and_then(|name| shared.book.get(name))?;
        let problem = row.problem().map(str::to_owned);
        let error = row.last_error().map(|(error, hint)| match hint {
            Some(hint) => format!("{error}\n{hint}"),
            None => error.to_owned(),
        });
        Some(problem.or(error).unwrap_or_else(|| row.full_target.clone()))
    }
}
