//! The operator's decisions on single columns: remembered, carried out, and respected.

use serde_json::Value;

use crate::steps::{UPSERT, hundred};
use crate::support::Sandbox;

const REVIEW: &str = "allow_schema_additions: review";

/// A mapping that was synced once before the source got two more columns.
async fn with_new_columns(name: &str) -> Sandbox {
    let sandbox = hundred(name, REVIEW, UPSERT).await;
    sandbox.sync().await;
    sandbox
        .sql(
            "ALTER TABLE t ADD COLUMN wanted INT, ADD COLUMN secret VARCHAR(10); \
             INSERT INTO t VALUES (101, 'new', '2026-02-01', 7, 'x')",
        )
        .await;
    sandbox
}

fn remembered(sandbox: &Sandbox) -> Value {
    sandbox.read_json("state/state.json")["bqsync"]["mappings"]["t"].clone()
}

#[tokio::test]
async fn each_column_is_accepted_or_declined_separately_and_the_run_continues() {
    let sandbox = with_new_columns("review").await;
    sandbox.run_once().await.expect_code(3);
    assert_eq!(remembered(&sandbox)["undecided"], serde_json::json!(["wanted", "secret"]));

    let accept = ["schema-diff", "--mapping", "t", "--apply", "--column", "wanted"];
    let said = sandbox.run(&accept).await.expect_code(0);
    assert!(
        said.stdout.contains("accepted: wanted") && said.stdout.contains("ADD COLUMN IF NOT EXISTS `wanted`"),
        "{said:?}"
    );
    // One column is still undecided.
    sandbox.run_once().await.expect_code(3);
    let said = sandbox.run(&["schema-diff", "--mapping", "t", "--decline", "secret"]).await.expect_code(0);
    assert!(said.stdout.contains("declined: secret"), "{said:?}");

    let report = sandbox.sync().await.mapping("t");
    assert_eq!(report["records_processed"], 1);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("`secret` is left out, because an operator has declined it"), "{warnings}");
    assert_eq!(sandbox.bq_number("SELECT wanted FROM `{d}.t` WHERE id = 101").await, 7);
    assert!(!sandbox.bq_columns("t").await.iter().any(|c| c.starts_with("secret")));
    let state = remembered(&sandbox);
    assert!(state.get("undecided").is_none(), "{state}");
    let (yes, no) = (&state["decisions"]["wanted"], &state["decisions"]["secret"]);
    assert_eq!((&yes["accepted"], &no["accepted"]), (&true.into(), &false.into()));
    assert!(no["by"].as_str().unwrap().contains('@') && no["at"].is_string(), "{state}");
}

#[tokio::test]
async fn a_declined_column_that_gets_another_type_needs_a_new_decision() {
    let sandbox = with_new_columns("review_again").await;
    let decide = ["schema-diff", "--mapping", "t", "--apply", "--column", "wanted", "--decline", "secret"];
    sandbox.run(&decide).await.expect_code(0);
    // A declined column lacks no values that anybody has to fill.
    for words in [&["--apply"][..], &["--apply", "--decline", "secret"], &[]] {
        let said = sandbox.run(&[&["schema-diff", "--mapping", "t"], words].concat()).await.expect_code(0);
        assert!(!said.stdout.contains("backfill") && !said.stdout.contains("`secret` is new"), "{said:?}");
    }
    sandbox.sync().await;
    sandbox
        .sql("ALTER TABLE t MODIFY COLUMN secret BIGINT NULL; INSERT INTO t VALUES (102, 'n', '2026-02-02', 8, 9)")
        .await;
    sandbox.run_once().await.expect_code(3);
}

#[tokio::test]
async fn a_conflict_waits_and_may_be_declined_but_not_accepted() {
    let sandbox = hundred("review_conflict", REVIEW, UPSERT).await;
    sandbox.sql("ALTER TABLE t ADD COLUMN n INT NOT NULL DEFAULT 3").await;
    sandbox.sync().await;
    sandbox.sql("ALTER TABLE t MODIFY COLUMN n VARCHAR(9); INSERT INTO t VALUES (101, 'new', '2026-02-01', 'x')").await;
    let waits = sandbox.run_once().await.expect_code(3).mapping("t");
    let remedy = "INT64}` in the mapping keeps the type that BigQuery has";
    assert!(waits["warnings"].to_string().contains(remedy), "{waits}");
    assert_eq!(waits["waits_for"], "conflict");
    let applied = sandbox.run(&["schema-diff", "--mapping", "t", "--apply"]).await.expect_code(1);
    assert!(applied.stdout.contains("1 conflict, which no statement here ends"), "{applied:?}");
    assert!(applied.stdout.contains("t: next: column `n`: `columns: {\"n\": INT64}`"), "{applied:?}");
    let refused = sandbox.run(&["schema-diff", "--mapping", "t", "--apply", "--column", "n"]).await.expect_code(1);
    assert!(refused.stdout.contains("cannot be accepted") && refused.stdout.contains(remedy), "{refused:?}");
    sandbox.run(&["schema-diff", "--mapping", "t", "--decline", "n"]).await.expect_code(0);
    sandbox.sync().await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t` WHERE id = 101 AND n IS NULL").await, 1);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t` WHERE n = 3").await, 100);
}

#[tokio::test]
async fn invalid_decisions_are_refused_with_the_valid_ones() {
    let sandbox = with_new_columns("review_words").await;
    let said = |words: &'static [&'static str], code| {
        let sandbox = &sandbox;
        async move {
            let ran = sandbox.run(&[&["schema-diff"][..], words].concat()).await.expect_code(code);
            ran.stdout + &ran.stderr
        }
    };
    assert!(said(&["--decline", "secret"], 2).await.contains("--mapping"));
    let unknown = said(&["--mapping", "t", "--decline", "secrets"], 2).await;
    assert!(unknown.contains("columns that differ: wanted, secret"), "{unknown}");
    assert!(said(&["--mapping", "t", "--decline", "id"], 1).await.contains("nothing to decide"));
}
