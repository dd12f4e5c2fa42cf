//! Rows below the watermark that differ from what the last run left are read again.

use chrono::TimeDelta;

use super::works::{APPEND, KEYLESS, UPSERT};
use crate::domain::column::SourceColumn;
use crate::domain::report::MappingReport;
use crate::domain::source_type::SourceType;
use crate::testing::{Call, Shop, Value, sync};

const STAMPED: SourceType = SourceType::Timestamp { fsp: 0 };

/// Rows up to an hour before the clock's time, synced.
fn synced(mapping: &str, at: SourceType) -> Shop {
    let shop = Shop::stamped(mapping, at);
    shop.insert_at(1, "old", "2026-11-22 20:00:00");
    shop.insert_at(2, "newer", "2026-11-23 06:59:50");
    shop.insert_at(3, "newest", "2026-11-23 07:00:00");
    shop.succeeds(sync());
    shop.pass(TimeDelta::minutes(2));
    shop.published();
    shop
}

#[track_caller]
fn read_again(report: &MappingReport) -> (u64, u64) {
    (report.rows_read_again, report.rows_late)
}

#[test]
fn an_unchanged_tail_is_not_read_again() {
    for at in [STAMPED, SourceType::DateTime { fsp: 0 }] {
        for mapping in [UPSERT, APPEND, KEYLESS] {
            let shop = synced(mapping, at.clone());
            let report = shop.succeeds(sync());
            assert_eq!((read_again(&report), report.jobs.len()), ((0, 0), 0), "{report:#?}");
        }
    }
}

#[test]
fn a_late_row_near_the_watermark_arrives_and_is_counted() {
    for mapping in [UPSERT, APPEND, KEYLESS] {
        let shop = synced(mapping, STAMPED);
        shop.insert_at(4, "late", "2026-11-23 06:59:55");
        let report = shop.succeeds(sync());
        assert_eq!((read_again(&report), report.rows_inserted), ((3, 1), 1), "{report:#?}");
        assert_eq!(report.watermark_before, report.watermark_after);
        shop.is_equal(mapping);
        assert_eq!(read_again(&shop.succeeds(sync())), (0, 0));
    }
}

#[test]
fn a_late_row_far_below_the_watermark_is_found_by_its_hour_in_a_datetime_column() {
    for mapping in [UPSERT, APPEND, KEYLESS] {
        let shop = synced(mapping, SourceType::DateTime { fsp: 0 });
        shop.insert_at(4, "another zone's", "2026-11-22 20:30:00");
        let report = shop.succeeds(sync());
        assert_eq!(read_again(&report), (2, 1), "{report:#?}");
        assert!(report.warnings[0].contains("of hour 2026-11-22 20, long after it"), "{report:#?}");
        shop.is_equal(mapping);
        assert_eq!(read_again(&shop.succeeds(sync())), (0, 0));
    }
    let shop = synced(UPSERT, STAMPED);
    shop.insert_at(4, "an instant's", "2026-11-22 20:30:00");
    assert_eq!(read_again(&shop.succeeds(sync())), (0, 0), "nobody stamps an instant so far back");
}

#[test]
fn an_hour_that_changed_without_growing_is_reread_only_when_due() {
    let shop = synced(UPSERT, SourceType::DateTime { fsp: 0 });
    shop.update(1, "stamped again", "2026-11-22 20:10:00");
    assert_eq!(read_again(&shop.succeeds(sync())), (0, 0));
    shop.pass(TimeDelta::minutes(61));
    assert_eq!(read_again(&shop.succeeds(sync())), (1, 0));
    shop.is_equal("an hour");
    assert_eq!(read_again(&shop.succeeds(sync())), (0, 0));
}

