//! Rows that MySQL no longer has: first counted, then shown and asked about, and only then deleted.

mod question;
#[cfg(test)]
mod tests;

use crate::domain::config::Mode;
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{MappingReport, Outcome, RunReport, Trigger};
use crate::engine::{Command, Selection};
use crate::tui::model::Row;
use crate::tui::naming::listed;
use crate::tui::shared::Shared;

/// The width, in cells, of names in a sentence above the footer.
const SAID: usize = 80;

/// A count that was ordered here, one at a time. It changes nothing, so the mapping does not remember it as a run.
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
    /// `x`: orders the counts, whatever `deletes` says, because a count changes nothing.
    pub fn look(&mut self, mut names: Vec<MappingName>, shared: &mut Shared) {
        if self.look != Look::None {
            return shared.say("bqsync is already counting deleted rows: wait for that count");
        }
        if let [name] = names.as_slice() {
            if let Some(mode) = mode_without_windows(name, shared) {
                let mode = mode.word();
                return shared
                    .say(format!("{name} has `mode: {mode}`: each run removes the rows that MySQL no longer has"));
            }
            if !shared.is_free(name) {
                return;
            }
        }
        names.retain(|name| {
            mode_without_windows(name, shared).is_none() && shared.book.get(name).is_some_and(Row::is_free)
        });
        if names.is_empty() {
            return shared
                .say("no marked mapping can be counted now: each is running, or has `mode: replace` or `mirror`");
        }
        shared.say(format!("{}: counting the rows that MySQL no longer has", listed(&names, SAID)));
        self.look = Look::Asked;
        send(names, true, shared);
    }

    /// Tells if the run that has begun is the count that was ordered.
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

    /// Turns the counts into a question once they have come. `meant`: the mappings that the keys apply to now; the
    /// question must not take a key that was meant for something else.
    pub fn looked(&mut self, report: &RunReport, meant: &[MappingName], shared: &mut Shared) {
        self.look = Look::None;
        let dialog = match report.mappings.as_slice() {
            // The run was refused, which an event has reported.
            [] => return,
            [one] => {
                let Some(mapping) = shared.configured(&one.mapping_name).cloned() else { return };
                if one.outcome == Outcome::Cancelled {
                    return shared.say(format!("{}: the count was cancelled; nothing was deleted", mapping.name));
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
            match report.mappings.as_slice() {
                [one] => shared.say(format!("{}: {told} x on it counts again and asks", one.mapping_name)),
                _ => shared.say(format!("{}: {told}; mark them again and press x to decide", dialog.title)),
            }
        }
    }

    /// The engine is gone, and the count with it.
    pub fn lost(&mut self) {
        self.look = Look::None;
    }
}

pub fn send(names: Vec<MappingName>, dry_run: bool, shared: &mut Shared) {
    shared.send_run(Command::Deletes { selection: Selection::Named(names), dry_run });
}

/// The mode of a mapping whose runs look at the whole table; `None` for a mode with windows.
fn mode_without_windows(name: &MappingName, shared: &Shared) -> Option<Mode> {
    shared.configured(name).map(|mapping| mapping.mode).filter(|mode| !mode.has_windows())
}

fn nothing(report: &MappingReport) -> String {
    let nothing = report.warnings.first().map_or("every row of BigQuery is still in MySQL", String::as_str);
    format!("{}: {nothing}", report.mapping_name)
}
