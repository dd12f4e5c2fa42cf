//! `bqsync deletes`: rows that MySQL no longer has are counted, then marked or removed.

use super::args::OutputFormat;
use super::printer::Printer;
use super::run_once::explain;
use crate::domain::report::{MappingReport, Outcome, RunReport};
use crate::format;

pub(super) fn show(report: &RunReport, printer: Printer) {
    if printer.format == OutputFormat::Json {
        printer.json(report);
        return;
    }
    if report.mappings.is_empty() {
        printer.line("No mapping says `deletes: soft` or `deletes: hard`, so there is nothing to do.");
        return;
    }
    let header = ["MAPPING", "TABLE", "KEYS IN MYSQL", "ROWS IN BIGQUERY", "VANISHED", "DELETED", "STATUS"];
    printer.table(&header, report.mappings.iter().map(row).collect(), &[2, 3, 4, 5]);
    for mapping in &report.mappings {
        explain(mapping, printer);
    }
}

/// Shows the result of a dry run.
pub(super) fn preview(report: &RunReport, printer: Printer) {
    show(report, printer);
    if printer.format == OutputFormat::Table && !report.any(Outcome::Failed) && !report.mappings.is_empty() {
        printer.line(
            "Nothing was deleted: run it without --dry-run to delete, in mappings with `deletes: soft` or `deletes: hard`.",
        );
    }
}

fn row(mapping: &MappingReport) -> Vec<String> {
    let count = |of: fn(&crate::domain::report::Deletion) -> u64| {
        mapping.deletion.as_ref().map_or_else(|| "-".to_owned(), |deletion| format::count(of(deletion)))
    };
    vec![
        mapping.mapping_name.to_string(),
        mapping.target.clone(),
        count(|d| d.keys),
        count(|d| d.held),
        count(|d| d.vanished),
        count(|d| d.deleted),
        mapping.outcome.word().to_owned(),
    ]
}
