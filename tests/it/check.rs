//! `bqsync check`: everything that a run needs, and each way in which it may be missing.

use std::process::Command;

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::bigquery_proxy::{BigQueryProxy, Call, Reply, Rule, Trouble};
use crate::support::{Gcs, Ran, Sandbox, Trouble as GcsTrouble, finish, is_mysql};

/// An account of its own for each test: `c4711_12` for the database `t_name_4711_12`.
fn account(sandbox: &Sandbox) -> String {
    let mut parts = sandbox.database.rsplit('_');
    let (number, process) = (parts.next().unwrap(), parts.next().unwrap());
    format!("c{process}_{number}")
}

fn mapping(name: &str) -> String {
    format!(
        "  - {{name: {name}, mysql_table: {name}, bigquery_table: {name}, primary_keys: [id], incremental_column: at, mode: upsert}}\n"
    )
}

/// A mapping `t`, and a table without any problem.
async fn sound(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", &mapping("t"));
    table(&sandbox, "t", "id INT PRIMARY KEY, at TIMESTAMP(6) NOT NULL, KEY (at)").await;
    sandbox
}

async fn table(sandbox: &Sandbox, name: &str, columns: &str) {
    sandbox.sql(&format!("CREATE TABLE {name} ({columns}); INSERT INTO {name} VALUES (1, '2026-01-02')")).await;
}

/// The findings of a check that ends with this exit code.
async fn checked(command: Command, code: i32) -> Vec<Value> {
    let ran = finish(command).await.expect_code(code);
    ran.json()["checks"].as_array().unwrap_or_else(|| panic!("{ran:?}")).clone()
}

async fn check(sandbox: &Sandbox, code: i32) -> Vec<Value> {
    checked(sandbox.command(&["check", "--output", "json"]), code).await
}

/// `status`, message and remedy of the only line about a topic (and a mapping).
#[track_caller]
fn line<'a>(findings: &'a [Value], topic: &str, mapping: Option<&str>) -> (&'a str, String) {
    let found: Vec<_> = findings.iter().filter(|f| f["check"] == topic && f["mapping"] == json!(mapping)).collect();
    let [one] = found[..] else { panic!("{topic} of {mapping:?}: {findings:#?}") };
    let remedy = one["remedy"].as_str().unwrap_or_default();
    (one["status"].as_str().unwrap(), format!("{}; {remedy}", one["message"].as_str().unwrap()))
}

#[track_caller]
fn assert_line(findings: &[Value], topic: &str, mapping: Option<&str>, status: &str, words: &[&str]) {
    let (found, text) = line(findings, topic, mapping);
    assert_eq!(found, status, "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in `{text}`");
    }
}

/// A command for an account with these grants, because root can see everything.
async fn as_account(sandbox: &Sandbox, grants: &str) -> Command {
    let (user, database) = (account(sandbox), &sandbox.database);
    let grants = grants.replace("{user}", &format!("{user}@'%'")).replace("{db}", &format!("`{database}`"));
    sandbox.sql(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'pw'; {grants}")).await;
    let mut command = sandbox.command(&["check", "--output", "json"]);
    command.env("MYSQL_USER", user).env("MYSQL_PASSWORD", "pw");
    command
}

#[tokio::test]
async fn a_sound_configuration_is_all_ok_and_the_check_leaves_nothing_behind() {
    let sandbox = sound("checkok").await;
    sandbox.sync().await;
    let findings = check(&sandbox, 0).await;
    for finding in &findings {
        assert_eq!(finding["status"], "ok", "{finding}");
        let keys: Vec<_> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["check", "mapping", "message", "remedy", "status"]);
    }
    let topics: Vec<_> = findings.iter().map(|f| f["check"].as_str().unwrap()).collect();
    assert_eq!(
        topics,
        [
            "config",
            "mysql_login",
            "mysql_tls",
            "mysql_process",
            "mysql_clock",
            "bigquery_login",
            "bigquery_jobs",
            "bigquery_dataset",
            "bigquery_write",
            "state",
            "table",
            "columns",
            "keys",
            "cursor",
            "cursor_index",
            "target"
        ]
    );
    assert_eq!(sandbox.bq_tables().await, ["t"]);
    let files: Vec<_> = std::fs::read_dir(sandbox.path("state")).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert!(files.iter().all(|f| !f.to_string_lossy().contains("check")), "{files:?}");
}

