//! A failure affects only its own mapping, and its message says what to do.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::{Sandbox, finish};

fn mapping(name: &str) -> String {
    format!(
        "  - {{name: {name}, mysql_table: {name}, bigquery_table: {name}, primary_keys: [id], incremental_column: id, mode: upsert}}\n"
    )
}

async fn table(sandbox: &Sandbox, name: &str) {
    sandbox
        .sql(&format!("CREATE TABLE {name} (id INT PRIMARY KEY, v INT); INSERT INTO {name} VALUES (1, 1), (2, 2)"))
        .await;
}

#[tokio::test]
async fn one_mapping_of_four_fails_and_the_others_arrive() {
    let sandbox = Sandbox::new("four").await;
    sandbox.configure("", &["a", "b", "missing", "d"].map(mapping).concat());
    for name in ["a", "b", "d"] {
        table(&sandbox, name).await;
    }
    let ran = sandbox.run_once().await.expect_code(1);
    for name in ["a", "b", "d"] {
        assert_eq!(ran.mapping(name)["outcome"], "ok");
        assert_eq!(sandbox.bq_number(&format!("SELECT COUNT(*) FROM `{{d}}.{name}`")).await, 2);
    }
    let failed = ran.mapping("missing");
    assert_eq!((&failed["outcome"], &failed["error_kind"]), (&"failed".into(), &"schema".into()));
    assert!(failed["errors"][0].as_str().unwrap().contains("missing"), "{failed}");

    let file = sandbox.read_json("etl/reports/report.json");
    let names: Vec<_> = file.as_array().unwrap().iter().map(|m| m["mapping_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "missing", "d"]);
    let state = sandbox.read_json("state/state.json");
    assert_eq!(state["last_sync"]["a"], "2");
    assert!(state["last_sync"].get("missing").is_none());
}

#[tokio::test]
async fn a_wrong_password_fails_at_once_and_is_never_shown() {
    let sandbox = Sandbox::new("password").await;
    sandbox.configure("", &mapping("a"));
    table(&sandbox, "a").await;
    let user = format!("u{}", std::process::id());
    sandbox.sql(&format!("CREATE USER IF NOT EXISTS {user}@'%' IDENTIFIED BY 'right'")).await;
    let mut command = sandbox.command(&["run-once", "--output", "json"]);
    command.env("MYSQL_USER", &user).env("MYSQL_PASSWORD", "s3cret-wrong").env("LOG_LEVEL", "DEBUG");
    let ran = finish(command).await.expect_code(1);
    let report = ran.mapping("a");
    assert_eq!(report["error_kind"], "auth");
    assert_eq!(report["attempts"], 1);
    assert!(report["errors"][0].as_str().unwrap().contains(&user), "{report}");
    assert!(!format!("{ran:?}").contains("s3cret-wrong"));
}

#[tokio::test]
async fn a_table_that_may_not_be_read_names_the_missing_right() {
    let sandbox = Sandbox::new("noselect").await;
    sandbox.configure("", &(mapping("a") + &mapping("b")));
    table(&sandbox, "a").await;
    table(&sandbox, "b").await;
    let user = format!("n{}", std::process::id());
    let grant = format!("GRANT SELECT ON `{}`.b TO {user}@'%'", sandbox.database);
    sandbox.sql(&format!("CREATE USER IF NOT EXISTS {user}@'%' IDENTIFIED BY 'pw'; {grant}")).await;
    let mut command = sandbox.command(&["run-once", "--output", "json"]);
    command.env("MYSQL_USER", &user).env("MYSQL_PASSWORD", "pw");
    let ran = finish(command).await.expect_code(1);
    assert_eq!(ran.mapping("b")["outcome"], "ok");
    let refused = ran.mapping("a");
    assert_eq!(refused["error_kind"], "auth");
    assert!(refused["errors"][0].as_str().unwrap().contains("SELECT command denied"), "{refused}");
}

/// A server that refuses everything as BigQuery does without a permission.
fn refusing_bigquery() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let body = r#"{"error":{"code":403,"message":"Access Denied: Dataset demo:x: Permission bigquery.tables.get denied","errors":[{"message":"Access Denied","domain":"global","reason":"accessDenied"}],"status":"PERMISSION_DENIED"}}"#;
            let head = "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\nconnection: close";
            let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    address
}

#[tokio::test]
async fn a_refusal_by_bigquery_is_reported_in_its_own_words() {
    let sandbox = Sandbox::new("refused").await;
    sandbox.configure("", &mapping("a"));
    table(&sandbox, "a").await;
    let mut command = sandbox.command(&["run-once", "--output", "json"]);
    command.env("BIGQUERY_EMULATOR_HOST", refusing_bigquery());
    let report = finish(command).await.expect_code(1).mapping("a");
    assert_eq!(report["error_kind"], "auth");
    assert!(report["errors"][0].as_str().unwrap().contains("bigquery.tables.get denied"), "{report}");
    assert!(report["watermark_after"].is_null());
}

#[tokio::test]
async fn a_job_that_bigquery_refuses_leaves_the_watermark_where_it_was() {
    let sandbox = Sandbox::new("badjob").await;
    let mapping = mapping("a").replace("mode: upsert", "mode: upsert, columns: {v: INT64}");
    sandbox.configure("", &mapping);
    sandbox.sql("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO a VALUES (1, '7')").await;
    sandbox.sync().await;
    sandbox.sql("INSERT INTO a VALUES (2, 'seven')").await;
    let report = sandbox.run_once().await.expect_code(1).mapping("a");
    assert_eq!(report["watermark_after"], "1");
    assert_eq!(sandbox.bq_number("SELECT SUM(v) FROM `{d}.a`").await, 7);
    // After a correction at the source the same window succeeds, so no row was lost.
    sandbox.sql("UPDATE a SET v = '8' WHERE id = 2").await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq_number("SELECT SUM(v) FROM `{d}.a`").await, 15);
}

