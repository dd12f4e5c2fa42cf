//! Rules about one mapping: what it asks of its table, compared with the table.
//!
//! If a run warns about the same thing, the plan uses the sentences from here.

use chrono::{NaiveDateTime, Offset, TimeDelta, TimeZone};

use super::additions::backfill;
use super::keys::{keys_become_one, keys_change, keys_held_equal, keys_not_unique};
use super::masks;
use super::server::{ServerFacts, grant_select};
use super::withheld::withheld;
use crate::domain::column::{Cascade, SourceSchema, TargetSchema, same_name};
use crate::domain::config::{Mapping, Mode};
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::epoch::EpochUnit;
use crate::domain::fault::Fault;
use crate::domain::finding::{Finding, Topic};
use crate::domain::plan::checks::{cursor_kind, missing_columns};
use crate::domain::plan::input::PlanInput;
use crate::domain::plan::table::Planned;
use crate::domain::quote;
use crate::domain::source_type::SourceType;

/// Rows of the current tick are always held back; rows further ahead than this are dated in the future.
const AHEAD: TimeDelta = TimeDelta::minutes(1);

/// What the incremental column's values show, if an index makes the question cheap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorFacts {
    pub has_nulls: bool,
    pub newest: Option<Cursor>,
    /// The server's clock as a value of the column; `None` for integers.
    pub tick: Option<Cursor>,
    /// The first value that is held back.
    pub limit: Option<Cursor>,
}

/// All that is known about a mapping whose table was found.
#[derive(Debug)]
pub struct MappingFacts<'a> {
    pub input: PlanInput<'a>,
    pub planned: &'a Result<Planned, Fault>,
    pub server: &'a ServerFacts,
    pub values: Option<CursorFacts>,
    pub cascades: &'a [Cascade],
    /// The present time in UTC.
    pub now: NaiveDateTime,
}

/// At least one finding for each topic of the source's side.
#[must_use]
pub fn findings(facts: &MappingFacts<'_>) -> Vec<Finding> {
    let PlanInput { mapping, source, .. } = facts.input;
    let mut found = match facts.planned {
        Ok(planned) => planned.warnings.clone(),
        Err(fault) => unplanned(mapping, source, fault),
    };
    found.extend(cursor(facts));
    found.extend(hidden(facts));
    let columns = facts.planned.as_ref().map(|planned| planned.withheld.as_slice()).unwrap_or_default();
    found.extend(withheld(mapping, columns, Some(facts.server)));
    found.extend(facts.planned.as_ref().ok().and_then(|planned| kept_there(mapping, planned)));
    found.extend(masks::findings(mapping, source));
    found.extend(keys_become_one(mapping, source));
    found.extend(facts.cascades.iter().filter_map(|cascade| silent(&facts.input, cascade)));
    for (topic, sentence) in sound(mapping, source) {
        if !found.iter().any(|finding| finding.topic == topic) {
            found.push(Finding::ok(topic, sentence));
        }
    }
    found.sort_by_key(|finding| finding.topic);
    found
}

/// Columns that the mapping leaves in MySQL and that BigQuery has nevertheless.
fn kept_there(mapping: &Mapping, planned: &Planned) -> Option<Finding> {
    let there = |name: &&String| {
        let target = mapping.target_column(name);
        planned.diff.columns.iter().any(|column| column.target.is_some() && same_name(&column.name, &target))
    };
    let named: Vec<_> = mapping.exclude.iter().filter(there).map(|name| format!("`{name}`")).collect();
    (!named.is_empty()).then(|| {
        let (columns, target) = (named.join(", "), &mapping.target);
        let sentence =
            format!("{target} has {columns}, which `exclude` leaves in MySQL: their values are not compared");
        Finding::warn(Topic::Columns, sentence)
            .remedy("if their values should not be in BigQuery, drop these columns there")
    })
}

