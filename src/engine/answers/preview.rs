//! Previews a backfill without doing any of it.

use crate::domain::config::{Mapping, Mode, SchemaAdditions};
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::{CursorPlan, TablePlan};
use crate::domain::publish::PublishKind;
use crate::domain::report::Undecided;
use crate::domain::schema::Verdict;
use crate::domain::window::{Low, Window, step};
use crate::engine::answers::decide::waits_for_word;
use crate::engine::moving::reach::within_partitions;
use crate::engine::ports::{Platform, Ports, TRIES_FOR_AN_ANSWER};
use crate::engine::protocol::query::Reply;
use crate::engine::protocol::{BackfillAsk, BackfillPreview, Failure, PublishBytes, SlicePreview};
use crate::engine::work::asked::{Asked, beyond, nothing};
use crate::engine::work::conflicts::refuse_backfill;
use crate::engine::work::prepared::{cursor_of, newest, stretch};
use crate::engine::work::rows_of::refuse_strays;
use crate::format;
use crate::source::{BoundsAsk, Source, StretchAsk};
use crate::state::{MappingState, StateStore};
use crate::warehouse::Estimates;

/// The most slices that are listed: nobody reads more, and each one costs a walk over the index.
const MOST_SLICES: usize = 100;

/// Previews each ask in turn.
pub(in crate::engine) async fn preview_each<P: Platform>(
    ports: &Ports<P>,
    asks: &[BackfillAsk],
    reply: &Reply<Result<BackfillPreview, Failure>>,
) {
    for ask in asks {
        reply.give(preview(ports, ask).await);
    }
}

async fn preview<P: Platform>(ports: &Ports<P>, ask: &BackfillAsk) -> Result<BackfillPreview, Failure> {
    let mapping = ports.config.mappings.iter().find(|m| m.name == ask.mapping);
    let looked = match mapping {
        Some(mapping) => look(&ports.impatient(TRIES_FOR_AN_ANSWER).billed(mapping, None), mapping, ask).await,
        None => Err(Fault::new(FaultKind::Config, format!("There is no mapping `{}`", ask.mapping))),
    };
    looked.map_err(|fault| {
        tracing::error!(mapping = %ask.mapping, error = %fault, hint = fault.hint(), "backfill preview failed");
        Failure::from(&fault)
    })
}

async fn look<P: Platform>(ports: &Ports<P>, mapping: &Mapping, ask: &BackfillAsk) -> Result<BackfillPreview, Fault> {
    refuse_backfill(mapping)?;
    let state = ports.state.load(&mapping.name).await?;
    refuse_strays(ports, mapping, &state).await?;
    let described = ports.describe_both(mapping).await?;
    let planned = described.plan(ports, mapping, SchemaAdditions::Deny, &state.decisions)?;
    let widens = planned.diff.columns.iter().any(|column| matches!(column.verdict, Verdict::Widen(_)));
    let plan = planned.table;
    let target = described.target;
    let cursor = cursor_of(&plan)?;
    let asked = Asked::read(ask, cursor.kind)?;
    let (window, mut notes) = resolve(ports, mapping, &plan, cursor, &state, &asked).await?;
    if waits_for_word(ports, mapping).await? {
        let step = Undecided::Table.next_step(&mapping.name);
        notes.insert(
            0,
            format!("{} is a new table and waits for a decision: nothing is moved before; {step}", mapping.source),
        );
    }
    let stretch = stretch(&mapping.source, &plan, cursor, window);
    let (slices, more_slices) = slices(ports, &plan, cursor, &stretch).await?;
    let estimate = ports.source.estimate(&stretch).await?;
    let rows_in_target = match &target {
        Some(_) => Some(ports.warehouse.count(&mapping.target, &plan, window).await?),
        None => None,
    };
    let bytes_estimate = estimate.rows.zip(estimate.row_bytes).map(|(rows, bytes)| rows.saturating_mul(bytes));
    let publish_bytes = match &target {
        // BigQuery gives no estimate for a statement that needs the columns as they will be after they are widened.
        Some(_) if widens => {
            notes.push(
                "what publishing would cost is known once a run has widened the columns that `schema-diff` names"
                    .to_owned(),
            );
            None
        }
        Some(_) => {
            let publishes = publishes(ports, slices.len(), more_slices, estimate.rows);
            price(ports, mapping, &plan, window, publishes, bytes_estimate, &mut notes).await
        }
        None => None,
    };
    Ok(BackfillPreview {
        ask: ask.clone(),
        window: window.to_string(),
        notes,
        slices,
        more_slices,
        rows_estimate: estimate.rows,
        bytes_estimate,
        rows_in_target,
        publish: publish_words(mapping.mode).to_owned(),
        publish_bytes,
        unfinished: state.backfill,
    })
}

