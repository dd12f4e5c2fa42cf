//! `mode: replace`: the whole table, read by one statement, replaces what BigQuery holds, but never by mistake.

use bigquery_syncer::domain::fault::FaultKind;
use bigquery_syncer::domain::report::Outcome;
use serde_json::{Value, json};

use crate::crash::STEPS;
use crate::support::{Ran, Rows, Sandbox, Trial};
use crate::types::{arrives, cases, filled};

const MAPPING: &str = "  - {name: t, mysql_table: t, bigquery_table: t, mode: replace}";

/// A table without key or stamp, and with two equal rows.
async fn rates(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", MAPPING);
    let rows: Vec<_> = (1..=20).map(|n| format!("('c{n}', {n}.25)")).collect();
    sandbox
        .sql(&format!(
            "CREATE TABLE t (code VARCHAR(9), rate DECIMAL(10,2)); INSERT INTO t VALUES ('c1', 1.25), {}",
            rows.join(",")
        ))
        .await;
    sandbox
}

async fn held(sandbox: &Sandbox) -> Rows {
    let cents = "CAST(CAST(ROUND(rate * 100) AS INT64) AS STRING)";
    sandbox.bq(&format!("SELECT code, {cents} AS cents FROM `{{d}}.t` ORDER BY code, rate")).await
}

async fn equal(sandbox: &Sandbox, after: &str) {
    let cents = "CAST(CAST(rate * 100 AS SIGNED) AS CHAR)";
    let expected = sandbox.mysql(&format!("SELECT code, {cents} FROM t ORDER BY code, rate")).await;
    assert_eq!(held(sandbox).await, expected, "after {after}");
    assert_eq!(sandbox.bq_tables().await, ["t"], "after {after}: no staging table is left");
}

async fn verified(sandbox: &Sandbox) -> Value {
    let ran: Ran = sandbox.run(&["verify", "--output", "json"]).await;
    ran.expect_code(0).json()["mappings"][0].clone()
}

#[tokio::test]
async fn edits_and_deletes_arrive_and_the_table_keeps_its_settings() {
    let sandbox = rates("replace").await;
    let first = sandbox.sync().await.mapping("t");
    assert_eq!((&first["records_processed"], &first["mode"]), (&json!(21), &json!("replace")));
    equal(&sandbox, "the first run").await;
    sandbox.bq_run("ALTER TABLE `{d}.t` SET OPTIONS (description = 'rates of the day')").await;
    let columns = sandbox.bq_columns("t").await;

    sandbox.sql("UPDATE t SET rate = 99 WHERE code = 'c7'; DELETE FROM t WHERE code IN ('c2', 'c3'); INSERT INTO t VALUES (NULL, NULL)").await;
    let second = sandbox.sync().await.mapping("t");
    equal(&sandbox, "the second run").await;
    assert_eq!(second["replaced"]["rows"], 20);
    assert_eq!(second["replaced"]["rows_before"], 21);
    let shown = second["replaced"]["show_before"].as_str().unwrap();
    assert!(shown.contains("FOR SYSTEM_TIME AS OF TIMESTAMP '2"), "{second}");
    assert_eq!(sandbox.bq_table("t").await["description"], "rates of the day");
    assert_eq!(sandbox.bq_columns("t").await, columns);
    assert_eq!(verified(&sandbox).await["outcome"], "equal");

    let state = sandbox.read_json("state/state.json");
    assert_eq!(state["bqsync"]["mappings"]["t"]["replaced"]["rows"], 20);
    assert!(state["last_sync"].get("t").is_none(), "a table without cursor has no watermark: {state}");
    let status = sandbox.run(&["status", "--output", "json"]).await.expect_code(0).json();
    assert_eq!((&status[0]["mode"], &status[0]["lag"]), (&json!("replace"), &Value::Null), "{status}");
    assert_eq!(status[0]["watermark"], second["watermark_after"]);
}

#[tokio::test]
async fn the_next_run_repairs_a_run_killed_at_each_step() {
    let sandbox = rates("replace_crash").await;
    sandbox.sync().await;
    for (number, step) in STEPS.into_iter().enumerate() {
        sandbox
            .sql(&format!(
                "UPDATE t SET rate = {number} WHERE code = 'c5'; DELETE FROM t WHERE code = 'c{}'",
                10 + number
            ))
            .await;
        sandbox.run_killed_at(step, &["run-once"]).await;
        sandbox.sync().await;
        equal(&sandbox, step).await;
        let state = sandbox.read_json("state/state.json");
        assert!(state["bqsync"]["mappings"]["t"].get("pending").is_none(), "after a kill at {step}: {state}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_half_way_publishes_nothing_or_all() {
    let mut trial = Trial::with("replace_cut", &["r"]).await;
    trial.add(1_000).await;
    trial.succeeds().await;
    trial.sandbox.sql("UPDATE t SET v = REPEAT(SHA2(id, 256), 5); DELETE FROM t WHERE id > 700").await;
    trial.through.mysql_ssl_mode = Some("DISABLED");
    let before = trial.sandbox.bq("SELECT CAST(COUNT(*) AS STRING), MAX(v) FROM `{d}.r`").await;
    // More often than the mapping's work is begun again, and always in the middle of the rows.
    trial.mysql.cut([150_000; 4]);
    let told = trial.run().await;
    let report = told.mapping("r");
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(FaultKind::Transient)), "{report:?}");
    assert_eq!(trial.sandbox.bq("SELECT CAST(COUNT(*) AS STRING), MAX(v) FROM `{d}.r`").await, before);
    trial.mysql.cut([150_000]);
    let told = trial.succeeds().await;
    assert_eq!((told.mapping("r").attempts, told.mapping("r").records_processed), (2, 700));
}

#[tokio::test]
async fn an_empty_or_shrunk_table_replaces_nothing_until_it_is_allowed() {
    let sandbox = rates("replace_shrink").await;
    sandbox.sync().await;
    let allow = ["--no-tui", "run-once", "--mapping", "t", "--allow-shrink", "--output", "json"];
    for (statement, left) in [("DELETE FROM t WHERE rate > 5", 5), ("DELETE FROM t", 0)] {
        let before = held(&sandbox).await;
        sandbox.sql(statement).await;
        let ran = sandbox.run_once().await.expect_code(1);
        let report = ran.mapping("t");
        assert_eq!((&report["error_kind"], &report["shrink"]["rows"]), (&json!("conflict"), &json!(left)), "{report}");
        assert_eq!(report["shrink"]["held"], before.len());
        assert!(report["hint"].as_str().unwrap().contains("`bqsync run-once --mapping t --allow-shrink`"), "{report}");
        assert_eq!(held(&sandbox).await, before);
        assert_eq!(sandbox.bq_tables().await, ["t"], "what was staged is dropped");
        sandbox.run(&allow).await.expect_code(0);
        equal(&sandbox, statement).await;
    }
    // An empty table replaces an empty table.
    sandbox.sync().await;
    assert_eq!(verified(&sandbox).await["outcome"], "equal");
}

#[tokio::test]
async fn every_type_arrives_as_the_server_says_it() {
    let cases = cases();
    let sandbox = filled("replace_types", &cases).await;
    sandbox.configure("", &MAPPING.replace("mode: replace", "mode: replace, primary_keys: [id]"));
    arrives(&sandbox, &cases).await;
    // This time it replaces rows.
    arrives(&sandbox, &cases).await;
    let verification = verified(&sandbox).await;
    assert_eq!(verification["outcome"], "equal", "{verification}");
    assert_eq!(verification["window"], "the whole table");
}
