//! Names and ids as types of their own, so that a table cannot be passed for a mapping.

use std::fmt;

use super::row_filter::RowFilter;

/// The name of a mapping in config.yaml; also its key in the state file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct MappingName(pub String);

/// Separates a mapping's name from a part's number. The configuration refuses mapping names that contain it.
pub const PART: &str = "#part-";

impl MappingName {
    /// The name of a part of the mapping's backfill, in the state and in names of staging tables and jobs.
    #[must_use]
    pub fn part(&self, number: usize) -> Self {
        Self(format!("{}{PART}{number}", self.0))
    }

    /// Tells if the mapping is one of the tables of the entry of that name.
    #[must_use]
    pub fn is_table_of(&self, entry: &str) -> bool {
        self.0.strip_prefix(entry).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The mapping's own name, whether this is that or the name of a part of its backfill.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self(self.0.split_once(PART).map_or(self.0.as_str(), |(whole, _)| whole).to_owned())
    }
}

impl fmt::Display for MappingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a MySQL server in `sources`, if there are several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SourceName(pub String);

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One run of the engine, sortable by start: `20261123T080000Z-4f1a9c`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A BigQuery job id chosen by us: letters, digits, `_` and `-`, at most 1,024 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a job runs: BigQuery finds a job only in its project and location.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct JobPlace {
    pub project: String,
    pub location: String,
}

/// A table or view in MySQL, as far as a mapping moves it. `database: None` is the connection's own database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceTable {
    /// The server of the table; `None`: the one whose variables have no name in them. It travels with the table, so
    /// that questions about the table go to its own server.
    pub server: Option<SourceName>,
    pub database: Option<String>,
    pub table: String,
    /// The rows that the mapping moves (`where`); `None`: all of them. It travels with the name, so that every reader
    /// of the table has it.
    pub filter: Option<RowFilter>,
}

impl SourceTable {
    /// All rows of a table on the unnamed server.
    #[must_use]
    pub const fn whole(database: Option<String>, table: String) -> Self {
        Self { server: None, database, table, filter: None }
    }

    /// The key of the configuration that says in which zone the table's DATETIME columns are written.
    #[must_use]
    pub fn zone_key(&self) -> String {
        self.server
            .as_ref()
            .map_or_else(|| "default_timezone".to_owned(), |server| format!("sources.{server}.timezone"))
    }
}

/// Writes `eu:shop.orders`; the server only if it has a name, the database only if it is not the connection's own.
impl fmt::Display for SourceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(server) = &self.server {
            write!(f, "{server}:")?;
        }
        match &self.database {
            Some(database) => write!(f, "{database}.{}", self.table),
            None => f.write_str(&self.table),
        }
    }
}

/// A table in BigQuery.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct TableId {
    pub project: String,
    pub dataset: String,
    pub table: String,
}

impl TableId {
    /// Another table of the same dataset.
    #[must_use]
    pub fn sibling(&self, table: impl Into<String>) -> Self {
        Self { project: self.project.clone(), dataset: self.dataset.clone(), table: table.into() }
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.project, self.dataset, self.table)
    }
}
