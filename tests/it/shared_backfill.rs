//! A backfill that several processes share with a state in Cloud Storage: one dies, one comes late, one that was
//! thought dead comes back, and others want the mapping meanwhile.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command as Process, Output};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use chrono::TimeDelta;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::steps::{ARRIVED, ROWS, UPSERT, hundred, same_on_both_sides};
use crate::support::{Gcs, Sandbox, Trouble, finish};

/// A mapping without keys, so that a row that is published twice is there twice.
const KEYLESS: &str = "  - {name: t, mysql_table: t, bigquery_table: t, incremental_column: at, mode: append}";

const BACKFILL: [&str; 7] = ["backfill", "--mapping", "t", "--start", "2026-01-01", "--output", "json"];

/// 100 rows; a part has at least 6 of them and moves in steps of 6. A holder is known to be dead after 3 s.
async fn sandbox(name: &str, gcs: &Gcs, mapping: &str) -> Sandbox {
    let settings = format!("state_store: gcs\nstate_gcs_bucket: {}\nstate_gcs_lease: 3s\nwindow_rows: 5", gcs.bucket);
    hundred(name, &settings, mapping).await
}

fn shard(gcs: &Gcs, sandbox: &Sandbox, shard: &str) -> Process {
    gcs.command(sandbox, &[&BACKFILL[..], &["--shard", shard]].concat())
}

async fn end(child: Child) -> Output {
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
}

fn report(output: &Output) -> Value {
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    whole["mappings"][0].clone()
}

fn signal(child: &Child, name: &str) {
    assert!(Process::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn remembered(gcs: &Gcs) -> Value {
    gcs.json("state/t.json")["bqsync"]["mappings"]["t"].clone()
}

#[tokio::test]
async fn four_processes_move_every_row_once_although_one_of_them_is_killed_in_the_middle() {
    for mapping in [UPSERT, KEYLESS] {
        let gcs = Gcs::start().await;
        let sandbox = sandbox("share", &gcs, mapping).await;
        let start = |index: usize| {
            let mut command = shard(&gcs, &sandbox, &format!("{index}/4"));
            if index == 1 {
                // It is killed in its first part: BigQuery has the rows, and no state says so.
                command.env("BQSYNC_KILL_AT", "published:2");
            }
            command.spawn().unwrap()
        };
        let (a, b, c, d) = tokio::join!(end(start(0)), end(start(1)), end(start(2)), end(start(3)));
        assert_eq!(b.status.signal(), Some(9), "{b:?}");
        let mut rows = 0;
        for survivor in [&a, &c, &d] {
            assert_eq!(survivor.status.code(), Some(0), "{survivor:?}");
            let report = report(survivor);
            assert_eq!(report["outcome"], "ok", "{report}");
            assert!(report["records_processed"].as_u64() > Some(0), "the work was not shared: {report}");
            rows += report["records_processed"].as_u64().unwrap();
        }
        // All rows but those of the one step that the dead process had recorded; the other step was found to be
        // published.
        assert!((90..100).contains(&rows), "{rows}");
        same_on_both_sides(&sandbox).await;
        let state = remembered(&gcs);
        assert!(state.get("backfill").is_none(), "{state}");
        // The platform starts the dead process again: it is told so, and moves nothing.
        let late = finish(shard(&gcs, &sandbox, "1/4")).await.expect_code(0).mapping("t");
        assert_eq!((&late["records_processed"], &late["steps"]), (&0.into(), &0.into()), "{late}");
        assert!(late["warnings"][0].as_str().unwrap().contains("before this one started"), "{late}");
        assert_eq!(remembered(&gcs)["ended_backfill"]["told"].as_array().unwrap().len(), 4);
        let mut tables = sandbox.bq_tables().await;
        tables.retain(|table| table.contains("staging"));
        assert!(tables.is_empty(), "left behind: {tables:?}");
    }
}

#[tokio::test]
async fn a_run_waits_for_no_dead_process_and_an_operator_continues_the_rest() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("share_dead", &gcs, KEYLESS).await;
    let mut first = shard(&gcs, &sandbox, "1/2");
    first.env("BQSYNC_KILL_AT", "published:2");
    assert_eq!(finish(first).await.code, -1);
    let status = gcs.run(&sandbox, &["status", "--output", "json"]).await.expect_code(0).json();
    assert!(status[0]["backfill"]["rows"].as_u64() > Some(0), "{status}");
    let other = ["backfill", "--mapping", "t", "--start", "2026-01-02", "--shard", "0/2"];
    let refused = gcs.run(&sandbox, &other).await.expect_code(1);
    assert!(refused.stdout.contains("has not ended"), "{refused:?}");
    // The state says that the part is still being moved.
    let run = gcs.run_once(&sandbox).await.expect_code(1).mapping("t");
    assert_eq!(run["error_kind"], "conflict", "{run}");
    gcs.pass(TimeDelta::hours(1));
    // An incremental run over the same rows first settles what the dead process had sent.
    gcs.run_once(&sandbox).await.expect_code(0);
    same_on_both_sides(&sandbox).await;
    sandbox.bq_run("DELETE FROM `{d}.t` WHERE id > 80").await;
    gcs.run(&sandbox, &BACKFILL).await.expect_code(0);
    same_on_both_sides(&sandbox).await;
    assert!(remembered(&gcs).get("backfill").is_none());
}

#[tokio::test]
async fn a_process_that_wakes_up_after_its_part_was_taken_over_publishes_nothing() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("share_frozen", &gcs, KEYLESS).await;
    let answer = Arc::new(Semaphore::new(0));
    let pending = r#""pending": {"#;
    gcs.trouble_with(&Method::PUT, "state/t_part", pending, 1, Trouble::Hold(Arc::clone(&answer)));
    let zombie = shard(&gcs, &sandbox, "1/2").spawn().unwrap();
    while !gcs.all_met() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The pending publish is written but not sent: its process does not know whether it still may.
    let signature = format!("\"pid\": {},", zombie.id());
    gcs.trouble_with(&Method::PUT, "leases/t_part", &signature, usize::MAX, Trouble::Answer(503));
    signal(&zombie, "-STOP");
    let other = finish(shard(&gcs, &sandbox, "0/2")).await.expect_code(0).mapping("t");
    assert_eq!(other["records_processed"], 100, "{other}");
    answer.add_permits(1);
    signal(&zombie, "-CONT");
    let zombie = end(zombie).await;
    let told = report(&zombie);
    assert_eq!(zombie.status.code(), Some(1), "{told}");
    same_on_both_sides(&sandbox).await;
    assert!(remembered(&gcs).get("backfill").is_none());
}

