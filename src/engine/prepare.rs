//! Plans a mapping's columns, and brings the target's schema to what the plan needs, as far as that is allowed.

use super::backfill::Asked;
use super::conflicts::{refuse_conflicts, still_required};
use super::ledger::Ledger;
use super::ports::Platform;
use super::protocol::Event;
use super::scope::{Halt, Scope, Task};
use crate::domain::column::{SourceSchema, TargetSchema};
use crate::domain::config::{Mode, SchemaAdditions};
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::{PlanInput, Planned, TablePlan, plan};
use crate::domain::report::MappingReport;
use crate::domain::schema::{ColumnDiffView, SchemaDiff};
use crate::warehouse::Warehouse;

pub(super) async fn prepare<P: Platform>(
    scope: &Scope<P>,
    source: &SourceSchema,
    target: Option<&TargetSchema>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
) -> Result<TablePlan, Halt> {
    let Scope { ports, mapping, .. } = scope;
    let additions = ports.config.schema_additions;
    let timezone = ports.config.default_timezone;
    let planned = plan(PlanInput { mapping, timezone, additions, source, target, decisions: ledger.decisions() })?;
    refuse_options(scope, planned.table.cursor_kind)?;
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

/// What the operator has asked for must suit the column, before anything is made or changed in BigQuery.
fn refuse_options<P: Platform>(scope: &Scope<P>, kind: CursorKind) -> Result<(), Fault> {
    let (lookback, name) = match &scope.task {
        Task::Backfill { ask, .. } => return Asked::read(ask, kind).map(|_| ()),
        Task::Sync { lookback: Some(lookback), .. } => (Some(*lookback), "`--lookback`".to_owned()),
        Task::Sync { .. } | Task::Scheduled { .. } => {
            (scope.mapping.lookback, format!("`lookback` of mapping `{}`", scope.mapping.name))
        }
        Task::Part(_) | Task::Deletes { .. } => return Ok(()),
    };
    match lookback.filter(|_| kind == CursorKind::Int && scope.mapping.mode == Mode::Upsert) {
        Some(lookback) => lookback.below(Cursor::Int(0)).map(|_| ()).map_err(|fault| {
            let hint = fault.hint().to_owned();
            Fault::new(FaultKind::Config, name).caused_by(fault).with_hint(hint)
        }),
        None => Ok(()),
    }
}

/// Plans with the target as it is, and changes nothing of it.
pub(super) fn as_it_is<P: Platform>(
    scope: &Scope<P>,
    source: &SourceSchema,
    target: Option<&TargetSchema>,
    ledger: &Ledger<P>,
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
