//! Screen 4: which rows to move again, and what that would do.

pub mod questions;
mod several;
#[cfg(test)]
mod tests;
mod values;
mod view;

use chrono_tz::Tz;
use ratatui::crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use self::several::Several;
use self::values::read_value;
use super::shown::{About, Acts, Next};
use crate::domain::ids::MappingName;
use crate::engine::{BackfillAsk, BackfillPreview, BackfillState, Command, Failure, PreviewBackfill};
use crate::tui::ask::Ask;
use crate::tui::keys::{Action, Scope};
use crate::tui::model::Book;
use crate::tui::scroll::{Extent, Scroll};
use crate::tui::shared::{NO_MAPPING, Shared};

/// The field that has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field {
    Mapping,
    #[default]
    Start,
    End,
    /// The preview, and the run below it.
    Below,
}

/// The preview of the backfill that the form asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Preview {
    #[default]
    None,
    Asked(BackfillAsk),
    Failed(Failure),
    Read(Box<BackfillPreview>),
}

#[derive(Debug, Default)]
pub struct Backfill {
    /// All marked mappings, if there are several.
    pub several: Several,
    pub mapping: Option<MappingName>,
    pub start: Input,
    pub end: Input,
    pub field: Field,
    pub preview: Preview,
    /// The backfill that was started here.
    pub running: Option<BackfillAsk>,
    pub scroll: Scroll,
}

impl Backfill {
    /// Fills in the words of an unfinished backfill, because only the same words continue it.
    fn fill(&mut self, mapping: &MappingName, unfinished: Option<&BackfillState>) {
        if self.mapping.as_ref() == Some(mapping) {
            return;
        }
        *self = Self { mapping: Some(mapping.clone()), ..Self::default() };
        if let Some(state) = unfinished {
            self.start = Input::new(state.start.clone());
            self.end = Input::new(state.end.clone().unwrap_or_default());
        }
    }

    /// Fills the form from a command; the name of an entry with a list of tables stands for all of them.
    fn fill_with(&mut self, ask: &BackfillAsk, shared: &Shared) {
        let names = shared.book.rows.iter().map(|row| &row.name);
        let tables: Vec<_> = names.filter(|name| name.is_table_of(&ask.mapping.0)).cloned().collect();
        let is_list = shared.book.get(&ask.mapping).is_none() && !tables.is_empty();
        *self = Self {
            mapping: if is_list { tables.first().cloned() } else { Some(ask.mapping.clone()) },
            several: Several::of(if is_list { tables } else { Vec::new() }),
            start: Input::new(ask.start.clone()),
            end: Input::new(ask.end.clone().unwrap_or_default()),
            field: Field::Below,
            ..Self::default()
        };
    }

    /// Fills the form with a command's words, and previews it.
    pub fn preview(&mut self, ask: BackfillAsk, shared: &mut Shared) {
        self.fill_with(&ask, shared);
        self.ask_for(ask, shared);
    }

    /// Fills the form with a command's words, and starts it.
    pub fn start_with(&mut self, ask: BackfillAsk, restart: bool, shared: &mut Shared) {
        self.fill_with(&ask, shared);
        self.begin(ask, restart, shared);
    }

    pub fn begin(&mut self, ask: BackfillAsk, restart: bool, shared: &mut Shared) {
        self.running = Some(ask.clone());
        self.field = Field::Below;
        shared.send_run(Command::Backfill { ask, restart, shard: None });
    }

    fn preview_or_start(&mut self, shared: &mut Shared) {
        if let Some(dialog) = self.confirm().or_else(|| self.several.question(shared.size)) {
            shared.dialog = Some(dialog);
        } else if let Some(ask) = self.ask() {
            self.ask_for(ask, shared);
        } else {
            shared.say(self.complaint());
        }
    }

    /// Which field has no value that can be read, and what one looks like.
    fn complaint(&self) -> String {
        let (start, end) = (self.start.value().trim(), self.end.value().trim());
        let (field, typed) = match read_value(start, Tz::UTC) {
            Err(why) => ("start", (start, why)),
            Ok(_) => ("end", (end, read_value(end, Tz::UTC).err().unwrap_or_default())),
        };
        match typed {
            ("", why) => format!("the field `{field}` is empty: type a date, a time or a whole number, {why}"),
            (typed, why) => format!("the field `{field}` holds no date, time or whole number, but `{typed}`: {why}"),
        }
    }

    fn ask_for(&mut self, ask: BackfillAsk, shared: &mut Shared) {
        if !self.several.names.is_empty() {
            self.several.asked();
            let asks = self.several.asks(&ask);
            for ask in asks {
                shared.ask(Ask::Preview(PreviewBackfill(ask)));
            }
            return;
        }
        self.preview = Preview::Asked(ask.clone());
        self.scroll = Scroll::default();
        shared.ask(Ask::Preview(PreviewBackfill(ask)));
    }

    fn next_field(&mut self, forward: bool) {
        const ORDER: [Field; 4] = [Field::Mapping, Field::Start, Field::End, Field::Below];
        let place = ORDER.iter().position(|field| *field == self.field).unwrap_or(0);
        self.field = ORDER[(place + if forward { 1 } else { ORDER.len() - 1 }) % ORDER.len()];
    }

