//! Columns and tables as each side describes them.

use chrono::{DateTime, Utc};

use super::partitioning::Partitioning;
use super::source_type::SourceType;
use super::target_type::TargetType;

/// A column of a MySQL table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceColumn {
    pub name: String,
    pub source_type: SourceType,
    pub nullable: bool,
    /// The character set of a text, in lower case.
    pub charset: Option<String>,
    /// The collation of a text, in lower case.
    pub collation: Option<String>,
    pub old_rows: OldRows,
}

/// What rows got that were there when the column was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OldRows {
    #[default]
    Null,
    /// A default that is not NULL, be it that the column takes no NULL.
    Filled,
    /// The column is a generated one.
    Computed,
}

/// A foreign key by which rows change when others do, without their incremental column: no trigger runs, and no
/// `ON UPDATE CURRENT_TIMESTAMP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cascade {
    /// Of the table that changes.
    pub columns: Vec<String>,
    /// The table that it refers to.
    pub parent: String,
    /// `ON DELETE SET NULL`, `ON UPDATE CASCADE`.
    pub action: String,
}

/// The character sets whose every character has one of Unicode's own, and no other of theirs has the same.
const SAME_AS_UNICODE: [&str; 9] =
    ["utf8mb4", "utf8mb3", "utf8", "ascii", "latin1", "ucs2", "utf16", "utf16le", "utf32"];

impl SourceColumn {
    /// A column without a character set.
    #[must_use]
    pub fn new(name: impl Into<String>, source_type: SourceType, nullable: bool) -> Self {
        Self { name: name.into(), source_type, nullable, charset: None, collation: None, old_rows: OldRows::Null }
    }

    /// Is it text in a character set of before Unicode? The server, which converts it, has a `?` for characters that
    /// Unicode does not have, and one character for several that look alike.
    #[must_use]
    pub fn is_legacy_text(&self) -> bool {
        self.charset.as_deref().is_some_and(|charset| !SAME_AS_UNICODE.contains(&charset))
    }
}

/// What the catalogue says of a MySQL table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSchema {
    /// In the table's own order.
    pub columns: Vec<SourceColumn>,
    /// Columns of each unique index (the primary key first), in index order.
    pub unique_keys: Vec<Vec<String>>,
    /// Columns of every index that can order rows, unique ones included, in index order.
    pub indexes: Vec<Vec<String>>,
    pub is_view: bool,
    /// Its engine's open transactions are among those that the server lists; of a view unknown, and taken to be.
    pub is_transactional: bool,
    /// There are columns that the account may not read, and that are therefore not among these.
    pub hides_columns: bool,
    /// The server's estimate of the rows in the table; `None` for views.
    pub rows_estimate: Option<u64>,
}

impl SourceSchema {
    /// Finds a column as MySQL does: ignoring case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&SourceColumn> {
        self.columns.iter().find(|c| same_name(&c.name, name))
    }
}

/// A column of a BigQuery table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetColumn {
    pub name: String,
    pub target_type: TargetType,
    pub required: bool,
}

/// What BigQuery says of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetSchema {
    pub columns: Vec<TargetColumn>,
    /// Rows outside the streaming buffer.
    pub rows: u64,
    pub partitioning: Option<Partitioning>,
    /// When BigQuery deletes the table.
    pub expires_at: Option<DateTime<Utc>>,
    /// Columns under a policy tag (column-level access control).
    pub tagged: Vec<String>,
}

impl TargetSchema {
    /// Finds a column as BigQuery does: ignoring case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&TargetColumn> {
        self.columns.iter().find(|c| same_name(&c.name, name))
    }
}

/// Both servers hold column names unique regardless of case.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_before_unicode_is_told_by_its_character_set() {
        let of = |charset: Option<&str>| SourceColumn {
            charset: charset.map(Into::into),
            ..SourceColumn::new("c", SourceType::Text { chars: None }, true)
        };
        for charset in ["sjis", "cp932", "gbk", "euckr", "cp1251", "koi8r"] {
            assert!(of(Some(charset)).is_legacy_text(), "{charset}");
        }
        for charset in [None, Some("utf8mb4"), Some("utf8"), Some("latin1"), Some("ascii"), Some("utf16le")] {
            assert!(!of(charset).is_legacy_text(), "{charset:?}");
        }
    }
}
