//! `bqsync verify`: both servers write every row alike, and differences are found by their keys.

use serde_json::{Value, json};

use crate::support::{QueryProxy, Ran, Sandbox, finish, is_mysql};
use crate::types::{MAPPING, cases, filled};

const UPSERT: &str =
    "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: at, mode: upsert}";

async fn verify(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.run(&[&["verify", "--output", "json"], more].concat()).await
}

/// The result of the only mapping.
fn result(ran: &Ran) -> Value {
    let mut all = ran.json()["mappings"].as_array().unwrap().clone();
    assert_eq!(all.len(), 1, "{ran:?}");
    all.remove(0)
}

async fn equal(sandbox: &Sandbox) -> Value {
    let result = result(&verify(sandbox, &[]).await.expect_code(0));
    assert_eq!(result["outcome"], "equal", "{result}");
    result
}

/// The keys that differ, as `kind key`, in order.
async fn different(sandbox: &Sandbox) -> Vec<String> {
    let result = result(&verify(sandbox, &["--keys", "1000"]).await.expect_code(1));
    assert_eq!(result["outcome"], "different", "{result}");
    let shown = |difference: &Value| {
        let key: Vec<_> = difference["key"].as_array().unwrap().iter().map(|v| v.as_str().unwrap_or("NULL")).collect();
        format!("{} {}", difference["kind"].as_str().unwrap(), key.join(","))
    };
    let mut all: Vec<_> = result["differences"].as_array().unwrap().iter().map(shown).collect();
    all.sort();
    all
}

/// 3,000 rows that were synced.
async fn three_thousand(name: &str, id: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", UPSERT);
    sandbox
        .sql(&format!(
            "CREATE TABLE n (i INT); INSERT INTO n VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9); \
             CREATE TABLE t (id {id} PRIMARY KEY, v VARCHAR(20), at DATETIME NOT NULL, KEY (at)); \
             INSERT INTO t SELECT i, CONCAT('row ', i), '2026-01-01' + INTERVAL i SECOND FROM (SELECT 1 + a.i + \
             b.i * 10 + c.i * 100 + d.i * 1000 AS i FROM n a, n b, n c, n d WHERE d.i < 3) s"
        ))
        .await;
    sandbox.sync().await;
    sandbox
}

#[tokio::test]
async fn every_type_is_compared_alike_on_both_sides_and_no_column_is_forgotten() {
    let cases = cases();
    let sandbox = filled("verify_types", &cases).await;
    // A row for each column, in which only that column has a value.
    for (i, case) in cases.iter().enumerate() {
        sandbox.sql(&format!("INSERT INTO t (id, c{i}) VALUES ({}, {})", 1000 + i, case.values[0])).await;
    }
    sandbox.sync().await;
    let told = equal(&sandbox).await;
    assert_eq!(told["not_compared"], json!([]));
    assert_eq!(told["rows_in_mysql"], told["rows_in_bigquery"]);
    for i in 0..cases.len() {
        sandbox.bq_run(&format!("UPDATE `{{d}}.t` SET c{i} = NULL WHERE id = {}", 1000 + i)).await;
    }
    let mut expected: Vec<_> = (0..cases.len()).map(|i| format!("differs {}", 1000 + i)).collect();
    expected.sort();
    assert_eq!(different(&sandbox).await, expected);
}

