//! One entry of `mappings`.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::content::{InvalidValues, Mapping, Mode, Operator};
use super::document::{INVALID_VALUES, check};
use super::read::{Reading, Section};
use super::yaml::Node;
use super::{cost, deletes, schedule, validate};
use crate::domain::column::same_name;
use crate::domain::ids::{MappingName, PART, SourceTable, TableId};
use crate::domain::lookback::Lookback;
use crate::domain::naming;
use crate::domain::schedule::Schedule;
use crate::domain::target_type::TargetType;

pub(super) const KEYS: [&str; 22] = [
    "name",
    "mysql_table",
    "mysql_database",
    "bigquery_table",
    "primary_keys",
    "incremental_column",
    "mode",
    "operator",
    "backfill_start",
    "lookback",
    "columns",
    "exclude",
    "partition_by",
    "cluster_by",
    "maximum_bytes_billed",
    "empty_string_as_null",
    "invalid_values",
    "schedule",
    "deletes",
    "deleted_column",
    "max_delete_fraction",
    // Read by nothing: named so that the message can say where it belongs.
    "allow_schema_additions",
];

/// Source: BigQuery reference, "Primary and foreign keys".
const MOST_KEYS: usize = 16;
/// Source: BigQuery documentation, "Table naming" (UTF-8 bytes).
const LONGEST_TABLE_NAME: usize = 1024;

/// What the top level says for every mapping.
pub(super) struct Defaults {
    pub project: String,
    pub dataset: String,
    pub empty_string_as_null: bool,
    pub invalid_values: InvalidValues,
    pub schedule: Option<Schedule>,
    /// `default_timezone`.
    pub timezone: Tz,
    pub maximum_bytes_billed: Option<u64>,
}

/// What could be read of an entry; names and targets are compared with the others' even if the rest is wrong.
#[derive(Default)]
pub(super) struct Found {
    pub mapping: Option<Mapping>,
    pub name: Option<(String, usize)>,
    pub target: Option<(String, usize)>,
}

pub(super) fn read(r: &mut Reading<'_>, node: &Node, position: usize, defaults: &Defaults) -> Found {
    let Some(section) = Section::open(r, node, &KEYS, "", label(r, node, position)) else { return Found::default() };
    if let Some(entry) = section.entry("allow_schema_additions") {
        let message = format!("{} stands in a mapping", section.name("allow_schema_additions"));
        r.problem(entry.line, message, "it is one setting for all: move it to the top level");
    }
    let name = section.required(r, "name", "give the mapping a name; the state file keeps its watermark under it");
    if let Some(name) = name.as_ref().filter(|name| name.text.contains(PART)) {
        let message = format!("{} holds `{PART}`", section.name("name"));
        r.problem(name.line, message, "choose another name: the state keeps parts of backfills under such names");
    }
    let source = source(r, &section);
    let target = target(r, &section, source.as_ref());
    let cursor =
        section.required(r, "incremental_column", "name the column that grows with every change, such as `updated_at`");
    let mode = section.choice(r, "mode", &[("append", Mode::Append), ("upsert", Mode::Upsert)]).unwrap_or(Mode::Append);
    let operator = operator(r, &section);
    let keys = primary_keys(r, &section, mode, operator);
    let backfill_start = section.optional(r, "backfill_start");
    if let Some(start) = &backfill_start {
        check(r, &section, "backfill_start", start, validate::cursor_value);
    }
    let lookback = lookback(r, &section, mode);
    let columns = overrides(r, &section, &keys);
    let partition_by = section.optional(r, "partition_by");
    let cluster_by = cost::cluster_by(r, &section);
    let needed = [("incremental_column", cursor.as_ref()), ("partition_by", partition_by.as_ref())];
    let needed = needed.into_iter().filter_map(|(key, value)| Some((key, value?.text.as_str())));
    let needed = keys
        .iter()
        .map(|name| ("primary_keys", name.as_str()))
        .chain(needed)
        .chain(cluster_by.iter().map(|name| ("cluster_by", name.as_str())));
    let exclude = exclude(r, &section, &needed.collect::<Vec<_>>());
    let maximum_bytes_billed = cost::maximum(r, &section).or(defaults.maximum_bytes_billed);
    let empty_string_as_null = section.flag(r, "empty_string_as_null").unwrap_or(defaults.empty_string_as_null);
    let invalid_values = section.choice(r, "invalid_values", &INVALID_VALUES).unwrap_or(defaults.invalid_values);
    let schedule = schedule::of_mapping(r, &section, defaults.schedule.as_ref(), defaults.timezone);
    let (deletes, most_deleted) = deletes::read(r, &section, &keys);
    let mut found =
        Found { mapping: None, name: name.as_ref().map(|v| (v.text.clone(), v.line)), target: target.clone() };
    if let (Some(name), Some(source), Some((table, _)), Some(cursor)) = (name, source, target, cursor) {
        found.mapping = Some(Mapping {
            name: MappingName(name.text),
            line: node.line,
            source,
            target: TableId { project: defaults.project.clone(), dataset: defaults.dataset.clone(), table },
            primary_keys: keys,
            incremental_column: cursor.text,
            mode,
            operator,
            backfill_start: backfill_start.map(|v| v.text),
            lookback,
            columns,
            exclude,
            partition_by: partition_by.map(|v| v.text),
            cluster_by,
            maximum_bytes_billed,
            empty_string_as_null,
            invalid_values,
            schedule,
            deletes,
            most_deleted,
        });
    }
    found
}

