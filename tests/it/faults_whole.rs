//! Errors of BigQuery in runs that look at the whole table: a replace and a mirror at once, with staged rows and in one
//! job.

use crate::support::Trial;
use crate::support::bigquery_proxy::{Call, Reply, Rule, Trouble};

const HTML_502: Reply = Reply::page(502);
const MOMENTS: [Trouble; 4] = [
    Trouble::Answer(Reply::new(403, "rateLimitExceeded")),
    Trouble::Answer(Reply::new(503, "backendError")),
    Trouble::Answer(HTML_502),
    Trouble::HangUp,
];
const LOST: [Trouble; 2] = [Trouble::ActAndHangUp, Trouble::ActAndAnswer(HTML_502)];
/// The calls of a run that stages its rows; each of them names the mapping.
const CALLS: [Call; 6] =
    [Call::GetTable, Call::Put, Call::CreateTable, Call::OpenUpload, Call::InsertJob, Call::DropTable];
/// The calls that change something, without the upload's bytes.
const ACTS: &[Call] = CALLS.split_at(2).1;

/// Both targets are equal to the source; then rows were added, changed and deleted, none of which a cursor could find.
async fn edited(name: &str, settings: &str) -> Trial {
    let trial = Trial::configured(name, settings, &["r", "m"]).await;
    trial.add(120).await;
    trial.succeeds().await;
    edit(&trial).await;
    trial
}

async fn edit(trial: &Trial) {
    trial
        .sandbox
        .sql(
            "UPDATE t SET v = CONCAT(v, ' edited') WHERE id % 40 = 5; DELETE FROM t WHERE id % 60 = 8; \
             UPDATE t SET id = id + 1000 WHERE id % 90 = 17; INSERT INTO t (v, at) VALUES ('new', '2025-01-01')",
        )
        .await;
}

fn about(call: Call, mapping: &str) -> String {
    match call {
        Call::GetTable => format!("/tables/{mapping}"),
        _ => format!("_{mapping}_"),
    }
}

fn each_meets(calls: &[Call], troubles: &[Trouble]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for mapping in ["r", "m"] {
        for call in calls {
            rules.extend(troubles.iter().map(|trouble| Rule::new(*call, *trouble).about(&about(*call, mapping))));
        }
    }
    rules
}

/// Trouble for the publishes of both mappings.
fn publishes(trouble: Trouble, times: usize) -> [Rule; 2] {
    ["replace_r_", "mirror_m_"].map(|job| Rule::new(Call::InsertJob, trouble).about(job).times(times))
}

const SETTINGS: [&str; 2] = ["readers: 1\ninline_rows: 0", "readers: 1"];

#[tokio::test]
async fn both_tables_are_complete_after_any_temporary_fault_at_each_call() {
    let trial = edited("whole_moments", SETTINGS[0]).await;
    for (calls, troubles) in [(&CALLS[..], &MOMENTS[..2]), (&CALLS[..], &MOMENTS[2..]), (ACTS, &LOST[..])] {
        trial.bigquery.set(each_meets(calls, troubles));
        let told = trial.succeeds().await;
        for mapping in ["r", "m"] {
            assert_eq!(told.mapping(mapping).attempts, 1, "{:?}", told.mapping(mapping));
        }
        edit(&trial).await;
    }
}

#[tokio::test]
async fn a_publish_without_an_answer_is_adopted_if_it_arrived_and_otherwise_sent_again() {
    for (settings, how) in SETTINGS.into_iter().zip(["staged", "inline"]) {
        let trial = edited(&format!("whole_lost_{how}"), settings).await;
        for (trouble, arrives) in [(Trouble::ActAndHangUp, true), (Trouble::HangUp, false)] {
            trial.bigquery.set(publishes(trouble, 5));
            let told = trial.succeeds().await;
            assert_eq!(told.recovered(), [arrives, arrives], "{how}");
            // What was adopted is known to be in the target: nothing is left to bring.
            trial.bigquery.set([]);
            let told = trial.succeeds().await;
            assert_eq!(told.mapping("m").records_processed, 0, "{how}: {:?}", told.mapping("m"));
            edit(&trial).await;
        }
    }
}

#[tokio::test]
async fn a_job_that_failed_inside_bigquery_is_followed_by_one_with_another_name() {
    for (settings, how) in SETTINGS.into_iter().zip(["staged", "inline"]) {
        let trial = edited(&format!("whole_failed_{how}"), settings).await;
        let ends = ["rateLimitExceeded", "jobInternalError"].map(|reason| publishes(Trouble::EndWith(reason), 1));
        trial.bigquery.set(ends.concat());
        let told = trial.succeeds().await;
        for mapping in ["r", "m"] {
            assert_eq!(told.restarts(mapping).len(), 2, "{how}: {:?}", told.mapping(mapping));
        }
    }
}
