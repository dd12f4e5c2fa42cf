//! Plans a mapping's columns, and brings the target's schema to what the plan needs, as far as that is allowed.

use super::conflicts::{refuse_conflicts, still_required};
use super::ledger::Ledger;
use super::protocol::Event;
use super::scope::{Halt, Scope};
use crate::domain::column::{SourceSchema, TargetSchema};
use crate::domain::config::SchemaAdditions;
use crate::domain::plan::{PlanInput, Planned, TablePlan, plan};
use crate::domain::report::MappingReport;
use crate::domain::schema::{ColumnDiffView, SchemaDiff};
use crate::source::Source;
use crate::state::StateStore;
use crate::warehouse::Warehouse;

pub(super) async fn prepare<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    source: &SourceSchema,
    target: Option<&TargetSchema>,
    ledger: &mut Ledger<'_, T>,
    report: &mut MappingReport,
) -> Result<TablePlan, Halt> {
    let Scope { ports, mapping, .. } = scope;
    let additions = ports.config.schema_additions;
    let timezone = ports.config.default_timezone;
    let planned = plan(PlanInput { mapping, timezone, additions, source, target, decisions: ledger.decisions() })?;
    for warning in planned.warnings.iter().cloned().chain(still_required(mapping, &planned, additions)) {
        scope.note(report, warning.to_string());
    }
    let creates = planned.diff.creates_table;
    let undecided = if additions == SchemaAdditions::Review && !creates { undecided(&planned) } else { Vec::new() };
    let waits = !undecided.is_empty();
    ledger.set_undecided(undecided);
    if !waits {
        refuse_conflicts(mapping, &planned, additions)?;
    }
    let denied = additions == SchemaAdditions::Deny && !creates;
    // What an operator has accepted is carried out whatever the policy says of the rest.
    let allowed = planned.diff.only(|column| !column.is_declined() && (!denied || column.accepted == Some(true)));
    if !waits && !creates && allowed.changes().next().is_none() {
        return Ok(planned.table);
    }
    let statements = ports.warehouse.ddl(&mapping.target, &planned.table, &allowed);
    if !waits {
        if creates {
            scope.unless_cancelled(ports.warehouse.ensure_dataset(&mapping.target)).await?;
        }
        scope.unless_cancelled(ports.warehouse.apply(&statements)).await?;
        report.schema_changes.clone_from(&statements);
        if !creates {
            report.lasting_warnings.extend(allowed.notes());
            allowed.notes().for_each(|note| scope.note(report, note));
        }
    }
    scope.emit(compared(mapping.name.clone(), &planned.diff, statements, !waits));
    if waits { Err(Halt::Waiting) } else { Ok(planned.table) }
}

/// Plans with the target as it is, and changes nothing of it.
pub(super) fn as_it_is<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    source: &SourceSchema,
    target: Option<&TargetSchema>,
    ledger: &Ledger<'_, T>,
) -> Result<TablePlan, Halt> {
    let Scope { ports, mapping, .. } = scope;
    let (additions, timezone) = (SchemaAdditions::Deny, ports.config.default_timezone);
    let planned = plan(PlanInput { mapping, timezone, additions, source, target, decisions: ledger.decisions() })?;
    refuse_conflicts(mapping, &planned, additions)?;
    Ok(planned.table)
}

/// Columns that an operator has to say something about.
fn undecided(planned: &Planned) -> Vec<String> {
    let diff = &planned.diff;
    diff.changes().chain(diff.conflicts()).filter(|c| c.accepted.is_none()).map(|c| c.name.clone()).collect()
}

/// The difference as an event.
pub(super) fn compared(
    mapping: crate::domain::ids::MappingName,
    diff: &SchemaDiff,
    statements: Vec<String>,
    applied: bool,
) -> Event {
    Event::SchemaCompared {
        mapping,
        creates_table: diff.creates_table,
        columns: diff.columns.iter().map(ColumnDiffView::from).collect(),
        statements,
        applied,
        conflicts: diff.conflicts().count(),
    }
}
