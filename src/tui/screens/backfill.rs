//! Screen 4: what is to be moved again, and what that would do.

use chrono::TimeZone;
use chrono_tz::Tz;
use ratatui::crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::travel;
use crate::domain::cursor::Moment;
use crate::domain::ids::MappingName;
use crate::engine::{BackfillAsk, BackfillPreview, BackfillState};
use crate::format;
use crate::tui::app::{Choice, Dialog, Intent};
use crate::tui::keys::Action;
use crate::tui::model::Book;

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field {
    Mapping,
    #[default]
    Start,
    End,
    /// The preview, and the run below it.
    Below,
}

/// What is known of what is asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Preview {
    #[default]
    None,
    Asked(BackfillAsk),
    Failed {
        error: String,
        hint: String,
    },
    Read(Box<BackfillPreview>),
}

#[derive(Debug, Default)]
pub struct Backfill {
    pub mapping: Option<MappingName>,
    pub start: Input,
    pub end: Input,
    pub field: Field,
    pub preview: Preview,
    /// What was started from here.
    pub running: Option<BackfillAsk>,
    pub scroll: usize,
}

impl Backfill {
    /// Opens the form; an unfinished backfill's words are filled in, because they are what goes on with it.
    pub fn open(&mut self, mapping: &MappingName, unfinished: Option<&BackfillState>) {
        if self.mapping.as_ref() == Some(mapping) {
            return;
        }
        *self = Self { mapping: Some(mapping.clone()), ..Self::default() };
        if let Some(state) = unfinished {
            self.start = Input::new(state.start.clone());
            self.end = Input::new(state.end.clone().unwrap_or_default());
        }
    }

    pub fn open_with(&mut self, ask: &BackfillAsk) {
        *self = Self {
            mapping: Some(ask.mapping.clone()),
            start: Input::new(ask.start.clone()),
            end: Input::new(ask.end.clone().unwrap_or_default()),
            field: Field::Below,
            ..Self::default()
        };
    }

    /// A field has the keys.
    #[must_use]
    pub fn types(&self) -> bool {
        matches!(self.field, Field::Start | Field::End)
    }

    pub fn type_in(&mut self, event: &KeyEvent) {
        let field = if self.field == Field::End { &mut self.end } else { &mut self.start };
        if field.handle_event(&Event::Key(*event)).is_some_and(|changed| changed.value) {
            // A preview of other words would be a lie.
            self.preview = Preview::None;
        }
    }

    pub fn next_field(&mut self, forward: bool) {
        const ORDER: [Field; 4] = [Field::Mapping, Field::Start, Field::End, Field::Below];
        let place = ORDER.iter().position(|field| *field == self.field).unwrap_or(0);
        self.field = ORDER[(place + if forward { 1 } else { ORDER.len() - 1 }) % ORDER.len()];
    }

    pub fn travel(&mut self, action: Action, page: usize) {
        match (self.field, action) {
            (Field::Below, _) => self.scroll = travel(self.scroll, 200, page, action),
            (_, Action::Down) => self.next_field(true),
            (_, Action::Up) => self.next_field(false),
            _ => {}
        }
    }

    pub fn other_mapping(&mut self, book: &Book, forward: bool) {
        let place = self.mapping.as_ref().and_then(|name| book.place(name));
        let count = book.rows.len();
        let (Field::Mapping, Some(place)) = (self.field, place) else { return };
        let next = (place + if forward { 1 } else { count - 1 }) % count;
        self.mapping = book.rows.get(next).map(|row| row.name.clone());
        self.preview = Preview::None;
    }

    /// What the fields ask for, where they can be read.
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

    pub fn asked(&mut self, ask: &BackfillAsk) {
        self.preview = Preview::Asked(ask.clone());
        self.scroll = 0;
    }

    pub fn previewed(&mut self, preview: BackfillPreview) {
        if matches!(&self.preview, Preview::Asked(ask) if *ask == preview.ask) {
            self.preview = Preview::Read(Box::new(preview));
            self.field = Field::Below;
        }
    }

    pub fn failed(&mut self, mapping: &MappingName, error: String, hint: String) {
        if matches!(&self.preview, Preview::Asked(ask) if ask.mapping == *mapping) {
            self.preview = Preview::Failed { error, hint };
        }
    }

    pub fn started(&mut self, ask: &BackfillAsk) {
        self.running = Some(ask.clone());
        self.field = Field::Below;
    }