#[tokio::test]
async fn the_check_prints_one_line_per_finding_with_the_next_step_below() {
    let sandbox = sound("checktable").await;
    sandbox.sql("ALTER TABLE t DROP KEY at").await;
    let ran = sandbox.run(&["check"]).await.expect_code(0);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("ok    config            "), "{}", ran.stdout);
    let at = lines.iter().position(|l| l.starts_with("warn  cursor_index      t: no index of t")).unwrap();
    assert_eq!(lines[at + 1].trim(), "next: add one with CREATE INDEX `idx_at` ON `t` (`at`)");
    assert!(lines.last().unwrap().contains(" ok, 2 warn, 0 fail, 1 skip"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_wrong_mysql_password_hides_no_finding_about_bigquery_or_the_state() {
    let sandbox = sound("checkpw").await;
    sandbox.bq_create_dataset().await;
    let mut command = as_account(&sandbox, "").await;
    command.env("MYSQL_PASSWORD", "s3cret-wrong");
    let findings = checked(command, 1).await;
    assert_line(&findings, "mysql_login", None, "fail", &["Access denied", "MYSQL_PASSWORD"]);
    assert_line(&findings, "bigquery_write", None, "ok", &[]);
    assert_line(&findings, "state", None, "ok", &[]);
    assert_line(&findings, "table", Some("t"), "skip", &["the login to MySQL failed"]);
    assert!(!format!("{findings:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_missing_select_on_one_of_two_tables_is_reported_with_the_grant() {
    let sandbox = sound("checkgrant").await;
    sandbox.configure("", &(mapping("t") + &mapping("b")));
    table(&sandbox, "b", "id INT PRIMARY KEY, at TIMESTAMP(6) NOT NULL, KEY (at)").await;
    let command = as_account(&sandbox, "GRANT SELECT ON {db}.b TO {user}").await;
    let findings = checked(command, 1).await;
    let grant = format!("GRANT SELECT ON `{}`.`t` TO '{}'@'%'", sandbox.database, account(&sandbox));
    assert_line(&findings, "table", Some("t"), "fail", &["SELECT command denied", &grant]);
    assert_line(&findings, "table", Some("b"), "ok", &[]);
    assert_line(&findings, "cursor_index", Some("b"), "ok", &[]);
    let process = format!("GRANT PROCESS ON *.* TO '{}'@'%'", account(&sandbox));
    assert_line(&findings, "mysql_process", None, "warn", &["held back", &process]);
    // The statements are tried: after they were carried out, nothing is left to do.
    sandbox.sql(&format!("{grant}; {process}")).await;
    let mut command = sandbox.command(&["check", "--output", "json"]);
    command.env("MYSQL_USER", account(&sandbox)).env("MYSQL_PASSWORD", "pw");
    let findings = checked(command, 0).await;
    assert_line(&findings, "table", Some("t"), "ok", &[]);
    assert_line(&findings, "mysql_process", None, "ok", &[]);
}

#[tokio::test]
async fn each_fault_of_a_table_is_reported_for_its_own_mapping_only() {
    let sandbox = Sandbox::new("checklints").await;
    let mappings = ["missing", "nokey", "twice", "noindex", "nullable", "coarse", "odd", "fine"];
    sandbox.configure(
        "",
        &mappings.map(mapping).concat().replace("name: odd,", "name: odd, columns: {at: INT64, nothing: STRING},"),
    );
    table(&sandbox, "nokey", "no INT PRIMARY KEY, at TIMESTAMP(6) NOT NULL, KEY (at)").await;
    table(&sandbox, "twice", "id INT NOT NULL, at TIMESTAMP(6) NOT NULL, KEY (at), KEY (id)").await;
    table(&sandbox, "noindex", "id INT PRIMARY KEY, at TIMESTAMP(6) NOT NULL").await;
    table(&sandbox, "nullable", "id INT PRIMARY KEY, at TIMESTAMP(6) NULL, KEY (at)").await;
    sandbox.sql("INSERT INTO nullable VALUES (2, NULL)").await;
    table(&sandbox, "coarse", "id INT PRIMARY KEY, at DATETIME NOT NULL, KEY (at)").await;
    table(&sandbox, "odd", "id INT PRIMARY KEY, at TIMESTAMP(6) NOT NULL, KEY (at)").await;
    table(&sandbox, "fine", "id INT PRIMARY KEY, at TIMESTAMP(6) NOT NULL, KEY (at)").await;
    let findings = check(&sandbox, 1).await;
    let of = |topic, mapping, status, words: &[&str]| assert_line(&findings, topic, Some(mapping), status, words);
    of("table", "missing", "fail", &["There is no table missing"]);
    of("keys", "nokey", "fail", &["names the column `id`", "its columns are: no, at"]);
    of("cursor", "nokey", "ok", &[]);
    of("keys", "twice", "warn", &["not a unique key", "ALTER TABLE `twice` ADD UNIQUE KEY (`id`)"]);
    of("cursor_index", "noindex", "warn", &["CREATE INDEX `idx_at` ON `noindex` (`at`)"]);
    of("cursor", "nullable", "warn", &["rows whose `at` is NULL exist", "NOT NULL"]);
    of("cursor", "coarse", "warn", &["the running second", "DATETIME(6)"]);
    of("columns", "odd", "fail", &["`columns` of mapping `odd` names the column `nothing`"]);
    for topic in ["table", "columns", "keys", "cursor", "cursor_index", "target"] {
        of(topic, "fine", "ok", &[]);
    }
    let mut command = sandbox.command(&["check", "--mapping", "fine", "--output", "json"]);
    command.env("LOG_LEVEL", "ERROR");
    assert!(checked(command, 0).await.iter().all(|f| f["mapping"] == "fine" || f["mapping"].is_null()));
}

#[tokio::test]
async fn a_missing_dataset_is_announced_and_its_tables_are_not_looked_up() {
    let sandbox = sound("checkdataset").await;
    let findings = check(&sandbox, 0).await;
    let make = format!("bq --location=US mk --dataset demo:{}", sandbox.dataset);
    assert_line(&findings, "bigquery_dataset", None, "warn", &["the first run makes it in US", &make]);
    assert_line(&findings, "bigquery_write", None, "skip", &[]);
    assert_line(&findings, "bigquery_jobs", None, "ok", &[]);
    assert_line(&findings, "target", Some("t"), "ok", &["does not exist yet"]);
}

#[tokio::test]
async fn an_unreachable_emulator_hides_no_finding_about_mysql() {
    let sandbox = sound("checkaway").await;
    let mut command = sandbox.command(&["check", "--output", "json"]);
    // Port 1 of loopback: nobody listens there.
    command.env("BIGQUERY_EMULATOR_HOST", "127.0.0.1:1");
    let begun = std::time::Instant::now();
    let findings = checked(command, 1).await;
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    assert_line(&findings, "bigquery_jobs", None, "fail", &["this machine reaches 127.0.0.1:1"]);
    assert_line(&findings, "bigquery_dataset", None, "fail", &[]);
    assert_line(&findings, "bigquery_write", None, "skip", &[]);
    assert_line(&findings, "target", Some("t"), "fail", &[]);
    for topic in ["table", "columns", "keys", "cursor", "cursor_index"] {
        assert_line(&findings, topic, Some("t"), "ok", &[]);
    }
}

#[tokio::test]
async fn missing_google_cloud_permissions_are_reported_one_by_one() {
    let sandbox = sound("checkrights").await;
    sandbox.bq_create_dataset().await;
    let bigquery = BigQueryProxy::start(&sandbox.emulator).await;
    let denied = Trouble::Answer(Reply::new(403, "accessDenied"));
    let check = async |call| {
        bigquery.set([Rule::new(call, denied).times(9)]);
        let mut command = sandbox.command(&["check", "--output", "json"]);
        command.env("BIGQUERY_EMULATOR_HOST", &bigquery.address);
        checked(command, 1).await
    };
    let findings = check(Call::InsertJob).await;
    let command =
        "gcloud projects add-iam-policy-binding demo --member=serviceAccount:ACCOUNT --role=roles/bigquery.jobUser";
    assert_line(&findings, "bigquery_jobs", None, "fail", &[command]);
    assert_line(&findings, "bigquery_dataset", None, "ok", &[]);
    assert_line(&findings, "target", Some("t"), "ok", &[]);
    let findings = check(Call::CreateTable).await;
    let grant = format!("GRANT `roles/bigquery.dataEditor` ON SCHEMA `demo`.`{}` TO", sandbox.dataset);
    assert_line(&findings, "bigquery_write", None, "fail", &["Creating the staging table", &grant]);
    assert_line(&findings, "bigquery_jobs", None, "ok", &[]);
    let findings = check(Call::GetDataset).await;
    assert_line(&findings, "bigquery_dataset", None, "fail", &[&grant]);
    assert_line(&findings, "bigquery_write", None, "skip", &[]);
    assert_eq!(sandbox.bq_tables().await, Vec::<String>::new(), "what was begun is dropped");
}

#[tokio::test]
async fn an_unreachable_mysql_hides_no_finding_about_bigquery() {
    let sandbox = sound("checkmysqlaway").await;
    sandbox.bq_create_dataset().await;
    let mut command = sandbox.command(&["check", "--output", "json"]);
    command.env("MYSQL_PORT", "1");
    let findings = checked(command, 1).await;
    assert_line(&findings, "mysql_login", None, "fail", &["127.0.0.1:1"]);
    assert_line(&findings, "bigquery_write", None, "ok", &["created, loaded, merged, read and dropped"]);
}

#[tokio::test]
async fn invalid_credentials_are_named_and_mysql_is_checked_all_the_same() {
    let sandbox = sound("checkkey").await;
    let mut command = sandbox.command(&["check", "--output", "json"]);
    command.env_remove("BIGQUERY_EMULATOR_HOST").env("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json");
    let findings = checked(command, 1).await;
    assert_line(&findings, "bigquery_login", None, "fail", &["/nowhere/key.json"]);
    assert_line(&findings, "target", Some("t"), "skip", &[]);
    assert_line(&findings, "cursor_index", Some("t"), "ok", &[]);
}

#[tokio::test]
async fn a_state_that_cannot_be_written_is_named() {
    let sandbox = sound("checkstate").await;
    // Not even root can create a directory below a file.
    sandbox.write("file", "");
    sandbox.configure("state_local_path: file/state.json", &mapping("t"));
    assert_line(&check(&sandbox, 1).await, "state", None, "fail", &["file/state.json"]);
    sandbox.configure("report_dir: file/reports", &mapping("t"));
    assert_line(&check(&sandbox, 1).await, "state", None, "fail", &["file/reports"]);
    sandbox.configure("", &mapping("t"));
    sandbox.write("state/state.json", "{\"last_sync\": 7");
    assert_line(&check(&sandbox, 1).await, "state", None, "fail", &["state/state.json"]);
}

#[tokio::test]
async fn read_only_writes_nothing_and_reports_what_it_did_not_try() {
    let sandbox = sound("checkro").await;
    sandbox.bq_create_dataset().await;
    let command = sandbox.command(&["--read-only", "check", "--output", "json"]);
    let findings = checked(command, 0).await;
    assert_line(&findings, "bigquery_write", None, "skip", &["--read-only"]);
    assert_line(&findings, "state", None, "skip", &["--read-only"]);
    assert!(!sandbox.path("state").exists() && !sandbox.path("etl").exists());
}

#[tokio::test]
async fn both_buckets_are_tested_and_left_unchanged() {
    let gcs = Gcs::start().await;
    let sandbox = sound("checkbucket").await;
    sandbox.bq_create_dataset().await;
    let settings =
        |temp: &str, state: &str| format!("temp_bucket: {temp}\nstate_store: gcs\nstate_gcs_bucket: {state}");
    sandbox.configure(&settings(&gcs.bucket, &gcs.bucket), &mapping("t"));
    let check = || checked(gcs.command(&sandbox, &["check", "--output", "json"]), 0);
    let findings = check().await;
    assert_line(&findings, "temp_bucket", None, "ok", &[&gcs.bucket]);
    assert_line(&findings, "state", None, "ok", &[&gcs.bucket]);
    assert_line(&findings, "bigquery_write", None, "ok", &[]);
    assert_eq!(gcs.names(""), Vec::<String>::new());
    sandbox.configure(&settings("no-such-bucket", "no-such-state"), &mapping("t"));
    let findings = checked(gcs.command(&sandbox, &["check", "--output", "json"]), 1).await;
    assert_line(&findings, "temp_bucket", None, "fail", &["create the bucket `no-such-bucket`"]);
    assert_line(&findings, "state", None, "fail", &["`state_gcs_bucket`"]);
    assert_line(&findings, "table", Some("t"), "ok", &[]);
}

#[tokio::test]
async fn a_refused_bucket_comes_with_the_command_that_grants_access() {
    let gcs = Gcs::start().await;
    let sandbox = sound("checkbucket403").await;
    sandbox.configure(&format!("state_store: gcs\nstate_gcs_bucket: {}", gcs.bucket), &mapping("t"));
    gcs.trouble(&Method::PUT, "check/", 1, GcsTrouble::Answer(403));
    let findings = checked(gcs.command(&sandbox, &["check", "--output", "json"]), 1).await;
    let command = format!("gcloud storage buckets add-iam-policy-binding gs://{} --member=", gcs.bucket);
    assert_line(&findings, "state", None, "fail", &[&command, "roles/storage.objectUser"]);
}

#[tokio::test]
async fn tables_of_a_killed_check_are_dropped_by_a_later_run() {
    let sandbox = sound("checkleft").await;
    sandbox.bq_create_dataset().await;
    let left = "bqsync_staging__check_20260101T000000Z_00ff00_1";
    sandbox.bq_run(&format!("CREATE TABLE `{{d}}.{left}` (id INT64) OPTIONS (labels = [('tool', 'bqsync')])")).await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq_tables().await, ["t"]);
}

#[tokio::test]
async fn schemas_in_conflict_or_under_review_are_reported() {
    let sandbox = sound("checktarget").await;
    sandbox.bq_create_dataset().await;
    sandbox.bq_run("CREATE TABLE `{d}.t` (id INT64, at BYTES)").await;
    assert_line(
        &check(&sandbox, 1).await,
        "target",
        Some("t"),
        "fail",
        &["Column `at`", "DROP TABLE", "--forget-watermark --mapping t"],
    );
    sandbox.bq_run("DROP TABLE `{d}.t`").await;
    sandbox.bq_run("CREATE TABLE `{d}.t` (id INT64, at TIMESTAMP)").await;
    sandbox.sql("ALTER TABLE t ADD COLUMN extra INT").await;
    sandbox.configure("allow_schema_additions: review", &mapping("t"));
    assert_line(&check(&sandbox, 0).await, "target", Some("t"), "warn", &["`extra`", "schema-diff --mapping t"]);
    sandbox.configure("allow_schema_additions: false", &mapping("t"));
    assert_line(&check(&sandbox, 0).await, "target", Some("t"), "warn", &["`extra`", "left out"]);
}

#[tokio::test]
async fn a_wrong_command_line_or_configuration_exits_with_2() {
    let sandbox = sound("checkusage").await;
    let ran: Ran = sandbox.run(&["check", "--mapping", "tt"]).await.expect_code(2);
    assert!(ran.stderr.contains("did you mean `t`?"), "{ran:?}");
    sandbox.write("config.yaml", "project: demo\n");
    sandbox.run(&["check"]).await.expect_code(2);
}

#[tokio::test]
async fn encryption_is_reported_with_version_and_cipher() {
    let sandbox = sound("checktls").await;
    if !is_mysql().await && std::env::var("BQSYNC_DEV_SSL_CA").is_err() {
        return;
    }
    let with = |mode: &str| {
        let mut command = sandbox.command(&["check", "--output", "json"]);
        command.env("MYSQL_SSL_MODE", mode);
        checked(command, 0)
    };
    assert_line(&with("required").await, "mysql_tls", None, "ok", &["TLSv1."]);
    assert_line(&with("disabled").await, "mysql_tls", None, "ok", &["without encryption"]);
}

/// The advised statements are run unchanged, and then there is no more advice.
#[tokio::test]
async fn suggested_statements_can_be_pasted_with_any_names() {
    let sandbox = Sandbox::new("check_paste").await;
    let (table, column, key) = ("or`ders; DROP", "xé `at", "id ('1')");
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let columns = format!("{} INT NOT NULL, {} TIMESTAMP(6) NOT NULL", quoted(key), quoted(column));
    sandbox.sql(&format!("CREATE TABLE {} ({columns})", quoted(table))).await;
    sandbox.configure(
        "",
        &format!(
            "  - {{name: t, mysql_table: \"{table}\", bigquery_table: t, primary_keys: [\"{key}\"], incremental_column: \
             \"{column}\", mode: upsert}}"
        ),
    );
    let findings = check(&sandbox, 0).await;
    let remedy = |topic: &str| {
        let (_, text) = line(&findings, topic, Some("t"));
        text[text.find("CREATE INDEX").or_else(|| text.find("ALTER TABLE")).unwrap()..].to_owned()
    };
    sandbox.sql(&format!("{}; {}", remedy("cursor_index"), remedy("keys"))).await;
    let mended = check(&sandbox, 0).await;
    for topic in ["cursor_index", "keys"] {
        assert_line(&mended, topic, Some("t"), "ok", &[]);
    }
}

#[tokio::test]
async fn foreign_keys_are_checked_with_a_read_only_account() {
    let sandbox = Sandbox::new("cascades").await;
    sandbox.configure(
        "",
        "  - {name: child, mysql_table: child, primary_keys: [id], incremental_column: at, mode: upsert}",
    );
    sandbox
        .sql(
            "CREATE TABLE parent (id INT PRIMARY KEY); CREATE TABLE child (id INT PRIMARY KEY, pid INT, other INT, \
             at TIMESTAMP(6) NOT NULL, KEY (at), FOREIGN KEY (pid) REFERENCES parent (id) ON DELETE SET NULL, \
             FOREIGN KEY (other) REFERENCES parent (id) ON DELETE CASCADE)",
        )
        .await;
    let mut command = as_account(&sandbox, "GRANT SELECT ON {db}.child TO {user}").await;
    command.args(["--mapping", "child"]);
    let checks = finish(command).await.json()["checks"].as_array().unwrap().clone();
    let told: Vec<_> = checks.iter().filter(|c| c["check"] == "cursor" && c["status"] == "warn").collect();
    assert_eq!(told.len(), 1, "{checks:?}");
    assert!(told[0]["message"].as_str().unwrap().contains("`pid` changes when `parent` does"), "{told:?}");
}
