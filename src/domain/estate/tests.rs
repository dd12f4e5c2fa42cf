//! Proposals for tables of each shape, all of which pass a check.

mod expanding;
mod keys;
mod shared;

use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::document::{Known, Top, document, fragment};
use super::names::Names;
use super::*;
use crate::domain::check::server::{ServerFacts, tests::facts as server};
use crate::domain::column::{SourceColumn, SourceSchema};
use crate::domain::config::{Config, ForAll, Mode, parse};
use crate::domain::source_type::SourceType;

const INT: SourceType = SourceType::Int { bits: 32, unsigned: false };
const MOMENT: SourceType = SourceType::Timestamp { fsp: 0 };

fn text(chars: u64) -> SourceType {
    SourceType::Text { chars: Some(chars) }
}

/// A table of `shop` with the key `id`, which an index begins with.
pub fn table(name: &str, columns: &[(&str, SourceType)]) -> TableFacts {
    let id = SourceColumn::new("id", INT, false);
    let others = columns.iter().map(|(name, source_type)| SourceColumn::new(*name, source_type.clone(), false));
    TableFacts {
        database: "shop".to_owned(),
        table: name.to_owned(),
        schema: SourceSchema {
            columns: [id].into_iter().chain(others).collect(),
            unique_keys: vec![vec!["id".to_owned()]],
            indexes: vec![vec!["id".to_owned()]],
            is_view: false,
            is_transactional: true,
            hides_columns: false,
            rows_estimate: Some(16_044),
            comment: None,
        },
        stamped: Vec::new(),
        auto_increment: None,
        cascades: Vec::new(),
        has_primary_key: true,
        bytes: Some(2_100_000),
        trouble: None,
    }
}

fn stamped(mut facts: TableFacts, column: &str, indexed: bool) -> TableFacts {
    facts.stamped.push(column.to_owned());
    for known in facts.schema.columns.iter_mut().filter(|known| known.name == column) {
        known.is_stamped = true;
    }
    facts.schema.indexes.extend(indexed.then(|| vec![column.to_owned(), "id".to_owned()]));
    facts
}

fn numbered(facts: TableFacts) -> TableFacts {
    TableFacts { auto_increment: Some("id".to_owned()), ..facts }
}

fn keyless(mut facts: TableFacts, rows: u64) -> TableFacts {
    (facts.schema.unique_keys, facts.schema.indexes) = (Vec::new(), Vec::new());
    facts.schema.rows_estimate = Some(rows);
    facts
}

fn of_shop() -> ServerFacts {
    ServerFacts { database: "shop".to_owned(), ..server() }
}

fn proposed(tables: &[TableFacts], has_mask_key: bool) -> Vec<Proposal> {
    let now = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap().and_hms_opt(8, 0, 0).unwrap();
    let ground = Ground { server: &of_shop(), timezone: Tz::UTC, now, has_mask_key, source: None };
    propose(tables, "shop", &mut Names::default(), ground, &ForAll::nothing(None))
}

fn one(facts: TableFacts) -> Choice {
    proposed(&[facts], false).remove(0).choice
}

/// The whole file for these tables.
fn whole(tables: &[TableFacts]) -> String {
    let server = of_shop();
    document(&Top { server: &server, others: &["hr".to_owned()], source: None }, &proposed(tables, false))
}

fn read(text: &str) -> Config {
    let env = |name: &str| (name == "GCP_PROJECT_ID" || name.starts_with("MYSQL_")).then(|| "p".to_owned());
    parse(text, Path::new("config.yaml"), &env).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
}

#[test]
fn each_shape_of_table_gets_a_fitting_mode() {
    let customers = [("email", text(120)), ("updated_at", MOMENT), ("password_hash", text(60)), ("phone", text(20))];
    let mut orders = numbered(table("orders", &[("created_at", MOMENT), ("total", INT)]));
    orders.schema.rows_estimate = Some(88_120_332);
    let mut report = keyless(table("report", &[("total", INT)]), 0);
    (report.schema.is_view, report.has_primary_key) = (true, false);
    let mut lines = stamped(table("lines", &[("order_id", INT), ("updated_at", MOMENT)]), "updated_at", true);
    lines.cascades = vec![keys::set_null("order_id", "orders")];
    let members = [("email", text(120)), ("name", text(60))];
    let tables = [
        stamped(numbered(table("customers", &customers)), "updated_at", true),
        keyless(table("clicks", &[]), 40_000_000),
        numbered(table("events", &[("kind", text(20))])),
        orders,
        lines,
        keys::keyed(table("members", &members), &[&["email"], &["id"]]),
        keyless(table("rates", &[]), 12),
        keys::keyed(stamped(table("readings", &[("at", MOMENT)]), "at", true), &[&["id", "at"]]),
        report,
        stamped(numbered(table("stock", &[("changed", MOMENT)])), "changed", false),
        table("tags", &[]),
    ];
    let text = whole(&tables);
    let golden = include_str!("tests/proposed.yaml");
    assert!(text == golden, "tests/proposed.yaml should hold:\n{text}");
    let modes: Vec<_> = read(&text).mappings.iter().map(|m| (m.name.0.clone(), m.mode)).collect();
    let expected = [
        ("customers", Mode::Upsert),
        ("events", Mode::Append),
        ("orders", Mode::Append),
        ("lines", Mode::Mirror),
        ("members", Mode::Mirror),
        ("rates", Mode::Replace),
        ("readings", Mode::Mirror),
        ("stock", Mode::Mirror),
        ("tags", Mode::Mirror),
    ];
    assert_eq!(modes, expected.map(|(name, mode)| (name.to_owned(), mode)));
}

