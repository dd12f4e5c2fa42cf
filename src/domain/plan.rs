//! What one mapping's run will move, decided from both sides' schemas before a row is read.

mod checks;
mod cluster;
mod deletes;
mod paging;

use chrono_tz::Tz;

pub use self::checks::{cursor_kind, missing_columns};
pub use self::paging::{cursor_leads_an_index, tell_rows_apart};

use super::check::additions::Gap;
use super::check::{mapping as check, target as as_it_is};
use super::column::{SourceColumn, SourceSchema, TargetSchema, same_name};
use super::config::{InvalidValues, Mapping, Mode, SchemaAdditions};
use super::cursor::CursorKind;
use super::fault::{Fault, FaultKind};
use super::finding::{Finding, Topic};
use super::naming;
use super::partitioning::Partitioning;
use super::quote;
use super::schema::{ColumnDiff, Decisions, SchemaDiff, Verdict};
use super::target_type::TargetType;
use super::type_map::{Carriage, Cast, Encoding, StagedType, carriage, default_target, widens};

/// One column on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPlan {
    pub source: SourceColumn,
    /// Name in the target table.
    pub target_name: String,
    /// Type in the target table once the difference has been carried out.
    pub target_type: TargetType,
    /// Name in the staging table: the target's where every interface takes it, else `c` and the position.
    pub staged_name: String,
    pub encoding: Encoding,
    pub staged: StagedType,
    pub cast: Cast,
}

/// A table on its way.
#[derive(Debug, Clone)]
pub struct TablePlan {
    pub columns: Vec<ColumnPlan>,
    /// Positions in `columns` of the primary keys, in configured order.
    pub keys: Vec<usize>,
    /// The source vouches that no two rows share the keys.
    pub keys_unique: bool,
    /// Of an upsert the target holds the newest version of each key alone, of an append every version.
    pub mode: Mode,
    /// Position in `columns` of the incremental column.
    pub cursor: usize,
    pub cursor_kind: CursorKind,
    /// Zone that DATETIME values are read in.
    pub timezone: Tz,
    pub empty_string_as_null: bool,
    pub invalid_values: InvalidValues,
    pub paging: Paging,
    /// An index begins with the incremental column, so that a window can be cut without reading the table.
    pub cursor_indexed: bool,
    /// Position in `columns` of the column a new table is partitioned on.
    pub partition: Option<usize>,
    /// Of the table as it is, or as it is about to be made.
    pub partitioning: Option<Partitioning>,
    /// Positions in `columns` of those that a new table is clustered by.
    pub cluster: Vec<usize>,
    /// The target's column that marks rows which the source no longer has.
    pub deleted_column: Option<String>,
}

/// How the rows of a window are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// Short queries by `(cursor, key)`: an index carries that order and the keys tell rows apart.
    Keyset,
    /// One streamed pass: pages would scan the table each time, or could split rows that share cursor and key.
    Stream,
}

impl TablePlan {
    #[must_use]
    pub fn cursor_column(&self) -> &ColumnPlan {
        &self.columns[self.cursor]
    }

    /// The keys alone, of every row: in one pass, because no incremental column orders it.
    #[must_use]
    pub fn keys_only(&self) -> Self {
        let columns: Vec<_> = self.keys.iter().map(|&key| self.columns[key].clone()).collect();
        Self {
            keys: (0..columns.len()).collect(),
            columns,
            cursor: 0,
            paging: Paging::Stream,
            partition: None,
            partitioning: None,
            cluster: Vec::new(),
            deleted_column: None,
            ..self.clone()
        }
    }

    /// Are keys that differ in the source different in the target as well, each staged as it will be held?
    #[must_use]
    pub fn keys_stay_apart(&self) -> bool {
        self.keys.iter().map(|&key| &self.columns[key]).all(|c| c.cast == Cast::None && c.staged != StagedType::Float64)
    }

    /// Is every staged column the target's column, by name and type, so that a copy job can publish it?
    #[must_use]
    pub fn is_verbatim(&self) -> bool {
        self.columns.iter().all(|c| c.cast == Cast::None && c.staged_name == c.target_name)
    }
}

/// A plan, the difference that must be carried out first, and what the operator should know.
#[derive(Debug, Clone)]
pub struct Planned {
    pub table: TablePlan,
    pub diff: SchemaDiff,
    pub warnings: Vec<Finding>,
}

/// What both sides look like and what the mapping wants.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    pub mapping: &'a Mapping,
    pub timezone: Tz,
    pub additions: SchemaAdditions,
    pub source: &'a SourceSchema,
    /// `None`: the table does not exist yet.
    pub target: Option<&'a TargetSchema>,
    /// What operators have said of single columns.
    pub decisions: &'a Decisions,
}

