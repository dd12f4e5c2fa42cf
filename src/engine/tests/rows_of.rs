//! A shard whose value, or column, has changed since its rows were moved.

use super::works::{APPEND, KEYLESS, MIRROR, NUMBERS, UPSERT, forgetting};
use crate::domain::column::TargetColumn;
use crate::domain::fault::FaultKind;
use crate::domain::report::{MappingReport, Outcome};
use crate::domain::target_type::TargetType;
use crate::engine::Command;
use crate::testing::{Call, Shop, Trouble, Value, backfill, deletes, repair, sync};
use chrono::TimeDelta;

const NEW_WORD: &str = "shard_column: _shard, shard: usa";

/// Forty rows moved as those of `us`, ten inserted since, and a mapping that says `usa`.
fn renamed(mapping: &str) -> (Shop, Shop) {
    let shop = Shop::shared(mapping).rows(1..=40);
    shop.succeeds(sync());
    shop.insert(41..=50);
    let other = shop.mapped(&format!("{mapping}, {NEW_WORD}"));
    (shop, other)
}

/// Carries out in BigQuery what a refusal's hint says.
fn update(shop: &Shop, column: usize, from: &Value, to: &str) {
    let mut dataset = shop.dataset();
    let rows = &mut dataset.tables.get_mut("t").unwrap().rows;
    for row in rows.iter_mut().filter(|row| row[column] == *from) {
        row[column] = Value::Text(to.to_owned());
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Runs a command that is refused, and reads and changes nothing.
fn refused(shop: &Shop, command: Command) -> MappingReport {
    let (rows, calls) = (shop.dataset().tables["t"].rows.clone(), shop.calls().len());
    let report = shop.run(command).unwrap();
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(FaultKind::Config)), "{report:#?}");
    let calls = shop.calls().split_off(calls);
    let looks = [Call::DescribeTarget, Call::CountStrays, Call::Lease, Call::Load, Call::Save, Call::RecordRun];
    let touches = |call: &&Call| !looks.contains(call);
    assert_eq!(calls.iter().filter(touches).count(), 0, "{calls:?}");
    assert!(shop.dataset().tables["t"].rows == rows);
    report
}

#[test]
fn rows_with_the_former_shard_value_stop_all_work_until_they_have_the_new_one() {
    for mapping in [UPSERT, APPEND, KEYLESS, MIRROR] {
        let (shop, other) = renamed(mapping);
        let mark = shop.state().complete_to(crate::domain::config::Mode::Upsert);
        let mut works = vec![sync(), repair(false), repair(true)];
        if mapping == UPSERT {
            works.extend([backfill("2026-01-01"), deletes(true), deletes(false)]);
        }
        for work in works {
            let report = refused(&other, work);
            let error = &report.errors[0];
            assert!(error.contains("p.d.t still holds 40 rows of shard `_shard` = 'us'"), "{mapping}: {error}");
            let statement = "UPDATE `p.d.t` SET `_shard` = 'usa' WHERE `_shard` = 'us'";
            assert!(report.hint.as_ref().unwrap().contains(statement), "{report:#?}");
        }
        assert_eq!(shop.state().complete_to(crate::domain::config::Mode::Upsert), mark);
        update(&shop, 3, &text("us"), "usa");
        shop.published();
        let report = other.succeeds(sync());
        assert!(report.warnings[0].ends_with("p.d.t has none left of shard `_shard` = 'us'"), "{report:#?}");
        assert_eq!(report.rows_inserted, 10, "{mapping}: those that have come since");
        other.is_equal(mapping);
        assert!(other.succeeds(sync()).warnings.is_empty(), "it is said once");
        assert_eq!(refused(&shop, sync()).rows_inserted, 0, "back to the former word: the same");
    }
}

#[test]
fn returning_to_the_former_shard_value_needs_no_look_at_the_target() {
    let (shop, other) = renamed(UPSERT);
    refused(&other, sync());
    let looks = |shop: &Shop| shop.calls().iter().filter(|call| **call == Call::CountStrays).count();
    let before = looks(&shop);
    let report = shop.succeeds(sync());
    assert_eq!((report.rows_inserted, report.warnings.len()), (10, 0), "{report:#?}");
    assert_eq!(looks(&shop), before);
    shop.is_equal("the former word");
}

