//! Every way in which a row may be stamped before a run chooses its end and become visible only after it, for every
//! fence that a server and an account allow.

use std::time::Duration;

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, ConnectOptions};
use tokio::task::JoinSet;

use crate::support::{Ran, Sandbox, finish, is_mysql, root_options};

const MAPPING: &str =
    "  - {name: o, mysql_table: o, bigquery_table: o, primary_keys: [id], incremental_column: t, mode: upsert}";

/// Longer than any writer of another test: a session that waits for a lock, or is prepared, may write to every table.
const PATIENT: &str = "fence_timeout: 60s";

const ROWS: &str = "SELECT CAST(id AS CHAR), v FROM o ORDER BY id";
const ARRIVED: &str = "SELECT CAST(id AS STRING), v FROM `{d}.o` ORDER BY id";

/// What the account of the run may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Everything: metadata locks, if the server records them.
    Everything,
    /// InnoDB's transactions and running statements.
    Transactions,
    /// Only its own connections.
    Nothing,
}

async fn execute(connection: &mut MySqlConnection, sql: impl Into<String>) {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await.unwrap();
}

/// A table `o` as in an application, a table whose trigger writes to it, and routines that write to it.
async fn shop(name: &str, settings: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure(settings, MAPPING);
    sandbox
        .sql(
            "CREATE TABLE o (id BIGINT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60), \
             t TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY (t)); \
             CREATE TABLE p (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60)); \
             CREATE VIEW w AS SELECT * FROM o; \
             SET GLOBAL event_scheduler = ON, GLOBAL log_bin_trust_function_creators = 1; \
             INSERT INTO o (v) VALUES ('old'), ('changes')",
        )
        .await;
    let mut connection = sandbox.connection().await;
    for routine in [
        "CREATE PROCEDURE pr() BEGIN INSERT INTO o (v) VALUES (CONCAT('procedure ', SLEEP(2))); END",
        "CREATE FUNCTION f() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN \
         INSERT INTO o (v) VALUES (CONCAT('function ', SLEEP(2))); RETURN 1; END",
        "CREATE FUNCTION g() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN \
         INSERT INTO o (v) VALUES (CONCAT('set ', SLEEP(2))); RETURN 1; END",
        "CREATE TRIGGER tr AFTER INSERT ON p FOR EACH ROW INSERT INTO o (v) VALUES (CONCAT('trigger ', SLEEP(2)))",
    ] {
        execute(&mut connection, routine).await;
    }
    sandbox
}

/// Statements that stamp a row when they begin and make it visible two seconds later.
async fn statements() -> Vec<&'static str> {
    let mut all = vec![
        "/* app:shop */ INSERT INTO o (v) VALUES (CONCAT('comment ', SLEEP(2)))",
        "-- app\nINSERT INTO o (v) VALUES (CONCAT('dashes ', SLEEP(2)))",
        "# app\nINSERT INTO o (v) VALUES (CONCAT('hash ', SLEEP(2)))",
        "/*!50000 INSERT INTO o (v) VALUES (CONCAT('code ', SLEEP(2))) */",
        "REPLACE INTO o (id, v) SELECT 900, CONCAT('replace ', SLEEP(2))",
        "INSERT INTO w (v) VALUES (CONCAT('view ', SLEEP(2)))",
        "INSERT INTO o (v) WITH c AS (SELECT SLEEP(2) AS s) SELECT CONCAT('with ', s) FROM c",
        "UPDATE o SET v = CONCAT('changed ', SLEEP(2)), t = NOW(6) WHERE id = 2",
        "INSERT INTO p (v) VALUES ('x')",
        "CALL pr()",
        "SELECT f()",
        "SET @x = g()",
        "PREPARE s FROM 'INSERT INTO o (v) VALUES (CONCAT(''prepared '', SLEEP(2)))'; EXECUTE s",
        "START TRANSACTION; INSERT INTO o (v) VALUES ('transaction'); DO SLEEP(2); COMMIT",
        "SET autocommit = 0; INSERT INTO o (v) VALUES ('implicit'); DO SLEEP(2); COMMIT",
        "START TRANSACTION; SELECT COUNT(*) FROM o FOR UPDATE SKIP LOCKED; \
         INSERT INTO o (v) VALUES (CONCAT('after a lock ', SLEEP(2))); DO SLEEP(1); COMMIT",
    ];
    if is_mysql().await {
        all.push(
            "WITH c AS (SELECT SLEEP(2) AS s) UPDATE o JOIN c SET o.v = CONCAT('cte ', s), t = NOW(6) WHERE id = 1",
        );
    } else {
        all.push("BEGIN NOT ATOMIC INSERT INTO o (v) VALUES (CONCAT('block ', SLEEP(2))); END");
        all.push("SET STATEMENT max_statement_time = 60 FOR INSERT INTO o (v) VALUES (CONCAT('setting ', SLEEP(2)))");
    }
    all
}

