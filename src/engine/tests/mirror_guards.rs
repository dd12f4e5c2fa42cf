//! What a mirror refuses: deleting more rows than is allowed, emptying the table, and keys that do not tell rows apart.

use super::mirror::{GUARDED, asked, is_at_rest, mirrored};
use super::works::{MIRROR, allowing_shrink, edited};
use crate::domain::fault::FaultKind::{Config, Conflict, Schema};
use crate::domain::replacement::Shrink;
use crate::domain::report::{MappingReport, Outcome};
use crate::engine::{Command, Selection};
use crate::testing::{Call, HERE, Shop, backfill, deletes, repair, sync};

#[track_caller]
fn refused(shop: &Shop, command: Command) -> MappingReport {
    let before = shop.arrived();
    let report = shop.run(command).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(Conflict)), "{report:#?}");
    assert_eq!(shop.arrived(), before, "nothing was published");
    shop.is_tidy("what was refused");
    report
}

#[test]
fn more_than_the_allowed_share_is_deleted_only_if_the_operator_allows_it_once() {
    let shop = mirrored(GUARDED, 50);
    (1..=5).for_each(|id| shop.delete(id));
    shop.succeeds(sync());
    is_at_rest(&shop, "a tenth");
    (6..=10).for_each(|id| shop.delete(id));
    let report = refused(&shop, sync());
    assert!(
        report.errors[0].contains("MySQL no longer has 5 of 45 rows of p.d.t, more than `max_delete_fraction` (0.1)")
    );
    assert_eq!(report.shrink, Some(Shrink { rows: 40, held: Some(45) }));
    assert!(report.hint.unwrap().contains("--allow-shrink"));
    shop.succeeds(allowing_shrink());
    is_at_rest(&shop, "it was allowed");
    shop.database().rows.clear();
    let emptied = format!("{GUARDED}, max_delete_fraction: 1");
    let report = refused(&shop.mapped(&emptied), sync());
    assert!(report.errors[0].contains("MySQL shows no row of t, and p.d.t holds 40"), "{report:#?}");
    shop.succeeds(allowing_shrink());
    is_at_rest(&shop, "an empty table");
    shop.insert(1..=3);
    shop.succeeds(sync());
    is_at_rest(&shop, "its first rows");
}

#[test]
fn deletions_hidden_by_as_many_new_rows_are_counted_before_they_are_sent() {
    let shop = mirrored(GUARDED, 50);
    (1..=10).for_each(|id| shop.delete(id));
    shop.insert(51..=60);
    let report = refused(&shop, sync());
    assert!(report.errors[0].contains("10 of 50 rows"), "{report:#?}");
    assert_eq!(report.shrink, Some(Shrink { rows: 50, held: Some(50) }), "the console asks");
    assert!(shop.calls().contains(&Call::CountVanished));
    shop.succeeds(allowing_shrink());
    is_at_rest(&shop, "it was allowed");
}

#[test]
fn deleted_rows_are_marked_or_left_as_the_mapping_says() {
    let shop = mirrored(&format!("{MIRROR}, deletes: soft, deleted_column: gone"), 60);
    (3..=5).for_each(|id| shop.delete(id));
    let report = shop.succeeds(sync());
    assert_eq!((shop.dataset().tables["t"].rows.len(), report.rows_updated), (60, 3));
    is_at_rest(&shop, "marking");
    shop.insert(4..=4);
    shop.succeeds(sync());
    is_at_rest(&shop, "a row that is back");
    let shop = mirrored(&format!("{MIRROR}, deletes: ignore"), 60);
    (3..=5).for_each(|id| shop.delete(id));
    shop.succeeds(sync());
    assert_eq!(shop.arrived().len(), 60, "they stay");
    shop.world.script.clear();
    shop.succeeds(sync());
    assert_eq!(asked(&shop), 0, "and are not looked for again");
}

#[test]
fn rows_are_not_deleted_if_the_marking_column_is_missing() {
    let shop = mirrored(&format!("{MIRROR}, deletes: soft, deleted_column: gone"), 60);
    shop.dataset().tables.get_mut("t").unwrap().columns.retain(|column| column.name != "gone");
    (3..=5).for_each(|id| shop.delete(id));
    for command in [sync(), repair(true), repair(false)] {
        let report = shop.run(command).unwrap();
        assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(Schema)), "{report:#?}");
        assert!(report.errors[0].contains("has no column `gone` to mark deleted rows in"), "{report:#?}");
        assert!(report.hint.unwrap().contains("schema-diff --mapping"));
    }
    assert_eq!(shop.dataset().tables["t"].rows.len(), 60);
}

#[test]
fn a_dry_run_repair_of_a_mirror_is_refused_as_the_repair_would_be() {
    let shop = mirrored(GUARDED, 50);
    shop.delete(1);
    shop.insert(51..=52);
    let report = shop.run(repair(true)).unwrap();
    let planned = report.repair.unwrap();
    assert_eq!((planned.inserted, planned.updated, planned.deleted), (2, 0, 1), "{planned:?}");
    (2..=30).for_each(|id| shop.delete(id));
    assert!(refused(&shop, repair(true)).errors[0].contains("30 of 50 rows"));
}

#[test]
fn keys_that_are_not_unique_are_refused_before_anything_is_created() {
    let shop = Shop::new(GUARDED).rows(1..=5);
    shop.database().schema.unique_keys.clear();
    let report = shop.run(sync()).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(Config)), "{report:#?}");
    assert!(report.errors[0].contains("a mirror cannot tell apart the rows that share them"), "{report:#?}");
    assert!(report.hint.unwrap().contains("mode: replace"));
    assert!(shop.dataset().tables.is_empty());
}

#[test]
fn work_that_a_mirror_does_not_support_is_refused_with_the_alternative() {
    let shop = edited(MIRROR);
    let mut process = shop.process_of(HERE);
    process.send(Command::Deletes { selection: Selection::All, dry_run: false });
    assert!(process.run_ends().unwrap().mappings.is_empty(), "one that nobody names is left out");
    for (command, words) in
        [(backfill("2026-01-01"), "no range that a backfill could move again"), (deletes(false), "needs no `deletes`")]
    {
        let report = shop.run(command).unwrap();
        assert_eq!(report.error_kind, Some(Config), "{report:#?}");
        assert!(report.errors[0].contains(words), "{report:#?}");
    }
}
