//! Output on the terminal, whatever its origin, and what happens if the output is lost.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Ran, Sandbox, finish};

/// A row's key with a colour, a bell, a line that looks like ours, C1's CSI, a reordering.
const KEY: &str = "k\x1b[31m\x07\nt: ok\u{9b}2J\u{202e}x";

#[track_caller]
fn assert_nothing_is_obeyed(what: &str, text: &str) {
    let is_obeyed = |c: &char| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c);
    let obeyed: Vec<char> = text.chars().filter(is_obeyed).collect();
    assert!(obeyed.is_empty(), "{what}: {obeyed:?} in {text:?}");
}

#[tokio::test]
async fn keys_and_errors_are_escaped_wherever_they_are_shown() {
    let sandbox = Sandbox::new("escapes").await;
    sandbox.configure(
        "invalid_values: fail",
        "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: at, mode: upsert}",
    );
    let id = KEY.bytes().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    sandbox
        .sql(&format!(
            "CREATE TABLE t (id VARCHAR(60) PRIMARY KEY, at DATETIME NOT NULL, d DATE NULL, KEY (at)) CHARSET utf8mb4; \
             INSERT INTO t VALUES (CONVERT(x'{id}' USING utf8mb4), '2026-01-01', NULL)"
        ))
        .await;
    sandbox.sync().await;
    sandbox.bq_run("UPDATE `{d}.t` SET d = '2020-01-01' WHERE TRUE").await;

    let mut shown = Vec::new();
    for output in ["table", "json"] {
        let ran = sandbox.run(&["verify", "--output", output]).await.expect_code(1);
        assert!(ran.stdout.contains("\\u001b[31m\\u0007\\nt: ok\\u009b2J\\u202ex"), "{ran:?}");
        shown.push(ran);
    }
    // The error contains the table's name from the mapping, and the status contains the last run's error.
    sandbox.configure(
        "",
        "  - {name: t, mysql_table: \"no\\e[31m\\u009b\\u202etable\", bigquery_table: t, primary_keys: [id], \
         incremental_column: at, mode: upsert}",
    );
    for command in ["run-once", "check", "status", "schema-diff", "backfill", "deletes"] {
        let forms = [("table", "text"), ("json", "json")];
        // A check writes to BigQuery, which takes a while; one form is enough.
        for (output, log_format) in forms.into_iter().take(if command == "check" { 1 } else { 2 }) {
            let mut arguments = vec![command, "--output", output, "--log-format", log_format];
            arguments.extend(if command == "backfill" {
                &["--mapping", "t", "--start", "2026-01-01"][..]
            } else {
                &[]
            });
            arguments.extend(if command == "deletes" { &["--dry-run"][..] } else { &[] });
            shown.push(sandbox.run(&arguments).await);
        }
    }
    for Ran { stdout, stderr, .. } in &shown {
        assert_nothing_is_obeyed("stdout", stdout);
        assert_nothing_is_obeyed("stderr", stderr);
    }
    assert!(
        shown.iter().filter(|ran| ran.stdout.contains("no\\u001b[31m\\u009b\\u202etable")).count() > 5,
        "{shown:?}"
    );
    let files = Command::new("grep").args(["-rha", "--exclude=config.yaml", ""]).arg(sandbox.dir()).output().unwrap();
    assert_nothing_is_obeyed("files", &String::from_utf8_lossy(&files.stdout));
}

/// The disk is full; a pipe would never be.
fn to_full_disk(mut command: Command) -> Command {
    command.stdout(File::options().write(true).open("/dev/full").unwrap());
    command
}

