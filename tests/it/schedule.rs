//! `bqsync schedule`: due times, missed runs, two schedulers on one state, signals, and notifications to systemd.

use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command as Process};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bigquery_syncer::domain::report::{Outcome, RunReport, Trigger};
use bigquery_syncer::engine::{Clock, Command, Event, Handle, Selection, SyncOrder};
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::support::{Sandbox, Through, finish};

const MAPPING: &str = "  - {name: t, mysql_table: t, primary_keys: [id], incremental_column: id, mode: upsert}";

/// A nightly schedule and three rows.
async fn sandbox(name: &str, settings: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure(&format!("schedule: {{cron: 0 2 * * *}}\n{settings}"), MAPPING);
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)").await;
    sandbox
}

/// A clock that only the test sets, later than any real run, so that no real run serves a due time.
#[derive(Debug)]
struct TestClock {
    now: Mutex<DateTime<Utc>>,
    set: Notify,
}

impl TestClock {
    fn at(text: &str) -> Arc<Self> {
        Arc::new(Self { now: Mutex::new(text.parse().unwrap()), set: Notify::new() })
    }

    fn set(&self, text: &str) {
        *self.now.lock().unwrap() = text.parse().unwrap();
        self.set.notify_waiters();
    }

    fn pass(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
        self.set.notify_waiters();
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    fn reaches(&self, at: DateTime<Utc>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let set = self.set.notified();
                if self.now() >= at {
                    return;
                }
                set.await;
            }
        })
    }
}

fn follower(sandbox: &Sandbox, clock: &Arc<TestClock>) -> Handle {
    let handle = sandbox.engine_through(&Through { clock: clock.clone(), ..Through::default() });
    handle.send(Command::FollowSchedule { make_up: true });
    handle
}

/// The event that `wanted` picks; earlier ones are skipped.
async fn until<V>(handle: &mut Handle, mut wanted: impl FnMut(&Event) -> Option<V>) -> V {
    loop {
        let event = handle.next_event().await.expect("the engine to live on");
        if let Some(found) = wanted(&event) {
            return found;
        }
    }
}

fn next_run(event: &Event) -> Option<String> {
    match event {
        Event::RunScheduled { at, .. } => Some(at.to_rfc3339()),
        _ => None,
    }
}

fn finished(event: &Event) -> Option<RunReport> {
    match event {
        Event::RunFinished { report } => Some(report.clone()),
        _ => None,
    }
}

