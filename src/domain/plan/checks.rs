//! Checks what a mapping asks of its columns against the columns.

use chrono_tz::Tz;

use super::input::PlanInput;
use super::table::{ColumnPlan, CursorPlan};
use crate::domain::check::anew::making_anew;
use crate::domain::check::conversion::merges;
use crate::domain::column::{SourceColumn, SourceSchema, same_name};
use crate::domain::config::Mapping;
use crate::domain::cursor::CursorKind;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::finding::Topic;
use crate::domain::partitioning::PartitionUnit;
use crate::domain::quote;
use crate::domain::schema::SchemaDiff;
use crate::domain::source_type::SourceType;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::carriage;

/// The columns that a mapping names and its table lacks, each with the key that names it.
pub fn missing_columns<'a>(
    mapping: &'a Mapping,
    source: &'a SourceSchema,
) -> impl Iterator<Item = (Topic, Fault)> + 'a {
    let partition = mapping.partition_by.as_ref().and_then(|by| by.column.as_ref());
    let cursor = mapping.incremental_column.iter().map(|k| (Topic::Cursor, "incremental_column", k));
    let overrides = mapping.columns.keys().map(|k| (Topic::Columns, "columns", k));
    let of_columns = overrides
        .chain(mapping.exclude.iter().map(|k| (Topic::Columns, "exclude", k)))
        .chain(mapping.mask.keys().map(|k| (Topic::Mask, "mask", k)))
        .chain(mapping.rename.keys().map(|k| (Topic::Columns, "rename", k)));
    // An entry for many tables may name columns that only some of them have.
    let of_columns = of_columns.filter(|_| mapping.pattern.is_none());
    let named = cursor
        .chain(mapping.primary_keys.iter().map(|k| (Topic::Keys, "primary_keys", k)))
        .chain(of_columns)
        .chain(partition.into_iter().map(|k| (Topic::Columns, "partition_by", k)))
        .chain(mapping.cluster_by.iter().map(|k| (Topic::Columns, "cluster_by", k)));
    named.filter(|(.., name)| source.column(name).is_none()).map(|(topic, key, name)| {
        let known: Vec<_> = source.columns.iter().map(|c| c.name.as_str()).collect();
        let sentence = format!(
            "`{key}` of mapping `{}` names the column `{name}`, which {} does not have",
            mapping.name, mapping.source
        );
        let hint = format!("its columns are: {}", known.join(", "));
        (topic, Fault::new(FaultKind::Config, sentence).with_hint(hint))
    })
}

/// Checks that every column that the mapping names exists, and that no two get the same name in BigQuery.
pub(super) fn names(input: &PlanInput<'_>) -> Result<(), Fault> {
    let PlanInput { mapping, source, .. } = input;
    if let Some((_, fault)) = missing_columns(mapping, source).next() {
        return Err(fault);
    }
    let mut seen: Vec<(String, &str)> = Vec::new();
    for column in input.carried() {
        let target = mapping.target_column(&column.name);
        if let Some((_, other)) = seen.iter().find(|(name, _)| same_name(name, &target)) {
            return Err(Fault::new(
                FaultKind::Config,
                format!(
                    "Columns `{other}` and `{}` of {} would both be `{target}` in BigQuery",
                    column.name, mapping.source
                ),
            )
            .with_hint(format!(
                "leave one out: `exclude: [{}]` in mapping `{}`",
                quote::yaml_word(&column.name),
                mapping.name
            )));
        }
        seen.push((target, &column.name));
    }
    Ok(())
}

/// The cursor that cuts windows, after checking that it can order rows on both sides.
pub(super) fn cursor(input: &PlanInput<'_>, columns: &[ColumnPlan], position: usize) -> Result<CursorPlan, Fault> {
    let column = &columns[position];
    let kind = cursor_kind(input, &column.source)?;
    cursor_order(input.mapping, column)?;
    Ok(CursorPlan { position, kind, indexed: input.source.has_index_on(&column.source.name) })
}

