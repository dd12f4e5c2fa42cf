//! Notifications of a run: to Prometheus through a file, and to a web address.

use std::collections::VecDeque;
use std::process::Command as Process;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;

use crate::support::{Ran, Sandbox, finish};

/// Two mappings: `fine`, and `gone`, whose table does not exist.
async fn sandbox(name: &str, settings: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    let mapping = |name: &str, table: &str| {
        format!("  - {{name: {name}, mysql_table: {table}, bigquery_table: {name}, incremental_column: at}}\n")
    };
    sandbox.configure(settings, &[mapping("fine", "t"), mapping("gone", "not_there")].concat());
    sandbox
        .sql("CREATE TABLE t (at TIMESTAMP NOT NULL, KEY (at)); INSERT INTO t VALUES ('2026-01-01'), ('2026-01-02')")
        .await;
    sandbox
}

/// A service that gives the chosen answers, then 200, and keeps what it was sent.
pub struct Hook {
    pub url: String,
    heard: Heard,
}

type Heard = Arc<Mutex<(VecDeque<u16>, Vec<Value>)>>;

impl Hook {
    pub async fn answering(answers: &[u16]) -> Self {
        let heard: Heard = Arc::new(Mutex::new((answers.iter().copied().collect(), Vec::new())));
        let answer = |State(heard): State<Heard>, word: String| async move {
            let (answers, words) = &mut *heard.lock().unwrap();
            words.push(serde_json::from_str(&word).unwrap());
            StatusCode::from_u16(answers.pop_front().unwrap_or(200)).unwrap()
        };
        let router = Router::new().route("/T000/s3cret", post(answer)).with_state(Arc::clone(&heard));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/T000/s3cret", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, heard }
    }

    pub fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().1.clone()
    }
}

const NOTIFY: &str = "notify: {url: '${HOOK}'}";

async fn run(sandbox: &Sandbox, hook: &str, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(&[&["run-once", "--output", "json"][..], arguments].concat());
    command.env("HOOK", hook).env("LOG_LEVEL", "DEBUG").env("BQSYNC_LOG_DIR", sandbox.path("logs"));
    finish(command).await
}

/// Everything that the run has written, to the sandbox and to its streams.
fn written(sandbox: &Sandbox, ran: &Ran) -> String {
    let found = Process::new("grep").args(["-rh", "--exclude=config.yaml", ""]).arg(sandbox.dir()).output().unwrap();
    format!("{}{}{}", ran.stdout, ran.stderr, String::from_utf8_lossy(&found.stdout))
}

#[tokio::test]
async fn a_notification_is_repeated_until_it_arrives_and_its_address_is_never_shown() {
    let hook = Hook::answering(&[500]).await;
    let sandbox = sandbox("hook", NOTIFY).await;
    let ran = run(&sandbox, &hook.url, &[]).await.expect_code(1);
    let heard = hook.heard();
    assert_eq!(heard.len(), 2, "once refused, once taken: {heard:?}");
    let word = &heard[1];
    assert_eq!((&word["outcome"], &word["mappings_total"]), (&"failed".into(), &2.into()));
    assert_eq!(word["run_id"], ran.json()["run_id"]);
    let troubles = word["mappings"].as_array().unwrap();
    assert_eq!(troubles.len(), 1);
    let report = ran.mapping("gone");
    assert_eq!((&troubles[0]["mapping"], &troubles[0]["kind"]), (&"gone".into(), &report["error_kind"]));
    let (error, sentence) = (report["errors"][0].as_str().unwrap(), troubles[0]["sentence"].as_str().unwrap());
    assert!(sentence.contains("not_there") && error.starts_with(sentence), "{sentence}");
    assert_eq!(troubles[0]["hint"], report["hint"]);
    let written = written(&sandbox, &ran);
    assert!(
        written.contains("HTTP 500") && written.contains("sending the notification of the run"),
        "the retry is told"
    );
    assert!(!written.contains("s3cret"));

    // A run that went well is not notified.
    run(&sandbox, &hook.url, &["--mapping", "fine"]).await.expect_code(0);
    assert_eq!(hook.heard().len(), 2);
}

