//! Leases in Cloud Storage: two processes at once, holders that die, and holders that were thought dead and come back.

use std::process::{Child, Command as Process};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::mysql::MySqlConnection;
use tokio::sync::Semaphore;

use crate::crash::STEPS;
use crate::support::{Gcs, Sandbox, Trouble, finish};

/// A mapping without keys, so that a row that is published twice is there twice.
const MAPPING: &str = "  - {name: t, mysql_table: t, bigquery_table: t, incremental_column: id, mode: append}";

/// Long enough to tell a living holder from a dead one, short enough to wait for.
const LEASE: Duration = Duration::from_secs(3);

/// The lease, plus what the server's whole seconds may add, plus the time of a request.
const EXPIRED: Duration = Duration::from_secs(6);

/// Its first load is an INSERT, which also doubles rows if it is done twice.
const UPSERT: &str =
    "  - {name: t, mysql_table: t, bigquery_table: t, incremental_column: id, primary_keys: [id], mode: upsert}";

async fn sandbox(name: &str, gcs: &Gcs) -> Sandbox {
    sandbox_of(name, gcs, MAPPING).await
}

async fn sandbox_of(name: &str, gcs: &Gcs, mapping: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    let lease = LEASE.as_secs();
    let settings = format!("state_store: gcs\nstate_gcs_bucket: {}\nstate_gcs_lease: {lease}s", gcs.bucket);
    sandbox.configure(&settings, mapping);
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)").await;
    sandbox
}

async fn lock(sandbox: &Sandbox) -> MySqlConnection {
    let mut connection = sandbox.connection().await;
    sqlx::raw_sql("LOCK TABLES t WRITE").execute(&mut connection).await.unwrap();
    connection
}

async fn unlock(mut connection: MySqlConnection) {
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut connection).await.unwrap();
}

/// Starts a run that waits in MySQL while it holds the lease.
async fn stuck(gcs: &Gcs, sandbox: &Sandbox) -> Child {
    let child = gcs.command(sandbox, &["run-once", "--output", "json"]).spawn().unwrap();
    let waiting = format!(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%' AND db = '{}'",
        sandbox.database
    );
    while sandbox.mysql_number(&waiting).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Process::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Cuts a process off from its lease object, so that only the state object's generation tells it that the lease is
/// lost.
fn deafen(gcs: &Gcs, child: &Child) {
    let signature = format!("\"pid\": {},", child.id());
    gcs.trouble_with(&Method::PUT, "leases/t.json", &signature, usize::MAX, Trouble::Answer(503));
}

/// The end of a process: its exit code, and its report of the mapping.
async fn end(child: Child) -> (Option<i32>, Value) {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), report["mappings"][0].clone())
}

async fn ids(sandbox: &Sandbox) -> String {
    sandbox.bq("SELECT STRING_AGG(CAST(id AS STRING), ' ' ORDER BY id) FROM `{d}.t`").await[0][0].clone().unwrap()
}

#[tokio::test]
async fn only_one_of_two_processes_works_and_the_other_names_the_holder_and_its_times() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcstwo", &gcs).await;
    let table = lock(&sandbox).await;
    let first = stuck(&gcs, &sandbox).await;
    // Well beyond a lease's length: the holder renews it.
    tokio::time::sleep(EXPIRED).await;
    let report = gcs.run_once(&sandbox).await.expect_code(1).mapping("t");
    let error = report["errors"][0].as_str().unwrap();
    assert_eq!(report["error_kind"], "conflict");
    for words in [format!("process {}", first.id()), " since 2".to_owned(), " until 2".to_owned()] {
        assert!(error.contains(&words), "{error}");
    }
    unlock(table).await;
    let (code, report) = end(first).await;
    assert_eq!((code, &report["outcome"]), (Some(0), &json!("ok")), "{report}");
    assert_eq!(gcs.json("leases/t.json")["fence"], 1);
    assert_eq!(ids(&sandbox).await, "1 2 3");
}

#[tokio::test]
async fn a_killed_holder_is_taken_over_once_its_lease_has_expired_by_the_servers_own_clock() {
    // By this host's clock, the lease would have expired before it was taken.
    let gcs = Gcs::with_clock(TimeDelta::days(-10)).await;
    let sandbox = sandbox("gcskill", &gcs).await;
    let table = lock(&sandbox).await;
    let mut first = stuck(&gcs, &sandbox).await;
    first.kill().unwrap();
    first.wait().unwrap();
    unlock(table).await;
    let report = gcs.run_once(&sandbox).await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "conflict", "{report}");
    tokio::time::sleep(EXPIRED).await;
    gcs.run_once(&sandbox).await.expect_code(0);
    assert_eq!(gcs.json("leases/t.json")["fence"], 2);
    assert_eq!(ids(&sandbox).await, "1 2 3");
}

#[tokio::test]
async fn a_holder_that_wakes_up_after_a_takeover_neither_saves_nor_publishes() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcszombie", &gcs).await;
    let table = lock(&sandbox).await;
    let zombie = stuck(&gcs, &sandbox).await;
    deafen(&gcs, &zombie);
    signal(&zombie, "-STOP");
    unlock(table).await;
    tokio::time::sleep(EXPIRED).await;
    gcs.run_once(&sandbox).await.expect_code(0);
    let state = gcs.text("state/t.json");
    signal(&zombie, "-CONT");
    let (code, report) = end(zombie).await;
    assert_eq!((code, &report["error_kind"]), (Some(1), &json!("conflict")), "{report}");
    assert!(report["errors"][0].as_str().unwrap().contains("was taken over by"), "{report}");
    assert_eq!(gcs.text("state/t.json"), state, "the new holder's state is as it left it");
    assert_eq!(ids(&sandbox).await, "1 2 3");
}

