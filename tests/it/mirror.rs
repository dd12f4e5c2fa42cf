//! `mode: mirror`: sums find what changed in MySQL, changed parts are brought over, and rows that are gone are deleted.

use serde_json::{Value, json};

use crate::crash::STEPS;
use crate::repair::keys;
use crate::support::bigquery_proxy::Call;
use crate::support::{Gcs, Sandbox, Trial, is_mysql};
use crate::types::{cases, geometries, same_values};

const MAPPING: &str = "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], mode: mirror}";

/// Enough rows for several parts; no column shows when a row has changed.
async fn carts(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", MAPPING);
    sandbox
        .sql(
            "CREATE TABLE n (i INT); INSERT INTO n VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9); \
             CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40), rate DECIMAL(10,2)); \
             INSERT INTO t (v, rate) SELECT CONCAT('row ', a.i, b.i, c.i, d.i), a.i FROM n a, n b, n c, n d WHERE d.i < 3",
        )
        .await;
    sandbox
}

async fn equal(sandbox: &Sandbox, after: &str) {
    let expected =
        sandbox.mysql("SELECT CAST(id AS CHAR), v, CAST(CAST(rate * 100 AS SIGNED) AS CHAR) FROM t ORDER BY id").await;
    let cents = "CAST(CAST(ROUND(rate * 100) AS INT64) AS STRING)";
    let arrived = sandbox.bq(&format!("SELECT CAST(id AS STRING), v, {cents} FROM `{{d}}.t` ORDER BY id")).await;
    assert!(arrived == expected, "after {after}: {} rows of {}", arrived.len(), expected.len());
    assert_eq!(sandbox.bq_tables().await, ["t"], "after {after}: no staging table is left");
}

async fn verified(sandbox: &Sandbox) {
    let ran = sandbox.run(&["verify", "--output", "json"]).await.expect_code(0).json();
    let all = ran["mappings"].as_array().unwrap();
    assert!(all.iter().all(|told| told["outcome"] == "equal"), "{ran}");
}

/// A run that finds nothing to bring.
async fn is_at_rest(sandbox: &Sandbox) {
    for report in sandbox.sync().await.json()["mappings"].as_array().unwrap() {
        assert_eq!((&report["records_processed"], &report["steps"]), (&json!(0), &json!(0)), "{report}");
    }
}

#[tokio::test]
async fn edits_deletes_and_new_keys_arrive_and_the_next_run_brings_nothing() {
    let sandbox = carts("mirror").await;
    let first = sandbox.sync().await.mapping("t");
    assert_eq!((&first["records_processed"], &first["mode"]), (&json!(3000), &json!("mirror")));
    equal(&sandbox, "the first run").await;
    is_at_rest(&sandbox).await;
    sandbox
        .sql(
            "UPDATE t SET v = 'edited' WHERE id IN (5, 2500); UPDATE t SET rate = NULL WHERE id = 700; \
             DELETE FROM t WHERE id = 1500; UPDATE t SET id = 90000 WHERE id = 1501; INSERT INTO t (v) VALUES ('new')",
        )
        .await;
    let second = sandbox.sync().await.mapping("t");
    equal(&sandbox, "the second run").await;
    let counts = ["rows_inserted", "rows_updated", "records_processed"].map(|count| second[count].as_u64());
    assert_eq!(counts, [2, 3, 7].map(Some), "{second}");
    let mirrored = &second["mirrored"];
    assert_eq!((&mirrored["removed"], mirrored.get("whole")), (&json!(2), None), "{second}");
    assert!(mirrored["changed"].as_u64().unwrap() < mirrored["parts"].as_u64().unwrap(), "{second}");
    assert!(mirrored["rows_read"].as_u64().unwrap() < 1_600, "{second}");
    is_at_rest(&sandbox).await;
    verified(&sandbox).await;
    let status = sandbox.run(&["status", "--output", "json"]).await.expect_code(0).json();
    assert_eq!((&status[0]["mode"], &status[0]["lag"]), (&json!("mirror"), &Value::Null), "{status}");
}

