//! Plans what one mapping's run moves, from both sides' schemas, before a row is read.

pub(super) mod checks;
mod cluster;
mod compare;
pub(super) mod input;
pub mod masked;
mod ours;
mod paging;
#[cfg(test)]
pub mod samples;
pub(super) mod table;

pub use self::input::PlanInput;
pub use self::table::{ColumnPlan, CursorPlan, Paging, Planned, TablePlan};

use self::compare::Compared;
use self::input::not_carried;
use super::check::{keys as keys_of, mapping as check, options, target as as_it_is};
use super::column::same_name;
use super::fault::Fault;
use super::partitioning::Partitioning;

/// Decides columns, types, keys and paging.
///
/// # Errors
/// `Config` for keys, cursors, overrides or exclusions that name no column or cannot work; `Schema` for types that
/// cannot be converted.
pub fn plan(input: PlanInput<'_>) -> Result<Planned, Fault> {
    checks::names(&input)?;
    let mut warnings = Vec::new();
    let Compared { columns, diff, shard, deleted_column, loaded_at, withheld } =
        compare::compare(&input, &mut warnings)?;
    let position = |name: &str| columns.iter().position(|c| same_name(&c.source.name, name));
    let mapping = input.mapping;
    let keys = mapping
        .primary_keys
        .iter()
        .map(|key| position(key).ok_or_else(|| not_carried(mapping, key, "primary_keys")))
        .collect::<Result<Vec<_>, _>>()?;
    let cursor = match &mapping.incremental_column {
        None => None,
        Some(name) => Some(position(name).ok_or_else(|| not_carried(mapping, name, "incremental_column"))?),
    };
    let partition = match mapping.partition_column() {
        None => None,
        Some(name) => Some(position(name).ok_or_else(|| not_carried(mapping, name, "partition_by"))?),
    };
    let cluster = cluster::columns(&input, &columns, &keys, cursor, &diff)?;
    let cursor = cursor.map(|position| checks::cursor(&input, &columns, position)).transpose()?;
    for &key in &keys {
        checks::key(mapping, &columns[key], &diff)?;
        checks::key_collation(&input, &columns[key])?;
    }
    // The partitioning of an existing table is not checked here.
    if let (Some(by), Some(column), true) =
        (&mapping.partition_by, partition.map(|p: usize| &columns[p]), diff.creates_table)
    {
        checks::partition(mapping, by.unit, column)?;
    }
    warnings.extend(input.target.into_iter().flat_map(|target| as_it_is::findings(mapping, target)));
    warnings.extend(keys_of::keys_not_unique(mapping, input.source));
    warnings.extend(keys_of::keys_held_equal(mapping, input.source));
    warnings.extend(keys_of::keys_change(mapping, input.source));
    warnings.extend(keys_of::key_declared(mapping, input.target));
    warnings.extend(check::content_ignores_case(mapping, input.target));
    warnings.extend(check::cursor_not_indexed(mapping, input.source));
    let partitioning = match input.target {
        Some(target) => target.partitioning.clone(),
        None => mapping.partition_by.as_ref().map(|by| Partitioning {
            column: partition.map(|position| columns[position].target_name.clone()),
            unit: by.unit,
            needs_filter: mapping.options.needs_filter.unwrap_or_default(),
            life: mapping.options.partition_life,
        }),
    };
    let kms_key = match input.target {
        Some(target) => target.kms_key.clone(),
        None => mapping.options.kms_key.clone(),
    };
    let keys_unique = input.source.tells_rows_apart_by(&mapping.primary_keys);
    let paging = paging::choose(&input, &columns, &keys);
    let table = TablePlan {
        columns,
        keys,
        keys_unique,
        mode: mapping.mode,
        cursor,
        timezone: input.timezone,
        empty_string_as_null: mapping.empty_string_as_null,
        invalid_values: mapping.invalid_values,
        paging,
        partitioning,
        options: mapping.options.clone(),
        kms_key,
        cluster,
        deleted_column,
        loaded_at,
        shard,
        comment: input.source.comment.clone(),
    };
    let options = input.target.map(|target| options::differences(mapping, target)).unwrap_or_default();
    Ok(Planned { table, diff, warnings, withheld, options })
}

#[cfg(test)]
mod tests;