    /// The question before it starts; `None` while there is no preview of just these words.
    #[must_use]
    pub fn confirm(&self) -> Option<Dialog> {
        let Preview::Read(preview) = &self.preview else { return None };
        let ask = self.ask().filter(|ask| *ask == preview.ask)?;
        let rows = preview
            .rows_estimate
            .map_or("an unknown number of".to_owned(), |rows| format!("about {}", format::count(rows)));
        let mut lines = vec![
            format!("{rows} rows of {} are read from MySQL, window {}.", ask.mapping, preview.window),
            format!("Publishing: {}.", preview.publish),
            preview.publish_bytes.map_or_else(
                || "What BigQuery will bill for it is not known.".to_owned(),
                |bytes| format!("BigQuery bills {}.", bytes.words()),
            ),
            "The watermark stays where it is. It can be paused, cancelled and gone on with later.".to_owned(),
        ];
        lines.extend(preview.notes.iter().cloned());
        let same = preview.unfinished.as_ref().filter(|state| state.start == ask.start && state.end == ask.end);
        let start = |restart| Intent::StartBackfill { ask: ask.clone(), restart };
        let mut choices = vec![Choice { letter: 'n', label: "go back".to_owned(), intent: Intent::Nothing }];
        if let Some(state) = same {
            let done = state.done.as_deref().unwrap_or("the beginning");
            choices.push(Choice { letter: 'g', label: format!("go on from {done}"), intent: start(false) });
            choices.push(Choice { letter: 'a', label: "start it anew".to_owned(), intent: start(true) });
        } else {
            if let Some(state) = &preview.unfinished {
                lines.push(format!("It takes the place of the unfinished one from {} to {}.", state.start, state.to));
            }
            let restart = preview.unfinished.is_some();
            choices.push(Choice { letter: 'y', label: "start it".to_owned(), intent: start(restart) });
        }
        Some(Dialog::new(format!("Backfill {}?", ask.mapping), lines, choices))
    }
}

/// What was typed, as it will be understood: a whole number, or a moment in UTC.
///
/// A time without an offset is the wall clock of `zone`.
///
/// # Errors
/// What to write instead.
pub fn read_value(text: &str, zone: Tz) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("write a date or a time");
    }
    if let Ok(number) = text.parse::<i128>() {
        return Ok(format!("{number} (a whole number)"));
    }
    let help = "e.g. 2026-10-01 08:00:00Z, or a number";
    let moment = Moment::parse(text).ok_or(help)?;
    let naive = moment.to_naive().ok_or("no calendar has that day")?;
    let has_offset = text.len() > 10 && text[10..].contains(['Z', 'z', '+', '-']);
    if has_offset {
        return Ok(format!("{} UTC", naive.format("%Y-%m-%d %H:%M:%S")));
    }
    let utc = zone.from_local_datetime(&naive).earliest().map_or(naive, |local| local.naive_utc());
    Ok(format!("{} UTC", utc.format("%Y-%m-%d %H:%M:%S")))
}

/// As `read_value`, for the end: a day alone is the whole day.
///
/// # Errors
/// As `read_value`.
pub fn read_end(text: &str, zone: Tz) -> Result<String, &'static str> {
    let text = text.trim();
    match (text.is_empty(), text.len() == 10 && Moment::parse(text).is_some()) {
        (true, _) => Ok("up to the watermark".to_owned()),
        (false, true) => read_value(&format!("{text} 23:59:59"), zone),
        (false, false) => read_value(text, zone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_echoed_in_utc() {
        let read = |text| read_value(text, chrono_tz::Europe::Berlin);
        assert_eq!(read("2026-10-01T08:00:00+02:00").unwrap(), "2026-10-01 06:00:00 UTC");
        assert_eq!(read("2026-10-01 08:00:00").unwrap(), "2026-10-01 06:00:00 UTC");
        assert_eq!(read("2026-10-01").unwrap(), "2026-09-30 22:00:00 UTC");
        assert_eq!(read_end("2026-10-01", Tz::UTC).unwrap(), "2026-10-01 23:59:59 UTC");
        assert_eq!(read("4711").unwrap(), "4711 (a whole number)");
        assert!(read("last monday").unwrap_err().contains("2026-10-01"));
        assert_eq!(read("2026-02-31").unwrap_err(), "no calendar has that day");
    }

    #[test]
    fn a_preview_goes_when_its_words_change() {
        let mut form = Backfill::default();
        form.open(&MappingName("orders".into()), None);
        let key = |c| KeyEvent::from(ratatui::crossterm::event::KeyCode::Char(c));
        "2026-10-01".chars().for_each(|c| form.type_in(&key(c)));
        let ask = form.ask().unwrap();
        form.asked(&ask);
        form.type_in(&key('x'));
        assert_eq!((form.preview, form.start.value()), (Preview::None, "2026-10-01x"));
    }
}