#[tokio::test]
async fn the_next_run_repairs_a_run_killed_at_each_step() {
    let sandbox = carts("mirror_crash").await;
    sandbox.sync().await;
    for (number, step) in STEPS.into_iter().enumerate() {
        sandbox
            .sql(&format!(
                "UPDATE t SET v = 'edit {number}' WHERE id IN (7, 2000); DELETE FROM t WHERE id = {}; \
                 INSERT INTO t (v) VALUES ('new')",
                100 + number
            ))
            .await;
        sandbox.run_killed_at(step, &["run-once"]).await;
        sandbox.sync().await;
        equal(&sandbox, step).await;
        is_at_rest(&sandbox).await;
        let state = sandbox.read_json("state/state.json");
        assert!(state["bqsync"]["mappings"]["t"].get("pending").is_none(), "after a kill at {step}: {state}");
    }
}

#[tokio::test]
async fn an_unchanged_mirror_makes_no_bigquery_call_and_few_edits_one_look_and_one_job() {
    let trial = Trial::mirror("mirror_calls").await;
    // With this many rows, those that are gone are fewer than a tenth, whatever happens in the changed parts.
    trial.add(6_000).await;
    trial.succeeds().await;
    trial.succeeds().await;
    trial.bigquery.set([]);
    trial.succeeds().await;
    assert_eq!(trial.bigquery.counts().into_keys().collect::<Vec<_>>(), []);
    trial.sandbox.sql("UPDATE t SET v = 'edited' WHERE id IN (3, 50); DELETE FROM t WHERE id = 9").await;
    trial.bigquery.set([]);
    trial.succeeds().await;
    // The emulator's number of rows is an estimate, so the rows are counted there.
    let ends = [Call::GetResults, Call::GetJob, Call::Query];
    let calls: Vec<_> = trial.bigquery.counts().into_iter().filter(|(call, _)| !ends.contains(call)).collect();
    assert_eq!(calls, [(Call::GetTable, 1), (Call::InsertJob, 1)]);
}

#[tokio::test]
async fn a_connection_that_breaks_during_the_read_publishes_all_or_nothing() {
    let mut trial = Trial::mirror("mirror_cut").await;
    trial.add(1_000).await;
    trial.succeeds().await;
    trial.sandbox.sql("UPDATE t SET v = REPEAT(SHA2(id, 256), 5); DELETE FROM t WHERE id > 950").await;
    trial.through.mysql_ssl_mode = Some("DISABLED");
    trial.mysql.cut([150_000]);
    let told = trial.succeeds().await;
    assert_eq!((told.mapping("m").attempts, told.mapping("m").records_processed), (2, 1_000));
}

/// Each column is changed alone, in a part of its own.
#[tokio::test]
async fn a_change_of_every_type_is_found() {
    let mut cases = cases();
    cases.extend(geometries(is_mysql().await));
    let sandbox = Sandbox::new("mirror_types").await;
    sandbox.configure("", MAPPING);
    let columns: Vec<String> = cases.iter().enumerate().map(|(i, case)| format!("c{i} {}", case.ddl)).collect();
    let rows = cases.len() * 256;
    sandbox
        .sql(&format!(
            "CREATE TABLE t (id INT PRIMARY KEY, {}) ROW_FORMAT=DYNAMIC; \
             CREATE TABLE n (i INT); INSERT INTO n VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9); \
             INSERT INTO t (id) SELECT a.i + b.i * 10 + c.i * 100 + d.i * 1000 + e.i * 10000 AS id FROM n a, n b, n c, n d, n e \
             HAVING id < {rows}",
            columns.join(", ")
        ))
        .await;
    let set = async |value: fn(&crate::types::Case) -> &'static str| {
        for (i, case) in cases.iter().enumerate() {
            sandbox.sql(&format!("UPDATE t SET c{i} = {} WHERE id = {}", value(case), i * 256 + 5)).await;
        }
    };
    set(|case| case.values[0]).await;
    sandbox.sql("ANALYZE TABLE t").await;
    sandbox.sync().await;
    is_at_rest(&sandbox).await;
    set(|case| if case.values.len() > 1 { case.values[case.values.len() - 1] } else { "NULL" }).await;
    let report = sandbox.sync().await.mapping("t");
    assert_eq!(report["mirrored"]["changed"], cases.len(), "{}", report["mirrored"]);
    assert_eq!(report["rows_updated"], cases.len(), "{report}");
    same_values(&sandbox, &cases, "WHERE MOD(id, 256) = 5").await;
    is_at_rest(&sandbox).await;
}

