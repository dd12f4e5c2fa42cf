//! The difference between a MySQL table and its BigQuery table, and what would be done about it.

use serde::Serialize;

use super::target_type::TargetType;

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

impl Verdict {
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::New(_) => "new",
            Self::Widen(_) => "widen",
            Self::Relax => "relax",
            Self::MissingInSource => "missing in source",
            Self::Conflict(_) => "conflict",
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
        self.columns.iter().filter(|c| c.verdict.changes_target())
    }

    pub fn conflicts(&self) -> impl Iterator<Item = &ColumnDiff> {
        self.columns.iter().filter(|c| matches!(c.verdict, Verdict::Conflict(_)))
    }

    pub fn missing_in_source(&self) -> impl Iterator<Item = &ColumnDiff> {
        self.columns.iter().filter(|c| c.verdict == Verdict::MissingInSource)
    }

    /// Nothing to do and nothing in the way.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !self.creates_table && self.changes().next().is_none() && self.conflicts().next().is_none()
    }
}

/// A column's difference as `--output json` and events show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct ColumnDiffView {
    pub column: String,
    pub mysql: Option<String>,
    pub bigquery: Option<String>,
    pub verdict: String,
    /// The type the column would get.
    pub becomes: Option<String>,
    /// What an operator has said of it; `None` where nobody has, or need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
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
            verdict: diff.verdict.word().to_owned(),
            becomes,
            accepted: None,
        }
    }
}