/// Decides columns, types, keys and paging.
///
/// # Errors
/// `Config` for keys, cursors, overrides or exclusions that name no column or cannot work; `Schema` for types that
/// cannot be brought together.
pub fn plan(input: PlanInput<'_>) -> Result<Planned, Fault> {
    checks::names(&input)?;
    let mut warnings = Vec::new();
    let (columns, diff, deleted_column) = compare(&input, &mut warnings)?;
    let position = |name: &str| columns.iter().position(|c| same_name(&c.source.name, name));
    let mapping = input.mapping;
    let keys = mapping
        .primary_keys
        .iter()
        .map(|key| position(key).ok_or_else(|| not_carried(mapping, key, "primary_keys")))
        .collect::<Result<Vec<_>, _>>()?;
    let cursor = position(&mapping.incremental_column)
        .ok_or_else(|| not_carried(mapping, &mapping.incremental_column, "incremental_column"))?;
    let partition = match &mapping.partition_by {
        None => None,
        Some(name) => Some(position(name).ok_or_else(|| not_carried(mapping, name, "partition_by"))?),
    };
    let cluster = cluster::columns(&input, &columns, &keys, cursor, &diff)?;
    let cursor_kind = cursor_kind(&input, &columns[cursor].source)?;
    checks::cursor_order(mapping, &columns[cursor])?;
    for &key in &keys {
        checks::key(mapping, &columns[key], &diff)?;
        checks::key_collation(&input, &columns[key])?;
    }
    // The partitioning of a table that exists is not ours to judge.
    if let Some(column) = partition.map(|p: usize| &columns[p]).filter(|_| diff.creates_table) {
        checks::partition(mapping, column)?;
    }
    warnings.extend(input.target.into_iter().flat_map(|target| as_it_is::findings(&mapping.target, target)));
    warnings.extend(check::keys_not_unique(mapping, input.source));
    warnings.extend(check::keys_held_equal(mapping, input.source));
    warnings.extend(check::key_declared(mapping, input.target));
    warnings.extend(check::content_ignores_case(mapping, input.target));
    warnings.extend(check::cursor_not_indexed(mapping, input.source));
    let partitioning = match input.target {
        Some(target) => target.partitioning.clone(),
        None => partition.map(|position| Partitioning::by_day(columns[position].target_name.clone())),
    };
    let keys_unique = tell_rows_apart(input.source, &mapping.primary_keys);
    let paging = paging::choose(&input, &columns, &keys);
    let table = TablePlan {
        columns,
        keys,
        keys_unique,
        mode: mapping.mode,
        cursor,
        cursor_kind,
        timezone: input.timezone,
        empty_string_as_null: mapping.empty_string_as_null,
        invalid_values: mapping.invalid_values,
        paging,
        cursor_indexed: cursor_leads_an_index(input.source, &mapping.incremental_column),
        partition,
        partitioning,
        cluster,
        deleted_column,
    };
    Ok(Planned { table, diff, warnings })
}

fn carried<'a>(input: &PlanInput<'a>) -> impl Iterator<Item = &'a SourceColumn> {
    let exclude = &input.mapping.exclude;
    input.source.columns.iter().filter(move |c| !exclude.iter().any(|e| same_name(e, &c.name)))
}

fn not_carried(mapping: &Mapping, column: &str, key: &str) -> Fault {
    Fault::new(
        FaultKind::Config,
        format!("Column `{column}`, `{key}` of mapping `{}`, is not among the columns that are moved", mapping.name),
    )
    .with_hint("take it out of `exclude`, or let BigQuery have it: `bqsync schema-diff --apply`")
}

