//! Compares the files under `deploy/` and the commands in `docs/deploy.md` with the program: its command line, its
//! variables, the rights that it needs in MySQL, and the report that the Airflow DAG reads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use bigquery_syncer::cli::args::Args;
use clap::Parser;
use serde_json::Value;

use crate::support::{Sandbox, finish};

/// The path at which every deployment installs the program.
const INSTALLED: &str = "/usr/local/bin/bqsync";

/// What ends a command in a line of shell or Markdown.
const ENDS: [&str; 7] = [" 2>", " >", " |", " &&", " #", ")", "`"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files of a folder, with their text.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The files of `deploy/` and their description.
fn deployment() -> Vec<(PathBuf, String)> {
    let mut found = files(&root().join("deploy"));
    let guide = root().join("docs/deploy.md");
    found.push((guide.clone(), std::fs::read_to_string(guide).unwrap()));
    found
}

/// The arguments of every call of the program in a text: installed, typed by a reader, or in a container of its image.
fn calls_in_text(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let typed = |line: &str| -> Option<String> {
        let rest = if let Some(rest) = line.strip_prefix("    bqsync ") {
            rest
        } else if let Some(container) = line.trim().strip_prefix("docker run ") {
            container.split_once(" bqsync ")?.1
        } else {
            let (before, rest) = line.split_once(&format!("{INSTALLED} "))?;
            // This excludes the same path below another one.
            Some(rest).filter(|_| !before.ends_with(char::is_alphanumeric))?
        };
        Some(rest.to_owned())
    };
    let spans = joined.split('`').skip(1).step_by(2).filter_map(|span| span.strip_prefix("bqsync ")).map(str::to_owned);
    let calls = joined.lines().filter_map(typed).chain(spans);
    calls.map(|call| words(&call)).collect()
}

fn words(call: &str) -> Vec<String> {
    let end = ENDS.iter().filter_map(|end| call.find(end)).min().unwrap_or(call.len());
    call[..end].split_whitespace().map(str::to_owned).collect()
}

/// All containers in a YAML file.
fn containers(text: &str) -> Vec<Value> {
    fn collect(value: &Value, found: &mut Vec<Value>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("containers").and_then(Value::as_array).into_iter().flatten().cloned());
                fields.values().for_each(|value| collect(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&serde_yaml::from_str(text).unwrap(), &mut found);
    found
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml")
}

#[test]
fn every_command_in_the_deploy_files_is_valid() {
    let mut with_calls = BTreeSet::new();
    for (path, text) in deployment() {
        let calls = if is_yaml(&path) {
            containers(&text).iter().map(|container| strings(&container["args"])).collect()
        } else {
            calls_in_text(&text)
        };
        for call in calls {
            let parsed = Args::try_parse_from(std::iter::once("bqsync").chain(call.iter().map(String::as_str)));
            assert!(parsed.is_ok_and(|args| args.command.is_some()), "{}: bqsync {}", path.display(), call.join(" "));
            with_calls.insert(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
        }
    }
    let expected = [
        "deploy/cloud-run/job.yaml",
        "deploy/cron/bqsync",
        "deploy/kubernetes/backfill-job.yaml",
        "deploy/kubernetes/cronjob.yaml",
        "deploy/systemd/bqsync-once.service",
        "deploy/systemd/bqsync.service",
        "docs/deploy.md",
    ];
    for path in expected {
        assert!(with_calls.contains(path), "no command was found in {path}");
    }
}

/// The names in the first columns of the tables in `docs/configuration.md`.
fn documented() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The variables that a file sets for the program.
fn variables(path: &Path, text: &str) -> Vec<String> {
    if is_yaml(path) {
        let all = containers(text);
        let set = all.iter().flat_map(|container| container["env"].as_array().into_iter().flatten());
        return set.map(|variable| variable["name"].as_str().unwrap().to_owned()).collect();
    }
    let set = text.lines().filter_map(|line| {
        let line = line.trim();
        line.strip_prefix("Environment=").or_else(|| line.strip_prefix("ENV "))?.split_once('=')
    });
    set.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_variable_in_the_deploy_files_is_read_by_the_program() {
    let documented = documented();
    let mut seen = 0;
    for (path, text) in deployment() {
        for name in variables(&path, &text) {
            assert!(documented.contains(&name), "{} sets {name}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 8, "only {seen} variables were found");
}

/// Otherwise a Service named `mysql` would set `MYSQL_PORT` to a value that is not a port.
#[test]
fn no_pod_gets_variables_of_services() {
    let batches = deployment().into_iter().filter(|(_, text)| text.contains("apiVersion: batch/v1"));
    let told: Vec<_> = batches.map(|(_, text)| text.matches("enableServiceLinks: false").count()).collect();
    assert_eq!(told, [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grants_suffice() {
    let sandbox = Sandbox::new("grants").await;
    let mapping = |name: &str, table: &str, more: &str| {
        format!(
            "  - {{name: {name}, mysql_table: {table}, primary_keys: [id], incremental_column: at, mode: upsert{more}}}\n"
        )
    };
    sandbox.configure("", &[mapping("users", "users", ", deletes: hard"), mapping("shown", "shown", "")].concat());
    sandbox
        .sql(
            "CREATE TABLE users (id INT PRIMARY KEY, at TIMESTAMP NOT NULL, KEY (at)); \
             INSERT INTO users VALUES (1, '2026-01-01'), (2, '2026-01-02'); \
             CREATE VIEW shown AS SELECT id, at FROM users",
        )
        .await;
    let account = format!("u{}", sandbox.database);
    let grants = std::fs::read_to_string(root().join("deploy/mysql/grants.sql")).unwrap();
    let grants =
        grants.replace("shop.*", &format!("{}.*", sandbox.database)).replace("'bqsync'", &format!("'{account}'"));
    sandbox.sql(&grants).await;
    let as_granted = async |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.env("MYSQL_USER", &account).env("MYSQL_PASSWORD", "change-me").env("MYSQL_SSL_MODE", "required");
        finish(command).await.expect_code(0)
    };

    let ran = as_granted(&["run-once", "--output", "json"]).await;
    for arguments in [&["check"][..], &["status"], &["schema-diff"], &["verify"], &["deletes", "--dry-run"]] {
        as_granted(arguments).await;
    }
    sandbox.sql(&format!("DROP USER '{account}'@'%'")).await;

    for name in ["users", "shown"] {
        let mapping = ran.mapping(name);
        assert_eq!(mapping["records_processed"], 2, "{mapping}");
        assert_eq!(mapping["held_back"], Value::Null, "open transactions were not seen");
        assert_eq!(
            mapping["warnings"].as_array().map(|w| w.iter().any(|w| w.to_string().contains("GRANT"))),
            Some(false)
        );
    }
}

/// The real DAG with the real program; Airflow itself is a stand-in that calls the tasks as they are mapped.
#[tokio::test(flavor = "multi_thread")]
async fn the_dag_runs_every_mapping_and_reads_its_report() {
    let sandbox = Sandbox::new("dag").await;
    let mapping = |name: &str, table: &str| {
        format!("  - {{name: {name}, mysql_table: {table}, bigquery_table: {name}, incremental_column: at}}\n")
    };
    sandbox.configure("", &[mapping("fine", "t"), mapping("gone", "not_there")].concat());
    sandbox.sql("CREATE TABLE t (at TIMESTAMP NOT NULL, KEY (at)); INSERT INTO t VALUES ('2026-01-01')").await;
    let program = sandbox.command(&[]);

    let mut python = Command::new(root().join(".dev/venv/bin/python"));
    python
        .arg(root().join("tests/it/deploy/run_dag.py"))
        .arg(root().join("deploy/airflow/bqsync_dag.py"))
        .args([program.get_program(), "config.yaml".as_ref(), ".".as_ref()])
        .current_dir(sandbox.dir())
        .env_clear()
        // No compiled files are left beside the DAG.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let outcomes = finish(python).await.expect_code(0).json();

    assert_eq!(outcomes["fine"]["records_processed"], 1, "{outcomes}");
    assert_eq!(outcomes["fine"]["watermark_after"], "2026-01-01 00:00:00", "{outcomes}");
    let gone = outcomes["gone"].as_str().unwrap();
    assert!(
        gone.starts_with("AirflowFailException: gone: exit code 1 (schema); next: if it was dropped or renamed"),
        "{gone}"
    );
    assert_eq!(outcomes.as_object().unwrap().len(), 2, "{outcomes}");
}
