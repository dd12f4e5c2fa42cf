//! An error of our own: the terminal is given back, and one mapping's panic affects no other.

use super::{first_report, mapping};
use crate::steps::{UPSERT, hundred};
use crate::support::Sandbox;

#[tokio::test]
async fn a_panic_of_the_screen_restores_the_terminal_and_reports_the_panic() {
    let sandbox = hundred("console_panic", "", UPSERT).await;
    let console = sandbox.terminal_with("BQSYNC_PANIC_AT=key_pressed bqsync").await;
    console.shows("NEW never run").await;
    console.press(&["j"]);
    assert_eq!(console.left().await, 101);
    let said = console.screen();
    assert!(said.contains("panicked") && said.contains("src/failpoint.rs"), "{said}");
}

#[tokio::test]
async fn a_panic_in_the_engine_fails_one_mapping_and_the_console_goes_on() {
    let sandbox = Sandbox::new("console_engine_panic").await;
    sandbox.configure("concurrency: 1", &["a", "b"].map(mapping).concat());
    sandbox
        .sql("CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE b LIKE a; INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)")
        .await;
    let console = sandbox.terminal_with("BQSYNC_PANIC_AT=planned bqsync run-once").await;
    console.shows("1 failed 1 ok").await;
    // It is chance which of the two it was.
    let report = first_report(&sandbox).await;
    let failed = if report[0]["outcome"] == "failed" { "a" } else { "b" };
    console.press(&[if failed == "a" { "g" } else { "G" }, "Enter"]);
    console.shows(&format!("{failed} FAILED")).await;
    console.shows("The mapping's task ended in a panic").await;
    console.press(&["r"]);
    console.shows("OK: 1 row").await;
    assert_eq!(sandbox.bq_number(&format!("SELECT COUNT(*) FROM `{{d}}.{failed}`")).await, 1);
    console.press(&["q"]);
    assert_eq!(console.left().await, 1);
    // It was kept off the screen, and is printed now.
    let said = console.screen();
    assert!(said.contains("src/failpoint.rs"), "{said}");
}