/// Walks both schemas; gives the columns that move, the difference, and the column that marks deleted rows.
fn compare(
    input: &PlanInput<'_>,
    warnings: &mut Vec<Finding>,
) -> Result<(Vec<ColumnPlan>, SchemaDiff, Option<String>), Fault> {
    let mut columns = Vec::new();
    let mut diff = SchemaDiff { creates_table: input.target.is_none(), columns: Vec::new() };
    for source in carried(input) {
        let name = naming::column_name(&source.name);
        let Some(wanted) = wanted_type(input.mapping, source)? else {
            let sentence = format!(
                "column `{}` of type {} cannot be read by this version and is left out",
                source.name, source.source_type
            );
            warnings.push(Finding::warn(Topic::Columns, sentence).remedy("say so in `exclude`"));
            continue;
        };
        let existing = input.target.and_then(|t| t.column(&name));
        let (verdict, target_type) = judge(source, &wanted, existing);
        // Without leave to add, a new column stays behind until there is.
        let left_behind =
            matches!(verdict, Verdict::New(_)) && !diff.creates_table && input.additions == SchemaAdditions::Deny;
        let accepted = if diff.creates_table {
            None
        } else {
            said(input.decisions, &name, &source.source_type.to_string(), &verdict)
        };
        diff.columns.push(ColumnDiff {
            name: existing.map_or_else(|| name.clone(), |c| c.name.clone()),
            source: Some(source.source_type.to_string()),
            target: existing.map(|c| c.target_type.clone()),
            note: gap(input, source, &verdict),
            verdict,
            accepted,
        });
        if accepted == Some(false) {
            let sentence = format!("column `{}` is left out, because an operator has declined it", source.name);
            warnings.push(Finding::warn(Topic::Target, sentence).remedy("`bqsync schema-diff` shows it"));
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
        let way = carriage(&source.source_type, &target_type).or_else(|| carriage(&source.source_type, &wanted.target));
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
            });
        }
    }
    name_staged(&mut columns);
    let deleted_column = deletes::mark(input, &mut diff)?;
    note_columns_only_in_target(input, &mut diff, warnings);
    Ok((columns, diff, deleted_column))
}

/// What a new column leaves to be done in a table that holds rows.
fn gap(input: &PlanInput<'_>, source: &SourceColumn, verdict: &Verdict) -> Option<String> {
    let holds_rows = input.target.is_some_and(|target| !target.is_empty());
    let gap = Gap::of(source.old_rows).filter(|_| holds_rows && matches!(verdict, Verdict::New(_)))?;
    let cursor = input.source.column(&input.mapping.incremental_column)?;
    Some(gap.note(input.mapping, &naming::column_name(&source.name), &cursor.source_type))
}

/// What has been said of a column that differs. Said of another type, it is not said of this one.
fn said(decisions: &Decisions, name: &str, source_type: &str, verdict: &Verdict) -> Option<bool> {
    let (_, decision) = decisions.iter().find(|(column, _)| same_name(column, name))?;
    let concerns = verdict.changes_target() || matches!(verdict, Verdict::Conflict(_));
    (concerns && decision.mysql == source_type).then_some(decision.accepted)
}

/// Names the columns that not every interface takes by their position, beside whatever the table calls its own.
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

/// The type the mapping wants for a column, and whether it said so itself.
struct Wanted {
    target: TargetType,
    explicit: bool,
}

fn wanted_type(mapping: &Mapping, source: &SourceColumn) -> Result<Option<Wanted>, Fault> {
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

/// Compares one column; also gives the type it will have in BigQuery.
fn judge(
    source: &SourceColumn,
    wanted: &Wanted,
    existing: Option<&super::column::TargetColumn>,
) -> (Verdict, TargetType) {
    let Some(existing) = existing else {
        return (Verdict::New(wanted.target.clone()), wanted.target.clone());
    };
    let has = &existing.target_type;
    // A table made by hand or by the original tool may hold the values in another type than we would choose.
    let way = carriage(&source.source_type, has);
    let same_family = has.name() == wanted.target.name();
    let fits = way.is_some_and(|w| same_family || (w.lossless && !wanted.explicit));
    if fits {
        let verdict = if existing.required && source.nullable { Verdict::Relax } else { Verdict::Same };
        return (verdict, has.clone());
    }
    if widens(has, &wanted.target) {
        return (Verdict::Widen(wanted.target.clone()), wanted.target.clone());
    }
    (Verdict::Conflict(wanted.target.clone()), has.clone())
}

fn note_columns_only_in_target(input: &PlanInput<'_>, diff: &mut SchemaDiff, warnings: &mut Vec<Finding>) {
    let Some(target) = input.target else { return };
    for column in &target.columns {
        if diff.columns.iter().any(|c| same_name(&c.name, &column.name)) {
            continue;
        }
        let verdict = if column.required { Verdict::Relax } else { Verdict::MissingInSource };
        let still_there = input.source.columns.iter().any(|c| same_name(&naming::column_name(&c.name), &column.name));
        // What is excluded or cannot be read is still there, and has been spoken of.
        if !still_there {
            warnings.push(checks::gone(input, &column.name));
        }
        diff.columns.push(ColumnDiff {
            name: column.name.clone(),
            source: None,
            target: Some(column.target_type.clone()),
            verdict,
            note: None,
            accepted: None,
        });
    }
}

#[cfg(test)]
mod tests;
