//! `bqsync verify --repair`: a damaged target is made equal again, with keys of every kind.

use serde_json::{Value, json};

use crate::steps::{APPEND, ARRIVED, ROWS, UPSERT, hundred};
use crate::support::{Ran, Sandbox, finish, is_mysql};

async fn repair(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.run(&[&["verify", "--repair", "--output", "json"], more].concat()).await
}

/// The result of the only mapping.
fn result(ran: &Ran) -> Value {
    let mut all = ran.json()["mappings"].as_array().unwrap().clone();
    assert_eq!(all.len(), 1, "{ran:?}");
    all.remove(0)
}

fn deleting(mapping: &str) -> String {
    mapping.replace("mode:", "deletes: hard, max_delete_fraction: 1, mode:")
}

async fn same(sandbox: &Sandbox, after: &str) {
    assert_eq!(sandbox.bq(ARRIVED).await, sandbox.mysql(ROWS).await, "{after}");
}

/// Rows are missing, changed and doubled in BigQuery, and one is only there.
async fn damage(sandbox: &Sandbox, table: &str) {
    for statement in [
        "DELETE FROM `{d}.{t}` WHERE v = 1",
        "UPDATE `{d}.{t}` SET v = 20 WHERE v = 2",
        "INSERT INTO `{d}.{t}` (k, v, at) SELECT k, v, at FROM `{d}.{t}` WHERE v = 3",
    ] {
        sandbox.bq_run(&statement.replace("{t}", table)).await;
    }
    sandbox.sql(&format!("DELETE FROM `{table}` WHERE v = 5")).await;
}

/// A key's type, and five values of it.
pub async fn keys() -> Vec<(&'static str, [&'static str; 5])> {
    let mut keys = vec![
        ("INT", ["-1", "2", "3", "4", "5"]),
        ("BIGINT UNSIGNED", ["0", "9223372036854775807", "3", "4", "5"]),
        ("SMALLINT ZEROFILL", ["0", "7", "8", "9", "10"]),
        ("YEAR", ["0", "1901", "2000", "2001", "2155"]),
        ("DECIMAL(20,5)", ["-0.5", "123456789012345.00001", "1.1", "0.1", "7"]),
        ("DATE", ["'1000-01-01'", "'9999-12-31'", "'2026-01-03'", "'2026-01-04'", "'2026-01-05'"]),
        (
            "DATETIME(6)",
            [
                "'1969-12-31 23:59:59.999999'",
                "'9999-12-31 23:59:59.999999'",
                "'2026-01-03'",
                "'2026-01-04'",
                "'2026-01-05'",
            ],
        ),
        (
            "TIMESTAMP(3)",
            ["'2026-03-29 01:30:00.001'", "'2026-10-25 00:30:00'", "'2026-01-03'", "'2026-01-04'", "'2026-01-05'"],
        ),
        ("TIME(3)", ["'-838:59:59'", "'23:59:59.999'", "'00:00:00'", "'01:00:00'", "'02:00:00'"]),
        ("VARCHAR(40) COLLATE utf8mb4_bin", ["'a'", "'A'", "'né 中 🎂'", "''", "'it''s \\\\ %'"]),
        ("VARCHAR(40) COLLATE utf8mb4_unicode_ci", ["'a b'", "'ß'", "'é'", "''", "'z'"]),
        ("CHAR(10) CHARACTER SET latin1", ["'é'", "'ä'", "'x'", "'v'", "'z'"]),
        ("VARCHAR(20) CHARACTER SET cp932", ["'日本'", "'ソ'", "'ｱ'", "'y'", "'z'"]),
        ("VARCHAR(400)", ["REPEAT('k', 400)", "REPEAT('l', 300)", "'c'", "'d'", "'e'"]),
        ("VARBINARY(8)", ["x'00'", "x'00FF'", "x''", "x'41'", "x'27'"]),
        ("BINARY(4)", ["x'00000000'", "x'FF000000'", "x'41'", "x'42'", "x'43'"]),
        ("ENUM('b', 'a', 'c', 'd', 'e')", ["'a'", "'b'", "'c'", "'d'", "'e'"]),
        ("BIT(12)", ["b'0'", "b'101010101010'", "b'1'", "b'10'", "b'11'"]),
    ];
    if !is_mysql().await {
        let uuid = |n: u8| format!("'123e4567-e89b-12d3-a456-42665544000{n}'");
        keys.push(("UUID", [1, 2, 3, 4, 5].map(|n| &*uuid(n).leak())));
    }
    keys
}

