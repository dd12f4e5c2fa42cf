//! Rows that MySQL no longer has: looked for first, shown and asked about, and only then deleted.

#[cfg(test)]
mod tests;

use crate::domain::config::{self, Mapping};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{Deletion, MappingReport, Outcome, RunReport, Trigger};
use crate::engine::{Command, Selection};
use crate::format;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::shared::Shared;

/// A look that was asked for here, one at a time. It changes nothing, so it is no run that the mapping remembers.
#[derive(Debug, Default, PartialEq, Eq)]
enum Look {
    #[default]
    None,
    Asked(MappingName),
    Running(MappingName, RunId),
}

#[derive(Debug, Default)]
pub struct Deletes {
    look: Look,
}

impl Deletes {
    /// `x`: asks for the counts.
    pub fn look(&mut self, name: MappingName, shared: &mut Shared) {
        let Some(mapping) = shared.configured(&name) else { return };
        if !mapping.mode.has_windows() {
            let mode = mapping.mode.word();
            shared.say(format!("{name} has `mode: {mode}`: each run takes out what MySQL no longer has"));
        } else if mapping.deletes == config::Deletes::Ignore {
            shared.say(format!("{name} says `deletes: ignore`; write `soft` or `hard` in the mapping, then u"));
        } else if let Look::Asked(other) | Look::Running(other, _) = &self.look {
            shared.say(format!("deleted rows of {other} are being looked for already"));
        } else if shared.is_free(&name) {
            shared.say(format!("{name}: looking for rows that MySQL no longer has"));
            self.look = Look::Asked(name.clone());
            send(name, true, shared);
        }
    }

    /// Is the run that has begun the look that was asked for?
    pub fn began(&mut self, run: &RunId, trigger: Trigger) -> bool {
        match std::mem::take(&mut self.look) {
            Look::Asked(mapping) if trigger == Trigger::Deletes => {
                self.look = Look::Running(mapping, run.clone());
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
        matches!(&self.look, Look::Running(_, look) if look == run)
    }

    /// The look has ended: its counts become a question. `marked` is the mapping that the keys are about just now: a
    /// question must not come between a key and what it was meant for.
    pub fn looked(&mut self, report: &RunReport, marked: Option<&MappingName>, shared: &mut Shared) {
        self.look = Look::None;
        // Refused, which has been told.
        let Some(report) = report.mappings.first() else { return };
        let Some(mapping) = shared.configured(&report.mapping_name).cloned() else { return };
        if report.outcome == Outcome::Cancelled {
            shared.say(format!("{}: stopped looking; nothing was deleted", mapping.name));
            return;
        }
        let Some(dialog) = question(report, &mapping) else {
            let nothing = report.warnings.first().cloned();
            let nothing = nothing.unwrap_or_else(|| "every row of BigQuery is still in MySQL".to_owned());
            shared.say(format!("{}: {nothing}", mapping.name));
            return;
        };
        if marked == Some(&mapping.name) {
            shared.dialog = Some(dialog);
        } else {
            let told = dialog.lines.first().cloned().unwrap_or_default();
            shared.say(format!("{}: {told} x on it looks again and asks", mapping.name));
        }
    }

    /// The engine is gone, and the look with it.
    pub fn lost(&mut self) {
        self.look = Look::None;
    }
}

pub fn send(mapping: MappingName, dry_run: bool, shared: &mut Shared) {
    let selection = Selection::Named(vec![mapping]);
    shared.send_run(Command::Deletes { selection, dry_run });
}

/// `None` where there is nothing to ask about.
fn question(report: &MappingReport, mapping: &Mapping) -> Option<Dialog> {
    let counted = report.deletion.as_ref().map(|counts| counted(counts, report));
    if let Some(error) = report.errors.first() {
        let next = report.hint.as_ref().map(|hint| format!("Next: {hint}"));
        let lines = counted.into_iter().chain([error.clone()]).chain(next).collect();
        let title = format!("Nothing can be deleted from {}", mapping.name);
        return Some(Dialog::new(title, lines, vec![choice('n', "close", Intent::Nothing)]));
    }
    let vanished = report.deletion.filter(|counts| counts.vanished > 0)?.vanished;
    let (done, answer) = match &mapping.deletes {
        config::Deletes::Soft { column } => (format!("They stay, and are marked with the time in `{column}`."), "mark"),
        config::Deletes::Ignore | config::Deletes::Hard => ("They are deleted from the table.".to_owned(), "delete"),
    };
    let guard = format!(
        "Keys are read anew for it. `max_delete_fraction` holds: no more than {} of the rows at once.",
        mapping.most_deleted
    );
    let rows = if vanished == 1 { "it".to_owned() } else { format!("{} rows", format::count(vanished)) };
    let choices = vec![
        choice('n', "leave them", Intent::Nothing),
        choice('d', format!("{answer} {rows}"), Intent::DeleteRows(mapping.name.clone())),
    ];
    let lines = counted.into_iter().chain([done, guard]).collect();
    Some(Dialog::new(format!("Deleted rows of {}", mapping.name), lines, choices))
}

fn counted(counts: &Deletion, report: &MappingReport) -> String {
    format!(
        "{} of {} rows of {} are no longer among MySQL's {} keys.",
        format::count(counts.vanished),
        format::count(counts.held),
        report.target,
        format::count(counts.keys)
    )
}
