//! Where every mapping stands: from the state, and from MySQL as far as it answers.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;

use super::Ports;
use super::emitter::Emitter;
use super::protocol::{Event, Lag, MappingStatus};
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::cursor::Cursor;
use crate::domain::fault::Fault;
use crate::domain::ids::MappingName;
use crate::domain::plan::{PlanInput, plan};
use crate::domain::schema::Decisions;
use crate::domain::window::Low;
use crate::source::{BoundsAsk, Source};
use crate::state::{Holder, MappingState, StateStore};
use crate::warehouse::Warehouse;

/// Says every mapping's standing in one event, in the order of the configuration.
pub(super) async fn inspect<S: Source, W: Warehouse, T: StateStore>(
    ports: &Ports<S, W, T>,
    mappings: Vec<Mapping>,
    emitter: &Emitter,
) {
    let remembered = ports.state.load_all().await;
    // Not to know who works on what is no reason not to know where everything stands.
    let holders = ports.state.holders().await.unwrap_or_else(|fault| {
        tracing::warn!(error = %fault, "who works on which mapping cannot be told");
        BTreeMap::new()
    });
    let asked: Vec<_> = mappings.iter().map(|mapping| inspect_one(ports, mapping, &remembered, &holders)).collect();
    let mappings = stream::iter(asked).buffered(ports.config.concurrency).collect().await;
    emitter.emit(Event::Inspected { mappings });
}

async fn inspect_one<S: Source, W: Warehouse, T: StateStore>(
    ports: &Ports<S, W, T>,
    mapping: &Mapping,
    remembered: &Result<BTreeMap<MappingName, MappingState>, Fault>,
    holders: &BTreeMap<MappingName, Holder>,
) -> MappingStatus {
    let state = match remembered {
        Ok(all) => all.get(&mapping.name).cloned().unwrap_or_default(),
        Err(_) => MappingState::default(),
    };
    let watermark = state.watermark.map(|mark| mark.value);
    let mut status = MappingStatus {
        mapping: mapping.name.clone(),
        source: mapping.source.to_string(),
        target: format!("{}.{}", mapping.target.dataset, mapping.target.table),
        mode: mapping.mode.word().to_owned(),
        watermark: watermark.clone(),
        newest: None,
        lag: None,
        last_run: state.last_run,
        problem: remembered.as_ref().err().map(ToString::to_string),
        pending: state.pending.map(|pending| pending.job),
        held_by: holders.get(&mapping.name).cloned(),
        backfill: state.backfill,
        undecided: state.undecided,
        decisions: state.decisions,
    };
    match newest(ports, mapping, watermark.as_deref()).await {
        Ok((newest, lag)) => {
            status.newest = newest.map(|cursor| cursor.to_string());
            status.lag = lag;
        }
        Err(fault) => status.problem = Some(format!("{fault} ({})", fault.hint())),
    }
    status
}

/// The incremental column's greatest value, and how far the watermark is behind it.
async fn newest<S: Source, W: Warehouse, T: StateStore>(
    ports: &Ports<S, W, T>,
    mapping: &Mapping,
    watermark: Option<&str>,
) -> Result<(Option<Cursor>, Option<Lag>), Fault> {
    let source = ports.source.describe(&mapping.source).await?;
    let planned = plan(PlanInput {
        mapping,
        timezone: ports.config.default_timezone,
        additions: SchemaAdditions::Allow,
        source: &source,
        target: None,
        decisions: &Decisions::new(),
    })?;
    let table = planned.table;
    let mark = watermark.map(|text| Cursor::parse(text, table.cursor_kind)).transpose()?;
    let bounds = ports
        .source
        .bounds(&BoundsAsk {
            table: mapping.source.clone(),
            column: table.cursor_column().source.name.clone(),
            // NULLs are the run's to tell of.
            nullable: false,
            kind: table.cursor_kind,
            timezone: table.timezone,
            low: mark.map_or(Low::Beginning, Low::After),
            before: None,
            settle: Duration::ZERO,
        })
        .await?;
    Ok((bounds.newest, mark.zip(bounds.newest).and_then(|(mark, newest)| lag(mark, newest))))
}

fn lag(mark: Cursor, newest: Cursor) -> Option<Lag> {
    match (mark, newest) {
        (Cursor::Int(mark), Cursor::Int(newest)) => i64::try_from((newest - mark).max(0)).ok().map(Lag::Steps),
        (Cursor::Moment(mark), Cursor::Moment(newest)) => {
            let behind = newest.to_naive()? - mark.to_naive()?;
            Some(Lag::Seconds(behind.num_seconds().max(0)))
        }
        _ => None,
    }
}
