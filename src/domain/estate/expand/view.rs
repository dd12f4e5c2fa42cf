//! What is to be expanded, and what the servers say.

use chrono::{DateTime, Utc};

use crate::domain::config::Config;
use crate::domain::estate::facts::TableFacts;
use crate::domain::estate::held::Ground;
use crate::domain::estate::known_tables::KnownTables;
use crate::domain::ids::SourceName;

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

impl<'a> View<'a> {
    pub(super) const fn listed(&self) -> &'a [TableFacts] {
        match self.seen {
            Seen::Tables(tables, _) => tables,
            Seen::Away => &[],
        }
    }
}