#[tokio::test]
async fn overridden_types_zones_and_values_that_became_null_are_not_differences() {
    let sandbox = Sandbox::new("verify_bent").await;
    sandbox.configure(
        "default_timezone: America/New_York\nempty_string_as_null: true",
        &MAPPING.replace(
            "mode: upsert",
            "mode: upsert, columns: {wall: DATETIME, flag: BOOL, tm: TIME, b: STRING, big: STRING, s: BYTES, i: \
             BIGNUMERIC, dt: STRING, dd: DATETIME, small: INT64, f: FLOAT64}",
        ),
    );
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, wall DATETIME(6), flag TINYINT(1), tm TIME(3), b VARBINARY(10), \
             big BIGINT UNSIGNED, s VARCHAR(9) CHARACTER SET cp932, i INT UNSIGNED, dt DATETIME(3), dd DATE, \
             small BIGINT UNSIGNED, f SMALLINT, local DATETIME(6), d DATE, ts TIMESTAMP(6) NULL, e VARCHAR(20), \
             long_text TEXT, en ENUM('', 'a')); \
             INSERT INTO t VALUES (1, '2026-01-02 03:04:05.678901', 1, '23:59:59.999', 'ok', 18446744073709551615, \
             x'8790', 7, '2026-01-02 03:04:05.678', '2026-01-02', 9223372036854775808, -3, '2026-07-01 12:00:00.125', \
             '2024-02-29', '2026-01-01 00:00:00.000001', '', '', ''), \
             (2, '2024-02-31 10:00:00', 2, '25:00:00', '', 0, '', 0, '0000-00-00', '0000-00-00', 1, 0, \
             '9999-12-31 23:59:59', '2024-02-31', '0000-00-00 00:00:00', ' ', ' ', 'a'), \
             (3, '1969-12-31 23:59:59.5', 0, '-01:00:00', 'x', 1, 'abc', 1, '1000-01-01', '9999-12-31', 0, 1, \
             '2026-11-01 01:30:00', '0000-00-00', NULL, 'é', 'é', NULL), \
             (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '0000-00-00', NULL, NULL, NULL, NULL, \
             NULL)",
        )
        .await;
    sandbox.sync().await;
    let told = equal(&sandbox).await;
    assert_eq!((&told["rows_in_mysql"], &told["not_compared"]), (&json!(4), &json!([])));
}

#[tokio::test]
async fn columns_that_cannot_be_compared_are_named() {
    let sandbox = Sandbox::new("verify_out").await;
    sandbox.configure("", &MAPPING.replace("mode: upsert", "mode: upsert, columns: {j: JSON}"));
    sandbox
        .sql("CREATE TABLE t (id INT PRIMARY KEY, p POINT, j JSON, v INT); INSERT INTO t VALUES (1, NULL, '{}', 2)")
        .await;
    sandbox.sync().await;
    sandbox.sql("ALTER TABLE t ADD later INT").await;
    assert_eq!(equal(&sandbox).await["not_compared"], json!(["p", "j", "later"]));
}

#[tokio::test]
async fn changed_missing_extra_and_doubled_rows_are_found_by_key_and_not_logged() {
    let sandbox = three_thousand("verify_find", "INT").await;
    equal(&sandbox).await;
    for statement in [
        "UPDATE `{d}.t` SET v = 'other' WHERE id = 1234",
        "DELETE FROM `{d}.t` WHERE id = 77",
        "INSERT INTO `{d}.t` (id, v, at) SELECT id, v, at FROM `{d}.t` WHERE id = 2999",
        "INSERT INTO `{d}.t` (id, v, at) SELECT 987654, v, at FROM `{d}.t` WHERE id = 5",
    ] {
        sandbox.bq_run(statement).await;
    }
    let expected = ["differs 1234", "doubled 2999", "only_in_bigquery 987654", "only_in_mysql 77"];
    assert_eq!(different(&sandbox).await, expected);
    let mut command = sandbox.command(&["verify", "--keys", "2"]);
    command.env("LOG_LEVEL", "DEBUG").env("BQSYNC_LOG_DIR", sandbox.path("logs"));
    let ran = finish(command).await.expect_code(1);
    assert!(ran.stdout.contains("t: only in BigQuery: id=987654"), "{}", ran.stdout);
    assert!(ran.stdout.contains("and 2 more keys"), "{}", ran.stdout);
    assert!(ran.stdout.contains("DIFFERENT"), "{}", ran.stdout);
    let mut logs = ran.stderr;
    for file in std::fs::read_dir(sandbox.path("logs")).unwrap() {
        logs += &std::fs::read_to_string(file.unwrap().path()).unwrap();
    }
    assert!(logs.contains("rows compared") && logs.contains("only_in_mysql"), "{logs}");
    assert!(!logs.contains("987654"), "{logs}");
}

