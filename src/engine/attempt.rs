//! One try at a mapping's work: what an earlier try left behind, both schemas, and then the rows.

use super::ports::Platform;
use std::sync::Arc;

use super::backfill::{Order, backfill, part};
use super::conflicts::refuse_lost_target;
use super::deletes::deletes;
use super::horizon::{Fixed, fix_window};
use super::ledger::Ledger;
use super::prepare::{as_it_is, prepare};
use super::protocol::Phase;
use super::recover::recover;
use super::rivals::recognise;
use super::scope::{Halt, Scope, Task};
use super::steps::{Journey, move_in_steps};
use super::sweep::sweep;
use super::tail;
use crate::domain::column::{SourceSchema, TargetSchema};
use crate::domain::plan::TablePlan;
use crate::domain::report::MappingReport;
use crate::failpoint::reached;
use crate::source::Source;
use crate::state::Moves;
use crate::warehouse::Warehouse;

/// What rows are moved by: both sides as they were described, and the plan between them.
#[derive(Debug)]
pub(super) struct Ground {
    pub source: SourceSchema,
    /// `None`: the table was created in this try.
    pub target: Option<TargetSchema>,
    pub plan: Arc<TablePlan>,
}

pub(super) async fn attempt<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
) -> Result<(), Halt> {
    report.warnings.clone_from(&report.lasting_warnings);
    reached("lease_taken");
    if ledger.pending().is_some() {
        scope.in_phase(Phase::Recover, recover(scope, ledger, report)).await?;
    }
    if report.attempts == 1 {
        sweep(scope).await?;
    }
    let (source, target) = scope.in_phase(Phase::Describe, describe(scope)).await?;
    let mark = ledger.watermark_text();
    // Before the plan makes the table anew.
    refuse_lost_target(&scope.mapping, mark.as_deref(), target.as_ref())?;
    if let (Some(mark), true) = (&mark, target.as_ref().is_some_and(TargetSchema::is_empty)) {
        scope.note(report, format!("{} holds no rows, although the watermark is {mark}", scope.mapping.target));
    }
    if matches!(scope.task, Task::Deletes { .. }) && mark.is_none() {
        scope.note(report, "nothing has been synced yet, so there is nothing to delete".to_owned());
        return Ok(());
    }
    let plan = match scope.task {
        Task::Deletes { dry_run: true } => as_it_is(scope, &source, target.as_ref(), ledger)?,
        _ => scope.in_phase(Phase::Plan, prepare(scope, &source, target.as_ref(), ledger, report)).await?,
    };
    reached("planned");
    if !matches!(scope.task, Task::Deletes { .. }) {
        recognise(scope, ledger, report, target.as_ref());
    }
    let ground = Ground { source, target, plan: Arc::new(plan) };
    match &scope.task {
        Task::Sync { .. } | Task::Scheduled { .. } => incremental(scope, ledger, report, &ground).await,
        Task::Backfill { ask, restart, shard } => {
            let order = Order { ask, restart: *restart && report.attempts == 1, shard: *shard };
            backfill(scope, ledger, report, &ground, order).await
        }
        Task::Part(planned) => part(scope, ledger, report, &ground, planned).await,
        Task::Deletes { dry_run } => deletes(scope, ledger, report, &ground, *dry_run).await,
    }
}

/// From the watermark to as far as rows are settled.
async fn incremental<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
    ground: &Ground,
) -> Result<(), Halt> {
    let watermark = ledger.watermark(ground.plan.cursor_kind)?;
    let fix = fix_window(scope, ledger, ground, watermark.as_ref(), report);
    let Fixed { window, rows, moment } = scope.in_phase(Phase::Plan, fix).await?;
    let found = scope.in_phase(Phase::Plan, tail::look_again(scope, ledger, ground, &moment)).await?;
    // Before a row is read: what comes while rows are read is found by the next run.
    let high = window.map(|window| window.high).or(watermark.map(|mark| mark.cursor));
    let next = scope.in_phase(Phase::Plan, tail::summed(scope, ledger, ground, (&moment, &found, high))).await?;
    let is_first = found.windows.is_empty();
    let after = tail::read_again(scope, ledger, report, ground, &found).await?;
    if let Some(window) = window {
        ledger.set_tail(next.clone());
        let reread_to = watermark.map(|mark| mark.cursor);
        let journey = Journey { window, rows, moves: Moves::Watermark, reread_to, after, is_first };
        move_in_steps(scope, ledger, report, ground, journey).await?;
    }
    // Servers that take turns remember nothing in common.
    ledger.set_tail(next.filter(|_| !scope.ports.source.is_balanced()));
    Ok(())
}

async fn describe<P: Platform>(scope: &Scope<P>) -> Result<(SourceSchema, Option<TargetSchema>), Halt> {
    let Scope { ports, mapping, .. } = scope;
    let both =
        async { tokio::try_join!(ports.source.describe(&mapping.source), ports.warehouse.describe(&mapping.target)) };
    scope.unless_cancelled(both).await
}
