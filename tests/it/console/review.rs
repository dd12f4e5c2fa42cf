//! New columns: a mapping that waits, the operator's decision on each, and the run that continues.

use crate::steps::{UPSERT, hundred};
use crate::support::Sandbox;
use crate::support::terminal::says;

#[tokio::test]
async fn a_decision_on_new_columns_is_remembered_and_the_run_continues() {
    let sandbox = hundred("console_review", "allow_schema_additions: review", UPSERT).await;
    sandbox.sync().await;
    sandbox
        .sql(
            "ALTER TABLE t ADD COLUMN wanted INT, ADD COLUMN secret VARCHAR(10); \
             INSERT INTO t VALUES (101, 'new', '2026-02-01', 7, 'x')",
        )
        .await;
    let console = sandbox.terminal_with("bqsync run-once").await;
    console.shows("REVIEW 2 columns to decide").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 3);

    console.start("bqsync").await;
    console.shows("REVIEW 2 columns to decide").await;
    console.press(&["s"]);
    console.shows("[ ] secret").await;
    // Each Space moves on from accept to decline to undecided.
    console.press(&["G", "Space", "Space", "k", "Space"]);
    console.until("both marks", |screen| says(screen, "[+] wanted") && says(screen, "[-] secret")).await;
    console.press(&["Enter"]);
    let asked = console.shows("ADD COLUMN IF NOT EXISTS `wanted` INT64").await;
    assert!(says(&asked, "This is sent to BigQuery: ALTER TABLE"), "{asked}");
    assert!(says(&asked, "Left out of the mapping from now on: secret."), "{asked}");
    assert_eq!(sandbox.bq_columns("t").await.len(), 3, "nothing is done before the answer");
    console.press(&["y"]);
    console.shows("1 column accepted, 1 declined").await;
    console.press(&["Escape"]);
    console.shows("1 mapping 1 ok").await;
    assert_eq!(sandbox.bq_number("SELECT wanted FROM `{d}.t` WHERE id = 101").await, 7);
    assert_eq!(sandbox.bq_columns("t").await.last().unwrap(), "wanted INTEGER");
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);

    console.start("bqsync").await;
    console.shows("1 ok").await;
    console.press(&["s"]);
    console
        .until("the declined column", |screen| {
            screen.lines().any(|line| says(line, "secret") && says(line, "declined"))
        })
        .await;
    console.press(&["G"]);
    console.shows("declined as TEXT by ").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}

#[tokio::test]
async fn a_declined_column_of_a_new_table_never_reaches_bigquery() {
    let sandbox = Sandbox::new("console_new_table").await;
    sandbox.configure("", &format!("  - tables: '{}.*'\n", sandbox.database));
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    sandbox.sync().await;
    sandbox
        .sql("CREATE TABLE n1 (id INT PRIMARY KEY, w INT, v VARCHAR(9)); INSERT INTO n1 VALUES (1, 5, 'secret')")
        .await;
    let console = sandbox.terminal_with("bqsync").await;
    console.shows("REVIEW").await;
    console.press(&["g", "s"]);
    console.shows("a new table that waits").await;
    console.press(&["G", "Space", "Space"]);
    console.shows("[-] v").await;
    console.press(&["Enter"]);
    let asked = console.shows("Take the new table").await;
    assert!(says(&asked, "moved without v"), "{asked}");
    console.press(&["y"]);
    console.shows("taken without v").await;
    console.press(&["Escape"]);
    console.shows("2 ok").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
    assert_eq!(sandbox.bq_columns("n1").await, ["id INTEGER", "w INTEGER"]);
    assert_eq!(sandbox.bq_number("SELECT w FROM `{d}.n1`").await, 5);
    // Rows that come later arrive without the column as well.
    sandbox.sql("INSERT INTO n1 VALUES (2, 6, 'secret')").await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq_columns("n1").await.len(), 2);
}
