//! Runs the real binary in the sandbox's working directory; of the caller's environment it gets only the servers.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::{Sandbox, setting};

/// The output of a run of the program.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    fn from_output(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The report of one mapping.
    pub fn mapping(&self, name: &str) -> Value {
        let report = self.json();
        let mappings = report["mappings"].as_array().unwrap();
        mappings.iter().find(|m| m["mapping_name"] == name).cloned().unwrap_or_else(|| panic!("no {name} in {report}"))
    }

    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

impl Sandbox {
    /// The program with its environment; more may be added before it runs.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bqsync"));
        command
            .args(arguments)
            .current_dir(self.dir())
            .env_clear()
            .env("HOME", self.dir())
            .env("MYSQL_HOST", setting("MYSQL_HOST"))
            .env("MYSQL_PORT", setting("MYSQL_PORT"))
            .env("MYSQL_USER", setting("MYSQL_USER"))
            .env("MYSQL_PASSWORD", std::env::var("MYSQL_PASSWORD").unwrap_or_default())
            .env("MYSQL_DATABASE", &self.database)
            .env("BIGQUERY_EMULATOR_HOST", &self.emulator)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end without blocking the runtime's other work.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments)).await
    }

    /// Runs the program until SIGKILL ends it at a named step; the test fails if it does not get there.
    pub async fn run_killed_at(&self, step: &str, arguments: &[&str]) {
        let mut command = self.command(arguments);
        command.env("BQSYNC_KILL_AT", step);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let ran = Ran::from_output(&output);
        assert_eq!(output.status.signal(), Some(9), "not killed at {step}: {ran:?}");
    }

    /// `run-once` of all mappings with JSON on stdout.
    pub async fn run_once(&self) -> Ran {
        self.run(&["--no-tui", "run-once", "--output", "json"]).await
    }

    /// `run-once` that must succeed.
    pub async fn sync(&self) -> Ran {
        self.run_once().await.expect_code(0)
    }
}

/// Waits for a command without blocking the runtime's other work.
pub async fn finish(mut command: Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    Ran::from_output(&output)
}
