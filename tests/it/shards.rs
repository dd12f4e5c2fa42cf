//! Several processes that share a run: the mappings are split between them.

use std::process::Command;

use serde_json::Value;

use crate::support::{Sandbox, finish};

async fn five_tables(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    let mapping = |n| {
        format!(
            "  - {{name: t{n}, mysql_table: t, bigquery_table: t{n}, primary_keys: [id], incremental_column: id, mode: \
             upsert}}\n"
        )
    };
    sandbox.configure("", &(0..5).map(mapping).collect::<String>());
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)").await;
    sandbox
}

fn with(mut command: Command, variables: &[(&str, &str)]) -> Command {
    command.envs(variables.iter().copied());
    command
}

fn mappings(report: &Value) -> Vec<String> {
    let mappings = report["mappings"].as_array().unwrap().iter();
    mappings.map(|mapping| mapping["mapping_name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_mapping_is_run_by_one_shard_and_all_shards_together_run_all() {
    let sandbox = five_tables("shards").await;
    // One after the other, because the emulator cannot create a dataset for several at once.
    for (shard, expected) in [("0/3", &["t0", "t3"][..]), ("1/3", &["t1", "t4"]), ("2/3", &["t2"])] {
        let ran = sandbox.run(&["run-once", "--output", "json", "--shard", shard]).await.expect_code(0);
        assert_eq!(mappings(&ran.json()), expected, "{shard}");
    }
    for n in 0..5 {
        assert_eq!(sandbox.bq_number(&format!("SELECT COUNT(*) FROM `{{d}}.t{n}`")).await, 3, "t{n}");
    }
    // With more processes than mappings, one has nothing to do, which is a success.
    let none = sandbox.run(&["run-once", "--output", "json", "--mapping", "t4", "--shard", "1/2"]).await;
    assert_eq!(mappings(&none.expect_code(0).json()), Vec::<String>::new());
}

#[tokio::test]
async fn a_task_of_cloud_run_or_kubernetes_finds_its_share_and_incomplete_variables_are_refused() {
    let sandbox = five_tables("shardenv").await;
    let run_once = || sandbox.command(&["run-once", "--output", "json"]);
    let cloud_run = [("CLOUD_RUN_TASK_INDEX", "3"), ("CLOUD_RUN_TASK_COUNT", "4")];
    let report = finish(with(run_once(), &cloud_run)).await.expect_code(0).json();
    assert_eq!(mappings(&report), ["t3"]);
    let kubernetes = [("JOB_COMPLETION_INDEX", "1"), ("BQSYNC_SHARDS", "4")];
    let report = finish(with(run_once(), &kubernetes)).await.expect_code(0).json();
    assert_eq!(mappings(&report), ["t1"]);
    let refused = finish(with(run_once(), &kubernetes[..1])).await.expect_code(2);
    assert!(refused.stderr.contains("JOB_COMPLETION_INDEX is set, but BQSYNC_SHARDS is not"), "{refused:?}");
    let wrong = sandbox.run(&["run-once", "--shard", "4/4"]).await.expect_code(2);
    assert!(wrong.stderr.contains("0/4, 1/4, 2/4, 3/4"), "{wrong:?}");
}

#[tokio::test]
async fn a_backfill_is_not_shared_without_a_shared_state() {
    let sandbox = five_tables("shardlocal").await;
    let backfill = ["backfill", "--mapping", "t0", "--start", "1"];
    let refused = sandbox.run(&[&backfill[..], &["--shard", "0/2"]].concat()).await.expect_code(2);
    assert!(refused.stderr.contains("state_store: gcs"), "{refused:?}");
    let task = [("CLOUD_RUN_TASK_INDEX", "0"), ("CLOUD_RUN_TASK_COUNT", "4")];
    let restart = with(sandbox.command(&[&backfill[..], &["--restart"]].concat()), &task);
    let refused = finish(restart).await.expect_code(2);
    assert!(refused.stderr.contains("`--restart` would make each of 4 tasks"), "{refused:?}");
}
