//! Targets that are partitioned, by us or by others: what BigQuery demands of their readers, and how many partitions
//! one job may write. The emulator knows neither, so a proxy refuses in its place.

use bigquery_syncer::domain::report::Outcome;
use bigquery_syncer::source::BatchLimits;
use serde_json::{Value, json};

use crate::steps::{APPEND, UPSERT, hundred, same_on_both_sides, steps_of};
use crate::support::bigquery_proxy::{BigQueryProxy, Call, Reply, Rule, Trouble};
use crate::support::{Ran, Sandbox, Trial, finish};

/// Runs the program behind a proxy; it must succeed.
async fn run(sandbox: &Sandbox, proxy: &BigQueryProxy, words: &[&str]) -> Ran {
    ends(sandbox, proxy, words).await.expect_code(0)
}

async fn ends(sandbox: &Sandbox, proxy: &BigQueryProxy, words: &[&str]) -> Ran {
    let mut command = sandbox.command(words);
    command.env("BIGQUERY_EMULATOR_HOST", &proxy.address);
    finish(command).await
}

/// Runs the program; it must succeed.
async fn plainly(sandbox: &Sandbox, words: &[&str]) -> Ran {
    finish(sandbox.command(words)).await.expect_code(0)
}

#[tokio::test]
async fn a_target_that_requires_a_partition_filter_gets_one_in_every_statement() {
    let upsert = UPSERT.replace("mode: upsert", "mode: upsert, deletes: hard");
    let [replace, mirror] = ["replace", "mirror"].map(|mode| UPSERT.replace("mode: upsert", &format!("mode: {mode}")));
    let modes = [("upsert", upsert.as_str()), ("append", APPEND), ("replace", &replace), ("mirror", &mirror)];
    for (mode, mapping) in modes {
        let name = &format!("filter_{mode}");
        let sandbox = hundred(name, "", mapping).await;
        sandbox.sync().await;
        let proxy = BigQueryProxy::start(&sandbox.emulator).await;
        proxy.require_filter("t", "at");
        // The proxy does refuse.
        let url = format!("http://{}/bigquery/v2/projects/demo/queries", proxy.address);
        let bare = json!({ "query": format!("SELECT COUNT(*) FROM `demo.{}.t`", sandbox.dataset) });
        let refused = reqwest::Client::new().post(url).json(&bare).send().await.unwrap();
        assert_eq!(refused.status(), 400);

        sandbox.sql("INSERT INTO t VALUES (101, 'new', '2026-03-01')").await;
        run(&sandbox, &proxy, &["--no-tui", "run-once"]).await;
        same_on_both_sides(&sandbox).await;
        let by_windows = matches!(mode, "upsert" | "append");
        for dry in [&["--dry-run"][..], &[]].into_iter().filter(|_| by_windows) {
            let words = ["--no-tui", "backfill", "--mapping", "t", "--start", "2026-01-01"];
            run(&sandbox, &proxy, &[&words, dry].concat()).await;
        }
        same_on_both_sides(&sandbox).await;
        assert!(run(&sandbox, &proxy, &["verify"]).await.stdout.contains("EQUAL"));
        let checked = run(&sandbox, &proxy, &["check"]).await.stdout;
        assert!(checked.contains("requires a partition filter"), "{checked}");
        sandbox.bq("DELETE FROM `{d}.t` WHERE id = 7").await;
        if mode != "replace" {
            run(&sandbox, &proxy, &["verify", "--repair"]).await;
            same_on_both_sides(&sandbox).await;
        }
        if mode == "append" {
            continue;
        }
        sandbox.sql("DELETE FROM t WHERE id = 3").await;
        let by = if mode == "upsert" { ["--no-tui", "deletes"] } else { ["--no-tui", "run-once"] };
        run(&sandbox, &proxy, &by).await;
        same_on_both_sides(&sandbox).await;
    }
}

#[tokio::test]
async fn a_first_load_over_too_many_days_is_cut_into_steps() {
    for (name, index) in [("days_indexed", ""), ("days_unindexed", "ALTER TABLE t DROP KEY at")] {
        let mapping = UPSERT.replace("mode: upsert", "mode: upsert, partition_by: at");
        let sandbox = hundred(name, "", &mapping).await;
        sandbox.sql("UPDATE t SET at = '1995-01-01' + INTERVAL (id * 100) DAY").await;
        if !index.is_empty() {
            sandbox.sql(index).await;
        }
        let (events, report) = sandbox.run_engine(BatchLimits::default()).await;
        assert_eq!(report.mappings[0].outcome, Outcome::Ok, "{report:?}");
        let steps = steps_of(&events);
        assert_eq!(steps.len(), 3, "{steps:?}");
        assert_eq!(steps[0], "(beginning, 2006-03-20 00:00:00]", "3,996 days from 1995-04-11");
        same_on_both_sides(&sandbox).await;
    }
}

