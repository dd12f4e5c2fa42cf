//! `bqsync schedule` takes up a changed config.yaml or `.env` between two runs.

use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};

use crate::outlets::Hook;
use crate::schedule::{Service, ended, signal};
use crate::support::Sandbox;

const CHANGED: &str = "STATUS=a changed configuration will be used once";
const FOLLOWED: &str = "STATUS=the changed configuration is followed";
const BROKEN: &str = "STATUS=the changed configuration is invalid";

fn mapping(name: &str) -> String {
    format!("  - {{name: '{name}', mysql_table: '{name}', primary_keys: [id], incremental_column: id, mode: upsert}}")
}

/// The schedule is nightly; every mapping has missed a run, which is made up as soon as the schedule is followed.
async fn sandbox(name: &str, mappings: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    let last = json!({ "run_id": "r", "trigger": "schedule", "finished_at": "2020-01-01T02:00:05Z", "outcome": "ok",
                       "rows": 0, "duration_ms": 1 });
    let states: serde_json::Map<String, Value> =
        mappings.iter().map(|name| ((*name).to_owned(), json!({ "last_run": last }))).collect();
    sandbox.write("state/state.json", &json!({ "bqsync": { "version": 1, "mappings": states } }).to_string());
    for name in mappings {
        sandbox.sql(&format!("CREATE TABLE {name} (id INT PRIMARY KEY); INSERT INTO {name} VALUES (1), (2)")).await;
    }
    sandbox
}

fn configure(sandbox: &Sandbox, settings: &str, mapping: &str) {
    sandbox.configure(&format!("schedule: {{cron: 0 2 * * *}}\n{settings}"), mapping);
}

fn start(sandbox: &Sandbox) -> Child {
    let mut command = sandbox.command(&["schedule", "--output", "json"]);
    command.env("NOTIFY_SOCKET", sandbox.path("notify.sock")).spawn().unwrap()
}

async fn leave(child: Child) -> (Vec<String>, String) {
    signal(&child, "-TERM");
    let (code, runs, log) = ended(child).await;
    assert_eq!(code, Some(0), "{log}");
    let told = |run: &Value| {
        let mappings = run["mappings"].as_array().unwrap().iter();
        let words: Vec<_> = mappings.map(|m| format!("{} {}", m["mapping_name"], m["outcome"])).collect();
        words.join(", ").replace('"', "")
    };
    (runs.iter().map(told).collect(), log)
}

#[tokio::test]
async fn a_running_sync_ends_under_the_old_files_and_the_next_uses_the_new() {
    let sandbox = sandbox("renewed", &["t", "u"]).await;
    sandbox.write(".env", "TABLE=t\n");
    configure(&sandbox, "", &mapping("${TABLE}"));
    let held = sandbox.hold("t").await;
    let service = Service::listen(&sandbox);
    let child = start(&sandbox);
    service.hear("STATUS=1 run under way").await;
    sandbox.write(".env", "TABLE=u\n");
    service.hear(CHANGED).await;
    // The run waits for the table, and the new files wait for the run.
    drop(held);
    service.hear(FOLLOWED).await;
    service.hear("STATUS=1 run under way").await;
    service.hear("STATUS=next run").await;
    let (runs, log) = leave(child).await;
    assert_eq!(runs, ["t ok", "u ok"], "{log}");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.u`").await, 2);
}

#[tokio::test]
async fn unusable_files_are_reported_once_and_the_former_ones_stay_in_use() {
    let sandbox = sandbox("unrenewed", &["t", "u"]).await;
    let hook = Hook::answering(&[]).await;
    let notify = format!("notify: {{url: '{}'}}", hook.url);
    configure(&sandbox, &notify, &mapping("t"));
    let service = Service::listen(&sandbox);
    let child = start(&sandbox);
    service.hear("STATUS=1 run under way").await;
    service.hear("STATUS=next run").await;

    let sound = sandbox.read("config.yaml");
    sandbox.write("config.yaml", &sound.replace("0 2 * * *", "0 2 * *"));
    service.hear(BROKEN).await;
    // Another change restores the old files.
    sandbox.write("config.yaml", &sound);
    service.hear("STATUS=next run").await;
    sandbox.write("config.yaml", &sound.replace("mode: upsert", "mode: sideways"));
    service.hear(BROKEN).await;
    configure(&sandbox, &notify, &mapping("u"));
    service.hear(FOLLOWED).await;
    service.hear("STATUS=1 run under way").await;
    service.hear("STATUS=next run").await;
    let (runs, log) = leave(child).await;
    assert_eq!(runs, ["t ok", "u ok"], "{log}");
    assert!(log.contains("`schedule.cron` cannot be `0 2 * *`") && log.contains("sideways"), "{log}");
    assert_eq!(log.matches("the former one stays in use").count(), 2, "{log}");
    while hook.heard().len() < 4 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let heard = hook.heard();
    let events: Vec<_> = heard.iter().map(|word| word["event"].as_str().unwrap()).collect();
    let (broken, mended) = ("configuration_broken", "configuration_mended");
    assert_eq!(events, [broken, mended, broken, mended]);
    assert!(heard[0]["text"].as_str().unwrap().contains("config.yaml:3: `schedule.cron`"), "{heard:?}");
}

#[tokio::test]
async fn what_stays_up_takes_no_pipe_for_its_files() {
    let sandbox = sandbox("pipes", &["t"]).await;
    configure(&sandbox, "", &mapping("t"));
    let made = std::process::Command::new("mkfifo").arg(sandbox.path("pipe")).status().unwrap();
    assert!(made.success());
    let refused = sandbox.run(&["--no-tui", "schedule", "--config", "pipe"]).await.expect_code(2).stderr;
    assert!(refused.contains("pipe: not a regular file"), "{refused}");
    // A single run reads a pipe.
    let shell = "cat config.yaml > pipe & exec \"$0\" --no-tui run-once --config pipe";
    let once = sandbox.command(&[]);
    let program = once.get_program().to_owned();
    let mut piped = std::process::Command::new("sh");
    piped.args(["-c", shell]).arg(program).current_dir(sandbox.path("."));
    piped.envs(once.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", "/usr/bin:/bin");
    crate::support::finish(piped).await.expect_code(0);
}