#[tokio::test]
async fn a_holder_frozen_between_its_note_and_its_publish_does_not_publish_twice() {
    tokio::join!(frozen("gcsfrozen_a", MAPPING), frozen("gcsfrozen_u", UPSERT));
}

async fn frozen(name: &str, mapping: &str) {
    let gcs = Gcs::start().await;
    let sandbox = sandbox_of(name, &gcs, mapping).await;
    let answer = Arc::new(Semaphore::new(0));
    gcs.trouble_with(&Method::PUT, "state/t.json", r#""pending""#, 1, Trouble::Hold(Arc::clone(&answer)));
    let zombie = gcs.command(&sandbox, &["run-once", "--output", "json"]).spawn().unwrap();
    while !gcs.all_met() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The pending publish is written but not sent: its holder does not know whether it still may.
    deafen(&gcs, &zombie);
    signal(&zombie, "-STOP");
    tokio::time::sleep(EXPIRED).await;
    gcs.run_once(&sandbox).await.expect_code(0);
    let state = gcs.text("state/t.json");
    answer.add_permits(1);
    signal(&zombie, "-CONT");
    let (code, report) = end(zombie).await;
    assert_eq!(code, Some(1), "{report}");
    assert_eq!(ids(&sandbox).await, "1 2 3", "{report}");
    assert_eq!(gcs.text("state/t.json"), state);
    sandbox.sql("INSERT INTO t VALUES (4, 4)").await;
    gcs.run_once(&sandbox).await.expect_code(0);
    assert_eq!(ids(&sandbox).await, "1 2 3 4");
}

#[tokio::test]
async fn an_operators_change_during_a_run_is_kept_and_reported() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcsedit", &gcs).await;
    let table = lock(&sandbox).await;
    let run = stuck(&gcs, &sandbox).await;
    let edited = gcs.text("state/t.json").unwrap().replace(r#""last_sync": {}"#, r#""last_sync": {"t": "1"}"#);
    gcs.put("state/t.json", &edited);
    unlock(table).await;
    let (code, report) = end(run).await;
    assert_eq!((code, &report["error_kind"]), (Some(1), &json!("conflict")), "{report}");
    assert!(report["errors"][0].as_str().unwrap().contains("changed by somebody else"), "{report}");
    assert_eq!(gcs.text("state/t.json").as_deref(), Some(edited.as_str()));
}

#[tokio::test]
async fn removing_a_lease_object_does_not_let_an_old_number_be_used_again() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcsremoved", &gcs).await;
    gcs.run_once(&sandbox).await.expect_code(0);
    gcs.run_once(&sandbox).await.expect_code(0);
    gcs.remove("leases/t.json");
    gcs.run_once(&sandbox).await.expect_code(0);
    assert_eq!(gcs.json("leases/t.json")["fence"], 3);
}

#[tokio::test]
async fn an_interrupted_run_gives_its_lease_back_at_once() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcsint", &gcs).await;
    let table = lock(&sandbox).await;
    let run = stuck(&gcs, &sandbox).await;
    signal(&run, "-INT");
    let (code, report) = end(run).await;
    assert_eq!((code, &report["outcome"]), (Some(130), &json!("cancelled")), "{report}");
    unlock(table).await;
    gcs.run_once(&sandbox).await.expect_code(0);
    assert_eq!(ids(&sandbox).await, "1 2 3");
}

#[tokio::test]
async fn the_next_run_repairs_a_run_killed_at_each_step_once_its_lease_has_expired() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("gcscrash", &gcs).await;
    let bucket = &gcs.bucket;
    let mapping = |name: &str, rest: &str| {
        format!("  - {{name: {name}, mysql_table: t, bigquery_table: {name}, incremental_column: id, {rest}}}\n")
    };
    let settings =
        format!("state_store: gcs\nstate_gcs_bucket: {bucket}\ntemp_bucket: {bucket}\ninline_rows: 0\nconcurrency: 1");
    let mappings = mapping("u", "primary_keys: [id], mode: upsert") + &mapping("k", "mode: append");
    sandbox.configure(&settings, &mappings);
    gcs.run_once(&sandbox).await.expect_code(0);
    let mut id = 3;
    for step in STEPS {
        // First in the work of the first mapping, then of the second.
        for nth in 1..=2 {
            id += 1;
            sandbox.sql(&format!("INSERT INTO t VALUES ({id}, {id})")).await;
            let mut command = gcs.command(&sandbox, &["run-once"]);
            command.env("BQSYNC_KILL_AT", format!("{step}:{nth}"));
            let ran = finish(command).await;
            assert_eq!(ran.code, -1, "not killed at {step}: {ran:?}");
            gcs.pass(TimeDelta::hours(1));
        }
        gcs.run_once(&sandbox).await.expect_code(0);
        for table in ["u", "k"] {
            let count = |what: &str| format!("SELECT COUNT({what}) FROM `{{d}}.{table}`");
            assert_eq!(sandbox.bq_number(&count("*")).await, id, "{table}, after a kill at {step}");
            assert_eq!(sandbox.bq_number(&count("DISTINCT id")).await, id, "{table}, after a kill at {step}");
            let state = gcs.json(&format!("state/{table}.json"));
            assert!(state["bqsync"]["mappings"][table].get("pending").is_none(), "{state}");
        }
        assert_eq!(gcs.names("bqsync/"), Vec::<String>::new(), "after a kill at {step}");
    }
}
