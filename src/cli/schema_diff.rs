//! `bqsync schema-diff`: shows both schemas side by side with the DDL, and runs it on request.

use serde_json::json;

use super::answer::answers;
use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::output::SchemaDiff;
use super::printer::Printer;
use crate::domain::counted::counted;
use crate::domain::ids::MappingName;
use crate::domain::quote;
use crate::domain::schema::{ColumnDiffView, new_column};
use crate::engine::{
    ColumnDecision, Compare, Comparison, Decide, Decided, Failure, Handle, Of, Selection, WHOLE_TABLE,
};

/// The request from the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub apply: bool,
    pub columns: &'a [String],
    pub declined: &'a [String],
}

/// Compares the selection; carries out or remembers the decisions.
pub(super) async fn schema_diff(
    mut handle: Handle,
    selection: Selection,
    asked: Asked<'_>,
    printer: Printer,
) -> ExitStatus {
    let Asked { apply, columns, declined } = asked;
    if columns.is_empty() && declined.is_empty() {
        return compare(&mut handle, Compare { selection, apply, columns: Vec::new() }, printer).await;
    }
    let say = |columns: &[String], accept| {
        columns.iter().map(|c| ColumnDecision { column: c.clone(), accept }).collect::<Vec<_>>()
    };
    match selection {
        Selection::Named(names) if names.len() > 1 => {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            printer.error(&format!(
                "`--column` and `--decline` need exactly one mapping: name one of {}",
                names.join(", ")
            ));
            ExitStatus::Usage
        }
        Selection::Named(names) => {
            let decisions = [say(columns, true), say(declined, false)].concat();
            let query = Decide { mapping: names[0].clone(), decisions };
            let is_table = declined.iter().any(|column| column == WHOLE_TABLE);
            if !apply || !columns.is_empty() || is_table {
                return decide(&mut handle, query, printer, Says::Decision).await;
            }
            // Remembers first what is declined, then carries out the rest.
            match decide(&mut handle, query, printer, Says::Trouble).await {
                ExitStatus::Ok => {
                    let selection = Selection::Named(names);
                    compare(&mut handle, Compare { selection, apply, columns: Vec::new() }, printer).await
                }
                status => status,
            }
        }
        // The command line names one mapping in this case.
        Selection::All => ExitStatus::Usage,
    }
}

async fn compare(handle: &mut Handle, query: Compare, printer: Printer) -> ExitStatus {
    let compared = match answers(handle, query, printer).await {
        Ok(compared) => compared,
        Err(status) => return status,
    };
    if printer.format == OutputFormat::Json {
        let mappings: Vec<_> = compared.iter().map(|of| SchemaDiff::compared(&of.mapping.0, &of.answer)).collect();
        printer.json(&json!({ "mappings": mappings }));
    } else {
        for Of { mapping, answer } in &compared {
            match answer {
                Ok(comparison) => show(comparison, printer),
                Err(failure) => show_failure(mapping, failure, printer),
            }
        }
    }
    exit_status(&compared)
}

fn exit_status(compared: &[Of<Comparison>]) -> ExitStatus {
    let mut status = ExitStatus::Ok;
    for of in compared {
        match &of.answer {
            Err(_) => return ExitStatus::Failed,
            Ok(comparison) if comparison.conflicts > 0 => return ExitStatus::Failed,
            Ok(comparison) if comparison.new_table || (!comparison.applied && !comparison.statements.is_empty()) => {
                status = ExitStatus::Waiting;
            }
            Ok(_) => {}
        }
    }
    status
}

/// What a decision prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Decision,
    /// Only failures: what follows shows what an accepted decision comes to.
    Trouble,
}