#[tokio::test]
async fn keys_of_every_type_select_exactly_their_rows() {
    let sandbox = Sandbox::new("repair_keys").await;
    let keys = keys().await;
    let mut mappings = String::new();
    for (i, (ddl, values)) in keys.iter().enumerate() {
        let mapping = UPSERT.replace(
            "name: t, mysql_table: t, bigquery_table: t",
            &format!("name: k{i}, mysql_table: k{i}, bigquery_table: k{i}"),
        );
        mappings += &deleting(&mapping.replace("[id]", "[k]"));
        mappings.push('\n');
        let rows: Vec<_> = (1..).zip(values).map(|(v, key)| format!("({key}, {v}, '2026-01-01')")).collect();
        let rows = rows.join(", ");
        sandbox.sql(&format!("CREATE TABLE k{i} (k {ddl} NOT NULL PRIMARY KEY, v INT, at DATETIME NOT NULL); INSERT INTO k{i} VALUES {rows}")).await;
    }
    sandbox.configure("default_timezone: Europe/Berlin", &mappings);
    sandbox.sync().await;
    for i in 0..keys.len() {
        damage(&sandbox, &format!("k{i}")).await;
    }
    let ran = repair(&sandbox, &[]).await;
    for (told, (ddl, _)) in ran.json()["mappings"].as_array().unwrap().iter().zip(&keys) {
        let counts = &told["repair"];
        let done =
            ["inserted", "updated", "undoubled", "deleted", "different_still"].map(|count| counts[count].as_u64());
        assert_eq!(done, [1, 1, 1, 1, 0].map(Some), "{ddl}: {told}");
        assert_eq!((&told["outcome"], &told["compared"]["only_in_mysql"]), (&json!("repaired"), &json!(1)), "{told}");
    }
    assert_eq!(ran.code, 0, "{ran:?}");
    sandbox.run(&["verify"]).await.expect_code(0);
    for i in 0..keys.len() {
        assert_eq!(sandbox.bq_number(&format!("SELECT COUNT(*) FROM `{{d}}.k{i}`")).await, 4);
    }
}

#[tokio::test]
async fn composite_keys_are_mended_in_many_statements_and_batches() {
    let sandbox = Sandbox::new("repair_many").await;
    let mapping = deleting(&UPSERT.replace("[id]", "[code, day, raw]"));
    sandbox.configure("window_rows: 700", &mapping);
    sandbox
        .sql(
            "CREATE TABLE n (i INT); INSERT INTO n VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9); \
             CREATE TABLE t (id INT, code VARCHAR(20) COLLATE utf8mb4_unicode_ci, day DATE, raw VARBINARY(4), v VARCHAR(20), \
             at DATETIME NOT NULL, PRIMARY KEY (code, day, raw)); \
             INSERT INTO t SELECT i, CONCAT('é', i DIV 7), '2026-01-01' + INTERVAL (i MOD 7) DAY, UNHEX(LPAD(HEX(i), 4, '0')), \
             CONCAT('row ', i), '2026-01-01' FROM (SELECT 1 + a.i + b.i * 10 + c.i * 100 + d.i * 1000 AS i FROM n a, n b, n c, n d \
             WHERE d.i < 2) s",
        )
        .await;
    sandbox.sync().await;
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE MOD(id, 2) = 1").await;
    sandbox.bq_run("UPDATE `{d}.t` SET v = 'other' WHERE MOD(id, 4) = 0").await;
    let told = result(&repair(&sandbox, &["--keys", "3"]).await.expect_code(0));
    let counts = &told["repair"];
    assert_eq!(
        (&counts["inserted"], &counts["updated"], &counts["different_still"]),
        (&json!(1000), &json!(500), &json!(0))
    );
    assert_eq!(told["compared"]["differences"].as_array().unwrap().len(), 3);
    same(&sandbox, "the repair").await;
    let publishes = sandbox.read_json("etl/reports/report.json")[0]["jobs"].as_array().unwrap().len();
    assert_eq!(publishes, 3, "batches of 700 rows");
}

