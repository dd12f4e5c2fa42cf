//! State in Cloud Storage: its content, what is taken over from the original tool, and the effect of errors.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Gcs, Sandbox, Trouble, finish};

const MAPPING: &str =
    "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: append}";

/// Three rows, with the state in a bucket.
async fn sandbox(name: &str, gcs: &Gcs) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure(&settings(gcs), MAPPING);
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)").await;
    sandbox
}

fn settings(gcs: &Gcs) -> String {
    format!("state_store: gcs\nstate_gcs_bucket: {}\nstate_gcs_prefix: etl/prod/\nstate_gcs_lease: 3s", gcs.bucket)
}

async fn ids(sandbox: &Sandbox) -> String {
    sandbox.bq("SELECT STRING_AGG(CAST(id AS STRING), ' ' ORDER BY id) FROM `{d}.t`").await[0][0].clone().unwrap()
}

#[tokio::test]
async fn state_leases_and_reports_are_kept_in_the_bucket_and_the_next_run_continues_there() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcs", &gcs).await;
    let first = gcs.run_once(&sandbox).await.expect_code(0);
    let run = first.mapping("t")["run_id"].as_str().unwrap().to_owned();
    assert_eq!(
        gcs.names(""),
        ["etl/prod/leases/t.json".to_owned(), format!("etl/prod/runs/{run}.json"), "etl/prod/state/t.json".to_owned()]
    );
    let state = gcs.json("etl/prod/state/t.json");
    assert_eq!(state["last_sync"], json!({ "t": "3" }));
    assert_eq!(state["bqsync"]["mappings"]["t"]["last_run"]["run_id"], run.as_str());
    let lease = gcs.json("etl/prod/leases/t.json");
    assert_eq!((&lease["fence"], &lease["holder"]), (&json!(1), &Value::Null), "given back: {lease}");
    assert_eq!(gcs.json(&format!("etl/prod/runs/{run}.json"))["run_id"], run.as_str());
    assert_eq!(sandbox.read_json("etl/reports/report.json")[0]["mapping_name"], "t");
    assert!(!sandbox.path("state").exists() && !sandbox.path("etl/reports/runs").exists());

    sandbox.sql("INSERT INTO t VALUES (4, 4)").await;
    let second = gcs.run_once(&sandbox).await.expect_code(0);
    assert_eq!(second.mapping("t")["records_processed"], 1);
    assert_eq!(gcs.json("etl/prod/leases/t.json")["fence"], 2);
    assert_eq!(ids(&sandbox).await, "1 2 3 4");
    let status = gcs.run(&sandbox, &["status", "--output", "json"]).await.expect_code(0).json();
    assert_eq!((&status[0]["watermark"], &status[0]["last_run"]["outcome"]), (&json!("4"), &json!("ok")));
}

#[tokio::test]
async fn the_original_tools_state_is_imported_once_and_left_unchanged() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcsimport", &gcs).await;
    let original = r#"{"last_sync": {"t": "2", "other": "7"}}"#;
    gcs.put("etl/prod/state.json", original);
    sandbox.bq_create_dataset().await;
    sandbox.bq_run("CREATE TABLE `{d}.t` (id INT64, v INT64)").await;
    sandbox.bq_run("INSERT INTO `{d}.t` VALUES (1, 1)").await;
    let status = gcs.run(&sandbox, &["status", "--output", "json"]).await.expect_code(0).json();
    assert_eq!(status[0]["watermark"], "2");
    // Rows with the value of a watermark that is not ours may be missing, so the value is read again.
    let report = gcs.run_once(&sandbox).await.expect_code(0).mapping("t");
    assert_eq!((&report["watermark_before"], &report["records_processed"]), (&json!("2"), &json!(2)));
    assert_eq!(ids(&sandbox).await, "1 2 3");
    assert_eq!(gcs.text("etl/prod/state.json").as_deref(), Some(original));
    gcs.put("etl/prod/state.json", r#"{"last_sync": {"t": "0"}}"#);
    sandbox.sql("INSERT INTO t VALUES (4, 4)").await;
    let report = gcs.run_once(&sandbox).await.expect_code(0).mapping("t");
    assert_eq!((&report["watermark_before"], &report["records_processed"]), (&json!("3"), &json!(1)));
}

