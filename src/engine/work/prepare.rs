//! Plans a mapping's columns, and changes the target's schema to what the plan needs, as far as that is allowed.

use super::Work;
use super::asked::Asked;
use super::conflicts::{refuse_conflicts, still_required, undecided_conflicts};
use super::scope::{Halt, Scope, Task};
use crate::domain::check::withheld::withheld;
use crate::domain::config::{Mode, SchemaAdditions};
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::MappingName;
use crate::domain::plan::{Planned, TablePlan};
use crate::domain::schema::{ColumnDiff, ColumnDiffView};
use crate::domain::undecided::Undecided;
use crate::engine::ports::{Described, Platform};
use crate::engine::protocol::{Comparison, Event};
use crate::warehouse::Warehouse;

/// How often a table that shards share is looked at: each look may find another shard's change, until all its columns
/// are there.
const MOST_LOOKS: usize = 4;

impl<P: Platform> Work<'_, P> {
    /// Plans the columns. Another shard that shares the table may have made or changed it since it was described, so
    /// the table is looked at again after each change of ours, until there is nothing left to change.
    pub(in crate::engine) async fn plan(&mut self, described: &Described) -> Result<TablePlan, Halt> {
        let Scope { ports, mapping, .. } = self.scope;
        let mut now = None;
        for _ in 1..MOST_LOOKS {
            let changes = self.tally.schema_changes.len();
            let planned = self.plan_once(now.as_ref().unwrap_or(described)).await;
            let has_changed = self.tally.schema_changes.len() > changes;
            let is_done = match &planned {
                Ok(_) => !has_changed,
                // Another shard may have made the change that was refused.
                Err(Halt::Fault(fault)) => fault.kind() != FaultKind::Schema,
                Err(_) => true,
            };
            if mapping.shard.is_none() || is_done {
                return planned;
            }
            let target = self.scope.unless_cancelled(ports.describe_target(mapping)).await?;
            now = Some(Described { source: described.source.clone(), target });
        }
        self.plan_once(now.as_ref().unwrap_or(described)).await
    }

    async fn plan_once(&mut self, described: &Described) -> Result<TablePlan, Halt> {
        let Scope { ports, mapping, .. } = self.scope;
        let additions = ports.config.schema_additions;
        let planned = described.plan(ports, mapping, additions, self.ledger.decisions())?;
        if let Some(cursor) = planned.table.cursor {
            self.refuse_options(cursor.kind)?;
        }
        for warning in planned
            .warnings
            .iter()
            .cloned()
            .chain(withheld(mapping, &planned.withheld, None))
            .chain(still_required(mapping, &planned, additions))
        {
            self.note(warning.to_string());
        }
        let creates = planned.diff.creates_table;
        let undecided = if additions == SchemaAdditions::Review && !creates { undecided(&planned) } else { Vec::new() };
        let waits = !undecided.is_empty();
        self.ledger.set_undecided(undecided);
        let conflicts = if waits { undecided_conflicts(mapping, &planned) } else { Vec::new() };
        for conflict in &conflicts {
            self.note(conflict.to_string());
        }
        if !waits {
            refuse_conflicts(mapping, &planned, additions)?;
        }
        let denied = additions == SchemaAdditions::Deny && !creates;
        // Changes that an operator has accepted are carried out, whatever the policy says of the others.
        let allowed = planned.diff.only(|column| !column.is_declined() && (!denied || column.accepted == Some(true)));
        if !waits && !creates && allowed.changes().next().is_none() {
            return Ok(planned.table);
        }
        let statements = ports.warehouse.ddl(&mapping.target, &planned.table, &allowed);
        if !waits {
            if creates {
                self.scope.unless_cancelled(ports.warehouse.ensure_dataset(&mapping.target)).await?;
            }
            self.scope.unless_cancelled(ports.warehouse.apply(&statements)).await?;
            // The statement after CREATE TABLE takes away the dataset's expiry: it is part of making the table.
            let told = if creates { 1 } else { statements.len() };
            self.tally.schema_changes.extend(statements.iter().take(told).cloned());
            if !creates {
                self.tally.lasting_warnings.extend(allowed.notes());
                allowed.notes().for_each(|note| self.note(note));
            }
        }
        let comparison = compared(mapping.name.clone(), &planned, statements, !waits);
        self.scope.emit(Event::SchemaCompared(Box::new(comparison)));
        match (waits, conflicts.is_empty()) {
            (true, true) => Err(Halt::Waiting(Undecided::Columns)),
            (true, false) => Err(Halt::Waiting(Undecided::Conflict)),
            (false, _) => Ok(planned.table),
        }
    }

    /// Refuses options that do not suit the column, before anything is created or changed in BigQuery.
    fn refuse_options(&self, kind: CursorKind) -> Result<(), Fault> {
        let (lookback, name) = match &self.scope.task {
            Task::Backfill { ask, .. } => return Asked::read(ask, kind).map(|_| ()),
            Task::Sync { lookback: Some(lookback), .. } => (Some(*lookback), "`--lookback`".to_owned()),
            Task::Sync { .. } | Task::Scheduled { .. } => {
                (self.scope.mapping.lookback, format!("`lookback` of mapping `{}`", self.scope.mapping.name))
            }
            Task::Part(_) | Task::Deletes { .. } | Task::Repair(_) => return Ok(()),
        };
        match lookback.filter(|_| kind == CursorKind::Int && self.scope.mapping.mode == Mode::Upsert) {
            Some(lookback) => lookback.below(Cursor::Int(0)).map(|_| ()).map_err(|fault| {
                let hint = fault.hint().to_owned();
                Fault::new(FaultKind::Config, name).caused_by(fault).with_hint(hint)
            }),
            None => Ok(()),
        }
    }

    /// Plans with the target as it is, and does not change it.
    pub(in crate::engine) fn plan_as_it_is(&self, described: &Described) -> Result<TablePlan, Halt> {
        let Scope { ports, mapping, .. } = self.scope;
        let additions = SchemaAdditions::Deny;
        let planned = described.plan(ports, mapping, additions, self.ledger.decisions())?;
        refuse_conflicts(mapping, &planned, additions)?;
        Ok(planned.table)
    }
}

/// The columns that an operator has to decide on.
fn undecided(planned: &Planned) -> Vec<String> {
    let diff = &planned.diff;
    diff.changes().chain(diff.conflicts()).filter(|c| c.accepted.is_none()).map(|c| c.name.clone()).collect()
}

/// A column as it is shown. Once a change is carried out, nothing remains to be done about a declined column.
fn view(column: &ColumnDiff, applied: bool) -> ColumnDiffView {
    let mut view = ColumnDiffView::from(column);
    if applied && column.is_declined() {
        (view.note, view.remedy) = (None, None);
    }
    view
}

/// The difference in words for the operator.
pub(in crate::engine) fn compared(
    mapping: MappingName,
    planned: &Planned,
    statements: Vec<String>,
    applied: bool,
) -> Comparison {
    let Planned { diff, options, .. } = planned;
    Comparison {
        mapping,
        creates_table: diff.creates_table,
        new_table: false,
        columns: diff.columns.iter().map(|column| view(column, applied)).collect(),
        statements,
        applied,
        conflicts: diff.conflicts().count(),
        options: options.iter().map(ToString::to_string).collect(),
    }
}
