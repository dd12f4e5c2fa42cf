//! The exact text that Prometheus reads.

use std::path::Path;

use super::*;
use crate::domain::config::parse;
use crate::domain::ids::RunId;
use crate::domain::report::Trigger;
use crate::state::Totals;

const ODD: &str = "od\"d\\one\n";

fn mappings() -> Vec<Mapping> {
    let text = r#"
project: p
dataset: d
schedule: {cron: 0 2 * * *}
mappings:
  - {name: users, mysql_table: users, incremental_column: id}
  - {name: "od\"d\\one\n", mysql_table: odd, incremental_column: id, schedule: never}"#;
    let mut mappings = parse(text, Path::new("config.yaml"), &|_| None).unwrap().mappings;
    // The label must keep what the reader would trim.
    mappings[1].name = MappingName(ODD.to_owned());
    mappings
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn users() -> MappingState {
    MappingState {
        last_run: Some(LastRun {
            run_id: RunId("r".to_owned()),
            trigger: Trigger::Schedule,
            finished_at: at("2026-11-23T02:00:12.500Z"),
            outcome: Outcome::Failed,
            rows: 7,
            duration_ms: 12_400,
            error: Some("secret".to_owned()),
            hint: None,
            lag_seconds: Some(42),
        }),
        undecided: vec!["new".to_owned()],
        totals: Totals { runs: 9, failures: 2, rows: 88_120_332, last_success: Some(at("2026-11-22T02:00:05Z")) },
        ..MappingState::default()
    }
}

fn text() -> String {
    let states = BTreeMap::from([(MappingName("users".to_owned()), users())]);
    exposition(&mappings(), &states, at("2026-11-23T02:00:13Z"))
}

#[test]
fn every_metric_of_a_mapping_has_its_line() {
    let text = text();
    for line in [
        "# TYPE bqsync_rows_total counter",
        "bqsync_rows_total{mapping=\"users\"} 88120332",
        "bqsync_runs_total{mapping=\"users\"} 9",
        "bqsync_run_failures_total{mapping=\"users\"} 2",
        "bqsync_last_success_timestamp_seconds{mapping=\"users\"} 1795312805",
        "bqsync_last_run_timestamp_seconds{mapping=\"users\"} 1795399212.5",
        "bqsync_next_run_timestamp_seconds{mapping=\"users\"} 1795485600",
        "bqsync_run_duration_seconds{mapping=\"users\"} 12.4",
        "bqsync_run_rows{mapping=\"users\"} 7",
        "bqsync_lag_seconds{mapping=\"users\"} 42",
        "bqsync_undecided_columns{mapping=\"users\"} 1",
        "bqsync_last_run_outcome{mapping=\"users\",outcome=\"failed\"} 1",
        "bqsync_last_run_outcome{mapping=\"users\",outcome=\"ok\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("secret"));
}

#[test]
fn a_named_server_becomes_a_label() {
    let text = "{project: p, dataset: d, sources: {eu: {env: EU_}}, mappings: [\
        {name: users, source: eu, mysql_table: users, mode: replace}]}";
    let mappings = parse(text, Path::new("config.yaml"), &|_| Some("x".to_owned())).unwrap().mappings;
    let states = BTreeMap::from([(MappingName("users".to_owned()), users())]);
    let text = exposition(&mappings, &states, at("2026-11-23T02:00:13Z"));
    for line in [
        r#"bqsync_runs_total{mapping="users",source="eu"} 9"#,
        r#"bqsync_last_run_outcome{mapping="users",source="eu",outcome="failed"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn unknown_values_are_left_out_and_odd_names_are_escaped() {
    let text = text();
    let odd: Vec<_> = text.lines().filter(|line| line.contains(r#"mapping="od\"d\\one\n""#)).collect();
    let expected = ["bqsync_undecided_columns", "bqsync_rows_total", "bqsync_runs_total", "bqsync_run_failures_total"];
    assert_eq!(odd.len(), expected.len(), "{odd:#?}");
    for (line, name) in odd.iter().zip(expected) {
        assert!(line.starts_with(name) && line.ends_with(" 0"), "{line}");
    }
}

#[test]
fn the_text_follows_prometheuss_format() {
    let text = text();
    assert!(text.ends_with('\n'));
    let mut family = "";
    let mut seen = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap();
            assert!(!seen.contains(&family), "{family} comes twice");
            seen.push(family);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert_eq!(kind, if name.ends_with("_total") { "counter" } else { "gauge" });
        } else {
            let (name, rest) = line.split_once('{').unwrap();
            assert_eq!(name, family, "{line} stands with its family");
            let (_, value) = rest.rsplit_once("} ").unwrap();
            value.parse::<f64>().unwrap();
        }
    }
}