#[tokio::test]
async fn no_staging_table_is_left_behind() {
    let sandbox = Sandbox::new("staging").await;
    sandbox.configure("", &mapping("a"));
    table(&sandbox, "a").await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq_tables().await, ["a"]);
}

#[tokio::test]
async fn a_missing_column_is_named_with_the_existing_ones() {
    let sandbox = Sandbox::new("nocolumn").await;
    sandbox.configure("", &mapping("a").replace("incremental_column: id", "incremental_column: updated"));
    table(&sandbox, "a").await;
    let report = sandbox.run_once().await.expect_code(1).mapping("a");
    assert_eq!(report["error_kind"], "config");
    assert!(report["errors"][0].as_str().unwrap().contains("`updated`"), "{report}");
    assert!(report["hint"].as_str().unwrap().contains("id, v"), "{report}");
}

#[tokio::test]
async fn status_shows_what_is_behind_and_what_failed() {
    let sandbox = Sandbox::new("status").await;
    sandbox.configure("", &["a", "b", "missing"].map(mapping).concat());
    table(&sandbox, "a").await;
    table(&sandbox, "b").await;
    sandbox.run(&["run-once", "--mapping", "a"]).await.expect_code(0);
    sandbox.sql("INSERT INTO a VALUES (12, 0)").await;
    let ran = sandbox.run(&["status", "--output", "json"]).await.expect_code(1);
    let status = ran.json();
    assert_eq!(status[0]["watermark"], "2");
    assert_eq!(status[0]["lag"]["steps"], 10);
    assert_eq!(status[0]["last_run"]["outcome"], "ok");
    assert!(status[1]["last_run"].is_null());
    assert!(status[2]["problem"].as_str().unwrap().contains("missing"), "{status}");
    let table = sandbox.run(&["status"]).await;
    assert!(table.stdout.contains("never") && table.stdout.contains("OK"), "{}", table.stdout);
}