#[tokio::test]
async fn a_watermark_that_no_calendar_has_hides_no_row() {
    let sandbox = Sandbox::new("verify_impossible").await;
    sandbox.configure("", UPSERT);
    sandbox
        .sql(
            "SET sql_mode = ''; CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), at DATETIME NOT NULL, KEY (at)); \
             INSERT INTO t VALUES (1, 'a', '0000-00-00'), (2, 'b', '2024-01-31 23:59:59'), (3, 'c', '2024-02-00')",
        )
        .await;
    sandbox.sync().await;
    assert_eq!(sandbox.read_json("state/state.json")["last_sync"]["t"], "2024-02-00 00:00:00");
    equal(&sandbox).await;
}

#[tokio::test]
async fn rows_without_a_key_are_compared_too() {
    let sandbox = Sandbox::new("verify_null_keys").await;
    sandbox.configure("", UPSERT);
    sandbox
        .sql(
            "CREATE TABLE t (id INT, v VARCHAR(20), at DATETIME NOT NULL, UNIQUE KEY (id), KEY (at)); INSERT INTO t VALUES \
             (1, 'a', '2026-01-01'), (2, 'b', '2026-01-01'), (NULL, 'c', '2026-01-01'), (NULL, 'd', '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    assert_eq!(different(&sandbox).await, ["differs NULL"], "an upsert holds one row for each key");

    sandbox.sql("DELETE FROM t WHERE id IS NULL; ALTER TABLE t MODIFY id INT NOT NULL").await;
    assert_eq!(different(&sandbox).await, ["only_in_bigquery NULL"]);
}

#[tokio::test]
async fn differences_are_found_among_keys_with_wide_gaps() {
    let sandbox = three_thousand("verify_sparse", "BIGINT").await;
    sandbox
        .sql("INSERT INTO t VALUES (-4611686018427, 'least', '2026-02-01'), (4611686018427387, 'most', '2026-02-01')")
        .await;
    sandbox.sync().await;
    equal(&sandbox).await;
    sandbox.bq_run("UPDATE `{d}.t` SET v = 'other' WHERE id IN (1500, 4611686018427387)").await;
    assert_eq!(different(&sandbox).await, ["differs 1500", "differs 4611686018427387"]);
    // Keys further apart than 64 bits can express.
    sandbox.sql("INSERT INTO t VALUES (-9223372036854775808, 'least', '2026-02-02'), (9223372036854775807, 'most', '2026-02-02')").await;
    sandbox.sync().await;
    assert_eq!(different(&sandbox).await, ["differs 1500", "differs 4611686018427387"]);
}

#[tokio::test]
async fn text_and_composite_keys_are_distinguished_by_their_bytes() {
    let sandbox = Sandbox::new("verify_keys").await;
    sandbox.configure("", &UPSERT.replace("[id]", "[code, day, raw]"));
    sandbox
        .sql(
            "CREATE TABLE t (code VARCHAR(20) COLLATE utf8mb4_unicode_ci, day DATE, raw VARBINARY(4), v INT, \
             at DATETIME NOT NULL, PRIMARY KEY (code, day, raw)); \
             INSERT INTO t VALUES ('A', '2026-01-01', x'00', 1, '2026-01-01'), ('ä b', '2026-01-01', x'FF00', 1, \
             '2026-01-01'), ('', '2026-01-02', x'', 1, '2026-01-01'), ('1;2', '2026-01-02', x'41', 1, '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    equal(&sandbox).await;
    sandbox.bq_run("UPDATE `{d}.t` SET v = 2 WHERE code = 'ä b'").await;
    sandbox.bq_run("UPDATE `{d}.t` SET code = 'a' WHERE code = 'A'").await;
    let expected = ["differs ä b,2026-01-01,ff00", "only_in_bigquery a,2026-01-01,00", "only_in_mysql A,2026-01-01,00"];
    let mut found = different(&sandbox).await;
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn empty_tables_are_equal_and_a_table_never_synced_is_not_a_difference() {
    let sandbox = Sandbox::new("verify_empty").await;
    sandbox.configure("", UPSERT);
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, at DATETIME NOT NULL)").await;
    let told = result(&verify(&sandbox, &[]).await.expect_code(0));
    assert_eq!(told["outcome"], "nothing_synced");
    // A run that has found no row leaves no watermark.
    sandbox.sync().await;
    assert_eq!(equal(&sandbox).await["rows_in_bigquery"], 0);
    sandbox.sql("INSERT INTO t VALUES (1, '2026-01-01')").await;
    assert_eq!(result(&verify(&sandbox, &[]).await.expect_code(0))["outcome"], "nothing_synced");
    sandbox.sync().await;
    sandbox.sql("DELETE FROM t").await;
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE TRUE").await;
    assert_eq!(equal(&sandbox).await["rows_in_mysql"], 0);
    sandbox.sql("INSERT INTO t VALUES (1, '2026-01-01')").await;
    assert_eq!(different(&sandbox).await, ["only_in_mysql 1"]);
}

#[tokio::test]
async fn rows_that_changed_after_the_watermark_are_not_judged() {
    let sandbox = three_thousand("verify_newer", "INT").await;
    sandbox
        .sql(
            "UPDATE t SET v = 'newer', at = '2026-03-01' WHERE id % 100 = 0; \
             INSERT INTO t VALUES (50000, 'new', '2026-03-01'); DELETE FROM t WHERE id = 5",
        )
        .await;
    assert_eq!(different(&sandbox).await, ["only_in_bigquery 5"]);
    sandbox.sql("INSERT INTO t VALUES (5, 'row 5', '2026-01-01' + INTERVAL 5 SECOND)").await;
    let told = equal(&sandbox).await;
    assert_eq!((&told["changed_since"], &told["rows_in_mysql"]), (&json!(30), &json!(2970)));
    sandbox.sync().await;
    assert_eq!(equal(&sandbox).await["changed_since"], 0);
}

#[tokio::test]
async fn only_the_newest_versions_of_an_append_are_compared() {
    let sandbox = Sandbox::new("verify_append").await;
    sandbox.configure("", &UPSERT.replace("upsert", "append"));
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, v INT, at DATETIME NOT NULL); \
             INSERT INTO t VALUES (1, 1, '2026-01-01'), (2, 1, '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    sandbox.sql("UPDATE t SET v = 2, at = '2026-01-02' WHERE id = 1").await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 3);
    equal(&sandbox).await;
    sandbox.bq_run("INSERT INTO `{d}.t` (id, v, at) SELECT id, v, at FROM `{d}.t` WHERE id = 2").await;
    assert_eq!(different(&sandbox).await, ["doubled 2"]);
}

#[tokio::test]
async fn a_table_without_keys_is_compared_as_a_whole_and_no_row_is_named() {
    let sandbox = Sandbox::new("verify_keyless").await;
    sandbox.configure("", "  - {name: t, mysql_table: t, bigquery_table: t, incremental_column: id}");
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1), (2, 2)").await;
    sandbox.sync().await;
    equal(&sandbox).await;
    sandbox.bq_run("UPDATE `{d}.t` SET v = 3 WHERE id = 2").await;
    let told = result(&verify(&sandbox, &[]).await.expect_code(1));
    assert_eq!(told["outcome"], "inconclusive");
    assert!(told["notes"][0].as_str().unwrap().contains("primary_keys"), "{told}");
}

#[tokio::test]
async fn rows_below_the_beginning_of_the_mapping_are_not_compared() {
    let sandbox = Sandbox::new("verify_start").await;
    sandbox.configure("", &UPSERT.replace("mode:", "backfill_start: 2026-01-02, mode:"));
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, at DATETIME NOT NULL); \
             INSERT INTO t VALUES (1, '2026-01-01'), (2, '2026-01-02'), (3, '2026-01-03')",
        )
        .await;
    sandbox.sync().await;
    assert_eq!(equal(&sandbox).await["rows_in_bigquery"], 2);
}

