//! The difference between a MySQL table and its BigQuery table, and how to resolve it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::target_type::TargetType;

/// The operators' decisions on single columns, by the column's name in BigQuery.
pub type Decisions = BTreeMap<String, SchemaDecision>;

/// What an operator decided about a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaDecision {
    pub accepted: bool,
    /// The column's type in MySQL at that time; another type needs another decision.
    pub mysql: String,
    /// `user@host`.
    pub by: String,
    pub at: DateTime<Utc>,
}

/// One column as both sides have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDiff {
    /// The column's name in BigQuery.
    pub name: String,
    /// Type at the source, in words; `None` if the source has no such column.
    pub source: Option<String>,
    /// Present type in BigQuery; `None` if it has no such column.
    pub target: Option<TargetType>,
    pub verdict: Verdict,
    /// What remains to be done after the column was added.
    pub note: Option<String>,
    /// What ends a conflict, which is nothing that the difference's own statements do.
    pub remedy: Option<String>,
    /// The operator's decision on the column as it is; `None` if there is none. A declined column is left out.
    pub accepted: Option<bool>,
    /// The mask on its values, in a word.
    pub mask: Option<String>,
}

impl ColumnDiff {
    /// Tells if an operator has declined the column.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        self.accepted == Some(false)
    }
}

/// The result of comparing a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Same,
    /// To be added with this type.
    New(TargetType),
    /// To be widened to this type; existing values stay unchanged.
    Widen(TargetType),
    /// REQUIRED in BigQuery, but the source may hold NULL or lacks the column: to be made NULLABLE.
    Relax,
    /// In BigQuery only: left alone.
    MissingInSource,
    /// Neither type holds the other's values; the type that we would have chosen.
    Conflict(TargetType),
}

/// A verdict without its types, as `--output json` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerdictKind {
    Same,
    New,
    Widen,
    Relax,
    #[serde(rename = "missing in source")]
    MissingInSource,
    Conflict,
}

impl VerdictKind {
    /// The word in tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::New => "new",
            Self::Widen => "widen",
            Self::Relax => "relax",
            Self::MissingInSource => "missing in source",
            Self::Conflict => "conflict",
        }
    }
}

impl Verdict {
    #[must_use]
    pub const fn kind(&self) -> VerdictKind {
        match self {
            Self::Same => VerdictKind::Same,
            Self::New(_) => VerdictKind::New,
            Self::Widen(_) => VerdictKind::Widen,
            Self::Relax => VerdictKind::Relax,
            Self::MissingInSource => VerdictKind::MissingInSource,
            Self::Conflict(_) => VerdictKind::Conflict,
        }
    }

    /// Tells if resolving it would change the target's schema.
    #[must_use]
    pub const fn changes_target(&self) -> bool {
        matches!(self, Self::New(_) | Self::Widen(_) | Self::Relax)
    }
}

/// A table's comparison.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SchemaDiff {
    /// BigQuery has no such table yet.
    pub creates_table: bool,
    pub columns: Vec<ColumnDiff>,
}

impl SchemaDiff {
    /// Columns that resolving the difference would add, widen or relax.
    pub fn changes(&self) -> impl Iterator<Item = &ColumnDiff> {
        self.columns.iter().filter(|c| c.verdict.changes_target() && !c.is_declined())
    }

    pub fn conflicts(&self) -> impl Iterator<Item = &ColumnDiff> {
        self.columns.iter().filter(|c| matches!(c.verdict, Verdict::Conflict(_)) && !c.is_declined())
    }

    /// The same difference, but with changes of the wanted columns only.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&ColumnDiff) -> bool) -> Self {
        let columns = self.columns.iter().filter(|c| wanted(c)).cloned().collect();
        Self { creates_table: self.creates_table, columns }
    }

    pub fn missing_in_source(&self) -> impl Iterator<Item = &ColumnDiff> {
        self.columns.iter().filter(|c| c.verdict == Verdict::MissingInSource)
    }

    /// What remains to be done after these changes, a sentence for each column.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.changes().filter_map(|c| Some(format!("{}: {}", new_column(&c.name), c.note.as_ref()?)))
    }

    /// Tells if there is nothing to do and no conflict.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !self.creates_table && self.changes().next().is_none() && self.conflicts().next().is_none()
    }
}

/// How every sentence about a new column begins.
#[must_use]
pub fn new_column(name: &str) -> String {
    format!("column `{name}` is new")
}

/// A column's difference as `--output json` and events show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDiffView {
    pub column: String,
    pub mysql: Option<String>,
    pub bigquery: Option<String>,
    pub verdict: VerdictKind,
    /// The type that the column would get.
    pub becomes: Option<String>,
    /// What remains to be done after the column was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What ends a conflict; accepting the column does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The operator's decision; `None` if there is none or none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// The mask on its values: `hmac`, `sha256`, `null`, `last 4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
}

impl ColumnDiffView {
    /// The type that the column would get and its mask, in a few words.
    #[must_use]
    pub fn becomes(&self) -> Option<String> {
        let masked = self.mask.as_ref().map(|mask| format!("masked: {mask}"));
        match (&self.becomes, masked) {
            (Some(becomes), Some(masked)) => Some(format!("{becomes}, {masked}")),
            (becomes, masked) => masked.or_else(|| becomes.clone()),
        }
    }
}

impl From<&ColumnDiff> for ColumnDiffView {
    fn from(diff: &ColumnDiff) -> Self {
        let becomes = match &diff.verdict {
            Verdict::New(t) | Verdict::Widen(t) | Verdict::Conflict(t) => Some(t.to_string()),
            Verdict::Same | Verdict::Relax | Verdict::MissingInSource => None,
        };
        Self {
            column: diff.name.clone(),
            mysql: diff.source.clone(),
            bigquery: diff.target.as_ref().map(ToString::to_string),
            verdict: diff.verdict.kind(),
            becomes,
            note: diff.note.clone(),
            remedy: diff.remedy.clone(),
            accepted: diff.accepted,
            mask: diff.mask.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_writes_a_verdict_as_tables_do() {
        use VerdictKind::{Conflict, MissingInSource, New, Relax, Same, Widen};
        for kind in [Same, New, Widen, Relax, MissingInSource, Conflict] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }
}
