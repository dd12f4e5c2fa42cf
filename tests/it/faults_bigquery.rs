//! BigQuery in trouble, and the network before it: whatever a call meets, no row is lost or doubled, and the report says
//! what happened.
//!
//! Two mappings run at once in each test, one upserting, one appending. Waits are announced in full and waited out in
//! a ten-thousandth.

use bigquery_syncer::domain::fault::FaultKind;
use bigquery_syncer::domain::report::Outcome;
use std::time::Duration;

use crate::support::Trial;
use crate::support::bigquery_proxy::{Call, Reply, Rule, Trouble};

const QUOTA: Trouble = Trouble::Answer(Reply::new(403, "quotaExceeded"));
const HTML_502: Reply = Reply::page(502);

/// What passes in a moment.
const MOMENTS: [Trouble; 6] = [
    Trouble::Answer(Reply { status: 429, reason: None, retry_after: Some(7) }),
    Trouble::Answer(Reply::new(403, "rateLimitExceeded")),
    Trouble::Answer(Reply::new(500, "internalError")),
    Trouble::Answer(Reply::new(503, "backendError")),
    Trouble::Answer(HTML_502),
    Trouble::HangUp,
];

/// The calls of a run whose target is there.
const CALLS: [Call; 7] =
    [Call::GetTable, Call::CreateTable, Call::OpenUpload, Call::Put, Call::InsertJob, Call::GetJob, Call::DropTable];

/// The calls that change something.
const ACTS: [Call; 5] = [Call::CreateTable, Call::OpenUpload, Call::Put, Call::InsertJob, Call::DropTable];

/// A rule for each mapping.
fn both(call: Call, step: &str, trouble: Trouble) -> [Rule; 2] {
    ["u", "a"].map(|mapping| Rule::new(call, trouble).about(&format!("{step}_{mapping}_")))
}

/// A trial whose first rows have arrived and that has more.
async fn synced(name: &str) -> Trial {
    let trial = Trial::new(name).await;
    trial.add(60).await;
    trial.succeeds().await;
    trial.add(30).await;
    trial
}

#[tokio::test]
async fn whatever_call_meets_whatever_passing_trouble_is_made_again_and_the_run_goes_on() {
    let trial = synced("moments").await;
    for shift in 0..MOMENTS.len() {
        let trouble = |i: usize| MOMENTS[(i + shift) % MOMENTS.len()];
        trial.bigquery.set(CALLS.iter().enumerate().map(|(i, call)| Rule::new(*call, trouble(i)).times(2)));
        let told = trial.succeeds().await;
        let retries = told.retries();
        assert_eq!(retries.len(), 2 * CALLS.len(), "{retries:?}");
        for mapping in ["u", "a"] {
            let report = told.mapping(mapping);
            assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (1, 1, 30), "{report:?}");
        }
        let asked_to_wait: Vec<_> = retries.iter().filter(|retry| retry.because.contains("429")).collect();
        assert!(asked_to_wait.iter().all(|retry| retry.seconds >= 7.0), "{asked_to_wait:?}");
        trial.add(30).await;
    }
}

#[tokio::test]
async fn a_first_run_survives_lost_answers_while_it_makes_dataset_and_tables() {
    let trial = Trial::new("firstrun").await;
    trial.add(60).await;
    trial.bigquery.set([
        Rule::new(Call::GetDataset, Trouble::Answer(Reply::new(503, "backendError"))),
        Rule::new(Call::CreateDataset, Trouble::ActAndHangUp),
        Rule::new(Call::InsertJob, Trouble::ActAndHangUp).about("ddl"),
        Rule::new(Call::InsertJob, Trouble::EndWith("backendError")).about("ddl"),
        Rule::new(Call::InsertJob, Trouble::EndWith("jobRateLimitExceeded")).about("ddl"),
    ]);
    let told = trial.succeeds().await;
    assert!(told.report.mappings.iter().all(|report| report.attempts == 1));
    let again = told.retries().into_iter().filter(|retry| retry.operation == "changing the schema").count();
    assert_eq!(again, 2, "a statement whose job has failed runs again under a new id");
}

#[tokio::test]
async fn what_was_done_although_its_answer_was_lost_is_not_done_twice() {
    let trial = synced("lost").await;
    for trouble in [Trouble::ActAndHangUp, Trouble::ActAndAnswer(HTML_502), Trouble::ActAndAnswer(Reply::page(503))] {
        trial.bigquery.set(ACTS.map(|call| Rule::new(call, trouble).times(2)));
        let told = trial.succeeds().await;
        for mapping in ["u", "a"] {
            let report = told.mapping(mapping);
            assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (1, 1, 30), "{report:?}");
        }
        trial.add(30).await;
    }
}

