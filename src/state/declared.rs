//! How MySQL's table declares a column: a change of it may rewrite the values of rows, and leaves their incremental
//! column as it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::column::{OldRows, SourceColumn, same_name};
use crate::domain::source_type::SourceType;

/// The character sets that have every character of Unicode.
const WHOLE_UNICODE: [&str; 4] = ["utf8mb4", "utf16", "utf16le", "utf32"];

/// A column's declaration, as far as values depend on it. The length of bytes and the words of an ENUM or SET are not
/// part of it. Stored as one text, because a state holds one for each column of each mapping:
/// `DECIMAL|8|2||NULL`, `TEXT|20||utf8mb4|`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Declared {
    /// The type without its sizes: `INT UNSIGNED`, `DECIMAL`, `TEXT` for every CHAR, VARCHAR and TEXT.
    kind: String,
    /// Bits of a whole number, digits before the point of a decimal, characters of a text, width of a BIT.
    size: Option<u64>,
    /// Digits after the point of a decimal or below the second.
    scale: Option<u8>,
    charset: Option<String>,
    nullable: bool,
    /// MySQL computes it.
    computed: bool,
}

/// Beside the rest in the stored text.
const NULLABLE: &str = "NULL";
const COMPUTED: &str = "COMPUTED";

impl From<Declared> for String {
    fn from(declared: Declared) -> Self {
        let Declared { kind, size, scale, charset, nullable, computed } = declared;
        let size = size.map(|size| size.to_string()).unwrap_or_default();
        let scale = scale.map(|scale| scale.to_string()).unwrap_or_default();
        let flags = [nullable.then_some(NULLABLE), computed.then_some(COMPUTED)];
        let flags: Vec<_> = flags.into_iter().flatten().collect();
        [kind, size, scale, charset.unwrap_or_default(), flags.join(" ")].join("|")
    }
}

impl From<String> for Declared {
    /// A text that a later version has written otherwise reads as another declaration: at worst a run warns once.
    fn from(text: String) -> Self {
        let mut parts = text.split('|');
        let mut part = || parts.next().unwrap_or_default();
        let (kind, size, scale, charset, flags) = (part(), part(), part(), part(), part());
        let has = |flag| flags.split(' ').any(|one| one == flag);
        Self {
            kind: kind.to_owned(),
            size: size.parse().ok(),
            scale: scale.parse().ok(),
            charset: Some(charset.to_owned()).filter(|charset| !charset.is_empty()),
            nullable: has(NULLABLE),
            computed: has(COMPUTED),
        }
    }
}

impl Declared {
    #[must_use]
    pub fn of(column: &SourceColumn) -> Self {
        let (kind, size, scale) = match &column.source_type {
            SourceType::Int { bits, unsigned } => {
                let kind = if *unsigned { "INT UNSIGNED" } else { "INT" };
                (kind.to_owned(), Some(u64::from(*bits)), None)
            }
            SourceType::Decimal { precision, scale } => {
                ("DECIMAL".to_owned(), Some(u64::from(precision.saturating_sub(*scale))), Some(*scale))
            }
            SourceType::Bit { width } => ("BIT".to_owned(), Some(u64::from(*width)), None),
            SourceType::DateTime { fsp } => ("DATETIME".to_owned(), None, Some(*fsp)),
            SourceType::Timestamp { fsp } => ("TIMESTAMP".to_owned(), None, Some(*fsp)),
            SourceType::Time { fsp } => ("TIME".to_owned(), None, Some(*fsp)),
            SourceType::Text { chars } => ("TEXT".to_owned(), *chars, None),
            other => (other.to_string(), None, None),
        };
        // Both are names of the same character set; newer servers write the second one.
        let charset = column.charset.clone().map(|name| if name == "utf8" { "utf8mb3".to_owned() } else { name });
        let computed = column.old_rows == OldRows::Computed;
        Self { kind, size, scale, charset, nullable: column.nullable, computed }
    }

