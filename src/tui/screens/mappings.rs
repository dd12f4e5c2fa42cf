//! Screen 1: which mappings are listed, in which order, and which one is marked.

use std::cmp::Ordering;

use ratatui::crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::travel;
use crate::domain::ids::MappingName;
use crate::engine::Lag;
use crate::tui::keys::Action;
use crate::tui::model::{Book, Now, Row};

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
        Some((Some(Lag::Seconds(seconds)), _)) => (2, seconds),
        Some((Some(Lag::Steps(steps)), _)) => (1, steps),
        Some((None, true)) => (3, 0),
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
    pub fn arrange(&mut self, book: &Book, _now: Now) {
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

    pub fn travel(&mut self, action: Action, page: usize, book: &Book) {
        let place = travel(self.place(book).unwrap_or(0), self.visible.len(), page, action);
        self.mark(book, place);
    }

    pub fn next_order(&mut self, book: &Book, now: Now) -> &'static str {
        self.order = self.order.next();
        self.arrange(book, now);
        self.order.word()
    }

    pub fn type_in(&mut self, event: &KeyEvent, book: &Book, now: Now) {
        self.filter.handle_event(&Event::Key(*event));
        self.arrange(book, now);
    }

    pub fn clear_filter(&mut self, book: &Book, now: Now) {
        self.typing = false;
        self.filter.reset();
        self.arrange(book, now);
    }

    fn mark(&mut self, book: &Book, place: usize) {
        self.selected = self.visible.get(place).and_then(|place| book.rows.get(*place)).map(|row| row.name.clone());
    }
}
