//! The cost of work in BigQuery: labelled, limited, and shown before and after.
//!
//! The emulator bills nothing and knows no limit, so the requests to it are checked, and a proxy answers in its place.

use bigquery_syncer::domain::fault::FaultKind;
use bigquery_syncer::domain::report::Outcome;
use serde_json::{Value, json};

use crate::steps::{APPEND, UPSERT, hundred, same_on_both_sides};
use crate::support::bigquery_proxy::{BigQueryProxy, Call, Reply, Rule, Trouble};
use crate::support::{QueryProxy, Ran, Sandbox, Told, Trial, finish};

const LIMIT: &str = "readers: 1\ninline_rows: 0\nmaximum_bytes_billed: 1GB";

/// The kind of a job, from its configuration.
fn kind(job: &Value) -> &'static str {
    let configuration = &job["configuration"];
    match (configuration["query"]["query"].as_str(), configuration["copy"].is_object()) {
        (Some(sql), _) if sql.starts_with("MERGE") => "merge",
        (Some(sql), _) if sql.starts_with("CREATE TABLE") => "create",
        (Some(_), _) => "insert",
        (None, true) => "copy",
        (None, false) => "load",
    }
}

#[tokio::test]
async fn every_job_has_its_labels_and_every_statement_its_cost_limit() {
    let trial = Trial::configured("cost_labels", LIMIT, &["u", "a"]).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        trial.add(30).await;
        trial.bigquery.set([]);
        let run = trial.succeeds().await.report.run_id.0.to_lowercase();
        let mut jobs = trial.bigquery.sent(Call::InsertJob);
        jobs.extend(trial.bigquery.sent(Call::OpenUpload));
        for job in &jobs {
            let id = job["jobReference"]["jobId"].as_str().unwrap();
            let labels = &job["configuration"]["labels"];
            assert_eq!((&labels["tool"], &labels["run"]), (&json!("bqsync"), &json!(run)), "{job}");
            let mapping = labels["mapping"].as_str().unwrap();
            assert!(id.contains(&format!("_{mapping}_")) || id.starts_with("bqsync_ddl_"), "{job}");
            let limit = &job["configuration"]["query"]["maximumBytesBilled"];
            let has_statement = !matches!(kind(job), "copy" | "load");
            assert_eq!(limit, &if has_statement { json!("1000000000") } else { Value::Null }, "{job}");
            seen.push(kind(job));
        }
        let tables = trial.bigquery.sent(Call::CreateTable);
        assert!(tables.len() == 2 && tables.iter().all(|table| table["labels"]["run"] == json!(run)), "{tables:?}");
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, ["copy", "create", "load", "merge"]);
}

#[tokio::test]
async fn a_statement_above_the_cost_limit_fails_at_once_and_names_the_key() {
    let trial = Trial::configured("cost_limit", LIMIT, &["u", "a"]).await;
    trial.add(30).await;
    trial.succeeds().await;
    trial.add(30).await;
    // BigQuery refuses at once, or after the job has begun.
    let refusals =
        [Trouble::Answer(Reply::new(500, "bytesBilledLimitExceeded")), Trouble::EndWith("bytesBilledLimitExceeded")];
    for refusal in refusals {
        trial.bigquery.set([Rule::new(Call::InsertJob, refusal).about("publish_u_")]);
        let told = trial.run().await;
        let (refused, other) = (told.mapping("u"), told.mapping("a"));
        assert_eq!((refused.outcome, refused.error_kind), (Outcome::Failed, Some(FaultKind::Config)), "{refused:?}");
        assert!(refused.hint.as_ref().unwrap().contains("`maximum_bytes_billed`"), "{refused:?}");
        assert_eq!((refused.attempts, told.retries().len()), (1, 0), "{:?}", told.retries());
        assert_eq!(refused.watermark_after, refused.watermark_before);
        assert_eq!(other.outcome, Outcome::Ok, "{other:?}");
    }
    trial.bigquery.set([]);
    trial.succeeds().await;
}

