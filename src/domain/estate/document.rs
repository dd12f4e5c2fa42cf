//! Writes proposals as a whole config.yaml, or as the entries that an existing file lacks.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use chrono_tz::Tz;

use super::entry::{remark, render, word};
use super::facts::TableFacts;
use super::mapped::{self, Mapped};
use super::names::Names;
use super::proposal::{Choice, Proposal};
use crate::domain::check::server::{ServerFacts, ServerZone};
use crate::domain::config::{Config, NamedSource, TablePattern};
use crate::domain::counted;
use crate::domain::ids::SourceName;
use crate::domain::naming;

/// The indentation of list entries in a file that we write.
const INDENT: usize = 2;

/// The tables that an existing configuration moves already.
#[derive(Debug, Clone, Default)]
pub struct Known {
    own: String,
    tables: Vec<(String, String)>,
    patterns: Vec<TablePattern>,
    names: Names,
}

impl Known {
    /// The tables of one server, and the names of all mappings. `own`: the database of mappings that name none.
    #[must_use]
    pub fn of(config: &Config, server: Option<&SourceName>, own: &str) -> Self {
        let taken = config.mappings.iter().map(|mapping| (mapping.name.0.as_str(), mapping.target.table.as_str()));
        Self {
            own: own.to_owned(),
            tables: mapped::tables(config, server, own),
            patterns: config.patterns.iter().filter(|pattern| pattern.server() == server).cloned().collect(),
            names: Names::of(taken),
        }
    }

    /// Names that no new mapping may have.
    #[must_use]
    pub fn names(&self) -> Names {
        self.names.clone()
    }

    /// The tables that no mapping and no entry for many tables takes.
    #[must_use]
    pub fn without_mapping(&self, tables: Vec<TableFacts>) -> Vec<TableFacts> {
        let listed: HashSet<_> = tables.iter().map(|facts| (facts.database.as_str(), facts.table.as_str())).collect();
        let is_listed = |database: &str, table: &str| listed.contains(&(database, table));
        let mapped = Mapped::of(&self.tables, listed.iter().copied());
        let is_taken = |facts: &TableFacts| {
            let (database, table) = (&facts.database, &facts.table);
            mapped.has(database, table)
                || self.patterns.iter().any(|pattern| {
                    !pattern.takers(database, table, &self.own, facts.schema.is_view, &is_listed).is_empty()
                })
        };
        let keep: Vec<bool> = tables.iter().map(|facts| !is_taken(facts)).collect();
        tables.into_iter().zip(keep).filter_map(|(facts, keep)| keep.then_some(facts)).collect()
    }
}

/// The part of the file above the mappings.
#[derive(Debug, Clone)]
pub struct Top<'a> {
    pub server: &'a ServerFacts,
    /// Databases that the question did not ask about.
    pub others: &'a [String],
    /// The server by the name that mappings use.
    pub source: Option<&'a NamedSource>,
}

impl Top<'_> {
    /// The zone in which the server stamps DATETIME columns, if it has a name.
    #[must_use]
    pub fn timezone(&self) -> Option<Tz> {
        let ServerZone { name, .. } = &self.server.zone;
        let name = name.strip_prefix("SYSTEM (").and_then(|name| name.strip_suffix(')')).unwrap_or(name);
        if matches!(name, "+00:00" | "-00:00") { Some(Tz::UTC) } else { name.parse().ok() }
    }

    fn zone_line(&self) -> String {
        let theirs = &self.server.zone.name;
        match self.timezone() {
            Some(zone) => line(
                &format!("default_timezone: {}", zone.name()),
                &format!("the zone that DATETIMEs are written in; MySQL's own is {theirs}"),
            ),
            None => line(
                "#default_timezone: UTC",
                &format!("MySQL's own zone is {theirs}: write the name of the zone that DATETIMEs are written in"),
            ),
        }
    }
}

