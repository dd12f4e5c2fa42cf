//! The types of `--output json`, one for each command: state file and protocol may change without changing it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::report::{Outcome, Trigger};
use crate::domain::schema::{ColumnDiffView, SchemaDecision};
use crate::engine::{
    BackfillPreview, BackfillState, Comparison, Decided, Failure, Holder, Lag, LastRun, MappingStatus, PublishBytes,
    SlicePreview,
};

/// A mapping of `bqsync status`.
#[derive(Debug, Serialize)]
pub(super) struct Status<'a> {
    mapping: &'a str,
    source: &'a str,
    target: &'a str,
    mode: &'a str,
    watermark: Option<&'a str>,
    newest: Option<&'a str>,
    lag: Option<LagOf>,
    last_run: Option<LastRunOf<'a>>,
    problem: Option<&'a str>,
    pending: Option<&'a str>,
    held_by: Option<By<'a>>,
    backfill: Option<Backfill<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    new_table: bool,
    undecided: &'a [String],
    decisions: BTreeMap<&'a str, Decision<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum LagOf {
    Seconds(i64),
    Steps(i64),
}

#[derive(Debug, Serialize)]
struct LastRunOf<'a> {
    run_id: &'a str,
    trigger: Trigger,
    finished_at: DateTime<Utc>,
    outcome: Outcome,
    rows: u64,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_seconds: Option<u64>,
}

#[derive(Debug, Serialize)]
struct By<'a> {
    host: &'a str,
    pid: u32,
    run_id: &'a str,
    since: DateTime<Utc>,
}

/// A backfill that has not ended.
#[derive(Debug, Serialize)]
struct Backfill<'a> {
    start: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<&'a str>,
    from: &'a str,
    to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<&'a str>,
    slices: u64,
    rows: u64,
    began_at: DateTime<Utc>,
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Parts<'a>>,
}

#[derive(Debug, Serialize)]
struct Parts<'a> {
    shards: usize,
    ends: &'a [String],
}

#[derive(Debug, Serialize)]
struct Decision<'a> {
    accepted: bool,
    mysql: &'a str,
    by: &'a str,
    at: DateTime<Utc>,
}

impl<'a> From<&'a MappingStatus> for Status<'a> {
    fn from(status: &'a MappingStatus) -> Self {
        Self {
            mapping: &status.mapping.0,
            source: &status.source,
            target: &status.target,
            mode: &status.mode,
            watermark: status.watermark.as_deref(),
            newest: status.newest.as_deref(),
            lag: status.lag.map(|lag| match lag {
                Lag::Seconds(seconds) => LagOf::Seconds(seconds),
                Lag::Steps(steps) => LagOf::Steps(steps),
            }),
            last_run: status.last_run.as_ref().map(LastRunOf::from),
            problem: status.problem.as_deref(),
            pending: status.pending.as_ref().map(|job| job.0.as_str()),
            held_by: status.held_by.as_ref().map(By::from),
            backfill: status.backfill.as_ref().map(Backfill::from),
            new_table: status.new_table,
            undecided: &status.undecided,
            decisions: status.decisions.iter().map(|(column, said)| (column.as_str(), Decision::from(said))).collect(),
        }
    }
}

impl<'a> From<&'a LastRun> for LastRunOf<'a> {
    fn from(run: &'a LastRun) -> Self {
        Self {
            run_id: &run.run_id.0,
            trigger: run.trigger,
            finished_at: run.finished_at,
            outcome: run.outcome,
            rows: run.rows,
            duration_ms: run.duration_ms,
            error: run.error.as_deref(),
            hint: run.hint.as_deref(),
            lag_seconds: run.lag_seconds,
        }
    }
}

impl<'a> From<&'a Holder> for By<'a> {
    fn from(holder: &'a Holder) -> Self {
        Self { host: &holder.host, pid: holder.pid, run_id: &holder.run_id.0, since: holder.since }
    }
}