#[test]
fn rows_are_reread_from_where_the_clock_was_set_back() {
    let shop = synced(UPSERT, STAMPED);
    let write = |id, minutes: i64| {
        use crate::engine::Clock;
        let at = shop.world.clock.now() + shop.database().ahead - TimeDelta::minutes(minutes);
        shop.insert_at(id, "written", &at.naive_utc().to_string());
    };
    write(4, 1);
    shop.succeeds(sync());
    shop.database().ahead = -TimeDelta::minutes(30);
    let refused = shop.run(sync()).unwrap();
    assert!(refused.errors[0].contains("but MySQL's clock shows 2026-11-23 07:39:30"), "{refused:#?}");
    // The row is below the watermark, and runs are refused until the clock has passed it.
    write(5, 0);
    shop.pass(TimeDelta::minutes(31));
    let report = shop.succeeds(sync());
    assert_eq!((read_again(&report), report.warnings.len()), ((2, 1), 0), "{report:#?}");
    shop.is_equal("the clock has passed the watermark");
    assert_eq!(shop.state().again_from, None);
    assert_eq!(read_again(&shop.succeeds(sync())), (0, 0));
}

#[test]
fn the_last_minutes_are_reread_if_the_state_has_no_tail() {
    for (mapping, expected) in [(UPSERT, (3, 1)), (KEYLESS, (0, 0))] {
        let shop = synced(mapping, STAMPED);
        shop.edit(|state| state.tail = None);
        shop.insert_at(4, "missed", "2026-11-23 06:55:00");
        assert_eq!(
            read_again(&shop.succeeds(sync())),
            expected,
            "rows told by their content may have had other columns"
        );
        assert_eq!(read_again(&shop.succeeds(sync())), (0, 0));
    }
    let shop = synced(UPSERT, STAMPED);
    shop.edit(|state| {
        state.tail = None;
        state.watermark.as_mut().unwrap().imported = true;
    });
    assert_eq!(read_again(&shop.succeeds(sync())), (0, 0), "the original tool's watermark says nothing of the tail");
}

#[test]
fn the_tail_of_a_keyless_append_is_skipped_with_a_note_after_its_columns_changed() {
    let shop = synced(KEYLESS, STAMPED).with("allow_schema_additions: true");
    let kind = SourceType::Int { bits: 64, unsigned: false };
    shop.database().schema.columns.push(SourceColumn::new("z", kind, true));
    shop.database().rows.iter_mut().for_each(|row| row.push(Value::Int(5)));
    let report = shop.succeeds(sync());
    assert_eq!((read_again(&report), shop.arrived().len()), ((0, 0), 3));
    assert!(report.warnings.iter().any(|warning| warning.contains("were not looked for by this run")), "{report:#?}");
    let report = shop.succeeds(sync());
    assert!(!report.warnings.iter().any(|warning| warning.contains("were not looked for")), "{report:#?}");
}

#[test]
fn the_tail_is_reread_each_time_behind_a_balancer_and_no_older_row_wins() {
    use crate::domain::publish::PublishKind::Merge;
    let shop = synced(UPSERT, STAMPED);
    shop.database().is_balanced = true;
    assert_eq!(read_again(&shop.succeeds(sync())), (2, 0));
    assert_eq!((shop.published(), shop.state().tail), (vec![Merge], None));
}

#[test]
fn a_lookback_of_zero_rereads_nothing() {
    let shop = synced(&format!("{UPSERT}, lookback: 0"), STAMPED);
    shop.insert_at(4, "late", "2026-11-23 06:59:55");
    shop.world.script.clear();
    assert_eq!(read_again(&shop.succeeds(sync())), (0, 0));
    assert!(!shop.calls().contains(&Call::TailSums) && shop.state().tail.is_none());
}

#[test]
fn the_tail_of_a_number_column_reaches_back_to_the_watermark_of_minutes_ago() {
    for mapping in ["primary_keys: [id], incremental_column: id, mode: append", "incremental_column: id, mode: append"]
    {
        let shop = Shop::new(mapping);
        let add = |id| shop.insert_at(id, "numbered", "2026-01-01");
        add(1);
        add(5);
        shop.succeeds(sync());
        add(3);
        add(6);
        assert_eq!(read_again(&shop.succeeds(sync())), (3, 1));
        shop.is_equal(mapping);
        for id in 7..10 {
            add(id);
            shop.pass(TimeDelta::minutes(11));
            shop.succeeds(sync());
        }
        assert_eq!(shop.state().tail.unwrap().from, "8");
    }
}
