//! A table without a mapping gets one with `t`, and the rest of the file stays.

use crate::steps::{UPSERT, hundred};

#[tokio::test]
async fn a_marked_table_is_added_to_the_file_and_moved_by_the_next_run() {
    let sandbox = hundred("console_tables", "", UPSERT).await;
    sandbox.sql("CREATE TABLE tags (id INT PRIMARY KEY, word VARCHAR(9)); INSERT INTO tags VALUES (1, 'new')").await;
    let before = sandbox.read("config.yaml");
    sandbox.write("config.yaml", &format!("{before}# The end.\n"));
    let console = sandbox.terminal_with("bqsync").await;
    console.shows("NEW never run").await;
    console.press(&["t"]);
    console.shows("1 table without a mapping").await;
    console.press(&["Space", "Enter"]);
    console.shows("name: tags").await;
    console.press(&["y"]);
    console.shows("Every table of").await;
    let after = sandbox.read("config.yaml");
    assert!(after.starts_with(&before) && after.ends_with("\n# The end.\n"), "{after}");
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
    sandbox.sync().await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.tags`").await, 1);
}
