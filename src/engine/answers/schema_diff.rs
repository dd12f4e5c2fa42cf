//! Compares both sides' schemas on demand, and carries out what is safe when asked to.

use super::decide::{difference, note_table, waits_for_word};
use crate::domain::column::same_name;
use crate::domain::config::Mapping;
use crate::domain::fault::Fault;
use crate::engine::ports::{Platform, Ports, TRIES_FOR_AN_ANSWER};
use crate::engine::protocol::query::Reply;
use crate::engine::protocol::{Compare, Comparison, Failure, Of, Selection};
use crate::engine::work::emitter::log_comparison;
use crate::engine::work::ids::new_run_id;
use crate::engine::work::ledger::Ledger;
use crate::engine::work::prepare::compared;
use crate::state::StateStore;
use crate::warehouse::Warehouse;

/// Gives each mapping's difference, in the order of the configuration.
pub(in crate::engine) async fn compare<P: Platform>(
    ports: &Ports<P>,
    mappings: Vec<Mapping>,
    query: &Compare,
    reply: &Reply<Of<Comparison>>,
) {
    let Compare { selection, apply, columns } = query;
    let is_named = matches!(selection, Selection::Named(_));
    let impatient = ports.impatient(TRIES_FOR_AN_ANSWER);
    for mapping in mappings {
        let compared = if *apply {
            carry_out_unless_new(ports, &mapping, columns, is_named).await
        } else {
            look(&impatient, &mapping, columns).await
        };
        let answer = compared.map_err(|fault| {
            tracing::error!(mapping = %mapping.name, error = %fault, hint = fault.hint(), "comparing schemas failed");
            Failure::from(&fault)
        });
        answer.iter().for_each(log_comparison);
        reply.give(Of { mapping: mapping.name, answer });
    }
}

async fn look<P: Platform>(ports: &Ports<P>, mapping: &Mapping, columns: &[String]) -> Result<Comparison, Fault> {
    let state = ports.state.load(&mapping.name).await?;
    let planned = difference(ports, mapping, None, &state.decisions, &state.decisions).await?;
    let wanted = planned.diff.only(|c| !c.is_declined() && is_named(columns, &c.name));
    let changes = planned.diff.creates_table || wanted.changes().next().is_some();
    let statements = if changes { ports.warehouse.ddl(&mapping.target, &planned.table, &wanted) } else { Vec::new() };
    let waits = waits_for_word(ports, mapping).await?;
    Ok(Comparison { new_table: waits, ..compared(mapping.name.clone(), &planned, statements, false) })
}

/// Records the operator's decision to move a table that waits.
async fn take<P: Platform>(ports: &Ports<P>, mapping: &Mapping) -> Result<(), Fault> {
    if mapping.is_new_table { note_table(ports, mapping, true).await } else { Ok(()) }
}

/// Takes a new table only if the command names its mapping, because each new table needs its own decision.
async fn carry_out_unless_new<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    columns: &[String],
    is_named: bool,
) -> Result<Comparison, Fault> {
    if !is_named && waits_for_word(ports, mapping).await? {
        return look(ports, mapping, columns).await;
    }
    carry_out(ports, mapping, columns).await
}

/// Changing a table while a run plans with it would fail that run, so applying needs the lease.
async fn carry_out<P: Platform>(ports: &Ports<P>, mapping: &Mapping, columns: &[String]) -> Result<Comparison, Fault> {
    let run = new_run_id(ports.clock.now());
    let ports = &ports.billed(mapping, Some(&run));
    let mut ledger = Ledger::open(ports, &mapping.name, &run).await?;
    let said = ledger.decisions();
    let planned = difference(ports, mapping, ledger.watermark_text().as_deref(), said, said).await?;
    let wanted = planned.diff.only(|c| !c.is_declined() && is_named(columns, &c.name));
    if !planned.diff.creates_table && wanted.changes().next().is_none() {
        let is_taken = mapping.is_new_table;
        take(ports, mapping).await?;
        return Ok(compared(mapping.name.clone(), &planned, Vec::new(), is_taken));
    }
    let statements = ports.warehouse.ddl(&mapping.target, &planned.table, &wanted);
    if planned.diff.creates_table {
        ports.warehouse.ensure_dataset(&mapping.target).await?;
    }
    ports.warehouse.apply(&statements).await?;
    ledger.forget_moment();
    ledger.forget_undecided(|name| wanted.changes().any(|c| c.name == name));
    ledger.save().await?;
    take(ports, mapping).await?;
    Ok(compared(mapping.name.clone(), &planned, statements, true))
}

/// An empty list names all columns.
fn is_named(columns: &[String], name: &str) -> bool {
    columns.is_empty() || columns.iter().any(|column| same_name(column, name))
}
