//! Stopping: by command, by signal, and two processes that want one mapping.

use std::process::Command as Process;

use bigquery_syncer::domain::report::Outcome;
use bigquery_syncer::engine::{Command, Event, Phase, Selection, SyncOrder};
use bigquery_syncer::source::BatchLimits;

use crate::support::{Sandbox, finish};

const MAPPING: &str =
    "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert}";

/// Enough rows that a run is still reading when it is stopped.
async fn big_sandbox(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", MAPPING);
    sandbox
        .sql(
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v CHAR(200) NOT NULL DEFAULT 'x'); \
             INSERT INTO t (v) VALUES ('a'),('b'),('c'),('d'),('e'),('f'),('g'),('h'); \
             INSERT INTO t (v) SELECT a.v FROM t a, t b, t c, t d; \
             INSERT INTO t (v) SELECT a.v FROM t a, (SELECT 1 FROM t LIMIT 40) b;",
        )
        .await;
    sandbox
}

#[tokio::test]
async fn a_cancelled_run_leaves_nothing_half_done_and_the_next_one_finishes() {
    let sandbox = big_sandbox("cancel").await;
    let limits = BatchLimits { rows: 50, bytes: 1 << 20, page_rows: 100 };
    let mut handle = sandbox.engine(limits);
    handle.send(Command::Sync(SyncOrder::manual(Selection::All)));
    let report = loop {
        match handle.next_event().await.unwrap() {
            Event::PhaseStarted { phase: Phase::Extract, .. } => handle.send(Command::CancelAll),
            Event::RunFinished { report } => break report,
            _ => {}
        }
    };
    assert_eq!(report.mappings[0].outcome, Outcome::Cancelled);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 0);
    assert_eq!(sandbox.bq_tables().await, ["t"], "no staging table is left");

    sandbox.sync().await;
    let rows = sandbox.mysql_number("SELECT COUNT(*) FROM t").await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, rows);
}

#[tokio::test]
async fn progress_grows_while_rows_move() {
    let sandbox = big_sandbox("progress").await;
    let mut handle = sandbox.engine(BatchLimits { rows: 500, bytes: 1 << 20, page_rows: 1000 });
    let mut progress = handle.progress();
    handle.send(Command::Sync(SyncOrder::manual(Selection::All)));
    let watcher = tokio::spawn(async move {
        let mut most = 0;
        while progress.changed().await.is_ok() {
            most = most.max(progress.borrow().mappings.values().map(|m| m.rows_read).max().unwrap_or(0));
        }
        most
    });
    while !matches!(handle.next_event().await, Some(Event::RunFinished { .. }) | None) {}
    drop(handle);
    let rows = sandbox.mysql_number("SELECT COUNT(*) FROM t").await;
    assert_eq!(watcher.await.unwrap(), u64::try_from(rows).unwrap());
}

#[tokio::test]
async fn an_interrupt_stops_at_a_safe_point_with_the_documented_code() {
    let sandbox = big_sandbox("sigint").await;
    // The table is locked, so that the run waits in MySQL when the signal comes.
    let mut lock = sandbox.connection().await;
    sqlx::raw_sql("LOCK TABLES t WRITE").execute(&mut lock).await.unwrap();
    let child = sandbox.command(&["run-once", "--log-format", "json"]).spawn().unwrap();
    let pid = child.id().to_string();
    let waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'";
    let database = format!("{waiting} AND db = '{}'", sandbox.database);
    while sandbox.mysql_number(&database).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(Process::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("CANCELLED") && stdout.contains("the next run begins it"), "{stdout}");
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut lock).await.unwrap();
    sandbox.sync().await;
}

#[tokio::test]
async fn two_processes_do_not_work_on_one_mapping() {
    let sandbox = big_sandbox("two").await;
    let mut lock = sandbox.connection().await;
    sqlx::raw_sql("LOCK TABLES t WRITE").execute(&mut lock).await.unwrap();
    let first = sandbox.command(&["run-once"]).spawn().unwrap();
    while !sandbox.path("state/state.json.locks").exists() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let second = finish(sandbox.command(&["run-once", "--output", "json"])).await.expect_code(1);
    let report = second.mapping("t");
    assert_eq!(report["error_kind"], "conflict");
    assert!(report["errors"][0].as_str().unwrap().contains(&first.id().to_string()), "{report}");
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut lock).await.unwrap();
    let output = tokio::task::spawn_blocking(move || first.wait_with_output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
}
