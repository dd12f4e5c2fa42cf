//! `bqsync deletes`: rows that MySQL no longer has are found by their keys, and removed or marked, but never by
//! mistake.

use serde_json::{Value, json};

use crate::crash::STEPS;
use crate::support::{Ran, Rows, Sandbox, rows};

fn mapping(rest: &str) -> String {
    format!(
        "  - {{name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: at, mode: upsert, {rest}}}"
    )
}

/// Twenty rows that were synced.
async fn twenty(name: &str, settings: &str, rest: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure(settings, &mapping(rest));
    let rows: Vec<_> = (1..=20).map(|id| format!("({id}, 'row {id}', '2026-01-01' + INTERVAL {id} SECOND)")).collect();
    sandbox
        .sql(&format!(
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), at DATETIME, KEY (at)); INSERT INTO t VALUES {}",
            rows.join(",")
        ))
        .await;
    sandbox.sync().await;
    sandbox
}

async fn deletes(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.run(&[&["deletes", "--output", "json"], more].concat()).await
}

/// Runs `deletes`, and gives `vanished` and `deleted`.
async fn deleted(sandbox: &Sandbox) -> (Value, Value) {
    let report = deletes(sandbox, &[]).await.expect_code(0).mapping("t");
    (report["deletion"]["vanished"].clone(), report["deletion"]["deleted"].clone())
}

async fn ids(sandbox: &Sandbox, filter: &str) -> Vec<i64> {
    let rows = sandbox.bq(&format!("SELECT CAST(id AS STRING) FROM `{{d}}.t` WHERE {filter} ORDER BY id")).await;
    rows.into_iter().map(|row| row[0].as_deref().unwrap().parse().unwrap()).collect()
}

async fn no_staging_is_left(sandbox: &Sandbox) {
    assert_eq!(sandbox.bq_tables().await, ["t"]);
}

#[tokio::test]
async fn only_rows_that_are_gone_from_mysql_are_removed() {
    let sandbox = twenty("del_hard", "", "deletes: hard").await;
    sandbox
        .sql(
            "DELETE FROM t WHERE id IN (3, 20); UPDATE t SET at = NULL WHERE id = 5; \
             UPDATE t SET at = '2026-02-01' WHERE id = 6; INSERT INTO t VALUES (50, 'new', '2026-02-01')",
        )
        .await;
    let report = deletes(&sandbox, &[]).await.expect_code(0).mapping("t");
    assert_eq!(report["deletion"], json!({"keys": 19, "held": 20, "vanished": 2, "deleted": 2}));
    let kept: Vec<i64> = (1..20).filter(|id| *id != 3).collect();
    assert_eq!(ids(&sandbox, "TRUE").await, kept);
    assert_eq!(deleted(&sandbox).await, (json!(0), json!(0)));
    no_staging_is_left(&sandbox).await;
    let state = sandbox.read_json("state/state.json");
    assert_eq!(state["bqsync"]["mappings"]["t"]["last_run"]["trigger"], "deletes");
    assert_eq!(state["last_sync"]["t"], "2026-01-01 00:00:20", "the watermark is where it was");
    sandbox.sync().await;
    assert_eq!(ids(&sandbox, "id > 19").await, [50]);
}

#[tokio::test]
async fn a_marked_row_stays_marked_until_it_reappears() {
    let sandbox = twenty("del_soft", "", "deletes: soft").await;
    assert!(sandbox.bq_columns("t").await.contains(&"_bqsync_deleted_at TIMESTAMP".to_owned()));
    sandbox.sql("DELETE FROM t WHERE id IN (3, 4)").await;
    assert_eq!(deleted(&sandbox).await, (json!(2), json!(2)));
    let marks = "SELECT CAST(id AS STRING), CAST(_bqsync_deleted_at AS STRING) FROM `{d}.t` WHERE _bqsync_deleted_at IS \
                 NOT NULL ORDER BY id";
    let marked: Rows = sandbox.bq(marks).await;
    assert_eq!(marked.len(), 2);
    assert_eq!(deleted(&sandbox).await, (json!(0), json!(0)));
    assert_eq!(sandbox.bq(marks).await, marked, "marked once");
    sandbox.run(&["verify"]).await.expect_code(0);
    sandbox.sql("INSERT INTO t VALUES (4, 'back', '2026-03-01')").await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq(marks).await, marked[..1], "the one that is back is no longer marked");
    assert_eq!(sandbox.bq("SELECT v FROM `{d}.t` WHERE id = 4").await, rows(&[&["back"]]));
    sandbox.run(&["verify"]).await.expect_code(0);
}

