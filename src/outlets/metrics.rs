//! The standing of every mapping in a text file that Prometheus's node exporter collects.
//!
//! It is written from the state and not from the run: a run of one mapping leaves the others' figures in place, and
//! hosts that share a state show the same figures.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::domain::config::Mapping;
use crate::domain::fault::Fault;
use crate::domain::ids::MappingName;
use crate::domain::report::Outcome;
use crate::files;
use crate::state::{LastRun, MappingState};

/// The file of `metrics_file`.
#[derive(Debug, Clone)]
pub struct MetricsFile {
    path: PathBuf,
}

impl MetricsFile {
    /// Makes it without touching the file yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Replaces the file atomically: a collector finds the former figures or the new ones.
    ///
    /// # Errors
    /// `Config` or `Transient`, naming the file.
    pub async fn write(
        &self,
        mappings: &[Mapping],
        states: &BTreeMap<MappingName, MappingState>,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let (path, text) = (self.path.clone(), exposition(mappings, states, now));
        files::off_thread(move || files::replace(&path, text.as_bytes())).await
    }
}

/// One metric, with its value for a mapping; `None` if the value is unknown.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: fn(&Known<'_>) -> Option<f64>,
}

/// What is known of a mapping.
struct Known<'a> {
    mapping: &'a Mapping,
    state: &'a MappingState,
    now: DateTime<Utc>,
}

impl Known<'_> {
    /// The mapping's name, and its server's if `sources` gives it one.
    fn labels(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let source = self.mapping.source.server.as_ref().map(|server| ("source", server.0.as_str()));
        [("mapping", self.mapping.name.0.as_str())].into_iter().chain(source)
    }

    const fn last_run(&self) -> Option<&LastRun> {
        self.state.last_run.as_ref()
    }
}

const FAMILIES: [Family; 10] = [
    Family {
        name: "bqsync_last_success_timestamp_seconds",
        kind: "gauge",
        help: "When an incremental run of the mapping last ended well.",
        value: |known| known.state.totals.last_success.map(seconds),
    },
    Family {
        name: "bqsync_last_run_timestamp_seconds",
        kind: "gauge",
        help: "When the mapping's last run ended, however it did.",
        value: |known| known.last_run().map(|run| seconds(run.finished_at)),
    },
    Family {
        name: "bqsync_next_run_timestamp_seconds",
        kind: "gauge",
        help: "When the mapping is due next by its schedule; in the past, it was not run.",
        value: |known| known.mapping.schedule.as_ref()?.timetable.next_after(known.now).map(seconds),
    },
    Family {
        name: "bqsync_run_duration_seconds",
        kind: "gauge",
        help: "How long the mapping's last run took.",
        value: |known| known.last_run().map(|run| number(run.duration_ms) / 1000.0),
    },
    Family {
        name: "bqsync_run_rows",
        kind: "gauge",
        help: "Rows that the mapping's last run moved.",
        value: |known| known.last_run().map(|run| number(run.rows)),
    },
    Family {
        name: "bqsync_lag_seconds",
        kind: "gauge",
        help: "How far BigQuery was behind the newest row in MySQL when the last run ended; absent where unknown.",
        value: |known| known.last_run()?.lag_seconds.map(number),
    },
    Family {
        name: "bqsync_undecided_columns",
        kind: "gauge",
        help: "Columns that wait for a schema decision.",
        value: |known| Some(known.state.undecided.len()).and_then(|count| u32::try_from(count).ok()).map(f64::from),
    },
    Family {
        name: "bqsync_rows_total",
        kind: "counter",
        help: "Rows moved by all runs, backfills too.",
        value: |known| Some(number(known.state.totals.rows)),
    },
    Family {
        name: "bqsync_runs_total",
        kind: "counter",
        help: "Runs of the mapping, backfills too.",
        value: |known| Some(number(known.state.totals.runs)),
    },
    Family {
        name: "bqsync_run_failures_total",
        kind: "counter",
        help: "Runs of the mapping that failed.",
        value: |known| Some(number(known.state.totals.failures)),
    },
];

/// The outcomes, by the word in their label.
const OUTCOMES: [(&str, Outcome); 4] = [
    ("ok", Outcome::Ok),
    ("failed", Outcome::Failed),
    ("cancelled", Outcome::Cancelled),
    ("waiting", Outcome::Waiting),
];

/// Prometheus's text format, version 0.0.4. Source: Prometheus documentation, "Exposition formats".
fn exposition(mappings: &[Mapping], states: &BTreeMap<MappingName, MappingState>, now: DateTime<Utc>) -> String {
    let nothing = MappingState::default();
    let known: Vec<_> = mappings
        .iter()
        .map(|mapping| Known { mapping, state: states.get(&mapping.name).unwrap_or(&nothing), now })
        .collect();
    let mut text = String::new();
    head(&mut text, "bqsync_build_info", "gauge", "The program's version.");
    line(&mut text, "bqsync_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    head(&mut text, "bqsync_last_run_outcome", "gauge", "How the mapping's last run ended: 1 for that outcome.");
    for one in &known {
        let Some(run) = one.last_run() else { continue };
        for (word, outcome) in OUTCOMES {
            let labels: Vec<_> = one.labels().chain([("outcome", word)]).collect();
            line(&mut text, "bqsync_last_run_outcome", &labels, f64::from(u8::from(run.outcome == outcome)));
        }
    }
    for family in FAMILIES {
        head(&mut text, family.name, family.kind, family.help);
        for one in &known {
            if let Some(value) = (family.value)(one) {
                line(&mut text, family.name, &one.labels().collect::<Vec<_>>(), value);
            }
        }
    }
    text
}

// Writing to a string cannot fail.
fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
    let _ = writeln!(text, "{name}{{{}}} {value}", labels.join(","));
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
const fn number(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn seconds(moment: DateTime<Utc>) -> f64 {
    moment.timestamp_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests;
