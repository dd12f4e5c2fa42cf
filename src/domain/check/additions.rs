//! What happens to rows that BigQuery already holds when a column is added: no run reads them again, because their
//! incremental column has not changed.

use crate::domain::column::OldRows;
use crate::domain::config::{Mapping, Mode};
use crate::domain::source_type::SourceType;

/// Why such rows may have a value in MySQL and NULL in BigQuery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// MySQL filled in the column's default.
    Default,
    /// MySQL computes the column.
    Computed,
    /// Earlier runs have left the column out.
    LeftOut,
    /// BigQuery had the column before, and no run has written it since.
    Kept,
}

impl Gap {
    /// The gap of a new column; `None`: MySQL holds NULL in these rows as well.
    #[must_use]
    pub const fn of(old_rows: OldRows) -> Option<Self> {
        match old_rows {
            OldRows::Null => None,
            OldRows::Filled => Some(Self::Default),
            OldRows::Computed => Some(Self::Computed),
        }
    }

    /// The gap in a sentence, with its remedy. `cursor`: the incremental column's type.
    #[must_use]
    pub fn note(self, mapping: &Mapping, column: &str, cursor: &SourceType) -> String {
        let why = match self {
            Self::Default => "while MySQL has filled in its default",
            Self::Computed => "while MySQL computes it",
            Self::LeftOut | Self::Kept => "whatever MySQL holds there",
        };
        let heal = filling(mapping, column, cursor);
        let kept = if self == Self::Kept { "what they hold" } else { "NULL" };
        format!("rows that BigQuery holds already keep {kept} in it, {why}; {heal}")
    }
}

/// What fills a new column in the rows that BigQuery holds already. `cursor`: the incremental column's type.
#[must_use]
pub fn filling(mapping: &Mapping, column: &str, cursor: &SourceType) -> String {
    match mapping.mode {
        Mode::Upsert => format!("`{}` fills them", backfill(mapping, cursor)),
        Mode::Replace => "the next run fills them".to_owned(),
        Mode::Mirror => "the run that adds it compares both sides, and fills them".to_owned(),
        // An append leaves alone a row whose key and cursor are there.
        Mode::Append => format!(
            "a backfill of an append leaves them as they are, so fill them in BigQuery (UPDATE `{}` SET `{column}` = .. WHERE \
             `{column}` IS NULL)",
            mapping.target
        ),
    }
}

/// The command that moves all rows of a mapping again, up to its watermark.
#[must_use]
pub fn backfill(mapping: &Mapping, cursor: &SourceType) -> String {
    let beginning = if matches!(cursor, SourceType::Int { .. }) { "0" } else { "1970-01-01" };
    let start = mapping.backfill_start.as_deref().unwrap_or(beginning);
    format!("bqsync backfill --mapping {} --start '{start}'", mapping.name)
}
