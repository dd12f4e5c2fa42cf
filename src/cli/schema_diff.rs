//! `bqsync schema-diff`: both schemas side by side, the DDL, and on request its execution.

use serde_json::json;

use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::printer::Printer;
use crate::domain::schema::ColumnDiffView;
use crate::engine::{Command, Event, Handle, Selection};

/// Compares the selection; with `apply`, carries out what is safe.
pub(super) async fn schema_diff(mut handle: Handle, selection: Selection, apply: bool, printer: Printer) -> ExitStatus {
    handle.send(Command::Compare { selection, apply, columns: Vec::new() });
    let mut events = Vec::new();
    loop {
        match handle.next_event().await {
            Some(Event::CompareFinished) => break,
            Some(Event::EngineFailed { error }) => {
                printer.note_own_failure(&error);
                return ExitStatus::Failed;
            }
            None => return ExitStatus::Failed,
            Some(event) => events.push(event),
        }
    }
    if printer.format == OutputFormat::Json {
        printer.json(&json!({ "mappings": events }));
    } else {
        for event in &events {
            show(event, printer);
        }
    }
    exit_status(&events)
}

fn exit_status(events: &[Event]) -> ExitStatus {
    let mut status = ExitStatus::Ok;
    for event in events {
        match event {
            Event::CompareFailed { .. } => return ExitStatus::Failed,
            Event::SchemaCompared { conflicts, .. } if *conflicts > 0 => return ExitStatus::Failed,
            Event::SchemaCompared { statements, applied: false, .. } if !statements.is_empty() => {
                status = ExitStatus::Waiting;
            }
            _ => {}
        }
    }
    status
}

fn show(event: &Event, printer: Printer) {
    match event {
        Event::SchemaCompared { mapping, creates_table, columns, statements, applied, .. } => {
            let verdict = match (statements.is_empty(), applied, creates_table) {
                (true, ..) => "no change to make",
                (false, true, _) => "carried out",
                (false, false, true) => "the table does not exist yet",
                (false, false, false) => "differs",
            };
            printer.line(&format!("{mapping}: {verdict}"));
            printer.table(
                &["COLUMN", "MYSQL", "BIGQUERY", "VERDICT", "BECOMES"],
                columns.iter().map(row).collect(),
                &[],
            );
            for statement in statements {
                printer.line(&format!("{statement};"));
            }
            printer.line("");
        }
        Event::CompareFailed { mapping, error, hint } => {
            printer.line(&format!("{mapping}: error: {error}\n{mapping}: next: {hint}\n"));
        }
        _ => {}
    }
}

fn row(column: &ColumnDiffView) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        column.column.clone(),
        or_dash(&column.mysql),
        or_dash(&column.bigquery),
        column.verdict.clone(),
        or_dash(&column.becomes),
    ]
}