    fn travel(&mut self, action: Action, page: usize) {
        match (self.field, action) {
            (Field::Below, _) => self.scroll.travel(action, page),
            (_, Action::Down) => self.next_field(true),
            (_, Action::Up) => self.next_field(false),
            _ => {}
        }
    }

    fn other_mapping(&mut self, book: &Book, forward: bool) {
        let place = self.mapping.as_ref().and_then(|name| book.place(name));
        let count = book.rows.len();
        let (Field::Mapping, Some(place)) = (self.field, place) else { return };
        let next = (place + if forward { 1 } else { count - 1 }) % count;
        self.mapping = book.rows.get(next).map(|row| row.name.clone());
        self.preview = Preview::None;
    }

    /// The backfill that the fields ask for, if they are valid.
    #[must_use]
    pub fn ask(&self) -> Option<BackfillAsk> {
        let (start, end) = (self.start.value().trim(), self.end.value().trim());
        let readable = read_value(start, Tz::UTC).is_ok() && (end.is_empty() || read_value(end, Tz::UTC).is_ok());
        let ask = BackfillAsk {
            mapping: self.mapping.clone()?,
            start: start.to_owned(),
            end: (!end.is_empty()).then(|| end.to_owned()),
        };
        readable.then_some(ask)
    }

    pub fn answered(&mut self, mapping: &MappingName, preview: Result<Box<BackfillPreview>, Failure>) {
        if !self.several.names.is_empty() {
            // An answer to other words is dropped.
            let now = self.ask();
            let same = |preview: &BackfillPreview| {
                now.as_ref().is_some_and(|now| (&now.start, &now.end) == (&preview.ask.start, &preview.ask.end))
            };
            if preview.as_ref().map_or(true, |preview| same(preview)) {
                self.several.answered(mapping, preview);
            }
            return;
        }
        let Preview::Asked(asked) = &self.preview else { return };
        match preview {
            Ok(preview) if *asked == preview.ask => {
                self.preview = Preview::Read(preview);
                self.field = Field::Below;
            }
            Err(failure) if asked.mapping == *mapping => self.preview = Preview::Failed(failure),
            Ok(_) | Err(_) => {}
        }
    }
}

impl Acts for Backfill {
    fn open(&mut self, about: About, shared: &mut Shared) -> bool {
        let name = match about {
            About::Mapping(name) => name,
            About::Several(names) => {
                if self.several.names != names {
                    let mapping = names.first().cloned();
                    *self = Self { several: Several::of(names), mapping, ..Self::default() };
                }
                return true;
            }
            About::All | About::Run(_) => {
                shared.say(NO_MAPPING);
                return false;
            }
        };
        if !std::mem::take(&mut self.several).names.is_empty() {
            *self = Self::default();
        }
        let unfinished = shared.book.get(&name).and_then(|row| row.status.as_ref()?.backfill.clone());
        self.fill(&name, unfinished.as_ref());
        true
    }

    fn can_open(&self, subject: Option<&MappingName>, shared: &Shared) -> bool {
        shared.can_ask_about(subject)
    }

    fn subject<'a>(&'a self, _shared: &Shared) -> Option<&'a MappingName> {
        self.mapping.as_ref()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.travel(action, shared.page());
            }
            Action::NextPane => self.next_field(true),
            Action::PreviousPane => self.next_field(false),
            Action::Left | Action::Right if self.field != Field::Mapping => {
                shared.remark("Left and Right choose the mapping in the field `mapping`; Tab goes there");
            }
            Action::Left | Action::Right if !self.several.names.is_empty() => {
                shared.remark("this backfill is for all marked mappings; Esc goes back to the marks");
            }
            Action::Right => self.other_mapping(&shared.book, true),
            Action::Left => self.other_mapping(&shared.book, false),
            Action::Open => self.preview_or_start(shared),
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn possible(&self, action: Action, _shared: &Shared) -> bool {
        match action {
            Action::Open => self.ask().is_some(),
            // The keys that choose the mapping, and lead to that field.
            Action::Left | Action::Right => self.field == Field::Mapping,
            Action::Up => self.field == Field::Start,
            _ => true,
        }
    }

    fn label(&self, action: Action) -> Option<&'static str> {
        (action == Action::Open && matches!(self.preview, Preview::Read(_))).then_some("start")
    }

    fn field(&self) -> Option<Scope> {
        matches!(self.field, Field::Start | Field::End).then_some(Scope::Form)
    }

    fn type_in(&mut self, event: &KeyEvent, _shared: &mut Shared) {
        let field = if self.field == Field::End { &mut self.end } else { &mut self.start };
        if field.handle_event(&Event::Key(*event)).is_some_and(|changed| changed.value) {
            // A preview of other words would be wrong.
            self.preview = Preview::None;
            self.several.forget();
        }
    }

    fn drawn(&mut self, extent: Extent) {
        self.scroll.drawn(extent);
    }
}
