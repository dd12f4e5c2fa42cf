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
fn a_run_without_new_rows_does_not_ask_bigquery() {
    for mapping in [UPSERT, APPEND] {
        let shop = quiet(mapping);
        let report = shop.succeeds(sync());
        assert_eq!(asked(&shop), [], "{mapping}");
        assert_eq!((report.records_processed, report.warnings.len()), (0, 0), "{report:#?}");
    }
}

#[test]
fn a_run_with_a_few_rows_makes_one_look_at_the_target_and_one_job() {
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
fn a_late_row_is_found_before_bigquery_is_asked() {
    for mapping in [UPSERT, APPEND] {
        let shop = quiet(mapping);
        shop.insert_at(99, "late", "2026-01-01 00:00:05");
        let report = shop.succeeds(sync());
        assert_eq!(report.rows_late, 1, "{report:#?}");
        shop.is_equal(mapping);
    }
}

#[test]
fn a_change_of_the_target_is_noticed_within_an_hour() {
    let shop = quiet(UPSERT);
    shop.dataset().tables.remove("t");
    shop.succeeds(sync());
    shop.pass(TimeDelta::minutes(61));
    let report = shop.run(sync()).unwrap();
    assert_eq!(report.outcome, Outcome::Failed, "{report:#?}");
    assert!(report.errors[0].contains("which does not exist"), "{report:#?}");
}

#[test]
fn a_run_with_rows_notices_a_dropped_target_at_once() {
    let shop = quiet(UPSERT);
    shop.dataset().tables.remove("t");
    shop.insert(41..=41);
    assert_eq!(shop.run(sync()).unwrap().outcome, Outcome::Failed);
}

#[test]
fn a_new_column_in_mysql_is_compared_at_once() {
    let shop = quiet(UPSERT);
    let color = SourceColumn::new("color", SourceType::Text { chars: None }, true);
    shop.database().schema.columns.push(color);
    shop.succeeds(sync());
    assert_eq!(asked(&shop).first(), Some(&Call::DescribeTarget));
}

#[test]
fn a_warning_is_repeated_by_each_run() {
    let shop = Shop::new(UPSERT).rows(1..=9);
    shop.database().schema.indexes.clear();
    for _ in 0..3 {
        let report = shop.succeeds(sync());
        assert!(report.warnings.iter().any(|warning| warning.contains("no index")), "{report:#?}");
    }
}

#[test]
fn both_sides_are_described_after_a_failed_run() {
    let shop = quiet(APPEND);
    shop.trouble(Call::Bounds, 1, crate::testing::Trouble::refused(crate::domain::fault::FaultKind::Auth));
    assert_eq!(shop.run(sync()).unwrap().outcome, Outcome::Failed);
    shop.world.script.clear();
    shop.succeeds(sync());
    assert_eq!(asked(&shop), [Call::Leftovers, Call::DescribeTarget]);
}
