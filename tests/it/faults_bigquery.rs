//! Errors of BigQuery and of the network before it: whatever error a call meets, no row is lost or doubled, and the
//! report says what happened.
//!
//! In each test two mappings run at once, one that upserts and one that appends. Waits are announced in full, but only
//! a ten-thousandth is waited out.

use std::time::Duration;

use bigquery_syncer::domain::fault::FaultKind;
use bigquery_syncer::domain::report::Outcome;

use crate::support::Trial;
use crate::support::bigquery_proxy::{Call, Reply, Rule, Trouble};

const QUOTA: Trouble = Trouble::Answer(Reply::new(403, "quotaExceeded"));
const HTML_502: Reply = Reply::page(502);

/// Errors that pass in a moment.
const MOMENTS: [Trouble; 6] = [
    Trouble::Answer(Reply { status: 429, reason: None, retry_after: Some(7) }),
    Trouble::Answer(Reply::new(403, "rateLimitExceeded")),
    Trouble::Answer(Reply::new(500, "internalError")),
    Trouble::Answer(Reply::new(503, "backendError")),
    Trouble::Answer(HTML_502),
    Trouble::HangUp,
];

/// The calls of a run whose target exists.
const CALLS: [Call; 7] =
    [Call::GetTable, Call::CreateTable, Call::OpenUpload, Call::Put, Call::InsertJob, Call::GetJob, Call::DropTable];

/// The calls that change something, without the upload's bytes.
const ACTS: [Call; 4] = [Call::CreateTable, Call::OpenUpload, Call::InsertJob, Call::DropTable];

/// A rule for each mapping.
fn both(call: Call, step: &str, trouble: Trouble) -> [Rule; 2] {
    ["u", "a"].map(|mapping| Rule::new(call, trouble).about(&format!("{step}_{mapping}_")))
}

/// The same for calls of any kind, in the order of the list.
fn each_meets(calls: &[Call], mapping: &str, troubles: &[Trouble]) -> Vec<Rule> {
    let about = |call: Call| match call {
        Call::GetTable => format!("/tables/{mapping}"),
        _ => format!("_{mapping}_"),
    };
    let rule = |(call, trouble): (&Call, &Trouble)| Rule::new(*call, *trouble).about(&about(*call));
    calls.iter().flat_map(|call| troubles.iter().map(move |trouble| (call, trouble))).map(rule).collect()
}

/// A trial whose first rows are not synced yet.
async fn fresh(name: &str) -> Trial {
    let trial = Trial::new(name).await;
    trial.add(30).await;
    trial
}

#[tokio::test]
async fn every_call_with_any_temporary_fault_is_repeated_and_the_run_continues() {
    let trial = fresh("moments").await;
    // Each call of each mapping meets three errors in a row, and in the second run the other three.
    let (some, others) = MOMENTS.split_at(3);
    for (of_u, of_a) in [(some, others), (others, some)] {
        let rules = each_meets(&CALLS, "u", of_u).into_iter().chain(each_meets(&CALLS, "a", of_a));
        trial.bigquery.set(rules);
        let told = trial.succeeds().await;
        let retries = told.retries();
        assert_eq!(retries.len(), MOMENTS.len() * CALLS.len(), "{retries:?}");
        for mapping in ["u", "a"] {
            let report = told.mapping(mapping);
            assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (1, 1, 30), "{report:?}");
        }
        let asked_to_wait: Vec<_> = retries.iter().filter(|retry| retry.because.contains("429")).collect();
        assert_eq!(asked_to_wait.len(), CALLS.len());
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
async fn a_request_whose_answer_was_lost_does_not_take_effect_twice() {
    let trial = fresh("lost").await;
    let lost = [Trouble::ActAndHangUp, Trouble::ActAndAnswer(HTML_502), Trouble::ActAndAnswer(Reply::page(503))];
    let rules = ["u", "a"].into_iter().flat_map(|mapping| each_meets(&ACTS, mapping, &lost));
    let last_bytes =
        [("u", lost[0]), ("a", lost[1])].map(|(mapping, trouble)| each_meets(&[Call::Put], mapping, &[trouble]));
    trial.bigquery.set(rules.chain(last_bytes.into_iter().flatten()));
    let told = trial.succeeds().await;
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (1, 1, 30), "{report:?}");
    }
}

