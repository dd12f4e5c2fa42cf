//! Runs: started and watched, alone and side by side, and their exit codes.

use bigquery_syncer::host::host_name;

use super::{first_report, mapping};
use crate::steps::{UPSERT, hundred, same_on_both_sides};
use crate::support::Sandbox;
use crate::support::terminal::{eventually, says};

#[tokio::test]
async fn a_run_is_started_with_one_key_and_watched_to_its_end() {
    let sandbox = hundred("console_run", "", UPSERT).await;
    let held = sandbox.hold("t").await;
    let console = sandbox.terminal_with("bqsync").await;
    let opened = console.shows("NEW never run").await;
    assert!(says(&opened, &format!("demo.{}", sandbox.dataset)) && says(&opened, "EMULATOR"), "{opened}");
    assert!(says(&opened, "1 mapping") && says(&opened, "r sync"), "{opened}");

    console.press(&["r"]);
    console.shows("1 running").await;
    console.press(&["Enter"]);
    console.shows("t RUNNING").await;
    drop(held);
    console.shows("OK: 100 rows").await;
    same_on_both_sides(&sandbox).await;

    console.press(&["Escape"]);
    console.shows("1 mapping 1 ok").await;
    console.press(&["h"]);
    console.shows("manual t 100").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}

#[tokio::test]
async fn a_mapping_without_a_table_fails_alone_and_its_next_step_is_shown() {
    let sandbox = Sandbox::new("console_four").await;
    sandbox.configure("", &["a", "b", "missing"].map(mapping).concat());
    sandbox
        .sql("CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE b LIKE a; INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)")
        .await;
    let console = sandbox.terminal_with("bqsync").await;
    console.shows("3 mappings").await;
    console.press(&["R"]);
    console.shows("1 failed 2 ok").await;
    for table in ["a", "b"] {
        assert_eq!(sandbox.bq_number(&format!("SELECT COUNT(*) FROM `{{d}}.{table}`")).await, 1);
    }
    let report = first_report(&sandbox).await;
    let failed = report.as_array().unwrap().iter().find(|m| m["mapping_name"] == "missing").unwrap();
    let (error, hint) = (failed["errors"][0].as_str().unwrap(), failed["hint"].as_str().unwrap());
    // Below the list, and on the run's own screen.
    console.press(&["G"]);
    console.shows(hint).await;
    console.press(&["Enter"]);
    let run = console.shows("missing ERROR").await;
    assert!(says(&run, error) && says(&run, hint), "{error} / {hint}:\n{run}");
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}

#[tokio::test]
async fn the_outcome_of_a_run_from_the_command_line_is_the_exit_code() {
    let sandbox = hundred("console_codes", "", &format!("{UPSERT}\n{}", mapping("missing"))).await;
    let console = sandbox.terminal_with("bqsync run-once --mapping t").await;
    console.shows("1 ok").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
    console.start("bqsync run-once --mapping missing").await;
    console.shows("missing failed: There is no table").await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 1);
}

#[tokio::test]
async fn pipes_and_no_tui_never_open_the_console() {
    let sandbox = hundred("console_pipes", "", UPSERT).await;
    let shell = sandbox.terminal().await;
    let written = sandbox.path("written");
    shell.record(&written);
    for command_line in ["bqsync --no-tui run-once", "bqsync run-once | cat", "bqsync run-once </dev/null"] {
        shell.start(command_line).await;
        shell.shows("demo").await;
        assert_eq!(shell.left().await, 0, "{command_line}");
    }
    // tmux copies at its own pace.
    let text = || std::fs::read_to_string(&written).unwrap_or_default();
    eventually("what was written", || text().matches("exit code 0").count() == 3).await;
    let text = text();
    assert_eq!(text.matches("OK").count(), 3, "{text}");
    assert!(!text.contains('\x1b'), "{text:?}");
}

#[tokio::test]
async fn two_consoles_on_one_state_show_each_others_runs_and_start_none_twice() {
    let sandbox = hundred("console_two", "", UPSERT).await;
    let held = sandbox.hold("t").await;
    let first = sandbox.terminal_with("bqsync").await;
    first.shows("NEW never run").await;
    first.press(&["r"]);
    first.shows("1 running").await;

    let second = sandbox.terminal().await;
    second.resize(120, 40);
    second.start("bqsync").await;
    let (host, process) = (host_name(), first.program());
    second.shows(&format!("RUNNING on {host}:{process}")).await;
    second.press(&["r"]);
    second.shows(&format!("t is being synced on {host}, process {process}")).await;
    second.press(&["R"]);
    second.shows("every mapping is running already").await;

    drop(held);
    first.shows("1 ok").await;
    // It appears by itself, from the state.
    second.shows("1 ok").await;
    same_on_both_sides(&sandbox).await;
    second.press(&["h"]);
    let history = second.shows("manual t 100").await;
    assert_eq!(history.matches("manual").count(), 1, "{history}");
    for console in [first, second] {
        console.press(&["q"]);
        assert_eq!(console.left().await, 0);
    }
}
