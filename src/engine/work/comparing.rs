//! Which columns and rows of a mapping's two tables can be compared, and how expensive that may be.

use super::conflicts::{refuse_conflicts, refuse_lost_target};
use super::prepared::cursor_of;
use crate::domain::column::{SourceColumn, SourceSchema, TargetSchema, same_name};
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::Planned;
use crate::domain::quote;
use crate::domain::schema::{Decisions, SchemaDiff, Verdict};
use crate::domain::verify::{Comparison, Verification};
use crate::domain::window::{Low, WHOLE, Window};
use crate::engine::ports::{Described, Platform, Ports};
use crate::format;
use crate::state::{MappingState, StoredWatermark};

/// A comparison that can begin.
pub(in crate::engine) struct Ready {
    pub comparison: Comparison,
    /// The approximate number of rows.
    pub rows: u64,
    /// Why equal rows do not prove that the tables are equal.
    pub unread: Option<String>,
    /// Why rows may differ although nothing is wrong.
    pub age: Option<String>,
}

/// Makes a comparison of the columns that both sides have, as they are; `None` if nothing has been synced yet. The
/// verification notes what is not compared.
pub(in crate::engine) fn ready<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    state: &MappingState,
    described: &Described,
    verification: &mut Verification,
) -> Result<Option<Ready>, Fault> {
    // A table that every run looks at as a whole is compared as a whole.
    let mark = state.watermark.as_ref().filter(|_| mapping.mode.has_windows());
    refuse_lost_target(mapping, mark.map(|mark| mark.value.as_str()), described.target.as_ref())?;
    refuse_missing(mapping, state, described.target.as_ref())?;
    let Some(target) = described.target.as_ref().filter(|_| state.complete_to(mapping.mode).is_some()) else {
        return Ok(None);
    };
    let (comparison, diff) = comparison(ports, mapping, state, described, mark)?;
    verification.window = Some(comparison.window.map_or_else(|| WHOLE.to_owned(), |window| window.to_string()));
    verification.key_columns =
        comparison.plan.keys.iter().map(|&key| comparison.plan.columns[key].source.name.clone()).collect();
    verification.not_compared = comparison.left_out();
    verification.not_compared.extend(not_in_bigquery(&diff));
    let only_there = only_in_bigquery(mapping, &described.source, &diff);
    let withheld = if described.source.hides_columns { only_there.clone() } else { Vec::new() };
    verification.not_compared.extend(only_there);
    verification.notes.extend(mark.and_then(set_by_others));
    let age = mark.map_or_else(|| as_old_as(state), |_| None);
    verification.notes.extend(keyed(&comparison));
    let rows = described.source.rows_estimate.unwrap_or(0).max(target.rows.unwrap_or(0));
    Ok(Some(Ready { comparison, rows, unread: unread(mapping, &withheld), age }))
}

/// Refuses a missing target table that was brought over as a whole before; this is not the same as a table that was
/// never synced.
fn refuse_missing(mapping: &Mapping, state: &MappingState, target: Option<&TargetSchema>) -> Result<(), Fault> {
    let at = state.replaced.as_ref().filter(|_| !mapping.mode.has_windows() && target.is_none());
    let Some(at) = at else { return Ok(()) };
    let sentence = format!("{} does not exist, although the table was brought over at {at}", mapping.target);
    let option = quote::shell_option("--mapping", &mapping.name.0);
    Err(Fault::new(FaultKind::Conflict, sentence).with_hint(format!(
        "`bqsync run-once {option}` creates it again; or correct `project`, `dataset` or `bigquery_table`"
    )))
}

/// A comparison of all rows, whatever the watermark.
pub(in crate::engine) fn whole<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    state: &MappingState,
    described: &Described,
) -> Result<Comparison, Fault> {
    comparison(ports, mapping, state, described, None).map(|(whole, _)| whole)
}

