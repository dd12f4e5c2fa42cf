//! The target's columns that no source column fills: one marks rows that the source no longer has (`deletes: soft`),
//! one says when a row was published (`loaded_at`), and one says which table a row came from (`shard_column`).

use super::input::PlanInput;
use crate::domain::check::conversion::of_ours;
use crate::domain::column::{TargetColumn, same_name};
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::quote;
use crate::domain::schema::{ColumnDiff, SchemaDiff, Verdict};
use crate::domain::table_shard::TableShard;
use crate::domain::target_type::TargetType;

/// The column that marks deleted rows, if there is one.
pub(super) fn mark(input: &PlanInput<'_>, diff: &mut SchemaDiff) -> Result<Option<String>, Fault> {
    input.mapping.deleted_column().map_or(Ok(None), |name| timestamp(input, diff, "deleted_column", name))
}

/// The column that says when a row was published, if there is one.
pub(super) fn loaded_at(input: &PlanInput<'_>, diff: &mut SchemaDiff) -> Result<Option<String>, Fault> {
    input.mapping.loaded_at.as_deref().map_or(Ok(None), |name| timestamp(input, diff, "loaded_at", name))
}

/// The column that says which table a row came from, if there is one. Without it no row of the target belongs to the
/// mapping.
pub(super) fn shard(input: &PlanInput<'_>, diff: &mut SchemaDiff) -> Result<Option<TableShard>, Fault> {
    let (mapping, Some(shard)) = (input.mapping, &input.mapping.shard) else { return Ok(None) };
    refuse_taken(input, diff, "shard_column", &shard.column)?;
    let existing = input.target.and_then(|target| target.column(&shard.column));
    let verdict = match existing {
        None => Verdict::New(TargetType::String(None)),
        Some(column) if matches!(column.target_type, TargetType::String(_)) => Verdict::Same,
        Some(column) => return Err(of_another_type(input, column)),
    };
    let accepted = input.said(&shard.column, "", &verdict);
    if let (None, Some(target)) = (existing, input.target) {
        let may_add = input.additions != SchemaAdditions::Deny || accepted == Some(true);
        if !target.is_empty() {
            return Err(of_no_shard(mapping, shard));
        }
        if !may_add || accepted == Some(false) {
            let sentence = format!(
                "{} has no column `{}`, the `shard_column` of mapping `{}`",
                mapping.target, shard.column, mapping.name
            );
            let named = quote::shell_option("--mapping", &mapping.name.0);
            return Err(Fault::new(FaultKind::Schema, sentence)
                .with_hint(format!("add it: `bqsync schema-diff {named} --apply`")));
        }
    }
    let column = listed(diff, existing, &shard.column, verdict, accepted, None);
    Ok(Some(TableShard { column, ..shard.clone() }))
}

/// The fault for rows without a shard, which would come a second time.
fn of_no_shard(mapping: &Mapping, shard: &TableShard) -> Fault {
    let (target, name) = (&mapping.target, &shard.column);
    let table = quote::bigquery_table(target);
    let column = quote::bigquery_name(name);
    Fault::new(FaultKind::Conflict, format!("{target} holds rows and has no column `{name}` that says which shard \
                                             they belong to")).with_hint(
        format!(
            "if they are of mapping `{}`, in BigQuery: ALTER TABLE {table} ADD COLUMN {column} STRING; UPDATE {table} SET {column} = \
             {} WHERE TRUE; else choose another `bigquery_table`",
            mapping.name,
            shard.literal()
        ),
    )
}

/// The fault of a shard column that exists in BigQuery with another type than STRING.
fn of_another_type(input: &PlanInput<'_>, column: &TargetColumn) -> Fault {
    let mapping = input.mapping;
    let (target, name) = (&mapping.target, &column.name);
    let sentence = format!(
        "Column `{name}` of {target}, the `shard_column` of mapping `{}`, is {} in BigQuery, and must be STRING",
        mapping.name, column.target_type
    );
    let hint = input.target.map(|target| of_ours(mapping, target, "shard_column", name));
    Fault::new(FaultKind::Schema, sentence).with_hint_if_any(hint)
}

/// Refuses the name if a column of the source has it, or gets it by `rename`.
fn refuse_taken(input: &PlanInput<'_>, diff: &SchemaDiff, key: &str, name: &str) -> Result<(), Fault> {
    let Some(taken) = diff.columns.iter().find(|column| same_name(&column.name, name)) else { return Ok(()) };
    let (mapping, source) = (&input.mapping.name, &input.mapping.source);
    let renamed = input.mapping.rename.iter().find(|(_, other)| same_name(other, name)).map(|(column, _)| column);
    let (why, hint) = match renamed {
        Some(column) => (
            format!("but `rename` gives that name to column `{column}` of {source}"),
            format!("choose another name for `{key}`, or for `{column}`"),
        ),
        None => (
            format!("but {source} has a column `{}`", taken.name),
            format!("choose another name for `{key}`, or give the column another one: `rename`"),
        ),
    };
    let sentence = format!("`{key}` of mapping `{mapping}` is `{name}`, {why}");
    Err(Fault::new(FaultKind::Config, sentence).with_hint(hint))
}

/// Compares the column like any other; gives its name if the target has it, or will have it once the difference is
/// resolved.
fn timestamp(input: &PlanInput<'_>, diff: &mut SchemaDiff, key: &str, name: &str) -> Result<Option<String>, Fault> {
    refuse_taken(input, diff, key, name)?;
    let existing = input.target.and_then(|target| target.column(name));
    let verdict = match existing {
        None => Verdict::New(TargetType::Timestamp),
        Some(column) if column.target_type != TargetType::Timestamp => Verdict::Conflict(TargetType::Timestamp),
        Some(column) if column.required => Verdict::Relax,
        Some(_) => Verdict::Same,
    };
    let accepted = input.said(name, "", &verdict);
    let comes = diff.creates_table || input.additions != SchemaAdditions::Deny || accepted == Some(true);
    let is_there = match verdict {
        Verdict::New(_) => comes,
        Verdict::Conflict(_) => false,
        _ => true,
    };
    let remedy = match (&verdict, input.target) {
        (Verdict::Conflict(_), Some(target)) => Some(of_ours(input.mapping, target, key, name)),
        _ => None,
    };
    let name = listed(diff, existing, name, verdict, accepted, remedy);
    Ok((is_there && accepted != Some(false)).then_some(name))
}

/// Adds the column to the comparison; gives its name as the target writes it.
fn listed(
    diff: &mut SchemaDiff,
    existing: Option<&TargetColumn>,
    name: &str,
    verdict: Verdict,
    accepted: Option<bool>,
    remedy: Option<String>,
) -> String {
    let name = existing.map_or(name, |column| &column.name).to_owned();
    diff.columns.push(ColumnDiff {
        name: name.clone(),
        source: None,
        target: existing.map(|column| column.target_type.clone()),
        verdict,
        note: None,
        remedy,
        accepted,
        mask: None,
    });
    name
}
