//! `bqsync init`: proposes a configuration for the tables of a server, or the entries that an existing one lacks.

use serde_json::{Value, json};

use super::exit::ExitStatus;
use super::printer::Printer;
use crate::domain::config::NamedSource;
use crate::domain::estate::{Choice, Proposal, Top, document, fragment};
use crate::engine::Tables;

/// The whole file; with `existing`, only the part that this file lacks. `source`: the server, if it has a name.
#[must_use]
pub fn proposed(tables: &Tables, existing: Option<&str>, source: Option<&NamedSource>) -> String {
    let top = Top { server: &tables.server, others: &tables.others, source };
    match existing {
        Some(file) => fragment(&top, file, &tables.proposals),
        None => document(&top, &tables.proposals),
    }
}

/// Prints the proposal, as YAML or as JSON.
pub fn show_proposed(
    tables: &Tables,
    existing: Option<&str>,
    source: Option<&NamedSource>,
    as_json: bool,
    printer: Printer,
) -> ExitStatus {
    if as_json {
        let each: Vec<Value> = tables.proposals.iter().map(told).collect();
        printer.json(&json!({ "tables": each, "not_looked_at": tables.others }));
    } else {
        printer.raw(proposed(tables, existing, source).as_bytes());
    }
    ExitStatus::Ok
}

fn told(proposal: &Proposal) -> Value {
    let entry = proposal.entry();
    let left_out = match &proposal.choice {
        Choice::Moved(_) => None,
        Choice::LeftOut(_, why) | Choice::Impossible(why) => Some(why),
    };
    json!({
        "source": proposal.source,
        "database": proposal.database,
        "table": proposal.table,
        "name": proposal.name,
        "rows": proposal.rows,
        "bytes": proposal.bytes,
        "is_view": proposal.is_view,
        "mode": entry.map(|entry| entry.mode),
        "primary_keys": entry.map(|entry| &entry.keys),
        "left_out": left_out,
    })
}
