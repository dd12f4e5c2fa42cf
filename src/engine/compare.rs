//! Compares both sides' schemas on demand, and carries out what is safe when asked to.

use super::Ports;
use super::conflicts::refuse_lost_target;
use super::emitter::Emitter;
use super::protocol::Event;
use super::run_id::new_run_id;
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::fault::Fault;
use crate::domain::plan::{PlanInput, plan};
use crate::domain::schema::ColumnDiffView;
use crate::source::Source;
use crate::state::StateStore;
use crate::warehouse::Warehouse;

/// Says each mapping's difference, in the order of the configuration.
pub(super) async fn compare<S: Source, W: Warehouse, T: StateStore>(
    ports: &Ports<S, W, T>,
    mappings: Vec<Mapping>,
    apply: bool,
    emitter: &Emitter,
) {
    for mapping in mappings {
        match compare_one(ports, &mapping, apply).await {
            Ok(event) => emitter.emit(event),
            Err(fault) => emitter.emit(Event::CompareFailed {
                mapping: mapping.name,
                error: fault.to_string(),
                hint: fault.hint().to_owned(),
            }),
        }
    }
    emitter.emit(Event::CompareFinished);
}

async fn compare_one<S: Source, W: Warehouse, T: StateStore>(
    ports: &Ports<S, W, T>,
    mapping: &Mapping,
    apply: bool,
) -> Result<Event, Fault> {
    // Changing a table while a run plans on it would fail that run: whoever applies holds the lease.
    let _lease = if apply { Some(ports.state.lease(&mapping.name, &new_run_id()).await?) } else { None };
    let (source, target) =
        tokio::try_join!(ports.source.describe(&mapping.source), ports.warehouse.describe(&mapping.target))?;
    if apply {
        let remembered = ports.state.load(&mapping.name).await?.watermark.map(|mark| mark.value);
        refuse_lost_target(mapping, remembered.as_deref(), target.as_ref())?;
    }
    let planned = plan(PlanInput {
        mapping,
        timezone: ports.config.default_timezone,
        // The whole difference is shown, whatever a run would be allowed to do about it.
        additions: SchemaAdditions::Allow,
        source: &source,
        target: target.as_ref(),
    })?;
    let changes = planned.diff.creates_table || planned.diff.changes().next().is_some();
    let statements =
        if changes { ports.warehouse.ddl(&mapping.target, &planned.table, &planned.diff) } else { Vec::new() };
    let applied = apply && changes;
    if applied {
        if planned.diff.creates_table {
            ports.warehouse.ensure_dataset(&mapping.target).await?;
        }
        ports.warehouse.apply(&statements).await?;
    }
    Ok(Event::SchemaCompared {
        mapping: mapping.name.clone(),
        creates_table: planned.diff.creates_table,
        columns: planned.diff.columns.iter().map(ColumnDiffView::from).collect(),
        statements,
        applied,
        conflicts: planned.diff.conflicts().count(),
    })
}