#[test]
fn a_nullable_or_application_set_stamp_is_not_used_as_incremental_column() {
    let nullable = |mut facts: TableFacts| {
        facts.schema.columns[1].nullable = true;
        facts
    };
    let stamps = stamped(table("t", &[("updated_at", MOMENT)]), "updated_at", true);
    let by_app = numbered(table("t", &[("updatedAt", SourceType::DateTime { fsp: 3 })]));
    for (facts, why) in [(nullable(stamps), "may be NULL"), (by_app, "is not stamped by MySQL")] {
        let Choice::Moved(entry) = one(facts) else { panic!() };
        let mode = entry.lines.iter().find(|line| line.text == "mode: mirror").unwrap();
        assert!(mode.why.contains(why), "{}", mode.why);
    }
}

#[test]
fn a_mirror_of_few_rows_may_lose_more_than_a_tenth_of_them() {
    let fraction = |rows| {
        let mut facts = table("language", &[]);
        facts.schema.rows_estimate = Some(rows);
        let Choice::Moved(entry) = one(facts) else { panic!() };
        entry.lines.iter().find(|line| line.text.starts_with("max_delete_fraction")).map(|line| line.text.clone())
    };
    assert_eq!(fraction(8).as_deref(), Some("max_delete_fraction: 0.5"));
    assert_eq!(fraction(21), None);
}

#[test]
fn a_table_that_no_mode_can_move_comes_with_the_reason() {
    let hidden = || {
        let mut facts = table("t", &[]);
        facts.schema.columns.clear();
        facts
    };
    let broken = TableFacts { trouble: Some("Incorrect key file".to_owned()), ..table("t", &[]) };
    // A name that no configuration can contain.
    let odd = table("open${", &[]);
    let cases = [
        (hidden(), "the account may read none"),
        (broken, "MySQL cannot open it: Incorrect key file"),
        (table("t", &[("unit price", INT), ("unit_price", INT)]), "would both be `unit_price` in BigQuery"),
        (odd, "which is not a variable"),
    ];
    for (facts, words) in cases {
        let Choice::Impossible(why) = one(facts) else { panic!("{words}") };
        assert!(why.contains(words), "{why}");
    }
    assert!(read(&whole(&[table("fine", &[]), hidden()])).mappings.len() == 1);
}

#[test]
fn a_key_that_bigquery_refuses_is_skipped_for_the_next_one() {
    let mut facts = table("t", &[("ratio", SourceType::Double), ("code", text(8))]);
    facts.schema.unique_keys = vec![vec!["ratio".to_owned()], vec!["code".to_owned()]];
    let Choice::Moved(entry) = one(facts) else { panic!() };
    assert_eq!((entry.mode, entry.keys), (Mode::Mirror, vec!["code".to_owned()]));
}

#[test]
fn written_names_are_read_back_unchanged_and_are_unique() {
    let other = TableFacts { database: "hr".to_owned(), ..table("orders", &[]) };
    let names = [
        "orders",
        "Orders",
        "my orders",
        "my-orders",
        "größe",
        "select",
        "no",
        "12",
        "a.b",
        "a\"b'c",
        "x: {y}",
        "# no",
        "$${cost}",
        "p#part-1",
        "bqsync_staging_x",
        "名前",
        "hr_orders",
        "- x",
        "gpj\u{202e}exe",
        "\u{feff}bom",
        "a\u{2028}b",
        "a\nb",
        "del\u{7f}",
        "\u{3164}",
    ];
    let mut tables: Vec<_> = names.iter().map(|name| table(name, &[])).collect();
    tables.push(other);
    let mut odd = table("odd", &[("e\nmail", text(90)), ("mail\u{202e}", text(90)), ("pin\u{7f}", text(90))]);
    odd.schema.comment = Some("\u{202e}".to_owned());
    tables.push(odd);
    let text = whole(&tables);
    assert!(!text.replace('\n', "").contains(crate::domain::quote::is_hidden), "{text}");
    let mut config = read(&text);
    let odd = config.mappings.pop().unwrap();
    assert!(odd.mask_of("e\nmail").is_some() && odd.mask_of("mail\u{202e}").is_some() && odd.excludes("pin\u{7f}"));
    let read: Vec<_> = config.mappings.iter().map(|mapping| mapping.source.table.as_str()).collect();
    assert_eq!(read[..names.len()], names);
    let last = config.mappings.last().unwrap();
    assert_eq!(
        (last.source.database.as_deref(), &*last.name.0, &*last.target.table),
        (Some("hr"), "hr.orders", "hr_orders_2")
    );
    for mapping in &config.mappings {
        let table = &mapping.target.table;
        assert!(table.chars().all(|c| c.is_alphanumeric() || c == '_') && !table.starts_with("bqsync_"), "{table}");
    }
}

