//! Rows are compared with `v`, the differing keys are listed, and mended when the operator agrees.

use crate::steps::{ARRIVED, ROWS, UPSERT, hundred};

#[tokio::test]
async fn rows_are_compared_and_mended_after_a_question() {
    let sandbox = hundred("console_mend", "", UPSERT).await;
    sandbox.sync().await;
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE id = 7").await;
    let console = sandbox.terminal_with("bqsync").await;
    console.shows("1 ok").await;
    console.press(&["v"]);
    console.shows("compares both sides").await;
    console.press(&["Enter"]);
    let found = console.shows("DIFFERENT").await;
    assert!(found.contains("id=7"), "{found}");
    console.press(&["m"]);
    console.shows("1 key only in MySQL: inserted.").await;
    console.press(&["y"]);
    console.shows("1 inserted; equal now").await;
    assert_eq!(sandbox.bq(ARRIVED).await, sandbox.mysql(ROWS).await);
    console.press(&["h"]);
    console.shows("repair").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}
