//! Rows of both sides compared, and mended where they differ.

mod question;
#[cfg(test)]
mod tests;
mod view;

use super::shown::{About, Acts, Next};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{MappingReport, Trigger};
use crate::domain::verify::{Looking, Outcome, Verification};
use crate::engine::{self, Command, Event, Failure, MOST_BYTES, Of, RepairOrder, Selection, Verified};
use crate::tui::ask::Ask;
use crate::tui::keys::Action;
use crate::tui::scroll::{Extent, Scroll};
use crate::tui::shared::Shared;

/// Keys that are listed, and copied.
const MOST_NAMED: usize = 1_000;

/// How far the comparison is.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Comparison {
    #[default]
    None,
    /// What it would read was asked for.
    Pricing,
    /// Bytes that it would read in BigQuery.
    Priced(Box<Verification>),
    Asked(Option<Looking>),
    Failed(Failure),
    Compared(Box<Verification>),
}

/// A repair that was started from here.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Repairing {
    #[default]
    None,
    Asked,
    Running(RunId),
    Ended(Box<MappingReport>),
}

#[derive(Debug, Default)]
pub struct Verify {
    pub about: Option<MappingName>,
    pub comparison: Comparison,
    pub repairing: Repairing,
    /// What differs still after the repair.
    pub still: Option<Box<Verification>>,
    pub scroll: Scroll,
}

impl Verify {
    fn ask(&mut self, dry_run: bool, shared: &mut Shared) {
        let Some(name) = self.about.clone() else { return };
        let comparison = if dry_run { Comparison::Pricing } else { Comparison::Asked(None) };
        *self = Self { about: self.about.take(), comparison, ..Self::default() };
        let selection = Selection::Named(vec![name]);
        shared.ask(Ask::Verify(engine::Verify { selection, dry_run, most_bytes: MOST_BYTES, most_named: MOST_NAMED }));
    }

    /// An answer to what was asked before is none.
    pub fn answered(&mut self, said: Verified) {
        match said {
            Verified::Looking { mapping, looking } => {
                if let (true, Comparison::Asked(known)) = (self.is_about(&mapping), &mut self.comparison) {
                    *known = Some(looking);
                }
            }
            Verified::Ended(of) => {
                let Of { mapping, answer } = *of;
                let waits = matches!(self.comparison, Comparison::Pricing | Comparison::Asked(_));
                if self.is_about(&mapping) && waits {
                    self.comparison = match answer {
                        Ok(found) if found.outcome == Outcome::Estimated => Comparison::Priced(Box::new(found)),
                        Ok(found) => Comparison::Compared(Box::new(found)),
                        Err(failure) => Comparison::Failed(failure),
                    };
                }
            }
        }
    }

    fn is_about(&self, mapping: &MappingName) -> bool {
        self.about.as_ref() == Some(mapping)
    }

    /// Keys that differ, where that is known and nothing is being done about it.
    #[must_use]
    pub fn found(&self) -> Option<&Verification> {
        match (&self.comparison, &self.repairing) {
            (Comparison::Compared(found), Repairing::None) => Some(found).map(|found| &**found),
            (Comparison::Compared(found), Repairing::Ended(_)) => Some(self.still.as_deref().unwrap_or(found)),
            _ => None,
        }
    }

    /// The engine that was asked is gone, and its answers with it.
    pub fn lost(&mut self) {
        if matches!(self.comparison, Comparison::Pricing | Comparison::Asked(_)) {
            self.comparison = Comparison::None;
        }
        if self.is_repairing() {
            self.repairing = Repairing::None;
        }
    }

    fn is_repairing(&self) -> bool {
        matches!(self.repairing, Repairing::Asked | Repairing::Running(_))
    }

    /// The operator has said yes.
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
            None => shared.say("nothing is known to differ: Enter compares"),
        }
    }
}

impl Acts for Verify {
    fn open(&mut self, about: About, shared: &mut Shared) -> bool {
        let About::Mapping(name) = about else { return false };
        if shared.facts.is_none() {
            shared.say("there is no engine to ask; u reads the configuration again");
            return false;
        }
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
        self.about.as_ref()
    }

    fn act(&mut self, action: Action, shared: &mut Shared) -> Next {
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                self.scroll.travel(action, shared.page());
            }
            Action::Open if self.is_repairing() || matches!(self.comparison, Comparison::Asked(_)) => {
                shared.say("it is being compared already");
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
            Action::Open => !self.is_repairing() && !matches!(self.comparison, Comparison::Asked(_)),
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

    /// For the clipboard: a line for each key.
    fn copied(&self, _shared: &Shared) -> Option<String> {
        let found = self.found()?;
        let lines = found.differences.iter().map(|one| format!("{}: {}", one.kind.words(), found.key_words(one)));
        let lines: Vec<_> = lines.collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

impl Verify {
    fn is_run(&self, run: &RunId) -> bool {
        matches!(&self.repairing, Repairing::Running(running) if running == run)
    }
}
