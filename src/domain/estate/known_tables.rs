//! How the tables of entries with `tables` were taken: remembered, so that nothing about a table changes by itself.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::config::{Mapping, Mode};
use crate::domain::ids::{MappingName, SourceName};

/// The tables of all entries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KnownTables {
    /// Globs, including their database, that were expanded before: a table that they find later is new.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub patterns: BTreeSet<String>,
    /// By mapping name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<MappingName, KnownTable>,
}

/// What is remembered of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTable {
    /// The server's name, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<SourceName>,
    pub database: String,
    pub table: String,
    /// `None`: the table waits for the operator's decision, or was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<TakenAs>,
    /// The operator has not decided yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub waits: bool,
    /// Who was logged in when it was decided, `user@host`.
    pub by: String,
    pub at: DateTime<Utc>,
}

/// How a table is moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenAs {
    pub mode: Mode,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incremental_column: Option<String>,
    pub bigquery_table: String,
}

impl TakenAs {
    #[must_use]
    pub fn of(mapping: &Mapping) -> Self {
        Self {
            mode: mapping.mode,
            primary_keys: mapping.primary_keys.clone(),
            incremental_column: mapping.incremental_column.clone(),
            bigquery_table: mapping.target.table.clone(),
        }
    }
}

impl KnownTable {
    /// The operator's decision about a mapping's table.
    #[must_use]
    pub fn decided(mapping: &Mapping, takes: bool, by: &str, at: DateTime<Utc>) -> Self {
        Self {
            server: mapping.source.server.clone(),
            database: mapping.source.database.clone().unwrap_or_default(),
            table: mapping.source.table.clone(),
            taken: takes.then(|| TakenAs::of(mapping)),
            waits: false,
            by: by.to_owned(),
            at,
        }
    }

    /// A new table that was reported to the operator.
    #[must_use]
    pub fn waiting(mapping: &Mapping, by: &str, at: DateTime<Utc>) -> Self {
        Self { waits: true, ..Self::decided(mapping, false, by, at) }
    }

    #[must_use]
    pub const fn is_taken(&self) -> bool {
        self.taken.is_some()
    }

    #[must_use]
    pub const fn is_declined(&self) -> bool {
        self.taken.is_none() && !self.waits
    }
}

impl KnownTables {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over entries; an entry of `news` replaces the present one.
    pub fn take_in(&mut self, news: &Self) {
        self.patterns.extend(news.patterns.iter().cloned());
        self.tables.extend(news.tables.iter().map(|(name, table)| (name.clone(), table.clone())));
    }

    /// Records the operator's decision about a mapping's table.
    pub fn decide(&mut self, mapping: &Mapping, takes: bool, by: &str, at: DateTime<Utc>) {
        self.tables.insert(mapping.name.clone(), KnownTable::decided(mapping, takes, by, at));
    }

    /// Whether this mapping's table was taken.
    #[must_use]
    pub fn takes(&self, mapping: &MappingName) -> bool {
        self.tables.get(mapping).is_some_and(KnownTable::is_taken)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(value: &bool) -> bool {
    !*value
}
