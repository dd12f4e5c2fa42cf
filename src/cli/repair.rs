//! `bqsync verify --repair`: shows what differed, what was done, and what still differs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::printer::Printer;
use super::run_once::{explain, listen_to_its_end};
use super::verify::name_keys;
use crate::domain::ids::MappingName;
use crate::domain::report::{MappingReport, Outcome as Ended};
use crate::domain::verify::{Outcome, Repair, Verification};
use crate::engine::{Command, Event, Handle, RepairOrder};
use crate::format;

/// A mapping's two comparisons: the first one, and the one after mending.
#[derive(Debug, Default)]
struct Compared {
    first: Option<Verification>,
    again: Option<Verification>,
}

/// Compares the selection, mends the differences, and compares again. Remaining differences exit 1.
pub(super) async fn repair(handle: Handle, order: RepairOrder, printer: Printer) -> ExitStatus {
    let dry_run = order.dry_run;
    let mut compared: BTreeMap<MappingName, Compared> = BTreeMap::new();
    let heard = |event| {
        if let Event::RowsCompared { verification, again, .. } = event {
            let known = compared.entry(verification.mapping.clone()).or_default();
            *(if again { &mut known.again } else { &mut known.first }) = Some(*verification);
        }
    };
    let ended = match listen_to_its_end(handle, Command::Repair(order), printer, heard).await {
        Ok(ended) => ended,
        Err(status) => return status,
    };
    let mut mappings = Vec::new();
    for report in &ended.report.mappings {
        mappings.push((report, compared.remove(&report.mapping_name).unwrap_or_default()));
    }
    if printer.format == OutputFormat::Json {
        let mappings: Vec<Value> =
            mappings.iter().map(|(report, compared)| as_json(report, compared, dry_run)).collect();
        printer.json(&json!({ "run_id": ended.report.run_id, "mappings": mappings }));
    } else {
        show(&mappings, dry_run, printer);
    }
    let differs = |(report, compared): &(&MappingReport, Compared)| {
        matches!(verdict(report, compared, dry_run), Verdict::Different | Verdict::Inconclusive)
    };
    match ended.status() {
        ExitStatus::Ok if mappings.iter().any(differs) => ExitStatus::Failed,
        status => status,
    }
}

/// How a mapping's repair ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    NothingSynced,
    /// There was nothing to mend.
    Equal,
    WouldRepair,
    Repaired,
    Different,
    Inconclusive,
    /// The mapping waits for a decision.
    Waiting,
    Failed,
    Cancelled,
}

impl Verdict {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NothingSynced => ("NOTHING SYNCED", "nothing_synced"),
            Self::Equal => ("EQUAL", "equal"),
            Self::WouldRepair => ("WOULD REPAIR", "would_repair"),
            Self::Repaired => ("REPAIRED", "repaired"),
            Self::Different => ("DIFFERENT", "different"),
            Self::Inconclusive => ("INCONCLUSIVE", "inconclusive"),
            Self::Waiting => ("REVIEW", "waiting"),
            Self::Failed => ("FAILED", "failed"),
            Self::Cancelled => ("CANCELLED", "cancelled"),
        }
    }
}

fn verdict(report: &MappingReport, compared: &Compared, dry_run: bool) -> Verdict {
    match (report.outcome, report.repair) {
        (Ended::Waiting, _) => Verdict::Waiting,
        (Ended::Failed, _) => Verdict::Failed,
        (Ended::Cancelled, _) => Verdict::Cancelled,
        (Ended::Ok, None) => Verdict::NothingSynced,
        (Ended::Ok, Some(repair)) => {
            let last = compared.again.as_ref().or(compared.first.as_ref()).map(|verification| verification.outcome);
            match last {
                Some(Outcome::Inconclusive) => Verdict::Inconclusive,
                // If rows were processed, an earlier attempt has found and published them.
                _ if repair.found() == 0 && report.records_processed == 0 => Verdict::Equal,
                _ if dry_run => Verdict::WouldRepair,
                _ if repair.is_equal() => Verdict::Repaired,
                _ if repair.different_still.is_none() => Verdict::Inconclusive,
                _ => Verdict::Different,
            }
        }
    }
}

