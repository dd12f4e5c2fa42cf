//! The whole report of a run.

use chrono::TimeDelta;
use serde_json::json;

use super::works::APPEND;
use crate::domain::report::MappingReport;
use crate::testing::{Shop, sync};

/// The report without the fields that differ from run to run.
fn told(report: &MappingReport) -> serde_json::Value {
    let mut report = serde_json::to_value(report).unwrap();
    let fields = report.as_object_mut().unwrap();
    assert!(fields.remove("run_id").is_some() && fields.remove("duration_seconds").is_some());
    report
}

#[test]
fn a_run_with_steps_and_a_late_row_reports_all_of_it() {
    let shop = Shop::new(APPEND).with("window_rows: 20").rows(1..=29);
    shop.succeeds(sync());
    shop.pass(TimeDelta::minutes(30));
    shop.insert(30..=59);
    shop.insert_at(99, "late", "2026-01-01 00:00:05");
    let expected = json!({
        "mapping_name": "t",
        "mode": "append",
        "records_processed": 60,
        "errors": [],
        "outcome": "ok",
        "started_at": "2026-11-23T08:37:30Z",
        "finished_at": "2026-11-23T08:37:30Z",
        "source": "t",
        "target": "p.d.t",
        "window": "(2026-01-01 00:00:09, 2026-01-01 00:00:19]",
        "held_back": null,
        "lag_seconds": 0,
        "rows_read_again": 30,
        "rows_late": 1,
        "steps": 4,
        "watermark_before": "2026-01-01 00:00:09",
        "watermark_after": "2026-01-01 00:00:19",
        "rows_inserted": 31,
        "rows_updated": 0,
        "bytes_read": 1309,
        "bytes_staged": 1309,
        "bytes_billed": null,
        "bytes_estimated": null,
        "attempts": 1,
        "error_kind": null,
        "hint": null,
        "warnings": [],
        "flaws": [],
        "schema_changes": [],
        "jobs": [],
    });
    let mut told = told(&shop.succeeds(sync()));
    let jobs = told["jobs"].as_array_mut().unwrap();
    assert_eq!(jobs.len(), 4);
    jobs.clear();
    assert_eq!(told, expected, "{told:#}");
    shop.is_equal("the run");
}