    /// The declarations of these columns, by their names. `former`: those of before, which stay for columns that MySQL
    /// now hides from the account.
    #[must_use]
    pub fn all<'a>(
        columns: impl Iterator<Item = &'a SourceColumn>,
        former: impl Iterator<Item = (String, Self)>,
    ) -> BTreeMap<String, Self> {
        former.chain(columns.map(|column| (column.name.clone(), Self::of(column)))).collect()
    }

    /// The declaration of a column among these, whatever the case of its name.
    #[must_use]
    pub fn find<'a>(all: &'a BTreeMap<String, Self>, column: &str) -> Option<&'a Self> {
        all.iter().find(|(name, _)| same_name(name, column)).map(|(_, declared)| declared)
    }

    /// Tells if every value of a column that was declared like this surely is the same in the column as it is now.
    /// `by_its_text`: the target holds the value's text, which has as many digits as the declaration says.
    #[must_use]
    pub fn keeps_values(&self, column: &SourceColumn, by_its_text: bool) -> bool {
        let now = Self::of(column);
        let grows = matches!(self.kind.as_str(), "INT" | "INT UNSIGNED" | "DECIMAL" | "TEXT")
            && matches!((self.size, now.size), (Some(then), Some(now)) if then < now);
        let has_more_digits = !by_its_text && self.scale < now.scale;
        self.kind == now.kind
            && (self.size == now.size || grows)
            && (self.scale == now.scale || has_more_digits)
            && (now.nullable || !self.nullable)
            && (self.computed || !now.computed)
            && (self.charset == now.charset || self.keeps_characters(column))
    }

    /// Tells if the column's character set has every character of the former one, and the same bytes mean the same.
    fn keeps_characters(&self, column: &SourceColumn) -> bool {
        let former = SourceColumn { charset: self.charset.clone(), ..column.clone() };
        let has_all = column.charset.as_deref().is_some_and(|charset| WHOLE_UNICODE.contains(&charset));
        self.charset.is_some() && has_all && !former.is_legacy_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(source_type: SourceType) -> SourceColumn {
        SourceColumn::new("c", source_type, true)
    }

    fn int(bits: u8, unsigned: bool) -> SourceColumn {
        column(SourceType::Int { bits, unsigned })
    }

    fn decimal(precision: u8, scale: u8) -> SourceColumn {
        column(SourceType::Decimal { precision, scale })
    }

    fn text(chars: u64, charset: &str) -> SourceColumn {
        SourceColumn { charset: Some(charset.to_owned()), ..column(SourceType::Text { chars: Some(chars) }) }
    }

    #[test]
    fn only_a_change_that_surely_keeps_every_value_is_passed_over() {
        let required = |of: SourceColumn| SourceColumn { nullable: false, ..of };
        let computed = |of: SourceColumn| SourceColumn { old_rows: OldRows::Computed, ..of };
        let moment = |fsp| column(SourceType::DateTime { fsp });
        for (then, now, keeps) in [
            (int(32, false), int(64, false), true),
            (int(64, false), int(32, false), false),
            (int(32, false), int(64, true), false),
            (int(32, false), decimal(20, 0), false),
            (decimal(10, 2), decimal(12, 2), true),
            (decimal(10, 2), decimal(12, 4), true),
            (decimal(10, 2), decimal(10, 3), false),
            (decimal(10, 2), decimal(10, 1), false),
            (moment(0), moment(3), true),
            (moment(3), moment(0), false),
            (moment(0), column(SourceType::Timestamp { fsp: 0 }), false),
            (column(SourceType::Double), column(SourceType::Float), false),
            (text(20, "utf8mb4"), text(255, "utf8mb4"), true),
            (text(20, "utf8mb4"), text(3, "utf8mb4"), false),
            (text(20, "utf8mb4"), int(32, false), false),
            (text(20, "utf8"), text(20, "utf8mb3"), true),
            (text(20, "utf8mb3"), text(20, "utf8mb4"), true),
            (text(20, "latin1"), text(20, "utf8mb4"), true),
            (text(20, "sjis"), text(20, "utf8mb4"), false),
            (text(20, "utf8mb4"), text(20, "latin1"), false),
            (required(int(32, false)), int(32, false), true),
            (int(32, false), required(int(32, false)), false),
            (computed(int(32, false)), int(32, false), true),
            (int(32, false), computed(int(32, false)), false),
        ] {
            assert_eq!(Declared::of(&then).keeps_values(&now, false), keeps, "{then:?} -> {now:?}");
        }
    }

    #[test]
    fn the_text_of_a_value_has_the_digits_that_the_column_declares() {
        let keeps =
            |then: &SourceColumn, now: &SourceColumn| [false, true].map(|t| Declared::of(then).keeps_values(now, t));
        assert_eq!(keeps(&decimal(10, 2), &decimal(12, 4)), [true, false]);
        assert_eq!(keeps(&decimal(10, 2), &decimal(12, 2)), [true, true]);
        assert_eq!(keeps(&int(32, false), &int(64, false)), [true, true]);
    }

    #[test]
    fn a_declaration_is_read_as_it_was_written() {
        for (column, text) in [
            (text(20, "utf8mb4"), r#""TEXT|20||utf8mb4|NULL""#),
            (decimal(10, 2), r#""DECIMAL|8|2||NULL""#),
            (
                SourceColumn { old_rows: OldRows::Computed, nullable: false, ..int(64, true) },
                r#""INT UNSIGNED|64|||COMPUTED""#,
            ),
        ] {
            let declared = Declared::of(&column);
            assert_eq!(serde_json::to_string(&declared).unwrap(), text);
            assert_eq!(serde_json::from_str::<Declared>(text).unwrap(), declared);
        }
    }
}
