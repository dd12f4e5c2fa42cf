//! Masks, patterns, names and filters in the forms in which they may be written.

use std::path::Path;

use crate::domain::config::{Mapping, Problem, parse};
use crate::domain::mask::Mask;
use crate::domain::secret::Secret;

const KEY: &str = "0123456789abcdef";

fn read(rest: &str) -> Result<Mapping, Vec<Problem>> {
    let text = format!(
        "project: p\ndataset: d\nmappings:\n  - {{name: t, mysql_table: t, incremental_column: at, primary_keys: [id], mode: \
         upsert, {rest}}}\n"
    );
    let env = |name: &str| match name {
        "MASK_KEY" => Some(KEY.to_owned()),
        "SHORT" => Some("c4n4ry".to_owned()),
        _ => None,
    };
    parse(&text, Path::new("config.yaml"), &env).map(|config| config.mappings[0].clone())
}

#[track_caller]
fn refused(rest: &str, told: &str) {
    let problems = read(rest).expect_err(rest);
    assert_eq!(problems.len(), 1, "{rest}: {problems:?}");
    let said = format!("{}: {}", problems[0].message, problems[0].hint);
    assert!(said.contains(told), "{rest}: {said}");
    assert_eq!(problems[0].line, Some(4), "{rest}");
    assert!(!said.contains("c4n4ry"), "{said}");
}

#[test]
fn no_hint_suggests_writing_a_secret_into_the_file() {
    for rest in ["mask: {a: {hmac: \"${NOT_SET}\"}}", "loaded_at: \"${A_TOKEN}\"", "loaded_at: \"${HOOK_URL}\""] {
        let problems = read(rest).expect_err(rest);
        let hint = &problems[0].hint;
        assert!(hint.ends_with("a secret has no place in the configuration") && !hint.contains(":-"), "{rest}: {hint}");
    }
}

#[test]
fn a_mask_is_a_word_or_a_group_of_one_key() {
    let mapping =
        read("mask: {a: sha256, b: SHA256, c: null, d: \"null\", e: ~, f: {hmac: \"${MASK_KEY}\"}, g: {last: 4}}")
            .unwrap();
    let of = |column| mapping.mask_of(column).cloned();
    assert_eq!((of("a"), of("B")), (Some(Mask::Sha256), Some(Mask::Sha256)));
    for column in ["c", "d", "e"] {
        assert_eq!(of(column), Some(Mask::Null), "{column}");
    }
    assert_eq!((of("f"), of("g")), (Some(Mask::Hmac(Secret::new(KEY))), Some(Mask::Last(4))));
    assert_eq!(of("h"), None);
    assert!(!format!("{mapping:?}").contains(KEY));
}

#[test]
fn an_invalid_mask_is_refused_and_its_value_is_not_shown() {
    refused("mask: {a: c4n4ry-in-the-wrong-place}", "is not a mask: write `sha256`");
    refused("mask: {a: }", "is not a mask");
    refused("mask: {a: [sha256]}", "is not a mask");
    refused("mask: sha256", "not a group of keys");
    refused("mask: {a: {hmac: \"${SHORT}\"}}", "has only 6 characters, so it can be guessed: take 32 random bytes");
    refused("mask: {a: {hmac: \"${NOBODY}\"}}", "the variable is not set");
    refused("mask: {a: {last: 0}}", "from 1 to 8");
    refused("mask: {a: {last: 9}}", "from 1 to 8");
    refused("mask: {a: {first: 4}}", "holds `first`");
    refused("mask: {a: {last: 4, hmac: \"${MASK_KEY}\"}}", "holds 2 keys");
    refused("mask: {a: sha256, A: null}", "is given twice");
}

#[test]
fn columns_that_place_rows_are_not_masked() {
    refused("mask: {ID: sha256}", "but `primary_keys` needs the column as it is");
    refused("mask: {at: {last: 2}}", "but `incremental_column` needs the column as it is");
    refused("mask: {day: null}, partition_by: day", "but `partition_by` needs the column as it is");
    refused("mask: {a: sha256}, exclude: [A]", "`exclude` leaves the column in MySQL");
    refused("mask: {a: sha256}, columns: {a: INT64}", "makes the column a STRING");
    assert!(read("mask: {a: null}, columns: {a: NUMERIC}").is_ok(), "it keeps its type");
}

#[test]
fn the_first_matching_pattern_applies_to_columns_that_no_other_key_names() {
    let mapping = read(
        "new_columns: {email_sent: keep, \"*email*\": mask, \"*pass*\": exclude, \"*id*\": exclude, \"*tel*\": {hmac: \
         \"${MASK_KEY}\"}}, mask: {passport: {last: 2}}",
    )
    .unwrap();
    assert_eq!(mapping.mask_of("Contact_Email"), Some(&Mask::Sha256));
    assert_eq!(mapping.mask_of("tel"), Some(&Mask::Hmac(Secret::new(KEY))));
    assert_eq!(mapping.mask_of("email_sent"), None);
    assert_eq!(mapping.mask_of("passport"), Some(&Mask::Last(2)), "it is named");
    assert!(mapping.excludes("password") && !mapping.excludes("passport") && mapping.excludes("client_id"));
    assert!(!mapping.excludes("id"), "rows are told apart by it");
    refused("new_columns: {\"*a*\": hide}", "is not a mask: write `exclude`, `mask`");
}

#[test]
fn a_renamed_column_needs_a_name_that_is_valid_and_unused() {
    let mapping = read("rename: {a: b, C: größe}, loaded_at: _bqsync_loaded_at").unwrap();
    assert_eq!((mapping.target_column("A"), mapping.target_column("c")), ("b".to_owned(), "größe".to_owned()));
    assert_eq!(
        (mapping.target_column("x-y"), mapping.loaded_at.as_deref()),
        ("x_y".to_owned(), Some("_bqsync_loaded_at"))
    );
    refused("rename: {a: b-c}", "write `b_c`");
    refused("rename: {a: x, b: X}", "another column has that name");
    refused("loaded_at: 2nd", "write `c_2nd`");
    refused("loaded_at: gone, deletes: soft, deleted_column: gone", "`deleted_column` has that name");
}

#[test]
fn a_filter_stays_between_its_parentheses() {
    let mapping = read("where: \"tenant_id <> 7 OR note = 'it''s (open'\"").unwrap();
    assert_eq!(mapping.source.filter.unwrap().text(), "tenant_id <> 7 OR note = 'it''s (open'");
    refused("where: \"1=1) OR (1=1\"", "closes a parenthesis that it has not opened");
    refused("where: \"a = 1 -- x\"", "begins a comment");
}
