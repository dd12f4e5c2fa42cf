//! Two states that feed one target, and a state that is older than its target: no row is doubled.

use bigquery_syncer::domain::report::Outcome;
use serde_json::Value;

use crate::support::bigquery_proxy::{Call, Rule, Trouble};
use crate::support::{Sandbox, Told, Trial};

/// The trial's engine is one host, the program with this setting another: each has its own state.
const ELSEWHERE: &str = "readers: 1\ninline_rows: 0\nstate_local_path: elsewhere/state.json";

/// The kinds of publish to a target, in order: `copy`, `INSERT`, `INSERT missing` or `MERGE`.
fn publishes(trial: &Trial, target: &str) -> Vec<String> {
    let about = format!("_publish_{target}_");
    let id = |job: &Value| job["jobReference"]["jobId"].as_str().unwrap().to_owned();
    let mut jobs = trial.bigquery.sent(Call::InsertJob);
    jobs.retain(|job| id(job).contains(&about));
    // On a slow machine an answer comes late, and the same job is sent again.
    jobs.dedup_by_key(|job| id(job));
    jobs.iter().map(|job| kind(&job["configuration"])).collect()
}

fn kind(configuration: &Value) -> String {
    let Some(sql) = configuration["query"]["query"].as_str() else { return "copy".to_owned() };
    let looks = sql.contains("NOT EXISTS") || sql.contains("__held");
    let verb = sql.split_whitespace().next().unwrap();
    format!("{verb}{}", if looks { " missing" } else { "" })
}

fn warnings(told: &Told, mapping: &str) -> usize {
    let warnings = &told.mapping(mapping).warnings;
    warnings.iter().filter(|warning| warning.contains("is not as this mapping left it")).count()
}

#[tokio::test]
async fn a_restored_older_state_doubles_nothing_and_is_reported_once() {
    let trial = Trial::with("older", &["a", "k", "u"]).await;
    trial.add(100).await;
    trial.succeeds().await;
    let kept = trial.sandbox.read("state/state.json");
    trial.add(50).await;
    let told = trial.succeeds().await;
    assert_eq!(warnings(&told, "a") + warnings(&told, "k"), 0);
    trial.sandbox.write("state/state.json", &kept);
    trial.bigquery.set([]);
    let told = trial.succeeds().await;
    assert_eq!((warnings(&told, "a"), warnings(&told, "k"), warnings(&told, "u")), (1, 1, 0));
    assert_eq!(told.mapping("a").rows_inserted + told.mapping("k").rows_inserted, 0);
    assert_eq!(publishes(&trial, "a"), ["INSERT missing"]);

    // From then on the state knows its target, and asks BigQuery no more than before.
    trial.add(30).await;
    trial.bigquery.set([]);
    let told = trial.succeeds().await;
    assert_eq!(warnings(&told, "a") + warnings(&told, "k"), 0);
    assert_eq!((publishes(&trial, "a"), publishes(&trial, "k")), (vec!["copy".to_owned()], vec!["copy".to_owned()]));
    assert_eq!(trial.bigquery.count(Call::GetTable), 3, "one look for each mapping");
}

#[tokio::test]
async fn an_older_state_doubles_nothing_even_if_the_first_run_is_held_back() {
    // Other tests' transactions, which may write to every table where locks are not seen, are waited for.
    let trial = Trial::configured("older_held", "readers: 1\nfence_timeout: 60s", &["a", "k"]).await;
    let patient = trial.sandbox.read("config.yaml");
    trial.add(30).await;
    trial.succeeds().await;
    let kept = trial.sandbox.read("state/state.json");
    let later = "INSERT INTO t VALUES (31, 'old', '2026-01-02'), (32, 'new', UTC_TIMESTAMP(6) - INTERVAL 2 SECOND)";
    trial.sandbox.sql(later).await;
    trial.succeeds().await;
    trial.sandbox.write("state/state.json", &kept);
    let mut open = trial.sandbox.connection().await;
    let write = "START TRANSACTION; INSERT INTO t VALUES (33, 'open', UTC_TIMESTAMP(6))";
    sqlx::raw_sql(write).execute(&mut open).await.unwrap();
    trial.sandbox.write("config.yaml", &patient.replace("60s", "1s"));
    let told = trial.run().await;
    for mapping in ["a", "k"] {
        assert!(told.mapping(mapping).held_back.is_some(), "{:?}", told.mapping(mapping));
        assert_eq!(told.mapping(mapping).watermark_after.as_deref(), Some("2026-01-02 00:00:00"));
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut open).await.unwrap();
    trial.sandbox.write("config.yaml", &patient);
    trial.succeeds().await;
}

#[tokio::test]
async fn rows_that_others_write_are_noticed_without_a_failure() {
    let trial = Trial::with("others", &["a"]).await;
    trial.add(30).await;
    trial.succeeds().await;
    trial.sandbox.bq_run("INSERT INTO `{d}.a` (id, v, at) VALUES (1000, 'theirs', TIMESTAMP '2026-01-01')").await;
    trial.add(30).await;
    trial.bigquery.set([]);
    let told = trial.run().await;
    assert_eq!((told.mapping("a").outcome, warnings(&told, "a")), (Outcome::Ok, 1), "{:?}", told.mapping("a"));
    assert_eq!(publishes(&trial, "a"), ["INSERT missing"]);
    assert_eq!(trial.sandbox.bq_number("SELECT COUNT(*) FROM `{d}.a`").await, 61);
}

