//! The result of an expansion: mappings, remarks, and what to remember.

use crate::domain::config::Mapping;
use crate::domain::estate::known_tables::KnownTables;
use crate::domain::finding::Finding;
use crate::domain::ids::{MappingName, SourceName};

/// The mappings of all entries, and the other results.
#[derive(Debug, Default)]
pub struct Expansion {
    /// In the order of the file, and of the tables' names within an entry.
    pub mappings: Vec<Mapping>,
    pub remarks: Vec<Finding>,
    /// What the state has to remember.
    pub news: KnownTables,
    /// Entries whose tables are unknown, because their server is away.
    pub unknown: Vec<Unknown>,
    /// Tables that were taken and are now in conflict with other mappings.
    pub refused: Vec<Refused>,
}

/// A table that was taken and can no longer be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub name: MappingName,
    /// The table's name in BigQuery.
    pub target: String,
    pub sentence: String,
    pub remedy: String,
}

/// An entry whose tables are unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    pub server: Option<SourceName>,
    /// The entry as written.
    pub text: String,
    /// Where its tables are moved to.
    pub place: String,
}