#[tokio::test]
async fn a_publish_whose_answer_never_came_is_found_and_adopted() {
    let trial = fresh("adopted").await;
    let unanswered = both(Call::InsertJob, "publish", Trouble::ActAndHangUp).map(|rule| rule.times(5));
    // A proxy's 404 does not mean that BigQuery never got the job.
    let page = both(Call::GetJob, "publish", Trouble::Answer(Reply::page(404)));
    trial.bigquery.set(unanswered.into_iter().chain(page));
    let told = trial.succeeds().await;
    assert_eq!(told.recovered(), [true, true]);
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (3, 1, 30), "{report:?}");
        assert!(report.jobs[0].0.contains("publish"), "{report:?}");
        assert_eq!(told.restarts(mapping).len(), 2);
    }
}

#[tokio::test]
async fn a_publish_that_never_arrived_is_looked_up_and_sent_again() {
    let trial = fresh("unsent").await;
    trial.bigquery.set(both(Call::InsertJob, "publish", Trouble::HangUp).map(|rule| rule.times(5)));
    let told = trial.succeeds().await;
    assert_eq!(told.recovered(), [false, false]);
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (2, 1, 30), "{report:?}");
        // The job has a name that nobody has taken; if the first job comes late, it finds the name taken.
        assert!(report.jobs[0].0.ends_with("_0"), "{report:?}");
    }
}

#[tokio::test]
async fn a_publish_whose_fate_is_unknown_is_not_sent_again() {
    let trial = fresh("unasked").await;
    // Neither this attempt nor the next one learns how it ended.
    trial.bigquery.set(both(Call::GetJob, "publish", Trouble::Answer(Reply::page(503))).map(|rule| rule.times(10)));
    let told = trial.succeeds().await;
    assert_eq!(told.recovered(), [true, true]);
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (3, 1, 30), "{report:?}");
    }
    // For each mapping one statement that creates its table, and one publish.
    assert_eq!(trial.bigquery.count(Call::InsertJob), 4);
}

#[tokio::test]
async fn a_job_that_failed_inside_bigquery_runs_again_under_a_new_id() {
    let trial = fresh("ended").await;
    let ends = [
        (Call::Put, "load", "backendError"),
        (Call::InsertJob, "publish", "rateLimitExceeded"),
        (Call::InsertJob, "publish", "jobInternalError"),
    ];
    trial.bigquery.set(ends.into_iter().flat_map(|(call, step, reason)| both(call, step, Trouble::EndWith(reason))));
    let told = trial.succeeds().await;
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (4, 1, 30), "{report:?}");
        assert!(!report.jobs[0].0.ends_with("_0"), "{report:?}");
        let restarts = told.restarts(mapping);
        assert_eq!(restarts.len(), ends.len());
        for (restart, (_, _, reason)) in restarts.iter().zip(ends) {
            assert!(restart.because.contains(reason), "{restarts:?}");
        }
    }
}

#[tokio::test]
async fn a_used_up_quota_is_retried_after_minutes_and_by_no_single_call() {
    let trial = fresh("quota").await;
    // Once as an answer, and once as the error of a job that has ended.
    let ended = Rule::new(Call::Put, Trouble::EndWith("quotaExceeded")).about("load_a_");
    trial.bigquery.set([Rule::new(Call::InsertJob, QUOTA).about("publish_u_"), ended]);
    let told = trial.succeeds().await;
    assert_eq!(told.retries().len(), 2, "only the mappings wait: {:?}", told.retries());
    for mapping in ["u", "a"] {
        let restarts = told.restarts(mapping);
        assert!(restarts[0].seconds >= 600.0 && restarts[0].because.contains("quotaExceeded"), "{restarts:?}");
        assert_eq!(told.mapping(mapping).attempts, 2);
    }
}

#[tokio::test]
async fn a_conflict_with_other_statements_is_retried_after_minutes() {
    let trial = fresh("busy").await;
    let queue = Trouble::EndSaying(
        "resourcesExceeded",
        "Resources exceeded during query execution: Too many DML statements outstanding against table p:d.t, limit is 20.",
    );
    let streamed = Trouble::EndSaying(
        "invalidQuery",
        "UPDATE/MERGE/DELETE statement over table p:d.t would affect rows in the streaming buffer, which is not supported",
    );
    trial.bigquery.set(
        [("publish_u_", queue), ("publish_a_", streamed)]
            .map(|(job, trouble)| Rule::new(Call::InsertJob, trouble).about(job)),
    );
    let told = trial.succeeds().await;
    for (mapping, least) in [("u", 60.0), ("a", 900.0)] {
        let restarts = told.restarts(mapping);
        assert_eq!((restarts.len(), told.mapping(mapping).attempts), (1, 2), "{restarts:?}");
        assert!(restarts[0].seconds >= least, "{restarts:?}");
    }
}

