//! `where`: a mapping for some of its table's rows, in everything that reads them.

use serde_json::{Value, json};

use crate::support::{Sandbox, rows};

/// The table of the test that looks into the server's log, which also contains other tests' statements.
const LOGGED: &str = "logged";

const FILTER: &str = "tenant_id <> 7 OR v = 'kept'";

fn of(table: &str, name: &str, filter: &str, rest: &str) -> String {
    format!("  - {{name: {name}, mysql_table: {table}, bigquery_table: {name}, where: \"{filter}\", {rest}}}\n")
}

fn mapping(name: &str, filter: &str, rest: &str) -> String {
    of("sieved", name, filter, rest)
}

const UPSERT: &str = "primary_keys: [id], incremental_column: at, mode: upsert, deletes: hard, max_delete_fraction: 1";

/// Forty rows, of which every fourth belongs to tenant 7; one of these is kept.
async fn forty(name: &str, table: &str, mappings: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("window_rows: 10\n", mappings);
    let row = |id: i64| {
        format!(
            "({id}, {}, '{}', '2026-01-01' + INTERVAL {id} SECOND)",
            4 + id % 4,
            if id == 3 { "kept" } else { "row" }
        )
    };
    let all: Vec<_> = (1..=40).map(row).collect();
    let columns = "(id INT PRIMARY KEY, tenant_id INT, v VARCHAR(20), at DATETIME, KEY (at))";
    sandbox.sql(&format!("CREATE TABLE {table} {columns}; INSERT INTO {table} VALUES {}", all.join(","))).await;
    sandbox
}

async fn verified(sandbox: &Sandbox, code: i32) -> Value {
    sandbox.run(&["verify", "--mapping", "upserted", "--output", "json"]).await.expect_code(code).json()["mappings"][0]
        .clone()
}

async fn count(sandbox: &Sandbox, table: &str) -> i64 {
    sandbox.bq_number(&format!("SELECT COUNT(*) FROM `{{d}}.{table}`")).await
}

/// The statements about the table's rows that MySQL got during `work`.
async fn statements(sandbox: &Sandbox, work: impl Future<Output = ()>) -> Vec<String> {
    sandbox.sql("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON").await;
    work.await;
    sandbox.sql("SET GLOBAL general_log = OFF; SET GLOBAL log_output = 'FILE'").await;
    let log = "SELECT DISTINCT CONVERT(argument USING utf8mb4) FROM mysql.general_log \
               WHERE command_type IN ('Prepare', 'Execute', 'Query') AND argument LIKE '%FROM `logged`%'";
    let said = sandbox.mysql(log).await.into_iter().filter_map(|row| row[0].clone());
    // The question whether the table can be read reads no row of it.
    said.filter(|sql| !sql.contains("LIMIT 0")).collect()
}

