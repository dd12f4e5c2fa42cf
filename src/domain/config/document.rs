//! From the text of config.yaml to a [`Config`], or to everything that is wrong with it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;

use super::content::{Config, InvalidValues, Mapping, Pace, SchemaAdditions, StateLocation};
use super::interpolate::Env;
use super::mapping::{self, Defaults};
use super::problem::Problem;
use super::read::{Reading, Section, Value};
use super::yaml::{self, Kind, Node};
use super::{cost, notify, schedule, validate};

pub(super) const KEYS: [&str; 25] = [
    "project",
    "dataset",
    "location",
    "allow_schema_additions",
    "state_store",
    "state_local_path",
    "state_gcs_bucket",
    "state_gcs_prefix",
    "state_gcs_lease",
    "temp_bucket",
    "default_timezone",
    "schedule",
    "mappings",
    "concurrency",
    "readers",
    "empty_string_as_null",
    "invalid_values",
    "report_dir",
    "window_rows",
    "fence_timeout",
    "settle",
    "deadline",
    "maximum_bytes_billed",
    "metrics_file",
    "notify",
];

const ADDITIONS: [(&str, SchemaAdditions); 7] = [
    ("true", SchemaAdditions::Allow),
    ("false", SchemaAdditions::Deny),
    ("review", SchemaAdditions::Review),
    ("yes", SchemaAdditions::Allow),
    ("no", SchemaAdditions::Deny),
    ("on", SchemaAdditions::Allow),
    ("off", SchemaAdditions::Deny),
];

pub(super) const INVALID_VALUES: [(&str, InvalidValues); 2] =
    [("null", InvalidValues::Null), ("fail", InvalidValues::Fail)];

/// A step of fewer rows would be all publishes; one of more would be no step.
const STEP_ROWS: std::ops::RangeInclusive<usize> = 1..=1_000_000_000;
/// How long a dead holder stands in the way, and how long a living one may be cut off.
const DEFAULT_LEASE: Duration = Duration::from_mins(1);
/// Signs of life come three times as often, and one object takes one write a second.
const LEASE_SECONDS: std::ops::RangeInclusive<u64> = 3..=3600;
/// More mappings at once only wait for MySQL and for BigQuery's job slots.
const MOST_CONCURRENT: usize = 64;
/// More connections for one table than any server thanks for.
const MOST_READERS: usize = 16;

/// Reads config.yaml. `file` is named in messages; paths in the file are left relative to the working directory.
///
/// # Errors
/// Every problem, in the order of the file.
pub fn parse(text: &str, file: &Path, env: Env<'_>) -> Result<Config, Vec<Problem>> {
    let mut r = Reading { file: file.display().to_string(), env, problems: Vec::new() };
    let mut flaws = Vec::new();
    let root = yaml::parse(text, &mut flaws);
    let unreadable = root.is_none() && !flaws.is_empty();
    for flaw in flaws {
        r.problem(flaw.line, flaw.message, flaw.hint);
    }
    let config = match root {
        _ if unreadable => None,
        Some(root) if !root.is_null() => read(&mut r, &root, file),
        _ => {
            r.problem(None, "the file is empty", "begin with the example `config.yaml` of the project");
            None
        }
    };
    let mut problems = r.problems;
    // A merged group is read wherever it was merged; its problem is one.
    problems.sort_by_key(|p| p.line);
    problems.dedup();
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems),
    }
}

fn read(r: &mut Reading<'_>, root: &Node, file: &Path) -> Option<Config> {
    let mut top = Section::open(r, root, &KEYS, "", String::new())?;
    // A key that is nowhere in the file has no line.
    top.line = None;
    let project = checked_required(r, &top, "project", "write your project's id: `project: ${GCP_PROJECT_ID}`");
    let dataset = checked_required(r, &top, "dataset", "write the dataset that the tables belong to");
    let location = top.optional(r, "location");
    if let Some(location) = &location {
        check(r, &top, "location", location, validate::location);
    }
    let schema_additions = top.choice(r, "allow_schema_additions", &ADDITIONS).unwrap_or(SchemaAdditions::Deny);
    let state = state(r, &top);
    let temp_bucket = top.lenient(r, "temp_bucket");
    if let Some(bucket) = &temp_bucket {
        check(r, &top, "temp_bucket", bucket, validate::bucket);
    }
    let default_timezone = timezone(r, &top, "default_timezone").unwrap_or(Tz::UTC);
    let schedule = schedule::of_all(r, &top, default_timezone);
    let concurrency = top.number(r, "concurrency", 1..=MOST_CONCURRENT).unwrap_or(4);
    let readers = top.number(r, "readers", 1..=MOST_READERS);
    let report_dir = top.path(r, "report_dir").unwrap_or_else(|| PathBuf::from("etl/reports"));
    let metrics_file = top.path(r, "metrics_file");
    let notify = notify::read(r, &top);
    let pace = pace(r, &top);
    let defaults = Defaults {
        project: project.as_ref().map(|v| v.text.clone()).unwrap_or_default(),
        dataset: dataset.as_ref().map(|v| v.text.clone()).unwrap_or_default(),
        empty_string_as_null: top.flag(r, "empty_string_as_null").unwrap_or(false),
        invalid_values: top.choice(r, "invalid_values", &INVALID_VALUES).unwrap_or(InvalidValues::Null),
        schedule,
        timezone: default_timezone,
        maximum_bytes_billed: cost::maximum(r, &top),
    };
    let mappings = mappings(r, &top, &defaults);
    Some(Config {
        path: file.to_path_buf(),
        project: project?.text,
        dataset: dataset?.text,
        location: location.map_or_else(|| "US".to_owned(), |v| v.text),
        schema_additions,
        state: state?,
        temp_bucket: temp_bucket.map(|v| v.text),
        default_timezone,
        concurrency,
        readers,
        report_dir,
        metrics_file,
        notify,
        pace,
        mappings,
    })
}

