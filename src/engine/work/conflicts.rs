//! Schema differences that end a run before a row is read, because its publish would fail or give wrong rows.

use crate::domain::check::anew::forgetting;
use crate::domain::check::keys::keys_not_unique;
use crate::domain::column::{SourceSchema, TargetSchema, same_name};
use crate::domain::config::{Mapping, Mode, SchemaAdditions};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::finding::{Finding, Topic};
use crate::domain::plan::Planned;
use crate::domain::quote;
use crate::domain::schema::{ColumnDiff, Verdict};
use crate::domain::target_type::TargetType;
use crate::engine::work::scope::Task;

/// Refuses columns whose types cannot be converted, and columns that BigQuery requires but no column of the source
/// fills.
///
/// # Errors
/// `Schema`, naming the column.
pub(in crate::engine) fn refuse_conflicts(
    mapping: &Mapping,
    planned: &Planned,
    additions: SchemaAdditions,
) -> Result<(), Fault> {
    planned.diff.columns.iter().filter(|c| !c.is_declined()).try_for_each(|column| refuse(mapping, column, additions))
}

fn refuse(mapping: &Mapping, column: &ColumnDiff, additions: SchemaAdditions) -> Result<(), Fault> {
    let denied = additions == SchemaAdditions::Deny && column.accepted != Some(true);
    match &column.verdict {
        Verdict::Conflict(wanted) => Err(in_conflict(mapping, column, wanted)),
        Verdict::Widen(wanted) if denied => {
            let option = quote::shell_option("--mapping", &mapping.name.0);
            Err(differing(mapping, column, wanted).with_hint(format!(
                "BigQuery can widen the column: set `allow_schema_additions: true`, or run `bqsync schema-diff {option} --apply`"
            )))
        }
        Verdict::Relax if denied && column.source.is_none() => Err(unfilled(mapping, &column.name)),
        Verdict::Same | Verdict::New(_) | Verdict::Widen(_) | Verdict::Relax | Verdict::MissingInSource => Ok(()),
    }
}

/// The columns in conflict that nobody has decided on, each with what ends its conflict.
pub(in crate::engine) fn undecided_conflicts(mapping: &Mapping, planned: &Planned) -> Vec<Finding> {
    let open = planned.diff.conflicts().filter(|column| column.accepted.is_none());
    let finding = |column: &ColumnDiff| match &column.verdict {
        Verdict::Conflict(wanted) => {
            let fault = in_conflict(mapping, column, wanted);
            Some(Finding::warn(Topic::Target, fault.to_string()).remedy(fault.hint()))
        }
        _ => None,
    };
    open.filter_map(finding).collect()
}

/// The fault of a column in conflict, with the remedy that works for its pair of types.
fn in_conflict(mapping: &Mapping, column: &ColumnDiff, wanted: &TargetType) -> Fault {
    let fault = if column.source.is_some() {
        differing(mapping, column, wanted)
    } else {
        of_another_type(mapping, column, wanted)
    };
    fault.with_hint_if_any(column.remedy.as_deref())
}

fn differing(mapping: &Mapping, column: &ColumnDiff, wanted: &TargetType) -> Fault {
    let has = column.target.as_ref().map(ToString::to_string).unwrap_or_default();
    let source = column.source.as_deref().unwrap_or("-");
    Fault::new(
        FaultKind::Schema,
        format!(
            "Column `{}` is {source} in MySQL ({wanted} in BigQuery's terms), but {has} in {}",
            column.name, mapping.target
        ),
    )
}

/// Refuses a task that makes no sense for a table which every run reads as a whole, and an option that makes no sense
/// for other tables.
///
/// # Errors
/// `Config`, naming the command or option to use instead.
pub(in crate::engine) fn refuse_task(mapping: &Mapping, task: &Task) -> Result<(), Fault> {
    match task {
        Task::Backfill { .. } | Task::Part(_) => refuse_backfill(mapping),
        Task::Deletes { .. } if !mapping.mode.has_windows() => {
            let (name, mode) = (&mapping.name, mapping.mode.word());
            let sentence = format!("Mapping `{name}` has `mode: {mode}`, which needs no `deletes`");
            Err(Fault::new(FaultKind::Config, sentence)
                .with_hint("each of its runs removes the rows that MySQL no longer has"))
        }
        Task::Sync { allow_shrink: true, .. } if mapping.mode.has_windows() => {
            let (name, mode) = (&mapping.name, mapping.mode.word());
            let sentence = format!(
                "`--allow-shrink` is for replaced and mirrored tables, and mapping `{name}` has `mode: {mode}`"
            );
            Err(Fault::new(FaultKind::Config, sentence).with_hint("take it out; such a run makes no table smaller"))
        }
        Task::Sync { forget_watermark: true, .. } if !mapping.mode.has_windows() => {
            let (name, mode) = (&mapping.name, mapping.mode.word());
            let sentence = format!(
                "`--forget-watermark` is for appends and upserts, and mapping `{name}` has `mode: {mode}`, which has no watermark"
            );
            Err(Fault::new(FaultKind::Config, sentence)
                .with_hint("take it out; each run looks at the whole table, and creates one that was dropped"))
        }
        Task::Repair(_) if mapping.mode == Mode::Replace => {
            let sentence = format!(
                "Each run of `{}` replaces the whole table, so there is nothing to repair by key",
                mapping.name
            );
            let option = quote::shell_option("--mapping", &mapping.name.0);
            Err(Fault::new(FaultKind::Config, sentence)
                .with_hint(format!("`bqsync run-once {option}` brings the table as it is")))
        }
        Task::Deletes { .. } | Task::Sync { .. } | Task::Scheduled { .. } | Task::Repair(_) => Ok(()),
    }
}

