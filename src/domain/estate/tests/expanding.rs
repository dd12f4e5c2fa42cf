//! Which mapping each table of an entry for many tables gets, now and later.

use chrono::{DateTime, Utc};

use super::*;
use crate::domain::config::TableAdditions;
use crate::domain::ids::{MappingName, SourceName};

fn config(mappings: &str) -> Config {
    read(&format!("project: p\ndataset: d\nmappings:\n{mappings}"))
}

fn at() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn expanded(config: &Config, known: &KnownTables, tables: Option<&[TableFacts]>) -> Expansion {
    expanded_of(config, known, None, tables)
}

fn expanded_of(
    config: &Config,
    known: &KnownTables,
    source: Option<&SourceName>,
    tables: Option<&[TableFacts]>,
) -> Expansion {
    let server = of_shop();
    let ground = Ground { server: &server, timezone: Tz::UTC, now: at().naive_utc(), has_mask_key: false, source };
    let seen = tables.map_or(Seen::Away, |tables| Seen::Tables(tables, ground));
    let views = [View { server: source, own: "shop", seen }];
    expand(&Ask { config, views: &views, known, compare: true, by: "op@host", at: at() })
}

/// `name mode`, with `new` after it for a new table.
fn told(expansion: &Expansion) -> Vec<String> {
    let new = |is_new: bool| if is_new { " new" } else { "" };
    let line = |m: &crate::domain::config::Mapping| format!("{} {}{}", m.name, m.mode.word(), new(m.is_new_table));
    expansion.mappings.iter().map(line).collect()
}