#[tokio::test]
async fn a_restart_takes_the_parts_back_and_a_single_backfill_can_be_shared() {
    let gcs = Gcs::start().await;
    let sandbox = sandbox("share_restart", &gcs, UPSERT).await;
    let mut alone = gcs.command(&sandbox, &BACKFILL);
    alone.env("BQSYNC_KILL_AT", "advanced:2");
    assert_eq!(finish(alone).await.code, -1);
    let done = remembered(&gcs)["backfill"]["done"].clone();
    gcs.pass(TimeDelta::hours(1));
    let mut together = shard(&gcs, &sandbox, "0/2");
    together.env("BQSYNC_KILL_AT", "advanced:1");
    assert_eq!(finish(together).await.code, -1);
    let cut = remembered(&gcs)["backfill"].clone();
    assert_eq!(cut["done"], done, "{cut}");
    assert!(cut["parts"]["ends"].as_array().unwrap().len() > 2, "{cut}");
    gcs.pass(TimeDelta::hours(1));
    let anew = gcs.run(&sandbox, &[&BACKFILL[..], &["--restart"]].concat()).await.expect_code(0).mapping("t");
    assert_eq!(anew["records_processed"], 100, "{anew}");
    same_on_both_sides(&sandbox).await;
    assert!(remembered(&gcs).get("backfill").is_none());
}

#[tokio::test]
async fn another_process_completes_a_share_killed_at_each_step() {
    // The mapping's own work is to begin and cut the backfill; the second lease is a part's.
    let steps = [
        "planned",
        "backfill_begun",
        "lease_taken:2",
        "planned:2",
        "staged",
        "pending_noted",
        "job_sent",
        "advanced",
        "cleaned_up:2",
        "before_the_last_save",
    ];
    let gcs = Gcs::start().await;
    let sandbox = sandbox("share_steps", &gcs, KEYLESS).await;
    let bucket = &gcs.bucket;
    // Two parts: one up to 60 rows by the index, and the rest.
    let settings = format!("state_store: gcs\nstate_gcs_bucket: {bucket}\ntemp_bucket: {bucket}\nwindow_rows: 60");
    sandbox.configure(&settings, KEYLESS);
    for (day, step) in (10..).zip(steps) {
        if day > 10 {
            sandbox.bq_run("DELETE FROM `{d}.t` WHERE TRUE").await;
        }
        // Other words each time: with the same words the answer would be that the last backfill has ended.
        let start = format!("2025-12-{day}");
        let backfill = ["backfill", "--mapping", "t", "--start", &start, "--shard"];
        let mut killed = gcs.command(&sandbox, &[&backfill[..], &["0/2"]].concat());
        killed.env("BQSYNC_KILL_AT", step);
        let ran = finish(killed).await;
        assert_eq!(ran.code, -1, "not killed at {step}: {ran:?}");
        gcs.pass(TimeDelta::hours(1));
        gcs.run(&sandbox, &[&backfill[..], &["1/2"]].concat()).await.expect_code(0);
        assert_eq!(sandbox.bq(ARRIVED).await, sandbox.mysql(ROWS).await, "after a kill at {step}");
        let state = remembered(&gcs);
        assert!(state.get("backfill").is_none(), "after a kill at {step}: {state}");
        assert_eq!(gcs.names("bqsync/"), Vec::<String>::new(), "after a kill at {step}");
    }
}
