//! Tables that share a table in BigQuery: the mappings of an entry, and what is refused.

use std::path::Path;

use crate::domain::config::{Mapping, Problem, parse};

const UPSERT: &str = "mode: upsert, primary_keys: [id], incremental_column: at";

fn read(entries: &str) -> Result<Vec<Mapping>, Vec<Problem>> {
    let text = format!("project: p\ndataset: d\nmappings:\n{entries}");
    parse(&text, Path::new("config.yaml"), &|_| None).map(|config| config.mappings)
}

/// One entry with `mode: upsert` and the keys that it needs, and `rest`.
fn entry(rest: &str) -> Result<Vec<Mapping>, Vec<Problem>> {
    read(&format!("  - {{name: orders, {UPSERT}, {rest}}}\n"))
}

#[track_caller]
fn problem(entries: Result<Vec<Mapping>, Vec<Problem>>) -> String {
    let problems = entries.expect_err("a problem");
    assert_eq!(problems.len(), 1, "{problems:?}");
    format!("line {}: {}: {}", problems[0].line.unwrap_or_default(), problems[0].message, problems[0].hint)
}

fn told(mapping: &Mapping) -> (String, String, Option<(String, String)>) {
    let shard = mapping.shard.clone().map(|shard| (shard.column, shard.value));
    (mapping.name.to_string(), mapping.source.to_string(), shard)
}

fn of(name: &str, source: &str, value: &str) -> (String, String, Option<(String, String)>) {
    (name.into(), source.into(), Some(("_shard".into(), value.into())))
}

#[test]
fn each_table_of_a_list_becomes_one_mapping() {
    let found = entry("mysql_table: [orders_0, orders_1], bigquery_table: orders, shard_column: _shard").unwrap();
    assert_eq!(
        found.iter().map(told).collect::<Vec<_>>(),
        [of("orders/orders_0", "orders_0", "orders_0"), of("orders/orders_1", "orders_1", "orders_1")]
    );
    assert!(found.iter().all(|mapping| mapping.target.table == "orders" && mapping.primary_keys == ["id"]));
}

#[test]
fn tables_of_several_databases_are_named_with_their_database() {
    let list = "[shop_a.orders, shop_b.orders, '`odd.name`', '`shop.c`.`orders`']";
    let found =
        entry(&format!("mysql_table: {list}, mysql_database: eu, bigquery_table: o, shard_column: _shard")).unwrap();
    assert_eq!(
        found.iter().map(told).collect::<Vec<_>>(),
        [
            of("orders/shop_a.orders", "shop_a.orders", "shop_a.orders"),
            of("orders/shop_b.orders", "shop_b.orders", "shop_b.orders"),
            of("orders/odd.name", "eu.odd.name", "odd.name"),
            of("orders/shop.c.orders", "shop.c.orders", "shop.c.orders"),
        ]
    );
    assert_eq!(found[3].source.database.as_deref(), Some("shop.c"));
}

#[test]
fn single_mappings_may_share_a_target_as_shards() {
    let shard = |name: &str, rest: &str| {
        format!("  - {{name: {name}, mysql_table: {name}, bigquery_table: orders, shard_column: _shard, {rest}}}\n")
    };
    let found = read(&(shard("a", &format!("{UPSERT}, shard: eu")) + &shard("b", UPSERT))).unwrap();
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), [of("a", "a", "eu"), of("b", "b", "b")]);
    let pair = |second: &str| problem(read(&(shard("a", UPSERT) + &shard("b", second))));
    assert!(
        pair(&format!("{UPSERT}, shard: A"))
            .contains("two shards of the table `orders` are called `A`, on lines 4 and 5")
    );
    let append = "primary_keys: [id], incremental_column: at";
    assert!(pair(append).starts_with("line 5: `mode` of the shards of the table `orders` differ"));
    let key = "mode: upsert, primary_keys: [uid], incremental_column: at";
    assert!(pair(key).starts_with("line 5: `primary_keys` of the shards"));
    let other = format!("  - {{name: b, mysql_table: b, bigquery_table: Orders, shard_column: _of, {UPSERT}}}\n");
    assert!(problem(read(&(shard("a", UPSERT) + &other))).contains("`shard_column` of the shards"));
    let without = format!("  - {{name: b, mysql_table: b, bigquery_table: orders, {UPSERT}}}\n");
    assert!(problem(read(&(shard("a", UPSERT) + &without))).contains("two mappings write to the table `orders`"));
}

#[test]
fn shards_that_cannot_be_told_apart_are_refused() {
    let listed = |rest: &str| problem(entry(&format!("mysql_table: [a, b], bigquery_table: t{rest}")));
    assert!(listed("").contains("is a list, which needs `shard_column`"));
    assert!(listed(", shard_column: _shard, shard: eu").contains("`shard` of mapping `orders` cannot be `eu`"));
    assert!(listed(", shard_column: a-b").contains("write `a_b`"));
    assert!(
        listed(", shard_column: gone, deletes: soft, deleted_column: Gone").contains("`deleted_column` has that name")
    );
    assert!(listed(", shard_column: seen, loaded_at: Seen").contains("`loaded_at` has that name"));
    assert!(listed(", shard_column: ID").contains("`primary_keys` of mapping `orders` cannot be `id`"));
    let one = |rest: &str| problem(entry(rest));
    assert!(one("mysql_table: [a, A], bigquery_table: t, shard_column: _s").contains("names `A` twice"));
    assert!(one("mysql_table: [], bigquery_table: t, shard_column: _s").contains("is empty"));
    assert!(one("mysql_table: [a, b], shard_column: _s").contains("`bigquery_table` of mapping `orders` is missing"));
    assert!(one("mysql_table: a, shard: eu").contains("needs `shard_column`"));
    assert!(
        one("mysql_table: 'orders_[0-9]+', bigquery_table: t, shard_column: _s")
            .contains("write the tables one by one")
    );
    let replace = read("  - {name: t, mysql_table: [a, b], bigquery_table: t, mode: replace, shard_column: _s}\n");
    assert!(problem(replace).contains("`shard_column` of mapping `t` does not go with `mode: replace`"));
    let shared = "  - {name: t, mysql_table: t, incremental_column: id}\ndefaults: {shard_column: _s}\n";
    assert!(problem(read(shared)).contains("would be that of every mapping"));
}

#[test]
fn the_name_of_a_list_must_not_be_another_mappings_name() {
    let list = format!("  - {{name: t, mysql_table: [a, b], bigquery_table: t, shard_column: _s, {UPSERT}}}\n");
    for taken in ["t", "t/a"] {
        let other = format!("  - {{name: {taken}, mysql_table: x, {UPSERT}}}\n");
        assert!(problem(read(&(list.clone() + &other))).contains(&format!("two mappings are named `{taken}`")));
    }
}