#[tokio::test]
async fn changes_and_deletes_arrive_for_keys_of_every_type() {
    let sandbox = Sandbox::new("mirror_keys").await;
    let keys = keys().await;
    let mut mappings = String::new();
    for (i, (ddl, values)) in keys.iter().enumerate() {
        let names = format!("name: k{i}, mysql_table: k{i}, bigquery_table: k{i}, primary_keys: [k]");
        mappings += &MAPPING.replace("name: t, mysql_table: t, bigquery_table: t, primary_keys: [id]", &names);
        mappings.push('\n');
        let rows: Vec<_> = (1..).zip(&values[..4]).map(|(v, key)| format!("({key}, {v})")).collect();
        sandbox
            .sql(&format!(
                "CREATE TABLE k{i} (k {ddl} NOT NULL PRIMARY KEY, v INT); INSERT INTO k{i} VALUES {}",
                rows.join(", ")
            ))
            .await;
    }
    sandbox.configure("default_timezone: Europe/Berlin", &mappings.replace("mode:", "max_delete_fraction: 1, mode:"));
    sandbox.sync().await;
    for (i, (_, values)) in keys.iter().enumerate() {
        // One row changes, one is deleted, and one gets another key.
        let key = values[4];
        sandbox
            .sql(&format!(
                "DELETE FROM k{i} WHERE v = 1; UPDATE k{i} SET v = 20 WHERE v = 2; UPDATE k{i} SET k = {key} WHERE v = 3"
            ))
            .await;
    }
    let reports = sandbox.sync().await.json();
    for (report, (ddl, _)) in reports["mappings"].as_array().unwrap().iter().zip(&keys) {
        let done =
            (report["rows_inserted"].as_u64(), report["rows_updated"].as_u64(), report["mirrored"]["removed"].as_u64());
        assert_eq!(done, (Some(1), Some(1), Some(2)), "{ddl}: {report}");
    }
    verified(&sandbox).await;
    is_at_rest(&sandbox).await;
}

