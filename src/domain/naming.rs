//! What a MySQL name becomes in BigQuery.
//!
//! Rule: Unicode letters, digits, combining marks and `_` stay; every other character becomes `_`; a column name that
//! then begins with a digit or with a prefix reserved by BigQuery gets the prefix `c_`. Two columns that get the same
//! name are a configuration error; they are never merged.

/// Column prefixes that BigQuery refuses, in any case. Source: BigQuery reference, "Column names".
const FORBIDDEN_PREFIXES: [&str; 9] = [
    "_TABLE_",
    "_FILE_",
    "_PARTITION",
    "_ROW_TIMESTAMP",
    "__ROOT__",
    "_COLIDENTIFIER",
    "_CHANGE_SEQUENCE_NUMBER",
    "_CHANGE_TYPE",
    "_CHANGE_TIMESTAMP",
];

/// The beginning of every staging table's name.
pub const STAGING_PREFIX: &str = "bqsync_staging_";

/// The beginning of the names of tables that `check` makes to test its permissions. The check's start time follows; the
/// names of staging tables have a `T` at that place, whatever the mapping's name is.
pub const PROBE_PREFIX: &str = "bqsync_staging__check_";

/// The BigQuery column for a MySQL column.
#[must_use]
pub fn column_name(source: &str) -> String {
    let name: String = source.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    let upper = name.to_ascii_uppercase();
    let refused =
        name.starts_with(|c: char| c.is_numeric()) || FORBIDDEN_PREFIXES.iter().any(|prefix| upper.starts_with(prefix));
    if refused { format!("c_{name}") } else { name }
}

/// The BigQuery table for a configured name: the rule for columns, but spaces and dashes may stay.
#[must_use]
pub fn table_name(configured: &str) -> String {
    configured.chars().map(|c| if allowed(c) || c == ' ' || c == '-' { c } else { '_' }).collect()
}

/// Tells if the name uses only ASCII letters, digits and `_`, which every BigQuery interface takes.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A part of a job id or a staging table's name: plain characters, at most 100.
#[must_use]
pub fn id_part(name: &str) -> String {
    name.chars().take(100).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn allowed(c: char) -> bool {
    c == '_' || c.is_alphanumeric() || is_combining_mark(c)
}

/// Combining marks are letters to BigQuery but not to `char::is_alphanumeric`; these blocks hold the marks in living
/// use.
const fn is_combining_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{981}'..='\u{983}'
        | '\u{9bc}'..='\u{9cd}' | '\u{e31}'..='\u{e4e}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn invalid_characters_become_underscores_and_letters_of_any_script_stay() {
        assert_eq!(column_name("unit price ($)"), "unit_price____");
        assert_eq!(column_name("größe"), "größe");
        assert_eq!(column_name("名前"), "名前");
        assert_eq!(column_name("a.b`c"), "a_b_c");
    }

    #[test]
    fn reserved_beginnings_get_a_prefix() {
        assert_eq!(column_name("2nd"), "c_2nd");
        assert_eq!(column_name("_partitiontime"), "c__partitiontime");
        assert_eq!(column_name("_private"), "_private");
    }

    proptest! {
        #[test]
        fn every_converted_column_name_is_valid_in_bigquery(source in "[ -~]{1,20}|\\PC{1,64}") {
            let name = column_name(&source);
            prop_assert!(name.chars().all(allowed), "{}", name);
            prop_assert!(!name.starts_with(|c: char| c.is_ascii_digit()));
            let upper = name.to_ascii_uppercase();
            prop_assert!(FORBIDDEN_PREFIXES.iter().all(|prefix| !upper.starts_with(prefix)), "{}", name);
            // Converting the name again changes nothing.
            prop_assert_eq!(&column_name(&name), &name);
        }

        #[test]
        fn a_part_of_an_id_is_plain_and_short(text in "\\PC{0,150}") {
            let part = id_part(&text);
            prop_assert!(is_plain(&part) && part.len() <= 100);
        }
    }
}