/// The kind of the incremental column's values.
pub fn cursor_kind(input: &PlanInput<'_>, column: &SourceColumn) -> Result<CursorKind, Fault> {
    match column.source_type {
        SourceType::Int { .. } => Ok(CursorKind::Int),
        SourceType::DateTime { fsp } => Ok(CursorKind::DateTime { fsp, zone: input.timezone }),
        SourceType::Timestamp { fsp } => Ok(CursorKind::DateTime { fsp, zone: Tz::UTC }),
        SourceType::Date => Ok(CursorKind::Date),
        ref other => Err(Fault::new(
            FaultKind::Config,
            format!("`incremental_column` of mapping `{}` is `{}`, of type {other}", input.mapping.name, column.name),
        )
        .with_hint("choose a column of type TIMESTAMP, DATETIME, DATE or an integer that only grows")),
    }
}

/// Checks the cursor's order: an upsert compares the cursor in BigQuery, where the text `9` comes after `10`.
fn cursor_order(mapping: &Mapping, column: &ColumnPlan) -> Result<(), Fault> {
    let is_number = matches!(column.source.source_type, SourceType::Int { .. });
    if !is_number || !matches!(column.target_type, TargetType::String(_) | TargetType::Bool) {
        return Ok(());
    }
    Err(Fault::new(
        FaultKind::Config,
        format!(
            "`incremental_column` of mapping `{}` is `{}`, a number in MySQL but {} in BigQuery, which orders it otherwise",
            mapping.name, column.source.name, column.target_type
        ),
    )
    .with_hint("make the column INT64 or NUMERIC in BigQuery, or choose another incremental column"))
}

/// Checks that keys that differ in MySQL also differ in BigQuery.
pub(super) fn key(mapping: &Mapping, column: &ColumnPlan, diff: &SchemaDiff) -> Result<(), Fault> {
    let way = carriage(&column.source.source_type, &column.target_type);
    // A conflict has its own fault.
    if !way.is_some_and(|way| merges(&way)) || diff.conflicts().any(|c| same_name(&c.name, &column.target_name)) {
        return Ok(());
    }
    Err(Fault::new(
        FaultKind::Config,
        format!(
            "Column `{}`, a primary key of mapping `{}`, would be {}, where different {} values can become the same",
            column.source.name, mapping.name, column.target_type, column.source.source_type
        ),
    )
    .with_hint("take its override out of `columns`"))
}

/// Refuses keys that differ but that BigQuery's collation treats as one.
pub(super) fn key_collation(input: &PlanInput<'_>, column: &ColumnPlan) -> Result<(), Fault> {
    let PlanInput { mapping, target, .. } = input;
    let existing = target.and_then(|target| target.column(&column.target_name));
    if !existing.is_some_and(|existing| existing.ignores_case) || !column.source.tells_case() {
        return Ok(());
    }
    let (name, table) = (&column.target_name, &mapping.target);
    let anew = making_anew(mapping);
    let sentence = format!(
        "Column `{name}` of {table}, a primary key, has the collation und:ci: BigQuery treats `a` and `A` as equal \
         there, and {} does not",
        mapping.source
    );
    Err(Fault::new(FaultKind::Schema, sentence)
        .with_hint(format!("have the table created again, which gives it DEFAULT COLLATE '': {anew}")))
}

/// Checks that a new table can be partitioned on the column in the wanted way.
pub(super) fn partition(mapping: &Mapping, unit: PartitionUnit, column: &ColumnPlan) -> Result<(), Fault> {
    let (fits, hint) = match unit {
        PartitionUnit::Range(_) => {
            (column.target_type == TargetType::Int64, "ranges are of a column that becomes INT64")
        }
        PartitionUnit::Hour => (
            matches!(column.target_type, TargetType::DateTime | TargetType::Timestamp),
            "hours are of a column that becomes DATETIME or TIMESTAMP; a DATE has days, months and years",
        ),
        PartitionUnit::Day | PartitionUnit::Month | PartitionUnit::Year => (
            matches!(column.target_type, TargetType::Date | TargetType::DateTime | TargetType::Timestamp),
            "choose a column that becomes DATE, DATETIME or TIMESTAMP",
        ),
    };
    if fits {
        return Ok(());
    }
    Err(Fault::new(
        FaultKind::Config,
        format!(
            "`partition_by` of mapping `{}` (line {} of the configuration) is `{}`, which will be {} in BigQuery: it cannot be \
             partitioned by {}",
            mapping.name,
            mapping.line,
            column.source.name,
            column.target_type,
            unit.word()
        ),
    )
    .with_hint(hint))
}
