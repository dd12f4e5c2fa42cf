//! Backfills: a window that the operator names, in slices, resumable, beside the watermark.

use serde_json::json;

use crate::steps::{APPEND, UPSERT, hundred, same_on_both_sides};
use crate::support::Sandbox;

const MODES: [(&str, &str); 2] = [("upsert", UPSERT), ("append", APPEND)];
const WHOLE: [&str; 7] = ["backfill", "--mapping", "t", "--start", "2026-01-01", "--output", "json"];

/// A table that was synced in one step and then lost rows in BigQuery; from here on a step has 40 rows.
async fn damaged(name: &str, mapping: &str) -> Sandbox {
    let sandbox = hundred(name, "", mapping).await;
    sandbox.sync().await;
    sandbox.configure("window_rows: 40", mapping);
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE id BETWEEN 31 AND 62").await;
    sandbox
}

fn watermark(sandbox: &Sandbox) -> String {
    sandbox.read_json("state/state.json")["last_sync"]["t"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_backfill_restores_missing_rows_without_doubling_and_the_watermark_stays() {
    for (mode, mapping) in MODES {
        let sandbox = damaged("bf", mapping).await;
        let before = watermark(&sandbox);
        let report = sandbox.run(&WHOLE).await.expect_code(0).mapping("t");
        assert_eq!(report["window"], "[2026-01-01 00:00:00, 2026-01-01 00:00:33]");
        assert_eq!((&report["records_processed"], &report["rows_inserted"]), (&json!(100), &json!(32)), "{mode}");
        assert_eq!(watermark(&sandbox), before);
        same_on_both_sides(&sandbox).await;
        let state = sandbox.read_json("state/state.json");
        assert!(state["bqsync"]["mappings"]["t"].get("backfill").is_none(), "{state}");
    }
}

#[tokio::test]
async fn a_backfill_includes_both_ends_and_leaves_rows_outside_alone() {
    let sandbox = damaged("bf_ends", UPSERT).await;
    let ends = ["--start", "2026-01-01 00:00:12", "--end", "2026-01-01T00:00:13Z"];
    let report =
        sandbox.run(&[&["backfill", "--mapping", "t", "--output", "json"][..], &ends].concat()).await.expect_code(0);
    assert_eq!(report.mapping("t")["records_processed"], 6);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t` WHERE id BETWEEN 36 AND 41").await, 6);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 74);
}

#[tokio::test]
async fn a_killed_backfill_continues_when_the_same_command_is_repeated() {
    for (mode, mapping) in MODES {
        let sandbox = damaged("bf_kill", mapping).await;
        sandbox.run_killed_at("advanced:2", &WHOLE).await;
        let other = sandbox.run(&["backfill", "--mapping", "t", "--start", "2026-01-01 00:00:05"]).await.expect_code(1);
        assert!(other.stdout.contains("has not ended") && other.stdout.contains("--restart"), "{other:?}");
        let status = sandbox.run(&["status", "--output", "json"]).await.expect_code(0).json();
        assert_eq!(status[0]["backfill"]["done"], "2026-01-01 00:00:27", "{status}");
        let report = sandbox.run(&WHOLE).await.expect_code(0).mapping("t");
        assert_eq!(report["records_processed"], 17, "{mode}");
        same_on_both_sides(&sandbox).await;
    }
}

#[tokio::test]
async fn restart_begins_the_backfill_again() {
    let sandbox = damaged("bf_restart", UPSERT).await;
    sandbox.run_killed_at("advanced", &WHOLE).await;
    let report = sandbox.run(&[&WHOLE[..], &["--restart"]].concat()).await.expect_code(0).mapping("t");
    assert_eq!(report["records_processed"], 100);
}

#[tokio::test]
async fn an_older_row_never_replaces_a_newer_one() {
    let sandbox = damaged("bf_newer", UPSERT).await;
    sandbox.bq_run("UPDATE `{d}.t` SET v = 'newer', at = TIMESTAMP '2026-06-01' WHERE id = 7").await;
    sandbox.run(&WHOLE).await.expect_code(0);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t` WHERE id = 7 AND v = 'newer'").await, 1);
}

#[tokio::test]
async fn a_backfill_before_the_first_run_is_not_doubled_by_it() {
    for (mode, mapping) in MODES {
        let sandbox = hundred("bf_first", "window_rows: 40", mapping).await;
        let middle = ["--start", "2026-01-01 00:00:10", "--end", "2026-01-01 00:00:25", "--output", "json"];
        sandbox.run(&[&["backfill", "--mapping", "t"][..], &middle].concat()).await.expect_code(0);
        assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 48, "{mode}");
        // The first run is killed while its watermark is still below what the backfill has brought.
        sandbox.run_killed_at("advanced", &["run-once"]).await;
        sandbox.sync().await;
        same_on_both_sides(&sandbox).await;
    }
}

#[tokio::test]
async fn a_dry_run_shows_what_would_be_moved_and_moves_nothing() {
    let sandbox = damaged("bf_dry", APPEND).await;
    let dry = sandbox.run(&[&WHOLE[..], &["--dry-run"]].concat()).await.expect_code(0).json();
    let windows: Vec<_> = dry["slices"].as_array().unwrap().iter().map(|s| s["window"].as_str().unwrap()).collect();
    assert_eq!(windows.len(), 3, "{dry}");
    assert_eq!(windows[0], "[2026-01-01 00:00:00, 2026-01-01 00:00:13]");
    assert_eq!(dry["rows_in_target"], 68);
    assert!(dry["publish"].as_str().unwrap().starts_with("insert missing"));
    assert!((50..=200).contains(&dry["rows_estimate"].as_u64().unwrap()), "{dry}");
    assert!(dry["bytes_estimate"].as_u64().unwrap() > 1000, "{dry}");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 68);
    let shown = sandbox.run(&[&WHOLE[..5], &["--dry-run"]].concat()).await.expect_code(0).stdout;
    assert!(shown.contains("Nothing was moved") && shown.contains("BigQuery holds 68 rows of the window"), "{shown}");
}

#[tokio::test]
async fn an_impossible_backfill_is_refused_with_the_next_step() {
    let sandbox = damaged("bf_words", UPSERT).await;
    let said = |words: &'static [&'static str]| {
        let sandbox = &sandbox;
        async move {
            let ran = sandbox.run(&[&["backfill", "--mapping", "t"][..], words].concat()).await.expect_code(2);
            ran.stdout + &ran.stderr
        }
    };
    assert!(said(&["--start", "yesterday"]).await.contains("write a date such as"));
    assert!(said(&["--start", "2026-01-02", "--end", "2026-01-01"]).await.contains("`--end` is before `--start`"));
    let runs = std::fs::read_dir(sandbox.path("etl/reports/runs")).unwrap().count();
    assert_eq!(runs, 1, "a run has begun");
    assert!(said(&["--start", "20260101"]).await.contains("`--start`: `20260101` is not a date and time"));
    assert!(said(&["--start", "5", "--dry-run"]).await.contains("`--start`: `5` is not a date and time"));
    let late = sandbox.run(&["backfill", "--mapping", "t", "--start", "2026-05-01"]).await.expect_code(1);
    assert!(late.stdout.contains("ends at 2026-01-01 00:00:33"), "{late:?}");
    let nobody = sandbox.run(&["backfill", "--mapping", "x", "--start", "2026-01-01"]).await;
    assert!(nobody.expect_code(2).stderr.contains("there is no mapping `x`"));
}