#[tokio::test]
async fn more_than_the_allowed_share_is_refused_and_an_emptied_table_always() {
    let sandbox = twenty("del_guard", "", "deletes: hard").await;
    sandbox.sql("DELETE FROM t WHERE id <= 3").await;
    let report = deletes(&sandbox, &[]).await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "conflict");
    assert!(report["errors"][0].as_str().unwrap().contains("3 of 20 rows"), "{report}");
    assert!(report["hint"].as_str().unwrap().contains("max_delete_fraction"), "{report}");
    assert_eq!(ids(&sandbox, "TRUE").await.len(), 20);
    no_staging_is_left(&sandbox).await;
    sandbox.configure("", &mapping("deletes: hard, max_delete_fraction: 1"));
    assert_eq!(deleted(&sandbox).await, (json!(3), json!(3)));
    sandbox.sql("DELETE FROM t").await;
    let report = deletes(&sandbox, &[]).await.expect_code(1).mapping("t");
    assert!(report["errors"][0].as_str().unwrap().contains("no row"), "{report}");
    assert_eq!(ids(&sandbox, "TRUE").await.len(), 17);
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let sandbox = twenty("del_dry", "allow_schema_additions: true", "deletes: ignore").await;
    sandbox.sql("DELETE FROM t WHERE id = 3").await;
    let (columns, state) = (sandbox.bq_columns("t").await, sandbox.read("state/state.json"));
    sandbox.configure("allow_schema_additions: true", &mapping("deletes: soft"));
    let ran = deletes(&sandbox, &["--dry-run"]).await.expect_code(0);
    assert_eq!(ran.mapping("t")["deletion"], json!({"keys": 19, "held": 20, "vanished": 1, "deleted": 0}));
    assert_eq!(sandbox.bq_columns("t").await, columns);
    assert_eq!(sandbox.read("state/state.json"), state);
    assert_eq!(ids(&sandbox, "TRUE").await.len(), 20);
    no_staging_is_left(&sandbox).await;
    let shown = sandbox.run(&["deletes", "--dry-run"]).await.expect_code(0).stdout;
    assert!(shown.contains("Nothing was deleted"), "{shown}");
    sandbox.run(&["--read-only", "deletes"]).await.expect_code(2);
}

#[tokio::test]
async fn rows_of_a_mapping_that_ignores_deletions_are_only_counted() {
    let sandbox = twenty("del_ignore", "", "deletes: ignore").await;
    sandbox.sql("DELETE FROM t WHERE id = 3").await;
    let shown = sandbox.run(&["deletes"]).await.expect_code(0).stdout;
    assert!(shown.contains("nothing to do"), "{shown}");
    let report = deletes(&sandbox, &["--mapping", "t"]).await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "config");
    let report = deletes(&sandbox, &["--mapping", "t", "--dry-run"]).await.expect_code(0).mapping("t");
    assert_eq!(report["deletion"]["vanished"], 1);
    assert_eq!(ids(&sandbox, "TRUE").await.len(), 20);
}

#[tokio::test]
async fn the_marking_column_is_added_as_the_policy_allows() {
    let sandbox = twenty("del_column", "", "deletes: ignore").await;
    let soft = mapping("deletes: soft, deleted_column: gone_at");
    sandbox.configure("", &soft);
    sandbox.sql("DELETE FROM t WHERE id = 3").await;
    let report = deletes(&sandbox, &[]).await.expect_code(1).mapping("t");
    assert!(report["hint"].as_str().unwrap().contains("schema-diff --mapping t --apply"), "{report}");
    sandbox.sync().await;
    let diff = sandbox.run(&["schema-diff"]).await.expect_code(3).stdout;
    assert!(diff.contains("ADD COLUMN IF NOT EXISTS `gone_at` TIMESTAMP"), "{diff}");
    sandbox.run(&["schema-diff", "--apply"]).await.expect_code(0);
    sandbox.run(&["schema-diff"]).await.expect_code(0);
    assert_eq!(deleted(&sandbox).await, (json!(1), json!(1)));
    assert_eq!(ids(&sandbox, "gone_at IS NOT NULL").await, [3]);
    sandbox.configure("", &mapping("deletes: soft, deleted_column: v"));
    let report = sandbox.run_once().await.expect_code(1).mapping("t");
    assert!(report["errors"][0].as_str().unwrap().contains("`deleted_column`"), "{report}");
}