#[tokio::test]
async fn a_used_up_quota_and_a_refused_permission_leave_the_watermark_and_name_the_next_step() {
    let trial = fresh("refused").await;
    let denied = Trouble::Answer(Reply::new(403, "accessDenied"));
    trial.bigquery.set([
        Rule::new(Call::InsertJob, QUOTA).about("publish_u_").times(3),
        Rule::new(Call::InsertJob, denied).about("publish_a_"),
    ]);
    let told = trial.run().await;
    for (mapping, kind, attempts, reason, hint) in [
        ("u", FaultKind::Quota, 3, "quotaExceeded", "quota to refill"),
        ("a", FaultKind::Auth, 1, "accessDenied", "permissions"),
    ] {
        let report = told.mapping(mapping);
        assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(kind)), "{report:?}");
        assert_eq!((report.attempts, told.restarts(mapping).len()), (attempts, attempts as usize - 1), "{report:?}");
        assert!(report.errors[0].contains(reason) && report.hint.as_ref().unwrap().contains(hint), "{report:?}");
        assert_eq!((&report.watermark_after, report.jobs.len()), (&None, 0), "{report:?}");
        assert_eq!(trial.sandbox.bq_number(&format!("SELECT COUNT(*) FROM `{{d}}.{mapping}`")).await, 0);
    }
    let told = trial.succeeds().await;
    assert_eq!(told.recovered(), [false, false], "nobody knows these jobs");
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_and_a_refused_token_ends_the_work_at_once() {
    let trial = fresh("token").await;
    let slow = Trouble::Delay(Duration::from_millis(100));
    trial.bigquery.set(each_meets(&CALLS, "a", &[slow]));
    let told = trial.succeeds().await;
    assert!(told.retries().is_empty(), "it is no failure: {:?}", told.retries());

    trial.add(1).await;
    // The emulator's clients have no login that could give another token.
    let refused = Trouble::Answer(Reply::new(401, "authError"));
    trial.bigquery.set([Rule::new(Call::GetTable, refused).times(2)]);
    let told = trial.run().await;
    for mapping in ["u", "a"] {
        let report = told.mapping(mapping);
        assert_eq!((report.error_kind, report.attempts), (Some(FaultKind::Auth), 1), "{report:?}");
    }
    assert_eq!(trial.bigquery.count(Call::GetTable), 2);
}

#[tokio::test]
async fn an_interrupted_upload_continues_and_a_lost_session_begins_again() {
    let trial = fresh("upload").await;
    let gone =
        |mapping, status| Rule::new(Call::Put, Trouble::Answer(Reply::page(status))).about(&format!("load_{mapping}_"));
    let rules = [gone("u", 404), gone("a", 410)]
        .into_iter()
        .chain(both(Call::Put, "load", Trouble::TakeHalf))
        .chain(both(Call::Put, "load", Trouble::HangUp))
        .chain(both(Call::AskUpload, "load", Trouble::Answer(Reply::page(503))))
        .chain(both(Call::Put, "load", Trouble::ActAndHangUp));
    trial.bigquery.set(rules);
    let told = trial.succeeds().await;
    for mapping in ["u", "a"] {
        assert_eq!(told.mapping(mapping).attempts, 2);
        assert!(told.restarts(mapping)[0].because.contains("session is gone"), "{:?}", told.retries());
    }
}

