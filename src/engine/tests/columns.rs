//! Columns that come, go and change in MySQL.

use super::works::{APPEND, MIRROR, REPLACE, UPSERT};
use crate::domain::column::{OldRows, SourceColumn};
use crate::domain::source_type::SourceType;
use crate::testing::{Shop, Value, backfill, sync};

const INT: SourceType = SourceType::Int { bits: 32, unsigned: false };

/// A nullable column of whole numbers, whose old rows hold a default or NULL.
fn number(name: &str, old_rows: OldRows) -> SourceColumn {
    SourceColumn { old_rows, ..SourceColumn::new(name, INT, true) }
}

/// Adds the column, with the same value in every row.
fn add(shop: &Shop, column: SourceColumn) {
    let mut database = shop.database();
    database.schema.columns.push(column);
    database.rows.iter_mut().for_each(|row| row.push(Value::Int(7)));
}

/// Takes the columns after the first three away.
fn drop_all(shop: &Shop) {
    let mut database = shop.database();
    database.schema.columns.truncate(3);
    database.rows.iter_mut().for_each(|row| row.truncate(3));
}

/// Declares `v` as text of at most this many characters.
fn declare(shop: &Shop, chars: u64) {
    shop.database().schema.columns[1].source_type = SourceType::Text { chars: Some(chars) };
}

/// The warnings of a run that are about a new or an altered column.
fn told(shop: &Shop) -> Vec<String> {
    let warnings = shop.succeeds(sync()).warnings;
    warnings.into_iter().filter(|told| told.contains(" is new") || told.contains("the declaration of")).collect()
}

#[test]
fn a_column_that_is_back_is_reported_even_after_the_account_could_not_see_all_columns() {
    for hides in [false, true] {
        let shop = Shop::new(UPSERT).with("allow_schema_additions: true").rows(1..=9);
        add(&shop, number("z", OldRows::Null));
        shop.succeeds(sync());
        drop_all(&shop);
        shop.succeeds(sync());
        shop.database().schema.hides_columns = hides;
        shop.succeeds(sync());
        shop.database().schema.hides_columns = false;
        add(&shop, number("z", OldRows::Null));
        let warnings = told(&shop);
        let kept = "rows that BigQuery holds already keep what they hold in it";
        assert!(warnings.iter().any(|warning| warning.contains(kept)), "{hides}: {warnings:?}");
    }
}

#[test]
fn a_column_that_is_back_with_a_default_is_not_said_to_hold_null() {
    for (policy, old_rows) in
        [("true", OldRows::Filled), ("true", OldRows::Computed), ("false", OldRows::Filled), ("false", OldRows::Null)]
    {
        let shop = Shop::new(UPSERT).with(&format!("allow_schema_additions: {policy}")).rows(1..=9);
        add(&shop, number("z", OldRows::Null));
        shop.succeeds(sync());
        drop_all(&shop);
        shop.insert(10..=11);
        shop.succeeds(sync());
        add(&shop, number("z", old_rows));
        let warnings = told(&shop);
        let kept = "column `z` is new in MySQL, and BigQuery had it before: rows that BigQuery holds already keep what they hold";
        assert!(
            warnings.len() == 1 && warnings[0].starts_with(kept) && !warnings[0].contains("NULL"),
            "{policy} {old_rows:?}: {warnings:?}"
        );
    }
}

#[test]
fn a_column_that_the_run_adds_is_said_to_hold_null() {
    let shop = Shop::new(UPSERT).with("allow_schema_additions: true").rows(1..=9);
    shop.succeeds(sync());
    add(&shop, number("z", OldRows::Filled));
    let warnings = told(&shop);
    let null = "column `z` is new: rows that BigQuery holds already keep NULL in it";
    assert!(warnings.len() == 1 && warnings[0].starts_with(null), "{warnings:?}");
}

#[test]
fn a_new_column_may_be_any_of_those_that_are_gone() {
    let shop = Shop::new(UPSERT).with("allow_schema_additions: true").rows(1..=9);
    for name in ["dr", "dra", "ren"] {
        add(&shop, number(name, OldRows::Null));
    }
    shop.succeeds(sync());
    drop_all(&shop);
    add(&shop, number("ren2", OldRows::Null));
    let warnings = told(&shop);
    let gone = "column `ren2` is new in MySQL, and `dr`, `dra` and `ren` are gone; if one of them was renamed: rows that \
                BigQuery holds already keep NULL in it";
    assert!(warnings.len() == 1 && warnings[0].starts_with(gone), "{warnings:?}");
}

#[test]
fn a_column_that_is_declared_anew_is_reported_once_with_what_fills_it() {
    for (mode, step) in [
        (UPSERT, "`bqsync backfill --mapping t --start '1970-01-01'` fills them"),
        (APPEND, "SET `v` = .. WHERE ..), then run `bqsync verify --mapping t --repair`"),
    ] {
        let shop = Shop::new(mode).rows(1..=9);
        declare(&shop, 20);
        shop.succeeds(sync());
        assert!(!shop.state().declared.is_empty(), "{mode}: a run remembers how the columns are declared");
        declare(&shop, 255);
        assert_eq!(told(&shop), Vec::<String>::new(), "{mode}: a longer text keeps every value");
        declare(&shop, 3);
        let warnings = told(&shop);
        let sentence = "the declaration of `v` in MySQL has changed since the last run, and MySQL may have rewritten old values \
                        without a change of `at`: rows that BigQuery holds already keep the former values";
        assert!(
            warnings.len() == 1 && warnings[0].starts_with(sentence) && warnings[0].contains(step),
            "{mode}: {warnings:?}"
        );
        assert_eq!(told(&shop), Vec::<String>::new(), "{mode}: once");
    }
}

#[test]
fn a_backfill_brings_what_a_shorter_column_has_cut_off() {
    let shop = Shop::new(UPSERT).rows(1..=9);
    declare(&shop, 20);
    shop.succeeds(sync());
    declare(&shop, 3);
    shop.database().rows.iter_mut().for_each(|row| row[1] = Value::Text("cut".to_owned()));
    assert_eq!(told(&shop).len(), 1);
    shop.succeeds(backfill("1970-01-01"));
    shop.is_equal("a backfill");
}

#[test]
fn several_columns_that_are_declared_anew_share_a_sentence() {
    let shop = Shop::new(UPSERT).with("allow_schema_additions: true").rows(1..=9);
    declare(&shop, 20);
    for name in ["x", "y"] {
        add(&shop, number(name, OldRows::Null));
    }
    shop.succeeds(sync());
    declare(&shop, 3);
    shop.database().schema.columns[3..].iter_mut().for_each(|column| column.nullable = false);
    let warnings = told(&shop);
    assert!(
        warnings.len() == 1 && warnings[0].starts_with("the declaration of `v`, `x` and `y` in MySQL"),
        "{warnings:?}"
    );
}

#[test]
fn a_state_that_does_not_know_the_declarations_reports_none() {
    let shop = Shop::new(UPSERT).rows(1..=9);
    declare(&shop, 20);
    shop.succeeds(sync());
    shop.edit(|state| state.declared.clear());
    declare(&shop, 3);
    assert_eq!(told(&shop), Vec::<String>::new());
}

#[test]
fn a_table_that_every_run_compares_or_reads_as_a_whole_needs_no_word_about_declarations() {
    for mode in [MIRROR, REPLACE] {
        let shop = Shop::new(mode).rows(1..=9);
        declare(&shop, 20);
        shop.succeeds(sync());
        declare(&shop, 3);
        assert_eq!(told(&shop), Vec::<String>::new(), "{mode}");
    }
}
