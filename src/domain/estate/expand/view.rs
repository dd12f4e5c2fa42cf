//! The input of an expansion: the entries, and what the servers say.

use chrono::{DateTime, Utc};

use crate::domain::config::Config;
use crate::domain::estate::facts::TableFacts;
use crate::domain::estate::held::Ground;
use crate::domain::estate::known_tables::KnownTables;
use crate::domain::ids::SourceName;

/// What a server says about its tables.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    Tables(&'a [TableFacts], Ground<'a>),
    /// The server does not answer; the remembered tables are used.
    Away,
}

/// A server whose tables entries take.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The server's name, if there are several.
    pub server: Option<&'a SourceName>,
    /// The database of the connection.
    pub own: &'a str,
    pub seen: Seen<'a>,
}

/// The input of an expansion.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub config: &'a Config,
    /// One view for each server that an entry uses.
    pub views: &'a [View<'a>],
    pub known: &'a KnownTables,
    /// Also report how today's rules would take tables that are known.
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