/// The window as the backfill itself would fix it, without waiting for open transactions.
async fn resolve<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    plan: &TablePlan,
    cursor: CursorPlan,
    state: &MappingState,
    asked: &Asked,
) -> Result<(Window, Vec<String>), Fault> {
    let kind = cursor.kind;
    let watermark = state.watermark.as_ref().map(|mark| Cursor::parse(&mark.value, kind)).transpose()?;
    let latest = if watermark.is_some() {
        watermark
    } else {
        let settle = ports.config.pace.settle.unwrap_or_default();
        let ask = BoundsAsk { settle, ..newest(&mapping.source, plan, cursor, Low::From(asked.start)) };
        ports.source.bounds(&ask).await?.high
    };
    let (to, cut) = asked.until(latest).ok_or_else(|| nothing(mapping, asked, latest))?;
    let notes = watermark.filter(|_| cut).map(beyond).into_iter().collect();
    Ok((Window { low: Low::From(asked.start), high: to }, notes))
}

async fn slices<P: Platform>(
    ports: &Ports<P>,
    plan: &TablePlan,
    cursor: CursorPlan,
    stretch: &StretchAsk,
) -> Result<(Vec<SlicePreview>, bool), Fault> {
    let rows = ports.config.pace.window_rows;
    let mut slices = Vec::new();
    let mut rest = stretch.window;
    while slices.len() < MOST_SLICES {
        let ask = StretchAsk { window: rest, ..stretch.clone() };
        let full = if cursor.indexed { ports.source.step_end(&ask, rows).await? } else { None };
        let end = within_partitions(&*ports.source, plan, &ask, full).await?;
        let slice = step(rest, end, None);
        slices.push(SlicePreview { window: slice.to_string(), rows: full.filter(|_| end == full).map(|_| rows) });
        if slice.high == rest.high {
            return Ok((slices, false));
        }
        rest.low = Low::After(slice.high);
    }
    Ok((slices, true))
}

/// The number of publishes: one per slice, or, if not all slices are listed, as many as the rows suggest.
fn publishes<P: Platform>(ports: &Ports<P>, listed: usize, more: bool, rows: Option<u64>) -> u64 {
    let by_rows = rows.filter(|_| more).map(|rows| rows.div_ceil(ports.config.pace.window_rows));
    by_rows.unwrap_or(0).max(listed as u64)
}

/// Asks BigQuery for the price; a preview without a price is still worth showing.
async fn price<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    plan: &TablePlan,
    window: Window,
    publishes: u64,
    from_mysql: Option<u64>,
    notes: &mut Vec<String>,
) -> Option<PublishBytes> {
    match ports
        .warehouse
        .publish_bytes(&mapping.target, plan, PublishKind::that_looks_for_rows(mapping.mode), Some(window))
        .await
    {
        Ok(of_table) => {
            if let Some(most) = mapping.maximum_bytes_billed.filter(|most| of_table > *most) {
                let (of_table, most) = (format::bytes(of_table), format::bytes(most));
                notes.push(format!(
                    "a publish may read {of_table}, and `maximum_bytes_billed` allows {most}: BigQuery may refuse it"
                ));
            }
            let in_all = of_table.saturating_mul(publishes).saturating_add(from_mysql.unwrap_or(0));
            Some(PublishBytes { of_table, publishes, in_all })
        }
        Err(fault) => {
            notes.push(format!("what publishing would cost is not known: {fault}"));
            None
        }
    }
}

const fn publish_words(mode: Mode) -> &'static str {
    match mode {
        Mode::Upsert => "merge: rows are added or replaced by key, and a newer row is never replaced by an older one",
        Mode::Mirror => "mirror: rows that differ are written, and those that are gone are removed",
        Mode::Replace => "replace: the table as it was read takes the place of the rows that were there",
        Mode::Append => "insert missing: rows that the table holds already are left as they are",
    }
}