/// Compares the columns that both sides have, as they are; a column that a run would add first is not there to be
/// compared.
fn comparison<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    state: &MappingState,
    described: &Described,
    watermark: Option<&StoredWatermark>,
) -> Result<(Comparison, SchemaDiff), Fault> {
    let declined: Decisions =
        state.decisions.iter().filter(|(_, d)| !d.accepted).map(|(name, d)| (name.clone(), d.clone())).collect();
    let planned = described.plan(ports, mapping, SchemaAdditions::Deny, &declined)?;
    refuse_conflicts(mapping, &planned, SchemaAdditions::Deny)?;
    let window = watermark.map(|mark| window(mapping, &planned, &mark.value)).transpose()?;
    Ok((Comparison::new(mapping, planned.table.into(), window), planned.diff))
}

fn window(mapping: &Mapping, planned: &Planned, watermark: &str) -> Result<Window, Fault> {
    let kind = cursor_of(&planned.table)?.kind;
    let first = mapping.backfill_start.as_deref().map(|text| Cursor::parse(text, kind)).transpose()?;
    Ok(Window { low: first.map_or(Low::Beginning, Low::From), high: Cursor::parse(watermark, kind)? })
}

fn set_by_others(mark: &StoredWatermark) -> Option<String> {
    mark.imported.then(|| {
        "the watermark was set by hand or by another tool: rows that share it may be missing until the next run"
            .to_owned()
    })
}

/// Says how old the rows are of a table that is brought over as a whole.
fn as_old_as(state: &MappingState) -> Option<String> {
    let replaced = state.replaced.as_ref()?;
    Some(format!(
        "the table was read at {replaced}: rows that have changed in MySQL since then differ until the next run"
    ))
}

/// What is compared of columns that are masked with a key, which no statement may hold.
fn keyed(comparison: &Comparison) -> Option<String> {
    let both = comparison.plan.columns.iter().zip(&comparison.forms);
    let keyed = both.filter(|(_, form)| form.is_some_and(|form| !form.tells_values_apart()));
    let names: Vec<_> = keyed.map(|(column, _)| format!("`{}`", column.source.name)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} masked with `hmac`, whose key is in no statement: verify only compares that each value has a mask and \
             that the mask has the right form",
            names.join(", ")
        )
    })
}

fn not_in_bigquery(diff: &SchemaDiff) -> impl Iterator<Item = String> {
    let new = diff.columns.iter().filter(|column| matches!(column.verdict, Verdict::New(_)) || column.is_declined());
    new.map(|column| column.name.clone())
}

/// The target's columns that the source lacks and the mapping would move.
fn only_in_bigquery(mapping: &Mapping, source: &SourceSchema, diff: &SchemaDiff) -> Vec<String> {
    // Other shards may have a column that this shard's table lacks.
    if mapping.shard.is_some() && !source.hides_columns {
        return Vec::new();
    }
    let named = |column: &SourceColumn, name: &str| same_name(&mapping.target_column(&column.name), name);
    let gone = diff.columns.iter().filter(|column| {
        let shard = mapping.shard.as_ref().map(|shard| shard.column.as_str());
        let ours = mapping.deleted_column().into_iter().chain(mapping.loaded_at.as_deref()).chain(shard);
        let is_ours = ours.into_iter().any(|ours| same_name(ours, &column.name));
        column.source.is_none() && !is_ours && !source.columns.iter().any(|known| named(known, &column.name))
    });
    gone.map(|column| column.name.clone()).collect()
}

/// The columns that the account may no longer read; they may have changed.
fn unread(mapping: &Mapping, columns: &[String]) -> Option<String> {
    let names: Vec<_> = columns.iter().map(|name| format!("`{name}`")).collect();
    let source = &mapping.source;
    (!names.is_empty()).then(|| {
        format!(
            "{} of BigQuery may be in {source} still, but the account may not read every column there (GRANT SELECT ON {})",
            names.join(", "),
            quote::mysql_table(source)
        )
    })
}

pub(in crate::engine) fn too_dear(mapping: &Mapping, bytes: u64, most: u64) -> Fault {
    let (name, target) = (&mapping.name, &mapping.target);
    let (bytes, most) = (format::bytes(bytes), format::bytes(most));
    let sentence = format!("Verifying `{name}` would read {bytes} of {target}, and {most} are allowed");
    Fault::new(FaultKind::Config, sentence)
        .with_hint("allow more with `--max-bytes`; `--dry-run` shows what each would read")
}
