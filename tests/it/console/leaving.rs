//! Every way to leave: the effect on a run, the exit code, and that the shell gets its terminal back.

use rustix::process::{Signal, kill_process};

use crate::steps::{UPSERT, hundred, same_on_both_sides};
use crate::support::Sandbox;
use crate::support::terminal::Terminal;

/// A console whose run waits in MySQL until the table is released.
async fn waiting(sandbox: &Sandbox) -> (Terminal, sqlx::MySqlConnection) {
    let held = sandbox.hold("t").await;
    let console = sandbox.terminal_with("bqsync").await;
    console.shows("1 mapping").await;
    start(&console).await;
    (console, held)
}

async fn start(console: &Terminal) {
    console.shows("r sync").await;
    console.press(&["r"]);
    console.shows("1 running").await;
}

#[tokio::test]
async fn quitting_during_a_run_asks_and_each_answer_does_what_it_says() {
    let sandbox = hundred("console_quit", "", UPSERT).await;
    let (console, held) = waiting(&sandbox).await;
    console.press(&["q"]);
    console.shows("t is running.").await;
    console.press(&["s"]);
    console.until("no question", |screen| !screen.contains("t is running.")).await;
    console.shows("1 running").await;

    console.press(&["q"]);
    console.shows("t is running.").await;
    console.press(&["c"]);
    assert_eq!(console.left().await, 130);
    assert!(sandbox.read_json("state/state.json")["last_sync"].get("t").is_none());

    console.start("bqsync").await;
    start(&console).await;
    console.press(&["q"]);
    console.shows("t is running.").await;
    console.press(&["w"]);
    console.shows("leaving once the runs have ended").await;
    drop(held);
    assert_eq!(console.left().await, 0);
    same_on_both_sides(&sandbox).await;
}

#[tokio::test]
async fn ctrl_c_twice_cancels_and_leaves() {
    let sandbox = hundred("console_ctrl_c", "", UPSERT).await;
    let (console, held) = waiting(&sandbox).await;
    console.press(&["C-c"]);
    console.shows("t is running.").await;
    console.press(&["C-c"]);
    assert_eq!(console.left().await, 130);
    drop(held);
    sandbox.sync().await;
    same_on_both_sides(&sandbox).await;
}

#[tokio::test]
async fn signals_stop_at_a_safe_point_and_keep_every_published_step() {
    let sandbox = hundred("console_signals", "window_rows: 15", UPSERT).await;
    for signal in [Signal::TERM, Signal::HUP] {
        let console = sandbox.terminal_with("bqsync run-once").await;
        paused_between_steps(&console).await;
        kill_process(console.program(), signal).unwrap();
        assert_eq!(console.left().await, 130, "{signal:?}");
        kept_up_to_the_watermark(&sandbox).await;
    }
    sandbox.sync().await;
    same_on_both_sides(&sandbox).await;
}

#[tokio::test]
async fn a_closed_terminal_stops_the_runs_and_keeps_every_published_step() {
    let sandbox = hundred("console_hangup", "window_rows: 15", UPSERT).await;
    let console = sandbox.terminal_with("bqsync run-once").await;
    paused_between_steps(&console).await;
    let process = console.program();
    console.hang_up();
    Terminal::ended(process).await;
    kept_up_to_the_watermark(&sandbox).await;
    let report = sandbox.read_json("etl/reports/report.json");
    assert_eq!(report[0]["outcome"], "cancelled", "{report}");
}

#[tokio::test]
async fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_paints_it_anew() {
    let sandbox = hundred("console_ctrl_z", "", UPSERT).await;
    let console = sandbox.terminal_with("bqsync").await;
    // Nothing more changes by itself.
    let before = console.shows("newest in MySQL 2026-01-01 00:00:33").await;
    console.press(&["C-z"]);
    // 128 plus SIGSTOP.
    assert_eq!(console.left().await, 147);
    console.start("echo in between").await;
    assert_eq!(console.left().await, 0);
    console.start("fg").await;
    console.until("the same screen", |screen| screen == before).await;
    console.press(&["?"]);
    console.shows("show the mapping's run: the present one or the last").await;
    console.press(&["q"]);
    // A key that the program has not read yet would go to the shell.
    console.until("the same screen", |screen| screen == before).await;
    kill_process(console.program(), Signal::TSTP).unwrap();
    assert_eq!(console.left().await, 147);
    assert!(console.screen().contains("echo in between"), "the shell's own screen: {}", console.screen());
    console.start("fg").await;
    console.until("the same screen", |screen| screen == before).await;
    kill_process(console.program(), Signal::QUIT).unwrap();
    assert_eq!(console.left().await, 130);
    assert!(console.screen().contains("echo in between"), "the shell's own screen: {}", console.screen());
}

/// At least one step is published, and at least one is not.
async fn paused_between_steps(console: &Terminal) {
    console.shows("1 running").await;
    console.press(&["Enter"]);
    console.shows("BigQuery jobs").await;
    let published = |line: &str| line.contains("published") && !line.contains("rows read");
    console.until("a published step", |screen| screen.lines().any(published)).await;
    console.press(&["p"]);
    console.shows("PAUSED").await;
}

/// The target holds exactly the rows that the state says are there.
async fn kept_up_to_the_watermark(sandbox: &Sandbox) {
    let state = sandbox.read_json("state/state.json");
    let mark = state["last_sync"]["t"].as_str().unwrap_or_else(|| panic!("no watermark: {state}"));
    let expected = sandbox.mysql_number(&format!("SELECT COUNT(*) FROM t WHERE at <= '{mark}'")).await;
    assert!((1..100).contains(&expected), "{mark}");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, expected);
}
