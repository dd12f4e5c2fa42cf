//! Many mappings: MySQL is asked about all of them together, and the answers equal those for each alone.

use std::process::Command;

use serde_json::Value;

use crate::support::{MariaDb, Ran, Sandbox, finish};

const PLAIN: usize = 12;

fn mapping(table: &str, more: &str) -> String {
    format!(
        "  - {{name: {table}, mysql_table: {table}, bigquery_table: {table}, primary_keys: [id], \
         incremental_column: at, mode: upsert{more}}}\n"
    )
}

fn plain(count: usize) -> String {
    (0..count).map(|number| mapping(&format!("t{number}"), "")).collect()
}

/// The statement for each of the tables that are alike.
fn of_each(statement: &str) -> String {
    (0..PLAIN).map(|number| statement.replace('@', &format!("t{number}"))).collect()
}

/// A server with tables that are alike, and some that are not.
async fn server() -> MariaDb {
    let server = MariaDb::start(&[]).await;
    let columns = "id INT PRIMARY KEY, v VARCHAR(9), at DATETIME NULL, KEY (at)";
    let rows = "VALUES (1, 'a', NOW() - INTERVAL 2 DAY), (2, 'b', NULL)";
    let tables = of_each(&format!("CREATE TABLE @ ({columns}); INSERT INTO @ {rows};"));
    let granted = of_each("GRANT SELECT ON shop.@ TO etl;");
    server
        .sql(&format!(
            "CREATE DATABASE shop; USE shop; {tables} \
             CREATE TABLE slow (id INT PRIMARY KEY, at DATETIME NOT NULL, note JSON); INSERT INTO slow VALUES (1, NOW(), '1'); \
             CREATE TABLE Odd LIKE t0; CREATE TABLE child (id INT PRIMARY KEY, p INT, at DATETIME NOT NULL, KEY (at), \
             FOREIGN KEY (p) REFERENCES t1 (id) ON DELETE SET NULL); CREATE VIEW seen AS SELECT * FROM t2; \
             CREATE TABLE partly LIKE t0; INSERT INTO partly SELECT * FROM t0; CREATE TABLE shut LIKE t0; \
             CREATE USER etl; GRANT PROCESS ON *.* TO etl; GRANT SELECT (id, at) ON shop.partly TO etl; {granted} {}",
            ["slow", "Odd", "child", "seen"].map(|table| format!("GRANT SELECT ON shop.{table} TO etl;")).concat()
        ))
        .await;
    server
}

fn at(sandbox: &Sandbox, server: &MariaDb, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    command.env("MYSQL_PORT", server.port.to_string()).env("MYSQL_PASSWORD", "").env("MYSQL_DATABASE", "shop");
    command.env("MYSQL_USER", "etl");
    command
}

/// The program's output, and the number of statements that the server got.
async fn counted(server: &MariaDb, command: Command) -> (Ran, i64) {
    let questions =
        "SELECT CAST(variable_value AS SIGNED) FROM information_schema.global_status WHERE variable_name = 'QUESTIONS'";
    let before = server.number(questions).await;
    let ran = finish(command).await;
    // This includes one for each question of the test, and at most a few for logging in.
    (ran, server.number(questions).await - before)
}

#[tokio::test]
async fn many_mappings_get_the_same_answers_together_as_alone() {
    let sandbox = Sandbox::new("many_alike").await;
    let server = server().await;
    let odd: String = ["slow", "odd", "child", "seen", "partly", "shut", "gone"].map(|name| mapping(name, "")).concat();
    let some =
        mapping("t3", "").replace("name: t3", "name: some").replace("bigquery_table: t3", "bigquery_table: some");
    let some = some.replace("mode: upsert", "mode: upsert, where: id > 1");
    sandbox.configure("", &format!("{}{odd}{some}", plain(4)));
    let all = finish(at(&sandbox, &server, &["status", "--output", "json"])).await.json();
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 12);
    let checked = finish(at(&sandbox, &server, &["check", "--output", "json"])).await.json();
    for (number, status) in all.iter().enumerate() {
        let name = status["mapping"].as_str().unwrap();
        // A few of the tables that were answered together are enough.
        if (1..3).contains(&number) {
            continue;
        }
        let alone = finish(at(&sandbox, &server, &["status", "--mapping", name, "--output", "json"])).await.json();
        assert_eq!(alone[0], *status);
        let alone = finish(at(&sandbox, &server, &["check", "--mapping", name, "--output", "json"])).await.json();
        let of = |checked: &Value| -> Vec<Value> {
            let lines = checked["checks"].as_array().unwrap();
            lines.iter().filter(|line| line["mapping"] == name).cloned().collect()
        };
        assert!(!of(&checked).is_empty());
        assert_eq!(of(&checked), of(&alone), "{name}");
    }
    let broken: Vec<_> = all.iter().filter(|status| !status["problem"].is_null()).map(|s| &s["mapping"]).collect();
    assert_eq!(broken, ["odd", "shut", "gone"]);
}

#[tokio::test]
async fn twelve_mappings_take_no_more_statements_than_four() {
    let sandbox = Sandbox::new("many_questions").await;
    let server = server().await;
    let mut asked = Vec::new();
    for count in [4, PLAIN] {
        sandbox.configure("", &plain(count));
        let (status, of_status) = counted(&server, at(&sandbox, &server, &["status"])).await;
        let (check, of_check) = counted(&server, at(&sandbox, &server, &["check"])).await;
        assert_eq!((status.code, check.code), (0, 0), "{status:?} {check:?}");
        asked.push((of_status, of_check));
    }
    // With a statement for each table, eight more mappings would be eight more statements. The server itself counts one
    // more now and then, when a connection ends while it is asked.
    let more = (asked[1].0 - asked[0].0, asked[1].1 - asked[0].1);
    assert!(more.0.abs() < 4 && more.1.abs() < 4, "{asked:?}");
    assert!(asked[0].0 < 40, "{asked:?}");
}

#[tokio::test]
async fn a_run_without_new_rows_asks_mysql_little_and_bigquery_nothing() {
    let sandbox = Sandbox::new("many_quiet").await;
    let server = server().await;
    sandbox.configure("allow_schema_additions: true", &plain(PLAIN));
    server.sql(&of_each("DELETE FROM shop.@ WHERE id = 2;")).await;
    let run = |emulator: String| {
        let mut command = at(&sandbox, &server, &["run-once", "--output", "json"]);
        command.env("BIGQUERY_EMULATOR_HOST", emulator);
        command
    };
    for _ in 0..2 {
        finish(run(sandbox.emulator.clone())).await.expect_code(0);
    }
    // Nobody listens at this port.
    let (quiet, questions) = counted(&server, run("127.0.0.1:9".to_owned())).await;
    assert_eq!(quiet.expect_code(0).json()["mappings"].as_array().unwrap().len(), PLAIN);
    let per_mapping = questions / i64::try_from(PLAIN).unwrap();
    assert!(per_mapping <= 14, "{questions} statements for {PLAIN} mappings");

    // The table changes and gets a row: the first look's description is outdated when the row is moved.
    server.sql("ALTER TABLE shop.t5 ADD w INT; INSERT INTO shop.t5 VALUES (3, 'c', NOW() - INTERVAL 1 HOUR, 7)").await;
    let moved = finish(run(sandbox.emulator.clone())).await.expect_code(0);
    assert_eq!(moved.mapping("t5")["records_processed"], 1, "{moved:?}");
    assert_eq!(sandbox.bq_number("SELECT w FROM `{d}.t5` WHERE id = 3").await, 7);
}
