//! Compares both schemas column by column: what moves, how, and what differs.

use super::input::PlanInput;
use super::table::ColumnPlan;
use super::{masked, ours};
use crate::domain::check::additions::Gap;
use crate::domain::check::conversion::Conflict;
use crate::domain::column::{SourceColumn, TargetColumn, same_name};
use crate::domain::config::{DELETED_COLUMN, Mapping, Mode, SchemaAdditions};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::finding::{Finding, Topic};
use crate::domain::mask::Mask;
use crate::domain::naming;
use crate::domain::quote;
use crate::domain::schema::{ColumnDiff, SchemaDiff, Verdict};
use crate::domain::source_type::SourceType;
use crate::domain::table_shard::TableShard;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::{Carriage, carriage, default_target, widens};

/// The result of comparing both schemas.
pub(super) struct Compared {
    /// The columns that move.
    pub columns: Vec<ColumnPlan>,
    pub diff: SchemaDiff,
    /// The column that says which table a row came from.
    pub shard: Option<TableShard>,
    /// The column that marks deleted rows.
    pub deleted_column: Option<String>,
    /// The column that says when a row was published.
    pub loaded_at: Option<String>,
    /// Target columns that the source does not show, and may still have: the account may not read every column.
    pub withheld: Vec<String>,
}

/// Compares both schemas.
pub(super) fn compare(input: &PlanInput<'_>, warnings: &mut Vec<Finding>) -> Result<Compared, Fault> {
    let mut columns = Vec::new();
    let mut diff = SchemaDiff { creates_table: input.target.is_none(), columns: Vec::new() };
    for source in input.carried() {
        let name = input.mapping.target_column(&source.name);
        let mask = input.mapping.mask_of(&source.name);
        let Some(wanted) = wanted_type(input.mapping, source)? else {
            let sentence = format!(
                "column `{}` of type {} cannot be read by this version and is left out",
                source.name, source.source_type
            );
            warnings.push(Finding::warn(Topic::Columns, sentence).remedy("say so in `exclude`"));
            continue;
        };
        let existing = input.target.and_then(|t| t.column(&name));
        let (verdict, target_type) = judge(source, &wanted, existing, mask);
        // If adding columns is not allowed, a new column is left out until it is.
        let left_behind =
            matches!(verdict, Verdict::New(_)) && !diff.creates_table && input.additions == SchemaAdditions::Deny;
        let accepted = input.said(&name, &source.source_type.to_string(), &verdict);
        diff.columns.push(ColumnDiff {
            name: existing.map_or_else(|| name.clone(), |c| c.name.clone()),
            source: Some(source.source_type.to_string()),
            target: existing.map(|c| c.target_type.clone()),
            note: gap(input, source, &verdict),
            remedy: remedy(input, source, existing, &verdict),
            verdict,
            accepted,
            mask: mask.map(ToString::to_string),
        });
        if accepted == Some(false) {
            let sentence = format!("column `{}` is left out, because an operator has declined it", source.name);
            let (named, column) =
                (quote::shell_option("--mapping", &input.mapping.name.0), quote::shell_option("--column", &name));
            let remedy = format!("to move it after all: `bqsync schema-diff {named} --apply {column}`");
            warnings.push(Finding::warn(Topic::Target, sentence).remedy(remedy));
            continue;
        }
        if left_behind && accepted != Some(true) {
            let sentence = format!(
                "column `{}` ({} -> {target_type}) is not in {} and is left out, because allow_schema_additions is false",
                source.name, source.source_type, input.mapping.target.table
            );
            let named = quote::shell_option("--mapping", &input.mapping.name.0);
            let remedy = format!("`bqsync schema-diff --apply {named}` adds it");
            warnings.push(Finding::warn(Topic::Target, sentence).remedy(remedy));
            continue;
        }
        // A conflict has no way; the caller refuses the plan before it moves a row.
        let way = way(source, &target_type, mask).or_else(|| way(source, &wanted.target, mask));
        if let Some(Carriage { encoding, staged, cast, .. }) = way {
            let target_name = existing.map_or(name, |c| c.name.clone());
            let plain = naming::is_plain(&target_name);
            columns.push(ColumnPlan {
                source: source.clone(),
                staged_name: if plain { target_name.clone() } else { String::new() },
                target_name,
                target_type,
                encoding,
                staged,
                cast,
                mask: mask.cloned(),
            });
        }
    }
    name_staged(&mut columns);
    let shard = ours::shard(input, &mut diff)?;
    let deleted_column = ours::mark(input, &mut diff)?;
    let loaded_at = ours::loaded_at(input, &mut diff)?;
    let withheld = note_columns_only_in_target(input, &mut diff, warnings);
    Ok(Compared { columns, diff, shard, deleted_column, loaded_at, withheld })
}

