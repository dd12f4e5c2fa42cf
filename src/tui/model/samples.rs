//! A shop for tests: its configuration, and the answers of state and MySQL.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeZone, Utc};

use super::now::Now;
use crate::domain::config::{Config, parse};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{MappingReport, Outcome, RunReport, RunSummary, Trigger};
use crate::engine::{Asked, Lag, LastRun, MappingStatus};
use crate::tui::session::Facts;

pub fn utc(hour: u32, minute: u32, second: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, hour, minute, second).unwrap()
}

pub fn now() -> Now {
    Now { at: Instant::now(), utc: utc(8, 0, 40) }
}

pub fn config(names: &[&str]) -> Arc<Config> {
    config_with(names, "")
}

/// `more`: further keys for each mapping.
pub fn config_with(names: &[&str], more: &str) -> Arc<Config> {
    let mut text = "project: demo\ndataset: shop\nallow_schema_additions: review\nmappings:\n".to_owned();
    for name in names {
        let _ = writeln!(
            text,
            "  - {{name: {name}, mysql_table: {name}, bigquery_table: {name}, primary_keys: [id], incremental_column: \
             updated_at, mode: upsert{more}}}"
        );
    }
    Arc::new(parse(&text, Path::new("config.yaml"), &|_| None).unwrap())
}

pub fn facts(names: &[&str]) -> Facts {
    Facts {
        config: config(names),
        mysql: "db.example.com/shop".to_owned(),
        emulator: false,
        statements: Arc::default(),
    }
}

pub fn status(name: &str, outcome: Option<Outcome>) -> MappingStatus {
    MappingStatus {
        mapping: MappingName(name.to_owned()),
        source: name.to_owned(),
        target: format!("shop.{name}"),
        mode: "upsert".to_owned(),
        watermark: outcome.map(|_| "2026-11-23 07:59:58.123456".to_owned()),
        newest: None,
        lag: None,
        last_run: outcome.map(|outcome| LastRun {
            run_id: RunId("20261123T080000Z-00ff00".to_owned()),
            trigger: Trigger::Manual,
            finished_at: utc(8, 0, 12),
            outcome,
            rows: 18_204,
            duration_ms: 12_400,
            error: (outcome == Outcome::Failed)
                .then(|| "Reading columns of users was refused: access denied".to_owned()),
            hint: (outcome == Outcome::Failed).then(|| "GRANT SELECT ON `shop`.`users` TO 'sync'@'%';".to_owned()),
            lag_seconds: None,
        }),
        problem: None,
        asked: Asked::Answered,
        pending: None,
        held_by: None,
        backfill: None,
        new_table: false,
        undecided: Vec::new(),
        decisions: BTreeMap::new(),
    }
}

pub fn measured(status: MappingStatus, seconds: i64) -> MappingStatus {
    MappingStatus { newest: Some("2026-11-23 08:00:40".to_owned()), lag: Some(Lag::Seconds(seconds)), ..status }
}

pub fn report(name: &str, run: &str, outcome: Outcome) -> MappingReport {
    let mut report = MappingReport::begin(
        MappingName(name.to_owned()),
        crate::domain::config::Mode::Upsert,
        RunId(run.to_owned()),
        name.to_owned(),
        format!("demo.shop.{name}"),
        utc(8, 0, 0),
    );
    report.outcome = outcome;
    report.records_processed = 18_204;
    report.rows_inserted = 18_000;
    report.rows_updated = 204;
    report.watermark_after = Some("2026-11-23 08:00:30".to_owned());
    report.finish(utc(8, 0, 12), std::time::Duration::from_secs(12));
    report
}

/// Runs of a mapping that moved the given numbers of rows. The argument is oldest first; the result is newest first,
/// like the history.
pub fn past_runs(name: &str, rows: &[u64]) -> Vec<RunSummary> {
    past_runs_by(name, Trigger::Schedule, rows)
}

pub fn past_runs_by(name: &str, trigger: Trigger, rows: &[u64]) -> Vec<RunSummary> {
    let run = |(number, rows): (usize, &u64)| {
        let mut part = report(name, &format!("20261123T02{number:04}Z-00ff00"), Outcome::Ok);
        (part.records_processed, part.bytes_billed) = (*rows, Some(10_485_760 + rows * 200));
        part.duration_seconds = 2.0 + u32::try_from(*rows).map_or(0.0, f64::from) / 1_500.0;
        let by = "bqsync@cron-1".to_owned();
        let (started_at, finished_at) = (utc(2, u32::try_from(number).unwrap(), 0), utc(2, 59, 0));
        RunSummary::from(&RunReport {
            run_id: part.run_id.clone(),
            trigger,
            by,
            started_at,
            finished_at,
            mappings: vec![part],
        })
    };
    rows.iter().enumerate().map(run).rev().collect()
}
