//! The tables that have their own mappings.

use std::collections::HashSet;

use crate::domain::config::Config;
use crate::domain::ids::{SourceName, SourceTable};

/// Database and table of each mapping of a server, as written. `own`: the database of mappings that name none.
pub fn tables(config: &Config, server: Option<&SourceName>, own: &str) -> Vec<(String, String)> {
    let of = |source: &SourceTable| (source.database.clone().unwrap_or_else(|| own.to_owned()), source.table.clone());
    let sources = config.mappings.iter().map(|mapping| &mapping.source);
    sources.filter(|source| source.server.as_ref() == server).map(of).collect()
}

/// Finds a table's own mapping. A mapping may spell its table differently from the server's list, if the server ignores
/// case.
#[derive(Debug)]
pub struct Mapped<'a> {
    exact: HashSet<(&'a str, &'a str)>,
    /// Tables whose spelling is not in the list, in lower case.
    strays: HashSet<(String, String)>,
}

impl<'a> Mapped<'a> {
    pub fn of<'l>(tables: &'a [(String, String)], listed: impl Iterator<Item = (&'l str, &'l str)>) -> Self {
        let listed: HashSet<_> = listed.collect();
        let exact: HashSet<_> = tables.iter().map(|(database, table)| (database.as_str(), table.as_str())).collect();
        let strays =
            exact.iter().filter(|name| !listed.contains(*name)).map(|(database, table)| lower(database, table));
        Self { strays: strays.collect(), exact }
    }

    pub fn has(&self, database: &str, table: &str) -> bool {
        self.exact.contains(&(database, table)) || self.strays.contains(&lower(database, table))
    }
}

fn lower(database: &str, table: &str) -> (String, String) {
    (database.to_lowercase(), table.to_lowercase())
}