/// Rows that are read again replace what is there; an append would have to look for each of them. 0 takes the default's
/// place in either mode.
fn lookback(r: &mut Reading<'_>, section: &Section<'_>, mode: Mode) -> Option<Lookback> {
    let value = section.optional(r, "lookback")?;
    match value.text.parse::<Lookback>() {
        Ok(lookback) if mode == Mode::Append && !lookback.is_none() => {
            section.refuse(r, "lookback", &value, "with `mode: append` it may be 0 alone; take it out");
            None
        }
        Ok(lookback) => Some(lookback),
        Err(hint) => {
            section.refuse(r, "lookback", &value, hint);
            None
        }
    }
}

/// How messages name the mapping: by its name, else by its place.
fn label(r: &Reading<'_>, node: &Node, position: usize) -> String {
    let mut quiet = Reading { file: String::new(), env: r.env, problems: Vec::new() };
    let name = Section::open(&mut quiet, node, &KEYS, "", String::new()).and_then(|s| s.lenient(&mut quiet, "name"));
    name.map_or_else(|| format!(" of mapping {position}"), |name| format!(" of mapping `{}`", name.text))
}

/// A dot is part of the table's name, as MySQL allows: another database has its own key.
fn source(r: &mut Reading<'_>, section: &Section<'_>) -> Option<SourceTable> {
    let database = section.optional(r, "mysql_database").map(|v| v.text);
    let table = section.required(r, "mysql_table", "name the table or view in MySQL")?;
    let unquoted = |name: String| name.trim_matches('`').to_owned();
    Some(SourceTable { database: database.map(unquoted), table: unquoted(table.text) })
}

fn target(r: &mut Reading<'_>, section: &Section<'_>, source: Option<&SourceTable>) -> Option<(String, usize)> {
    let (name, line) = match section.optional(r, "bigquery_table") {
        Some(value) if value.text.contains('.') => {
            section.refuse(r, "bigquery_table", &value, "write the table alone; project and dataset stand at the top");
            return None;
        }
        Some(value) => (value.text, value.line),
        None => (source?.table.clone(), section.entry("mysql_table")?.line),
    };
    let table = naming::table_name(&name);
    if table.len() > LONGEST_TABLE_NAME {
        let message = format!("{} is longer than {LONGEST_TABLE_NAME} bytes", section.name("bigquery_table"));
        r.problem(line, message, "choose a shorter `bigquery_table`");
    }
    Some((table, line))
}

fn operator(r: &mut Reading<'_>, section: &Section<'_>) -> Operator {
    section
        .choice(r, "operator", &[(">", Operator::Greater), (">=", Operator::GreaterOrEqual)])
        .unwrap_or(Operator::Greater)
}

fn primary_keys(r: &mut Reading<'_>, section: &Section<'_>, mode: Mode, operator: Operator) -> Vec<String> {
    let values = section.list(r, "primary_keys");
    let line = section.entry("primary_keys").map(|e| e.line).or(section.line);
    for (i, value) in values.iter().enumerate() {
        if values[..i].iter().any(|other| same_name(&other.text, &value.text)) {
            r.problem(
                value.line,
                format!("{} names `{}` twice", section.name("primary_keys"), value.written),
                "name it once",
            );
        }
    }
    if values.len() > MOST_KEYS {
        let message =
            format!("{} has {} columns; BigQuery takes {MOST_KEYS}", section.name("primary_keys"), values.len());
        r.problem(line, message, "name the columns of the shortest unique index");
    }
    let hint = "name the columns that tell rows apart: `primary_keys: [id]`";
    // A list that was given but could not be read has had its problem already.
    if values.is_empty() && section.entry("primary_keys").is_none_or(|e| e.node.is_null() || is_empty_list(&e.node)) {
        if mode == Mode::Upsert {
            r.problem(line, format!("{} is missing, but `mode: upsert` needs it", section.name("primary_keys")), hint);
        } else if operator == Operator::GreaterOrEqual {
            let message = format!(
                "{} reads rows a second time, and without `primary_keys` they would be doubled",
                section.name("operator")
            );
            r.problem(section.entry("operator").map(|e| e.node.line), message, hint);
        }
    }
    values.into_iter().map(|v| v.text).collect()
}

fn is_empty_list(node: &Node) -> bool {
    matches!(&node.kind, super::yaml::Kind::Sequence(nodes) if nodes.is_empty())
}

fn overrides(r: &mut Reading<'_>, section: &Section<'_>, keys: &[String]) -> BTreeMap<String, TargetType> {
    let mut columns = BTreeMap::new();
    for (column, value) in section.table(r, "columns") {
        let name = format!("`columns.{column}`{}", section.name("").trim_start_matches('`'));
        match value.text.parse::<TargetType>() {
            Err(_) => r.problem(value.line, format!("{name} cannot be `{}`", value.written), type_hint(&value.text)),
            Ok(target) if !target.can_be_key() && keys.iter().any(|k| same_name(k, &column)) => r.problem(
                value.line,
                format!("{name} is {target}, which BigQuery does not take as a primary key"),
                "choose another type, or other `primary_keys`",
            ),
            Ok(target) => {
                columns.insert(column, target);
            }
        }
    }
    columns
}

fn type_hint(written: &str) -> String {
    match written.split_once('(') {
        Some((name, _)) if name.trim().parse::<TargetType>().is_ok() => {
            format!("write `{}` without parameters", name.trim())
        }
        _ => validate::nearest_type(written),
    }
}

/// `needed` are the columns that other keys name.
fn exclude(r: &mut Reading<'_>, section: &Section<'_>, needed: &[(&str, &str)]) -> Vec<String> {
    let values = section.list(r, "exclude");
    for value in &values {
        if let Some((role, _)) = needed.iter().find(|(_, name)| same_name(name, &value.text)) {
            let message = format!("{} names `{}`, which `{role}` needs", section.name("exclude"), value.written);
            r.problem(value.line, message, "take it out of `exclude`");
        }
    }
    values.into_iter().map(|v| v.text).collect()
}