#[tokio::test]
async fn the_next_repair_completes_one_killed_at_each_step() {
    let sandbox = hundred("repair_crash", "window_rows: 2", &deleting(UPSERT)).await;
    sandbox.sync().await;
    let damaged = async |step: usize| {
        let id = 4 * step;
        sandbox.bq_run(&format!("DELETE FROM `{{d}}.t` WHERE id IN ({}, {}, {})", id + 1, id + 2, id + 3)).await;
        sandbox
            .bq_run(&format!("INSERT INTO `{{d}}.t` (id, v, at) SELECT id, v, at FROM `{{d}}.t` WHERE id = {}", id + 4))
            .await;
        sandbox
            .bq_run(&format!(
                "INSERT INTO `{{d}}.t` (id, v, at) SELECT 1000 + id, v, at FROM `{{d}}.t` WHERE id = {}",
                id + 4
            ))
            .await;
    };
    let watermark = sandbox.read_json("state/state.json")["last_sync"]["t"].clone();
    // In memory it is killed at every call.
    for (place, step) in ["staged", "pending_noted", "published", "advanced"].into_iter().enumerate() {
        damaged(place).await;
        sandbox.run_killed_at(step, &["verify", "--repair"]).await;
        if place % 2 == 0 {
            sandbox.sync().await;
        }
        let told = result(&repair(&sandbox, &[]).await.expect_code(0));
        assert_eq!(told["repair"]["different_still"], 0, "after a kill at {step}: {told}");
        same(&sandbox, &format!("after a kill at {step}")).await;
        let state = sandbox.read_json("state/state.json");
        assert!(state["bqsync"]["mappings"]["t"].get("pending").is_none(), "{state}");
        assert_eq!(state["last_sync"]["t"], watermark);
        let left = sandbox.bq_tables().await.into_iter().filter(|table| table.starts_with("bqsync_")).count();
        assert_eq!(left, 0, "after a kill at {step}");
    }
}