/// How a value is converted to a type, with its mask if it has one.
fn way(source: &SourceColumn, target: &TargetType, mask: Option<&Mask>) -> Option<Carriage> {
    match mask.filter(|mask| mask.gives_text()) {
        Some(mask) => masked::carriage(&source.source_type, target, mask),
        None => carriage(&source.source_type, target),
    }
}

/// What remains to be done for a new column in a table that holds rows.
fn gap(input: &PlanInput<'_>, source: &SourceColumn, verdict: &Verdict) -> Option<String> {
    let holds_rows = input.target.is_some_and(|target| !target.is_empty());
    let gap = Gap::of(source.old_rows).filter(|_| holds_rows && matches!(verdict, Verdict::New(_)))?;
    let cursor = input.source.column(input.mapping.incremental_column.as_ref()?)?;
    Some(gap.note(input.mapping, &input.mapping.target_column(&source.name), &cursor.source_type))
}

/// What ends a conflict.
fn remedy(
    input: &PlanInput<'_>,
    source: &SourceColumn,
    existing: Option<&TargetColumn>,
    verdict: &Verdict,
) -> Option<String> {
    let (Verdict::Conflict(wanted), Some(existing), Some(target)) = (verdict, existing, input.target) else {
        return None;
    };
    let mapping = input.mapping;
    let cursor = mapping.incremental_column.as_ref().and_then(|cursor| input.source.column(cursor));
    let conflict = Conflict {
        mapping,
        source,
        target,
        name: &existing.name,
        has: &existing.target_type,
        wanted,
        mask: mapping.mask_of(&source.name),
        cursor: cursor.map(|cursor| &cursor.source_type),
    };
    Some(conflict.remedy())
}

/// Names the columns that not every interface takes by their position, avoiding the table's own names.
fn name_staged(columns: &mut [ColumnPlan]) {
    for position in 0..columns.len() {
        if columns[position].staged_name.is_empty() {
            let mut name = format!("c{position}");
            while columns.iter().any(|c| same_name(&c.staged_name, &name)) {
                name.push('_');
            }
            columns[position].staged_name = name;
        }
    }
}

/// The type that the mapping wants for a column, and whether the mapping names it itself.
struct Wanted {
    target: TargetType,
    explicit: bool,
}

fn wanted_type(mapping: &Mapping, source: &SourceColumn) -> Result<Option<Wanted>, Fault> {
    let is_unknown = matches!(source.source_type, SourceType::Unknown(_));
    if let Some(mask) = mapping.mask_of(&source.name).filter(|mask| mask.gives_text() && !is_unknown) {
        return masked::wanted(mapping, source, mask).map(|target| Some(Wanted { target, explicit: true }));
    }
    let asked = mapping.columns.iter().find(|(name, _)| same_name(name, &source.name)).map(|(_, t)| t.clone());
    let Some(target) = asked else {
        return Ok(default_target(&source.source_type).map(|target| Wanted { target, explicit: false }));
    };
    if carriage(&source.source_type, &target).is_none() {
        return Err(Fault::new(
            FaultKind::Config,
            format!(
                "Mapping `{}` asks for column `{}` as {target}, but a {} of MySQL cannot become that",
                mapping.name, source.name, source.source_type
            ),
        )
        .with_hint("docs/types.md lists the types each MySQL type can become"));
    }
    Ok(Some(Wanted { target, explicit: true }))
}