#[tokio::test]
async fn an_upload_of_several_chunks_survives_a_fault_at_each() {
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
async fn a_job_that_never_ends_is_left_at_the_deadline_and_looked_up_by_the_next_run() {
    let trial = fresh("endless").await;
    let config = trial.sandbox.read("config.yaml");
    // Long enough for the other mapping, and for the steps before the publish, on a busy machine.
    trial.sandbox.write("config.yaml", &format!("deadline: 20s\n{config}"));
    trial.bigquery.set([Rule::new(Call::InsertJob, Trouble::NeverEnd).about("publish_u_")]);
    let told = trial.run().await;
    let report = told.mapping("u");
    assert_eq!((report.outcome, report.error_kind), (Outcome::Failed, Some(FaultKind::Transient)), "{report:?}");
    assert!(
        report.errors[0].contains("`deadline`") && report.hint.as_ref().unwrap().contains("`deadline`"),
        "{report:?}"
    );
    assert_eq!((&report.watermark_after, report.jobs.len()), (&None, 0));
    assert_eq!(told.mapping("a").outcome, Outcome::Ok);
    // An operator cancels the job.
    trial.bigquery.end_jobs("stopped");
    trial.sandbox.write("config.yaml", &config);
    let told = trial.succeeds().await;
    assert_eq!(told.recovered(), [false]);
    assert_eq!(told.mapping("u").records_processed, 30);
}

/// The calls of a run that moves new rows, with their numbers, and those of a run that finds nothing new.
async fn calls_of(trial: &Trial) -> (Vec<(Call, usize)>, Vec<Call>) {
    trial.add(60).await;
    trial.succeeds().await;
    trial.add(30).await;
    trial.bigquery.set([]);
    trial.succeeds().await;
    let moving = trial.bigquery.counts().into_iter().collect();
    trial.bigquery.set([]);
    trial.succeeds().await;
    (moving, trial.bigquery.counts().into_keys().collect())
}

#[tokio::test]
async fn few_rows_cost_one_look_and_one_job_and_an_idle_run_makes_no_call() {
    let trial = Trial::inline("calls_inline").await;
    let (moving, idle) = calls_of(&trial).await;
    // The emulator's small jobs have ended when the call is answered; BigQuery's are waited for.
    let asks_for_the_end = |call: &Call| matches!(call, Call::GetResults | Call::GetJob);
    let (ends, others): (Vec<_>, Vec<_>) = moving.into_iter().partition(|(call, _)| asks_for_the_end(call));
    assert_eq!(others, [(Call::GetTable, 2), (Call::InsertJob, 2)]);
    assert!(ends.iter().all(|(_, count)| *count <= 2), "{ends:?}");
    assert_eq!(idle, []);
}

#[tokio::test]
async fn staged_rows_cost_few_calls_and_an_idle_run_makes_no_call() {
    let trial = Trial::with("calls", &["u"]).await;
    let (moving, idle) = calls_of(&trial).await;
    // Each call occurs once, except questions about the end of a load; one call waits for a publish's end.
    let waits = [Call::GetJob, Call::GetResults];
    let mut expected = CALLS.to_vec();
    expected.extend([Call::ListTables]);
    expected.retain(|call| !waits.contains(call));
    expected.sort();
    let others: Vec<_> = moving.iter().map(|(call, _)| *call).filter(|call| !waits.contains(call)).collect();
    assert_eq!(others, expected);
    assert!(moving.iter().all(|(call, count)| *count == 1 || *call == Call::GetJob), "{moving:?}");
    assert_eq!(idle, []);
}

#[tokio::test]
async fn an_inline_publish_is_sent_again_after_any_fault_of_its_calls() {
    let trial = Trial::inline("inline_moments").await;
    trial.add(30).await;
    let calls = [Call::GetTable, Call::InsertJob];
    let (some, others) = MOMENTS.split_at(3);
    for (of_u, of_a) in [(some, others), (others, some)] {
        trial.bigquery.set(each_meets(&calls, "u", of_u).into_iter().chain(each_meets(&calls, "a", of_a)));
        let told = trial.succeeds().await;
        assert_eq!(told.retries().len(), MOMENTS.len() * calls.len(), "{:?}", told.retries());
        for mapping in ["u", "a"] {
            let report = told.mapping(mapping);
            assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (1, 1, 30), "{report:?}");
        }
        trial.add(30).await;
    }
}

#[tokio::test]
async fn an_inline_publish_is_adopted_if_it_arrived_and_otherwise_its_name_is_taken() {
    for (name, trouble, arrives) in
        [("inline_unheard", Trouble::ActAndHangUp, true), ("inline_unsent", Trouble::HangUp, false)]
    {
        let trial = Trial::inline(name).await;
        trial.add(30).await;
        trial.bigquery.set(both(Call::InsertJob, "publish", trouble).map(|rule| rule.times(5)));
        let told = trial.succeeds().await;
        assert_eq!(told.recovered(), [arrives, arrives]);
        for mapping in ["u", "a"] {
            let report = told.mapping(mapping);
            assert_eq!((report.attempts, report.jobs.len(), report.records_processed), (2, 1, 30), "{report:?}");
        }
        let named = trial.bigquery.sent(Call::InsertJob);
        let took_names = named.iter().filter(|job| job["configuration"]["query"]["query"] == "SELECT 1").count();
        assert_eq!(took_names, if arrives { 0 } else { 2 });
    }
}
