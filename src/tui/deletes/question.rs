//! The questions after deleted rows were counted.

use crate::domain::config::{Deletes, Mapping};
use crate::domain::report::{Deletion, MappingReport};
use crate::format;
use crate::tui::dialog::{Dialog, Intent, choice};
use crate::tui::shared::Shared;

/// The question about one mapping; `None` if there is nothing to ask.
pub(super) fn of_one(report: &MappingReport, mapping: &Mapping) -> Option<Dialog> {
    let counted = report.deletion.as_ref().map(|counts| counted(counts, report));
    if let Some(error) = report.errors.first() {
        let next = report.hint.as_ref().map(|hint| format!("Next: {hint}"));
        let lines = counted.into_iter().chain([error.clone()]).chain(next).collect();
        let title = format!("Nothing can be deleted from {}", mapping.name);
        return Some(Dialog::new(title, lines, vec![choice('n', "close", Intent::Nothing)]));
    }
    let vanished = report.deletion.filter(|counts| counts.vanished > 0)?.vanished;
    if mapping.deletes == Deletes::Ignore {
        return Some(ignored(counted, mapping));
    }
    let (done, answer) = match &mapping.deletes {
        Deletes::Soft { column } => (format!("They stay, and are marked with the time in `{column}`."), "mark"),
        Deletes::Ignore | Deletes::Hard => ("They are deleted from the table.".to_owned(), "delete"),
    };
    let rows = if vanished == 1 { "it".to_owned() } else { format!("{} rows", format::count(vanished)) };
    let choices = vec![
        choice('n', "leave them", Intent::Nothing),
        choice('d', format!("{answer} {rows}"), Intent::DeleteRows(vec![mapping.name.clone()])),
    ];
    let lines = counted.into_iter().chain([done, guard(mapping)]).collect();
    Some(Dialog::new(format!("Deleted rows of {}", mapping.name), lines, choices))
}

fn guard(mapping: &Mapping) -> String {
    let most = mapping.most_deleted;
    format!("Keys are read anew for it. `max_delete_fraction` holds: no more than {most} of the rows at once.")
}

/// Shows the count, and offers to copy the line that would allow deleting.
fn ignored(counted: Option<String>, mapping: &Mapping) -> Dialog {
    let said = "The mapping says `deletes: ignore`, so they stay. To change that, write one of the two lines into the mapping \
                (soft keeps the rows and marks them with the time), then u, then x.";
    let choices = vec![
        choice('n', "leave them", Intent::Nothing),
        choice('s', "copy `deletes: soft`", Intent::Copy("deletes: soft".to_owned())),
        choice('h', "copy `deletes: hard`", Intent::Copy("deletes: hard".to_owned())),
    ];
    let lines = counted.into_iter().chain([said.to_owned()]).collect();
    Dialog::new(format!("Deleted rows of {}", mapping.name), lines, choices)
}

/// The question about several mappings: a line for each that has lost rows; the answer deletes those that may be
/// deleted.
///
/// # Errors
/// The sentence to say instead of the question.
pub(super) fn of_several(reports: &[MappingReport], shared: &Shared) -> Result<Dialog, String> {
    let mut lines = Vec::new();
    let (mut names, mut rows) = (Vec::new(), 0);
    for report in reports {
        let name = &report.mapping_name;
        let vanished = report.deletion.map_or(0, |counts| counts.vanished);
        if let Some(error) = report.errors.first() {
            lines.push(format!("{name}: {error}"));
        } else if vanished > 0 {
            let held = report.deletion.map_or(0, |counts| counts.held);
            let count = format!("{name}: {} of {} rows", format::count(vanished), format::count(held));
            match shared.configured(name).map(|mapping| &mapping.deletes) {
                Some(Deletes::Soft { column }) => lines.push(format!("{count} are gone; marked in `{column}`")),
                Some(Deletes::Hard) => lines.push(format!("{count} are gone; deleted")),
                Some(Deletes::Ignore) | None => {
                    lines.push(format!("{count} are gone; they stay: `deletes: ignore`"));
                    continue;
                }
            }
            names.push(name.clone());
            rows += vanished;
        }
    }
    if lines.is_empty() {
        return Err(format!("{} mappings: every row of BigQuery is still in MySQL", reports.len()));
    }
    let mut choices = vec![choice('n', "leave them", Intent::Nothing)];
    if !names.is_empty() {
        lines.push("Keys are read anew for it; each mapping's `max_delete_fraction` holds.".to_owned());
        let label = format!("delete or mark {} rows of {} mapping(s)", format::count(rows), names.len());
        choices.push(choice('d', label, Intent::DeleteRows(names)));
    }
    Ok(Dialog::new(format!("Deleted rows of {} mappings", reports.len()), lines, choices))
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
