//! The result of comparing a mapping's two tables.

use serde::{Deserialize, Serialize};

use super::rows::{Difference, DifferenceKind, Tally};
use crate::domain::ids::MappingName;

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Equal row for row, up to the watermark.
    Equal,
    Different,
    /// Parts differ, and not all of them could be looked into.
    Inconclusive,
    /// Nothing has been synced yet.
    NothingSynced,
    /// Only the cost was asked for.
    Estimated,
}

impl Outcome {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Equal => "EQUAL",
            Self::Different => "DIFFERENT",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::NothingSynced => "NOTHING SYNCED",
            Self::Estimated => "ESTIMATED",
        }
    }

    /// Tells if an operator has to look at the result.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        match self {
            Self::Different | Self::Inconclusive => true,
            Self::Equal | Self::NothingSynced | Self::Estimated => false,
        }
    }
}

/// The result for one mapping. Keys are row values: they belong into the result, and never into a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    pub mapping: MappingName,
    pub source: String,
    pub target: String,
    pub outcome: Outcome,
    /// The compared window of the incremental column: `(beginning, 2026-11-23 08:00:00]`.
    pub window: Option<String>,
    /// Rows of the window.
    pub rows_in_mysql: u64,
    pub rows_in_bigquery: u64,
    pub only_in_mysql: u64,
    pub only_in_bigquery: u64,
    pub differing: u64,
    pub doubled: u64,
    /// Keys whose row has changed in MySQL since the watermark; they are not judged.
    pub changed_since: u64,
    /// The first keys that differ.
    pub differences: Vec<Difference>,
    /// Names of the key's columns.
    pub key_columns: Vec<String>,
    /// Columns that the two servers cannot write alike.
    pub not_compared: Vec<String>,
    /// Bytes that BigQuery estimated for its part; an upper bound for clustered tables.
    pub bytes: u64,
    pub notes: Vec<String>,
}

impl Verification {
    /// The result before anything is known.
    #[must_use]
    pub fn begin(mapping: MappingName, source: String, target: String) -> Self {
        Self {
            mapping,
            source,
            target,
            outcome: Outcome::NothingSynced,
            window: None,
            rows_in_mysql: 0,
            rows_in_bigquery: 0,
            only_in_mysql: 0,
            only_in_bigquery: 0,
            differing: 0,
            doubled: 0,
            changed_since: 0,
            differences: Vec::new(),
            key_columns: Vec::new(),
            not_compared: Vec::new(),
            bytes: 0,
            notes: Vec::new(),
        }
    }

    /// The number of keys that differ.
    #[must_use]
    pub const fn found(&self) -> u64 {
        self.only_in_mysql + self.only_in_bigquery + self.differing + self.doubled
    }

    /// A key in words: `id=42`, or `shop=a, number=7`.
    #[must_use]
    pub fn key_words(&self, difference: &Difference) -> String {
        let both = self.key_columns.iter().zip(&difference.key);
        let shown = both.map(|(column, value)| format!("{column}={}", value.as_deref().unwrap_or("NULL")));
        shown.collect::<Vec<_>>().join(", ")
    }

    /// Takes over the results. `left`: why some parts were not looked into.
    pub fn conclude(&mut self, tally: Tally, left: Option<String>) {
        self.outcome = match (tally.is_empty(), &left) {
            (false, _) => Outcome::Different,
            (true, Some(_)) => Outcome::Inconclusive,
            (true, None) => Outcome::Equal,
        };
        self.only_in_mysql = tally.count(DifferenceKind::OnlyInMysql);
        self.only_in_bigquery = tally.count(DifferenceKind::OnlyInBigquery);
        self.differing = tally.count(DifferenceKind::Differs);
        self.doubled = tally.count(DifferenceKind::Doubled);
        self.changed_since = tally.changed_since;
        self.differences = tally.named;
        self.notes.extend(left);
    }
}