/// The findings without a plan: a plan ends at its first fault, but this names all missing columns, and what else can
/// be said.
fn unplanned(mapping: &Mapping, source: &SourceSchema, fault: &Fault) -> Vec<Finding> {
    let missing = missing_columns(mapping, source).map(|(topic, fault)| Finding::fail(topic, &fault));
    let mut found: Vec<_> = missing.collect();
    if found.is_empty() {
        found.push(Finding::fail(Topic::Columns, fault));
    }
    let told = |topic| found.iter().any(|finding: &Finding| finding.topic == topic);
    let keys = keys_not_unique(mapping, source).filter(|_| !told(Topic::Keys));
    let equal = keys_held_equal(mapping, source).filter(|_| !told(Topic::Keys));
    let change = keys_change(mapping, source).filter(|_| !told(Topic::Keys));
    let index = cursor_not_indexed(mapping, source).filter(|_| !told(Topic::Cursor));
    found.extend(keys.into_iter().chain(equal).chain(change).chain(index));
    found
}

/// The sentences for topics that have no problem.
fn sound(mapping: &Mapping, source: &SourceSchema) -> Vec<(Topic, String)> {
    let kind = if source.is_view { "view" } else { "table" };
    let keys = match mapping.primary_keys.as_slice() {
        [] if mapping.mode == Mode::Replace => {
            "none are needed: every run reads the whole table and replaces it".to_owned()
        }
        [] => "none, so an append tells rows by their content where some may be there already".to_owned(),
        keys if source.is_view => {
            format!("`{}` of a view, which cannot say whether they are unique", keys.join("`, `"))
        }
        [key] => format!("`{key}` tells rows apart"),
        keys => format!("`{}` tell rows apart", keys.join("`, `")),
    };
    let mut sound = vec![
        (Topic::Table, format!("the {kind} {} can be read", mapping.source)),
        (Topic::Columns, format!("the types of all its columns ({}) can be moved", source.columns.len())),
        (Topic::Keys, keys),
    ];
    if let Some(cursor) = &mapping.incremental_column {
        let index = if source.is_view {
            "a view has none of its own: see that its tables have one".to_owned()
        } else {
            format!("an index begins with `{cursor}`")
        };
        let cursor_type =
            source.column(cursor).map_or_else(|| "missing".to_owned(), |column| column.source_type.to_string());
        sound.push((Topic::Cursor, format!("`{cursor}` is {cursor_type} and never NULL")));
        sound.push((Topic::CursorIndex, index));
    }
    sound
}

/// Warns that rows without keys are recognised by their content, in which BigQuery may not see every difference.
#[must_use]
pub fn content_ignores_case(mapping: &Mapping, target: Option<&TargetSchema>) -> Option<Finding> {
    let column = target?.columns.iter().find(|column| column.ignores_case)?;
    if !mapping.primary_keys.is_empty() || mapping.mode == Mode::Replace {
        return None;
    }
    let (table, name) = (&mapping.target, &column.name);
    let sentence = format!(
        "column `{name}` of {table} has the collation und:ci, and the mapping tells rows by their content: where rows may \
         be there already, one that differs in case alone may be taken for there"
    );
    Some(
        Finding::warn(Topic::Target, sentence)
            .remedy("name `primary_keys`, or create the table with DEFAULT COLLATE ''"),
    )
}

/// Warns that no index begins with the incremental column. (A view's tables may have one.)
#[must_use]
pub fn cursor_not_indexed(mapping: &Mapping, source: &SourceSchema) -> Option<Finding> {
    let (cursor, table) = (mapping.incremental_column.as_ref()?, &mapping.source);
    if source.is_view || source.has_index_on(cursor) {
        return None;
    }
    let finding = Finding::warn(
        Topic::CursorIndex,
        format!("no index of {table} begins with `{cursor}`: every run reads the whole table"),
    );
    let create = format!(
        "CREATE INDEX {} ON {} ({})",
        quote::mysql_name(&index_name(cursor)),
        quote::mysql_table(table),
        quote::mysql_name(cursor)
    );
    Some(finding.remedy(format!("add one with {create}")))
}

/// A name for the index, at most 64 characters, like every name in MySQL.
fn index_name(column: &str) -> String {
    "idx_".chars().chain(column.chars()).take(64).collect()
}

/// Warns of rows that no window ever holds.
#[must_use]
pub fn null_rows(column: &str) -> Finding {
    Finding::warn(
        Topic::Cursor,
        format!("rows whose `{column}` is NULL exist; no window ever holds them, so they are not synced"),
    )
}

