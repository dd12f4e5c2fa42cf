//! What an earlier process left behind that was killed anywhere, or between sending a publish and learning its end.

use std::time::Duration;

use serde_json::json;

use crate::support::Sandbox;

/// Enough rows for a run to take a while, and a mapping in each mode.
async fn sandbox(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    let mapping = |name: &str, mode: &str, keys: &str| {
        format!(
            "  - {{name: {name}, mysql_table: t, bigquery_table: {name}, incremental_column: id, mode: {mode}{keys}}}\n"
        )
    };
    let keys = ", primary_keys: [id]";
    sandbox
        .configure("", &(mapping("u", "upsert", keys) + &mapping("a", "append", keys) + &mapping("k", "append", "")));
    sandbox
        .sql(
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v CHAR(100) NOT NULL DEFAULT 'x'); \
             INSERT INTO t (v) VALUES ('a'),('b'),('c'),('d'),('e'),('f'),('g'),('h'); \
             INSERT INTO t (v) SELECT a.v FROM t a, t b, t c, t d; \
             INSERT INTO t (v) SELECT a.v FROM t a, (SELECT 1 FROM t LIMIT 30) b",
        )
        .await;
    sandbox
}

async fn every_row_once(sandbox: &Sandbox, table: &str) {
    let rows = sandbox.mysql_number("SELECT COUNT(*) FROM t").await;
    assert_eq!(sandbox.bq_number(&format!("SELECT COUNT(*) FROM `{{d}}.{table}`")).await, rows, "{table}");
    assert_eq!(sandbox.bq_number(&format!("SELECT COUNT(DISTINCT id) FROM `{{d}}.{table}`")).await, rows, "{table}");
}

#[tokio::test]
async fn the_next_run_repairs_runs_killed_at_later_and_later_moments_in_every_mode() {
    let sandbox = sandbox("kill9").await;
    for millis in [150, 400, 700, 1000, 1400, 1900, 2500] {
        let mut child = sandbox.command(&["run-once"]).spawn().unwrap();
        // It is killed whatever it is doing at that time.
        tokio::time::sleep(Duration::from_millis(millis)).await;
        let _ = child.kill();
        child.wait().unwrap();
    }
    sandbox.sync().await;
    for table in ["u", "a", "k"] {
        every_row_once(&sandbox, table).await;
    }
}

/// Puts the state back to when the last publish had been sent and its end was unknown.
fn forget_the_end(sandbox: &Sandbox, mapping: &str, before: Option<&str>) {
    let report = sandbox.read_json("etl/reports/report.json");
    let report = report.as_array().unwrap().iter().find(|m| m["mapping_name"] == mapping).unwrap().clone();
    let mut state = sandbox.read_json("state/state.json");
    let mine = &mut state["bqsync"]["mappings"][mapping];
    mine["pending"] = json!({
        "job": report["jobs"][0],
        "place": { "project": "demo", "location": "US" },
        "staging": { "project": "demo", "dataset": sandbox.dataset, "table": "bqsync_staging_gone" },
        "since": before,
        "high": report["watermark_after"],
        "rows": report["records_processed"],
    });
    if let Some(value) = before {
        mine["watermark"] = json!({ "value": value });
        state["last_sync"][mapping] = value.into();
    } else {
        mine.as_object_mut().unwrap().remove("watermark");
        state["last_sync"].as_object_mut().unwrap().remove(mapping);
    }
    sandbox.write("state/state.json", &state.to_string());
}

#[tokio::test]
async fn a_publish_with_an_unknown_end_is_adopted_and_does_not_take_effect_twice() {
    let sandbox = sandbox("adopt").await;
    sandbox.sync().await;
    let high = sandbox.read_json("state/state.json")["last_sync"]["k"].clone();
    for mapping in ["u", "a", "k"] {
        forget_the_end(&sandbox, mapping, None);
    }
    let report = sandbox.sync().await;
    for mapping in ["u", "a", "k"] {
        assert_eq!(report.mapping(mapping)["watermark_after"], high);
        every_row_once(&sandbox, mapping).await;
    }
    assert!(sandbox.read_json("state/state.json")["bqsync"]["mappings"]["k"].get("pending").is_none());
}

#[tokio::test]
async fn a_watermark_of_the_original_tool_survives_a_crash_after_the_first_publish() {
    let sandbox = sandbox("imported").await;
    sandbox.sync().await;
    sandbox.sql("INSERT INTO t (v) VALUES ('new')").await;
    let before = sandbox.read_json("state/state.json")["last_sync"]["k"].as_str().unwrap().to_owned();
    // The state as the original leaves it: only `last_sync`.
    sandbox.write("state/state.json", &json!({ "last_sync": { "u": before, "a": before, "k": before } }).to_string());
    sandbox.sync().await;
    forget_the_end(&sandbox, "k", Some(&before));
    let mut state = sandbox.read_json("state/state.json");
    state["bqsync"]["mappings"]["k"]["watermark"]["imported"] = true.into();
    sandbox.write("state/state.json", &state.to_string());
    sandbox.sync().await;
    for table in ["u", "a", "k"] {
        every_row_once(&sandbox, table).await;
    }
}

#[tokio::test]
async fn a_dropped_target_is_refused() {
    let sandbox = sandbox("gone").await;
    sandbox.sync().await;
    sandbox.bq_run("DROP TABLE `{d}.a`").await;
    sandbox.run(&["schema-diff", "--apply"]).await.expect_code(1);
    sandbox.sql("INSERT INTO t (v) VALUES ('new')").await;
    sandbox.run_once().await.expect_code(1);
    // The next day is the same: nothing has created the table meanwhile.
    let report = sandbox.run_once().await.expect_code(1).mapping("a");
    assert_eq!(report["error_kind"], "conflict");
    let hint = report["hint"].as_str().unwrap();
    assert!(hint.contains("`bqsync run-once --forget-watermark --mapping a`"), "{report}");
    // The hint is followed: the table is loaded anew.
    let forget = ["--no-tui", "run-once", "--forget-watermark"];
    assert!(sandbox.run(&forget).await.expect_code(2).stderr.contains("--mapping"));
    let report = sandbox.run(&[&forget[..], &["--mapping", "a", "--output", "json"]].concat()).await.expect_code(0);
    assert!(report.mapping("a")["warnings"].to_string().contains("is forgotten"), "{report:?}");
    sandbox.sync().await;
    every_row_once(&sandbox, "a").await;
    let mut tables = sandbox.bq_tables().await;
    tables.sort();
    assert_eq!(tables, ["a", "k", "u"]);
}
