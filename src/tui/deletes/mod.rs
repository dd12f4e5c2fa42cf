//! Rows that MySQL no longer has: looked for first, shown and asked about, and only then deleted.

mod question;
#[cfg(test)]
mod tests;

use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{MappingReport, Outcome, RunReport, Trigger};
use crate::engine::{Command, Selection};
use crate::tui::model::Row;
use crate::tui::naming::listed;
use crate::tui::shared::Shared;

/// Names in a sentence above the footer.
const SAID: usize = 80;

/// A look that was asked for here, one at a time. It changes nothing, so it is no run that the mapping remembers.
#[derive(Debug, Default, PartialEq, Eq)]
enum Look {
    #[default]
    None,
    Asked,
    Running(RunId),
}

#[derive(Debug, Default)]
pub struct Deletes {
    look: Look,
}

impl Deletes {
    /// `x`: asks for the counts, whatever `deletes` says: a count changes nothing.
    pub fn look(&mut self, mut names: Vec<MappingName>, shared: &mut Shared) {
        if self.look != Look::None {
            return shared.say("deleted rows are being looked for already");
        }
        if let [name] = names.as_slice() {
            if is_whole(name, shared) {
                let said = format!("{name} is looked at as a whole: each run takes out what MySQL no longer has");
                return shared.say(said);
            }
            if !shared.is_free(name) {
                return;
            }
        }
        names.retain(|name| !is_whole(name, shared) && shared.book.get(name).is_some_and(Row::is_free));
        if names.is_empty() {
            return shared.say("of what is marked, nothing can be looked through just now");
        }
        shared.say(format!("{}: looking for rows that MySQL no longer has", listed(&names, SAID)));
        self.look = Look::Asked;
        send(names, true, shared);
    }

    /// Is the run that has begun the look that was asked for?
    pub fn began(&mut self, run: &RunId, trigger: Trigger) -> bool {
        match std::mem::take(&mut self.look) {
            Look::Asked if trigger == Trigger::Deletes => {
                self.look = Look::Running(run.clone());
                true
            }
            other => {
                self.look = other;
                false
            }
        }
    }

    #[must_use]
    pub fn is_look(&self, run: &RunId) -> bool {
        matches!(&self.look, Look::Running(look) if look == run)
    }

    /// The look has ended: its counts become a question. `meant` are the mappings that the keys are about just now: a
    /// question must not come between a key and what it was meant for.
    pub fn looked(&mut self, report: &RunReport, meant: &[MappingName], shared: &mut Shared) {
        self.look = Look::None;
        let dialog = match report.mappings.as_slice() {
            // Refused, which has been told.
            [] => return,
            [one] => {
                let Some(mapping) = shared.configured(&one.mapping_name).cloned() else { return };
                if one.outcome == Outcome::Cancelled {
                    return shared.say(format!("{}: stopped looking; nothing was deleted", mapping.name));
                }
                question::of_one(one, &mapping).ok_or_else(|| nothing(one))
            }
            several => question::of_several(several, shared),
        };
        let dialog = match dialog {
            Ok(dialog) => dialog,
            Err(sentence) => return shared.say(sentence),
        };
        if report.mappings.iter().all(|mapping| meant.contains(&mapping.mapping_name)) {
            shared.dialog = Some(dialog);
        } else {
            let told = dialog.lines.first().cloned().unwrap_or_default();
            let name = &report.mappings[0].mapping_name;
            shared.say(format!("{name}: {told} x on it looks again and asks"));
        }
    }

    /// The engine is gone, and the look with it.
    pub fn lost(&mut self) {
        self.look = Look::None;
    }
}

pub fn send(names: Vec<MappingName>, dry_run: bool, shared: &mut Shared) {
    shared.send_run(Command::Deletes { selection: Selection::Named(names), dry_run });
}

/// Does each of its runs look at the whole table, and see what is gone?
fn is_whole(name: &MappingName, shared: &Shared) -> bool {
    shared.configured(name).is_some_and(|mapping| !mapping.mode.has_windows())
}

fn nothing(report: &MappingReport) -> String {
    let nothing = report.warnings.first().map_or("every row of BigQuery is still in MySQL", String::as_str);
    format!("{}: {nothing}", report.mapping_name)
}
