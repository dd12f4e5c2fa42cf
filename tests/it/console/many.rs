//! Many mappings: found by their problems, marked, handled together, and the same again at the next start.

use super::mapping;
use crate::support::Sandbox;
use crate::support::terminal::says;

#[tokio::test]
async fn failed_mappings_are_filtered_marked_and_run_together_and_the_filter_is_remembered() {
    let sandbox = Sandbox::new("console_many").await;
    sandbox.configure("", &["a", "b", "c"].map(mapping).concat());
    sandbox.sql("CREATE TABLE a (id INT PRIMARY KEY); INSERT INTO a VALUES (1)").await;
    let console = sandbox.terminal_with("bqsync").await;
    console.shows("3 mappings").await;
    console.press(&["R"]);
    console.shows("2 failed 1 ok").await;
    sandbox.sql("CREATE TABLE b LIKE a; INSERT INTO b SELECT * FROM a").await;
    sandbox.sql("CREATE TABLE c LIKE a; INSERT INTO c SELECT * FROM a").await;

    console.press(&["!"]);
    console.shows("! only what is wrong (2 shown)").await;
    console.press(&["*", "r"]);
    let question = console.shows("Run 2 mappings?").await;
    assert!(says(&question, "b, c"), "{question}");
    console.press(&["y"]);
    // A running mapping has no problem; once both are counted as well, the run has ended.
    console.shows("Nothing is wrong").await;
    console.shows("3 ok").await;
    for table in ["b", "c"] {
        assert_eq!(sandbox.bq_number(&format!("SELECT COUNT(*) FROM `{{d}}.{table}`")).await, 1);
    }

    console.press(&["w"]);
    let sent = console.shows("j=bq:").await;
    assert!(says(&sent, "Recently sent to BigQuery"), "{sent}");
    console.press(&["Escape"]);
    console.shows("3 mappings").await;
    console.press(&["!"]);
    console.shows("3 ok").await;
    console.press(&[":"]);
    console.shows("run-all").await;
    console.press(&["f", "i", "Tab"]);
    console.shows(":filter").await;
    console.press(&["n", "a", "m", "e", ":", "b", "Enter"]);
    console.shows("/name:b (1 shown)").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);

    let again = sandbox.terminal_with("bqsync").await;
    again.shows("/name:b (1 shown)").await;
    again.press(&["q"]);
    assert_eq!(again.left().await, 0);
}