#[tokio::test]
async fn every_statement_that_reads_rows_has_the_filter() {
    let mappings = [
        of(LOGGED, "upserted", FILTER, &format!("{UPSERT}, lookback: 10s")),
        of(LOGGED, "appended", FILTER, "primary_keys: [id], incremental_column: id, mode: append"),
        of(LOGGED, "keyless", FILTER, "incremental_column: at, mode: append"),
        of(LOGGED, "replaced", FILTER, "mode: replace"),
        of(LOGGED, "mirrored", FILTER, "primary_keys: [id], mode: mirror, deletes: hard, max_delete_fraction: 1"),
        of(LOGGED, "tailed", FILTER, "primary_keys: [id], incremental_column: at, mode: upsert"),
    ];
    let sandbox = forty("filter", LOGGED, &mappings.concat()).await;
    let work = async {
        sandbox.run(&["check"]).await.expect_code(0);
        sandbox.sync().await;
        for table in ["upserted", "appended", "keyless", "replaced", "mirrored", "tailed"] {
            assert_eq!(count(&sandbox, table).await, 31, "{table}");
        }
        // A row leaves, one comes, one comes late, and rows are damaged in BigQuery.
        sandbox
            .sql(
                "UPDATE logged SET tenant_id = 7, at = '2026-01-02' WHERE id = 1; \
                 UPDATE logged SET tenant_id = 1, at = '2026-01-02' WHERE id = 7; \
                 INSERT INTO logged VALUES (41, 1, 'late', '2026-01-01 00:00:35'), (42, 7, 'late', '2026-01-01 00:00:36')",
            )
            .await;
        sandbox.sync().await;
        for table in ["replaced", "mirrored"] {
            assert_eq!(count(&sandbox, table).await, 32, "{table}");
        }
        assert_eq!(verified(&sandbox, 1).await["only_in_bigquery"], 1, "the row that left counts as gone");
        let backfill = ["backfill", "--mapping", "upserted", "--start", "2026-01-01"];
        sandbox.run(&[&backfill[..], &["--dry-run"]].concat()).await.expect_code(0);
        sandbox.run(&backfill).await.expect_code(0);
        sandbox.run(&["deletes", "--mapping", "upserted"]).await.expect_code(0);
        assert_eq!(verified(&sandbox, 0).await["outcome"], "equal");
        sandbox.bq_run("DELETE FROM `{d}.upserted` WHERE id IN (3, 5, 6)").await;
        sandbox.run(&["verify", "--mapping", "upserted", "--repair"]).await.expect_code(0);
        sandbox.run(&["status"]).await.expect_code(0);
    };
    let said = statements(&sandbox, work).await;
    assert!(said.len() > 20, "{said:#?}");
    let without: Vec<_> = said.iter().filter(|sql| !sql.contains(&format!("({FILTER})"))).collect();
    assert!(without.is_empty(), "{without:#?}");
    for part in
        ["MAX(", "ORDER BY `at` DESC", "OFFSET", "EXPLAIN", "CRC32", "SUM(CAST(CONV(", "FORCE INDEX", " IN (", "MIN("]
    {
        let found = said.iter().any(|sql| sql.contains(part));
        assert!(found, "no statement with {part} was seen: {said:#?}");
    }
    let ids = "SELECT CAST(id AS STRING) FROM `{d}.upserted` WHERE id IN (1, 3, 7, 11, 41, 42) ORDER BY id";
    assert_eq!(sandbox.bq(ids).await, rows(&[&["3"], &["7"], &["41"]]));
}

#[tokio::test]
async fn a_changed_filter_is_reported_until_both_sides_are_equal_again() {
    let sandbox = forty("filter_changed", "sieved", &mapping("upserted", FILTER, UPSERT)).await;
    let warnings = async || sandbox.sync().await.mapping("upserted")["warnings"].clone();
    assert_eq!(warnings().await, json!([]));
    sandbox.configure("", &mapping("upserted", "tenant_id <> 5", UPSERT));
    for _ in 0..2 {
        let told = warnings().await.to_string();
        assert!(told.contains("`where` has changed since") && told.contains("--repair"), "{told}");
    }
    let check = sandbox.run(&["check", "--output", "json"]).await.expect_code(0).json();
    let of_filter: Vec<_> =
        check["checks"].as_array().unwrap().iter().filter(|line| line["check"] == "where").collect();
    assert_eq!(of_filter.iter().map(|line| &line["status"]).collect::<Vec<_>>(), ["ok", "warn"], "{of_filter:?}");
    sandbox.run(&["verify", "--repair"]).await.expect_code(0);
    assert_eq!(count(&sandbox, "upserted").await, 30);
    assert_eq!(warnings().await, json!([]));
    let state = sandbox.read("state/state.json");
    assert!(!state.contains("tenant_id <>"), "{state}");
}

#[tokio::test]
async fn a_check_reports_a_filter_that_mysql_refuses() {
    let sandbox = forty("filter_wrong", "sieved", &mapping("upserted", "tenant <> 7", UPSERT)).await;
    let ran = sandbox.run(&["check"]).await.expect_code(1);
    assert!(
        ran.stdout.contains("MySQL does not take `where`") && ran.stdout.contains("Unknown column 'tenant'"),
        "{ran:?}"
    );
    sandbox.configure("", &mapping("upserted", "1 = 0", UPSERT));
    let ran = sandbox.run(&["check"]).await.expect_code(0);
    assert!(ran.stdout.contains("no row of sieved can match `where`"), "{ran:?}");
    sandbox.configure("", &mapping("upserted", "1=1) OR (1=1", UPSERT));
    let ran = sandbox.run(&["check"]).await.expect_code(2);
    assert!(ran.stderr.contains("closes a parenthesis that it has not opened"), "{ran:?}");
}