impl<'a> From<&'a BackfillState> for Backfill<'a> {
    fn from(state: &'a BackfillState) -> Self {
        Self {
            start: &state.start,
            end: state.end.as_deref(),
            from: &state.from,
            to: &state.to,
            done: state.done.as_deref(),
            slices: state.slices,
            rows: state.rows,
            began_at: state.began_at,
            by: &state.by,
            parts: state.parts.as_ref().map(|parts| Parts { shards: parts.shards, ends: &parts.ends }),
        }
    }
}

impl<'a> From<&'a SchemaDecision> for Decision<'a> {
    fn from(said: &'a SchemaDecision) -> Self {
        Self { accepted: said.accepted, mysql: &said.mysql, by: &said.by, at: said.at }
    }
}

/// The output of `bqsync backfill --dry-run`.
#[derive(Debug, Serialize)]
pub(super) struct Preview<'a> {
    ask: Asked<'a>,
    window: &'a str,
    notes: &'a [String],
    slices: Vec<Slice<'a>>,
    more_slices: bool,
    rows_estimate: Option<u64>,
    bytes_estimate: Option<u64>,
    rows_in_target: Option<u64>,
    publish: &'a str,
    publish_bytes: Option<Bytes>,
    unfinished: Option<Backfill<'a>>,
}

#[derive(Debug, Serialize)]
struct Asked<'a> {
    mapping: &'a str,
    start: &'a str,
    end: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Slice<'a> {
    window: &'a str,
    rows: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Bytes {
    of_table: u64,
    publishes: u64,
    in_all: u64,
}

impl<'a> From<&'a BackfillPreview> for Preview<'a> {
    fn from(preview: &'a BackfillPreview) -> Self {
        let ask = &preview.ask;
        let slice = |slice: &'a SlicePreview| Slice { window: &slice.window, rows: slice.rows };
        let bytes = |PublishBytes { of_table, publishes, in_all }| Bytes { of_table, publishes, in_all };
        Self {
            ask: Asked { mapping: &ask.mapping.0, start: &ask.start, end: ask.end.as_deref() },
            window: &preview.window,
            notes: &preview.notes,
            slices: preview.slices.iter().map(slice).collect(),
            more_slices: preview.more_slices,
            rows_estimate: preview.rows_estimate,
            bytes_estimate: preview.bytes_estimate,
            rows_in_target: preview.rows_in_target,
            publish: &preview.publish,
            publish_bytes: preview.publish_bytes.map(bytes),
            unfinished: preview.unfinished.as_ref().map(Backfill::from),
        }
    }
}

/// A mapping of `bqsync schema-diff`.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum SchemaDiff<'a> {
    SchemaCompared {
        mapping: &'a str,
        creates_table: bool,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        new_table: bool,
        columns: &'a [ColumnDiffView],
        statements: &'a [String],
        applied: bool,
        conflicts: usize,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        options: &'a [String],
    },
    CompareFailed {
        mapping: &'a str,
        error: &'a str,
        hint: &'a str,
    },
    SchemaDecided {
        mapping: &'a str,
        accepted: &'a [String],
        declined: &'a [String],
        statements: &'a [String],
        notes: &'a [String],
    },
    DecideFailed {
        mapping: &'a str,
        error: &'a str,
        hint: &'a str,
    },
}

impl<'a> SchemaDiff<'a> {
    pub(super) fn compared(mapping: &'a str, answer: &'a Result<Comparison, Failure>) -> Self {
        match answer {
            Ok(Comparison { creates_table, new_table, columns, statements, applied, conflicts, options, .. }) => {
                Self::SchemaCompared {
                    mapping,
                    creates_table: *creates_table,
                    new_table: *new_table,
                    columns,
                    statements,
                    applied: *applied,
                    conflicts: *conflicts,
                    options,
                }
            }
            Err(Failure { error, hint }) => Self::CompareFailed { mapping, error, hint },
        }
    }

    pub(super) fn decided(mapping: &'a str, answer: &'a Result<Decided, Failure>) -> Self {
        match answer {
            Ok(Decided { accepted, declined, statements, notes, .. }) => {
                Self::SchemaDecided { mapping, accepted, declined, statements, notes }
            }
            Err(Failure { error, hint }) => Self::DecideFailed { mapping, error, hint },
        }
    }
}

#[cfg(test)]
mod tests;
