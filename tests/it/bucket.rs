//! Staging through Cloud Storage (`temp_bucket`): the same rows arrive, and nothing is left in the bucket.

use std::process::Command as Process;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::{Gcs, Sandbox, Trouble};

async fn sandbox(name: &str, gcs: &Gcs) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    configure(&sandbox, gcs, "");
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), at DATETIME(6), d DECIMAL(12,3), j JSON, b BLOB); \
             INSERT INTO t VALUES (1, '7', '2026-01-02 03:04:05.000006', 1.5, '{\"a\": 1}', X'00FF'), \
             (2, NULL, NULL, NULL, NULL, NULL)",
        )
        .await;
    sandbox
}

fn configure(sandbox: &Sandbox, gcs: &Gcs, more: &str) {
    let mapping = format!(
        "  - {{name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert{more}}}"
    );
    sandbox.configure(&format!("temp_bucket: {}\ninline_rows: 0", gcs.bucket), &mapping);
}

/// 20 MB that compress badly: three parts.
async fn large(sandbox: &Sandbox) {
    sandbox
        .sql(
            "CREATE TABLE big (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT NOT NULL); \
             INSERT INTO big (v) VALUES (''),(''),(''),(''),(''),(''),(''),(''),(''),(''); \
             INSERT INTO big (v) SELECT '' FROM big a, big b, big c, big d LIMIT 9990; \
             UPDATE big SET v = CONCAT_WS('', SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), \
             SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), \
             SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), \
             SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), \
             SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), \
             SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512), SHA2(RAND(), 512))",
        )
        .await;
}

async fn assert_clean(gcs: &Gcs, sandbox: &Sandbox) {
    assert_eq!(gcs.names(""), Vec::<String>::new());
    assert_eq!(gcs.unfinished(), 0);
    let tables = sandbox.bq_tables().await;
    assert!(tables.iter().all(|table| !table.starts_with("bqsync_staging")), "{tables:?}");
}