#[tokio::test]
async fn a_refused_notification_is_a_warning_and_not_a_failure() {
    let hook = Hook::answering(&[404, 404]).await;
    let sandbox = sandbox("hook_404", "notify: {url: '${HOOK}', on: always}").await;
    let ran = run(&sandbox, &hook.url, &["--mapping", "fine"]).await.expect_code(0);
    assert_eq!(hook.heard().len(), 1, "it is not asked again");
    assert_eq!(hook.heard()[0]["mappings"], serde_json::json!([]));
    let warning = "The service at `notify.url` answered HTTP 404";
    assert!(ran.stderr.lines().any(|line| line.contains("WARN") && line.contains(warning)), "{}", ran.stderr);
    assert!(!written(&sandbox, &ran).contains("s3cret"));
}

#[tokio::test]
async fn a_failing_notification_service_does_not_delay_quitting() {
    // Ten tries would take a quarter of a minute.
    let hook = Hook::answering(&[503; 10]).await;
    let sandbox = sandbox("hook_leave", NOTIFY).await;
    let mut command = sandbox.command(&["run-once"]);
    let child = command.env("HOOK", &hook.url).spawn().unwrap();
    while hook.heard().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let asked = Instant::now();
    assert!(Process::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("was cancelled before it could be sent"), "{output:?}");
}

#[tokio::test]
async fn metrics_keep_the_other_mappings_figures_and_count_over_runs() {
    let sandbox = sandbox("metrics", "metrics_file: out/bqsync.prom").await;
    run(&sandbox, "", &[]).await.expect_code(1);
    let before = sandbox.read("out/bqsync.prom");
    let figure = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse::<f64>().unwrap()
    };
    for (name, value) in [
        ("bqsync_rows_total{mapping=\"fine\"}", 2.0),
        ("bqsync_lag_seconds{mapping=\"fine\"}", 0.0),
        ("bqsync_last_run_outcome{mapping=\"fine\",outcome=\"ok\"}", 1.0),
        ("bqsync_last_run_outcome{mapping=\"gone\",outcome=\"failed\"}", 1.0),
        ("bqsync_run_failures_total{mapping=\"gone\"}", 1.0),
    ] {
        assert!((figure(&before, name) - value).abs() < f64::EPSILON, "{name}\n{before}");
    }
    assert!(!before.contains("bqsync_last_success_timestamp_seconds{mapping=\"gone\"}"), "{before}");

    sandbox.sql("INSERT INTO t VALUES ('2026-01-03')").await;
    run(&sandbox, "", &["--mapping", "fine"]).await.expect_code(0);
    let after = sandbox.read("out/bqsync.prom");
    assert!((figure(&after, "bqsync_rows_total{mapping=\"fine\"}") - 3.0).abs() < f64::EPSILON, "{after}");
    let success = "bqsync_last_success_timestamp_seconds{mapping=\"fine\"}";
    assert!(figure(&after, success) > figure(&before, success));
    let gone =
        |text: &str| text.lines().filter(|line| line.contains("\"gone\"")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(gone(&after), gone(&before));
    let files: Vec<_> = std::fs::read_dir(sandbox.path("out")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["bqsync.prom"], "nothing half written is left");
}

#[tokio::test]
async fn unwritable_metrics_are_a_warning_and_not_a_failure() {
    let sandbox = sandbox("metrics_blocked", "metrics_file: blocked/bqsync.prom").await;
    sandbox.write("blocked", "a file");
    let ran = run(&sandbox, "", &["--mapping", "fine"]).await.expect_code(0);
    assert!(ran.stderr.contains("metrics_file") && ran.stderr.contains("blocked/bqsync.prom"), "{}", ran.stderr);
}
