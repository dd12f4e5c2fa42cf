//! Tables of MySQL that share one table in BigQuery: each changes only its own rows, whatever happens to its run.

use serde_json::Value;

use crate::crash::STEPS;
use crate::support::{Rows, Sandbox};

const SHARDS: [&str; 3] = ["t_0", "t_1", "t_2"];

const FILL: &str = "INSERT INTO t_0 SELECT a.i * 10 + b.i + 1, 'zero', '2026-01-01' + INTERVAL a.i * 10 + b.i SECOND FROM n a, n b; \
                    INSERT INTO t_1 SELECT id, 'one', at + INTERVAL 30 SECOND FROM t_0; \
                    INSERT INTO t_2 SELECT id, 'two', at - INTERVAL 30 SECOND FROM t_0 WHERE id <= 50";

fn entry(name: &str, rest: &str) -> String {
    format!(
        "  - {{name: {name}, mysql_table: [t_0, t_1, t_2], bigquery_table: {name}, shard_column: _shard, primary_keys: [id], {rest}}}\n"
    )
}

/// Three tables with the same ids, each into a target of each mode.
async fn three(name: &str, mappings: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("concurrency: 6", mappings);
    let create = SHARDS.map(|table| {
        format!("CREATE TABLE {table} (id INT PRIMARY KEY, v VARCHAR(40), at DATETIME NOT NULL, KEY (at));")
    });
    sandbox.sql("CREATE TABLE n (i INT); INSERT INTO n VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)").await;
    sandbox.sql(&create.join(" ")).await;
    sandbox.sql(FILL).await;
    sandbox
}

async fn source(sandbox: &Sandbox) -> Rows {
    let rows = SHARDS.map(|table| format!("SELECT '{table}' AS s, id, v, at FROM {table}"));
    let all = rows.join(" UNION ALL ");
    sandbox.mysql(&format!("SELECT s, CAST(id AS CHAR), v, CAST(at AS CHAR) FROM ({all}) a ORDER BY s, id")).await
}

/// Compares the newest row of each id of a shard, because an append keeps earlier ones.
async fn equal(sandbox: &Sandbox, targets: &[&str], after: &str) {
    let expected = source(sandbox).await;
    for target in targets {
        let sql = format!(
            "SELECT _shard, CAST(id AS STRING), v, FORMAT_TIMESTAMP('%F %T', at) FROM `{{d}}.{target}` WHERE TRUE QUALIFY \
             RANK() OVER (PARTITION BY _shard, id ORDER BY at DESC) = 1 ORDER BY _shard, id"
        );
        let arrived = sandbox.bq(&sql).await;
        assert!(arrived == expected, "{target} after {after}: {} rows of {}", arrived.len(), expected.len());
    }
}

async fn verified(sandbox: &Sandbox, mappings: usize) {
    let told = sandbox.run(&["verify", "--output", "json"]).await.expect_code(0).json();
    let all = told["mappings"].as_array().unwrap();
    assert_eq!(all.len(), mappings);
    assert!(all.iter().all(|one| one["outcome"] == "equal"), "{told}");
}

