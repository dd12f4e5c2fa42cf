//! What an expansion gives: mappings, and what there is to say and to remember.

use crate::domain::config::Mapping;
use crate::domain::estate::known_tables::KnownTables;
use crate::domain::finding::Finding;
use crate::domain::ids::{MappingName, SourceName};

/// The mappings of all entries, and what else came of them.
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