/// Refuses a mirror whose keys do not tell rows apart: it would be left to chance which of several rows BigQuery holds.
/// A view does not show whether they do.
///
/// # Errors
/// `Config`, naming the keys that tell rows apart.
pub(in crate::engine) fn refuse_shared_keys(mapping: &Mapping, source: &SourceSchema) -> Result<(), Fault> {
    let Some(finding) = keys_not_unique(mapping, source).filter(|_| mapping.mode == Mode::Mirror) else {
        return Ok(());
    };
    let hint = finding.remedy.unwrap_or_else(|| "name the columns of a unique key without NULLs".to_owned());
    Err(Fault::new(FaultKind::Config, finding.sentence).with_hint(format!("{hint}; or take `mode: replace`")))
}

/// Refuses a backfill of a table that every run reads as a whole.
///
/// # Errors
/// The errors of [`refuse_task`].
pub(in crate::engine) fn refuse_backfill(mapping: &Mapping) -> Result<(), Fault> {
    if mapping.mode.has_windows() {
        return Ok(());
    }
    let (name, mode) = (&mapping.name, mapping.mode.word());
    let sentence = format!("Mapping `{name}` has `mode: {mode}`, which has no range that a backfill could move again");
    Err(Fault::new(FaultKind::Config, sentence).with_hint(format!(
        "`bqsync run-once {}` looks at the whole table again",
        quote::shell_option("--mapping", &mapping.name.0)
    )))
}

/// Refuses to continue from a watermark into a table that does not exist: the rows up to it would be missing.
///
/// # Errors
/// `Conflict`, with the possible next steps.
pub(in crate::engine) fn refuse_lost_target(
    mapping: &Mapping,
    watermark: Option<&str>,
    target: Option<&TargetSchema>,
) -> Result<(), Fault> {
    let (Some(mark), None) = (watermark, target) else { return Ok(()) };
    // A mode without windows does not continue from a watermark.
    if !mapping.mode.has_windows() {
        return Ok(());
    }
    let Mapping { name, target, .. } = mapping;
    let sentence =
        format!("The watermark of `{name}` says that rows up to {mark} are in {target}, which does not exist");
    Err(Fault::new(FaultKind::Conflict, sentence).with_hint(format!(
        "if the table is to be loaded anew: `{}`; else correct `project`, `dataset` or `bigquery_table`, or restore the \
         table",
        forgetting(name)
    )))
}

/// The fault for a column of ours that exists with another type.
fn of_another_type(mapping: &Mapping, column: &ColumnDiff, wanted: &TargetType) -> Fault {
    let (name, target) = (&column.name, &mapping.target);
    let is_loaded_at = mapping.loaded_at.as_ref().is_some_and(|loaded_at| same_name(loaded_at, name));
    let key = if is_loaded_at { "loaded_at" } else { "deleted_column" };
    let has = column.target.as_ref().map(ToString::to_string).unwrap_or_default();
    let sentence = format!(
        "Column `{name}` of {target}, the `{key}` of mapping `{}`, is {has} in BigQuery, and must be {wanted}",
        mapping.name
    );
    Fault::new(FaultKind::Schema, sentence)
}

/// The fault for a required column without a source column: BigQuery would refuse every row.
fn unfilled(mapping: &Mapping, column: &str) -> Fault {
    let target = &mapping.target;
    Fault::new(
        FaultKind::Schema,
        format!("Column `{column}` is REQUIRED in {target}, but nothing from {} fills it", mapping.source),
    )
    .with_hint(format!(
        "run `bqsync schema-diff {} --apply`, or in BigQuery: ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL",
        quote::shell_option("--mapping", &mapping.name.0),
        quote::bigquery_table(target),
        quote::bigquery_name(column)
    ))
}