#[test]
fn any_shard_value_is_accepted_before_the_first_row_or_without_a_remembered_one() {
    let first = Shop::shared(UPSERT);
    first.succeeds(sync());
    let other = first.mapped(&format!("{UPSERT}, {NEW_WORD}")).rows(1..=9);
    let report = other.succeeds(sync());
    assert_eq!((report.rows_inserted, report.warnings.len()), (9, 0), "{report:#?}");
    // A state of a version that remembered no shard.
    let (shop, other) = renamed(UPSERT);
    update(&shop, 3, &text("us"), "usa");
    shop.edit(|state| state.rows_of = None);
    let report = other.succeeds(sync());
    assert_eq!((report.rows_inserted, report.warnings.len()), (10, 0), "{report:#?}");
    other.is_equal("a state without the word");
}

#[test]
fn rows_that_exist_under_both_shard_values_are_reported() {
    let (shop, other) = renamed(UPSERT);
    let mut copies: Vec<_> =
        shop.dataset().tables["t"].rows.iter().filter(|row| row[3] == text("us")).cloned().collect();
    for row in &mut copies {
        row[3] = text("usa");
    }
    shop.dataset().tables.get_mut("t").unwrap().rows.extend(copies);
    let hint = refused(&other, sync()).hint.unwrap();
    assert!(hint.starts_with("40 rows of shard `_shard` = 'usa' are there already"), "{hint}");
    assert!(
        hint.contains("first run DELETE FROM `p.d.t` WHERE `_shard` = 'usa'; then run in BigQuery: UPDATE"),
        "{hint}"
    );
}

#[test]
fn a_table_that_becomes_a_shard_is_refused_until_its_rows_are_marked() {
    let shop = Shop::new(UPSERT).rows(1..=20);
    shop.succeeds(sync());
    let sharded = shop.mapped(&format!("{UPSERT}, shard_column: _shard, shard: us"));
    {
        let mut dataset = shop.dataset();
        let table = dataset.tables.get_mut("t").unwrap();
        table.columns.push(TargetColumn::new("_shard", TargetType::String(None), false));
        table.rows.iter_mut().for_each(|row| row.push(Value::Null));
    }
    let report = refused(&sharded, sync());
    assert!(report.errors[0].contains("p.d.t still holds 20 rows of no shard"), "{report:#?}");
    let statement = "UPDATE `p.d.t` SET `_shard` = 'us' WHERE `_shard` IS NULL";
    assert!(report.hint.unwrap().contains(statement));
    update(&shop, 3, &Value::Null, "us");
    sharded.insert(21..=25);
    assert_eq!(sharded.succeeds(sync()).rows_inserted, 5);
    sharded.is_equal("a table that became a shard");
    // The way back works too, while no other shard's rows are there.
    assert_eq!(shop.succeeds(sync()).rows_inserted, 0);
}

#[test]
fn a_shard_cannot_become_the_whole_table_while_other_shards_have_rows() {
    let anew = [(UPSERT, "bqsync run-once --forget-watermark --mapping t"), (MIRROR, "bqsync run-once --mapping t")];
    for (mapping, loading) in anew {
        let shop = Shop::shared(mapping).rows(1..=20);
        shop.succeeds(sync());
        let report = refused(&shop.mapped(mapping), sync());
        assert!(report.errors[0].contains("p.d.t holds 12 rows outside of shard `_shard` = 'us'"), "{report:#?}");
        let hint = report.hint.unwrap();
        assert!(hint.contains("write `shard_column: _shard` and `shard: us` again"), "{hint}");
        assert!(hint.ends_with(&format!("then `{loading}`")), "{mapping}: {hint}");
    }
}

#[test]
fn a_renamed_shard_column_is_refused_until_the_rows_are_marked_in_it() {
    let shop = Shop::shared(UPSERT).rows(1..=20);
    shop.succeeds(sync());
    let other = shop.mapped(&format!("{UPSERT}, shard_column: origin, shard: us"));
    let hint = refused(&other, sync()).hint.unwrap();
    let statement =
        "ALTER TABLE `p.d.t` ADD COLUMN `origin` STRING; UPDATE `p.d.t` SET `origin` = 'us' WHERE `_shard` = 'us'";
    assert!(hint.contains(statement), "{hint}");
}

