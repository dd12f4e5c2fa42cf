//! An upsert's first load: no target row could match, so none is looked up, and each key is still brought once.

use crate::support::bigquery_proxy::Call;
use crate::support::{Sandbox, Trial};

/// The statements that published, in order; for a copy job only its word.
fn published(trial: &Trial) -> Vec<String> {
    let jobs = trial.bigquery.sent(Call::InsertJob).into_iter();
    let publishes = jobs.filter(|job| job["jobReference"]["jobId"].as_str().unwrap().contains("_publish_"));
    publishes.map(|job| job["configuration"]["query"]["query"].as_str().unwrap_or("COPY").to_owned()).collect()
}

/// The kind: `COPY`, `INSERT`, `INSERT QUALIFY` or `MERGE`.
fn kind(sql: &str) -> String {
    let verb = sql.split_whitespace().next().unwrap();
    let picks = verb == "INSERT" && sql.contains("QUALIFY");
    format!("{verb}{}", if picks { " QUALIFY" } else { "" })
}

fn kinds(trial: &Trial) -> Vec<String> {
    published(trial).iter().map(|sql| kind(sql)).collect()
}

#[tokio::test]
async fn an_empty_target_is_filled_by_a_copy_or_an_insert_and_another_by_a_merge() {
    for (settings, first) in [("readers: 1\ninline_rows: 0", "COPY"), ("readers: 1", "INSERT")] {
        let trial = Trial::configured("first_load", settings, &["u"]).await;
        trial.add(60).await;
        trial.succeeds().await;
        assert_eq!(kinds(&trial), [first], "{:?}", published(&trial));
        trial.add(30).await;
        trial.bigquery.set([]);
        trial.succeeds().await;
        assert_eq!(kinds(&trial), ["MERGE"]);
    }
}

#[tokio::test]
async fn only_the_first_of_several_steps_finds_the_target_empty() {
    let trial = Trial::configured("first_steps", "readers: 1\nwindow_rows: 40", &["u"]).await;
    trial.add(100).await;
    trial.succeeds().await;
    // Steps are read by their moments, so a row whose moment grows meanwhile is read twice.
    assert_eq!(kinds(&trial), ["INSERT QUALIFY", "MERGE", "MERGE"], "{:?}", published(&trial));
}

#[tokio::test]
async fn the_newest_row_of_a_duplicate_key_is_kept() {
    let sandbox = Sandbox::new("first_twice").await;
    let mapping = "name: t, mysql_table: t, bigquery_table: t, primary_keys: [code], incremental_column: at";
    sandbox.configure("", &format!("  - {{{mapping}, mode: upsert}}"));
    sandbox
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, code VARCHAR(9) NOT NULL, at DATETIME NOT NULL, KEY (at, code)); \
             INSERT INTO t VALUES (1, 'x', '2026-01-02'), (2, 'x', '2026-01-01'), (3, 'y', '2026-01-01')",
        )
        .await;
    sandbox.run(&["run-once"]).await.expect_code(0);
    let rows = sandbox.bq("SELECT CONCAT(code, ' ', CAST(id AS STRING)) FROM `{d}.t` ORDER BY code").await;
    assert_eq!(rows, [[Some("x 1".to_owned())], [Some("y 3".to_owned())]]);
}
