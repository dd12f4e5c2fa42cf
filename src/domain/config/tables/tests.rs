//! Which tables an entry takes, and which entries are refused.

use std::path::Path;

use super::*;
use crate::domain::config::{Config, parse};

fn read(entry: &str) -> Result<Config, Vec<Problem>> {
    let text = format!("project: p\ndataset: d\nmappings:\n  - {{{entry}}}\n");
    parse(&text, Path::new("config.yaml"), &|_| None)
}

fn pattern(entry: &str) -> TablePattern {
    let config = read(entry).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert!(config.mappings.is_empty());
    config.patterns.into_iter().next().unwrap()
}

fn problem(entry: &str) -> String {
    let problems = read(entry).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].line, Some(4));
    format!("{}: {}", problems[0].message, problems[0].hint)
}

fn taking<'a>(name: &'a MappingName, keys: &'a [String]) -> Taking<'a> {
    let (database, table, target) = ("shop", "orders", "orders");
    Taking { name, database, table, target, mode: Mode::Mirror, keys, cursor: None }
}

#[test]
fn a_table_is_taken_by_its_database_and_its_name() {
    let cases = [
        ("tables: 'shop.*'", "shop", "orders", true),
        ("tables: 'shop.*'", "shop", "a.b", true),
        ("tables: 'shop.*'", "hr", "orders", false),
        ("tables: 'SHOP.O*'", "shop", "orders", true),
        ("tables: 'orders_*'", "shop", "orders_2", true),
        ("tables: 'orders_*'", "hr", "orders_2", false),
        ("tables: '*.orders'", "hr", "orders", true),
        ("tables: [a, 'o?ders']", "shop", "orders", true),
        ("tables: '`my.db`.*'", "my.db", "x", true),
        ("tables: '`my.db`.*'", "my", "db.x", false),
        ("tables: '`dotted.name`'", "shop", "dotted.name", true),
        ("tables: 'shop.*', except: 'tmp_*'", "shop", "tmp_1", false),
        ("tables: '*.*', except: [hr.orders]", "hr", "orders", false),
        ("tables: '*.*', except: [hr.orders]", "shop", "orders", true),
    ];
    for (entry, database, table, takes) in cases {
        assert_eq!(
            !pattern(entry).takers(database, table, "shop", false, &|_, _| false).is_empty(),
            takes,
            "{entry}: {database}.{table}"
        );
    }
}

#[test]
fn a_view_is_taken_only_by_its_full_name() {
    let pattern = pattern("tables: ['shop.*', sales]");
    assert!(pattern.takers("shop", "totals", "shop", true, &|_, _| false).is_empty());
    assert_eq!(pattern.takers("shop", "sales", "shop", true, &|_, _| false).len(), 1);
}

#[test]
fn the_keys_of_an_entry_apply_to_each_of_its_tables() {
    let pattern =
        pattern("tables: 'shop.*', mode: auto, lookback: 2h, mask: {email: sha256}, deletes: soft, dataset: other");
    let mapping =
        pattern.mapping(Path::new("c"), taking(&name_of(None, "shop", "orders"), &["id".to_owned()])).unwrap();
    assert_eq!((mapping.name.0.as_str(), mapping.source.to_string().as_str()), ("shop.orders", "shop.orders"));
    assert_eq!((mapping.target.dataset.as_str(), mapping.target.table.as_str()), ("other", "orders"));
    assert_eq!((mapping.mode, mapping.lookback, mapping.mask.len()), (Mode::Mirror, None, 1));
    assert_eq!(mapping.deleted_column(), Some("_bqsync_deleted_at"));
    assert_eq!((mapping.line, mapping.pattern.as_deref()), (4, Some("shop.*")));
}

#[test]
fn a_key_that_does_not_fit_one_table_is_a_problem_of_that_table_only() {
    let pattern = pattern("tables: 'shop.*', exclude: [id]");
    assert!(pattern.mapping(Path::new("c"), taking(&name_of(None, "shop", "orders"), &["uuid".to_owned()])).is_ok());
    let problem =
        pattern.mapping(Path::new("c"), taking(&name_of(None, "shop", "orders"), &["id".to_owned()])).unwrap_err();
    assert!(problem.message.contains("`exclude` of the `auto` tables `shop.*` names `id`"), "{problem}");
}

#[test]
fn an_error_that_concerns_all_tables_is_reported_when_the_file_is_read() {
    assert!(
        problem("tables: 'shop.*', name: x")
            .contains("`name` of the `auto` tables `shop.*` would be that of every table")
    );
    assert!(problem("tables: 'shop.*', primary_keys: [id]").contains("would be that of every table"));
    assert!(problem("tables: '.orders'").contains("write `database.table`"));
    assert!(problem("tables: []").contains("names no table"));
    assert!(problem("tables: 'shop.*', mode: replace, lookback: 2h").contains("does not go with `mode: replace`"));
    assert!(problem("tables: 'shop.*', columns: {a: WORD}").contains("`columns.a` of the `auto` tables `shop.*`"));
    assert!(problem("name: a, mysql_table: a, mode: auto, incremental_column: id").contains("goes with `tables`"));
    assert!(problem("name: a, mysql_table: a, incremental_column: id, except: [b]").contains("entry with `tables`"));
    assert!(problem("tables: 'shop.*', allow_table_additions: perhaps").contains("cannot be `perhaps`"));
}

#[test]
fn an_entry_with_tables_overrides_defaults() {
    let text = "project: p\ndataset: d\nallow_table_additions: false\n\
                defaults: {mode: upsert, loaded_at: at}\nmappings:\n  - tables: a*\n  - {tables: b*, mode: auto, \
                allow_table_additions: true}\n";
    let config = parse(text, Path::new("config.yaml"), &|_| None).unwrap();
    let said: Vec<_> = config.patterns.iter().map(|pattern| (pattern.mode, pattern.additions)).collect();
    assert_eq!(said, [(Some(Mode::Upsert), TableAdditions::Deny), (None, TableAdditions::Allow)]);
}

#[test]
fn tables_that_share_a_target_need_a_mode_and_a_target_name() {
    let shards = "tables: 'orders_*', shard_column: _shard";
    assert!(read(&format!("{shards}, mode: mirror, bigquery_table: orders")).is_ok());
    assert!(problem(&format!("{shards}, bigquery_table: orders")).contains("does not go with `mode: auto`"));
    assert!(problem(&format!("{shards}, mode: mirror")).contains("goes with `bigquery_table`, which is missing"));
    assert!(
        problem(&format!("{shards}, mode: replace, bigquery_table: orders"))
            .contains("does not go with `mode: replace`")
    );
    assert!(problem("tables: 'orders_*', bigquery_table: orders").contains("would be that of every table"));
}