#[tokio::test]
async fn a_watermark_set_by_hand_in_the_object_is_used() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcshand", &gcs).await;
    gcs.run_once(&sandbox).await.expect_code(0);
    let text = gcs.text("etl/prod/state/t.json").unwrap();
    assert!(text.contains(r#""t": "3""#), "{text}");
    gcs.put("etl/prod/state/t.json", &text.replace(r#""t": "3""#, r#""t": "2""#));
    let report = gcs.run_once(&sandbox).await.expect_code(0).mapping("t");
    assert_eq!((&report["watermark_before"], &report["watermark_after"]), (&json!("2"), &json!("3")));
    assert_eq!(ids(&sandbox).await, "1 2 3", "rows that were there are not doubled");
}

#[tokio::test]
async fn mappings_with_names_in_any_script_have_their_own_state() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcsnames", &gcs).await;
    let names = ["名前/ü", "a b", "a_b", "a/b", "..", "q?x=1&y#z%2F"];
    let mapping = |(i, name): (usize, &&str)| {
        format!("  - {{name: '{name}', mysql_table: t, bigquery_table: t{i}, incremental_column: id}}\n")
    };
    sandbox.configure(&settings(&gcs), &names.iter().enumerate().map(mapping).collect::<String>());
    gcs.run_once(&sandbox).await.expect_code(0);
    assert_eq!(gcs.names("etl/prod/state/").len(), names.len());
    let again = gcs.run_once(&sandbox).await.expect_code(0);
    for name in names {
        let report = again.mapping(name);
        assert_eq!((&report["watermark_before"], &report["records_processed"]), (&json!("3"), &json!(0)), "{name}");
    }
}

#[tokio::test]
async fn lost_answers_are_not_mistaken_for_another_processs_writes() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcslost", &gcs).await;
    // The lost answers: to taking the lease, to fencing the state, to noting the pending publish, to giving the lease
    // back.
    gcs.trouble_with(&Method::PUT, "leases/t.json", r#""pid""#, 1, Trouble::LoseAnswer);
    gcs.trouble_with(&Method::PUT, "state/t.json", r#""serial": 0"#, 1, Trouble::LoseAnswer);
    gcs.trouble_with(&Method::PUT, "state/t.json", r#""pending""#, 1, Trouble::LoseAnswer);
    gcs.trouble_with(&Method::PUT, "leases/t.json", r#""holder": null"#, 1, Trouble::LoseAnswer);
    let report = gcs.run_once(&sandbox).await.expect_code(0).mapping("t");
    assert!(gcs.all_met(), "{:?}", gcs.requests());
    assert_eq!((&report["attempts"], &report["watermark_after"]), (&json!(1), &json!("3")));
    assert_eq!(ids(&sandbox).await, "1 2 3");
    assert_eq!(gcs.json("etl/prod/leases/t.json")["holder"], Value::Null);
    gcs.run_once(&sandbox).await.expect_code(0);
}

#[tokio::test]
async fn a_briefly_unavailable_service_is_waited_for() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcs503", &gcs).await;
    gcs.trouble(&Method::GET, "state/t.json", 2, Trouble::Answer(503));
    gcs.trouble(&Method::PUT, "leases/t.json", 1, Trouble::Answer(429));
    gcs.trouble(&Method::PUT, "runs/", 1, Trouble::Answer(500));
    let report = gcs.run_once(&sandbox).await.expect_code(0).mapping("t");
    assert!(gcs.all_met());
    assert_eq!(report["attempts"], 1);
}

#[tokio::test]
async fn refusals_name_the_bucket_the_key_and_the_role() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcsrefused", &gcs).await;
    gcs.trouble(&Method::GET, "state/t.json", 1, Trouble::Answer(403));
    let report = gcs.run_once(&sandbox).await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "auth");
    assert!(report["errors"][0].as_str().unwrap().contains("etl/prod/state/t.json"), "{report}");
    assert!(report["hint"].as_str().unwrap().contains("roles/storage.objectUser"), "{report}");

    sandbox.configure(&settings(&gcs).replace(&gcs.bucket, "no-such-bucket"), MAPPING);
    let report = gcs.run_once(&sandbox).await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "config");
    let hint = report["hint"].as_str().unwrap();
    assert!(hint.contains("no-such-bucket") && hint.contains("`state_gcs_bucket`"), "{report}");
}

#[tokio::test]
async fn missing_credentials_are_reported_for_the_state_as_for_bigquery() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcsnokey", &gcs).await;
    let mut command = sandbox.command(&["run-once", "--output", "json"]);
    command.env("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json");
    let report = finish(command).await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "auth");
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.contains("etl/prod/state/t.json") && error.contains("/nowhere/key.json"), "{error}");
    assert!(report["hint"].as_str().unwrap().contains("GOOGLE_APPLICATION_CREDENTIALS"), "{report}");
}

#[tokio::test]
async fn an_object_that_is_not_a_state_is_named_and_never_overwritten() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcsbroken", &gcs).await;
    for (content, words) in [
        ("", "line 1"),
        (r#"{"last_sync": {"t": "#, "ends too early"),
        (r#"{"bqsync": {"version": 99}}"#, "newer version"),
    ] {
        gcs.put("etl/prod/state/t.json", content);
        let report = gcs.run_once(&sandbox).await.expect_code(1).mapping("t");
        let error = report["errors"][0].as_str().unwrap();
        assert_eq!(report["error_kind"], "config");
        assert!(error.contains(&format!("gs://{}/etl/prod/state/t.json", gcs.bucket)), "{error}");
        assert!(error.contains(words), "{error}");
        assert_eq!(gcs.text("etl/prod/state/t.json").as_deref(), Some(content));
    }
}

#[tokio::test]
async fn the_history_is_limited_and_objects_that_are_not_reports_are_ignored() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcsruns", &gcs).await;
    for i in 0..205 {
        gcs.put(&format!("etl/prod/runs/20200101T000000Z-{i:06}.json"), "{}");
    }
    gcs.run_once(&sandbox).await.expect_code(0);
    let names = gcs.names("etl/prod/runs/");
    assert_eq!(names.len(), 200);
    assert!(names[0].ends_with("-000006.json"), "{}", names[0]);
}
