//! A mirror: sums find what changed in MySQL, changed parts are brought over, and rows that are gone are deleted.

use chrono::TimeDelta;

use super::works::{APPEND, MIRROR, UPSERT, add_filled_column, edited, edited_in_steps, id};
use crate::domain::fault::FaultKind::Config;
use crate::domain::publish::PublishKind::{self, Mirror, Replace};
use crate::domain::report::Outcome;
use crate::testing::{Call, HERE, Shop, Trouble, Value, at, repair, row, sync};

/// A mirror with the default guards.
pub(super) const GUARDED: &str = "primary_keys: [id], mode: mirror";

/// The number of calls that BigQuery gets.
pub(super) fn asked(shop: &Shop) -> usize {
    let of_mysql = [Call::Describe, Call::KeySpan, Call::ContentSums, Call::Read];
    let of_state = [Call::Lease, Call::Load, Call::Save, Call::SaveSums, Call::RecordRun];
    shop.calls().iter().filter(|call| !of_mysql.contains(call) && !of_state.contains(call)).count()
}

/// A shop that has been brought over, and nothing has changed since.
pub(super) fn mirrored(mapping: &str, rows: i64) -> Shop {
    let shop = Shop::new(mapping).rows(1..=rows);
    shop.succeeds(sync());
    shop.succeeds(sync());
    shop.published();
    shop.world.script.clear();
    shop
}

/// Asserts that the next run brings nothing and asks BigQuery nothing.
#[track_caller]
pub(super) fn is_at_rest(shop: &Shop, after: &str) {
    shop.is_equal(after);
    shop.is_tidy(after);
    shop.published();
    shop.world.script.clear();
    let report = shop.succeeds(sync());
    assert_eq!((report.records_processed, asked(shop)), (0, 0), "after {after}: {:?}", shop.calls());
    assert!(shop.published().is_empty(), "after {after}");
    assert!(report.warnings.is_empty(), "after {after}: {report:#?}");
}

#[test]
fn an_unchanged_mirror_is_summed_in_mysql_and_bigquery_is_not_asked() {
    let shop = mirrored(GUARDED, 40);
    shop.pass(TimeDelta::minutes(5));
    let report = shop.succeeds(sync());
    assert_eq!(asked(&shop), 0, "{:?}", shop.calls());
    assert_eq!(shop.calls().iter().filter(|call| **call == Call::ContentSums).count(), 1);
    assert_eq!(report.watermark_before.as_deref(), Some("2026-11-23 08:07:30Z"));
    assert_eq!(report.watermark_after.as_deref(), Some("2026-11-23 08:12:30Z"), "it was looked at");
    assert_eq!(report.mirrored.unwrap().words(), "none of 1 part had changed");
    shop.pass(TimeDelta::hours(2));
    shop.world.script.clear();
    shop.succeeds(sync());
    assert!(shop.calls().contains(&Call::DescribeTarget), "once an hour the target is looked at");
}

#[test]
fn edits_without_a_changed_stamp_arrive_and_only_changed_rows_are_counted() {
    let shop = mirrored(GUARDED, 1_000);
    // No stamp moves, so no cursor would find these changes. A changed key is one deleted row and one new row.
    shop.update(500, "edited", "2026-01-01 00:02:46");
    shop.delete(17);
    shop.delete(18);
    shop.insert_at(5_000, "row 18", "2026-01-01 00:00:06");
    shop.world.script.clear();
    let report = shop.succeeds(sync());
    assert_eq!(shop.published(), [Mirror]);
    assert_eq!((report.rows_inserted, report.rows_updated, report.records_processed), (1, 1, 4), "{report:#?}");
    let mirrored = report.mirrored.unwrap();
    assert_eq!((mirrored.removed, mirrored.whole), (2, None));
    is_at_rest(&shop, "the edits");
}

#[test]
fn only_changed_parts_are_read_and_each_step_is_remembered() {
    let shop = edited_in_steps(MIRROR, 300);
    shop.published();
    let report = shop.succeeds(sync());
    let mirrored = report.mirrored.clone().unwrap();
    assert_eq!((mirrored.changed, mirrored.parts, report.steps), (3, 4, 3), "{report:#?}");
    assert!(mirrored.rows_read < 800, "{report:#?}");
    assert_eq!((report.rows_inserted, report.rows_updated, mirrored.removed), (10, 1, 9));
    is_at_rest(&shop, "the steps");
    // The second of three steps fails: the first is not brought again.
    let shop = edited_in_steps(MIRROR, 300);
    shop.trouble(Call::Publish, 2, Trouble::refused(Config));
    shop.run(sync()).unwrap();
    shop.world.script.clear();
    let report = shop.succeeds(sync());
    assert_eq!((report.steps, report.mirrored.unwrap().changed), (2, 2));
    is_at_rest(&shop, "the rest of the steps");
}

