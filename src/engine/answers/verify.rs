//! Compares what BigQuery holds with what MySQL holds, up to the watermark, and changes nothing on either side.
//!
//! No lease is taken: a run may go on meanwhile. BigQuery is asked before MySQL each time, so that what changes in between
//! is known to have changed.

use futures_util::{StreamExt, stream};

use super::row_diff::Survey;
use crate::domain::column::{SourceColumn, SourceSchema, same_name};
use crate::domain::config::{Mapping, Mode, SchemaAdditions};
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::Planned;
use crate::domain::schema::{Decisions, SchemaDiff, Verdict};
use crate::domain::verify::{Comparison, Outcome, Verification};
use crate::domain::window::{Low, WHOLE, Window};
use crate::domain::{naming, quote};
use crate::engine::ports::{Described, Platform, Ports};
use crate::engine::protocol::query::Reply;
use crate::engine::protocol::{Failure, Of, Verify};
use crate::engine::work::conflicts::{refuse_conflicts, refuse_lost_target};
use crate::engine::work::prepared::cursor_of;
use crate::format;
use crate::state::{MappingState, StateStore, StoredWatermark};

/// Gives what came of each mapping, in the order of the configuration.
pub(in crate::engine) async fn verify<P: Platform>(
    ports: &Ports<P>,
    mappings: Vec<Mapping>,
    order: &Verify,
    reply: &Reply<Of<Verification>>,
) {
    let asked: Vec<_> = mappings.iter().map(|mapping| Box::pin(verify_one(ports, mapping, order))).collect();
    let mut known = stream::iter(asked).buffered(ports.config.concurrency);
    let mut names = mappings.iter().map(|mapping| &mapping.name);
    while let (Some(verified), Some(name)) = (known.next().await, names.next()) {
        let answer = verified.map_err(|fault| {
            tracing::error!(mapping = %name, error = %fault, hint = fault.hint(), "comparing rows failed");
            Failure::from(&fault)
        });
        if let Ok(verification) = &answer {
            log(verification);
        }
        reply.give(Of { mapping: name.clone(), answer });
    }
}

/// Counts alone: keys are row values.
fn log(verification: &Verification) {
    let Verification { mapping, only_in_mysql, only_in_bigquery, differing, doubled, bytes, .. } = verification;
    let outcome = verification.outcome.word();
    tracing::info!(%mapping, outcome, only_in_mysql, only_in_bigquery, differing, doubled, bytes, "rows compared");
}

async fn verify_one<P: Platform>(ports: &Ports<P>, mapping: &Mapping, order: &Verify) -> Result<Verification, Fault> {
    let ports = &ports.billed(mapping, None);
    let state = ports.state.load(&mapping.name).await?;
    let mut verification =
        Verification::begin(mapping.name.clone(), mapping.source.to_string(), mapping.target.to_string());
    let described = ports.describe_both(mapping).await?;
    // A table that is replaced as a whole is compared as a whole.
    let mark = state.watermark.as_ref().filter(|_| mapping.mode != Mode::Replace);
    refuse_lost_target(mapping, mark.map(|mark| mark.value.as_str()), described.target.as_ref())?;
    let Some(target) = described.target.as_ref().filter(|_| state.complete_to(mapping.mode).is_some()) else {
        return Ok(verification);
    };
    let (comparison, diff) = comparison(ports, mapping, &state, &described, mark)?;
    verification.window = Some(comparison.window.map_or_else(|| WHOLE.to_owned(), |window| window.to_string()));
    verification.key_columns =
        comparison.plan.keys.iter().map(|&key| comparison.plan.columns[key].source.name.clone()).collect();
    verification.not_compared = comparison.left_out();
    verification.not_compared.extend(not_in_bigquery(&diff));
    let only_there = only_in_bigquery(mapping, &described.source, &diff);
    let withheld = if described.source.hides_columns { only_there.clone() } else { Vec::new() };
    verification.not_compared.extend(only_there);
    verification.notes.extend(note(&state, mark));
    let rows = described.source.rows_estimate.unwrap_or(0).max(target.rows.unwrap_or(0));
    let mut survey = Survey::new(ports, &comparison, order);
    survey.price().await?;
    verification.bytes = survey.bytes();
    if order.dry_run {
        verification.outcome = Outcome::Estimated;
        return Ok(verification);
    }
    if survey.bytes() > order.most_bytes {
        return Err(too_dear(mapping, survey.bytes(), order.most_bytes));
    }
    let left = survey.go(rows).await?;
    verification.bytes = survey.bytes();
    (verification.rows_in_mysql, verification.rows_in_bigquery) = survey.rows();
    verification.conclude(survey.into_tally(), left.or_else(|| unread(mapping, &withheld)));
    Ok(verification)
}

/// Of the columns that both sides have, as they are: what a run would add first is not there to be compared.
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

/// What has to be known of differences before any is found.
fn note(state: &MappingState, mark: Option<&StoredWatermark>) -> Option<String> {
    match (mark, &state.replaced) {
        (Some(mark), _) if mark.imported => Some(
            "the watermark was set by hand or by another tool: rows that share it may be missing until the next run"
                .to_owned(),
        ),
        (None, Some(replaced)) => Some(format!(
            "the table was read at {replaced}: rows that have changed in MySQL since then differ until the next run"
        )),
        _ => None,
    }
}

fn not_in_bigquery(diff: &SchemaDiff) -> impl Iterator<Item = String> {
    let new = diff.columns.iter().filter(|column| matches!(column.verdict, Verdict::New(_)) || column.is_declined());
    new.map(|column| column.name.clone())
}

/// Of the columns that the mapping would move, had the source any such.
fn only_in_bigquery(mapping: &Mapping, source: &SourceSchema, diff: &SchemaDiff) -> Vec<String> {
    let named = |column: &SourceColumn, name: &str| same_name(&naming::column_name(&column.name), name);
    let gone = diff.columns.iter().filter(|column| {
        let is_ours = mapping.deleted_column().is_some_and(|mark| same_name(mark, &column.name));
        column.source.is_none() && !is_ours && !source.columns.iter().any(|known| named(known, &column.name))
    });
    gone.map(|column| column.name.clone()).collect()
}

/// What the account may no longer read may have changed.
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

fn too_dear(mapping: &Mapping, bytes: u64, most: u64) -> Fault {
    let (name, target) = (&mapping.name, &mapping.target);
    let (bytes, most) = (format::bytes(bytes), format::bytes(most));
    let sentence = format!("Verifying `{name}` would read {bytes} of {target}, and {most} are allowed");
    Fault::new(FaultKind::Config, sentence)
        .with_hint("allow more with `--max-bytes`; `--dry-run` shows what each would read")
}
