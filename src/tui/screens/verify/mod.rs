//! Compares the rows of both sides, and repairs those that differ.

mod comparison;
mod question;
mod several;
#[cfg(test)]
mod tests;
mod view;

use self::comparison::Comparison;
use self::several::Several;
use super::shown::{About, Acts, Next};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{MappingReport, Trigger};
use crate::domain::verify::Verification;
use crate::engine::{self, Command, Event, MOST_BYTES, Of, RepairOrder, Selection, Verified};
use crate::tui::ask::Ask;
use crate::tui::keys::Action;
use crate::tui::scroll::{Extent, Scroll, travel};
use crate::tui::shared::Shared;

/// The most keys that are listed and copied.
const MOST_NAMED: usize = 1_000;

/// A repair that was started from here.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Repairing {
    #[default]
    None,
    Asked,
    Running(RunId),
    Ended(Box<MappingReport>),
}

impl Repairing {
    const fn is_under_way(&self) -> bool {
        matches!(self, Self::Asked | Self::Running(_))
    }
}

#[derive(Debug, Default)]
pub struct Verify {
    /// The list of several marked mappings; it is shown while `about` is empty.
    several: Option<Several>,
    pub about: Option<MappingName>,
    pub comparison: Comparison,
    pub repairing: Repairing,
    /// The comparison after the repair.
    pub still: Option<Box<Verification>>,
    pub scroll: Scroll,
}

impl Verify {
    fn ask(&mut self, dry_run: bool, shared: &mut Shared) {
        let Some(name) = self.about.clone() else { return };
        let comparison = if dry_run { Comparison::Pricing } else { Comparison::Asked(None) };
        let (about, several) = (self.about.take(), self.several.take());
        *self = Self { several, about, comparison, ..Self::default() };
        ask(vec![name], dry_run, shared);
    }

    /// Compares several mappings, as the operator has confirmed.
    pub fn compare(&mut self, names: Vec<MappingName>, shared: &mut Shared) {
        if let Some(several) = &mut self.several {
            several.asked(&names);
            ask(names, false, shared);
        }
    }

    /// Enter in the list.
    fn ask_or_open(&mut self, shared: &mut Shared) {
        let Some(several) = &self.several else { return };
        if let Some(dialog) = several.question(shared.size) {
            shared.dialog = Some(dialog);
        } else if let Some(one) = several.marked() {
            self.about = Some(one.name.clone());
            self.comparison = one.comparison.clone();
            (self.repairing, self.still, self.scroll) = (Repairing::None, None, Scroll::default());
        }
    }

    /// Goes from one mapping back to the list. `false`: there is no list.
    fn close_one(&mut self) -> bool {
        let Some(several) = self.several.as_mut().filter(|_| self.about.is_some() && !self.repairing.is_under_way())
        else {
            return false;
        };
        let known =
            if self.repairing == Repairing::None { std::mem::take(&mut self.comparison) } else { Comparison::None };
        let name = self.about.take();
        if let Some(one) = several.ones.iter_mut().find(|one| Some(&one.name) == name.as_ref()) {
            one.comparison = known;
        }
        true
    }

    fn listed(&self) -> Option<&Several> {
        self.several.as_ref().filter(|_| self.about.is_none())
    }

    /// Takes an answer; an answer to an earlier question is dropped.
    pub fn answered(&mut self, said: Verified) {
        if let Some(several) = &mut self.several {
            several.answered(&said);
        }
        match said {
            Verified::Looking { mapping, looking } => {
                if let (true, Comparison::Asked(known)) = (self.is_about(&mapping), &mut self.comparison) {
                    *known = Some(looking);
                }
            }
            Verified::Ended(of) => {
                let Of { mapping, answer } = *of;
                if self.is_about(&mapping) && self.comparison.waits() {
                    self.comparison = Comparison::of(answer);
                }
            }
        }
    }

    fn is_about(&self, mapping: &MappingName) -> bool {
        self.about.as_ref() == Some(mapping)
    }

    /// The keys that differ; `None` if that is unknown, or a repair is under way.
    #[must_use]
    pub fn found(&self) -> Option<&Verification> {
        match (&self.comparison, &self.repairing) {
            (Comparison::Compared(found), Repairing::None) => Some(found).map(|found| &**found),
            (Comparison::Compared(found), Repairing::Ended(_)) => Some(self.still.as_deref().unwrap_or(found)),
            _ => None,
        }
    }

    /// Stops waiting for the answers of an engine that is gone.
    pub fn lost(&mut self) {
        if self.comparison.waits() {
            self.comparison = Comparison::None;
        }
        if let Some(several) = &mut self.several {
            several.lost();
        }
        if self.repairing.is_under_way() {
            self.repairing = Repairing::None;
        }
    }