#[tokio::test]
async fn a_step_that_writes_too_many_partitions_is_halved_until_it_fits() {
    let mut trial = Trial::with("too_many", &["u"]).await;
    trial.through.limits = BatchLimits::default();
    trial.add(9_000).await;
    let words = "Too many partitions produced by query, allowed 4000, query produces at least 4272 partitions";
    let refusal = Trouble::EndSaying("invalidQuery", words);
    trial.bigquery.set([Rule::new(Call::InsertJob, refusal).about("publish_u_").times(1)]);
    let told = trial.succeeds().await;
    let report = told.mapping("u");
    assert_eq!((report.attempts, report.steps, report.records_processed), (1, 2, 9_000), "{report:?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("`window_rows: 4882`")), "{:?}", report.warnings);
}

#[tokio::test]
async fn an_expiring_table_is_warned_about() {
    let sandbox = hundred("end", "", UPSERT).await;
    sandbox.sync().await;
    let proxy = BigQueryProxy::start(&sandbox.emulator).await;
    proxy.describe("t", json!({ "expirationTime": "4102444800000" }));
    sandbox.sql("INSERT INTO t VALUES (101, 'new', '2026-03-01')").await;
    let report: Value = run(&sandbox, &proxy, &["--no-tui", "run-once", "--output", "json"]).await.mapping("t");
    let warned = |text: &str| text.contains("2100-01-01") && text.contains("SET OPTIONS (expiration_timestamp = NULL)");
    assert!(report["warnings"].as_array().unwrap().iter().any(|w| warned(w.as_str().unwrap())), "{report}");
    let checked = run(&sandbox, &proxy, &["check", "--mapping", "t"]).await.stdout;
    assert!(checked.contains("2100-01-01") && checked.contains("expiration_timestamp = NULL"), "{checked}");
}

#[tokio::test]
async fn a_check_reports_whether_policy_tags_allow_a_publish() {
    let sandbox = hundred("tags", "", UPSERT).await;
    sandbox.sync().await;
    let proxy = BigQueryProxy::start(&sandbox.emulator).await;
    let tag = "projects/demo/locations/us/taxonomies/1/policyTags/2";
    let field = |name: &str, kind: &str| json!({ "name": name, "type": kind, "mode": "NULLABLE" });
    let mut fields = [field("id", "INTEGER"), field("v", "STRING"), field("at", "TIMESTAMP")];
    fields[1]["policyTags"] = json!({ "names": [tag] });
    proxy.describe("t", json!({ "schema": { "fields": fields } }));
    let allowed = run(&sandbox, &proxy, &["--read-only", "check"]).await.stdout;
    assert!(
        allowed.contains("`v` of demo.") && allowed.contains("have policy tags, which the account may read"),
        "{allowed}"
    );
    proxy.set([Rule::new(Call::Query, Trouble::Answer(Reply::new(403, "accessDenied")))]);
    let refused = ends(&sandbox, &proxy, &["--read-only", "check"]).await.expect_code(1).stdout;
    assert!(refused.contains("`v` of demo.") && refused.contains("categoryFineGrainedReader"), "{refused}");
}

/// The options of a new table are sent as BigQuery's DDL requires; the emulator accepts them and keeps few.
#[tokio::test]
async fn a_table_is_created_with_the_configured_partitions_and_options() {
    let cases = [
        ("month", "{column: at, by: month}", "TIMESTAMP_TRUNC(`at`, MONTH)", ", partition_expiration: 36500d"),
        ("hour", "{column: at, by: hour}", "TIMESTAMP_TRUNC(`at`, HOUR)", ""),
        ("range", "{column: id, range: [0, 1000, 10]}", "RANGE_BUCKET(`id`, GENERATE_ARRAY(0, 1000, 10))", ""),
        ("loading", "{ingestion: day}", "_PARTITIONDATE", ""),
    ];
    for (name, by, expression, more) in cases {
        let options =
            format!("partition_by: {by}{more}, labels: {{team: sales}}, description: 'It\'\'s ours', mode: upsert");
        let sandbox = hundred(&format!("made_{name}"), "", &UPSERT.replace("mode: upsert", &options)).await;
        let ran = plainly(&sandbox, &["--no-tui", "run-once", "--output", "json"]).await;
        let changes = ran.mapping("t")["schema_changes"].to_string();
        assert!(changes.contains(expression), "{changes}");
        assert!(changes.contains("('team', 'sales')"), "{changes}");
        same_on_both_sides(&sandbox).await;
        sandbox.sql("UPDATE t SET v = 'new', at = '2026-03-01' WHERE id IN (3, 77)").await;
        plainly(&sandbox, &["--no-tui", "run-once"]).await;
        same_on_both_sides(&sandbox).await;
        assert!(plainly(&sandbox, &["verify"]).await.stdout.contains("EQUAL"));
    }
}

#[tokio::test]
async fn an_existing_table_with_other_options_is_reported_and_stays_unchanged() {
    let mapping =
        UPSERT.replace("mode: upsert", "mode: upsert, partition_by: {column: at, by: month}, labels: {team: sales}");
    let sandbox = hundred("otherwise", "inline_rows: 0", &mapping).await;
    sandbox.sync().await;
    let proxy = BigQueryProxy::start(&sandbox.emulator).await;
    let key = "projects/demo/locations/us/keyRings/r/cryptoKeys/k";
    proxy.describe(
        "t",
        json!({
            "timePartitioning": { "type": "DAY", "field": "at" },
            "encryptionConfiguration": { "kmsKeyName": format!("{key}/cryptoKeyVersions/1") },
            "labels": { "team": "other" },
        }),
    );
    let checked = run(&sandbox, &proxy, &["check", "--costs"]).await.stdout;
    for words in ["partitions by month of `at`", "is partitioned by day of `at`", "labels = [('team', 'sales')]"] {
        assert!(checked.contains(words), "{words}: {checked}");
    }
    assert!(checked.contains("estimate for `mode: mirror`"), "{checked}");
    let differs = run(&sandbox, &proxy, &["schema-diff"]).await.stdout;
    assert!(differs.contains("t: note: `partition_by` asks for partitions by month of `at`"), "{differs}");
    sandbox.sql("INSERT INTO t VALUES (101, 'new', '2026-03-01')").await;
    proxy.set([]);
    let report = run(&sandbox, &proxy, &["--no-tui", "run-once", "--output", "json"]).await.mapping("t");
    assert_eq!(report["schema_changes"], json!([]), "{report}");
    same_on_both_sides(&sandbox).await;
    // Rows under way to an encrypted table are encrypted with its key as well, in the key's newest version.
    for (call, place) in [
        (Call::CreateTable, "/encryptionConfiguration/kmsKeyName"),
        (Call::OpenUpload, "/configuration/load/destinationEncryptionConfiguration/kmsKeyName"),
    ] {
        let sent = proxy.sent(call);
        assert!(!sent.is_empty() && sent.iter().all(|body| body.pointer(place) == Some(&json!(key))), "{sent:?}");
    }
}

#[tokio::test]
async fn a_mapping_in_another_dataset_has_its_staging_tables_and_its_jobs_there() {
    let sandbox = hundred("elsewhere", "inline_rows: 0\nbilling_project: payer", UPSERT).await;
    let beside = format!("{}_beside", sandbox.dataset);
    let mappings =
        format!("{UPSERT}\n{}", UPSERT.replace("name: t,", &format!("name: u, dataset: {beside}, location: EU,")));
    sandbox.configure("inline_rows: 0\nbilling_project: payer", &mappings);
    let proxy = BigQueryProxy::start(&sandbox.emulator).await;
    run(&sandbox, &proxy, &["--no-tui", "run-once"]).await;
    same_on_both_sides(&sandbox).await;
    let there = sandbox.bq(&format!("SELECT CAST(COUNT(*) AS STRING) FROM `{beside}.t`")).await;
    assert_eq!(there, [[Some("100".to_owned())]]);
    let status = plainly(&sandbox, &["status"]).await.stdout;
    assert!(status.contains(&format!("t -> {beside}.t")), "{status}");
}

#[tokio::test]
async fn a_sent_publish_is_looked_up_where_it_was_sent() {
    let sandbox = hundred("payer", "inline_rows: 0\nbilling_project: payer", APPEND).await;
    sandbox.run_killed_at("published", &["run-once"]).await;
    let pending = &sandbox.read_json("state/state.json")["bqsync"]["mappings"]["t"]["pending"];
    assert_eq!(pending["place"]["project"], "payer", "{pending}");
    // Another project pays from now on; the job and its rows are where they were.
    sandbox.configure("inline_rows: 0\nbilling_project: another", APPEND);
    let proxy = BigQueryProxy::start(&sandbox.emulator).await;
    run(&sandbox, &proxy, &["--no-tui", "run-once"]).await;
    same_on_both_sides(&sandbox).await;
}