async fn decide(handle: &mut Handle, query: Decide, printer: Printer, says: Says) -> ExitStatus {
    let mapping = query.mapping.clone();
    let decided = match answers(handle, query, printer).await {
        Ok(mut decided) => decided.pop(),
        Err(status) => return status,
    };
    let Some(decided) = decided else { return ExitStatus::Failed };
    if decided.is_ok() && says == Says::Trouble {
        return ExitStatus::Ok;
    }
    if printer.format == OutputFormat::Json {
        printer.json(&json!({ "mappings": [SchemaDiff::decided(&mapping.0, &decided)] }));
    } else {
        match &decided {
            Ok(decided) => show_decided(decided, printer),
            Err(failure) => show_failure(&mapping, failure, printer),
        }
    }
    decided.map_or_else(|failure| ExitStatus::of_failure(&failure.error), |_| ExitStatus::Ok)
}

fn show(comparison: &Comparison, printer: Printer) {
    let Comparison { mapping, creates_table, new_table, columns, statements, applied, conflicts, options } = comparison;
    let verdict = match (statements.is_empty(), applied, creates_table) {
        _ if *new_table => waits(mapping),
        (true, ..) if *conflicts > 0 => format!("{}, which no statement here ends", counted(*conflicts, "conflict")),
        (true, ..) => "no change to make".to_owned(),
        (false, true, _) => "carried out".to_owned(),
        (false, false, true) => "the table does not exist yet".to_owned(),
        (false, false, false) => "differs".to_owned(),
    };
    printer.line(&format!("{mapping}: {verdict}"));
    let header = ["COLUMN", "MYSQL", "BIGQUERY", "VERDICT", "BECOMES"];
    printer.table(&header, columns.iter().map(row).collect(), &[]);
    for statement in statements {
        printer.lines(&format!("{statement};"));
    }
    // What a declined column lacks is no work that remains.
    let stays = |column: &&ColumnDiffView| column.accepted != Some(false);
    for column in columns.iter().filter(stays) {
        if let Some(note) = &column.note {
            printer.line(&format!("{mapping}: note: {}: {note}", new_column(&column.column)));
        }
    }
    for column in columns.iter().filter(stays) {
        if let Some(remedy) = &column.remedy {
            printer.line(&format!("{mapping}: next: column `{}`: {remedy}", column.column));
        }
    }
    for option in options {
        printer.line(&format!("{mapping}: note: {option}"));
    }
    printer.line("");
}

/// What a new table waits for.
fn waits(mapping: &MappingName) -> String {
    let command = format!("bqsync schema-diff {}", quote::shell_option("--mapping", &mapping.0));
    format!(
        "a new table in MySQL; `{command} --apply` takes it, with `--decline COLUMN` without that one; `{command} --decline '*'` \
         leaves it out"
    )
}

fn show_decided(decided: &Decided, printer: Printer) {
    let Decided { mapping, accepted, declined, statements, notes, waits } = decided;
    let names = |columns: &[String]| if columns.is_empty() { "none".to_owned() } else { columns.join(", ") };
    printer.line(&format!("{mapping}: accepted: {}; declined: {}", names(accepted), names(declined)));
    for statement in statements {
        printer.lines(&format!("{statement};"));
    }
    for note in notes {
        printer.line(&format!("{mapping}: note: {note}"));
    }
    if *waits {
        let option = quote::shell_option("--mapping", &mapping.0);
        printer.line(&format!(
            "{mapping}: the table still waits for a decision: `bqsync schema-diff {option} --apply` takes it"
        ));
    }
}

fn show_failure(mapping: &MappingName, failure: &Failure, printer: Printer) {
    let Failure { error, hint } = failure;
    printer.line(&format!("{mapping}: error: {error}"));
    printer.line(&format!("{mapping}: next: {hint}"));
    printer.line("");
}

fn row(column: &ColumnDiffView) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        column.column.clone(),
        or_dash(&column.mysql),
        or_dash(&column.bigquery),
        match column.accepted {
            Some(true) => format!("{} (accepted)", column.verdict.word()),
            Some(false) => format!("{} (declined)", column.verdict.word()),
            None => column.verdict.word().to_owned(),
        },
        or_dash(&column.becomes()),
    ]
}
