//! `bqsync schema-diff`: both schemas side by side, the DDL, and on request its execution.

use serde_json::json;

use super::answer::answer;
use super::args::OutputFormat;
use super::exit::ExitStatus;
use super::printer::Printer;
use crate::domain::schema::ColumnDiffView;
use crate::engine::{ColumnDecision, Command, Event, Handle, Selection};

/// What the command line asks of the difference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub apply: bool,
    pub columns: &'a [String],
    pub declined: &'a [String],
}

/// Compares the selection; carries out or remembers what was asked for.
pub(super) async fn schema_diff(
    mut handle: Handle,
    selection: Selection,
    asked: Asked<'_>,
    printer: Printer,
) -> ExitStatus {
    let single = asked.columns.is_empty() && asked.declined.is_empty();
    let command = match (single, &selection) {
        (true, _) => Command::Compare { selection, apply: asked.apply, columns: Vec::new() },
        (false, Selection::Named(names)) => {
            let say = |columns: &[String], accept| {
                columns.iter().map(|c| ColumnDecision { column: c.clone(), accept }).collect::<Vec<_>>()
            };
            let decisions = [say(asked.columns, true), say(asked.declined, false)].concat();
            Command::Decide { mapping: names[0].clone(), decisions }
        }
        // The command line names one mapping then.
        (false, Selection::All) => return ExitStatus::Usage,
    };
    let mut events = Vec::new();
    let finished = |event| match event {
        Event::CompareFinished => Some(()),
        event => {
            let is_last = matches!(event, Event::SchemaDecided { .. } | Event::DecideFailed { .. });
            events.push(event);
            is_last.then_some(())
        }
    };
    if let Err(status) = answer(&mut handle, command, printer, finished).await {
        return status;
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
            Event::DecideFailed { error, .. } => return ExitStatus::of_failure(error),
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
                printer.lines(&format!("{statement};"));
            }
            for column in columns {
                if let Some(note) = &column.note {
                    printer.line(&format!("{mapping}: note: column `{}` is new: {note}", column.column));
                }
            }
            printer.line("");
        }
        Event::SchemaDecided { mapping, accepted, declined, statements, notes } => {
            let names = |columns: &[String]| if columns.is_empty() { "none".to_owned() } else { columns.join(", ") };
            printer.line(&format!("{mapping}: accepted: {}; declined: {}", names(accepted), names(declined)));
            for statement in statements {
                printer.lines(&format!("{statement};"));
            }
            for note in notes {
                printer.line(&format!("{mapping}: note: {note}"));
            }
        }
        Event::CompareFailed { mapping, error, hint } | Event::DecideFailed { mapping, error, hint } => {
            printer.line(&format!("{mapping}: error: {error}"));
            printer.line(&format!("{mapping}: next: {hint}"));
            printer.line("");
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
        match column.accepted {
            Some(true) => format!("{} (accepted)", column.verdict.word()),
            Some(false) => format!("{} (declined)", column.verdict.word()),
            None => column.verdict.word().to_owned(),
        },
        or_dash(&column.becomes),
    ]
}
