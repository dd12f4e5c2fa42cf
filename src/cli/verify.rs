//! `bqsync verify`: shows whether BigQuery holds what MySQL holds, and which keys differ.

use serde_json::{Value, json};

use super::answer::answers;
use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::printer::Printer;
use crate::domain::ids::MappingName;
use crate::domain::quote;
use crate::domain::verify::{Outcome, Verification};
use crate::engine::{Failure, Handle, Of, Verified, Verify};
use crate::format;

/// Compares the selection. A difference exits 1, and so does a mapping that could not be compared.
pub(super) async fn verify(mut handle: Handle, order: Verify, printer: Printer) -> ExitStatus {
    let verified = match answers(&mut handle, order, printer).await {
        Ok(said) => said.into_iter().filter_map(ended).collect::<Vec<_>>(),
        Err(status) => return status,
    };
    if printer.format == OutputFormat::Json {
        printer.json(&json!({ "mappings": verified.iter().map(as_json).collect::<Vec<_>>() }));
    } else {
        show(&verified, printer);
    }
    let is_trouble = |verified: &Of<Verification>| {
        verified.answer.as_ref().map_or(true, |verification| verification.outcome.is_trouble())
    };
    if verified.iter().any(is_trouble) { ExitStatus::Failed } else { ExitStatus::Ok }
}

fn ended(said: Verified) -> Option<Of<Verification>> {
    match said {
        Verified::Ended(verified) => Some(*verified),
        Verified::Looking { .. } => None,
    }
}

fn as_json(verified: &Of<Verification>) -> Value {
    match &verified.answer {
        Ok(verification) => json!(verification),
        Err(Failure { error, hint }) => {
            json!({ "mapping": verified.mapping, "outcome": "failed", "error": error, "hint": hint })
        }
    }
}

fn show(verified: &[Of<Verification>], printer: Printer) {
    let failed = |mapping: &MappingName| {
        let unknown = std::iter::repeat_n("-".to_owned(), 7);
        [mapping.to_string()].into_iter().chain(unknown).chain(["FAILED".to_owned()]).collect()
    };
    let row = |verified: &Of<Verification>| verified.answer.as_ref().map_or_else(|_| failed(&verified.mapping), row);
    let header =
        ["MAPPING", "MYSQL", "BIGQUERY", "ONLY MYSQL", "ONLY BIGQUERY", "DIFFER", "DOUBLED", "BYTES", "STATUS"];
    printer.table(&header, verified.iter().map(row).collect(), &[1, 2, 3, 4, 5, 6, 7]);
    for Of { mapping, answer } in verified {
        match answer {
            Ok(verification) => {
                explain(verification, printer);
                if verification.outcome == Outcome::Different {
                    let option = quote::shell_option("--mapping", &mapping.0);
                    printer
                        .line(&format!("{mapping}: next: `bqsync verify --repair --dry-run {option}` shows a repair"));
                }
            }
            Err(Failure { error, hint }) => {
                printer.line(&format!("{mapping}: error: {error}"));
                printer.line(&format!("{mapping}: next: {hint}"));
            }
        }
    }
}

fn row(verification: &Verification) -> Vec<String> {
    let known = !matches!(verification.outcome, Outcome::NothingSynced | Outcome::Estimated);
    let count = |value: u64| if known { format::count(value) } else { "-".to_owned() };
    vec![
        verification.mapping.to_string(),
        count(verification.rows_in_mysql),
        count(verification.rows_in_bigquery),
        count(verification.only_in_mysql),
        count(verification.only_in_bigquery),
        count(verification.differing),
        count(verification.doubled),
        format::bytes(verification.bytes),
        status(verification),
    ]
}

/// The verdict, which must name columns that were not compared: equality holds only for the others.
fn status(verification: &Verification) -> String {
    let word = verification.outcome.word();
    match (verification.outcome, verification.not_compared.len()) {
        (Outcome::Equal, 1..) => format!("{word}, {} NOT COMPARED", verification.not_compared.len()),
        _ => word.to_owned(),
    }
}

pub(super) fn explain(verification: &Verification, printer: Printer) {
    let name = &verification.mapping;
    name_keys(verification, "", printer);
    if verification.changed_since > 0 {
        let changed = format::counted(verification.changed_since, "key");
        printer.line(&format!("{name}: not judged: {changed} changed in MySQL since the watermark"));
    }
    if !verification.not_compared.is_empty() {
        printer.line(&format!("{name}: not compared: {}", verification.not_compared.join(", ")));
    }
    for note in &verification.notes {
        printer.line(&format!("{name}: note: {note}"));
    }
}

/// Prints the keys that differ, as far as they are named.
pub(super) fn name_keys(verification: &Verification, before: &str, printer: Printer) {
    let name = &verification.mapping;
    for difference in &verification.differences {
        printer.line(&format!("{name}: {before}{}: {}", difference.kind.words(), verification.key_words(difference)));
    }
    let more = verification.found() - verification.differences.len() as u64;
    if more > 0 {
        printer.line(&format!("{name}: {before}and {} (`--keys` names more)", format::counted(more, "more key")));
    }
}
