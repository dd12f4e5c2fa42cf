//! The difference between a MySQL table and its BigQuery table, and what would be done about it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::target_type::TargetType;

/// What operators have said of single columns, by their name in BigQuery.
pub type Decisions = BTreeMap<String, SchemaDecision>;

/// What an operator decided about a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaDecision {
    pub accepted: bool,
    /// The column's type in MySQL then; another type is another question.
    pub mysql: String,
    /// `user@host`.
    pub by: String,
    pub at: DateTime<Utc>,
}

/// One column, seen from both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDiff {
    /// The column's name in BigQuery.
    pub name: String,
    /// Type at the source, in words; `None` where the source has no such column.
    pub source: Option<String>,
    /// Type in BigQuery now; `None` where it has no such column.
    pub target: Option<TargetType>,
    pub verdict: Verdict,
    /// What adding it leaves to be done.
    pub note: Option<String>,
    /// What an operator has said of it as it stands; `None` where nobody has. A declined column is left out.
    pub accepted: Option<bool>,
    /// What is put on its values, in a word.
    pub mask: Option<String>,
}

impl ColumnDiff {
    /// Has an operator said that it stays out?
    #[must_use]
    pub fn is_declined(&self) -> bool {
        self.accepted == Some(false)
    }
}

/// What the comparison says of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Same,
    /// To be added with this type.
    New(TargetType),
    /// To be widened to this type; what is there stays as it is.
    Widen(TargetType),
    /// REQUIRED in BigQuery, but the source may hold NULL or lacks the column: to be made NULLABLE.
    Relax,
    /// In BigQuery only: left alone.
    MissingInSource,
    /// Neither holds the other's values; the type we would have chosen.
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
    /// The word that tables and JSON show.
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

    /// Would carrying it out change the target's schema?
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
    /// Columns that carrying out the difference would add, widen or relax.
    pub fn changes(&self) -> impl Iterator<Item = &ColumnDiff> {
        self.columns.iter().filter(|c| c.verdict.changes_target() && !c.is_declined())
    }

    pub fn conflicts(&self) -> impl Iterator<Item = &ColumnDiff> {
        self.columns.iter().filter(|c| matches!(c.verdict, Verdict::Conflict(_)) && !c.is_declined())
    }

    /// The same difference, with changes of these columns alone.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&ColumnDiff) -> bool) -> Self {
        let columns = self.columns.iter().filter(|c| wanted(c)).cloned().collect();
        Self { creates_table: self.creates_table, columns }
    }

    pub fn missing_in_source(&self) -> impl Iterator<Item = &ColumnDiff> {
        self.columns.iter().filter(|c| c.verdict == Verdict::MissingInSource)
    }

    /// What these changes leave to be done, a sentence for each column.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.changes().filter_map(|c| Some(format!("column `{}` is new: {}", c.name, c.note.as_ref()?)))
    }

    /// Nothing to do and nothing in the way.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !self.creates_table && self.changes().next().is_none() && self.conflicts().next().is_none()
    }
}

/// A column's difference as `--output json` and events show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDiffView {
    pub column: String,
    pub mysql: Option<String>,
    pub bigquery: Option<String>,
    pub verdict: VerdictKind,
    /// The type the column would get.
    pub becomes: Option<String>,
    /// What adding it leaves to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What an operator has said of it; `None` where nobody has, or need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// What is put on its values: `hmac`, `sha256`, `null`, `last 4`.
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
