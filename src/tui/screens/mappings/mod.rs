//! Screen 1: which mappings are listed, in which order, and which one the cursor is on.

mod columns;
mod detail;
mod filter;
mod marks;
pub mod order;
mod summary;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashSet;

use ratatui::crossterm::event::KeyEvent;

pub use self::filter::FIELDS;
use self::filter::{Test, is_wrong};
use self::marks::Marks;
pub use self::order::ORDERS;
use self::order::Order;

use super::shown::{About, Acts, Next};
use crate::domain::ids::MappingName;
use crate::engine::Event as EngineEvent;
use crate::tui::filter::Filter;
use crate::tui::keys::{Action, Scope};
use crate::tui::model::{Book, Row};
use crate::tui::screen::Screen;
use crate::tui::scroll::travel;
use crate::tui::shared::{NO_MAPPING, Shared};

/// The list.
#[derive(Debug, Default)]
pub struct Mappings {
    /// Positions in the book, filtered and ordered.
    visible: Vec<usize>,
    selected: Option<MappingName>,
    pub order: Order,
    pub filter: Filter<Test>,
    /// Show only mappings with problems among the filtered ones.
    pub only_wrong: bool,
    pub marks: Marks,
}

impl Mappings {
    /// Filters and orders again; the cursor stays on its mapping if that is still listed, otherwise at its position.
    pub fn arrange(&mut self, book: &Book) {
        let before = self.place(book).unwrap_or(0);
        let shown = |row: &Row| self.filter.holds(row) && (!self.only_wrong || is_wrong(row));
        let visible = (0..book.rows.len()).filter(|place| shown(&book.rows[*place])).collect();
        self.visible = visible;
        let order = self.order;
        self.visible.sort_by(|a, b| order.compare(&book.rows[*a], &book.rows[*b]));
        if self.place(book).is_none() {
            self.mark(book, before.min(self.visible.len().saturating_sub(1)));
        }
        self.stretch(book);
    }

    /// Marks all mappings that a filter matches, whether they are shown or not; without a filter, all that are shown.
    pub fn mark_all(&mut self, text: &str, book: &Book) {
        let wanted = Filter::<Test>::parse(text);
        let names: Vec<MappingName> = if text.is_empty() {
            self.visible.iter().map(|place| book.rows[*place].name.clone()).collect()
        } else {
            book.rows.iter().filter(|row| wanted.holds(row)).map(|row| row.name.clone()).collect()
        };
        self.marks.add(names);
    }

    /// Restores what the operator's last session left.
    pub fn restore(&mut self, filter: &str, only_wrong: bool, order: Order) {
        self.filter.set(filter);
        (self.only_wrong, self.order) = (only_wrong, order);
    }

    /// Sets another filter, from any screen.
    pub fn look_for(&mut self, text: &str, book: &Book) {
        self.filter.set(text);
        self.arrange(book);
    }

    pub fn order_by(&mut self, order: Order, book: &Book) {
        self.order = order;
        self.arrange(book);
    }

    /// Marked mappings that are not listed.
    #[must_use]
    pub fn hidden(&self, book: &Book) -> usize {
        if self.marks.is_empty() {
            return 0;
        }
        let shown: HashSet<usize> = self.visible.iter().copied().collect();
        let hidden = |(place, row): &(usize, &Row)| self.marks.contains(&row.name) && !shown.contains(place);
        book.rows.iter().enumerate().filter(hidden).count()
    }

    #[must_use]
    pub fn visible(&self) -> &[usize] {
        &self.visible
    }

