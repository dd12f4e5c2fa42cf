//! What is asked before a repair.

use crate::domain::config::{Deletes, Mapping, Mode};
use crate::domain::verify::{Cure, Cures, DifferenceKind, Verification};
use crate::format;
use crate::tui::dialog::{Dialog, Intent, choice};

/// `None` where nothing differs.
pub(super) fn question(found: &Verification, mapping: &Mapping) -> Option<Dialog> {
    if found.found() == 0 {
        return None;
    }
    // Whether the table has columns of its own, the repair itself sees.
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
        "Both sides are compared anew for it, under the mapping's lease (about {} read in BigQuery), and what was mended once more.",
        format::bytes(found.bytes)
    ));
    let mended: u64 = counts.iter().filter(|(kind, _)| cures.cure(*kind) != Cure::Leave).map(|(_, count)| count).sum();
    let mut choices = vec![choice('n', "leave it as it is", Intent::Nothing)];
    if mended > 0 {
        let label = format!("mend {} key(s)", format::count(mended));
        choices.push(choice('m', label, Intent::Repair(mapping.name.clone())));
    }
    Some(Dialog::new(format!("Repair {}", mapping.target), lines, choices))
}

fn line(kind: DifferenceKind, count: u64, cures: Cures, mapping: &Mapping) -> String {
    let count = format::count(count);
    match (kind, cures.cure(kind)) {
        (DifferenceKind::OnlyInMysql, _) => format!("{count} only in MySQL: inserted."),
        (DifferenceKind::Differs, _) if mapping.mode == Mode::Append => {
            format!("{count} that differ: the newest version is inserted where it is missing.")
        }
        (DifferenceKind::Differs, _) => format!("{count} that differ: updated to what MySQL holds."),
        (DifferenceKind::Doubled, Cure::Leave) => format!("{count} doubled in BigQuery: left as history."),
        (DifferenceKind::Doubled, _) => format!("{count} doubled in BigQuery: held once again."),
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
            format!(
                "{count} only in BigQuery: {done}, no more than {most} of the rows at once (`max_delete_fraction`)."
            )
        }
    }
}
