//! Columns and tables as each side describes them.

use std::collections::BTreeMap;

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
    /// MySQL sets it with every change of a row (`ON UPDATE CURRENT_TIMESTAMP`).
    pub is_stamped: bool,
    /// What its table's definition says of it.
    pub comment: Option<String>,
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
        Self {
            name: name.into(),
            source_type,
            nullable,
            charset: None,
            collation: None,
            old_rows: OldRows::Null,
            is_stamped: false,
            comment: None,
        }
    }

    /// Is it text in a character set of before Unicode? The server, which converts it, has a `?` for characters that
    /// Unicode does not have, and one character for several that look alike.
    #[must_use]
    pub fn is_legacy_text(&self) -> bool {
        self.charset.as_deref().is_some_and(|charset| !SAME_AS_UNICODE.contains(&charset))
    }

    /// What texts of the column may differ in and still be equal to MySQL, in words; `None` where each byte counts.
    #[must_use]
    pub fn held_equal(&self) -> Option<&'static str> {
        let collation = self.collation.as_deref().filter(|_| matches!(self.source_type, SourceType::Text { .. }))?;
        let pads = collation != "binary" && !collation.contains("_0900_") && !collation.contains("nopad");
        match (self.tells_case(), pads) {
            (true, false) => None,
            (true, true) => Some("trailing spaces"),
            (false, false) => Some("case or accents"),
            (false, true) => Some("case, accents or trailing spaces"),
        }
    }

    /// Does MySQL tell `a` from `A` here?
    #[must_use]
    pub fn tells_case(&self) -> bool {
        self.collation.as_deref().is_none_or(|collation| {
            let is_exact = collation == "binary" || collation.ends_with("_bin");
            // `utf8mb4_ja_0900_as_cs_ks`
            let is_sensitive = collation.ends_with("_cs") || collation.contains("_cs_");
            is_exact || (is_sensitive && !collation.contains("_ai_"))
        })
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
    /// What its definition says of the table.
    pub comment: Option<String>,
}

impl SourceSchema {
    /// The same but for an estimate, which changes with every look.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        Self { rows_estimate: None, ..self.clone() } == Self { rows_estimate: None, ..other.clone() }
    }

    /// Finds a column as MySQL does: ignoring case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&SourceColumn> {
        self.columns.iter().find(|c| same_name(&c.name, name))
    }

    /// Is there a unique key whose columns are all among those named?
    #[must_use]
    pub fn tells_rows_apart_by(&self, keys: &[String]) -> bool {
        let named = |column: &String| keys.iter().any(|key| same_name(key, column));
        self.unique_keys.iter().any(|index| index.iter().all(named))
    }

    /// Does an index hand rows out in the column's order?
    #[must_use]
    pub fn has_index_on(&self, column: &str) -> bool {
        self.indexes.iter().any(|index| index.first().is_some_and(|first| same_name(first, column)))
    }
}

/// A column of a BigQuery table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetColumn {
    pub name: String,
    pub target_type: TargetType,
    pub required: bool,
    /// BigQuery compares its texts by a collation: `a` and `A` are one to it.
    pub ignores_case: bool,
}

impl TargetColumn {
    /// A column that BigQuery compares byte by byte.
    #[must_use]
    pub fn new(name: impl Into<String>, target_type: TargetType, required: bool) -> Self {
        Self { name: name.into(), target_type, required, ignores_case: false }
    }
}

/// What BigQuery says of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetSchema {
    pub columns: Vec<TargetColumn>,
    /// Rows, those of the streaming buffer by its own estimate; `None` where BigQuery does not say.
    pub rows: Option<u64>,
    /// Bytes of its rows, as statements that read them are billed; `None` where BigQuery does not say.
    pub bytes: Option<u64>,
    /// When the table was last changed, in milliseconds since 1970.
    pub modified: Option<u64>,
    /// The columns of its PRIMARY KEY, which is declared and not enforced; none where it declares none.
    pub primary_key: Vec<String>,
    pub partitioning: Option<Partitioning>,
    /// The key of Cloud KMS that its rows are encrypted with, without a version; `None`: Google's own.
    pub kms_key: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub description: Option<String>,
    /// When BigQuery deletes the table.
    pub expires_at: Option<DateTime<Utc>>,
    /// Columns under a policy tag (column-level access control).
    pub tagged: Vec<String>,
}

impl TargetSchema {
    /// Is it known to hold no row?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == Some(0)
    }

    /// Is there such a column, of texts?
    #[must_use]
    pub fn has_texts(&self, name: &str) -> bool {
        self.column(name).is_some_and(|column| matches!(column.target_type, TargetType::String(_)))
    }

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
    fn texts_that_mysql_holds_equal_are_told_by_their_collation() {
        let of = |collation: Option<&str>| {
            let text = SourceColumn::new("c", SourceType::Text { chars: None }, true);
            SourceColumn { collation: collation.map(Into::into), ..text }
        };
        let said = |collation| of(Some(collation)).held_equal();
        for collation in ["utf8mb4_general_ci", "latin1_swedish_ci", "utf8mb4_uca1400_ai_ci", "utf8mb4_uca1400_ai_cs"] {
            assert_eq!(said(collation), Some("case, accents or trailing spaces"), "{collation}");
        }
        for collation in ["utf8mb4_0900_ai_ci", "utf8mb4_0900_as_ci", "utf8mb4_uca1400_nopad_ai_ci"] {
            assert_eq!(said(collation), Some("case or accents"), "{collation}");
        }
        for collation in ["utf8mb4_bin", "latin1_general_cs", "utf8mb4_uca1400_as_cs"] {
            assert_eq!(said(collation), Some("trailing spaces"), "{collation}");
        }
        for collation in ["utf8mb4_0900_bin", "utf8mb4_nopad_bin", "binary", "utf8mb4_ja_0900_as_cs_ks"] {
            assert_eq!(said(collation), None, "{collation}");
        }
        let number = SourceColumn::new("c", SourceType::Int { bits: 64, unsigned: false }, true);
        assert!(of(None).held_equal().is_none() && number.held_equal().is_none() && number.tells_case());
        let word = SourceColumn { source_type: SourceType::Enum, ..of(Some("utf8mb4_general_ci")) };
        assert_eq!(word.held_equal(), None, "its values are spelt one way");
    }

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
