//! Runs that find nothing new, or a few rows: what they ask BigQuery, and what they still notice.

use chrono::TimeDelta;

use super::works::{APPEND, KEYLESS, UPSERT};
use crate::domain::column::SourceColumn;
use crate::domain::report::Outcome;
use crate::domain::source_type::SourceType;
use crate::testing::{Call, Shop, sync};

/// The calls that BigQuery gets, without the look at a job that every publish of the memory warehouse includes.
fn asked(shop: &Shop) -> Vec<Call> {
    let of_bigquery = |call: &Call| {
        matches!(
            call,
            Call::DescribeTarget
                | Call::EnsureDataset
                | Call::Apply
                | Call::Publish
                | Call::Fate
                | Call::Forestall
                | Call::DropStaging
                | Call::Leftovers
                | Call::CountBeyond
                | Call::CountStrays
        )
    };
    shop.calls().into_iter().filter(of_bigquery).collect()
}

/// A synced shop with no rows since.
fn quiet(mapping: &str) -> Shop {
    let shop = Shop::new(mapping).inline().rows(1..=40);
    shop.succeeds(sync());
    shop.succeeds(sync());
    shop.world.script.clear();
    shop
}

#[test]
fn where_nothing_is_new_bigquery_is_not_asked() {
    for mapping in [UPSERT, APPEND] {
        let shop = quiet(mapping);
        let report = shop.succeeds(sync());
        assert_eq!(asked(&shop), [], "{mapping}");
        assert_eq!((report.records_processed, report.warnings.len()), (0, 0), "{report:#?}");
    }
}

#[test]
fn a_few_rows_are_one_look_at_the_target_and_one_job() {
    for mapping in [UPSERT, APPEND, KEYLESS] {
        let shop = quiet(mapping);
        shop.insert(42..=51);
        let report = shop.succeeds(sync());
        assert_eq!(asked(&shop), [Call::DescribeTarget, Call::Publish], "{mapping}");
        assert_eq!(report.rows_inserted, 10);
        shop.is_equal(mapping);
    }
}

#[test]
fn a_row_that_came_late_is_found_although_bigquery_is_not_asked_first() {
    for mapping in [UPSERT, APPEND] {
        let shop = quiet(mapping);
        shop.insert_at(99, "late", "2026-01-01 00:00:05");
        let report = shop.succeeds(sync());
        assert_eq!(report.rows_late, 1, "{report:#?}");
        shop.is_equal(mapping);
    }
}

#[test]
fn what_became_of_the_target_is_seen_within_the_hour() {
    let shop = quiet(UPSERT);
    shop.dataset().tables.remove("t");
    shop.succeeds(sync());
    shop.pass(TimeDelta::minutes(61));
    let report = shop.run(sync()).unwrap();
    assert_eq!(report.outcome, Outcome::Failed, "{report:#?}");
    assert!(report.errors[0].contains("which does not exist"), "{report:#?}");
}

#[test]
fn a_target_that_is_gone_is_seen_at_once_by_a_run_with_rows() {
    let shop = quiet(UPSERT);
    shop.dataset().tables.remove("t");
    shop.insert(41..=41);
    assert_eq!(shop.run(sync()).unwrap().outcome, Outcome::Failed);
}

#[test]
fn a_column_that_is_new_in_mysql_is_compared_at_once() {
    let shop = quiet(UPSERT);
    let color = SourceColumn::new("color", SourceType::Text { chars: None }, true);
    shop.database().schema.columns.push(color);
    shop.succeeds(sync());
    assert_eq!(asked(&shop).first(), Some(&Call::DescribeTarget));
}

#[test]
fn a_warning_is_said_by_each_run() {
    let shop = Shop::new(UPSERT).rows(1..=9);
    shop.database().schema.indexes.clear();
    for _ in 0..3 {
        let report = shop.succeeds(sync());
        assert!(report.warnings.iter().any(|warning| warning.contains("no index")), "{report:#?}");
    }
}

#[test]
fn after_a_run_that_did_not_end_well_both_sides_are_looked_at() {
    let shop = quiet(APPEND);
    shop.trouble(Call::Bounds, 1, crate::testing::Trouble::refused(crate::domain::fault::FaultKind::Auth));
    assert_eq!(shop.run(sync()).unwrap().outcome, Outcome::Failed);
    shop.world.script.clear();
    shop.succeeds(sync());
    assert_eq!(asked(&shop), [Call::Leftovers, Call::DescribeTarget]);
}
