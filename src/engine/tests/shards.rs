//! One shard of a table that also holds another shard's rows: it knows, reads and changes only its own.

use super::works::{APPEND, KEYLESS, MIRROR, UPSERT, add_filled_column, shared_edited, shared_to_delete};
use crate::domain::column::TargetColumn;
use crate::domain::fault::FaultKind;
use crate::domain::publish::PublishKind::{Insert, Merge, Mirror};
use crate::domain::report::{Deletion, Outcome};
use crate::domain::target_type::TargetType;
use crate::testing::{Shop, Value, deletes, repair, sync};

#[test]
fn the_first_load_of_a_shard_is_inserted_without_a_lookup_beside_other_shards_rows() {
    for (mapping, kind) in [(UPSERT, Insert), (APPEND, Insert), (KEYLESS, Insert), (MIRROR, Mirror)] {
        let shop = Shop::shared(mapping).rows(1..=40);
        let report = shop.succeeds(sync());
        assert_eq!(shop.published(), [kind], "{mapping}");
        assert_eq!((report.rows_inserted, report.warnings.len()), (40, 0), "{report:#?}");
        shop.is_equal(mapping);
    }
}

#[test]
fn another_shards_writes_are_not_reported_as_another_writer() {
    for (mapping, kind) in [(UPSERT, Merge), (APPEND, Insert), (KEYLESS, Insert), (MIRROR, Mirror)] {
        let mut shop = Shop::shared(mapping).rows(1..=40);
        shop.succeeds(sync());
        shop.published();
        shop.neighbour_writes();
        shop.insert(42..=50);
        let report = shop.succeeds(sync());
        assert_eq!(shop.published(), [kind], "{mapping}");
        assert!(report.warnings.is_empty(), "{mapping}: {report:#?}");
        shop.is_equal(mapping);
    }
}

#[test]
fn another_writer_to_the_same_shard_is_reported() {
    for mapping in [APPEND, MIRROR] {
        let shop = Shop::shared(mapping).rows(1..=40);
        shop.succeeds(sync());
        shop.damage(|rows| rows.truncate(30));
        shop.insert(41..=50);
        let report = shop.succeeds(sync());
        let told = "p.d.t is not as this mapping left it (it holds 30 rows, and was left with 40)";
        assert!(report.warnings.iter().any(|warning| warning.starts_with(told)), "{report:#?}");
    }
}

#[test]
fn doubled_rows_of_a_mirrored_shard_fail_its_runs_until_they_are_removed() {
    let shop = Shop::shared(MIRROR).rows(1..=40);
    shop.succeeds(sync());
    shop.damage(|rows| rows.extend_from_within(..3));
    shop.insert(41..=41);
    let report = shop.run(sync()).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(FaultKind::Conflict)), "{report:#?}");
    assert!(report.errors[0].contains("BigQuery holds 44 rows, and MySQL 41"), "{report:#?}");
    assert!(report.hint.unwrap().contains("DELETE FROM `p.d.t` WHERE "));
    shop.damage(Vec::clear);
    shop.succeeds(sync());
    shop.is_equal("taken out and brought anew");
}

#[test]
fn the_share_that_may_be_deleted_counts_only_the_shards_rows() {
    let shop = shared_to_delete("deletes: hard");
    let report = shop.succeeds(deletes(false));
    assert_eq!(report.deletion, Some(Deletion { keys: 15, held: 20, vanished: 5, deleted: 5 }));
    shop.is_equal("a deletion");
    // Five of the shard's twenty rows are more than a tenth; of all rows in the table they are less.
    let shop = Shop::shared(&format!("{UPSERT}, deletes: hard, max_delete_fraction: 0.1")).rows(1..=20);
    shop.succeeds(sync());
    (3..=7).for_each(|id| shop.delete(id));
    let report = shop.run(deletes(false)).unwrap();
    assert!(report.errors[0].contains("MySQL no longer has 5 of 20 rows of p.d.t"), "{report:#?}");
    let shop = shared_edited("primary_keys: [id], mode: mirror, max_delete_fraction: 0.1");
    let report = shop.run(sync()).unwrap();
    assert_eq!(report.error_kind, Some(FaultKind::Conflict), "{report:#?}");
}

#[test]
fn a_mirrored_shard_whose_table_is_emptied_removes_only_its_own_rows() {
    let shop = Shop::shared("primary_keys: [id], mode: mirror, max_delete_fraction: 1").rows(1..=40);
    shop.succeeds(sync());
    shop.database().rows.clear();
    let report = shop.run(sync()).unwrap();
    assert_eq!(report.outcome, Outcome::Failed, "an empty source empties nothing unless it is told to");
    shop.succeeds(super::works::allowing_shrink());
    shop.is_equal("an emptied shard");
}

