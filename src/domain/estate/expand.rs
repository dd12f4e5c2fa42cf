//! Expands entries for many tables into one mapping for each table.
//!
//! The state remembers how a table was taken, and this holds from then on: its mode does not change with its size, its
//! indexes or the rules, and no other table gets its table in BigQuery. A table that appears later is new, and the
//! entry says what to do about it.

mod outcome;
mod remarks;
mod view;
mod work;

use std::collections::BTreeSet;

pub use self::outcome::{Expansion, Refused, Unknown};
pub use self::view::{Ask, Seen, View};
use self::work::{Round, Work};
use super::facts::EstateAsk;
use crate::domain::config::{Glob, Mapping, TablePattern};

/// One question to the server about the tables of all these entries.
#[must_use]
pub fn asked<'a>(patterns: impl IntoIterator<Item = &'a TablePattern>, own: &str) -> EstateAsk {
    let globs: Vec<&Glob> = patterns.into_iter().flat_map(|pattern| &pattern.globs).collect();
    let databases: BTreeSet<_> = globs.iter().map(|glob| glob.database.as_deref().unwrap_or(own).to_owned()).collect();
    let tables: BTreeSet<_> = globs.iter().map(|glob| glob.table.clone()).collect();
    EstateAsk { databases: databases.into_iter().collect(), tables: tables.into_iter().collect() }
}

/// Mappings for the tables of all entries. A table's own mapping takes precedence, then the first entry that takes the
/// table.
#[must_use]
pub fn expand(ask: &Ask<'_>) -> Expansion {
    let mut work = Work::new(*ask);
    // A table in BigQuery belongs to the MySQL table that was taken first.
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