fn history(sandbox: &Sandbox) -> usize {
    std::fs::read_dir(sandbox.path("etl/reports/runs")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_due_time_starts_one_recorded_run_and_the_next_is_announced() {
    let sandbox = sandbox("due", "").await;
    let clock = TestClock::at("2040-11-23T01:59:00Z");
    let mut handle = follower(&sandbox, &clock);
    assert_eq!(until(&mut handle, next_run).await, "2040-11-23T02:00:00+00:00");
    clock.set("2040-11-23T02:00:00Z");
    assert_eq!(until(&mut handle, next_run).await, "2040-11-24T02:00:00+00:00");
    let report = until(&mut handle, finished).await;
    assert_eq!((report.trigger, report.mappings[0].outcome), (Trigger::Schedule, Outcome::Ok));
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 3);
    assert_eq!(sandbox.read_json("etl/reports/report.json")[0]["run_id"], json!(report.run_id));
    assert_eq!(history(&sandbox), 1);
    let state = sandbox.read_json("state/state.json")["bqsync"]["mappings"]["t"].clone();
    assert_eq!(state["scheduled_for"], "2040-11-23T02:00:00Z");
    assert_eq!(state["last_run"]["trigger"], "schedule");

    // A scheduler that comes later finds nothing missed; its first event is the run of the next night.
    drop(handle);
    clock.set("2040-11-23T09:00:00Z");
    let mut handle = follower(&sandbox, &clock);
    until(&mut handle, next_run).await;
    clock.set("2040-11-24T02:00:00Z");
    let run = until(&mut handle, |event| matches!(event, Event::RunStarted { .. }).then(|| event.clone())).await;
    assert!(matches!(run, Event::RunStarted { trigger: Trigger::Schedule, .. }), "{run:?}");
    until(&mut handle, finished).await;
    assert_eq!(history(&sandbox), 2);
}

#[tokio::test]
async fn two_schedulers_on_one_state_run_each_due_time_once_and_neither_fails() {
    let sandbox = sandbox("twins", "").await;
    let clock = TestClock::at("2040-11-23T01:59:00Z");
    let mut twins = [follower(&sandbox, &clock), follower(&sandbox, &clock)];
    for twin in &mut twins {
        until(twin, next_run).await;
    }
    for night in ["2040-11-23T02:00:00Z", "2040-11-24T02:00:00Z", "2040-11-25T02:00:00Z"] {
        clock.set(night);
        let [one, two] = &mut twins;
        let done = watch::Sender::new(false);
        let (one, two) = tokio::join!(settled(one, &clock, &done), settled(two, &clock, &done));
        let mut runs: Vec<RunReport> = one.into_iter().chain(two).collect();
        assert_eq!(runs.len(), 1, "{night}: {runs:?}");
        let mapping = runs.remove(0).mappings.remove(0);
        assert_eq!((mapping.outcome, mapping.errors), (Outcome::Ok, Vec::new()));
        assert_eq!(sandbox.read_json("state/state.json")["bqsync"]["mappings"]["t"]["scheduled_for"], night);
    }
    assert_eq!(history(&sandbox), 3, "the late one leaves no report");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 3);
}

