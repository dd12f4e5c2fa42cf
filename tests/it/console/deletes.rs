//! Deleted rows: counted, asked about, marked, and shown in the history.

use crate::steps::{UPSERT, hundred};
use crate::support::terminal::says;

#[tokio::test]
async fn deleted_rows_are_counted_asked_about_and_marked() {
    let soft = UPSERT.replace("mode: upsert", "mode: upsert, deletes: soft");
    let sandbox = hundred("console_gone", "", &soft).await;
    sandbox.sync().await;
    sandbox.sql("DELETE FROM t WHERE id IN (3, 50)").await;
    let marked = "SELECT COUNT(*) FROM `{d}.t` WHERE _bqsync_deleted_at IS NOT NULL";

    let console = sandbox.terminal_with("bqsync").await;
    console.shows("1 ok").await;
    console.press(&["x"]);
    let question = console.shows("mark 2 rows").await;
    assert!(says(&question, "2 of the 100 rows"), "{question}");
    console.press(&["n"]);
    console.shows("R sync all").await;
    assert_eq!(sandbox.bq_number(marked).await, 0);
    console.press(&["x"]);
    console.shows("y mark 2 rows").await;
    console.press(&["y"]);
    console.shows("2 rows deleted or marked").await;
    console.shows("OK").await;
    assert_eq!(sandbox.bq_number(marked).await, 2);
    console.press(&["h"]);
    let history = console.shows("deletes").await;
    assert_eq!(history.matches("deletes").count(), 1, "looks leave no trace:\n{history}");
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}