fn pace(r: &mut Reading<'_>, top: &Section<'_>) -> Pace {
    let default = Pace::default();
    let rows = top.number(r, "window_rows", STEP_ROWS).and_then(|rows| u64::try_from(rows).ok());
    Pace {
        window_rows: rows.unwrap_or(default.window_rows),
        fence_timeout: top.span(r, "fence_timeout").unwrap_or(default.fence_timeout),
        settle: top.span(r, "settle"),
        deadline: top.span(r, "deadline").unwrap_or(default.deadline),
    }
}

/// `project` and `dataset` have rules of their own beside being required.
fn checked_required(r: &mut Reading<'_>, top: &Section<'_>, key: &str, hint: &str) -> Option<Value> {
    let value = top.required(r, key, hint)?;
    let rule = if key == "project" { validate::project } else { validate::dataset };
    check(r, top, key, &value, rule);
    Some(value)
}

/// Writes down what `rule` says against a value.
pub(super) fn check(
    r: &mut Reading<'_>,
    section: &Section<'_>,
    key: &str,
    value: &Value,
    rule: fn(&str) -> Result<(), String>,
) {
    if let Err(hint) = rule(&value.text) {
        section.refuse(r, key, value, hint);
    }
}

pub(super) fn timezone(r: &mut Reading<'_>, section: &Section<'_>, key: &str) -> Option<Tz> {
    let value = section.optional(r, key)?;
    match validate::timezone(&value.text) {
        Ok(zone) => Some(zone),
        Err(hint) => {
            section.refuse(r, key, &value, hint);
            None
        }
    }
}

/// Only the chosen store's keys are needed: the other's variables may be unset.
fn state(r: &mut Reading<'_>, top: &Section<'_>) -> Option<StateLocation> {
    if !top.choice(r, "state_store", &[("local", false), ("gcs", true)]).unwrap_or(false) {
        let path = top.path(r, "state_local_path").unwrap_or_else(|| PathBuf::from("state/state.json"));
        return Some(StateLocation::Local(path));
    }
    let bucket = top.required(r, "state_gcs_bucket", "name the bucket, or set `state_store: local`")?;
    check(r, top, "state_gcs_bucket", &bucket, validate::bucket);
    let prefix = top.lenient(r, "state_gcs_prefix");
    if let Some(prefix) = &prefix {
        check(r, top, "state_gcs_prefix", prefix, validate::object_prefix);
    }
    let prefix = prefix.map(|v| v.text.trim_matches('/').to_owned()).unwrap_or_default();
    let lease = top.span(r, "state_gcs_lease").unwrap_or(DEFAULT_LEASE);
    if !LEASE_SECONDS.contains(&lease.as_secs()) {
        let line = top.entry("state_gcs_lease").map(|entry| entry.line);
        r.problem(
            line,
            "`state_gcs_lease` is too short or too long",
            "write a stretch from `3s` to `1h`; default: `60s`",
        );
    }
    Some(StateLocation::Gcs { bucket: bucket.text, prefix, lease })
}

fn mappings(r: &mut Reading<'_>, top: &Section<'_>, defaults: &Defaults) -> Vec<Mapping> {
    const EXAMPLE: &str = "list at least one: `mappings: [{name: users, mysql_table: users, incremental_column: id}]`";
    let Some(entry) = top.entry("mappings").filter(|e| !e.node.is_null()) else {
        r.problem(top.entry("mappings").map(|e| e.line), "`mappings` is missing", EXAMPLE);
        return Vec::new();
    };
    let Kind::Sequence(nodes) = &entry.node.kind else {
        r.problem(entry.line, format!("`mappings` is {}, not a list", entry.node.kind.noun()), EXAMPLE);
        return Vec::new();
    };
    if nodes.is_empty() {
        r.problem(entry.line, "`mappings` is empty", EXAMPLE);
    }
    let mut names = HashMap::new();
    let mut targets = HashMap::new();
    let mut mappings = Vec::new();
    for (position, node) in nodes.iter().enumerate() {
        let found = mapping::read(r, node, position + 1, defaults);
        if let Some((name, line)) = found.name
            && let Some(first) = names.insert(name.clone(), line)
        {
            let message = format!("two mappings are named `{name}`, on lines {first} and {line}");
            r.problem(line, message, "the name is the key of the watermark in the state: give each its own");
        }
        if let Some((table, line)) = found.target
            && let Some(first) = targets.insert(table.to_lowercase(), line)
        {
            let message = format!("two mappings write to the table `{table}`, on lines {first} and {line}");
            r.problem(line, message, "give each mapping a `bigquery_table` of its own");
        }
        mappings.extend(found.mapping);
    }
    mappings
}