#[test]
fn a_row_written_between_the_sums_and_the_read_is_found_by_the_next_run() {
    let shop = edited(MIRROR);
    let world = std::sync::Arc::clone(&shop.world);
    shop.trouble(
        Call::Read,
        1,
        Trouble::meanwhile(move || {
            world.database().rows.push(row(200, "meanwhile", "2026-01-01"));
        }),
    );
    shop.succeeds(sync());
    shop.succeeds(sync());
    is_at_rest(&shop, "rows that came before others were read");
    let shop = edited(MIRROR);
    let world = std::sync::Arc::clone(&shop.world);
    // The row is put back after it was read: the sums before and after are the same.
    shop.trouble(
        Call::Read,
        1,
        Trouble::meanwhile(move || world.database().rows[0][1] = Value::Text("briefly".into())),
    );
    let world = std::sync::Arc::clone(&shop.world);
    shop.trouble(
        Call::Finish,
        1,
        Trouble::meanwhile(move || {
            let mut database = world.database();
            let id = id(&database.rows[0]);
            database.rows[0][1] = Value::Text(format!("row {id}"));
        }),
    );
    shop.succeeds(sync());
    shop.succeeds(sync());
    is_at_rest(&shop, "a value that was there for a moment");
}

#[test]
fn lost_or_outdated_sums_are_not_used() {
    let shop = edited(MIRROR);
    shop.world.remembered(HERE, |state| state.sums.clear());
    shop.published();
    let report = shop.succeeds(sync());
    assert!(report.mirrored.unwrap().compared, "both sides are asked");
    assert_eq!(shop.published(), [Mirror]);
    is_at_rest(&shop, "lost sums");
    let shop = edited(MIRROR);
    shop.world.remembered(HERE, |state| {
        for text in state.sums.values_mut() {
            *text = String::from_utf8(text.clone()).unwrap().replacen(":1,", ":2,", 1).into_bytes();
        }
    });
    assert!(shop.succeeds(sync()).mirrored.unwrap().compared);
    is_at_rest(&shop, "sums that somebody wrote");
}

#[test]
fn a_target_that_another_writer_changed_is_compared_and_made_equal() {
    let shop = mirrored(GUARDED, 60);
    shop.damage(|rows| rows.retain(|row| id(row) != 7));
    shop.insert(61..=61);
    let report = shop.succeeds(sync());
    assert!(
        report.warnings[0].contains("is not as this mapping left it (it holds 59 rows, and was left with 60)"),
        "{report:#?}"
    );
    assert_eq!(shop.published(), [Mirror]);
    shop.is_equal("a missing row");
    shop.succeeds(sync());
    // Doubled keys are updated twice, which the number of rows reveals.
    shop.damage(|rows| rows.extend_from_within(..5));
    shop.insert(62..=62);
    shop.published();
    let report = shop.succeeds(sync());
    assert_eq!(shop.published(), [Mirror, Replace], "{report:#?}");
    assert!(report.mirrored.unwrap().whole.unwrap().contains("BigQuery holds 67 rows, and MySQL 62"));
    shop.is_equal("doubled keys");
}

#[test]
fn rows_doubled_by_another_writer_are_repaired_or_reported_by_every_run() {
    let doubled = || {
        let shop = mirrored(GUARDED, 240);
        shop.damage(|rows| rows.extend_from_within(..3));
        shop.update(100, "edited", "2026-02-01");
        shop
    };
    let shop = doubled();
    let report = shop.succeeds(sync());
    assert_eq!((shop.published(), report.replaced.unwrap().rows), (vec![Mirror, Replace], 240));
    is_at_rest(&shop, "doubled rows");
    // Replacing the whole table fails: nothing is remembered of a table that was not healed.
    let in_steps = || {
        let shop = Shop::new(GUARDED).with("window_rows: 300").rows(1..=1_000);
        shop.succeeds(sync());
        for id in [20, 400, 900] {
            shop.update(id, "edited", "2026-02-01");
        }
        shop.damage(|rows| rows.extend_from_within(300..303));
        shop
    };
    for (shop, steps) in [(doubled(), 1), (in_steps(), 3)] {
        shop.trouble(Call::Finish, steps + 1, Trouble::refused(Config));
        assert_eq!(shop.run(sync()).unwrap().outcome, Outcome::Failed);
        shop.world.script.clear();
        shop.succeeds(sync());
        is_at_rest(&shop, "doubled rows, at the second run");
    }
}