#[tokio::test]
async fn rows_arrive_through_the_bucket_and_nothing_stays_there() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("bucket", &gcs).await;
    gcs.run_once(&sandbox).await.expect_code(0);
    let puts: Vec<_> = gcs.requests().into_iter().filter(|r| r.starts_with("PUT")).collect();
    let folder = format!("PUT {}/bqsync/demo/{}/bqsync_staging_t_", gcs.bucket, sandbox.dataset);
    assert!(puts.len() == 1 && puts[0].starts_with(&folder) && puts[0].contains(".parquet"), "{puts:?}");
    assert_clean(&gcs, &sandbox).await;
    let row =
        "SELECT CAST(id AS STRING), v, CAST(at AS STRING), CAST(d AS STRING), j, TO_HEX(b) FROM `{d}.t` WHERE id = 1";
    let row: Vec<_> = sandbox.bq(row).await[0].iter().map(|cell| cell.clone().unwrap()).collect();
    assert_eq!((row[0].as_str(), row[1].as_str(), row[5].as_str()), ("1", "7", "00ff"));
    assert!(row[2].starts_with("2026-01-02 03:04:05.000006") && row[3].starts_with("1.5"), "{row:?}");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t` WHERE v IS NULL AND b IS NULL").await, 1);
}

#[tokio::test]
async fn a_large_file_goes_in_parts_and_parts_that_fail_are_sent_again() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("parts", &gcs).await;
    large(&sandbox).await;
    let mapping = "  - {name: big, mysql_table: big, bigquery_table: big, incremental_column: id}";
    sandbox.configure(&format!("temp_bucket: {}\ninline_rows: 0", gcs.bucket), mapping);
    gcs.trouble(&Method::PUT, "partNumber=2", 1, Trouble::Answer(503));
    gcs.trouble(&Method::PUT, "partNumber=1", 1, Trouble::LoseAnswer);
    gcs.trouble(&Method::POST, "uploadId=", 1, Trouble::LoseAnswer);
    let report = gcs.run_once(&sandbox).await.expect_code(0).mapping("big");
    assert!(gcs.all_met(), "{:?}", gcs.requests());
    assert_eq!((&report["attempts"], &report["records_processed"]), (&json!(1), &json!(10_000)));
    assert!(gcs.requests().iter().any(|r| r.contains("partNumber=2")), "{:?}", gcs.requests());
    assert_eq!(sandbox.bq_number("SELECT COUNT(DISTINCT v) FROM `{d}.big`").await, 10_000);
    assert_clean(&gcs, &sandbox).await;
}

#[tokio::test]
async fn a_publish_that_fails_leaves_nothing_in_the_bucket() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("bucketfail", &gcs).await;
    configure(&sandbox, &gcs, ", columns: {v: INT64}");
    sandbox.sql("UPDATE t SET v = 'seven'").await;
    let report = gcs.run_once(&sandbox).await.expect_code(1).mapping("t");
    assert!(report["watermark_after"].is_null(), "{report}");
    // What the failed run did not remove is a leftover to the next run.
    sandbox.sql("UPDATE t SET v = '7'").await;
    gcs.run_once(&sandbox).await.expect_code(0);
    assert_clean(&gcs, &sandbox).await;
    assert_eq!(sandbox.bq_number("SELECT SUM(v) FROM `{d}.t`").await, 14);
}

#[tokio::test]
async fn a_refused_bucket_is_named_with_its_key_and_the_role() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("bucket403", &gcs).await;
    gcs.trouble(&Method::PUT, "bqsync/", 1, Trouble::Answer(403));
    let report = gcs.run_once(&sandbox).await.expect_code(1).mapping("t");
    let hint = report["hint"].as_str().unwrap();
    assert_eq!(report["error_kind"], "auth");
    assert!(hint.contains("roles/storage.objectUser") && hint.contains("`temp_bucket`"), "{report}");
    assert_clean(&gcs, &sandbox).await;
    sandbox.configure(
        "temp_bucket: no-such-bucket\ninline_rows: 0",
        "  - {name: t, mysql_table: t, bigquery_table: t, incremental_column: id}",
    );
    let report = gcs.run_once(&sandbox).await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "config");
    assert!(report["hint"].as_str().unwrap().contains("no-such-bucket"), "{report}");
}

#[tokio::test]
async fn objects_of_a_killed_run_are_removed_at_the_next_start_and_other_files_stay() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("bucketkill", &gcs).await;
    let foreign = format!("bqsync/demo/{}/bqsync_staging_other_0123456789ab_r_1.parquet", sandbox.dataset);
    gcs.put(&foreign, "of a mapping that is not in this configuration");
    gcs.put("mine.parquet", "somebody's");
    // It is killed after the file is in the bucket and before the answer arrives.
    gcs.trouble(&Method::PUT, "bqsync/", 1, Trouble::Hold(Arc::new(Semaphore::new(0))));
    let mut child = gcs.command(&sandbox, &["--no-tui", "run-once"]).spawn().unwrap();
    while !gcs.all_met() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while gcs.names("bqsync/").len() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    gcs.run_once(&sandbox).await.expect_code(0);
    assert_eq!(gcs.names(""), [foreign, "mine.parquet".to_owned()]);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 2);
}

#[tokio::test]
async fn an_interrupt_in_the_middle_of_the_upload_leaves_nothing_in_the_bucket() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("bucketint", &gcs).await;
    large(&sandbox).await;
    let mapping = "  - {name: big, mysql_table: big, bigquery_table: big, incremental_column: id}";
    sandbox.configure(&format!("temp_bucket: {}\ninline_rows: 0", gcs.bucket), mapping);
    let answer = Arc::new(Semaphore::new(0));
    gcs.trouble(&Method::PUT, "partNumber=1", 1, Trouble::Hold(answer));
    let child = gcs.command(&sandbox, &["--no-tui", "run-once"]).spawn().unwrap();
    while !gcs.all_met() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(Process::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_clean(&gcs, &sandbox).await;
    gcs.run_once(&sandbox).await.expect_code(0);
    assert_eq!(sandbox.bq_number("SELECT COUNT(DISTINCT v) FROM `{d}.big`").await, 10_000);
}