#[tokio::test]
async fn the_report_contains_the_billed_bytes_even_of_an_adopted_publish() {
    let trial = Trial::new("cost_bill").await;
    trial.add(30).await;
    trial.succeeds().await;
    trial.bigquery.bill(70_000_000, 60_000_000);
    let cost = |told: &Told, mapping| {
        let report = told.mapping(mapping);
        (report.bytes_billed, report.bytes_estimated)
    };
    trial.add(30).await;
    trial.bigquery.set([]);
    let told = trial.succeeds().await;
    assert_eq!(cost(&told, "u"), (Some(70_000_000), Some(60_000_000)));
    assert_eq!(cost(&told, "a"), (Some(0), Some(0)), "copies are free");
    assert!(trial.bigquery.sent(Call::InsertJob).iter().any(|job| kind(job) == "copy"));
    trial.add(30).await;
    let refused = Trouble::Answer(Reply::new(403, "accessDenied"));
    trial.bigquery.set([Rule::new(Call::GetJob, refused).about("publish_u_")]);
    assert_eq!(trial.run().await.mapping("u").outcome, Outcome::Failed);
    trial.add(30).await;
    assert_eq!(cost(&trial.succeeds().await, "u"), (Some(140_000_000), Some(120_000_000)));
}

#[tokio::test]
async fn the_report_includes_the_cost_of_looking_for_deleted_rows() {
    let sandbox = hundred("cost_deletes", "", &UPSERT.replace("mode: upsert", "mode: upsert, deletes: hard")).await;
    sandbox.sync().await;
    sandbox.sql("DELETE FROM t WHERE id = 3").await;
    let proxy = BigQueryProxy::start(&sandbox.emulator).await;
    proxy.bill(70_000_000, 60_000_000);
    for (words, billed) in [(&["deletes", "--dry-run"][..], 70_000_000), (&["deletes"], 140_000_000)] {
        let mut command = sandbox.command(&[words, &["--output", "json"]].concat());
        command.env("BIGQUERY_EMULATOR_HOST", &proxy.address);
        assert_eq!(finish(command).await.expect_code(0).mapping("t")["bytes_billed"], billed);
    }
}

/// Previews a backfill of everything through a proxy.
async fn priced(sandbox: &Sandbox, proxy: &QueryProxy, more: &[&str]) -> Ran {
    let words = ["backfill", "--mapping", "t", "--start", "2026-01-01", "--dry-run"];
    let mut command = sandbox.command(&[&words[..], more].concat());
    command.env("BIGQUERY_EMULATOR_HOST", &proxy.address);
    finish(command).await.expect_code(0)
}

#[tokio::test]
async fn a_backfills_preview_shows_what_its_publishes_would_read() {
    for (name, mapping) in [("cost_merge", UPSERT), ("cost_insert", APPEND)] {
        let sandbox = hundred(name, "", mapping).await;
        sandbox.sync().await;
        sandbox.configure("window_rows: 40\nmaximum_bytes_billed: 11MB", mapping);
        let proxy = QueryProxy::start(&sandbox.emulator, 20_000_000, 100_000).await;
        let told = priced(&sandbox, &proxy, &["--output", "json"]).await.json();
        let from_mysql = told["bytes_estimate"].as_u64().unwrap();
        let expected = json!({"of_table": 20_000_000, "publishes": 3, "in_all": 60_000_000 + from_mysql});
        assert_eq!(told["publish_bytes"], expected, "{told}");
        let note = told["notes"][0].as_str().unwrap();
        assert!(note.contains("20.0 MB") && note.contains("`maximum_bytes_billed` allows 11.0 MB"), "{note}");
        let shown = priced(&sandbox, &proxy, &[]).await.stdout;
        assert!(shown.contains("at most 20.0 MB of the table by each of 3 publishes, about 60.0 MB in all"), "{shown}");
        same_on_both_sides(&sandbox).await;
    }
}

#[tokio::test]
async fn a_new_table_is_laid_out_as_configured_and_a_merge_prunes_partitions() {
    let trial = Trial::with("cost_layout", &["u"]).await;
    let laid_out = "primary_keys: [id, at], partition_by: at, cluster_by: [v, id]";
    let config = trial.sandbox.read("config.yaml").replace("primary_keys: [id]", laid_out);
    trial.sandbox.write("config.yaml", &config);
    trial.add(30).await;
    let made = trial.succeeds().await.mapping("u").schema_changes.join("\n");
    assert!(made.contains("PARTITION BY TIMESTAMP_TRUNC(`at`, DAY)\nCLUSTER BY `v`, `id`"), "{made}");
    trial.add(30).await;
    trial.bigquery.set([]);
    trial.succeeds().await;
    let merge = trial.bigquery.sent(Call::InsertJob).into_iter().find(|job| kind(job) == "merge").unwrap();
    let sql = merge["configuration"]["query"]["query"].as_str().unwrap();
    assert!(sql.contains("__t.`id` BETWEEN 31 AND 60 AND __t.`at` BETWEEN TIMESTAMP '2026-01-01 00:01:"), "{sql}");
}
