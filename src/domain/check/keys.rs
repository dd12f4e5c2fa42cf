//! Rules about the keys of a mapping: whether they tell rows apart, on both sides and for as long as a row lives.

use crate::domain::column::{SourceSchema, TargetSchema};
use crate::domain::config::{Deletes, Mapping, Mode};
use crate::domain::finding::{Finding, Standing, Topic};
use crate::domain::quote;

/// Reports that the configured keys include no unique key. (A view's keys cannot be seen.)
#[must_use]
pub fn keys_not_unique(mapping: &Mapping, source: &SourceSchema) -> Option<Finding> {
    let keys = &mapping.primary_keys;
    // A replace brings every row, whatever keys it shares with others.
    if keys.is_empty() || source.is_view || source.tells_rows_apart_by(keys) || mapping.mode == Mode::Replace {
        return None;
    }
    // A mirror would hold any one of the rows that share a key.
    let (standing, then) = match mapping.mode {
        Mode::Mirror => (Standing::Fail, "a mirror cannot tell apart the rows that share them"),
        Mode::Append | Mode::Upsert | Mode::Replace => (Standing::Warn, "rows that share them become one"),
    };
    let sentence = format!("`primary_keys` of the mapping are not a unique key of {}: {then}", mapping.source);
    let finding = Finding { standing, ..Finding::warn(Topic::Keys, sentence) };
    let nullable = keys.iter().find(|key| source.column(key).is_some_and(|column| column.nullable));
    Some(match (nullable, source.unique_keys.first()) {
        (Some(key), _) => {
            finding.remedy(format!("`{key}` may be NULL, which any number of rows may share: declare it NOT NULL"))
        }
        (None, Some(unique)) => finding.remedy(format!("its unique key is: {}", unique.join(", "))),
        (None, None) => {
            let columns: Vec<_> = keys.iter().map(|key| quote::mysql_name(key)).collect();
            let table = quote::mysql_table(&mapping.source);
            finding.remedy(format!("ALTER TABLE {table} ADD UNIQUE KEY ({})", columns.join(", ")))
        }
    })
}

/// Reports texts that are one key to MySQL and several to BigQuery, in an upsert that deletes nothing.
#[must_use]
pub fn keys_held_equal(mapping: &Mapping, source: &SourceSchema) -> Option<Finding> {
    if mapping.mode != Mode::Upsert || mapping.deletes != Deletes::Ignore {
        return None;
    }
    let mut columns = mapping.primary_keys.iter().filter_map(|key| source.column(key));
    let (key, equal) = columns.find_map(|column| Some((column, column.held_equal()?)))?;
    let (name, collation) = (&key.name, key.collation.as_deref().unwrap_or_default());
    let sentence = format!(
        "the key `{name}` has the collation {collation}: texts that differ in {equal} are one key to MySQL and two to \
         BigQuery, so a row whose key changes between them stays there under both"
    );
    Some(Finding::warn(Topic::Keys, sentence).remedy(format!(
        "`deletes: hard` (or `soft`) in the mapping lets `bqsync deletes` remove the old one; or give `{name}` a collation \
         that tells them apart, such as utf8mb4_0900_bin or, in MariaDB, utf8mb4_nopad_bin"
    )))
}

/// Reports a text key whose character set has two codes for some characters, which are one character of Unicode. Source:
/// Microsoft's code page 932, which repeats NEC's and IBM's characters.
#[must_use]
pub fn keys_become_one(mapping: &Mapping, source: &SourceSchema) -> Option<Finding> {
    let is_cp932 = |key: &String| source.column(key)?.charset.as_deref().filter(|charset| *charset == "cp932");
    let name = mapping.primary_keys.iter().find(|key| is_cp932(key).is_some())?;
    let sentence = format!(
        "the key `{name}` is text of cp932, which has two codes for some characters: keys that differ in these alone are two to \
         MySQL, and one to BigQuery, where one row takes the place of the other"
    );
    let column = |key: &String| match is_cp932(key) {
        Some(_) => format!("CONVERT({} USING utf8mb4) COLLATE utf8mb4_bin", quote::mysql_name(key)),
        None => quote::mysql_name(key),
    };
    let columns: Vec<_> = mapping.primary_keys.iter().map(column).collect();
    let (columns, table) = (columns.join(", "), quote::mysql_table(&mapping.source));
    Some(Finding::warn(Topic::Keys, sentence).remedy(format!(
        "SELECT {columns}, COUNT(*) FROM {table} GROUP BY {columns} HAVING COUNT(*) > 1 finds them: give these rows other keys"
    )))
}

/// Reports an append's target that declares a primary key, which an append does not keep unique.
#[must_use]
pub fn key_declared(mapping: &Mapping, target: Option<&TargetSchema>) -> Option<Finding> {
    let columns = &target?.primary_key;
    if mapping.mode != Mode::Append || columns.is_empty() {
        return None;
    }
    let (table, columns) = (&mapping.target, columns.join("`, `"));
    let sentence = format!(
        "{table} declares PRIMARY KEY (`{columns}`), but an append keeps every version of a row: BigQuery trusts the \
         key to be unique and may answer queries wrongly"
    );
    Some(Finding::warn(Topic::Target, sentence).remedy(format!("in BigQuery: ALTER TABLE `{table}` DROP PRIMARY KEY")))
}

/// Reports keys that every UPDATE changes, so that an upsert takes the row for a new one.
#[must_use]
pub fn keys_change(mapping: &Mapping, source: &SourceSchema) -> Option<Finding> {
    if mapping.mode != Mode::Upsert {
        return None;
    }
    let mut columns = mapping.primary_keys.iter().filter_map(|key| source.column(key));
    let name = &columns.find(|column| column.is_stamped)?.name;
    let sentence = format!(
        "the key `{name}` changes with every UPDATE (ON UPDATE CURRENT_TIMESTAMP): an upsert treats the row as a new \
         one, and \
         BigQuery keeps the old version beside it"
    );
    let changes = |key: &&Vec<String>| key.iter().any(|key| source.column(key).is_some_and(|column| column.is_stamped));
    let other = source.unique_keys.iter().find(|key| !changes(key));
    let remedy = match other {
        Some(key) => format!("name another unique key: `primary_keys: [{}]`", yaml_words(key)),
        None => format!(
            "write `mode: mirror`, which removes the old version; or, where the other columns of the key tell rows apart alone, \
             take `{name}` out of `primary_keys`"
        ),
    };
    Some(Finding::warn(Topic::Keys, sentence).remedy(remedy))
}

fn yaml_words(names: &[String]) -> String {
    names.iter().map(|name| quote::yaml_word(name)).collect::<Vec<_>>().join(", ")
}
