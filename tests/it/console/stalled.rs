//! A terminal behind a dead link takes no more output: neither a run nor an exit waits for it.

use rustix::process::{Signal, kill_process};

use super::first_report;
use crate::steps::{UPSERT, hundred, same_on_both_sides};
use crate::support::terminal::Terminal;

#[tokio::test]
async fn a_stalled_terminal_slows_no_run_and_does_not_prevent_quitting() {
    let sandbox = hundred("console_stalled", "window_rows: 40", UPSERT).await;
    let held = sandbox.hold("t").await;
    let console = sandbox.terminal_with("bqsync run-once").await;
    console.shows("1 running").await;
    let process = console.program();
    console.stall();
    drop(held);
    assert_eq!(first_report(&sandbox).await[0]["outcome"], "ok");
    same_on_both_sides(&sandbox).await;

    kill_process(process, Signal::TERM).unwrap();
    Terminal::ended(process).await;
    console.go_on();
    assert_eq!(console.left().await, 130);
}

#[tokio::test]
async fn a_terminal_that_stalls_before_the_last_lines_does_not_prevent_quitting() {
    let sandbox = hundred("console_full", "window_rows: 40", UPSERT).await;
    let console = sandbox.terminal_with("bqsync").await;
    console.shows("NEW").await;
    let process = console.program();
    console.stall();

    kill_process(process, Signal::TERM).unwrap();
    Terminal::ended(process).await;
    console.go_on();
    assert_eq!(console.left().await, 130);
}
