//! The screens, a folder each: state and keys in `mod.rs`, drawing in `view.rs`, tests of both in `tests.rs`.
//!
//! Only this file connects a [`Screen`]'s name with its implementation; all other code uses [`Shown`].

pub mod backfill;
mod check;
pub mod data;
mod history;
mod logs;
pub mod mappings;
mod report;
mod run;
pub mod schema;
mod sent;
pub mod shown;
pub mod tables;
pub mod verify;

use self::backfill::Backfill;
use self::check::Check;
use self::data::Data;
use self::history::History;
use self::logs::Logs;
use self::mappings::Mappings;
use self::report::Report;
use self::run::Run;
use self::schema::Schema;
use self::sent::Sent;
use self::shown::{About, Shown};
use self::tables::Tables;
use self::verify::Verify;
use super::screen::Screen;
use super::shared::Shared;
use crate::engine::Event;

#[derive(Debug)]
pub struct Screens {
    /// The open screens, never empty; the last one is shown.
    stack: Vec<Screen>,
    pub mappings: Mappings,
    pub run: Run,
    pub schema: Schema,
    pub backfill: Backfill,
    pub history: History,
    pub report: Report,
    pub logs: Logs,
    pub check: Check,
    pub verify: Verify,
    pub sent: Sent,
    pub tables: Tables,
    pub data: Data,
}

impl Default for Screens {
    fn default() -> Self {
        Self {
            stack: vec![Screen::Mappings],
            mappings: Mappings::default(),
            run: Run::default(),
            schema: Schema::default(),
            backfill: Backfill::default(),
            history: History::default(),
            report: Report::default(),
            logs: Logs::default(),
            check: Check::default(),
            verify: Verify::default(),
            sent: Sent::default(),
            tables: Tables::default(),
            data: Data::default(),
        }
    }
}

impl Screens {
    #[must_use]
    pub fn at(&self, screen: Screen) -> &dyn Shown {
        match screen {
            Screen::Mappings => &self.mappings,
            Screen::Run => &self.run,
            Screen::Schema => &self.schema,
            Screen::Backfill => &self.backfill,
            Screen::History => &self.history,
            Screen::Report => &self.report,
            Screen::Logs => &self.logs,
            Screen::Check => &self.check,
            Screen::Verify => &self.verify,
            Screen::Sent => &self.sent,
            Screen::Tables => &self.tables,
            Screen::Data => &self.data,
        }
    }

    pub fn at_mut(&mut self, screen: Screen) -> &mut dyn Shown {
        match screen {
            Screen::Mappings => &mut self.mappings,
            Screen::Run => &mut self.run,
            Screen::Schema => &mut self.schema,
            Screen::Backfill => &mut self.backfill,
            Screen::History => &mut self.history,
            Screen::Report => &mut self.report,
            Screen::Logs => &mut self.logs,
            Screen::Check => &mut self.check,
            Screen::Verify => &mut self.verify,
            Screen::Sent => &mut self.sent,
            Screen::Tables => &mut self.tables,
            Screen::Data => &mut self.data,
        }
    }

    /// The screen that is shown.
    #[must_use]
    pub fn front(&self) -> Screen {
        self.stack.last().copied().unwrap_or(Screen::Mappings)
    }

    #[must_use]
    pub fn shown(&self) -> &dyn Shown {
        self.at(self.front())
    }

    pub fn shown_mut(&mut self) -> &mut dyn Shown {
        self.at_mut(self.front())
    }

    pub fn open(&mut self, screen: Screen, about: About, shared: &mut Shared) {
        if self.at_mut(screen).open(about, shared) {
            self.show(screen);
        }
    }

    pub fn show(&mut self, screen: Screen) {
        // A screen that is already open is returned to, not opened a second time.
        if let Some(place) = self.stack.iter().position(|open| *open == screen) {
            self.stack.truncate(place);
        }
        self.stack.push(screen);
    }

    pub fn go_back(&mut self) {
        if self.stack.len() > 1 {
            self.stack.pop();
        }
    }

    pub fn heard(&mut self, event: &Event, shared: &mut Shared) {
        let front = self.front();
        for screen in Screen::ALL {
            self.at_mut(screen).heard(event, screen == front, shared);
        }
    }

    /// Tells if leaving would stop something besides runs.
    #[must_use]
    pub fn busy(&self) -> bool {
        Screen::ALL.iter().any(|screen| self.at(*screen).busy())
    }
}