fn as_json(report: &MappingReport, compared: &Compared, dry_run: bool) -> Value {
    json!({
        "mapping": report.mapping_name,
        "outcome": verdict(report, compared, dry_run).words().1,
        "dry_run": dry_run,
        "repair": report.repair,
        "compared": compared.first,
        "still": compared.again.as_ref().map(|again| &again.differences),
        "bytes_billed": report.bytes_billed,
        "warnings": report.warnings,
        "error": report.errors.first(),
        "hint": report.hint,
    })
}

fn show(mappings: &[(&MappingReport, Compared)], dry_run: bool, printer: Printer) {
    let header = ["MAPPING", "FOUND", "INSERTED", "UPDATED", "UNDOUBLED", "DELETED", "LEFT", "STILL", "READ", "STATUS"];
    let rows = mappings.iter().map(|(report, compared)| row(report, verdict(report, compared, dry_run))).collect();
    printer.table(&header, rows, &[1, 2, 3, 4, 5, 6, 7, 8]);
    for (report, compared) in mappings {
        let name = &report.mapping_name;
        if let Some(repair) = report.repair.filter(|repair| repair.found() > 0) {
            printer.line(&format!("{name}: found: {}", found_words(&repair)));
        }
        match (&compared.first, &compared.again) {
            (_, Some(again)) => name_keys(again, "still: ", printer),
            (Some(first), None) => name_keys(first, "", printer),
            (None, None) => {}
        }
        if let Some(first) = &compared.first {
            if !first.not_compared.is_empty() {
                printer.line(&format!("{name}: not compared: {}", first.not_compared.join(", ")));
            }
            first.notes.iter().for_each(|note| printer.line(&format!("{name}: note: {note}")));
        }
        if let Some(bytes) = report.repair.and_then(|repair| repair.bytes_to_mend) {
            printer.line(&format!("{name}: the repair would read, and bill: {} for each batch", format::bytes(bytes)));
        }
        explain(report, printer);
    }
    if dry_run {
        printer.line("Nothing was changed: run it without --dry-run to repair.");
    }
}

fn row(report: &MappingReport, verdict: Verdict) -> Vec<String> {
    let count = |of: fn(&Repair) -> u64| {
        report.repair.as_ref().map_or_else(|| "-".to_owned(), |repair| format::count(of(repair)))
    };
    let still = report.repair.and_then(|repair| repair.different_still);
    vec![
        report.mapping_name.to_string(),
        count(Repair::found),
        count(|repair| repair.inserted),
        count(|repair| repair.updated),
        count(|repair| repair.undoubled),
        count(|repair| repair.deleted),
        count(|repair| repair.left),
        still.map_or_else(|| "-".to_owned(), format::count),
        report.repair.map_or_else(|| "-".to_owned(), |repair| format::bytes(repair.bytes_compared)),
        verdict.words().0.to_owned(),
    ]
}

fn found_words(repair: &Repair) -> String {
    let kinds = [
        (repair.only_in_mysql, "only in MySQL"),
        (repair.differing, "that differ"),
        (repair.doubled, "doubled in BigQuery"),
        (repair.only_in_bigquery, "only in BigQuery"),
    ];
    let told =
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{} {words}", format::count(*count)));
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::config::Mode;
    use crate::domain::ids::RunId;

    #[test]
    fn repairing_a_mapping_that_waits_for_a_decision_is_not_a_failure() {
        let (name, run) = (MappingName("shop.coupons".into()), RunId("r".into()));
        let (source, target) = ("shop.coupons".to_owned(), "p.d.coupons".to_owned());
        let mut report = MappingReport::begin(name, Mode::Mirror, run, source, target, DateTime::UNIX_EPOCH);
        report.outcome = Ended::Waiting;
        assert_eq!(verdict(&report, &Compared::default(), false).words(), ("REVIEW", "waiting"));
        report.outcome = Ended::Failed;
        assert_eq!(verdict(&report, &Compared::default(), false).words().0, "FAILED");
    }
}