#[test]
fn masks_use_a_key_if_there_is_one() {
    let facts = || table("t", &[("email", text(200)), ("phone", text(20)), ("birth_date", SourceType::Date)]);
    let mask = |has_key| {
        let Choice::Moved(entry) = proposed(&[facts()], has_key).remove(0).choice else { panic!() };
        entry.lines.iter().find(|line| line.text.starts_with("mask:")).unwrap().text.clone()
    };
    assert_eq!(mask(false), "mask: {email: sha256, phone: null, birth_date: null}");
    assert_eq!(mask(true).matches("{hmac: \"${MASK_KEY}\"}").count(), 3);
    let mut keyed = table("t", &[("email", text(200))]);
    keyed.schema.unique_keys = vec![vec!["email".to_owned()]];
    let Choice::Moved(entry) = one(keyed) else { panic!() };
    assert!(entry.notes.iter().any(|note| note.contains("`email` reads like personal data, and arrives unmasked")));
}

const EXISTING: &str = "# Ours.\nproject: p\ndataset: d\nmappings:\n    - name: orders   # the first\n      mysql_table: ORDERS\n      \
                        mode: replace\n    # the end of the list\n\n# What follows.\nconcurrency: 2\n";

#[test]
fn an_existing_file_gets_the_missing_entries_and_keeps_every_character() {
    let before = read(EXISTING);
    let tables = vec![table("orders", &[]), table("my tags", &[])];
    let known = Known::of(&before, None, "shop");
    let lacking = known.without_mapping(tables);
    assert_eq!(lacking.iter().map(|facts| facts.table.as_str()).collect::<Vec<_>>(), ["my tags"]);
    let proposals = proposed(&lacking, false);
    let server = of_shop();
    let said = fragment(&Top { server: &server, others: &[], source: None }, "config.yaml", &proposals);
    assert!(said.starts_with("# Tables without a mapping in config.yaml: 1 table (1 mirror)."), "{said}");
    let after = append(EXISTING, &proposals).unwrap();
    let (head, tail) = EXISTING.split_once("\n\n# What").unwrap();
    assert!(after.starts_with(head) && after.ends_with(&format!("\n\n# What{tail}")), "{after}");
    assert!(after.contains("    # the end of the list\n\n    - name: \"my tags\""), "{after}");
    assert!(only_adds(&before, &read(&after), 1));
    assert!(!only_adds(&before, &before, 1));
    assert_eq!(named_meanwhile(&before, &proposals), None);
    assert_eq!(named_meanwhile(&read(&after), &proposals).as_deref(), Some("a mapping `my tags`"));
}

#[test]
fn entries_are_appended_to_lists_with_any_indentation_and_line_ending() {
    let proposals = proposed(&[table("tags", &[])], false);
    for text in [
        "project: p\ndataset: d\nmappings:\n- {name: a, mysql_table: a, mode: replace}",
        "project: p\ndataset: d\nmappings:\n- name: a\n  mysql_table: a\n  mode: replace\n# note\nconcurrency: 3\n",
        "project: p\r\ndataset: d\r\nmappings: # all\r\n  -\r\n    name: a\r\n    mysql_table: a\r\n    mode: replace\r\n\r\nreaders: 1\r\n",
        "mappings:\n  - name: a\n    mysql_table: a\n    mode: replace\n    where: |\n      x = 1\n      AND y = 2\nproject: p\ndataset: d\n",
        "mappings:\n  - {name: a, mysql_table: a, source: eu}\n  - {tables: \"log_*\", source: eu}\nproject: p\ndataset: d\nsources: {eu: {env: EU_}}\n\
         console: {commands: [{key: o, run: ls}]}\ndefaults: {mode: replace, exclude: [pin]}\nnotify: {url: 'http://x'}\nschedule: {}\n",
    ] {
        let after = append(text, &proposals).unwrap();
        assert!(only_adds(&read(text), &read(&after), 1), "{after}");
        assert_eq!(after.contains("\r\n"), !after.replace("\r\n", "").contains('\n'), "{after:?}");
    }
}

#[test]
fn a_list_that_cannot_be_appended_to_is_refused() {
    let proposals = proposed(&[table("tags", &[])], false);
    for text in [
        "project: p\ndataset: d\nmappings: [{name: a, mysql_table: a, mode: replace}]\n",
        "{project: p, dataset: d, mappings: [{name: a, mysql_table: a, mode: replace}]}\n",
        "mappings:\n  [{name: a, mysql_table: a, mode: replace}]\n",
        "mappings:\nproject: p\n",
        "\"mappings\":\n  - name: a\n",
        "",
    ] {
        let why = append(text, &proposals).unwrap_err();
        assert!(why.contains("add them by hand"), "{text}: {why}");
    }
}