/// A whole config.yaml.
#[must_use]
pub fn document(top: &Top<'_>, proposals: &[Proposal]) -> String {
    let server = top.server;
    let dataset = proposals.first().map_or(server.database.as_str(), |first| {
        if proposals.iter().any(|proposal| proposal.database == server.database) {
            server.database.as_str()
        } else {
            &first.database
        }
    });
    let mut text = remark(
        &format!("Proposed by `bqsync init` from {} ({}): {}.", server.place, server.product, counted(proposals)),
        0,
    );
    text += "# Each line says why. Rows and bytes are the server's estimates. `exclude` and `mask` are guesses by a column's\n";
    text += "# name: take out what BigQuery may hold as it is, and put in what has another name.\n";
    text += "# Next: bqsync check, then bqsync --no-tui run-once. Every key: docs/configuration.md.\n";
    text += &others(top.others);
    text.push('\n');
    text += &line("project: ${GCP_PROJECT_ID}", "the Google Cloud project: set the variable, or write its id here");
    text +=
        &line(&format!("dataset: {}", word(&naming::id_part(dataset))), "the first run creates it where it is missing");
    text += &line("location: US", "where the dataset is, or is created: EU, europe-west3, ...");
    text +=
        &line("allow_schema_additions: review", "a new column waits until you have decided: it may hold personal data");
    text += &top.zone_line();
    if let Some(NamedSource { name, prefix, .. }) = top.source {
        let why = format!("{prefix}HOST, {prefix}USER, ... say where it is");
        text += &line(&format!("sources: {{{}: {{env: {prefix}}}}}", word(&name.0)), &why);
    }
    text += "\nmappings:\n";
    if !proposals.iter().any(|proposal| matches!(proposal.choice, Choice::Moved(_))) {
        text += "  []                                    # no table is proposed; see below\n";
    }
    text += &entries(proposals, INDENT);
    text
}

/// The entries that an existing file lacks.
#[must_use]
pub fn fragment(top: &Top<'_>, file: &str, proposals: &[Proposal]) -> String {
    let mut text = remark(&format!("Tables without a mapping in {file}: {}.", counted(proposals)), 0);
    text += "# Put below its `mappings:` what is to be moved.\n";
    text += &others(top.others);
    text += &entries(proposals, INDENT);
    text
}

/// Items of `mappings`; tables that are left out are written as comments.
#[must_use]
pub fn entries(proposals: &[Proposal], indent: usize) -> String {
    let mut text = String::new();
    for proposal in proposals {
        if !text.is_empty() {
            text.push('\n');
        }
        text += &item(proposal, indent);
    }
    text
}

fn item(proposal: &Proposal, indent: usize) -> String {
    let table = format!("{}.{}", proposal.database, proposal.table);
    match &proposal.choice {
        Choice::Moved(entry) => {
            let notes: String = entry.notes.iter().map(|note| remark(note, indent)).collect();
            notes + &render(&entry.lines, indent, "")
        }
        Choice::LeftOut(entry, why) => remark(&format!("Left out: {why}"), indent) + &render(&entry.lines, indent, "#"),
        Choice::Impossible(why) => remark(&format!("Left out: {table}: {why}"), indent),
    }
}

/// `3 tables (2 mirror, 1 upsert), and 1 left out`.
#[must_use]
pub fn counted(proposals: &[Proposal]) -> String {
    let mut modes: BTreeMap<&str, usize> = BTreeMap::new();
    for proposal in proposals {
        if let Choice::Moved(entry) = &proposal.choice {
            *modes.entry(entry.mode.word()).or_default() += 1;
        }
    }
    let moved: usize = modes.values().sum();
    let each: Vec<_> = modes.iter().map(|(mode, number)| format!("{number} {mode}")).collect();
    let each = if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) };
    let tables = counted::counted(moved, "table");
    match proposals.len() - moved {
        0 => format!("{tables}{each}"),
        left_out => format!("{tables}{each}, and {left_out} left out"),
    }
}

/// The most names that are listed; the rest is a number.
const MOST_NAMED: usize = 8;

fn others(others: &[String]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let mut named = others.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
    if others.len() > MOST_NAMED {
        // Writing to a string cannot fail.
        let _ = write!(named, " and {} more", others.len() - MOST_NAMED);
    }
    remark(&format!("Not looked at: {named} (--database NAME, or --database '*' for all)."), 0)
}

fn line(text: &str, why: &str) -> String {
    let lines = [super::entry::Line::new(text, why)];
    // One item without its dash.
    render(&lines, 0, "").replacen("- ", "", 1)
}
