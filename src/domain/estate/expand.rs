//! From entries that are about many tables to a mapping for each of them.
//!
//! What a table was taken as is remembered and holds from then on: its mode does not follow its size, its indexes or the rules,
//! and its table in BigQuery is nobody else's. A table that comes later is new; what becomes of it the entry says.

mod remarks;
mod work;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use self::work::{Round, Work};
use super::facts::{EstateAsk, TableFacts};
use super::held::Ground;
use super::known_tables::KnownTables;
use crate::domain::config::{Config, Glob, Mapping, TablePattern};
use crate::domain::finding::Finding;
use crate::domain::ids::{MappingName, SourceName};

/// What the server says of its tables.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    Tables(&'a [TableFacts], Ground<'a>),
    /// It does not answer: what is remembered holds.
    Away,
}

/// A server that entries are about.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Where there are several.
    pub server: Option<&'a SourceName>,
    /// The database of the connection.
    pub own: &'a str,
    pub seen: Seen<'a>,
}

/// What is to be expanded, and by what.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub config: &'a Config,
    /// One for each server that an entry is about.
    pub views: &'a [View<'a>],
    pub known: &'a KnownTables,
    /// Says of tables that are known what the rules would make of them today.
    pub compare: bool,
    /// `user@host`.
    pub by: &'a str,
    pub at: DateTime<Utc>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Expansion {
    /// In the order of the file, and of the tables' names within an entry.
    pub mappings: Vec<Mapping>,
    pub remarks: Vec<Finding>,
    /// What is to be remembered.
    pub news: KnownTables,
    /// Entries of which nothing is known, because the server is away.
    pub unknown: Vec<Unknown>,
    /// Tables that were taken, and stand in the way of others now.
    pub refused: Vec<Refused>,
}

/// A table that was taken and cannot be moved any longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub name: MappingName,
    /// In BigQuery.
    pub target: String,
    pub sentence: String,
    pub remedy: String,
}

/// An entry whose tables nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    pub server: Option<SourceName>,
    /// As written.
    pub text: String,
    /// Where its tables go.
    pub place: String,
}

/// The one question to the server that tells the tables of all these entries.
#[must_use]
pub fn asked<'a>(patterns: impl IntoIterator<Item = &'a TablePattern>, own: &str) -> EstateAsk {
    let globs: Vec<&Glob> = patterns.into_iter().flat_map(|pattern| &pattern.globs).collect();
    let databases: BTreeSet<_> = globs.iter().map(|glob| glob.database.as_deref().unwrap_or(own).to_owned()).collect();
    let tables: BTreeSet<_> = globs.iter().map(|glob| glob.table.clone()).collect();
    EstateAsk { databases: databases.into_iter().collect(), tables: tables.into_iter().collect() }
}

/// Mappings for the tables of all entries. A mapping of its own wins, and then the first entry that takes a table.
#[must_use]
pub fn expand(ask: &Ask<'_>) -> Expansion {
    let mut work = Work::new(*ask);
    // A name that is taken in BigQuery belongs to the table that was there first.
    for round in [Round::Taken, Round::Rest] {
        for view in ask.views {
            for pattern in ask.config.patterns.iter().filter(|pattern| pattern.server() == view.server) {
                work.pattern(view, pattern, round);
            }
        }
    }
    let mut out = work.out;
    let place = |mapping: &Mapping| (mapping.line, mapping.source.database.clone(), mapping.source.table.clone());
    out.mappings.sort_by_cached_key(place);
    out
}

impl<'a> View<'a> {
    const fn listed(&self) -> &'a [TableFacts] {
        match self.seen {
            Seen::Tables(tables, _) => tables,
            Seen::Away => &[],
        }
    }
}
