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
    /// The column's comment in MySQL.
    pub comment: Option<String>,
}

/// What the existing rows got when the column was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OldRows {
    #[default]
    Null,
    /// A default that is not NULL, even if only because the column takes no NULL.
    Filled,
    /// The column is generated.
    Computed,
}

/// A foreign key by which a row changes when another one does, without a change of its incremental column: no trigger
/// runs, and no `ON UPDATE CURRENT_TIMESTAMP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cascade {
    /// The columns of the table that changes.
    pub columns: Vec<String>,
    /// The table that the foreign key refers to.
    pub parent: String,
    /// `ON DELETE SET NULL`, `ON UPDATE CASCADE`.
    pub action: String,
}

/// The character sets in which every character has a Unicode character of its own, which no other one shares.
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

    /// Tells if the column is text in a character set older than Unicode. The server converts such text: characters
    /// that Unicode lacks become `?`, and several that look alike become one.
    #[must_use]
    pub fn is_legacy_text(&self) -> bool {
        self.charset.as_deref().is_some_and(|charset| !SAME_AS_UNICODE.contains(&charset))
    }

    /// How texts of the column may differ while MySQL holds them equal, in words; `None` where each byte counts.
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

    /// Tells if MySQL distinguishes `a` from `A` in this column.
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

/// What the catalogue says about a MySQL table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSchema {
    /// In the table's own order.
    pub columns: Vec<SourceColumn>,
    /// Columns of each unique index (the primary key first), in index order.
    pub unique_keys: Vec<Vec<String>>,
    /// Columns of every index that can order rows, unique ones included, in index order.
    pub indexes: Vec<Vec<String>>,
    pub is_view: bool,
    /// The server lists the open transactions of the table's engine. For a view this is unknown, and assumed.
    pub is_transactional: bool,
    /// The account may not read some columns, which are therefore missing here.
    pub hides_columns: bool,
    /// The server's estimate of the rows in the table; `None` for views.
    pub rows_estimate: Option<u64>,
    /// The table's comment in MySQL.
    pub comment: Option<String>,
}

impl SourceSchema {
    /// Compares without the estimate, which changes with every look.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        Self { rows_estimate: None, ..self.clone() } == Self { rows_estimate: None, ..other.clone() }
    }

    /// Finds a column as MySQL does: ignoring case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&SourceColumn> {
        self.columns.iter().find(|c| same_name(&c.name, name))
    }

    /// Tells if there is a unique key whose columns are all among `keys`.
    #[must_use]
    pub fn tells_rows_apart_by(&self, keys: &[String]) -> bool {
        let named = |column: &String| keys.iter().any(|key| same_name(key, column));
        self.unique_keys.iter().any(|index| index.iter().all(named))
    }

    /// Tells if an index orders rows by the column first.
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
    /// BigQuery compares the column's texts by a collation that ignores case: `a` and `A` are equal.
    pub ignores_case: bool,
}

impl TargetColumn {
    /// A column that BigQuery compares byte by byte.
    #[must_use]
    pub fn new(name: impl Into<String>, target_type: TargetType, required: bool) -> Self {
        Self { name: name.into(), target_type, required, ignores_case: false }
    }
}

/// What BigQuery says about a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetSchema {
    pub columns: Vec<TargetColumn>,
    /// The number of rows, including BigQuery's own estimate of those in the streaming buffer; `None` where BigQuery
    /// does not say.
    pub rows: Option<u64>,
    /// Bytes of the rows, as BigQuery bills statements that read them; `None` where BigQuery does not say.
    pub bytes: Option<u64>,
    /// When the table was last changed, in milliseconds since 1970.
    pub modified: Option<u64>,
    /// The columns of the PRIMARY KEY, which is declared but not enforced; empty if none is declared.
    pub primary_key: Vec<String>,
    pub partitioning: Option<Partitioning>,
    /// The Cloud KMS key that encrypts the rows, without a version; `None`: Google's own.
    pub kms_key: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub description: Option<String>,
    /// When BigQuery deletes the table.
    pub expires_at: Option<DateTime<Utc>>,
    /// Columns under a policy tag (column-level access control).
    pub tagged: Vec<String>,
}

impl TargetSchema {
    /// Tells if the table is known to hold no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == Some(0)
    }

    /// Tells if there is a STRING column of that name.
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

/// Compares column names without case, as both servers do.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collation_shows_which_texts_mysql_treats_as_equal() {
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
    fn the_character_set_shows_which_texts_are_older_than_unicode() {
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
