//! The newest rows of MySQL beside BigQuery's: only on request, and only after the operator has seen the cost.

#[cfg(test)]
mod tests;
mod view;

use super::shown::{About, Acts, Next};
use crate::domain::ids::MappingName;
use crate::domain::verify::{Beside, Pair};
use crate::engine::{Failure, ReadBeside};
use crate::format;
use crate::tui::ask::Ask;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::keys::Action;
use crate::tui::scroll::{Extent, Scroll, travel};
use crate::tui::shared::Shared;

#[derive(Debug, Default)]
pub struct Data {
    about: Option<MappingName>,
    rows: Rows,
    /// The row under the cursor.
    place: usize,
    /// The first column that is shown after the keys.
    column: usize,
    /// One row is shown alone, with every value in full.
    whole: bool,
    scroll: Scroll,
}

/// The progress of the request.
#[derive(Debug, Default)]
enum Rows {
    #[default]
    None,
    /// The cost is being asked for.
    Pricing,
    /// The operator has seen the cost.
    Priced(Box<Beside>),
    Reading,
    Read(Box<Beside>),
    Failed(Failure),
}

impl Data {
    fn ask(&mut self, price: Option<u64>, shared: &mut Shared) {
        let Some(mapping) = self.about.clone() else { return };
        self.rows = if price.is_some() { Rows::Reading } else { Rows::Pricing };
        // If the table has grown a little since then, the operator is not asked again.
        let most_bytes = price.map_or(0, |bytes| bytes + bytes / 10 + 10_000_000);
        shared.ask(Ask::Beside(ReadBeside { mapping, price_only: price.is_none(), most_bytes }));
    }

    /// Reads the rows, after the operator has agreed to the cost.
    pub fn read(&mut self, mapping: &MappingName, shared: &mut Shared) {
        if self.about.as_ref() == Some(mapping)
            && let Some(bytes) = self.bytes()
        {
            self.ask(Some(bytes), shared);
        }
    }

    fn bytes(&self) -> Option<u64> {
        self.priced().map(|beside| beside.bytes)
    }

    fn priced(&self) -> Option<&Beside> {
        match &self.rows {
            Rows::Priced(beside) | Rows::Read(beside) => Some(beside),
            _ => None,
        }
    }

    fn question(&self, shared: &mut Shared) {
        let (Some(mapping), Some(beside)) = (&self.about, self.priced()) else { return };
        let mut lines = vec![
            format!("BigQuery reads {} for this, and bills at least 10 MB.", format::bytes(beside.bytes)),
            "The values are only shown here: they go to no file and no log. Masked columns show `masked`.".to_owned(),
        ];
        if let Some(rows) = beside.scans {
            let by = beside.by.join(", ");
            let rows = if rows == 0 { String::new() } else { format!(", about {} rows", format::count(rows)) };
            let scan = format!("No index begins with {by}: MySQL reads the whole table{rows} to find the newest rows.");
            lines.insert(0, scan);
        }
        let choices = vec![
            choice('n', "read nothing", Intent::Nothing),
            choice('y', "read and show them", Intent::ShowRows(mapping.clone())),
        ];
        shared.dialog = Some(Dialog::new(format!("Show the newest rows of {mapping}?"), lines, choices));
    }

    pub fn answered(
        &mut self,
        mapping: &MappingName,
        price_only: bool,
        answer: Result<Box<Beside>, Failure>,
        is_shown: bool,
        shared: &mut Shared,
    ) {
        let waits = matches!((&self.rows, price_only), (Rows::Pricing, true) | (Rows::Reading, false));
        if self.about.as_ref() != Some(mapping) || !waits {
            return;
        }
        self.rows = match answer {
            Ok(beside) if price_only => Rows::Priced(beside),
            Ok(beside) => Rows::Read(beside),
            Err(failure) => Rows::Failed(failure),
        };
        (self.place, self.column, self.whole, self.scroll) = (0, 0, false, Scroll::default());
        if price_only && is_shown && shared.dialog.is_none() {
            self.question(shared);
        }
    }

    /// The engine that was asked is gone, and its answer with it.
    pub fn lost(&mut self) {
        if matches!(self.rows, Rows::Pricing | Rows::Reading) {
            self.rows = Rows::None;
        }
    }

    fn shown(&self) -> Option<&Beside> {
        match &self.rows {
            Rows::Read(beside) => Some(beside),
            _ => None,
        }
    }

    fn pair(&self) -> Option<&Pair> {
        self.shown()?.pairs.get(self.place)
    }

    fn open_row(&mut self, shared: &mut Shared) {
        match &self.rows {
            Rows::Read(beside) if !beside.pairs.is_empty() => {
                (self.whole, self.scroll) = (!self.whole, Scroll::default());
            }
            Rows::Read(_) => shared.say("MySQL has no rows"),
            Rows::Priced(_) => self.question(shared),
            Rows::None | Rows::Failed(_) => self.ask(None, shared),
            Rows::Pricing | Rows::Reading => shared.say("the rows are already being read"),
        }
    }

    fn travel(&mut self, action: Action, shared: &Shared) {
        if self.whole {
            return self.scroll.travel(action, shared.page());
        }
        let count = self.shown().map_or(0, |beside| beside.pairs.len());
        self.place = travel(self.place, count, shared.page() / 2, action);
    }

    fn slide(&mut self, right: bool) {
        let free = self.shown().map_or(0, |beside| beside.columns.iter().filter(|column| !column.is_key).count());
        self.column = if right { (self.column + 1).min(free.saturating_sub(1)) } else { self.column.saturating_sub(1) };
    }
}

impl Acts for Data {
    fn open(&mut self, about: About, shared: &mut Shared) -> bool {
        let About::Mapping(name) = about else { return false };
        let is_known = self.about.as_ref() == Some(&name) && matches!(self.rows, Rows::Read(_) | Rows::Reading);
        if !is_known {
            *self = Self { about: Some(name), ..Self::default() };
            self.ask(None, shared);
        }
        true
    }

    fn can_open(&self, subject: Option<&MappingName>, shared: &Shared) -> bool {
        shared.can_ask_about(subject)
    }

    fn subject<'a>(&'a self, _shared: &Shared) -> Option<&'a MappingName> {
        self.about.as_ref()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.travel(action, shared);
            }
            Action::Left | Action::Right => self.slide(action == Action::Right),
            Action::Open => self.open_row(shared),
            Action::Reload => match self.bytes() {
                Some(_) => self.question(shared),
                None => self.ask(None, shared),
            },
            Action::Back if self.whole => self.whole = false,
            // The rows are not kept for whoever opens the screen next.
            Action::Back => {
                self.rows = Rows::None;
                return Next::Usual;
            }
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn label(&self, action: Action) -> Option<&'static str> {
        match (action, &self.rows) {
            (Action::Open, Rows::Read(_)) if self.whole => Some("all rows"),
            (Action::Open, Rows::None | Rows::Failed(_) | Rows::Priced(_)) => Some("read"),
            _ => None,
        }
    }

    fn possible(&self, action: Action, _shared: &Shared) -> bool {
        match action {
            Action::Left | Action::Right => self.shown().is_some() && !self.whole,
            _ => true,
        }
    }

    fn drawn(&mut self, extent: Extent) {
        self.scroll.drawn(extent);
    }
}
