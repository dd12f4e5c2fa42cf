//! The process is killed with SIGKILL at each named step; after one more run the target holds the source's rows, each
//! once.

use crate::steps::hundred;
use crate::support::Sandbox;

/// The steps in the order of a run.
pub const STEPS: [&str; 10] = [
    "lease_taken",
    "planned",
    "batch_handed_over",
    "staged",
    "pending_noted",
    "job_sent",
    "published",
    "advanced",
    "cleaned_up",
    "before_the_last_save",
];

/// An upsert and an append of one table, one after the other.
const BOTH: &str = "\
  - {name: u, mysql_table: t, bigquery_table: u, primary_keys: [id], incremental_column: at, mode: upsert}\n\
  - {name: a, mysql_table: t, bigquery_table: a, primary_keys: [id], incremental_column: at, mode: append}";

async fn every_row_once(sandbox: &Sandbox, at: &str) {
    let expected = sandbox.mysql("SELECT CAST(id AS CHAR), v, CAST(at AS CHAR) FROM t ORDER BY id").await;
    for table in ["u", "a"] {
        let sql =
            format!("SELECT CAST(id AS STRING), v, FORMAT_TIMESTAMP('%F %T', at) FROM `{{d}}.{table}` ORDER BY id");
        assert_eq!(sandbox.bq(&sql).await, expected, "{table}, after a kill at {at}");
    }
    let state = sandbox.read_json("state/state.json");
    for mapping in ["u", "a"] {
        assert!(state["bqsync"]["mappings"][mapping].get("pending").is_none(), "{state}");
    }
}

/// Runs are killed in one mapping's work, then in the other's; the third run is left alone. (Kills at every call, in
/// every mode, of first loads and backfills too, are tested in memory: `src/engine/tests/crash.rs`.)
#[tokio::test]
async fn the_next_run_repairs_an_incremental_run_killed_at_each_step() {
    let sandbox = hundred("crash", "concurrency: 1", BOTH).await;
    sandbox.sync().await;
    let mut id = 100;
    for (place, step) in STEPS.into_iter().enumerate() {
        for nth in [1, 2] {
            id += 1;
            // Each step is tried once with staged rows and once with rows that travel within their publish.
            let inline_rows = if (place + nth).is_multiple_of(2) { 0 } else { 1_000 };
            sandbox.configure(&format!("concurrency: 1\ninline_rows: {inline_rows}"), BOTH);
            let row = format!("INSERT INTO t VALUES ({id}, 'row {id}', '2026-02-01' + INTERVAL {id} SECOND)");
            sandbox.sql(&row).await;
            sandbox.run_killed_at(&format!("{step}:{nth}"), &["run-once"]).await;
        }
        sandbox.sync().await;
        every_row_once(&sandbox, step).await;
    }
    let staging = sandbox.bq_tables().await.into_iter().filter(|t| t.starts_with("bqsync_")).count();
    assert_eq!(staging, 0, "what dead runs left behind is gone");
}