#[tokio::test]
async fn a_table_with_types_of_one_server_is_compared_as_far_as_possible() {
    let sandbox = Sandbox::new("verify_own").await;
    sandbox.configure("", MAPPING);
    let (types, values, left_out) = if is_mysql().await {
        ("j JSON, v VECTOR(2)", "'{\"b\": 1, \"a\": [1.10]}', STRING_TO_VECTOR('[1,2]')", json!(["v"]))
    } else {
        ("u UUID, i INET6", "'123e4567-e89b-12d3-a456-426655440000', '2001:db8::1'", json!([]))
    };
    sandbox.sql(&format!("CREATE TABLE t (id INT PRIMARY KEY, {types}); INSERT INTO t VALUES (1, {values})")).await;
    sandbox.sync().await;
    assert_eq!(equal(&sandbox).await["not_compared"], left_out);
}

#[tokio::test]
async fn a_dry_run_compares_nothing() {
    let sandbox = three_thousand("verify_dry", "INT").await;
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE id = 1").await;
    let told = result(&verify(&sandbox, &["--dry-run"]).await.expect_code(0));
    assert_eq!((&told["outcome"], &told["differences"]), (&json!("estimated"), &json!([])));
    verify(&sandbox, &["--max-bytes", "lots"]).await.expect_code(2);
}