fn remarks(expansion: &Expansion) -> String {
    expansion.remarks.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn customers() -> TableFacts {
    stamped(table("customers", &[("name", text(80)), ("updated_at", MOMENT)]), "updated_at", true)
}

fn orders() -> TableFacts {
    table("orders", &[("total", INT)])
}

#[test]
fn each_table_is_taken_by_the_rules_of_init() {
    let config = config("  - tables: 'shop.*'\n");
    let visits = numbered(table("visits", &[("url", text(80))]));
    let rates = keyless(table("rates", &[("rate", INT)]), 100);
    let all = [customers(), orders(), rates, visits];
    let expansion = expanded(&config, &KnownTables::default(), Some(&all));
    let expected = ["shop.customers upsert", "shop.orders mirror", "shop.rates replace", "shop.visits append"];
    assert_eq!((told(&expansion), remarks(&expansion)), (expected.map(str::to_owned).to_vec(), String::new()));
    let targets: Vec<_> = expansion.mappings.iter().map(|mapping| mapping.target.table.as_str()).collect();
    assert_eq!(targets, ["customers", "orders", "rates", "visits"]);
    assert_eq!(expansion.news.tables.len(), 4);
    assert!(expansion.news.patterns.contains("shop.*"));
}

#[test]
fn a_tables_own_mapping_takes_precedence_then_the_first_entry() {
    let config = config(
        "  - {name: o, mysql_table: orders, primary_keys: [id], mode: mirror}\n  - tables: 'c*'\n    mode: replace\n  - tables: '*'\n",
    );
    let hr = TableFacts { database: "hr".to_owned(), ..orders() };
    let expansion = expanded(&config, &KnownTables::default(), Some(&[customers(), hr, orders(), table("x", &[])]));
    assert_eq!(told(&expansion), ["shop.customers replace", "shop.x mirror"]);
}

#[test]
fn a_table_stays_as_it_was_taken_and_a_check_reports_what_todays_rules_say() {
    let config = config("  - tables: 'shop.*'\n");
    let bare = table("customers", &[("updated_at", MOMENT)]);
    let known = expanded(&config, &KnownTables::default(), Some(&[bare])).news;
    // Later the column is stamped by MySQL and indexed.
    let later = expanded(&config, &known, Some(&[customers()]));
    assert_eq!(told(&later), ["shop.customers mirror"]);
    let said = remarks(&later);
    assert!(
        said.contains("was taken as mirror, keys id; by its present keys and indexes it would be upsert by updated_at"),
        "{said}"
    );
    assert!(later.news.is_empty(), "{:?}", later.news);
    // Unless the file says otherwise.
    let stated = super::read("project: p\ndataset: d\nmappings:\n  - {tables: 'shop.*', mode: upsert}\n");
    let changed = expanded(&stated, &known, Some(&[customers()]));
    assert_eq!((told(&changed), changed.news.tables.len()), (vec!["shop.customers upsert".to_owned()], 1));
}

#[test]
fn a_table_that_appears_later_is_treated_as_the_entry_says() {
    let first = [customers()];
    for (additions, mappings, remark) in [
        ("review", vec!["shop.customers upsert", "shop.orders mirror new"], ""),
        ("true", vec!["shop.customers upsert", "shop.orders mirror"], ""),
        ("false", vec!["shop.customers upsert"], "leaves out 1 new table that `shop.*` would take"),
    ] {
        let config = config(&format!("  - {{tables: 'shop.*', allow_table_additions: {additions}}}\n"));
        let mut known = expanded(&config, &KnownTables::default(), Some(&first)).news;
        let later = expanded(&config, &known, Some(&[customers(), orders()]));
        assert_eq!(told(&later), mappings, "{additions}");
        assert!(remarks(&later).contains(remark), "{additions}: {}", remarks(&later));
        assert_eq!(later.news.tables.len(), usize::from(additions != "false"), "{additions}");
        if config.patterns[0].additions == TableAdditions::Review {
            let waiting = &later.mappings[1];
            let mut declined = known.clone();
            known.decide(waiting, true, "op", at());
            declined.decide(waiting, false, "op", at());
            let all = [customers(), orders()];
            assert_eq!(told(&expanded(&config, &known, Some(&all)))[1], "shop.orders mirror");
            assert_eq!(told(&expanded(&config, &declined, Some(&all))).len(), 1);
        }
    }
}

#[test]
fn an_unreachable_server_removes_no_mapping() {
    let config = config("  - tables: 'shop.*'\n  - tables: 'hr.*'\n");
    let known = expanded(&config, &KnownTables::default(), Some(&[customers(), orders()])).news;
    let away = expanded(&config, &known, None);
    assert_eq!(told(&away), ["shop.customers upsert", "shop.orders mirror"]);
    assert_eq!(away.mappings[0].incremental_column.as_deref(), Some("updated_at"));
    let unknown: Vec<_> = away.unknown.iter().map(|entry| (entry.text.as_str(), entry.place.as_str())).collect();
    assert_eq!(unknown, [("hr.*", "p.d.*")]);
    assert!(away.news.is_empty());
}

#[test]
fn a_dropped_table_is_reported_and_fails_alone() {
    let config = config("  - tables: 'shop.*'\n");
    let known = expanded(&config, &KnownTables::default(), Some(&[customers(), orders()])).news;
    let later = expanded(&config, &known, Some(&[customers()]));
    assert_eq!(told(&later).len(), 2);
    assert!(remarks(&later).contains("`shop.orders` is gone from MySQL"), "{}", remarks(&later));
}

#[test]
fn a_taken_table_keeps_its_target_even_if_a_new_table_sorts_before_it() {
    for additions in ["true", "review"] {
        let config = config(&format!("  - {{tables: 'shop.*', allow_table_additions: {additions}}}\n"));
        let (spaced, joined) = (|| table("up x", &[("a", INT)]), || table("up_x", &[("a", INT)]));
        let known = expanded(&config, &KnownTables::default(), Some(&[joined()])).news;
        let later = expanded(&config, &known, Some(&[spaced(), joined(), table("Up_X", &[("a", INT)])]));
        assert_eq!(told(&later), ["shop.up_x mirror"], "{additions}");
        let said = remarks(&later);
        for newcomer in ["shop.up x", "shop.Up_X"] {
            assert!(said.contains(&format!("`{newcomer}` is not moved")), "{said}");
        }
        assert!(said.contains("`shop.up_x` writes to the table `up_x` already"), "{said}");
        assert!(later.refused.is_empty(), "{:?}", later.refused);
    }
}

#[test]
fn a_taken_table_whose_target_a_new_mapping_claims_fails() {
    let entry = "  - tables: 'shop.*'\n";
    let known = expanded(&config(entry), &KnownTables::default(), Some(&[orders()])).news;
    let mine = "  - {name: mine, mysql_table: others, bigquery_table: orders, primary_keys: [id], mode: mirror}\n";
    let beside = expanded(&config(&format!("{entry}{mine}")), &known, Some(&[orders()]));
    assert_eq!((told(&beside).len(), remarks(&beside)), (0, String::new()));
    let refused = &beside.refused[0];
    assert_eq!((refused.name.0.as_str(), refused.target.as_str()), ("shop.orders", "p.d.orders"));
    assert!(refused.sentence.contains("`mine` writes to the table `orders` already"), "{}", refused.sentence);
}

#[test]
fn a_waiting_table_still_waits_after_the_entry_is_reworded() {
    let narrow = config("  - tables: 'shop.o*'\n");
    let mut known = expanded(&narrow, &KnownTables::default(), Some(&[table("o", &[])])).news;
    let all = [table("o", &[]), orders()];
    known.take_in(&expanded(&narrow, &known, Some(&all)).news);
    assert!(!known.takes(&MappingName("shop.orders".to_owned())));
    let again = expanded(&narrow, &known, Some(&all));
    assert!(again.news.is_empty(), "it is remembered once: {:?}", again.news);
    let wide = config("  - tables: ['shop.*', 'hr.*']\n");
    assert_eq!(told(&expanded(&wide, &known, Some(&all))), ["shop.o mirror", "shop.orders mirror new"]);
    let open = config("  - {tables: 'shop.*', allow_table_additions: true}\n");
    assert_eq!(told(&expanded(&open, &known, Some(&all)))[1], "shop.orders mirror");
    let shut = config("  - {tables: 'shop.*', allow_table_additions: false}\n");
    assert_eq!(told(&expanded(&shut, &known, Some(&all))).len(), 1);
}

#[test]
fn a_full_name_matches_only_its_exact_spelling() {
    let all = [table("A", &[]), table("a", &[]), table("b", &[])];
    let of = |entry: &str| told(&expanded(&config(entry), &KnownTables::default(), Some(&all)));
    let shared = "bigquery_table: all, shard_column: _shard, mode: mirror";
    assert_eq!(of(&format!("  - {{tables: 'shop.*', except: a, {shared}}}\n")), ["shop.A mirror", "shop.b mirror"]);
    assert_eq!(of("  - tables: shop.A\n"), ["shop.A mirror"]);
    assert_eq!(of("  - tables: shop.B\n"), ["shop.b mirror"], "where no other is spelt so, case tells nothing apart");
}

#[test]
fn a_view_that_replaces_a_taken_table_is_reported_and_still_moved() {
    let config = config("  - tables: 'shop.*'\n");
    let known = expanded(&config, &KnownTables::default(), Some(&[orders()])).news;
    let mut view = orders();
    view.schema.is_view = true;
    let later = expanded(&config, &known, Some(&[view.clone()]));
    assert_eq!(told(&later), ["shop.orders mirror"]);
    assert!(remarks(&later).contains("`shop.orders` was a table when it was taken, and is a view now"));
    let named = expanded(&super::read("project: p\ndataset: d\nmappings: [{tables: orders}]"), &known, Some(&[view]));
    assert_eq!(remarks(&named), "");
}

#[test]
fn a_server_that_gets_a_name_keeps_its_tables_and_their_names() {
    let plain = config("  - tables: 'shop.*'\n");
    let known = expanded(&plain, &KnownTables::default(), Some(&[customers()])).news;
    let with = |sources: &str, of: &str, all: &[TableFacts]| {
        let shared = "sources: {main: {env: MYSQL_}, eu: {}}";
        let sources = if sources.is_empty() { shared } else { sources };
        let text = format!("{sources}\nproject: p\ndataset: d\nmappings: [{{tables: 'shop.*', source: {of}}}]\n");
        let (config, server) = (super::read(&text), SourceName(of.to_owned()));
        expanded_of(&config, &known, Some(&server), Some(all))
    };
    let both = [customers(), orders()];
    for (sources, of) in [("", "main"), ("sources: {only: {}}", "only")] {
        let named = with(sources, of, &both);
        assert_eq!(told(&named), ["shop.customers upsert", &format!("{of}:shop.orders mirror new")], "{sources}");
        assert_eq!(named.mappings[0].target.table, "customers");
        assert_eq!(named.mappings[0].source.to_string(), format!("{of}:shop.customers"));
    }
    let another = with("", "eu", &both);
    assert_eq!(told(&another), ["eu:shop.customers upsert", "eu:shop.orders mirror"]);
    assert_eq!(another.mappings[0].target.table, "eu_customers");
}

#[test]
fn a_shards_rows_are_not_moved_again_under_another_servers_name() {
    let entry = "tables: 'shop.*', bigquery_table: all, shard_column: _shard, mode: mirror";
    let known = expanded(&config(&format!("  - {{{entry}}}\n")), &KnownTables::default(), Some(&[orders()])).news;
    let text = |target: &str| {
        let entry = entry.replace("all", target);
        format!("sources: {{eu: {{}}, us: {{}}}}\nproject: p\ndataset: d\nmappings: [{{{entry}, source: eu}}]\n")
    };
    let server = SourceName("eu".to_owned());
    let of = |target: &str| expanded_of(&super::read(&text(target)), &known, Some(&server), Some(&[orders()]));
    let refused = of("all");
    assert!(told(&refused).is_empty());
    assert!(
        remarks(&refused).contains("it was taken as `shop.orders`, whose rows are in `all`"),
        "{}",
        remarks(&refused)
    );
    assert_eq!(told(&of("others")), ["eu:shop.orders mirror"]);
}

#[test]
fn a_table_that_cannot_be_moved_is_reported_with_the_reason() {
    let config = config("  - {tables: [upserts.*], mode: upsert}\n  - tables: shop.*\n  - tables: nothing_*\n");
    let of = |database: &str, facts: TableFacts| TableFacts { database: database.to_owned(), ..facts };
    let large = keyless(table("large", &[("x", INT)]), 50_000_000);
    let hidden = {
        let mut facts = table("hidden", &[]);
        facts.schema.columns.clear();
        facts
    };
    let twins = table("Large_2", &[]);
    let all = [hidden, large, table("large_2", &[]), twins, of("upserts", orders())];
    let expansion = expanded(&config, &KnownTables::default(), Some(&all));
    assert_eq!(told(&expansion), ["shop.Large_2 mirror"]);
    let said = remarks(&expansion);
    for part in [
        "`upserts.orders` is not moved by the tables `upserts.*`: `mode: upsert` needs a column that shows each change",
        "`shop.hidden` is not moved by the tables `shop.*`: the account may read none of its columns",
        "`shop.large` is not moved by the tables `shop.*`: every run would read all of it",
        "`shop.large_2` is not moved by the tables `shop.*`: `shop.Large_2` writes to the table `large_2` already",
        "no table is like `nothing_*` (line 6)",
    ] {
        assert!(said.contains(part), "{part} in:\n{said}");
    }
}

#[test]
fn a_named_column_applies_only_to_tables_that_have_it() {
    let config = config(
        "  - {tables: 'shop.*', incremental_column: updated_at, mask: {email: sha256}, partition_by: updated_at}\n",
    );
    let by_hand = table("accounts", &[("updated_at", MOMENT)]);
    let expansion = expanded(&config, &KnownTables::default(), Some(&[by_hand, orders()]));
    assert_eq!(told(&expansion), ["shop.accounts upsert", "shop.orders mirror"]);
    let partitions = expansion.mappings.iter().map(|mapping| mapping.partition_column());
    assert_eq!(partitions.collect::<Vec<_>>(), [Some("updated_at"), None]);
}

#[test]
fn tables_of_two_databases_get_different_targets() {
    let config = config("  - tables: '*.orders'\n");
    let all = [TableFacts { database: "hr".to_owned(), ..orders() }, orders()];
    let expansion = expanded(&config, &KnownTables::default(), Some(&all));
    let names: Vec<_> = expansion.mappings.iter().map(|m| (m.name.clone(), m.target.table.as_str())).collect();
    assert_eq!(names, [(MappingName("hr.orders".into()), "hr_orders"), (MappingName("shop.orders".into()), "orders")]);
}

#[test]
fn tables_that_an_entry_takes_are_not_proposed_again() {
    let config = config("  - {tables: 'shop.*', except: [tmp_*]}\n");
    let known = Known::of(&config, None, "shop");
    let left = known.without_mapping(vec![orders(), table("tmp_1", &[])]);
    assert_eq!(left.iter().map(|facts| facts.table.as_str()).collect::<Vec<_>>(), ["tmp_1"]);
}

#[test]
fn tables_that_share_a_target_become_its_shards() {
    let entry = "mode: upsert, incremental_column: updated_at, bigquery_table: customers, shard_column: _shard";
    let config = config(&format!("  - {{tables: 'customers_*', {entry}, allow_table_additions: true}}\n"));
    let shard = |name: &str| stamped(table(name, &[("name", text(80)), ("updated_at", MOMENT)]), "updated_at", true);
    let mut other_key = shard("customers_9");
    other_key.schema.unique_keys = vec![vec!["name".to_owned()]];
    other_key.schema.columns.iter_mut().for_each(|column| column.nullable = false);
    let first =
        expanded(&config, &KnownTables::default(), Some(&[shard("customers_0"), shard("customers_1"), other_key]));
    assert_eq!(told(&first), ["shop.customers_0 upsert", "shop.customers_1 upsert"], "{}", remarks(&first));
    let shards: Vec<_> = first.mappings.iter().map(|m| m.shard.as_ref().unwrap().value.as_str()).collect();
    assert_eq!(shards, ["shop.customers_0", "shop.customers_1"]);
    assert!(first.mappings.iter().all(|mapping| mapping.target.table == "customers"));
    let why = "`shop.customers_9` is not moved by the tables `customers_*`: its `primary_keys` is another than that of \
               `shop.customers_0`";
    assert!(remarks(&first).contains(why), "{}", remarks(&first));
    let later =
        expanded(&config, &first.news, Some(&[shard("customers_0"), shard("customers_1"), shard("customers_2")]));
    assert_eq!(told(&later).len(), 3, "a table that comes later is another shard: {}", remarks(&later));
}