#[tokio::test]
async fn a_state_of_an_older_version_looks_up_rows_once_without_a_warning() {
    let trial = Trial::with("upgraded", &["a"]).await;
    trial.add(30).await;
    trial.succeeds().await;
    let mut state = trial.sandbox.read_json("state/state.json");
    state["bqsync"]["mappings"]["a"].as_object_mut().unwrap().remove("target").unwrap();
    trial.sandbox.write("state/state.json", &state.to_string());
    for expected in ["INSERT missing", "copy"] {
        trial.add(30).await;
        trial.bigquery.set([]);
        let told = trial.succeeds().await;
        assert_eq!((publishes(&trial, "a"), warnings(&told, "a")), (vec![expected.to_owned()], 0));
    }
}

/// A run of this host whose publish to `target` is under way while the other host runs from beginning to end.
async fn overtaken(trial: &Trial, target: &str) -> Told {
    trial.bigquery.set([Rule::new(Call::InsertJob, Trouble::Hold).about(&format!("publish_{target}_"))]);
    let other = async {
        trial.bigquery.held().await;
        trial.sandbox.sync().await;
        trial.bigquery.let_go();
    };
    let (told, ()) = tokio::join!(trial.run(), other);
    assert_eq!(told.mapping(target).outcome, Outcome::Ok, "{:?}", told.mapping(target));
    trial.equal(&[target]).await;
    told
}

#[tokio::test]
async fn two_hosts_loading_an_empty_upsert_target_at_once_bring_each_row_once() {
    let trial = Trial::configured("hosts_u", ELSEWHERE, &["u"]).await;
    trial.add(60).await;
    overtaken(&trial, "u").await;
    assert_eq!(publishes(&trial, "u"), ["copy", "MERGE"]);
    trial.bigquery.set([]);
    let staged = trial.succeeds().await;
    assert_eq!(staged.mapping("u").outcome, Outcome::Ok);
}

#[tokio::test]
async fn two_hosts_appending_at_once_bring_each_row_once() {
    for target in ["a", "k"] {
        let trial = Trial::configured("hosts_a", ELSEWHERE, &[target]).await;
        trial.add(60).await;
        let told = overtaken(&trial, target).await;
        assert_eq!(
            (publishes(&trial, target), warnings(&told, target)),
            (vec!["copy".to_owned(), "INSERT missing".to_owned()], 1)
        );
        // Both know the target now, and go on from the same watermark.
        trial.add(30).await;
        overtaken(&trial, target).await;
        assert_eq!(publishes(&trial, target), ["copy", "INSERT missing"]);
    }
}

#[tokio::test]
async fn an_unsent_publish_is_not_confused_with_another_hosts_publish_of_the_same_name() {
    let sandbox = Sandbox::new("hosts_killed").await;
    let mapping =
        "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: append}";
    let host = |state: &str| sandbox.configure(&format!("state_local_path: {state}/state.json"), mapping);
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (2)").await;
    host("here");
    sandbox.run_killed_at("staged", &["run-once"]).await;
    sandbox.sql("INSERT INTO t VALUES (3)").await;
    sandbox.run_killed_at("pending_noted", &["run-once"]).await;
    // The other host sees fewer rows, and takes the name.
    sandbox.sql("DELETE FROM t WHERE id = 3").await;
    host("elsewhere");
    sandbox.sync().await;
    sandbox.sql("INSERT INTO t VALUES (3)").await;
    host("here");
    sandbox.sync().await;
    assert_eq!(sandbox.bq_number("SELECT SUM(id) FROM `{d}.t`").await, 6);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 3);
}

#[tokio::test]
async fn tables_are_case_sensitive_and_declare_a_key_only_if_it_is_unique() {
    let trial = Trial::with("collation", &["u", "a"]).await;
    trial.add(3).await;
    let told = trial.succeeds().await;
    for (mapping, key_stands_once) in [("u", true), ("a", false)] {
        let made = told.mapping(mapping).schema_changes.join("\n");
        assert!(made.contains("DEFAULT COLLATE ''"), "{made}");
        assert_eq!(made.contains("PRIMARY KEY"), key_stands_once, "{made}");
    }
    let staging = trial.bigquery.sent(Call::CreateTable);
    assert!(staging.len() == 2 && staging.iter().all(|table| table["defaultCollation"] == ""), "{staging:?}");
}

#[tokio::test]
async fn a_text_key_that_changes_its_case_is_warned_about_and_repaired_by_deletes() {
    let sandbox = Sandbox::new("case").await;
    let mapping =
        "name: t, mysql_table: t, bigquery_table: t, primary_keys: [code], incremental_column: at, mode: upsert";
    sandbox.configure("", &format!("  - {{{mapping}}}"));
    sandbox
        .sql(
            "CREATE TABLE t (code VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY, at DATETIME NOT NULL, KEY (at)); \
             INSERT INTO t VALUES ('abc', '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    sandbox.sql("UPDATE t SET code = 'ABC', at = '2026-01-02'").await;
    let report = sandbox.sync().await.mapping("t");
    let warning = report["warnings"][0].as_str().unwrap();
    assert!(warning.contains("`code` has the collation utf8mb4_general_ci") && warning.contains("deletes"), "{report}");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 2);
    sandbox.configure("", &format!("  - {{{mapping}, deletes: hard, max_delete_fraction: 1}}"));
    sandbox.run(&["deletes"]).await.expect_code(0);
    assert_eq!(sandbox.bq("SELECT code FROM `{d}.t`").await, [[Some("ABC".to_owned())]]);
    assert_eq!(sandbox.sync().await.mapping("t")["warnings"], serde_json::json!([]));
}