#[tokio::test]
async fn exit_codes_and_counts_show_what_is_left_and_a_dry_run_changes_nothing() {
    let sandbox = hundred("repair_codes", "", UPSERT).await;
    sandbox.sync().await;
    assert_eq!(result(&repair(&sandbox, &[]).await.expect_code(0))["outcome"], "equal");
    sandbox.bq_run("UPDATE `{d}.t` SET v = 'other' WHERE id = 7").await;
    sandbox.sql("DELETE FROM t WHERE id = 50").await;
    let before = (sandbox.bq(ARRIVED).await, sandbox.read("state/state.json"));
    let told = result(&repair(&sandbox, &["--dry-run"]).await.expect_code(0));
    let counts = |told: &Value| ["updated", "deleted", "left"].map(|count| told["repair"][count].as_u64().unwrap());
    assert_eq!((&told["outcome"], counts(&told)), (&json!("would_repair"), [1, 0, 1]), "{told}");
    assert!(told["repair"]["bytes_to_mend"].is_u64(), "{told}");
    assert_eq!((sandbox.bq(ARRIVED).await, sandbox.read("state/state.json")), before);
    sandbox.run(&["--read-only", "verify", "--repair"]).await.expect_code(2);
    sandbox.run(&["--read-only", "verify", "--repair", "--dry-run"]).await.expect_code(0);
    // A row that the mapping leaves still differs.
    let told = result(&repair(&sandbox, &[]).await.expect_code(1));
    assert_eq!((&told["outcome"], counts(&told)), (&json!("different"), [1, 0, 1]), "{told}");
    assert_eq!(told["still"], json!([{"key": ["50"], "kind": "only_in_bigquery"}]));
    assert!(told["warnings"][0].as_str().unwrap().contains("`deletes: ignore`"), "{told}");
    // Deleting too many rows at once is refused.
    sandbox.configure("", &UPSERT.replace("mode:", "deletes: hard, max_delete_fraction: 0.001, mode:"));
    let told = result(&repair(&sandbox, &[]).await.expect_code(1));
    assert!(told["error"].as_str().unwrap().contains("`max_delete_fraction` (0.001)"), "{told}");
    sandbox.configure("", &deleting(UPSERT));
    assert_eq!(counts(&result(&repair(&sandbox, &[]).await.expect_code(0))), [0, 1, 0]);
    same(&sandbox, "all of it").await;
    repair(&sandbox, &["--max-bytes", "lots"]).await.expect_code(2);
    let shown = sandbox.run(&["verify", "--repair"]).await.expect_code(0).stdout;
    assert!(shown.contains("EQUAL") && shown.contains("UNDOUBLED"), "{shown}");
    let last = sandbox.read_json("state/state.json")["bqsync"]["mappings"]["t"]["last_run"].clone();
    assert_eq!((&last["trigger"], &last["outcome"]), (&json!("repair"), &json!("ok")), "{last}");
}

#[tokio::test]
async fn a_repair_of_an_append_restores_the_newest_version_and_keeps_history() {
    let sandbox = hundred("repair_append", "", APPEND).await;
    sandbox.sync().await;
    sandbox.sql("UPDATE t SET v = 'newer', at = '2026-02-01' WHERE id IN (3, 4)").await;
    sandbox.sync().await;
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE id = 9 OR (id = 3 AND v = 'newer')").await;
    sandbox.sql("DELETE FROM t WHERE id = 20; INSERT INTO t VALUES (101, 'beyond the watermark', '2026-03-01')").await;
    let told = result(&repair(&sandbox, &[]).await.expect_code(1));
    assert_eq!((&told["repair"]["inserted"], &told["repair"]["left"]), (&json!(2), &json!(1)), "{told}");
    assert!(told["warnings"].to_string().contains("kept as history"), "{told}");
    assert_eq!(
        sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await,
        102,
        "each version once, and none beyond the watermark"
    );
    sandbox.sync().await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 103);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t` WHERE id = 101").await, 1);
}

#[tokio::test]
async fn row_values_stay_out_of_logs_reports_and_state() {
    let sandbox = hundred("repair_quiet", "", &deleting(UPSERT)).await;
    sandbox.sql("INSERT INTO t VALUES (987654, 'secret of a row', '2026-01-01')").await;
    sandbox.sync().await;
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE id = 987654").await;
    let mut command = sandbox.command(&["verify", "--repair"]);
    command.env("LOG_LEVEL", "DEBUG").env("BQSYNC_LOG_DIR", sandbox.path("logs"));
    let ran = finish(command).await.expect_code(0);
    assert!(ran.stdout.contains("REPAIRED"), "{}", ran.stdout);
    let mut written = ran.stderr + &sandbox.read("state/state.json") + &sandbox.read("etl/reports/report.json");
    for file in std::fs::read_dir(sandbox.path("logs")).unwrap() {
        written += &std::fs::read_to_string(file.unwrap().path()).unwrap();
    }
    assert!(written.contains("rows compared"), "{written}");
    assert!(!written.contains("987654") && !written.contains("secret of a row"), "{written}");
}
