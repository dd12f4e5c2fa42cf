//! A backfill: previewed, started, cancelled, offered again by the next console, and finished.

use crate::steps::{UPSERT, hundred, same_on_both_sides};
use crate::support::terminal::says;

#[tokio::test]
async fn a_backfill_is_previewed_cancelled_offered_again_and_finished() {
    let sandbox = hundred("console_backfill", "", UPSERT).await;
    sandbox
        .sql("UPDATE t SET at = '2026-01-01' + INTERVAL id * 7 HOUR; INSERT INTO t VALUES (101, 'later', '2026-03-01')")
        .await;
    sandbox.sync().await;
    sandbox.configure("window_rows: 25", UPSERT);
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE id BETWEEN 31 AND 92").await;

    let console = sandbox.terminal_with("bqsync").await;
    console.shows("1 ok").await;
    console.press(&["b"]);
    console.shows("Backfill: move a range again").await;
    console.type_in("2026-01-01");
    console.press(&["Tab"]);
    console.type_in("2026-01-31");
    console.shows("2026-01-31 23:59:59 UTC").await;
    console.press(&["Enter"]);
    let preview = console.shows("slices 5").await;
    for fact in ["rows in MySQL about 1", "rows in BigQuery 38", "publishing merge", "Enter asks to start it"] {
        assert!(says(&preview, fact), "{fact}:\n{preview}");
    }
    console.press(&["Enter"]);
    console.shows("The watermark stays where it is.").await;
    console.press(&["y"]);
    // The first slice is published, the others are not.
    console.shows("1 slice").await;
    console.press(&["p"]);
    console.shows("PAUSED").await;
    console.press(&["c"]);
    console.shows("A run stops at its next safe point.").await;
    console.press(&["y"]);
    console.shows("CANCELLED: ").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
    assert!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await < 101);

    console.start("bqsync").await;
    console.shows("Unfinished backfills").await;
    console.shows("open the backfill of t, to continue it").await;
    console.press(&["y"]);
    console.shows("unfinished: 2026-01-01 to 2026-01-31 23:59:59").await;
    console.press(&["Enter"]);
    console.shows("go on from 2026-01-").await;
    console.press(&["y"]);
    console.shows("OK: ").await;
    same_on_both_sides(&sandbox).await;
    let state = sandbox.read_json("state/state.json");
    assert_eq!(state["last_sync"]["t"], "2026-03-01 00:00:00");
    assert!(state["bqsync"]["mappings"]["t"].get("backfill").is_none(), "{state}");
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}