/// Verifies through a proxy.
async fn through(sandbox: &Sandbox, proxy: &QueryProxy, more: &[&str]) -> Ran {
    let mut command = sandbox.command(&[&["verify", "--output", "json"], more].concat());
    command.env("BIGQUERY_EMULATOR_HOST", &proxy.address);
    finish(command).await
}

#[tokio::test]
async fn no_more_bytes_are_read_in_bigquery_than_allowed() {
    let sandbox = three_thousand("verify_cost", "INT").await;
    // The calls: the ends of the key, the sums, and all later ones.
    let proxy = QueryProxy::start(&sandbox.emulator, 1_000_000, 100_000).await;
    let told = result(&through(&sandbox, &proxy, &["--dry-run", "--max-bytes", "1MB"]).await.expect_code(0));
    assert_eq!(told["bytes"], 2_000_000);
    let told = result(&through(&sandbox, &proxy, &["--max-bytes", "1MB"]).await.expect_code(1));
    assert!(told["error"].as_str().unwrap().contains("would read 2.0 MB"), "{told}");
    assert!(told["hint"].as_str().unwrap().contains("--max-bytes"), "{told}");
    let told = result(&through(&sandbox, &proxy, &["--max-bytes", "2MB"]).await.expect_code(0));
    assert_eq!(told["outcome"], "equal");
    sandbox.bq_run("UPDATE `{d}.t` SET v = 'other' WHERE id = 7").await;
    let told = result(&through(&sandbox, &proxy, &["--max-bytes", "2MB"]).await.expect_code(1));
    assert_eq!(told["outcome"], "inconclusive");
    assert!(told["notes"][0].as_str().unwrap().contains("`--max-bytes` allows 2.0 MB"), "{told}");
    let told = result(&through(&sandbox, &proxy, &["--max-bytes", "3MB"]).await.expect_code(1));
    assert_eq!((&told["outcome"], &told["bytes"]), (&json!("different"), &json!(3_000_000)));
}

#[tokio::test]
async fn answers_of_many_pages_are_read_to_their_end() {
    let sandbox = three_thousand("verify_pages", "INT").await;
    let proxy = QueryProxy::start(&sandbox.emulator, 0, 7).await;
    assert_eq!(result(&through(&sandbox, &proxy, &[]).await.expect_code(0))["outcome"], "equal");
    sandbox.bq_run("UPDATE `{d}.t` SET v = 'other' WHERE id IN (100, 2900)").await;
    assert_eq!(result(&through(&sandbox, &proxy, &[]).await.expect_code(1))["differing"], 2);
}

/// One expression over all columns must not be too deep for either side.
#[tokio::test]
async fn a_table_of_a_thousand_columns_is_compared() {
    let sandbox = Sandbox::new("verify_wide").await;
    sandbox.configure("", UPSERT);
    let columns: Vec<_> = (0..998).map(|n| format!("c{n} SMALLINT")).collect();
    let columns = columns.join(", ");
    sandbox
        .sql(&format!(
            "CREATE TABLE t (id INT PRIMARY KEY, at DATETIME NOT NULL, KEY (at), {columns}); \
             INSERT INTO t (id, at, c0, c997) VALUES (1, '2026-01-01', 7, 9), (2, '2026-01-02', NULL, 3)"
        ))
        .await;
    sandbox.sync().await;
    sandbox.bq_run("UPDATE `{d}.t` SET c997 = 4 WHERE id = 2").await;
    // The last column of the second row is compared, and the first row is written alike.
    assert_eq!(different(&sandbox).await, ["differs 2"]);
}
