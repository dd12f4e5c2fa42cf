//! A replica shows a transaction only after its commit, with earlier stamps: a look at the replica never sees it open.

use std::process::Command;
use std::time::Duration;

use sqlx::raw_sql;

use crate::support::{MariaDb, Ran, Sandbox, finish};

const MAPPINGS: &str = "\
  - {name: current, mysql_table: o, bigquery_table: current, primary_keys: [id], incremental_column: t, mode: upsert}\n\
  - {name: numbers, mysql_table: o, bigquery_table: numbers, incremental_column: id, mode: append}";

async fn pair() -> (MariaDb, MariaDb) {
    let (primary, replica) = tokio::join!(
        MariaDb::start(&["--server-id=1", "--log-bin", "--binlog-format=ROW"]),
        MariaDb::start(&["--server-id=2"])
    );
    primary
        .sql(
            "CREATE USER repl@'%' IDENTIFIED BY 'repl'; GRANT REPLICATION SLAVE ON *.* TO repl@'%'; CREATE DATABASE shop; \
             CREATE TABLE shop.o (id BIGINT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60), \
             t TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY (t)); INSERT INTO shop.o (v) VALUES ('old')",
        )
        .await;
    let change = format!(
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {}, MASTER_USER = 'repl', MASTER_PASSWORD = 'repl', \
         MASTER_USE_GTID = slave_pos; START SLAVE",
        primary.port
    );
    replica.sql(&change).await;
    (primary, replica)
}

/// Waits until the replica has this many rows.
async fn replicated(replica: &MariaDb, rows: i64) {
    let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'shop'";
    while replica.number(tables).await == 0 || replica.number("SELECT COUNT(*) FROM shop.o").await < rows {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn at(sandbox: &Sandbox, server: &MariaDb, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    command.env("MYSQL_PORT", server.port.to_string()).env("MYSQL_PASSWORD", "").env("MYSQL_DATABASE", "shop");
    command
}

async fn run(sandbox: &Sandbox, server: &MariaDb) -> Ran {
    finish(at(sandbox, server, &["run-once", "--output", "json"])).await.expect_code(0)
}

#[tokio::test]
async fn a_transaction_open_at_the_primary_loses_no_row_on_the_replica() {
    let sandbox = Sandbox::new("replica").await;
    sandbox.configure("", MAPPINGS);
    let (primary, replica) = pair().await;
    let mut late = primary.connection().await;
    raw_sql("USE shop; START TRANSACTION; INSERT INTO o (v) VALUES ('late')").execute(&mut late).await.unwrap();
    primary.sql("INSERT INTO shop.o (v) VALUES ('after')").await;
    replicated(&replica, 2).await;
    run(&sandbox, &replica).await;
    raw_sql("COMMIT").execute(&mut late).await.unwrap();
    replicated(&replica, 3).await;
    let ran = run(&sandbox, &replica).await;
    for target in ["current", "numbers"] {
        let arrived = sandbox.bq(&format!("SELECT v FROM `{{d}}.{target}` ORDER BY id")).await;
        let values: Vec<_> = arrived.into_iter().map(|mut row| row.remove(0).unwrap()).collect();
        assert_eq!(values, ["old", "late", "after"], "{target}");
        assert_eq!(ran.mapping(target)["rows_late"], 1, "{target}");
    }
    let checked = finish(at(&sandbox, &replica, &["check", "--output", "json"])).await.json();
    let fence = checked["checks"].as_array().unwrap().iter().find(|line| line["check"] == "mysql_process").unwrap();
    assert!(fence["status"] == "warn" && fence["message"].as_str().unwrap().contains("replica"), "{fence}");
}
