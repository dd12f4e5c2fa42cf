//! What was made of the tables that entries with `tables` take: remembered, so that nothing about a table changes by itself.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::config::{Mapping, Mode};
use crate::domain::ids::{MappingName, SourceName};

/// Of all entries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KnownTables {
    /// Globs, with their database, that were expanded: what they find later is new.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub patterns: BTreeSet<String>,
    /// By the name of the mapping.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<MappingName, KnownTable>,
}

/// Of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTable {
    /// Where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<SourceName>,
    pub database: String,
    pub table: String,
    /// `None`: it waits for the operator's decision, or was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<TakenAs>,
    /// Nobody has decided yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub waits: bool,
    /// Who was there when it was decided, `user@host`.
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
    /// The operator's word on the table of a mapping.
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

    /// It is new, and the operator has been told so.
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

    /// What another says of a table wins.
    pub fn take_in(&mut self, news: &Self) {
        self.patterns.extend(news.patterns.iter().cloned());
        self.tables.extend(news.tables.iter().map(|(name, table)| (name.clone(), table.clone())));
    }

    /// Adds the operator's word on the table of a mapping.
    pub fn decide(&mut self, mapping: &Mapping, takes: bool, by: &str, at: DateTime<Utc>) {
        self.tables.insert(mapping.name.clone(), KnownTable::decided(mapping, takes, by, at));
    }

    /// Is the table of this mapping taken?
    #[must_use]
    pub fn takes(&self, mapping: &MappingName) -> bool {
        self.tables.get(mapping).is_some_and(KnownTable::is_taken)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(value: &bool) -> bool {
    !*value
}