/// Tells if the column alone is a unique key.
#[must_use]
pub fn has_own_key(source: &SourceSchema, column: &str) -> bool {
    source.unique_keys.iter().any(|key| key.len() == 1 && same_name(&key[0], column))
}

/// Warns of rows that share a number and may come after it was read. `limit`: the first number that is held back, for
/// numbers that are times of day.
#[must_use]
pub fn shared_numbers(kind: CursorKind, column: &str, is_unique: bool, limit: Option<Cursor>) -> Option<Finding> {
    if kind != CursorKind::Int || is_unique || limit.is_some() {
        return None;
    }
    let sentence = format!(
        "`{column}` is a whole number that rows may share: a row that gets the greatest value after it was read is found \
         only while that value is among the latest, and a change that keeps the value never"
    );
    Some(Finding::warn(Topic::Cursor, sentence).remedy(
        "`operator: \">=\"` reads the greatest value again on every run; better is a column that grows with every change",
    ))
}

/// The server's clock as a value of the column; `None` for numbers that do not count time. `tick` and `limit` as in
/// [`CursorFacts`].
#[must_use]
pub fn clock(tick: Option<Cursor>, limit: Option<Cursor>) -> Option<Cursor> {
    tick.or_else(|| limit.filter(|limit| matches!(limit, Cursor::Int(_))))
}

/// Warns of rows that wait until the clock has passed them.
#[must_use]
pub fn ahead_of_clock(
    mapping: &Mapping,
    column: &str,
    newest: Option<Cursor>,
    clock: Option<Cursor>,
) -> Option<Finding> {
    let (newest, clock) = (newest?, clock?);
    let (is_ahead, shown) = match (newest, clock) {
        (Cursor::Moment(newest), Cursor::Moment(clock)) => {
            (newest.to_naive()? - clock.to_naive()? > AHEAD, "in that column's zone")
        }
        (Cursor::Int(newest), Cursor::Int(clock)) => {
            let ahead = i128::from(AHEAD.num_seconds()) * EpochUnit::of(clock).second();
            (newest > clock + ahead, "as such a number")
        }
        _ => return None,
    };
    if !is_ahead {
        return None;
    }
    let sentence = format!(
        "the newest `{column}` is {newest}, beyond the server's clock ({clock} {shown}): rows from {clock} on wait until the \
         clock has passed them"
    );
    Some(match clock {
        Cursor::Moment(_) => {
            let zone = mapping.source.zone_key();
            Finding::warn(Topic::Cursor, format!("{sentence}; is `{zone}` the zone they are written in?"))
        }
        Cursor::Int(_) => Finding::warn(Topic::Cursor, sentence).remedy(format!(
            "if `{column}` counts time, some client's clock or unit was wrong: correct the rows whose `{column}` is greater; \
             if it counts something else, choose another incremental column, or `mode: mirror`"
        )),
    })
}

/// Warns of columns that the catalogue hides: they are not moved, and their names are unknown.
fn hidden(facts: &MappingFacts<'_>) -> Option<Finding> {
    let PlanInput { mapping, source, .. } = facts.input;
    source.hides_columns.then(|| {
        let sentence = format!(
            "the account may not read every column of {}: those are not moved, and a key or a stamp may be among them",
            mapping.source
        );
        Finding::warn(Topic::Columns, sentence)
            .remedy(format!("if they should be: {}", grant_select(facts.server, &mapping.source)))
    })
}

