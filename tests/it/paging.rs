//! Pages and batches: a few rows meet every boundary.

use bigquery_syncer::engine::Event;

use crate::support::{Sandbox, TINY, is_mysql};

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
async fn a_table_without_an_index_is_read_in_one_pass_with_a_warning() {
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
async fn rows_without_a_cursor_value_are_reported() {
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

/// Loads half of the keys in one run (pages in the primary key's order) and half in another (in the cursor's order).
async fn pages_over(name: &str, ddl: &str, keys: &[String]) {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", &mapping("k", "at"));
    sandbox.sql(&format!("CREATE TABLE t (k {ddl}, at DATE NOT NULL, v INT, PRIMARY KEY (k), KEY (at))")).await;
    let half = keys.len() / 2;
    for (day, keys) in [(1, &keys[..half]), (2, &keys[half..])] {
        let values: Vec<String> =
            keys.iter().enumerate().map(|(v, key)| format!("({key}, '2026-01-0{day}', {v})")).collect();
        sandbox.sql(&format!("INSERT INTO t VALUES {}", values.join(","))).await;
        let (_, report) = sandbox.run_engine(TINY).await;
        // The upsert would hide a page that overlaps another, so the rows are counted.
        assert_eq!(report.mappings[0].records_processed, keys.len() as u64, "{ddl}: {report:?}");
    }
    same_rows(&sandbox, i64::try_from(keys.len()).unwrap()).await;
}

/// 26 keys without an order.
fn keys(key: impl Fn(usize) -> String) -> Vec<String> {
    (0..26).map(|n| key(n * 11 % 26)).collect()
}

#[tokio::test]
async fn keys_compared_by_a_collation_page_too() {
    pages_over("bytes", "BINARY(4)", &keys(|n| format!("x'{:02X}0020{n:02X}'", 255 - n * 9))).await;
    // 0000 lies before 1901.
    pages_over("years", "YEAR", &keys(|n| if n == 0 { "0".into() } else { (1900 + n * 10).to_string() })).await;
    let letters: Vec<char> = "aäbcçdeéfghijklmnñoöpqrstu".chars().collect();
    let latin1 = "VARCHAR(9) CHARACTER SET latin1 COLLATE latin1_bin";
    pages_over("latin", latin1, &keys(|n| format!("'{}?'", letters[n]))).await;
}

#[tokio::test]
async fn char_keys_that_are_stored_padded_page_too() {
    // MySQL's own collations are NO PAD by default, but compare stripped values.
    let collation = if is_mysql().await { "utf8mb4_0900_bin" } else { "utf8mb4_nopad_bin" };
    let ddl = format!("CHAR(6) CHARACTER SET utf8mb4 COLLATE {collation}");
    // A tab sorts before the blank that pads.
    let key = |n: usize| {
        let letter = char::from(b"abcdefghijklm"[n / 2]);
        format!("'{letter}{}'", if n.is_multiple_of(2) { "" } else { "\\t" })
    };
    pages_over("nopad", &ddl, &keys(key)).await;
}

#[tokio::test]
async fn uuid_keys_page_in_the_servers_own_order() {
    if !is_mysql().await {
        let key = |n: usize| format!("'{:08x}-{n:04x}-4{:03x}-8000-{:012x}'", n * 7919, n * 31, 26 - n);
        pages_over("uuids", "UUID", &keys(key)).await;
    }
}