#[tokio::test]
async fn a_table_of_a_thousand_columns_is_mirrored() {
    let sandbox = Sandbox::new("mirror_wide").await;
    sandbox.configure("", MAPPING);
    let columns: Vec<_> = (0..999).map(|n| format!("c{n} SMALLINT")).collect();
    let columns = columns.join(", ");
    sandbox
        .sql(&format!(
            "CREATE TABLE t (id INT PRIMARY KEY, {columns}); INSERT INTO t (id, c0, c998) VALUES (1, 7, 9), (2, NULL, 3)"
        ))
        .await;
    sandbox.sync().await;
    sandbox.sql("UPDATE t SET c998 = 4 WHERE id = 2").await;
    let report = sandbox.sync().await.mapping("t");
    assert_eq!((&report["rows_updated"], &report["steps"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(sandbox.bq_number("SELECT c998 FROM `{d}.t` WHERE id = 2").await, 4);
    is_at_rest(&sandbox).await;
}

#[tokio::test]
async fn more_than_the_allowed_share_of_deletes_waits_for_permission() {
    let sandbox = carts("mirror_guard").await;
    sandbox.sync().await;
    for (statement, held) in [("DELETE FROM t WHERE id > 2600", 3_000), ("DELETE FROM t", 2_600)] {
        sandbox.sql(statement).await;
        let report = sandbox.run_once().await.expect_code(1).mapping("t");
        assert_eq!((&report["error_kind"], &report["shrink"]["held"]), (&json!("conflict"), &json!(held)), "{report}");
        assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, held);
        assert_eq!(sandbox.bq_tables().await, ["t"], "nothing is left staged");
        sandbox.run(&["--no-tui", "run-once", "--mapping", "t", "--allow-shrink"]).await.expect_code(0);
        equal(&sandbox, statement).await;
    }
    is_at_rest(&sandbox).await;
}

#[tokio::test]
async fn sums_are_kept_beside_the_state_and_sums_of_another_table_are_not_used() {
    let gcs = Gcs::start().await;
    let sandbox = carts("mirror_gcs").await;
    let settings = format!("state_store: gcs\nstate_gcs_bucket: {}\nstate_gcs_prefix: etl/", gcs.bucket);
    sandbox.configure(&settings, MAPPING);
    gcs.run_once(&sandbox).await.expect_code(0);
    assert_eq!(gcs.names("etl/sums/"), ["etl/sums/t.a.json"]);
    sandbox.sql("UPDATE t SET v = 'edited' WHERE id = 7").await;
    gcs.run_once(&sandbox).await.expect_code(0);
    assert_eq!(gcs.names("etl/sums/"), ["etl/sums/t.a.json", "etl/sums/t.b.json"]);
    equal(&sandbox, "sums in a bucket").await;
    // Somebody empties the table in BigQuery, puts as many rows back, and damages the sums.
    sandbox.bq_run("UPDATE `{d}.t` SET v = 'damaged' WHERE id = 8").await;
    gcs.put("etl/sums/t.b.json", "{}");
    let report = gcs.run_once(&sandbox).await.expect_code(0).mapping("t");
    assert_eq!((&report["mirrored"]["compared"], &report["rows_updated"]), (&json!(true), &json!(1)), "{report}");
    equal(&sandbox, "damaged sums").await;
}

#[tokio::test]
async fn rows_doubled_by_another_writer_are_repaired_by_replacing_the_whole_table() {
    let sandbox = carts("mirror_doubled").await;
    sandbox.sync().await;
    sandbox.bq_run("INSERT INTO `{d}.t` SELECT * FROM `{d}.t` WHERE MOD(id, 100) = 0").await;
    sandbox.sql("UPDATE t SET v = 'edited' WHERE id % 100 = 0").await;
    let report = sandbox.sync().await.mapping("t");
    assert!(report["mirrored"]["whole"].as_str().unwrap().contains("BigQuery holds 3,030 rows"), "{report}");
    equal(&sandbox, "doubled rows").await;
    is_at_rest(&sandbox).await;
}

#[tokio::test]
async fn a_repair_compares_both_sides_and_mends() {
    let sandbox = carts("mirror_repair").await;
    sandbox.sync().await;
    sandbox.bq_run("UPDATE `{d}.t` SET v = 'damaged' WHERE id IN (8, 2000)").await;
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE id = 1000").await;
    let told = sandbox.run(&["verify", "--repair", "--dry-run", "--output", "json"]).await.expect_code(0).json();
    assert_eq!(told["mappings"][0]["outcome"], "would_repair", "{told}");
    let told = sandbox.run(&["verify", "--repair", "--output", "json"]).await.expect_code(0).json();
    let counts = &told["mappings"][0]["repair"];
    let done = ["inserted", "updated", "different_still"].map(|count| counts[count].as_u64());
    assert_eq!(done, [1, 2, 0].map(Some), "{told}");
    equal(&sandbox, "the repair").await;
    is_at_rest(&sandbox).await;
}
