//! A large window moves in steps: each is kept on its own, and rows with equal values stay together.

use bigquery_syncer::engine::Event;
use bigquery_syncer::source::BatchLimits;
use serde_json::json;

use crate::support::Sandbox;

/// 100 rows in groups of three with the same moment, in the order of their ids.
pub async fn hundred(name: &str, settings: &str, mapping: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure(settings, mapping);
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), at DATETIME NOT NULL, KEY (at)); \
             INSERT INTO t SELECT seq, CONCAT('row ', seq), '2026-01-01' + INTERVAL (seq DIV 3) SECOND FROM \
             (SELECT a.n * 10 + b.n + 1 AS seq FROM (SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 \
             UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) a, (SELECT 0 n UNION SELECT 1 \
             UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 \
             UNION SELECT 9) b) s",
        )
        .await;
    sandbox
}

pub const UPSERT: &str =
    "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: at, mode: upsert}";
pub const APPEND: &str =
    "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: at, mode: append}";

pub const ROWS: &str = "SELECT CAST(id AS CHAR), v, CAST(at AS CHAR) FROM t ORDER BY id, at";
pub const ARRIVED: &str = "SELECT CAST(id AS STRING), v, FORMAT_TIMESTAMP('%F %T', at) FROM `{d}.t` ORDER BY id, at";

/// Asserts that the rows are equal: none is missing, none is doubled.
pub async fn same_on_both_sides(sandbox: &Sandbox) {
    assert_eq!(sandbox.bq(ARRIVED).await, sandbox.mysql(ROWS).await);
}

pub fn steps_of(events: &[Event]) -> Vec<String> {
    let window = |event: &Event| match event {
        Event::StepStarted { window, .. } => Some(window.clone()),
        _ => None,
    };
    events.iter().filter_map(window).collect()
}

#[tokio::test]
async fn a_large_window_is_moved_in_steps_that_keep_ties_together() {
    for mapping in [UPSERT, APPEND] {
        let sandbox = hundred("steps", "window_rows: 40", mapping).await;
        let (events, report) = sandbox.run_engine(BatchLimits::default()).await;
        // Row 40 shares its second with 39 and 41.
        let expected = [
            "(beginning, 2026-01-01 00:00:13]",
            "(2026-01-01 00:00:13, 2026-01-01 00:00:27]",
            "(2026-01-01 00:00:27, 2026-01-01 00:00:33]",
        ];
        assert_eq!(steps_of(&events), expected);
        let advanced = events.iter().filter(|event| matches!(event, Event::WatermarkAdvanced { .. })).count();
        assert_eq!((advanced, report.mappings[0].steps), (3, 3));
        assert_eq!(report.mappings[0].records_processed, 100);
        same_on_both_sides(&sandbox).await;
    }
}

#[tokio::test]
async fn rows_with_one_common_moment_are_one_step() {
    let sandbox = hundred("one_moment", "window_rows: 7", UPSERT).await;
    sandbox.sql("UPDATE t SET at = '2026-02-02 02:02:02'").await;
    let report = sandbox.sync().await.mapping("t");
    assert_eq!((&report["steps"], &report["records_processed"]), (&json!(1), &json!(100)));
    same_on_both_sides(&sandbox).await;
}

#[tokio::test]
async fn a_kill_late_in_a_first_load_costs_one_step() {
    for mapping in [UPSERT, APPEND] {
        // Without this, the minutes below the watermark are read again, which hold all of these rows.
        let mapping = mapping.replace("mode:", "lookback: 0, mode:");
        let sandbox = hundred("late_kill", "window_rows: 30", &mapping).await;
        sandbox.run_killed_at("staged:4", &["run-once"]).await;
        assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 92);
        let state = sandbox.read_json("state/state.json");
        assert_eq!(state["last_sync"]["t"], "2026-01-01 00:00:30");
        assert_eq!(sandbox.sync().await.mapping("t")["records_processed"], 8);
        same_on_both_sides(&sandbox).await;
    }
}

#[tokio::test]
async fn an_append_whose_first_load_met_rows_still_looks_them_up_after_a_crash() {
    let sandbox = hundred("met_rows", "window_rows: 30", APPEND).await;
    sandbox.sync().await;
    // The state is lost; the table is not.
    std::fs::remove_file(sandbox.path("state/state.json")).unwrap();
    sandbox.run_killed_at("advanced:2", &["run-once"]).await;
    // By now the watermark is ours, but the rows beyond it are in the table all the same.
    sandbox.sync().await;
    same_on_both_sides(&sandbox).await;
    sandbox.sql("INSERT INTO t VALUES (101, 'new', '2026-03-01')").await;
    sandbox.sync().await;
    same_on_both_sides(&sandbox).await;
    assert!(sandbox.read_json("state/state.json")["bqsync"]["mappings"]["t"].get("overlap_to").is_none());
}

#[tokio::test]
async fn a_lookback_rereads_a_stretch_and_leaves_the_watermark_in_place() {
    let sandbox = hundred("lookback", "window_rows: 4", UPSERT).await;
    sandbox.sync().await;
    // The application forgot to set the new moment.
    sandbox.sql("UPDATE t SET v = 'corrected' WHERE id IN (91, 99)").await;
    assert_eq!(sandbox.sync().await.mapping("t")["records_processed"], 0);
    let again = sandbox.run(&["run-once", "--lookback", "3s", "--output", "json"]).await.expect_code(0).mapping("t");
    assert_eq!(again["records_processed"], 11);
    assert_eq!(again["watermark_after"], "2026-01-01 00:00:33");
    same_on_both_sides(&sandbox).await;
}

#[tokio::test]
async fn only_staging_tables_of_dead_runs_are_dropped() {
    let sandbox = hundred("sweep", "inline_rows: 0", UPSERT).await;
    sandbox.run_killed_at("staged", &["run-once"]).await;
    sandbox.bq_run("CREATE TABLE `{d}.bqsync_staging_t_of_somebody` (x INT64)").await;
    assert_eq!(sandbox.bq_tables().await.len(), 3);
    sandbox.sync().await;
    let mut tables = sandbox.bq_tables().await;
    tables.sort();
    assert_eq!(tables, ["bqsync_staging_t_of_somebody", "t"]);
}

#[tokio::test]
async fn a_lookback_that_does_not_suit_the_column_is_refused_before_anything_begins() {
    let sandbox = Sandbox::new("lookback_kind").await;
    sandbox.configure(
        "",
        "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert}",
    );
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY)").await;
    let ran = sandbox.run(&["run-once", "--lookback", "2h"]).await.expect_code(2);
    assert!(
        ran.stdout.contains("`--lookback`: The lookback 2h") && ran.stdout.contains("as a number alone"),
        "{ran:?}"
    );
    assert_eq!(sandbox.bq_tables().await, [""; 0]);
    sandbox.run(&["run-once", "--lookback", "2"]).await.expect_code(0);
}