    #[must_use]
    pub fn selected<'a>(&'a self, book: &Book) -> Option<&'a MappingName> {
        self.selected.as_ref().filter(|name| book.get(name).is_some())
    }

    /// The cursor's position in the list.
    #[must_use]
    pub fn place(&self, book: &Book) -> Option<usize> {
        let selected = book.place(self.selected.as_ref()?)?;
        self.visible.iter().position(|place| *place == selected)
    }

    fn travel(&mut self, action: Action, page: usize, book: &Book) {
        let place = travel(self.place(book).unwrap_or(0), self.visible.len(), page, action);
        self.mark(book, place);
        self.stretch(book);
    }

    /// Extends the range that is being marked to the cursor.
    fn stretch(&mut self, book: &Book) {
        let Some(anchor) = self.marks.anchor().and_then(|name| book.place(name)) else { return };
        let anchor = self.visible.iter().position(|place| *place == anchor);
        let (Some(anchor), Some(cursor)) = (anchor, self.place(book)) else { return };
        let within = &self.visible[anchor.min(cursor)..=anchor.max(cursor)];
        self.marks.reach(within.iter().map(|place| book.rows[*place].name.clone()));
    }

    fn clear_filter(&mut self, book: &Book) {
        self.filter.clear();
        self.arrange(book);
    }

    /// Marks or unmarks; `Space` then goes on to the next line.
    fn change_marks(&mut self, action: Action, shared: &mut Shared) {
        let book = &shared.book;
        let Some(name) = self.selected(book).cloned() else { return shared.remark(NO_MAPPING) };
        match action {
            Action::Mark if self.marks.anchor().is_some() => self.marks.keep_range(),
            Action::Mark => {
                self.marks.toggle(name);
                self.travel(Action::Down, 1, book);
            }
            Action::MarkRange if self.marks.anchor().is_some() => self.marks.keep_range(),
            Action::MarkRange => self.marks.begin_range(name),
            _ => {
                let shown: Vec<MappingName> = self.visible.iter().map(|place| book.rows[*place].name.clone()).collect();
                self.marks.toggle_all(&shown);
            }
        }
    }

    /// Esc: undoes the latest of filter, range and marks first.
    fn go_back(&mut self, shared: &mut Shared) {
        if self.marks.clear() {
            return;
        }
        if !self.filter.value().is_empty() {
            return self.clear_filter(&shared.book);
        }
        if std::mem::take(&mut self.only_wrong) {
            return self.arrange(&shared.book);
        }
        shared.remark("nothing is marked and no filter is set: there is nothing to clear; q leaves");
    }

    fn toggle_wrong(&mut self, shared: &mut Shared) {
        self.only_wrong = !self.only_wrong;
        self.arrange(&shared.book);
        if self.only_wrong {
            self.travel(Action::Top, 1, &shared.book);
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

    fn subjects(&self, shared: &Shared) -> Vec<MappingName> {
        let marked = self.marks.names(&shared.book);
        if marked.is_empty() { self.selected(&shared.book).cloned().into_iter().collect() } else { marked }
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        if self.filter.typing {
            // Beside the field there may be no room for all of it.
            if let Some(complaint) = self.filter.complaint().filter(|_| action == Action::Open) {
                shared.remark(complaint);
            }
            self.filter.act(action);
            self.arrange(&shared.book);
            return Next::Done;
        }
        let is_of_list =
            matches!(action, Action::Open | Action::Back | Action::Filter | Action::Sort | Action::OnlyWrong);
        if is_of_list && shared.trouble.is_some() {
            shared.remark("no mapping is listed until the configuration can be read; u reads the files again");
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
            // The other keys apply to the mapping under the cursor; the check covers the whole list.
            Action::Show(Screen::Check) => return Next::Show(Screen::Check, About::All),
            Action::Back => self.go_back(shared),
            Action::Filter => self.filter.typing = true,
            Action::OnlyWrong => self.toggle_wrong(shared),
            Action::Mark | Action::MarkRange | Action::MarkShown => self.change_marks(action, shared),
            Action::Sort => {
                self.order_by(self.order.next(), &shared.book);
                shared.say(format!("ordered by {}", self.order.word()));
            }
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn possible(&self, action: Action, shared: &Shared) -> bool {
        match action {
            Action::Open | Action::Filter | Action::Sort if shared.trouble.is_some() => false,
            Action::Open => self.selected(&shared.book).is_some(),
            Action::Mark | Action::MarkShown | Action::OnlyWrong | Action::Filter | Action::Sort | Action::Copy => {
                !shared.book.rows.is_empty()
            }
            _ => true,
        }
    }

    fn label(&self, action: Action) -> Option<&'static str> {
        (action == Action::RunSelected && !self.marks.is_empty()).then_some("sync marked")
    }

    fn field(&self) -> Option<Scope> {
        self.filter.typing.then_some(Scope::Typing)
    }

    fn type_in(&mut self, event: &KeyEvent, shared: &mut Shared) {
        self.filter.type_in(event);
        self.arrange(&shared.book);
    }

    fn heard(&mut self, event: &EngineEvent, _is_shown: bool, shared: &mut Shared) {
        if matches!(event, EngineEvent::MappingFinished { .. } | EngineEvent::RunStarted { .. }) {
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
