//! Compares the declared keys with the documentation, the example and their own rules.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::domain::config::key::{self, Gaps, Section};
use crate::domain::config::read::Reading;

#[test]
fn every_key_is_in_the_example_file() {
    let example = include_str!("../../../../config.yaml");
    let keys = rows(top::KEYS, "").into_iter().chain(rows(mapping::KEYS, ""));
    for key in keys.map(|row| row.key) {
        let name = key.rsplit('.').next().unwrap_or(&key);
        assert!(example.contains(&format!("{name}:")), "config.yaml lacks {key}");
    }
}

/// The tables on the page equal the declarations of the keys.
#[test]
fn the_documentation_lists_these_keys() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md")).unwrap();
    for table in [top_level_table(), mapping_table()] {
        assert!(page.contains(&format!("\n\n{table}\n")), "docs/configuration.md should hold:\n{table}");
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/console.md")).unwrap();
    assert!(page.contains(&format!("\n\n{}\n", context_table())), "docs/console.md should hold:\n{}", context_table());
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md")).unwrap();
    for variable in ["MYSQL_SSL_MODE", "MYSQL_SSL_CA", "MYSQL_SOCKET", "BIGQUERY_EMULATOR_HOST"] {
        assert!(page.contains(variable), "docs/configuration.md lacks {variable}");
    }
}

/// A default in the documentation is read like any other text.
#[test]
fn every_declared_default_is_a_valid_value() {
    let mut r = Reading { file: String::new(), env: &|_| None, problems: Vec::new() };
    let nothing = Section::nothing();
    key::read(&mut r, &nothing, top::KEYS, Gaps::Default, &mut top::Top::blank(Path::new("c")));
    key::read(&mut r, &nothing, mapping::KEYS, Gaps::Default, &mut mapping::defaults());
    let missing: Vec<_> = r.problems.into_iter().map(|problem| problem.message).collect();
    let required = ["project", "dataset", "name", "mysql_table"];
    assert_eq!(missing, required.map(|key| format!("`{key}` is missing")));
}

#[test]
fn every_key_is_declared_once_in_its_group() {
    for keys in [rows(top::KEYS, ""), rows(mapping::KEYS, "")] {
        let names: BTreeSet<_> = keys.iter().map(|row| &row.key).collect();
        assert_eq!(names.len(), keys.len(), "{keys:?}");
    }
}
