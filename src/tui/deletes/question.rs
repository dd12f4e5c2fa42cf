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
        Deletes::Soft { column } => {
            (format!("They stay in the table and are marked with the time in `{column}`."), "mark")
        }
        Deletes::Ignore | Deletes::Hard => ("They are deleted from the table.".to_owned(), "delete"),
    };
    let rows = if vanished == 1 { "it".to_owned() } else { format!("{} rows", format::count(vanished)) };
    let choices = vec![
        choice('n', "leave them", Intent::Nothing),
        choice('y', format!("{answer} {rows}"), Intent::DeleteRows(vec![mapping.name.clone()])),
    ];
    let lines = counted.into_iter().chain([done, guard(mapping)]).collect();
    Some(Dialog::new(format!("Deleted rows of {}", mapping.name), lines, choices))
}

fn guard(mapping: &Mapping) -> String {
    let most = mapping.most_deleted;
    format!("The keys are read again first. `max_delete_fraction` allows at most {most} of the rows at once.")
}

/// Shows the count, and offers to copy the line that would allow deleting.
fn ignored(counted: Option<String>, mapping: &Mapping) -> Dialog {
    let said = "The mapping says `deletes: ignore`, so these rows stay. To change that, add one of the two lines to the mapping \
                in config.yaml (soft keeps the rows and marks them with the time), press u, then x.";
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
            let count =
                format!("{name}: {} of {} rows vanished from MySQL", format::count(vanished), format::count(held));
            match shared.configured(name).map(|mapping| &mapping.deletes) {
                Some(Deletes::Soft { column }) => lines.push(format!("{count}; to be marked in `{column}`")),
                Some(Deletes::Hard) => lines.push(format!("{count}; to be deleted")),
                Some(Deletes::Ignore) | None => {
                    lines.push(format!("{count}; they stay (`deletes: ignore`)"));
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
        lines.push("The keys are read again first; each mapping's `max_delete_fraction` applies.".to_owned());
        let of = format::numbered(names.len() as u64, "mapping", "mappings");
        let label = format!("delete or mark {} of {of}", format::numbered(rows, "row", "rows"));
        choices.push(choice('y', label, Intent::DeleteRows(names)));
    }
    Ok(Dialog::new(format!("Deleted rows of {} mappings", reports.len()), lines, choices))
}

fn counted(counts: &Deletion, report: &MappingReport) -> String {
    format!(
        "MySQL no longer has {} of the {} rows of {} (MySQL has {}).",
        format::count(counts.vanished),
        format::count(counts.held),
        report.target,
        format::numbered(counts.keys, "key", "keys")
    )
}