#[test]
fn an_interrupted_run_does_not_forget_that_another_writer_changed_the_target() {
    for (call, trouble) in [
        (Call::Publish, Trouble::KilledBefore),
        (Call::Publish, Trouble::KilledAfter),
        (Call::Publish, Trouble::refused(Config)),
        (Call::Read, Trouble::refused(Config)),
        (Call::PartSums, Trouble::refused(Config)),
    ] {
        let shop = mirrored(GUARDED, 1_000);
        let place = format!("{call:?}: {trouble:?}");
        shop.damage(|rows| rows.retain(|row| id(row) != 7));
        shop.update(900, "edited", "2026-02-01");
        shop.trouble(call, 1, trouble);
        shop.run(sync());
        shop.world.script.clear();
        shop.succeeds(sync());
        is_at_rest(&shop, &place);
    }
}

#[test]
fn a_table_with_many_changed_parts_is_read_as_a_whole() {
    let shop = Shop::new(GUARDED).in_batches_of(5_000).rows(1..=30_000);
    shop.succeeds(sync());
    shop.succeeds(sync());
    shop.published();
    for row in shop.database().rows.iter_mut().step_by(50) {
        row[1] = Value::Text("edited".to_owned());
    }
    let report = shop.succeeds(sync());
    assert_eq!(shop.published(), [Replace]);
    assert!(report.warnings[0].starts_with("t is read as a whole: "), "{report:#?}");
    assert!(report.replaced.is_some());
    is_at_rest(&shop, "the whole table");
}

#[test]
fn a_mapping_may_change_its_mode_and_change_it_back() {
    for windowed in [APPEND, UPSERT] {
        let shop = Shop::new(windowed).rows(1..=30);
        shop.succeeds(sync());
        let mirror = shop.mapped(MIRROR);
        (1..=5).for_each(|id| mirror.delete(id));
        mirror.insert(31..=40);
        mirror.pass(TimeDelta::minutes(5));
        let report = mirror.succeeds(sync());
        assert!(report.mirrored.unwrap().compared, "what the other mode left is compared");
        is_at_rest(&mirror, windowed);
        let again = mirror.mapped(windowed);
        again.insert(41..=50);
        again.pass(TimeDelta::minutes(5));
        again.succeeds(sync());
        again.is_equal(windowed);
        let mirror = again.mapped(MIRROR);
        mirror.delete(45);
        mirror.succeeds(sync());
        mirror.is_equal("the mirror's sums are of before the other mode");
    }
}

#[test]
fn a_new_column_is_filled_by_the_run_that_adds_it() {
    let shop = edited(MIRROR).with("allow_schema_additions: true");
    add_filled_column(&shop);
    let report = shop.succeeds(sync());
    assert_eq!(report.schema_changes.len(), 1, "{report:#?}");
    shop.is_equal("the new column");
}

#[test]
fn a_publish_that_is_too_large_is_split_in_two() {
    let shop = edited_in_steps(MIRROR, 5_000);
    shop.trouble(Call::Publish, 1, Trouble::too_much());
    let report = shop.succeeds(sync());
    assert_eq!(report.steps, 2, "{report:#?}");
    assert!(report.warnings[0].starts_with("a step was too large"), "{report:#?}");
    shop.is_equal("two halves");
    shop.is_tidy("two halves");
}

#[test]
fn a_repair_compares_both_sides_and_ignores_the_remembered_sums() {
    let shop = mirrored(GUARDED, 60);
    shop.damage(|rows| {
        rows.retain(|row| id(row) != 7);
        rows.push(row(900, "never there", "2026-01-01"));
        rows[30][1] = Value::Text("damaged".to_owned());
        rows[31][2] = Value::At(at("2020-01-01"));
    });
    let report = shop.succeeds(repair(true));
    let counts = report.repair.unwrap();
    assert_eq!((counts.only_in_mysql, counts.differing, counts.only_in_bigquery), (1, 2, 1));
    assert!(shop.published().is_empty(), "a dry run");
    let report = shop.succeeds(repair(false));
    let counts = report.repair.unwrap();
    assert_eq!((counts.inserted, counts.updated, counts.deleted, counts.different_still), (1, 2, 1, Some(0)));
    shop.is_equal("the repair");
    is_at_rest(&shop, "the repair");
}

#[test]
fn a_dropped_target_is_created_again() {
    let shop = edited(MIRROR);
    shop.dataset().tables.remove("t");
    shop.succeeds(sync());
    shop.is_equal("the table that was made anew");
    let published: Vec<PublishKind> = shop.published();
    assert_eq!(published.last(), Some(&Replace));
}