/// Warns of columns that stay REQUIRED although the source may hold NULL: the first NULL will make a run fail.
pub(in crate::engine) fn still_required(
    mapping: &Mapping,
    planned: &Planned,
    additions: SchemaAdditions,
) -> Vec<Finding> {
    let denied = additions == SchemaAdditions::Deny;
    let relaxed = planned.diff.columns.iter().filter(|c| denied && c.verdict == Verdict::Relax && c.source.is_some());
    let warning = |column: &ColumnDiff| {
        let sentence = format!(
            "column `{}` may be NULL in {} but is REQUIRED in {}, and allow_schema_additions is false: BigQuery refuses \
             rows that hold NULL there",
            column.name, mapping.source, mapping.target
        );
        Finding::warn(Topic::Target, sentence).remedy(format!(
            "`bqsync schema-diff {} --apply` makes the column NULLABLE",
            quote::shell_option("--mapping", &mapping.name.0)
        ))
    };
    relaxed.map(warning).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::column::{SourceColumn, SourceSchema, TargetColumn, TargetSchema};
    use crate::domain::plan::{PlanInput, plan};
    use crate::domain::schema::Decisions;
    use crate::domain::source_type::SourceType;
    use crate::domain::target_type::TargetType;

    const ALL: [SchemaAdditions; 3] = [SchemaAdditions::Allow, SchemaAdditions::Deny, SchemaAdditions::Review];

    fn mapping() -> Mapping {
        let text = "project: p\ndataset: d\nmappings: [{name: users, mysql_table: users, incremental_column: id}]";
        let config = crate::domain::config::parse(text, Path::new("config.yaml"), &|_| None).expect("no problem");
        config.mappings[0].clone()
    }

    /// A target of `id` and `x`, with `x` REQUIRED, and a source whose `x` has the given type, if any.
    fn judged(x: Option<SourceType>, has: TargetType, additions: SchemaAdditions) -> (Result<(), Fault>, Vec<Finding>) {
        let id = SourceColumn::new("id", SourceType::Int { bits: 64, unsigned: false }, false);
        let x = x.map(|source_type| SourceColumn::new("x", source_type, true));
        let source = SourceSchema {
            columns: [id].into_iter().chain(x).collect(),
            unique_keys: Vec::new(),
            indexes: Vec::new(),
            is_view: false,
            is_transactional: true,
            hides_columns: false,
            rows_estimate: None,
            comment: None,
        };
        let columns = [("id", TargetType::Int64), ("x", has)];
        let columns = columns.map(|(name, target_type)| TargetColumn::new(name, target_type, true));
        let target = TargetSchema { columns: columns.to_vec(), rows: Some(0), ..TargetSchema::default() };
        let mapping = mapping();
        let input = PlanInput {
            mapping: &mapping,
            timezone: chrono_tz::UTC,
            additions,
            source: &source,
            target: Some(&target),
            decisions: &Decisions::new(),
        };
        let planned = plan(input).expect("a plan");
        (refuse_conflicts(&mapping, &planned, additions), still_required(&mapping, &planned, additions))
    }

    #[test]
    fn a_required_column_without_a_source_fails_a_run_that_may_not_relax_it() {
        for additions in ALL {
            let (refused, warnings) = judged(None, TargetType::Int64, additions);
            assert!(warnings.is_empty(), "{warnings:?}");
            assert_eq!(refused.is_err(), additions == SchemaAdditions::Deny);
            let Err(fault) = refused else { continue };
            assert_eq!(fault.kind(), FaultKind::Schema);
            assert_eq!(fault.to_string(), "Column `x` is REQUIRED in p.d.users, but nothing from users fills it");
            assert!(fault.hint().contains("schema-diff --mapping users --apply"), "{}", fault.hint());
            assert!(
                fault.hint().contains("ALTER TABLE `p.d.users` ALTER COLUMN `x` DROP NOT NULL"),
                "{}",
                fault.hint()
            );
        }
    }

    #[test]
    fn a_required_column_that_is_nullable_in_mysql_is_only_warned_about() {
        for additions in ALL {
            let text = SourceType::Text { chars: None };
            let (refused, warnings) = judged(Some(text), TargetType::String(None), additions);
            assert!(refused.is_ok());
            assert_eq!(warnings.len(), usize::from(additions == SchemaAdditions::Deny));
            assert!(
                warnings.iter().all(|w| w.sentence.contains("`x`") && w.sentence.contains("REQUIRED")),
                "{warnings:?}"
            );
        }
    }

    #[test]
    fn a_conflict_fails_every_run_and_a_widening_fails_a_run_that_may_not_widen() {
        for additions in ALL {
            let (refused, _) = judged(Some(SourceType::Text { chars: None }), TargetType::Int64, additions);
            let fault = refused.expect_err("a conflict");
            assert!(fault.to_string().contains("`x` is"), "{fault}");
            let decimal = SourceType::Decimal { precision: 10, scale: 2 };
            let (refused, _) = judged(Some(decimal), TargetType::Int64, additions);
            assert_eq!(refused.is_err(), additions == SchemaAdditions::Deny);
        }
    }
}