/// Warns of a change that the incremental column does not show.
fn silent(input: &PlanInput<'_>, cascade: &Cascade) -> Option<Finding> {
    let PlanInput { mapping, source, .. } = input;
    let cursor = source.column(mapping.incremental_column.as_ref()?)?;
    // A number that grows with every new row never shows a change of a row, and nobody expects it to.
    if mapping.mode == Mode::Append && matches!(cursor.source_type, SourceType::Int { .. }) {
        return None;
    }
    let is_moved = |name: &&String| source.column(name).is_some() && !mapping.excludes(name);
    let columns: Vec<_> = cascade.columns.iter().filter(is_moved).map(|name| format!("`{name}`")).collect();
    if columns.is_empty() {
        return None;
    }
    let sentence = format!(
        "{} changes when `{}` does (foreign key, {}), and `{}` does not change with it: runs do not see that",
        columns.join(", "),
        cascade.parent,
        cascade.action,
        cursor.name
    );
    let finding = Finding::warn(Topic::Cursor, sentence);
    let find = format!("`bqsync verify {}` finds such rows", quote::shell_option("--mapping", &mapping.name.0));
    Some(match mapping.mode {
        Mode::Upsert => finding.remedy(format!("{find}, `{}` brings them", backfill(mapping, &cursor.source_type))),
        Mode::Append | Mode::Replace | Mode::Mirror => {
            finding.remedy(format!("{find}; a mapping with `mode: upsert` can bring them"))
        }
    })
}

fn cursor(facts: &MappingFacts<'_>) -> Vec<Finding> {
    let PlanInput { mapping, source, .. } = facts.input;
    let named = mapping.incremental_column.as_ref();
    let Some(column) = named.and_then(|name| source.column(name)) else { return Vec::new() };
    let name = &column.name;
    let values = facts.values;
    let nullable = match values {
        Some(values) if values.has_nulls => {
            Some(null_rows(name).remedy("give them a value, and declare the column NOT NULL"))
        }
        _ if column.nullable => Some(
            Finding::warn(Topic::Cursor, format!("`{name}` may be NULL, and rows where it is are never synced"))
                .remedy("declare the column NOT NULL"),
        ),
        _ => None,
    };
    let ahead =
        values.and_then(|values| ahead_of_clock(mapping, name, values.newest, clock(values.tick, values.limit)));
    let shared = values.and_then(|values| {
        let kind = facts.planned.as_ref().ok()?.table.cursor?.kind;
        shared_numbers(kind, name, has_own_key(source, name), values.limit)
    });
    nullable
        .into_iter()
        .chain(ahead)
        .chain(shared)
        .chain(coarse(name, &column.source_type))
        .chain(other_zone(facts))
        .collect()
}

/// Warns of a coarse tick: until it is over, more rows may get its value.
fn coarse(name: &str, source_type: &SourceType) -> Option<Finding> {
    let (tick, finer) = match source_type {
        SourceType::DateTime { fsp: 0 } => ("second", "DATETIME(6)"),
        SourceType::Timestamp { fsp: 0 } => ("second", "TIMESTAMP(6)"),
        SourceType::Date => ("day", "DATETIME(6)"),
        _ => return None,
    };
    let sentence = format!("`{name}` is {source_type}: rows of the running {tick} wait for the next run");
    Some(
        Finding::warn(Topic::Cursor, sentence)
            .remedy(format!("if they must not wait, make the column {finer}; else leave it, every row arrives")),
    )
}

/// Warns of writers in another zone: a DATETIME does not name its zone.
fn other_zone(facts: &MappingFacts<'_>) -> Option<Finding> {
    let PlanInput { mapping, source, timezone, .. } = facts.input;
    let column = source.column(mapping.incremental_column.as_ref()?)?;
    let Ok(CursorKind::DateTime { zone, .. }) = cursor_kind(&facts.input, column) else { return None };
    if !matches!(column.source_type, SourceType::DateTime { .. }) {
        return None;
    }
    let ours = zone.offset_from_utc_datetime(&facts.now).fix().local_minus_utc();
    let theirs = facts.server.zone.east.filter(|theirs| *theirs != ours)?;
    let key = mapping.source.zone_key();
    let sentence = format!(
        "`{}` is DATETIME and read as {timezone} (`{key}`), but MySQL's own zone, {}, is {} off: what MySQL \
         itself stamps (CURRENT_TIMESTAMP) would be wrong by that",
        column.name,
        facts.server.zone.name,
        hours(theirs - ours)
    );
    Some(
        Finding::warn(Topic::Cursor, sentence).remedy(format!("set `{key}` to the zone that the column is written in")),
    )
}

/// A time difference such as `5h30m`.
fn hours(seconds: i32) -> String {
    let minutes = seconds.abs() / 60;
    format!("{}h{:02}m", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests;
