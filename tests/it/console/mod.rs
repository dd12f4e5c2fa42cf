//! The console as an operator sees it: the real binary in a real terminal; keys go in, the screen comes out.
//!
//! `src/tui` tests what each key does without a terminal; the tests here need a terminal, a process and real servers.

mod backfill;
mod contexts;
mod deletes;
mod leaving;
mod looks;
mod many;
mod opening;
mod panics;
mod review;
mod rows;
mod runs;
mod stalled;
mod tables;
mod verify;

use serde_json::Value;

use crate::support::Sandbox;
use crate::support::terminal::eventually;

/// The report of the first run, which is written after the screen has shown its end.
async fn first_report(sandbox: &Sandbox) -> Value {
    eventually("the run's report", || sandbox.path("etl/reports/report.json").exists()).await;
    sandbox.read_json("etl/reports/report.json")
}

/// A mapping for the table of the same name.
fn mapping(name: &str) -> String {
    format!(
        "  - {{name: {name}, mysql_table: {name}, bigquery_table: {name}, primary_keys: [id], incremental_column: id, mode: upsert}}\n"
    )
}