#[tokio::test]
async fn a_publish_that_happened_although_no_answer_ever_came_is_found_and_adopted() {
    let trial = synced("adopted").await;
    trial.bigquery.set(both(Call::InsertJob, "publish", Trouble::ActAndHangUp).map(|rule| rule.times(5)));
    let told = trial.succeeds().await;
    assert_eq!(told.recovered(), [true, true]);
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (2, 1, 30), "{report:?}");
        assert_eq!(told.restarts(mapping).len(), 1);
    }
}

#[tokio::test]
async fn a_publish_that_never_arrived_is_asked_after_and_done_again() {
    let trial = synced("unsent").await;
    trial.bigquery.set(both(Call::InsertJob, "publish", Trouble::HangUp).map(|rule| rule.times(5)));
    let told = trial.succeeds().await;
    assert_eq!(told.recovered(), [false, false]);
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (2, 1, 30), "{report:?}");
        assert!(report.jobs[0].0.ends_with("_2"), "{report:?}");
    }
}

#[tokio::test]
async fn a_publish_that_nobody_can_be_asked_about_is_not_sent_again() {
    let trial = synced("unasked").await;
    // Its end is asked for in vain, by this attempt and by the next.
    trial.bigquery.set(both(Call::GetJob, "publish", Trouble::Answer(Reply::page(503))).map(|rule| rule.times(10)));
    let told = trial.succeeds().await;
    assert_eq!(told.recovered(), [true, true]);
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (3, 1, 30), "{report:?}");
    }
    assert_eq!(trial.bigquery.count(Call::InsertJob), 2);
}

#[tokio::test]
async fn a_proxys_404_is_not_taken_for_bigquerys_word_that_a_job_never_came() {
    let trial = synced("page404").await;
    let answers = both(Call::InsertJob, "publish", Trouble::ActAndHangUp).map(|rule| rule.times(5));
    let page = both(Call::GetJob, "publish", Trouble::Answer(Reply::page(404)));
    trial.bigquery.set(answers.into_iter().chain(page));
    let told = trial.succeeds().await;
    assert_eq!(told.recovered(), [true, true]);
}

#[tokio::test]
async fn a_job_that_ended_with_an_error_of_bigquerys_own_runs_again_under_a_new_id() {
    let trial = synced("ended").await;
    for (call, step, reason) in [
        (Call::Put, "load", "backendError"),
        (Call::InsertJob, "publish", "backendError"),
        (Call::InsertJob, "publish", "rateLimitExceeded"),
        (Call::InsertJob, "publish", "jobInternalError"),
    ] {
        trial.bigquery.set(both(call, step, Trouble::EndWith(reason)));
        let told = trial.succeeds().await;
        for mapping in ["u", "a"] {
            let report = told.mapping(mapping);
            assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (2, 1, 30), "{report:?}");
            assert!(report.jobs[0].0.ends_with("_2"), "{report:?}");
            let restarts = told.restarts(mapping);
            assert!(restarts.len() == 1 && restarts[0].because.contains(reason), "{restarts:?}");
        }
        trial.add(30).await;
    }
}

#[tokio::test]
async fn a_quota_is_waited_for_in_minutes_and_by_no_single_call() {
    let trial = synced("quota").await;
    let refused = both(Call::InsertJob, "publish", QUOTA);
    trial.bigquery.set(refused);
    let told = trial.succeeds().await;
    assert_eq!(told.retries().len(), 2, "only the mappings wait: {:?}", told.retries());
    for mapping in ["u", "a"] {
        let restarts = told.restarts(mapping);
        assert!(restarts[0].seconds >= 600.0 && restarts[0].because.contains("quotaExceeded"), "{restarts:?}");
        assert_eq!(told.mapping(mapping).attempts, 2);
    }
    // As the error of a job that has ended.
    trial.add(30).await;
    trial.bigquery.set(both(Call::Put, "load", Trouble::EndWith("quotaExceeded")));
    let told = trial.succeeds().await;
    assert!(told.restarts("u")[0].seconds >= 600.0 && told.restarts("a")[0].seconds >= 600.0);
}

#[tokio::test]
async fn a_quota_that_does_not_come_back_fails_the_mapping_and_leaves_its_watermark() {
    let trial = synced("noquota").await;
    trial.bigquery.set([Rule::new(Call::InsertJob, QUOTA).about("publish_u_").times(3)]);
    let told = trial.run().await;
    let report = told.mapping("u");
    assert_eq!((report.outcome, report.error_kind, report.attempts), (Outcome::Failed, Some(FaultKind::Quota), 3));
    assert!(report.hint.as_ref().unwrap().contains("quota"), "{report:?}");
    assert!(report.errors[0].contains("quotaExceeded"), "{report:?}");
    assert_eq!((&report.watermark_after, report.jobs.len()), (&report.watermark_before, 0));
    assert_eq!(told.mapping("a").outcome, Outcome::Ok);
    trial.still_holds("u", 60).await;
    trial.succeeds().await;
}

