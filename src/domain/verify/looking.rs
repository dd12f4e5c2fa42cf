//! The progress of a comparison, for the caller that waits for it.

use crate::domain::counted::counted;

/// What a comparison is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looking {
    /// BigQuery sums up its rows: one statement.
    BigQuery,
    /// MySQL sums up its rows, with several statements one after the other.
    Mysql { done: u64, of: u64 },
    /// Parts that differ are looked into; their number may grow.
    Parts { done: u64, of: u64 },
    /// The mended parts are compared once more.
    Again { done: u64, of: u64 },
}

impl Looking {
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::BigQuery => "BigQuery sums up its rows".to_owned(),
            Self::Mysql { done, of } => format!("MySQL sums up its rows: {done} of {}", counted(of, "statement")),
            Self::Parts { done, of } => format!("parts that differ: {done} of {of} looked into"),
            Self::Again { done, of } => format!("the repaired rows are compared again: {done} of {of}"),
        }
    }
}