/// All of them are loaded at once for the first time, in every mode.
#[tokio::test]
async fn three_tables_with_equal_ids_share_a_target_in_every_mode() {
    let windows = "incremental_column: at";
    let mappings = entry("u", &format!("{windows}, mode: upsert, deletes: hard"))
        + &entry("a", &format!("{windows}, mode: append"))
        + &entry("m", "mode: mirror");
    let sandbox = three("shards", &mappings).await;
    sandbox.sync().await;
    equal(&sandbox, &["u", "a", "m"], "the first run").await;
    verified(&sandbox, 9).await;
    sandbox
        .sql(
            "UPDATE t_1 SET v = 'edited', at = '2026-02-01' WHERE id IN (7, 8); INSERT INTO t_2 VALUES (90, 'new', '2026-02-01'); \
             UPDATE t_0 SET v = 'of zero', at = '2026-02-02' WHERE id = 7",
        )
        .await;
    let report = sandbox.sync().await;
    let brought = |name: &str| {
        report.mapping(name)["rows_inserted"].as_u64().unwrap() + report.mapping(name)["rows_updated"].as_u64().unwrap()
    };
    assert_eq!(["a/t_0", "a/t_1", "a/t_2", "m/t_0", "m/t_1", "m/t_2"].map(brought), [1, 2, 1, 1, 2, 1]);
    let silent = |mapping: &Value| mapping["warnings"].as_array().is_none_or(Vec::is_empty);
    assert!(report.json()["mappings"].as_array().unwrap().iter().all(silent), "{}", report.json());
    equal(&sandbox, &["u", "a", "m"], "the second run").await;
    // Five of a hundred rows, which another shard keeps.
    sandbox.sql("DELETE FROM t_1 WHERE id BETWEEN 11 AND 15").await;
    sandbox.sync().await;
    let deleted = sandbox.run(&["deletes", "--mapping", "u", "--output", "json"]).await.expect_code(0).json();
    let counts = |at: usize| deleted["mappings"][at]["deletion"]["deleted"].as_u64();
    assert_eq!([counts(0), counts(1), counts(2)], [Some(0), Some(5), Some(0)], "{deleted}");
    equal(&sandbox, &["u", "m"], "the deletions").await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.a`").await, 254, "an append keeps every version");
    sandbox.bq_run("UPDATE `{d}.u` SET v = 'damaged' WHERE _shard = 't_2' AND id < 4").await;
    sandbox.bq_run("DELETE FROM `{d}.u` WHERE _shard = 't_0' AND id = 50").await;
    sandbox.run(&["verify", "--mapping", "u"]).await.expect_code(1);
    sandbox.run(&["verify", "--mapping", "u", "--repair"]).await.expect_code(0);
    equal(&sandbox, &["u", "m"], "the repair").await;
    let tables = sandbox.bq_tables().await;
    assert_eq!(tables.iter().filter(|table| table.contains("staging")).count(), 0, "{tables:?}");
}

/// (Kills at every call, in each mode, are tested in memory.)
#[tokio::test]
async fn the_next_run_repairs_a_shard_killed_at_each_step_and_the_others_stay() {
    let sandbox = three("shards_crash", &entry("u", "incremental_column: at, mode: upsert")).await;
    sandbox.sync().await;
    for (number, step) in STEPS.into_iter().enumerate() {
        let inline_rows = if number.is_multiple_of(2) { 0 } else { 1_000 };
        sandbox.configure(
            &format!("concurrency: 1\ninline_rows: {inline_rows}"),
            &entry("u", "incremental_column: at, mode: upsert"),
        );
        let at = format!("'2026-02-01' + INTERVAL {number} HOUR");
        sandbox
            .sql(&format!(
                "UPDATE t_1 SET v = 'edit {number}', at = {at} WHERE id = 7; INSERT INTO t_1 VALUES ({}, 'new', {at})",
                200 + number
            ))
            .await;
        sandbox.run_killed_at(step, &["run-once", "--mapping", "u/t_1"]).await;
        sandbox.sync().await;
        equal(&sandbox, &["u"], step).await;
    }
    assert_eq!(sandbox.bq_tables().await, ["u"], "what dead runs left behind is gone");
    verified(&sandbox, 3).await;
}

/// Tables with different columns, and one that comes later.
#[tokio::test]
async fn the_target_has_the_columns_of_all_shards_and_an_added_shard_is_loaded_beside_them() {
    let sandbox = Sandbox::new("shards_union").await;
    let entry = |tables: &str| {
        format!(
            "  - {{name: t, mysql_table: [{tables}], bigquery_table: t, shard_column: _shard, primary_keys: [id], \
             incremental_column: id, mode: upsert}}"
        )
    };
    sandbox.configure("concurrency: 3\nallow_schema_additions: true", &entry("t_0, t_1"));
    sandbox
        .sql(
            "CREATE TABLE t_0 (id INT PRIMARY KEY, a INT); CREATE TABLE t_1 (id INT PRIMARY KEY, b INT); CREATE TABLE t_2 (id \
             BIGINT PRIMARY KEY, a INT, b INT); INSERT INTO t_0 VALUES (1, 10); INSERT INTO t_1 VALUES (1, 20); INSERT INTO \
             t_2 VALUES (1, 30, 31), (2, 40, 41)",
        )
        .await;
    sandbox.sync().await;
    sandbox.configure("concurrency: 3\nallow_schema_additions: true", &entry("t_0, t_1, t_2"));
    let report = sandbox.sync().await;
    for mapping in report.json()["mappings"].as_array().unwrap() {
        assert!(mapping["warnings"].as_array().is_none_or(Vec::is_empty), "{mapping}");
    }
    let arrived = sandbox
        .bq("SELECT _shard, CAST(id AS STRING), CAST(a AS STRING), CAST(b AS STRING) FROM `{d}.t` ORDER BY 1, 2")
        .await;
    let text = |text: &str| (text != "-").then(|| text.to_owned());
    let expected = ["t_0 1 10 -", "t_1 1 - 20", "t_2 1 30 31", "t_2 2 40 41"];
    let expected: Rows = expected.iter().map(|row| row.split(' ').map(text).collect()).collect();
    assert_eq!(arrived, expected);
    verified(&sandbox, 3).await;
    let status = sandbox.run(&["status", "--output", "json"]).await.expect_code(0).json();
    let names: Vec<_> =
        status.as_array().unwrap().iter().map(|one| one["mapping"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["t/t_0", "t/t_1", "t/t_2"], "{status}");
    sandbox.run(&["check", "--mapping", "t"]).await.expect_code(0);
}

/// Both shards get a column, one after the other: BigQuery has it already when the second one moves it.
#[tokio::test]
async fn a_column_that_another_shard_has_added_is_told_with_the_command_that_fills_it() {
    let sandbox = Sandbox::new("shards_later").await;
    let mapping = "  - {name: t, mysql_table: [t_0, t_1], bigquery_table: t, shard_column: _shard, primary_keys: [id], \
                   incremental_column: at, mode: upsert}";
    sandbox.configure("concurrency: 1\nallow_schema_additions: true", mapping);
    for (table, number) in [("t_0", 7), ("t_1", 8)] {
        sandbox.sql(&format!("CREATE TABLE {table} (id INT PRIMARY KEY, at DATETIME NOT NULL, KEY (at))")).await;
        sandbox.sql(&format!("INSERT INTO {table} VALUES (1, '2026-01-01'), (2, '2026-01-0{number}')")).await;
    }
    sandbox.sync().await;
    let warnings = async |shard: &str| {
        let report = sandbox.sync().await.mapping(shard);
        let texts = report["warnings"].as_array().cloned().unwrap_or_default();
        texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    sandbox.sql("ALTER TABLE t_0 ADD z INT NOT NULL DEFAULT 7").await;
    assert!(warnings("t/t_0").await[0].starts_with("column `z` is new: "));
    sandbox.sql("ALTER TABLE t_1 ADD z INT NOT NULL DEFAULT 8").await;
    let told = warnings("t/t_1").await;
    assert!(
        told.len() == 1 && told[0].starts_with("column `z` is new in MySQL, and BigQuery had it before"),
        "{told:?}"
    );
    assert!(told[0].contains("`bqsync backfill --mapping t/t_1 --start '1970-01-01'` fills them"), "{told:?}");
    assert!(warnings("t/t_1").await.is_empty(), "it is told once");
    for shard in ["t/t_0", "t/t_1"] {
        sandbox.run(&["--no-tui", "backfill", "--mapping", shard, "--start", "1970-01-01"]).await.expect_code(0);
    }
    let arrived = sandbox.bq("SELECT _shard, CAST(SUM(z) AS STRING) FROM `{d}.t` GROUP BY 1 ORDER BY 1").await;
    assert_eq!(arrived, crate::support::rows(&[&["t_0", "14"], &["t_1", "16"]]));
    verified(&sandbox, 2).await;
}

fn word(mode: &str, word: &str) -> String {
    format!(
        "  - {{name: {mode}, mysql_table: t, bigquery_table: {mode}, shard_column: _shard, shard: {word}, primary_keys: [id], mode: {mode}{}}}\n",
        if mode == "mirror" { "" } else { ", incremental_column: id" }
    )
}

/// The statement in the hint works as it stands.
#[tokio::test]
async fn a_shard_whose_value_is_changed_stops_until_its_rows_have_the_new_one() {
    let sandbox = Sandbox::new("shards_word").await;
    let modes = ["upsert", "append", "mirror"];
    let all = |to: &str| modes.map(|mode| word(mode, to)).concat();
    sandbox.configure("concurrency: 3", &all("eu"));
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO t VALUES (1, 'a'), (2, 'b')").await;
    sandbox.sync().await;
    sandbox.sql("INSERT INTO t VALUES (3, 'c')").await;
    sandbox.configure("concurrency: 3", &all("europe"));
    let ran = sandbox.run_once().await.expect_code(1);
    let checked = sandbox.run(&["check"]).await.expect_code(1).stdout;
    sandbox.run(&["verify"]).await.expect_code(1);
    sandbox.run(&["verify", "--repair"]).await.expect_code(1);
    for mode in modes {
        let report = ran.mapping(mode);
        let error = report["errors"][0].as_str().unwrap();
        assert!(error.contains("still holds 2 rows of shard `_shard` = 'eu'"), "{report}");
        assert!(checked.contains(error), "{checked}");
        assert_eq!(sandbox.bq_number(&format!("SELECT COUNT(*) FROM `{{d}}.{mode}`")).await, 2);
        let hint = report["hint"].as_str().unwrap();
        let statement = &hint[hint.find("UPDATE ").unwrap()..hint.find("; the next run").unwrap()];
        sandbox.bq_run(statement).await;
    }
    for mapping in sandbox.sync().await.json()["mappings"].as_array().unwrap() {
        assert_eq!(mapping["rows_inserted"], 1, "{mapping}");
        assert!(mapping["warnings"][0].as_str().unwrap().contains("`_shard` = 'europe' from now on"), "{mapping}");
    }
    for mode in modes {
        let words = sandbox.bq(&format!("SELECT _shard, CAST(id AS STRING) FROM `{{d}}.{mode}` ORDER BY 2")).await;
        assert_eq!(words, crate::support::rows(&[&["europe", "1"], &["europe", "2"], &["europe", "3"]]), "{mode}");
    }
    verified(&sandbox, 3).await;
    sandbox.run(&["check"]).await.expect_code(0);
}

/// Follows docs/operate.md, but leaves the entry in the state at first.
#[tokio::test]
async fn a_removed_shard_that_returns_is_loaded_again_and_the_others_stay() {
    let sandbox = Sandbox::new("shards_back").await;
    let list = |tables: &str| {
        format!(
            "  - {{name: t, mysql_table: [{tables}], bigquery_table: t, shard_column: _shard, primary_keys: [id], \
             incremental_column: id, mode: append}}"
        )
    };
    sandbox.configure("concurrency: 2", &list("t_0, t_1"));
    let table = "(id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20))";
    sandbox
        .sql(&format!(
            "CREATE TABLE t_0 {table}; CREATE TABLE t_1 {table}; INSERT INTO t_0 (v) VALUES ('a'), ('b'), ('c'); INSERT INTO t_1 (v) \
             VALUES ('d'), ('e')"
        ))
        .await;
    sandbox.sync().await;
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE _shard = 't_1'").await;
    sandbox.sql("INSERT INTO t_1 (v) VALUES ('f')").await;
    let report = sandbox.run_once().await.expect_code(1).mapping("t/t_1");
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.contains("holds none of them (`_shard` = 't_1')"), "{report}");
    assert!(sandbox.run(&["check"]).await.expect_code(1).stdout.contains(error));
    let hint = report["hint"].as_str().unwrap();
    assert!(hint.contains("`bqsync run-once --forget-watermark --mapping t/t_1`"), "{report}");
    let forget = |name: &'static str| {
        let sandbox = &sandbox;
        async move {
            sandbox.run(&["--no-tui", "run-once", "--forget-watermark", "--mapping", name]).await.expect_code(0);
        }
    };
    forget("t/t_1").await;
    verified(&sandbox, 2).await;
    // The numbers begin again: the hint's statement deletes only the shard's rows.
    sandbox.sql("TRUNCATE t_0; INSERT INTO t_0 (v) VALUES ('new')").await;
    let hint = sandbox.run_once().await.expect_code(1).mapping("t/t_0")["hint"].as_str().unwrap().to_owned();
    let statement = hint[hint.find("DELETE FROM ").unwrap()..].split(';').next().unwrap();
    sandbox.bq_run(statement).await;
    forget("t/t_0").await;
    verified(&sandbox, 2).await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 4);
    // The list's name stands for all of its tables.
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE id = 1").await;
    let backfill = ["--no-tui", "backfill", "--mapping", "t", "--start", "1", "--output", "json"];
    let previews = sandbox.run(&[&backfill[..], &["--dry-run"]].concat()).await.expect_code(0).json();
    let previewed: Vec<_> = previews.as_array().unwrap().iter().map(|one| one["ask"]["mapping"].clone()).collect();
    assert_eq!(previewed, ["t/t_0", "t/t_1"]);
    let ran = sandbox.run(&backfill).await.expect_code(0);
    assert_eq!(
        [ran.mapping("t/t_0"), ran.mapping("t/t_1")].map(|one| one["rows_inserted"].as_u64()),
        [Some(1), Some(1)]
    );
    verified(&sandbox, 2).await;
    // A run and a check report a column of another type alike.
    sandbox.bq_run("CREATE TABLE `{d}.other` (id INT64, v STRING, _shard INT64)").await;
    sandbox.configure(
        "concurrency: 2",
        &list("t_0, t_1").replace("bigquery_table: t", "bigquery_table: other").replace("name: t", "name: o"),
    );
    let error = sandbox.run_once().await.expect_code(1).mapping("o/t_0")["errors"][0].as_str().unwrap().to_owned();
    assert!(error.contains("is INT64 in BigQuery, and must be STRING"), "{error}");
    assert!(sandbox.run(&["check"]).await.expect_code(1).stdout.contains(&error));
}