const LOST: &str = "which holds none of them (`_shard` = 'us')";

#[test]
fn a_shard_whose_rows_were_removed_is_refused_until_it_is_reset() {
    for mapping in [UPSERT, APPEND] {
        let shop = Shop::shared(mapping).rows(1..=40);
        shop.succeeds(sync());
        shop.damage(Vec::clear);
        shop.pass(TimeDelta::hours(2));
        for _ in 0..2 {
            let report = shop.run(sync()).unwrap();
            assert_eq!(report.error_kind, Some(FaultKind::Conflict), "{mapping}: {report:#?}");
            assert!(report.errors[0].contains(LOST), "{report:#?}");
            assert!(report.hint.unwrap().contains("`bqsync run-once --forget-watermark --mapping t`"));
        }
        shop.succeeds(forgetting());
        shop.is_equal(mapping);
    }
    // A mirror compares both sides.
    let shop = Shop::shared(MIRROR).rows(1..=40);
    shop.succeeds(sync());
    shop.damage(Vec::clear);
    shop.pass(TimeDelta::hours(2));
    shop.succeeds(sync());
    shop.is_equal("a mirror");
}

#[test]
fn a_shard_that_is_empty_on_both_sides_is_not_refused() {
    let shop = Shop::shared(UPSERT).rows(1..=40);
    shop.succeeds(sync());
    shop.damage(Vec::clear);
    shop.database().rows.clear();
    shop.pass(TimeDelta::hours(2));
    let report = shop.succeeds(sync());
    assert!(!report.warnings.iter().any(|warning| warning.contains("none of")), "{report:#?}");
}

#[test]
fn a_backfill_reloads_a_shard_whose_rows_were_removed() {
    let shop = Shop::shared(UPSERT).rows(1..=40);
    shop.succeeds(sync());
    shop.damage(Vec::clear);
    let report = shop.succeeds(backfill("2026-01-01"));
    assert!(report.warnings.iter().any(|warning| warning.contains(LOST)), "{report:#?}");
    shop.is_equal("a backfill");
}

#[test]
fn a_shard_column_of_another_type_is_refused_before_anything_is_read() {
    let shop = Shop::shared(UPSERT).rows(1..=9);
    shop.dataset().tables.get_mut("t").unwrap().columns[3].target_type = TargetType::Int64;
    let report = shop.run(sync()).unwrap();
    assert_eq!(report.error_kind, Some(FaultKind::Schema), "{report:#?}");
    assert!(report.errors[0].contains("is INT64 in BigQuery, and must be STRING"), "{report:#?}");
    assert!(report.hint.unwrap().contains("RENAME COLUMN `_shard` TO `_shard_before`"));
}

#[test]
fn the_hint_about_restarted_numbers_empties_only_the_shard() {
    let shop = Shop::shared(NUMBERS).rows(1..=40);
    shop.succeeds(sync());
    shop.database().rows.clear();
    shop.database().next_number = Some(1);
    shop.pass(TimeDelta::hours(2));
    let hint = shop.run(sync()).unwrap().hint.unwrap();
    assert!(hint.contains("DELETE FROM `p.d.t` WHERE `_shard` = 'us'") && !hint.contains("TRUNCATE"), "{hint}");
}

#[test]
fn a_shared_backfill_begun_under_the_former_shard_value_moves_no_part_under_another() {
    let share = |shard: &str| match backfill("2026-01-01") {
        Command::Backfill { ask, restart, .. } => {
            Command::Backfill { ask, restart, shard: Some(shard.parse().unwrap()) }
        }
        other => other,
    };
    let shop = Shop::shared(UPSERT).with("window_rows: 5").rows(1..=40);
    shop.succeeds(sync());
    shop.trouble(Call::Publish, 2, Trouble::KilledBefore);
    assert!(shop.run(share("0/2")).is_none());
    shop.world.script.clear();
    let other = shop.mapped(&format!("{UPSERT}, {NEW_WORD}"));
    let report = other.run(share("1/2")).unwrap();
    assert_eq!(report.error_kind, Some(FaultKind::Config), "{report:#?}");
    assert!(report.errors[0].contains("40 rows"), "{report:#?}");
    update(&shop, 3, &text("us"), "usa");
    other.succeeds(share("1/2"));
    other.is_equal("the backfill");
}