    /// Begins the repair, as the operator has confirmed.
    pub fn begin(&mut self, mapping: MappingName, shared: &mut Shared) {
        if !shared.is_free(&mapping) {
            return;
        }
        (self.repairing, self.still, self.scroll) = (Repairing::Asked, None, Scroll::default());
        let selection = Selection::Named(vec![mapping]);
        shared.send_run(Command::Repair(RepairOrder {
            selection,
            dry_run: false,
            most_bytes: MOST_BYTES,
            most_named: MOST_NAMED,
        }));
    }

    fn ask_repair(&self, shared: &mut Shared) {
        let mapping = self.about.as_ref().and_then(|name| shared.configured(name));
        let asked = self.found().zip(mapping).and_then(|(found, mapping)| question::question(found, mapping));
        match asked {
            Some(dialog) => shared.dialog = Some(dialog),
            None => shared.say("no difference is known: Enter compares"),
        }
    }
}

impl Acts for Verify {
    fn open(&mut self, about: About, shared: &mut Shared) -> bool {
        if shared.facts.is_none() {
            shared.say("nothing can be compared without a configuration; u reads the files again");
            return false;
        }
        let name = match about {
            About::Mapping(name) => name,
            About::Several(names) => {
                if self.several.as_ref().is_none_or(|several| several.names() != names) {
                    *self = Self { several: Some(Several::pricing(names.clone())), ..Self::default() };
                    ask(names, true, shared);
                }
                return true;
            }
            About::All | About::Run(_) => return false,
        };
        self.several = None;
        if !self.is_about(&name) || (self.comparison == Comparison::None && self.repairing == Repairing::None) {
            *self = Self { about: Some(name), ..Self::default() };
            self.ask(true, shared);
        }
        true
    }

    fn can_open(&self, subject: Option<&MappingName>, shared: &Shared) -> bool {
        shared.can_ask_about(subject)
    }

    fn subject<'a>(&'a self, _shared: &Shared) -> Option<&'a MappingName> {
        self.about.as_ref().or_else(|| Some(&self.several.as_ref()?.marked()?.name))
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                match self.several.as_mut().filter(|_| self.about.is_none()) {
                    Some(list) => list.place = travel(list.place, list.ones.len(), shared.page(), action),
                    None => self.scroll.travel(action, shared.page()),
                }
            }
            Action::Back if self.close_one() => {}
            Action::Open if self.listed().is_some() => self.ask_or_open(shared),
            Action::Open if self.repairing.is_under_way() || matches!(self.comparison, Comparison::Asked(_)) => {
                shared.say("the comparison or repair is already running");
            }
            Action::Open if shared.facts.is_some() => self.ask(false, shared),
            Action::Repair => self.ask_repair(shared),
            _ => return Next::Usual,
        }
        Next::Done
    }

    fn possible(&self, action: Action, shared: &Shared) -> bool {
        match action {
            Action::Copy => self.copied(shared).is_some(),
            Action::Repair => self.found().is_some_and(|found| found.found() > 0),
            Action::Open => !self.repairing.is_under_way() && !matches!(self.comparison, Comparison::Asked(_)),
            _ => true,
        }
    }

    fn heard(&mut self, event: &Event, _is_shown: bool, _shared: &mut Shared) {
        match event {
            Event::RunStarted { run, trigger: Trigger::Repair, mappings }
                if self.repairing == Repairing::Asked
                    && self.about.as_ref().is_some_and(|name| mappings.contains(name)) =>
            {
                self.repairing = Repairing::Running(run.clone());
            }
            Event::MappingRefused { mapping, .. } if self.repairing == Repairing::Asked && self.is_about(mapping) => {
                self.repairing = Repairing::None;
            }
            Event::RowsCompared { run, verification, again } if self.is_run(run) => {
                if *again {
                    self.still = Some(verification.clone());
                } else {
                    self.comparison = Comparison::Compared(verification.clone());
                }
            }
            Event::MappingFinished { report } if self.is_run(&report.run_id) => {
                self.repairing = Repairing::Ended(report.clone());
            }
            Event::EngineFailed { .. } => self.lost(),
            _ => {}
        }
    }

    fn drawn(&mut self, extent: Extent) {
        self.scroll.drawn(extent);
    }

    /// The text for the clipboard: a line for each key.
    fn copied(&self, _shared: &Shared) -> Option<String> {
        let found = self.found()?;
        let lines = found.differences.iter().map(|one| format!("{}: {}", one.kind.words(), found.key_words(one)));
        let lines: Vec<_> = lines.collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

fn ask(names: Vec<MappingName>, dry_run: bool, shared: &mut Shared) {
    let selection = Selection::Named(names);
    shared.ask(Ask::Verify(engine::Verify { selection, dry_run, most_bytes: MOST_BYTES, most_named: MOST_NAMED }));
}

impl Verify {
    fn is_run(&self, run: &RunId) -> bool {
        matches!(&self.repairing, Repairing::Running(running) if running == run)
    }
}
