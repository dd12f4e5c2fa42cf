//! The question before a repair.

use crate::domain::config::{Deletes, Mapping, Mode};
use crate::domain::verify::{Cure, Cures, DifferenceKind, Verification};
use crate::format;
use crate::tui::dialog::{Dialog, Intent, choice};

/// The question; `None` if nothing differs.
pub(super) fn question(found: &Verification, mapping: &Mapping) -> Option<Dialog> {
    if found.found() == 0 {
        return None;
    }
    // Only the repair itself can see if the table has columns of its own.
    let cures = Cures::of(mapping, true);
    let counts = [
        (DifferenceKind::OnlyInMysql, found.only_in_mysql),
        (DifferenceKind::Differs, found.differing),
        (DifferenceKind::Doubled, found.doubled),
        (DifferenceKind::OnlyInBigquery, found.only_in_bigquery),
    ];
    let told = counts.into_iter().filter(|(_, count)| *count > 0);
    let mut lines: Vec<String> = told.map(|(kind, count)| line(kind, count, cures, mapping)).collect();
    lines.push(format!(
        "The repair compares both sides again under the mapping's lease (about {} read in BigQuery), then the repaired rows once more.",
        format::bytes(found.bytes)
    ));
    let mended: u64 = counts.iter().filter(|(kind, _)| cures.cure(*kind) != Cure::Leave).map(|(_, count)| count).sum();
    let mut choices = vec![choice('n', "leave it as it is", Intent::Nothing)];
    if mended > 0 {
        let label = format!("repair {}", format::numbered(mended, "key", "keys"));
        choices.push(choice('y', label, Intent::Repair(mapping.name.clone())));
    }
    Some(Dialog::new(format!("Repair {}?", mapping.target), lines, choices))
}

fn line(kind: DifferenceKind, count: u64, cures: Cures, mapping: &Mapping) -> String {
    let count = format::numbered(count, "key", "keys");
    match (kind, cures.cure(kind)) {
        (DifferenceKind::OnlyInMysql, _) => format!("{count} only in MySQL: inserted."),
        (DifferenceKind::Differs, _) if mapping.mode == Mode::Append => {
            format!("{count} that differ: the newest version is inserted where it is missing.")
        }
        (DifferenceKind::Differs, _) => format!("{count} that differ: updated to MySQL's values."),
        (DifferenceKind::Doubled, Cure::Leave) => format!("{count} doubled in BigQuery: left as history."),
        (DifferenceKind::Doubled, _) => format!("{count} doubled in BigQuery: reduced to one row per key."),
        (DifferenceKind::OnlyInBigquery, Cure::Leave) if mapping.mode == Mode::Append => {
            format!("{count} only in BigQuery: left as history.")
        }
        (DifferenceKind::OnlyInBigquery, Cure::Leave) => {
            format!("{count} only in BigQuery: left, because the mapping says `deletes: ignore`.")
        }
        (DifferenceKind::OnlyInBigquery, _) => {
            let done = match &mapping.deletes {
                Deletes::Soft { column } => format!("marked with the time in `{column}`"),
                Deletes::Ignore | Deletes::Hard => "deleted".to_owned(),
            };
            let most = mapping.most_deleted;
            format!("{count} only in BigQuery: {done}, at most {most} of the rows at once (`max_delete_fraction`).")
        }
    }
}