/// Begins all of them, each on its own connection; every one has been stamped when this returns.
async fn begin(sandbox: &Sandbox) -> JoinSet<()> {
    let mut writers = JoinSet::new();
    let name = sandbox.database.clone();
    for statement in statements().await {
        let mut connection = sandbox.connection().await;
        execute(&mut connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await;
        writers.spawn(async move { execute(&mut connection, statement).await });
    }
    let mut bound = sandbox.connection().await;
    // Through the binary protocol.
    writers.spawn(async move {
        let insert = sqlx::query("INSERT INTO o (v) VALUES (CONCAT(?, SLEEP(2)))").bind("bound ");
        insert.execute(&mut bound).await.unwrap();
    });
    let mut prepared = sandbox.connection().await;
    writers.spawn(async move {
        execute(&mut prepared, format!("XA START '{name}'; INSERT INTO o (v) VALUES ('xa')")).await;
        execute(&mut prepared, format!("XA END '{name}'; XA PREPARE '{name}'")).await;
        drop(prepared);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut other = root_options().connect().await.unwrap();
        execute(&mut other, format!("XA COMMIT '{name}'")).await;
    });
    let event =
        "CREATE EVENT ev ON SCHEDULE AT CURRENT_TIMESTAMP DO INSERT INTO o (v) VALUES (CONCAT('event ', SLEEP(2)))";
    execute(&mut sandbox.connection().await, event).await;
    // A statement is stamped within milliseconds of being sent, and its row is invisible for two seconds.
    tokio::time::sleep(Duration::from_millis(400)).await;
    writers
}

/// Runs as an account with this sight, which is created for the sandbox.
async fn run_as(sandbox: &Sandbox, sight: Sight) -> Ran {
    let mut command = sandbox.command(&["run-once", "--output", "json"]);
    if sight != Sight::Everything {
        let user = format!("w_{}", sandbox.database.rsplit('_').take(2).collect::<Vec<_>>().join("_"));
        let mut root = root_options().connect().await.unwrap();
        let process =
            if sight == Sight::Transactions { format!("GRANT PROCESS ON *.* TO '{user}'@'%'") } else { "DO 1".into() };
        for sql in [
            format!("CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY 'pw-1'"),
            format!("GRANT SELECT ON `{}`.* TO '{user}'@'%'", sandbox.database),
            process,
        ] {
            execute(&mut root, sql).await;
        }
        command.env("MYSQL_USER", &user).env("MYSQL_PASSWORD", "pw-1").env("MYSQL_SSL_MODE", "preferred");
    }
    finish(command).await.expect_code(0)
}

async fn same_on_both_sides(sandbox: &Sandbox, why: &str) {
    assert_eq!(sandbox.bq(ARRIVED).await, sandbox.mysql(ROWS).await, "{why}");
}

/// Reads InnoDB's list of transactions so often that it is never fresh.
async fn poll() -> tokio::task::JoinHandle<()> {
    let mut monitor = root_options().connect().await.unwrap();
    tokio::spawn(async move {
        loop {
            execute(&mut monitor, "SELECT COUNT(*) FROM information_schema.innodb_trx").await;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    })
}

async fn nothing_is_lost(sight: Sight, settings: &str) -> serde_json::Value {
    let sandbox = shop("writers", settings).await;
    run_as(&sandbox, sight).await;
    let monitor = poll().await;
    let writers = begin(&sandbox).await;
    sandbox.sql("INSERT INTO o (v) VALUES ('after')").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    run_as(&sandbox, sight).await;
    writers.join_all().await;
    // The event has no connection of its own.
    while sandbox.mysql_number("SELECT COUNT(*) FROM o WHERE v LIKE 'event%'").await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    monitor.abort();
    let last = run_as(&sandbox, sight).await;
    same_on_both_sides(&sandbox, &format!("{sight:?}")).await;
    last.mapping("o")
}

#[tokio::test]
async fn rows_of_open_writers_are_waited_for_by_the_locks_on_their_table() {
    let report = nothing_is_lost(Sight::Everything, "").await;
    assert_eq!(report["rows_late"], 0, "{report}");
}

#[tokio::test]
async fn rows_of_open_writers_are_waited_for_by_an_account_that_sees_only_transactions() {
    let report = nothing_is_lost(Sight::Transactions, "").await;
    assert_eq!(report["rows_late"], 0, "{report}");
}

#[tokio::test]
async fn rows_of_unseen_writers_are_found_below_the_watermark() {
    nothing_is_lost(Sight::Nothing, "settle: 0s").await;
}

#[tokio::test]
async fn a_row_of_an_unseen_writer_is_counted_as_late() {
    let sandbox = shop("unseen", "settle: 0s").await;
    let mut late = sandbox.connection().await;
    execute(&mut late, "START TRANSACTION; INSERT INTO o (v) VALUES ('late')").await;
    sandbox.sql("INSERT INTO o (v) VALUES ('after')").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    run_as(&sandbox, Sight::Nothing).await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.o`").await, 3);
    execute(&mut late, "COMMIT").await;
    let report = run_as(&sandbox, Sight::Nothing).await.mapping("o");
    assert_eq!(report["rows_late"], 1, "{report}");
    same_on_both_sides(&sandbox, "the row came late").await;
}

#[tokio::test]
async fn a_long_reading_statement_is_not_waited_for() {
    for sight in [Sight::Everything, Sight::Transactions] {
        let sandbox = shop("reader", "").await;
        let mut reader = sandbox.connection().await;
        let reads = tokio::spawn(async move {
            let long = "with c as (select 1 as x) select sleep(40) from c, (select count(*) from o) as n";
            let _ = sqlx::raw_sql(long).execute(&mut reader).await;
        });
        let seen = format!(
            "SELECT COALESCE(MAX(id), 0) FROM information_schema.processlist WHERE db = '{}' AND info LIKE 'with c%'",
            sandbox.database
        );
        let mut thread = 0;
        while thread == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            thread = sandbox.mysql_number(&seen).await;
        }
        run_as(&sandbox, sight).await;
        assert_eq!(sandbox.mysql_number(&seen).await, thread, "{sight:?}: the run waited for it");
        same_on_both_sides(&sandbox, &format!("{sight:?}")).await;
        sandbox.sql(&format!("KILL {thread}")).await;
        reads.abort();
    }
}

#[tokio::test]
async fn a_long_transaction_on_another_table_is_not_waited_for_if_locks_can_be_seen() {
    let sandbox = shop("elsewhere", PATIENT).await;
    let sees = sandbox.mysql_number("SELECT @@performance_schema").await;
    if sees == 0 {
        return;
    }
    let mut other = sandbox.connection().await;
    execute(&mut other, "CREATE TABLE q (id INT); START TRANSACTION; INSERT INTO q VALUES (1); SELECT COUNT(*) FROM o")
        .await;
    let report = run_as(&sandbox, Sight::Everything).await.mapping("o");
    assert_eq!(report["held_back"], serde_json::Value::Null);
    same_on_both_sides(&sandbox, "the transaction wrote another table").await;
    execute(&mut other, "INSERT INTO o (v) VALUES ('late')").await;
    sandbox.sql("INSERT INTO o (v) VALUES ('after')").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    sandbox.configure("fence_timeout: 0s", MAPPING);
    let held = run_as(&sandbox, Sight::Everything).await.mapping("o");
    assert!(held["held_back"].as_str().unwrap().contains("KILL"), "{held}");
    execute(&mut other, "COMMIT").await;
    sandbox.configure(PATIENT, MAPPING);
    run_as(&sandbox, Sight::Everything).await;
    same_on_both_sides(&sandbox, "and then this one").await;
}