#[tokio::test]
async fn keys_of_several_columns_and_every_type_are_compared_as_they_arrived() {
    let sandbox = Sandbox::new("del_keys").await;
    sandbox.configure("", &mapping("deletes: hard, max_delete_fraction: 0.5").replace("[id]", "[code, day, raw, big]"));
    sandbox
        .sql(
            "CREATE TABLE t (code VARCHAR(20) COLLATE utf8mb4_bin, day DATETIME(3), raw VARBINARY(4), big BIGINT UNSIGNED, \
             id INT, at DATETIME NOT NULL, PRIMARY KEY (code, day, raw, big)); \
             INSERT INTO t VALUES ('A', '2026-01-01', x'00', 18446744073709551615, 1, '2026-01-01'), \
             ('a', '2026-01-01 00:00:00.5', x'00FF', 1, 2, '2026-01-01'), ('ä', '2026-01-01', x'', 1, 3, '2026-01-01'), \
             ('', '2026-01-02', x'41', 0, 4, '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    sandbox.sql("DELETE FROM t WHERE id IN (2, 4)").await;
    assert_eq!(deleted(&sandbox).await, (json!(2), json!(2)));
    assert_eq!(ids(&sandbox, "TRUE").await, [1, 3]);
}

#[tokio::test]
async fn rows_younger_than_settle_are_left_alone() {
    let sandbox = twenty("del_young", "settle: 1h", "deletes: hard").await;
    sandbox.sql("DELETE FROM t WHERE id = 3").await;
    // A row that a run brought from a replica that is ahead of this one.
    sandbox.bq_run("INSERT INTO `{d}.t` (id, v, at) VALUES (99, 'young', CURRENT_TIMESTAMP())").await;
    assert_eq!(deleted(&sandbox).await, (json!(1), json!(1)));
    assert_eq!(ids(&sandbox, "id IN (3, 99)").await, [99]);
    sandbox.configure("", &mapping("deletes: hard"));
    assert_eq!(deleted(&sandbox).await, (json!(1), json!(1)));
}

#[tokio::test]
async fn every_version_of_a_deleted_row_is_removed_from_an_append() {
    let sandbox = twenty("del_append", "", "deletes: soft").await;
    sandbox.configure(
        "",
        &mapping("deletes: soft").replace("upsert", "append").replace("bigquery_table: t", "bigquery_table: a"),
    );
    let renamed = sandbox.read("config.yaml").replace("name: t", "name: a");
    sandbox.write("config.yaml", &renamed);
    sandbox.sync().await;
    sandbox.sql("UPDATE t SET at = '2026-02-01' WHERE id = 3; INSERT INTO t VALUES (21, 'x', '2026-02-01')").await;
    sandbox.sync().await;
    sandbox.sql("DELETE FROM t WHERE id = 3").await;
    let report = deletes(&sandbox, &[]).await.expect_code(0).mapping("a");
    assert_eq!(report["deletion"], json!({"keys": 20, "held": 22, "vanished": 2, "deleted": 2}));
    sandbox.run(&["verify"]).await.expect_code(0);
}

#[tokio::test]
async fn a_table_that_was_never_synced_is_left_alone() {
    let sandbox = Sandbox::new("del_never").await;
    sandbox.configure("", &mapping("deletes: hard"));
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, at DATETIME)").await;
    let report = deletes(&sandbox, &[]).await.expect_code(0).mapping("t");
    assert!(report["warnings"][0].as_str().unwrap().contains("nothing has been synced"), "{report}");
    assert!(report.get("deletion").is_none(), "{report}");
}

#[tokio::test]
async fn the_next_run_repairs_a_killed_deletion_and_keeps_a_row_that_reappears() {
    let sandbox = twenty("del_crash", "", "deletes: hard, max_delete_fraction: 0.5").await;
    let mut id = 0;
    for step in STEPS.into_iter().filter(|step| *step != "advanced") {
        id += 1;
        sandbox.sql(&format!("DELETE FROM t WHERE id IN ({id}, {})", id + 10)).await;
        sandbox.run_killed_at(step, &["deletes"]).await;
        // The row is back, and newer than the one that the dead run has seen.
        sandbox.sql(&format!("INSERT INTO t VALUES ({id}, 'back', '2026-02-01' + INTERVAL {id} SECOND)")).await;
        sandbox.sync().await;
        assert_eq!(ids(&sandbox, &format!("id = {id}")).await, [id], "after a kill at {step}");
        deletes(&sandbox, &[]).await.expect_code(0);
        let told = sandbox.run(&["verify"]).await;
        assert_eq!(told.code, 0, "after a kill at {step}: {}", told.stdout);
        let state = sandbox.read_json("state/state.json");
        assert!(state["bqsync"]["mappings"]["t"].get("pending").is_none(), "{state}");
        no_staging_is_left(&sandbox).await;
    }
}
