//! A `where` or a `mask` that changes while BigQuery already holds rows.

use super::works::{APPEND, REPLACE, UPSERT};
use crate::testing::{Shop, backfill, repair, sync};

fn told(shop: &Shop, words: &str) -> bool {
    shop.succeeds(sync()).warnings.iter().any(|warning| warning.contains(words))
}

const FILTER: &str = "`where` has changed since";
const MASK: &str = "the mask of `v` has changed since";

#[test]
fn a_changed_filter_is_reported_until_the_rows_have_been_moved_again() {
    for mode in [UPSERT, APPEND] {
        let shop = Shop::new(mode).rows(1..=9);
        assert!(!told(&shop, FILTER));
        let filtered = shop.mapped(&format!("{mode}, where: id > 0"));
        assert!(told(&filtered, FILTER) && told(&filtered, FILTER), "{mode}");
        assert!(!told(&shop, FILTER), "as it was, all is well");
        filtered.succeeds(backfill("2026-01-01"));
        assert!(told(&filtered, FILTER), "{mode}: rows that match no longer stay where they are");
        filtered.succeeds(repair(false));
        assert!(!told(&filtered, FILTER), "{mode}");
        assert!(told(&shop, FILTER), "to take it out is a change as well");
        shop.succeeds(backfill("2026-01-01"));
        assert!(!told(&shop, FILTER), "{mode}: without a filter every row matches");
    }
    let replaced = Shop::new(REPLACE).rows(1..=9);
    assert!(!told(&replaced, FILTER));
    assert!(!told(&replaced.mapped(&format!("{REPLACE}, where: id > 0")), FILTER), "all rows are read by each run");
}

#[test]
fn a_backfill_does_not_mask_rows_that_an_append_holds_unmasked() {
    for (mode, renewed) in [(UPSERT, true), (APPEND, false)] {
        let shop = Shop::new(mode).rows(1..=9);
        shop.succeeds(sync());
        let masked = shop.mapped(&format!("{mode}, mask: {{v: null}}"));
        assert!(told(&masked, MASK), "{mode}");
        assert_eq!(told(&masked, "versions of rows that MySQL no longer has are lost"), mode == APPEND, "{mode}");
        masked.succeeds(backfill("2026-01-01"));
        assert_eq!(told(&masked, MASK), !renewed, "{mode}");
    }
}

#[test]
fn a_comparison_cannot_distinguish_two_mask_keys() {
    let keyed = |key: &str| format!("{UPSERT}, mask: {{v: {{hmac: {key}-of-sixteen-characters}}}}");
    let shop = Shop::new(&keyed("a key")).rows(1..=9);
    assert!(!told(&shop, MASK));
    let other = shop.mapped(&keyed("another key"));
    assert!(told(&other, MASK));
    other.succeeds(repair(false));
    assert!(told(&other, MASK), "it cannot be seen in BigQuery");
    other.succeeds(backfill("2026-01-01"));
    assert!(!told(&other, MASK));
    let state = format!("{:?}", shop.state().rules);
    assert!(state.contains("hmac ") && !state.contains("key"), "{state}");
}

#[test]
fn a_rule_for_a_future_column_is_not_a_change() {
    let shop = Shop::new(UPSERT).rows(1..=9);
    shop.succeeds(sync());
    let with = |pattern: &str| shop.mapped(&format!("{UPSERT}, new_columns: {{\"{pattern}\": null}}"));
    assert!(!told(&with("*email*"), "the mask of"));
    assert!(told(&with("v*"), "the mask of `v*` has changed"));
    assert!(!told(&with("i?"), "the mask of"), "rows are distinguished by it");
}

#[test]
fn rows_that_a_repair_leaves_keep_their_former_filter() {
    let hard = format!("{UPSERT}, deletes: hard, max_delete_fraction: 0.9");
    for (mode, leaves_them) in [(UPSERT, true), (APPEND, true), (&hard, false)] {
        let shop = Shop::new(mode).rows(1..=9);
        shop.succeeds(sync());
        // The same effect as a filter that the row does not match.
        shop.delete(3);
        let filtered = shop.mapped(&format!("{mode}, where: id <> 3"));
        assert!(told(&filtered, FILTER), "{mode}");
        filtered.succeeds(repair(false));
        assert_eq!(told(&filtered, FILTER), leaves_them, "{mode}");
    }
}

#[test]
fn a_backfill_of_some_rows_does_not_renew_the_rules() {
    let masked = format!("{UPSERT}, mask: {{v: null}}");
    let shop = Shop::new(UPSERT).rows(1..=9);
    shop.succeeds(sync());
    let shop = shop.mapped(&masked);
    assert!(told(&shop, MASK));
    shop.succeeds(backfill("2026-01-01T00:00:02"));
    assert!(told(&shop, MASK), "rows of before it came without the mask");
    shop.succeeds(backfill("2026-01-01"));
    assert!(!told(&shop, MASK));
}

const RENAMED: &str = "`rename` of `v` has changed since";
const LEFT_OUT: &str = "`v` was left out when";

#[test]
fn a_formerly_excluded_column_is_reported_until_its_rows_have_been_moved() {
    for mode in [UPSERT, APPEND] {
        // The column is left out by the mapping, or by the policy that adds no column.
        for excluding in [", exclude: [v]", ""] {
            let shop = Shop::new(&format!("{mode}, exclude: [v]")).rows(1..=9);
            shop.succeeds(sync());
            let shop = shop.mapped(&format!("{mode}{excluding}"));
            assert!(!told(&shop, LEFT_OUT), "{mode}{excluding}");
            let all = shop.mapped(mode).with("allow_schema_additions: true");
            assert!(told(&all, LEFT_OUT) && told(&all, LEFT_OUT), "{mode}{excluding}");
            all.succeeds(backfill("2026-01-01"));
            assert_eq!(told(&all, LEFT_OUT), mode == APPEND, "{mode}{excluding}");
        }
    }
}

#[test]
fn rows_moved_under_another_rule_are_reported_even_after_the_first_rule_is_restored() {
    for (rest, words) in [("mask: {v: sha256}", MASK), ("where: id > 0", FILTER), ("rename: {v: w}", RENAMED)] {
        let with = format!("{UPSERT}, {rest}");
        let shop = Shop::new(&with).with("allow_schema_additions: true").rows(1..=9);
        shop.succeeds(sync());
        let without = shop.mapped(UPSERT);
        shop.insert(10..=12);
        assert!(told(&without, words), "{rest}");
        assert!(told(&shop, words) && told(&shop, words), "{rest}: three rows came without it");
        shop.succeeds(backfill("2026-01-01"));
        assert_eq!(told(&shop, words), words == FILTER, "{rest}: a backfill takes no row away");
    }
}