/// Compares one column; also gives the type that it will have in BigQuery.
fn judge(
    source: &SourceColumn,
    wanted: &Wanted,
    existing: Option<&TargetColumn>,
    mask: Option<&Mask>,
) -> (Verdict, TargetType) {
    let Some(existing) = existing else {
        return (Verdict::New(wanted.target.clone()), wanted.target.clone());
    };
    let has = &existing.target_type;
    // A table made by hand or by the original tool may hold the values in another type than we would choose.
    let way = way(source, has, mask);
    let same_family = has.name() == wanted.target.name();
    let fits = way.is_some_and(|w| same_family || (w.lossless && !wanted.explicit));
    if fits {
        let may_be_null = source.nullable || mask == Some(&Mask::Null);
        let verdict = if existing.required && may_be_null { Verdict::Relax } else { Verdict::Same };
        return (verdict, has.clone());
    }
    if widens(has, &wanted.target) {
        return (Verdict::Widen(wanted.target.clone()), wanted.target.clone());
    }
    (Verdict::Conflict(wanted.target.clone()), has.clone())
}

/// Notes the target's columns that the source does not show. Gives those that it may still have.
fn note_columns_only_in_target(
    input: &PlanInput<'_>,
    diff: &mut SchemaDiff,
    warnings: &mut Vec<Finding>,
) -> Vec<String> {
    let mut withheld = Vec::new();
    let Some(target) = input.target else { return withheld };
    for column in &target.columns {
        if diff.columns.iter().any(|c| same_name(&c.name, &column.name)) {
            continue;
        }
        let verdict = if column.required { Verdict::Relax } else { Verdict::MissingInSource };
        let mapping = input.mapping;
        let still_there =
            input.source.columns.iter().find(|c| same_name(&mapping.target_column(&c.name), &column.name));
        // A column that is excluded or cannot be read still exists, and is reported elsewhere. In a shard's table a
        // column that is gone looks like one that only another shard has.
        let is_anothers = still_there.is_none() && mapping.shard.is_some() && !input.source.hides_columns;
        match still_there {
            None if is_anothers => {}
            None => match gone(input, &column.name) {
                Some(warning) => warnings.push(warning),
                None => withheld.push(column.name.clone()),
            },
            Some(source) => warnings.extend(masked::kept_back(mapping, source)),
        }
        diff.columns.push(ColumnDiff {
            name: column.name.clone(),
            source: None,
            target: Some(column.target_type.clone()),
            verdict,
            remedy: None,
            note: is_anothers.then(|| format!("NULL in the rows of {}: other shards may have it", mapping.source)),
            accepted: None,
            mask: None,
        });
    }
    withheld
}

/// The warning about a target column that the source does not show. `None` if the column may only be withheld: the
/// catalogue hides what the account may not read, so such a column looks like one that is gone.
fn gone(input: &PlanInput<'_>, column: &str) -> Option<Finding> {
    let (source, target) = (&input.mapping.source, &input.mapping.target.table);
    if let Some((name, now)) = input.mapping.rename.iter().find(|(name, _)| same_name(name, column)) {
        let sentence = format!(
            "column `{name}` is called `{now}` in {target} now (`rename`); the one of the former name is left as it is"
        );
        return Some(Finding::warn(Topic::Target, sentence));
    }
    if same_name(column, DELETED_COLUMN) {
        let sentence = format!(
            "column `{column}` of {target} is left from `deletes: soft`: nothing marks or clears it now, and a row that is back keeps \
             its mark"
        );
        let drop = format!("ALTER TABLE {} DROP COLUMN `{column}`", quote::bigquery_table(&input.mapping.target));
        let remedy = format!("`deletes: soft` again; or, once no query uses it, {drop}");
        return Some(Finding::warn(Topic::Target, sentence).remedy(remedy));
    }
    if input.source.hides_columns {
        return None;
    }
    let left = match input.mapping.mode {
        Mode::Append | Mode::Upsert | Mode::Mirror => "it is left as it is",
        Mode::Replace => "it is NULL in every row that a replace brings",
    };
    let sentence = format!("column `{column}` is in BigQuery's {target} but no longer in MySQL's {source}; {left}");
    Some(Finding::warn(Topic::Target, sentence))
}
