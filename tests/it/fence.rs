//! Rows that were stamped before a run chose its end, and committed after it.

use bigquery_syncer::domain::report::RunReport;
use bigquery_syncer::engine::{Command, Event, Selection, SyncOrder};
use bigquery_syncer::source::BatchLimits;
use sqlx::mysql::MySqlConnection;

use crate::support::{Sandbox, root_options};

/// Longer than any writer of another test.
const PATIENT: &str = "fence_timeout: 60s";

fn configure(sandbox: &Sandbox, settings: &str, cursor: &str) {
    let mapping = "name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], mode: append";
    sandbox.configure(settings, &format!("  - {{{mapping}, incremental_column: {cursor}}}"));
}

async fn sandbox(name: &str, settings: &str, cursor: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    configure(&sandbox, settings, cursor);
    sandbox
        .sql(
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20), \
             at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)), KEY (at)); \
             INSERT INTO t (v, at) VALUES ('old', '2026-01-01')",
        )
        .await;
    sandbox
}

async fn execute(connection: &mut MySqlConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

/// An open transaction that took a stamp and a number before a row that another transaction then commits.
async fn overtaken(sandbox: &Sandbox) -> MySqlConnection {
    let mut late = sandbox.connection().await;
    execute(&mut late, "SET time_zone = '+00:00'").await;
    execute(&mut late, "START TRANSACTION").await;
    execute(&mut late, "INSERT INTO t (v) VALUES ('late')").await;
    sandbox.sql("INSERT INTO t (v) VALUES ('early')").await;
    // The clock must pass the committed row, otherwise it would be held back with its tick.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    late
}

async fn arrived(sandbox: &Sandbox) -> Vec<String> {
    let rows = sandbox.bq("SELECT v FROM `{d}.t` ORDER BY id").await;
    rows.into_iter().map(|mut row| row.remove(0).unwrap()).collect()
}

/// Runs the engine; the transaction `at_the_fence` is committed when the run waits for open transactions.
async fn run(sandbox: &Sandbox, mut at_the_fence: Option<MySqlConnection>) -> RunReport {
    let mut handle = sandbox.engine(BatchLimits::default());
    handle.send(Command::Sync(SyncOrder::manual(Selection::All)));
    loop {
        match handle.next_event().await.unwrap() {
            Event::FenceAwaited { .. } => {
                if let Some(mut late) = at_the_fence.take() {
                    execute(&mut late, "COMMIT").await;
                }
            }
            Event::RunFinished { report } => return report,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_transaction_that_commits_during_the_wait_loses_no_row() {
    for cursor in ["at", "id"] {
        let sandbox = sandbox("fence_wait", PATIENT, cursor).await;
        let late = overtaken(&sandbox).await;
        let report = run(&sandbox, Some(late)).await;
        assert_eq!(report.mappings[0].held_back, None);
        assert_eq!(arrived(&sandbox).await, ["old", "late", "early"], "{cursor}");
    }
}

#[tokio::test]
async fn rows_that_an_open_transaction_may_join_wait_for_the_next_run() {
    for (cursor, before) in [("at", vec!["old"]), ("id", vec![])] {
        let sandbox = sandbox("fence_hold", "fence_timeout: 0s", cursor).await;
        let mut late = overtaken(&sandbox).await;
        let report = run(&sandbox, None).await;
        let held = report.mappings[0].held_back.clone().expect("rows are held back");
        assert!(held.contains("KILL "), "{held}");
        let there = if before.is_empty() { Vec::new() } else { arrived(&sandbox).await };
        assert_eq!(there, before, "{cursor}");
        execute(&mut late, "COMMIT").await;
        configure(&sandbox, PATIENT, cursor);
        run(&sandbox, None).await;
        assert_eq!(arrived(&sandbox).await, ["old", "late", "early"], "{cursor}");
    }
}

#[tokio::test]
async fn a_statement_that_waits_for_a_table_lock_is_waited_for_too() {
    let sandbox = sandbox("fence_statement", PATIENT, "at").await;
    // The statement is stamped when it begins; then it waits behind the lock, and is not a transaction yet.
    let mut lock = sandbox.connection().await;
    execute(&mut lock, "LOCK TABLES t READ").await;
    let mut waiting = sandbox.connection().await;
    execute(&mut waiting, "SET time_zone = '+00:00'").await;
    let insert = tokio::spawn(async move { execute(&mut waiting, "INSERT INTO t (v) VALUES ('late')").await });
    let seen = format!(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{}' AND info LIKE 'INSERT%'",
        sandbox.database
    );
    while sandbox.mysql_number(&seen).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let mut handle = sandbox.engine(BatchLimits::default());
    handle.send(Command::Sync(SyncOrder::manual(Selection::All)));
    let mut waited = false;
    loop {
        match handle.next_event().await.unwrap() {
            Event::FenceAwaited { .. } => {
                waited = true;
                execute(&mut lock, "UNLOCK TABLES").await;
            }
            Event::RunFinished { .. } => break,
            _ => {}
        }
    }
    insert.await.unwrap();
    assert!(waited);
    run(&sandbox, None).await;
    assert_eq!(arrived(&sandbox).await.len(), 2);
}

#[tokio::test]
async fn rows_of_the_last_seconds_wait_with_a_warning_if_the_account_may_not_see_transactions() {
    use sqlx::ConnectOptions;
    let sandbox = sandbox("fence_unseen", "", "at").await;
    let user = format!("u_{}", sandbox.database.rsplit('_').take(2).collect::<Vec<_>>().join("_"));
    let mut root = root_options().connect().await.unwrap();
    for sql in [
        format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'pw-1'"),
        format!("GRANT SELECT ON `{}`.* TO '{user}'@'%'", sandbox.database),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut root).await.unwrap();
    }
    sandbox.sql("INSERT INTO t (v) VALUES ('young')").await;
    let mut command = sandbox.command(&["run-once", "--output", "json"]);
    command.env("MYSQL_USER", &user).env("MYSQL_PASSWORD", "pw-1").env("MYSQL_SSL_MODE", "preferred");
    let report = crate::support::finish(command).await.expect_code(0).mapping("t");
    assert_eq!(arrived(&sandbox).await, ["old"]);
    let held = report["held_back"].as_str().unwrap();
    assert!(held.contains("GRANT PROCESS") && held.contains("next run"), "{held}");
}

#[tokio::test]
async fn rows_younger_than_settle_wait_for_the_next_run() {
    let sandbox = sandbox("settle", "settle: 1h", "at").await;
    sandbox.sql("INSERT INTO t (v, at) VALUES ('young', UTC_TIMESTAMP(6) - INTERVAL 59 MINUTE)").await;
    sandbox.sql("INSERT INTO t (v, at) VALUES ('settled', UTC_TIMESTAMP(6) - INTERVAL 61 MINUTE)").await;
    sandbox.sync().await;
    assert_eq!(arrived(&sandbox).await, ["old", "settled"]);
}
