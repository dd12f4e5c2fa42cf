//! Pages and batches: every boundary met with a few rows.

use bigquery_syncer::engine::Event;

use crate::support::{Sandbox, TINY};

fn mapping(keys: &str, cursor: &str) -> String {
    format!(
        "  - {{name: t, mysql_table: t, bigquery_table: t, primary_keys: [{keys}], incremental_column: {cursor}, mode: upsert}}"
    )
}

async fn same_rows(sandbox: &Sandbox, expected: i64) {
    assert_eq!(sandbox.mysql_number("SELECT COUNT(*) FROM t").await, expected);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, expected);
    let query = |table: &str| format!("SELECT CAST(SUM(v) AS CHAR) FROM {table}");
    let theirs = sandbox.mysql(&query("t")).await;
    let ours = sandbox.bq("SELECT CAST(SUM(v) AS STRING) FROM `{d}.t`").await;
    assert_eq!(theirs, ours);
}

#[tokio::test]
async fn ties_on_the_cursor_across_page_boundaries_lose_nothing() {
    let sandbox = Sandbox::new("ties").await;
    sandbox.configure("", &mapping("id", "at"));
    // 23 rows share one moment; pages hold 5, batches 3.
    let values: Vec<String> = (1..=40)
        .map(|id| format!("({id}, '2026-01-01 00:00:{:02}', {id})", if (6..=28).contains(&id) { 30 } else { id }))
        .collect();
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, at DATETIME NOT NULL, v INT, KEY (at))").await;
    sandbox.sql(&format!("INSERT INTO t VALUES {}", values.join(","))).await;
    let (_, report) = sandbox.run_engine(TINY).await;
    assert_eq!(report.mappings[0].records_processed, 40, "{report:?}");
    same_rows(&sandbox, 40).await;
}

#[tokio::test]
async fn composite_text_keys_page_in_the_servers_own_order() {
    let sandbox = Sandbox::new("textpages").await;
    sandbox.configure("", &mapping("a, b", "at"));
    sandbox
        .sql(
            "CREATE TABLE t (a VARCHAR(10), b DECIMAL(6,2), at DATE NOT NULL, v INT, PRIMARY KEY (a, b), KEY (at)) \
             COLLATE utf8mb4_unicode_ci",
        )
        .await;
    let letters = ["a", "B", "ä", "Z", "é", "ß", "中", "x y", "'", "-"];
    let values: Vec<String> = letters
        .iter()
        .flat_map(|l| (0..3).map(move |n| format!("('{}', {n}.5, '2026-01-01', {n})", l.replace('\'', "''"))))
        .collect();
    sandbox.sql(&format!("INSERT IGNORE INTO t VALUES {}", values.join(","))).await;
    let total = sandbox.mysql_number("SELECT COUNT(*) FROM t").await;
    sandbox.run_engine(TINY).await;
    same_rows(&sandbox, total).await;
}

#[tokio::test]
async fn unsigned_cursors_beyond_the_signed_range_page_too() {
    let sandbox = Sandbox::new("unsigned").await;
    sandbox.configure("", &mapping("id", "id"));
    let values: Vec<String> = (0..12).map(|n| format!("({}, {n})", u64::MAX - 20 + n)).collect();
    sandbox.sql("CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, v INT)").await;
    sandbox.sql(&format!("INSERT INTO t VALUES {}", values.join(","))).await;
    let (_, report) = sandbox.run_engine(TINY).await;
    assert_eq!(report.mappings[0].watermark_after.as_deref(), Some((u64::MAX - 9).to_string().as_str()), "{report:?}");
    same_rows(&sandbox, 12).await;
}

#[tokio::test]
async fn without_an_index_one_pass_brings_everything_and_says_so() {
    let sandbox = Sandbox::new("noindex").await;
    sandbox.configure("", &mapping("id", "at"));
    let values: Vec<String> = (1..=20).map(|id| format!("({id}, '2026-01-01 00:00:{id:02}', {id})")).collect();
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, at DATETIME NOT NULL, v INT)").await;
    sandbox.sql(&format!("INSERT INTO t VALUES {}", values.join(","))).await;
    let (events, report) = sandbox.run_engine(TINY).await;
    same_rows(&sandbox, 20).await;
    assert!(report.mappings[0].warnings.iter().any(|w| w.contains("CREATE INDEX")), "{report:?}");
    assert!(events.iter().any(|e| matches!(e, Event::WatermarkAdvanced { to, .. } if to == "2026-01-01 00:00:20")));
}

#[tokio::test]
async fn keys_that_are_not_unique_at_the_source_lose_no_cursor_tie() {
    let sandbox = Sandbox::new("dupkeys").await;
    sandbox.configure("", &mapping("k", "at").replace("upsert", "append"));
    let values: Vec<String> = (1..=20).map(|v| format!("(1, '2026-01-01', {v})")).collect();
    sandbox.sql("CREATE TABLE t (k INT NOT NULL, at DATE NOT NULL, v INT, KEY (at))").await;
    sandbox.sql(&format!("INSERT INTO t VALUES {}", values.join(","))).await;
    sandbox.run_engine(TINY).await;
    same_rows(&sandbox, 20).await;
}

#[tokio::test]
async fn rows_without_a_cursor_value_are_told_of() {
    let sandbox = Sandbox::new("nullcursor").await;
    sandbox.configure("", &mapping("id", "at"));
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, at DATETIME NULL, v INT, KEY (at)); \
             INSERT INTO t VALUES (1, '2026-01-01', 1), (2, NULL, 2)",
        )
        .await;
    let (_, report) = sandbox.run_engine(TINY).await;
    assert_eq!(report.mappings[0].records_processed, 1);
    assert!(report.mappings[0].warnings.iter().any(|w| w.contains("NULL")), "{report:?}");
}