/// One scheduler's run for the due time, unless the other one has made it. `done`: one of them has made it.
async fn settled(handle: &mut Handle, clock: &TestClock, done: &watch::Sender<bool>) -> Option<RunReport> {
    loop {
        match handle.next_event().await.expect("the engine to live on") {
            Event::RunFinished { report } if !report.mappings.is_empty() => {
                done.send_replace(true);
                return Some(report);
            }
            Event::DueRunLeft { .. } => return None,
            Event::MappingLeft { reason, .. } if reason.contains("another process has run it") => return None,
            // The other scheduler is working on it; its result is looked at half a minute later.
            Event::MappingLeft { .. } | Event::DueRunDelayed { .. } => {
                done.subscribe().wait_for(|done| *done).await.unwrap();
                clock.pass(Duration::from_secs(30));
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_due_run_waits_for_the_run_under_way() {
    let sandbox = sandbox("waits", "").await;
    let mut lock = sandbox.connection().await;
    sqlx::raw_sql("LOCK TABLES t WRITE").execute(&mut lock).await.unwrap();
    let clock = TestClock::at("2040-11-23T01:59:00Z");
    let mut handle = follower(&sandbox, &clock);
    until(&mut handle, next_run).await;
    handle.send(Command::Sync(SyncOrder::manual(Selection::All)));
    until(&mut handle, |event| matches!(event, Event::PhaseStarted { .. }).then_some(())).await;
    clock.set("2040-11-23T02:00:00Z");
    let reason = until(&mut handle, |event| match event {
        Event::DueRunDelayed { reason, .. } => Some(reason.clone()),
        _ => None,
    })
    .await;
    assert!(reason.contains("held by run") || reason.contains("still under way"), "{reason}");
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut lock).await.unwrap();
    assert_eq!(until(&mut handle, finished).await.trigger, Trigger::Manual);
    let second = until(&mut handle, finished).await;
    assert_eq!((second.trigger, second.mappings[0].outcome), (Trigger::Schedule, Outcome::Ok));
}

#[tokio::test]
async fn a_mapping_with_its_own_schedule_runs_on_it() {
    let sandbox = sandbox("own", "").await;
    let mapping = |name: &str, rest: &str| {
        format!("  - {{name: {name}, mysql_table: t, bigquery_table: {name}, incremental_column: id{rest}}}\n")
    };
    let own = [mapping("a", ""), mapping("b", ", schedule: '30 2 * * *'"), mapping("c", ", schedule: never")];
    sandbox.configure("schedule: {cron: 0 2 * * *}", &own.concat());
    let clock = TestClock::at("2040-11-23T01:59:00Z");
    let mut handle = follower(&sandbox, &clock);
    until(&mut handle, next_run).await;
    for (due, name) in [("2040-11-23T02:00:00Z", "a"), ("2040-11-23T02:30:00Z", "b"), ("2040-11-24T02:00:00Z", "a")] {
        clock.set(due);
        let report = until(&mut handle, finished).await;
        let names: Vec<_> = report.mappings.iter().map(|mapping| mapping.mapping_name.0.as_str()).collect();
        assert_eq!(names, [name], "{due}");
    }
}

/// A state whose only run was long ago.
fn ran_long_ago(sandbox: &Sandbox) {
    let last = json!({ "run_id": "r", "trigger": "schedule", "finished_at": "2020-01-01T02:00:05Z", "outcome": "ok",
                       "rows": 0, "duration_ms": 1 });
    let state = json!({ "bqsync": { "version": 1, "mappings": { "t": { "last_run": last } } } });
    sandbox.write("state/state.json", &state.to_string());
}

/// What systemd would receive.
pub struct Service {
    socket: UnixDatagram,
}

impl Service {
    pub fn listen(sandbox: &Sandbox) -> Self {
        let socket = UnixDatagram::bind(sandbox.path("notify.sock")).unwrap();
        socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self { socket }
    }

    /// The notifications, up to `last`.
    pub async fn hear(&self, last: &'static str) -> Vec<String> {
        let socket = self.socket.try_clone().unwrap();
        let heard = tokio::task::spawn_blocking(move || {
            let mut words = Vec::new();
            let mut buffer = [0; 1024];
            while !words.iter().any(|word: &String| word.starts_with(last)) {
                let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{last}: {error}: {words:?}"));
                words.extend(String::from_utf8_lossy(&buffer[..length]).lines().map(str::to_owned));
            }
            words
        });
        heard.await.unwrap()
    }
}

pub fn signal(child: &Child, name: &str) {
    assert!(Process::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn start(sandbox: &Sandbox) -> Child {
    let mut command = sandbox.command(&["schedule", "--output", "json", "--log-format", "json"]);
    command.env("NOTIFY_SOCKET", sandbox.path("notify.sock")).spawn().unwrap()
}

/// Exit code, the runs on stdout, and stderr.
pub async fn ended(child: Child) -> (Option<i32>, Vec<Value>, String) {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let runs = String::from_utf8(output.stdout).unwrap();
    let runs = runs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code(), runs, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn the_scheduler_makes_up_a_missed_run_and_ends_when_systemd_stops_it() {
    let sandbox = sandbox("service", "metrics_file: metrics/bqsync.prom").await;
    ran_long_ago(&sandbox);
    let service = Service::listen(&sandbox);
    let child = start(&sandbox);
    let words = service.hear("READY=1").await;
    assert_eq!(words, ["READY=1"]);
    let words = service.hear("STATUS=1 run under way").await;
    assert!(words[0].starts_with("STATUS=next run 20"), "{words:?}");
    service.hear("STATUS=next run").await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 3);
    let metrics = sandbox.read("metrics/bqsync.prom");
    assert!(metrics.contains("\nbqsync_rows_total{mapping=\"t\"} 3\n"), "{metrics}");
    signal(&child, "-TERM");
    service.hear("STOPPING=1").await;
    let (code, runs, log) = ended(child).await;
    assert_eq!((code, runs.len()), (Some(0), 1), "nothing was cut short\n{log}");
    assert_eq!((&runs[0]["trigger"], &runs[0]["mappings"][0]["outcome"]), (&json!("schedule"), &json!("ok")));
    assert!(log.contains("a missed run is made up") && log.contains("next scheduled run"), "{log}");

    // It is made up once: the next start finds it done.
    let child = start(&sandbox);
    service.hear("READY=1").await;
    signal(&child, "-INT");
    let (code, runs, log) = ended(child).await;
    assert_eq!((code, runs.len()), (Some(0), 0), "{log}");
}

#[tokio::test]
async fn a_run_cut_short_by_a_signal_is_made_up_at_the_next_start() {
    let sandbox = sandbox("drain", "").await;
    ran_long_ago(&sandbox);
    let mut lock = sandbox.connection().await;
    sqlx::raw_sql("LOCK TABLES t WRITE").execute(&mut lock).await.unwrap();
    let service = Service::listen(&sandbox);
    let child = start(&sandbox);
    service.hear("STATUS=1 run under way").await;
    let waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'";
    let waiting = format!("{waiting} AND db = '{}'", sandbox.database);
    while sandbox.mysql_number(&waiting).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let asked = std::time::Instant::now();
    signal(&child, "-TERM");
    let (code, runs, log) = ended(child).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(code, Some(130), "{log}");
    assert_eq!(runs[0]["mappings"][0]["outcome"], "cancelled");

    sqlx::raw_sql("UNLOCK TABLES").execute(&mut lock).await.unwrap();
    let child = start(&sandbox);
    service.hear("READY=1").await;
    service.hear("STATUS=1 run under way").await;
    service.hear("STATUS=next run").await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, 3);
    signal(&child, "-TERM");
    assert_eq!(ended(child).await.0, Some(0));
}

#[tokio::test]
async fn an_unreachable_server_does_not_end_the_scheduler() {
    let sandbox = sandbox("away", "").await;
    ran_long_ago(&sandbox);
    let service = Service::listen(&sandbox);
    let mut command = sandbox.command(&["schedule", "--output", "json"]);
    // An account that the server does not know is refused at once, while a server that is away would be tried for a
    // while.
    command.env("NOTIFY_SOCKET", sandbox.path("notify.sock")).env("MYSQL_USER", "nobody").env("MYSQL_PASSWORD", "x");
    let child = command.spawn().unwrap();
    service.hear("STATUS=1 run under way").await;
    service.hear("STATUS=next run").await;
    signal(&child, "-TERM");
    let (code, runs, log) = ended(child).await;
    assert_eq!((code, &runs[0]["mappings"][0]["outcome"]), (Some(0), &json!("failed")), "{log}");
}

#[tokio::test]
async fn an_invalid_schedule_ends_at_once_with_the_documented_code() {
    let sandbox = sandbox("refused", "").await;
    let refused = |words: &'static [&'static str]| finish(sandbox.command(words));
    refused(&["--read-only", "schedule"]).await.expect_code(2);
    sandbox.configure("schedule: {cron: 0 2 * *}", MAPPING);
    let said = refused(&["schedule"]).await.expect_code(2).stderr;
    assert!(said.contains("config.yaml:3: `schedule.cron` cannot be `0 2 * *`"), "{said}");
    sandbox.configure("", MAPPING);
    let said = refused(&["schedule"]).await.expect_code(2).stderr;
    assert!(said.contains("no mapping has a schedule"), "{said}");
}

#[tokio::test]
async fn the_journal_gets_levels_without_times() {
    let sandbox = sandbox("journal", "").await;
    let file = std::fs::File::create(sandbox.path("journal")).unwrap();
    let place = file.metadata().unwrap();
    let mut command = sandbox.command(&["run-once"]);
    command.env("JOURNAL_STREAM", format!("{}:{}", place.dev(), place.ino())).stderr(file);
    finish(command).await.expect_code(0);
    let log = sandbox.read("journal");
    assert!(log.lines().count() > 3 && log.lines().all(|line| line.starts_with("<6>")), "{log}");
}
