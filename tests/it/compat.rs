//! Files of the original Python tool, unchanged.

use crate::support::{Sandbox, finish, rows};

/// The configuration that the original shipped with; only the dataset's name is this test's.
const ORIGINAL_CONFIG: &str = r#"# Global configuration for the BigQuery syncer
project: ${GCP_PROJECT_ID}
dataset: DATASET
location: US
allow_schema_additions: true
state_store: local  # local | gcs
state_local_path: state/state.json
state_gcs_bucket: ${GCS_STATE_BUCKET}
state_gcs_prefix: ${GCS_STATE_PREFIX}

temp_bucket: ${GCS_TEMP_BUCKET}
default_timezone: UTC

# Optional scheduling (used by APScheduler mode)
schedule:
  cron: "0 2 * * *"  # 2 AM daily

mappings:
  - name: users
    mysql_table: users
    bigquery_table: users
    primary_keys: [id]
    incremental_column: updated_at
    mode: upsert  # append | upsert
    backfill_start: 2020-01-01T00:00:00Z

  - name: orders
    mysql_table: orders
    bigquery_table: orders
    primary_keys: [order_id]
    incremental_column: updated_at
    mode: upsert
"#;

/// The state as `json.dump(..., indent=2, sort_keys=True)` wrote it.
const ORIGINAL_STATE: &str = "{\n  \"last_sync\": {\n    \"users\": \"2026-11-01 07:59:58\"\n  }\n}";

async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new("compat").await;
    sandbox.write("config.yaml", &ORIGINAL_CONFIG.replace("DATASET", &sandbox.dataset));
    sandbox.write(".env", "GCP_PROJECT_ID=demo\nLOG_LEVEL=INFO\n");
    sandbox
        .sql(
            "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(50), updated_at DATETIME NOT NULL, KEY (updated_at)); \
             INSERT INTO users VALUES (1, 'old', '2019-12-31'), (2, 'before', '2026-10-01'), \
             (3, 'at', '2026-11-01 07:59:58'), (4, 'after', '2026-11-02'); \
             CREATE TABLE orders (order_id INT PRIMARY KEY, updated_at DATETIME NOT NULL, KEY (updated_at)); \
             INSERT INTO orders VALUES (1, '2026-11-01')",
        )
        .await;
    sandbox
}

#[tokio::test]
async fn the_original_tools_files_continue_where_it_stopped() {
    let sandbox = sandbox().await;
    sandbox.write("state/state.json", ORIGINAL_STATE);
    // The table as the original made it: in the source's order, with the original's types.
    sandbox.bq_create_dataset().await;
    sandbox.bq_run("CREATE TABLE `{d}.users` (id INT64, name STRING, updated_at TIMESTAMP)").await;
    let ran = sandbox.sync().await;
    // Rows in the same second as the watermark may have been missed by the original, so that value is read again.
    assert_eq!(ran.mapping("users")["records_processed"], 2);
    let names = "SELECT name FROM `{d}.users` ORDER BY id";
    assert_eq!(sandbox.bq(names).await, rows(&[&["at"], &["after"]]));
    let state = sandbox.read_json("state/state.json");
    assert_eq!(state["last_sync"]["users"], "2026-11-02 00:00:00");
    assert_eq!(state["last_sync"]["orders"], "2026-11-01 00:00:00");
}

#[tokio::test]
async fn the_first_sync_begins_at_backfill_start_without_a_state() {
    let sandbox = sandbox().await;
    assert_eq!(sandbox.sync().await.mapping("users")["records_processed"], 3);
}

#[tokio::test]
async fn the_report_keeps_the_originals_keys() {
    let sandbox = sandbox().await;
    let ran = sandbox.sync().await;
    let report = sandbox.read_json("etl/reports/report.json");
    let users = &report[0];
    assert_eq!((&users["mapping_name"], &users["mode"]), (&"users".into(), &"upsert".into()));
    assert_eq!((&users["records_processed"], &users["errors"]), (&3.into(), &serde_json::json!([])));
    assert!(users["duration_seconds"].as_f64().unwrap() > 0.0);
    let run = ran.json()["run_id"].as_str().unwrap().to_owned();
    assert_eq!(sandbox.read_json(&format!("etl/reports/runs/{run}.json"))["run_id"], run.as_str());
}

#[tokio::test]
async fn empty_strings_stay_empty_unless_the_original_behaviour_is_configured() {
    let sandbox = Sandbox::new("emptystr").await;
    let mapping = |name: &str, more: &str| {
        format!(
            "  - {{name: {name}, mysql_table: t, bigquery_table: {name}, primary_keys: [id], incremental_column: id, mode: upsert{more}}}\n"
        )
    };
    sandbox.configure("", &(mapping("kept", "") + &mapping("nulled", ", empty_string_as_null: true")));
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(5)); INSERT INTO t VALUES (1, '')").await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq("SELECT s FROM `{d}.kept`").await, rows(&[&[""]]));
    assert_eq!(sandbox.bq("SELECT s FROM `{d}.nulled`").await, vec![vec![None]]);
}

#[tokio::test]
async fn json_log_lines_carry_mapping_run_and_operation() {
    let sandbox = sandbox().await;
    let ran = finish(sandbox.command(&["run-once", "--log-format", "json"])).await.expect_code(0);
    let lines: Vec<serde_json::Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let published = lines.iter().find(|l| l["message"] == "published" && l["span"]["mapping"] == "users").unwrap();
    assert_eq!(published["span"]["operation"], "publish");
    assert!(published["span"]["run"].as_str().unwrap().starts_with("20"), "{published}");
    assert!(!ran.stderr.contains("after"), "row values never reach a log");
}