#[tokio::test]
async fn a_refused_permission_fails_at_once_with_the_next_step() {
    let trial = synced("denied").await;
    trial.bigquery.set(both(Call::InsertJob, "publish", Trouble::Answer(Reply::new(403, "accessDenied"))));
    let told = trial.run().await;
    assert!(told.retries().is_empty(), "{:?}", told.retries());
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.outcome, report.error_kind, report.attempts), (Outcome::Failed, Some(FaultKind::Auth), 1));
        assert!(report.hint.as_ref().unwrap().contains("permissions"), "{report:?}");
        assert_eq!(report.watermark_after, report.watermark_before);
    }
    assert_eq!(trial.succeeds().await.mapping("u").records_processed, 30);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let trial = synced("token").await;
    let refused = Trouble::Answer(Reply::new(401, "authError"));
    trial.bigquery.set(CALLS.map(|call| Rule::new(call, refused)));
    let told = trial.succeeds().await;
    assert!(told.retries().is_empty(), "it is no failure: {:?}", told.retries());
    let renewed = trial.bigquery.tokens().iter().filter(|token| *token == "emulator-renewed").count();
    assert_eq!(renewed, CALLS.len());

    trial.bigquery.set([Rule::new(Call::GetTable, refused).times(4)]);
    let report = trial.run().await.mapping("u").clone();
    assert_eq!((report.error_kind, report.attempts), (Some(FaultKind::Auth), 1), "{report:?}");
    assert_eq!(trial.bigquery.count(Call::GetTable), 4);
}

#[tokio::test]
async fn an_upload_goes_on_where_the_server_is_and_begins_again_where_it_is_gone() {
    let trial = synced("upload").await;
    let upload = |trouble| both(Call::Put, "load", trouble);
    let ask = both(Call::AskUpload, "load", Trouble::Answer(Reply::page(503)));
    for rules in [
        upload(Trouble::TakeHalf).to_vec(),
        upload(Trouble::HangUp).into_iter().chain(ask).collect(),
        upload(Trouble::ActAndHangUp).to_vec(),
    ] {
        trial.bigquery.set(rules);
        let told = trial.succeeds().await;
        assert!(told.report.mappings.iter().all(|report| report.attempts == 1));
        trial.add(30).await;
    }
    for gone in [404, 410] {
        trial.bigquery.set(upload(Trouble::Answer(Reply::page(gone))));
        let told = trial.succeeds().await;
        assert!(told.report.mappings.iter().all(|report| report.attempts == 2), "{:?}", told.report);
        trial.add(30).await;
    }
}

#[tokio::test]
async fn an_upload_of_several_chunks_survives_trouble_with_each() {
    let mut trial = Trial::with("chunks", &["u"]).await;
    // Random text: 20 MB that become two chunks.
    let text = "CONCAT(HEX(RANDOM_BYTES(250)), HEX(RANDOM_BYTES(250)))";
    let row = format!("SELECT NULL, {text}, '2026-01-01'");
    trial.sandbox.sql(&format!("INSERT INTO t {row}")).await;
    for _ in 0..14 {
        trial
            .sandbox
            .sql(&format!("INSERT INTO t SELECT NULL, {text}, '2026-01-01' + INTERVAL id SECOND FROM t"))
            .await;
    }
    trial.through.limits = bigquery_syncer::source::BatchLimits::default();
    let put = |trouble| Rule::new(Call::Put, trouble);
    trial.bigquery.set([
        put(Trouble::TakeHalf),
        put(Trouble::Answer(Reply::page(503))),
        put(Trouble::ActAndHangUp),
        put(Trouble::TakeHalf),
        put(Trouble::ActAndHangUp),
    ]);
    let told = trial.succeeds().await;
    assert_eq!(told.mapping("u").attempts, 1);
    assert!(told.mapping("u").bytes_staged > 8 << 20, "one chunk only: {:?}", told.mapping("u"));
}

#[tokio::test]
async fn a_slow_bigquery_is_only_slow() {
    let trial = synced("slow").await;
    trial.bigquery.set(CALLS.map(|call| Rule::new(call, Trouble::Delay(Duration::from_millis(150))).times(2)));
    let told = trial.succeeds().await;
    assert!(told.retries().is_empty());
}

#[tokio::test]
async fn a_run_costs_few_calls_and_an_idle_one_next_to_none() {
    let trial = Trial::with("calls", &["u"]).await;
    trial.add(60).await;
    trial.succeeds().await;
    trial.add(30).await;
    trial.bigquery.set([]);
    trial.succeeds().await;
    let counts = trial.bigquery.counts();
    let once = [Call::GetTable, Call::CreateTable, Call::OpenUpload, Call::Put, Call::InsertJob, Call::DropTable];
    assert!(once.iter().all(|call| counts[call] == 1), "{counts:?}");
    assert!(counts.keys().all(|call| once.contains(call) || *call == Call::GetJob), "{counts:?}");

    trial.bigquery.set([]);
    trial.succeeds().await;
    assert_eq!(trial.bigquery.counts().into_iter().collect::<Vec<_>>(), [(Call::GetTable, 1)]);
}