#[test]
fn a_table_without_a_shard_column_is_left_alone() {
    let shop = Shop::new(UPSERT).rows(1..=20);
    shop.succeeds(sync());
    let shop = shop.mapped(&format!("{UPSERT}, shard_column: _shard, shard: us"));
    shop.insert(21..=30);
    let report = shop.run(sync()).unwrap();
    assert_eq!(report.error_kind, Some(FaultKind::Conflict), "{report:#?}");
    assert!(report.errors[0].contains("p.d.t holds rows and has no column `_shard`"), "{report:#?}");
    assert_eq!(shop.dataset().tables["t"].rows.len(), 20);
}

#[test]
fn a_shard_whose_table_has_other_columns_adds_its_own_and_leaves_the_others_null() {
    let shop = Shop::shared(UPSERT).with("allow_schema_additions: true").rows(1..=20);
    {
        let mut dataset = shop.dataset();
        let table = dataset.tables.get_mut("t").unwrap();
        let text = crate::domain::target_type::TargetType::String(None);
        table.columns.push(crate::domain::column::TargetColumn::new("of_eu", text, false));
        table.rows.iter_mut().for_each(|row| row.push(Value::Null));
    }
    super::works::add_filled_column(&shop);
    let report = shop.succeeds(sync());
    assert_eq!(report.schema_changes.len(), 1, "{report:#?}");
    assert!(!report.warnings.iter().any(|warning| warning.contains("of_eu")), "{report:#?}");
    let report = shop.succeeds(repair(false));
    assert_eq!(report.repair.unwrap().different_still, Some(0), "{report:#?}");
    let dataset = shop.dataset();
    let table = &dataset.tables["t"];
    let (z, of_eu) = (table.position("z"), table.position("of_eu"));
    let own = table.rows.iter().filter(|row| row[3] == Value::Text("us".into()));
    assert!(own.clone().count() == 20 && own.clone().all(|row| row[z] == Value::Int(7) && row[of_eu] == Value::Null));
}

/// Adds a column to the target as another shard, or somebody by hand, does.
fn add_in_bigquery(shop: &Shop) {
    let mut dataset = shop.dataset();
    let table = dataset.tables.get_mut("t").unwrap();
    table.columns.push(TargetColumn::new("z", TargetType::Int64, false));
    table.rows.iter_mut().for_each(|row| row.push(Value::Null));
}

#[test]
fn a_column_that_bigquery_had_before_is_told_once_where_older_rows_lack_its_values() {
    let new = |shop: &Shop| {
        let warnings = shop.succeeds(sync()).warnings;
        warnings.into_iter().filter(|warning| warning.starts_with("column `z` is new")).collect::<Vec<_>>()
    };
    let with_rows = |shop: Shop| {
        let shop = shop.rows(1..=20);
        shop.succeeds(sync());
        add_in_bigquery(&shop);
        shop.succeeds(sync());
        shop
    };
    let shops: [fn(&str) -> Shop; 2] = [Shop::shared, Shop::new];
    for (shop, mode) in shops.into_iter().zip([UPSERT, APPEND]).chain(shops.into_iter().zip([APPEND, UPSERT])) {
        let shop = with_rows(shop(mode));
        add_filled_column(&shop);
        let told = new(&shop);
        let heals =
            if mode == UPSERT { "bqsync backfill --mapping t --start '1970-01-01'" } else { "UPDATE `p.d.t` SET `z`" };
        assert!(told.len() == 1 && told[0].contains("BigQuery had it before") && told[0].contains(heals), "{told:?}");
        assert!(new(&shop).is_empty(), "{mode}: it is told once");
    }
    let mirrored = with_rows(Shop::shared(MIRROR));
    add_filled_column(&mirrored);
    assert!(new(&mirrored).is_empty(), "a mirror compares both sides");
    mirrored.is_equal("a new column of a mirror");
    let first = Shop::shared(UPSERT).rows(1..=20);
    add_in_bigquery(&first);
    add_filled_column(&first);
    assert!(new(&first).is_empty(), "the first load brings all values");
    let adding = Shop::new(UPSERT).with("allow_schema_additions: true").rows(1..=20);
    adding.succeeds(sync());
    add_filled_column(&adding);
    let told = new(&adding);
    assert!(told.len() == 1 && !told[0].contains("BigQuery had it before"), "the run that adds it tells: {told:?}");
}