#[tokio::test]
async fn a_result_that_cannot_be_written_is_not_a_success() {
    let sandbox = Sandbox::new("full").await;
    sandbox.configure(
        "",
        "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert, \
         deletes: hard}",
    );
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    let commands: [&[&str]; 12] = [
        &["run-once", "--output", "json"],
        &["status"],
        &["check"],
        &["verify", "--output", "json"],
        &["schema-diff"],
        &["deletes", "--dry-run"],
        &["backfill", "--mapping", "t", "--start", "0"],
        &["backfill", "--mapping", "t", "--start", "0", "--dry-run"],
        &["--help"],
        &["--version"],
        &["man"],
        &["completions", "bash"],
    ];
    for arguments in commands {
        let ran = finish(to_full_disk(sandbox.command(arguments))).await.expect_code(1);
        let told = ran.stderr.matches("could not be written to stdout: No space left on device").count();
        assert_eq!(told, 1, "{arguments:?}: {ran:?}");
    }
}

#[tokio::test]
async fn a_reader_that_went_away_is_not_an_error() {
    for arguments in [&["--help"][..], &["man"], &["completions", "bash"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bqsync"));
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

/// The severity, as Google Cloud reads it, of every line of JSON in a text.
#[track_caller]
fn severities(stderr: &str) -> Vec<String> {
    let line = |line: &str| -> Value { serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")) };
    let lines = stderr.lines().map(line);
    let severity = |line: Value| {
        assert!(line["message"].is_string() && line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        line["severity"].as_str().unwrap().to_owned()
    };
    lines.map(severity).collect()
}

#[tokio::test]
async fn json_logging_makes_every_line_on_stderr_json_with_a_severity() {
    let sandbox = Sandbox::new("severity").await;
    let json = ["--log-format", "json"];
    for wrong in
        [&["run-once"][..], &["run-twice"], &[], &["run-once", "--lookback", "x"], &["--read-only", "run-once"]]
    {
        let ran = sandbox.run(&[wrong, &json].concat()).await.expect_code(2);
        let found = severities(&ran.stderr);
        assert!(!found.is_empty() && found.iter().all(|severity| severity == "ERROR"), "{wrong:?}: {ran:?}");
    }
    sandbox.configure(
        "",
        "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert}\n\
         \x20 - {name: gone, mysql_table: gone, bigquery_table: gone, incremental_column: id}",
    );
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    let ran = sandbox.run(&[&["run-once", "--log-format=json"][..]].concat()).await.expect_code(1);
    let found = severities(&ran.stderr);
    assert!(found.contains(&"INFO".to_owned()) && found.contains(&"ERROR".to_owned()), "{ran:?}");
}

/// What is pasted acts on the file that the command line named; programs that read JSON get the commands as they are.
#[tokio::test]
async fn commands_in_messages_name_the_configuration_that_the_command_line_names() {
    let sandbox = Sandbox::new("named_config").await;
    let mapping =
        "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert}";
    sandbox.configure("", mapping);
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    sandbox.sync().await;
    std::fs::rename(sandbox.path("config.yaml"), sandbox.path("my shop.yaml")).unwrap();
    sandbox.sql("ALTER TABLE t ADD v INT NOT NULL DEFAULT 7; INSERT INTO t (id) VALUES (2)").await;
    let run = async |arguments: &[&str]| {
        sandbox.run(&[&["--no-tui", "--config", "my shop.yaml"][..], arguments].concat()).await
    };
    let whole = "`bqsync --config 'my shop.yaml' schema-diff --apply --mapping t`";
    let ran = run(&["run-once"]).await.expect_code(0);
    assert!(ran.stdout.contains(whole) && ran.stderr.contains(whole), "{ran:?}");
    assert!(run(&["check"]).await.expect_code(0).stdout.contains(whole));
    let diff = run(&["schema-diff"]).await.expect_code(3).stdout;
    assert!(diff.contains("`bqsync --config 'my shop.yaml' backfill --mapping t --start '0'`"), "{diff}");
    let json = run(&["run-once", "--output", "json"]).await.expect_code(0).json().to_string();
    assert!(json.contains("`bqsync schema-diff --apply --mapping t`"), "{json}");
    std::fs::rename(sandbox.path("my shop.yaml"), sandbox.path("config.yaml")).unwrap();
    let plain = sandbox.run(&["--no-tui", "run-once"]).await.expect_code(0).stdout;
    assert!(plain.contains("`bqsync schema-diff --apply --mapping t`"), "{plain}");
}
