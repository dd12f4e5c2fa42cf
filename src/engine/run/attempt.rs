//! One attempt at a mapping's work: what an earlier one left behind, both schemas, and then the rows.

use crate::domain::column::TargetSchema;
use crate::engine::moving::backfill::Order;
use crate::engine::moving::horizon::Fixed;
use crate::engine::moving::steps::Journey;
use crate::engine::ports::Platform;
use crate::engine::protocol::Phase;
use crate::engine::work::Work;
use crate::engine::work::conflicts::refuse_lost_target;
use crate::engine::work::prepared::{Prepared, Schemas};
use crate::engine::work::scope::{Halt, Task};
use crate::engine::work::sweep::sweep;
use crate::failpoint::reached;
use crate::source::Source;
use crate::state::Moves;

impl<P: Platform> Work<'_, P> {
    /// Settles what an earlier attempt left behind, compares the schemas, then moves rows.
    pub(super) async fn attempt(&mut self) -> Result<(), Halt> {
        let scope = self.scope;
        self.tally.begin_attempt();
        reached("lease_taken");
        if self.ledger.pending().is_some() {
            scope.in_phase(Phase::Recover, self.recover()).await?;
        }
        if self.tally.is_first_attempt() {
            sweep(scope).await?;
        }
        if let Task::Repair(order) = &scope.task {
            return self.repair(order).await;
        }
        let Some(schemas) = self.prepare().await? else { return Ok(()) };
        let prepared = schemas.by_cursor()?;
        match &scope.task {
            Task::Sync { .. } | Task::Scheduled { .. } => self.incremental(&prepared).await,
            Task::Backfill { ask, restart, shard } => {
                let order = Order { ask, restart: *restart && self.tally.is_first_attempt(), shard: *shard };
                self.backfill(&prepared, order).await
            }
            Task::Part(planned) => self.part(&prepared, planned).await,
            Task::Deletes { dry_run } => self.deletes(&prepared, *dry_run, 1).await,
            // It plans with both tables as they are.
            Task::Repair(_) => Ok(()),
        }
    }

    /// Looks at both sides and plans; `None` where there is nothing to do.
    async fn prepare(&mut self) -> Result<Option<Schemas>, Halt> {
        let scope = self.scope;
        let describe = scope.unless_cancelled(scope.ports.describe_both(&scope.mapping));
        let described = scope.in_phase(Phase::Describe, describe).await?;
        let mark = self.ledger.watermark_text();
        // Before the plan makes the table anew.
        refuse_lost_target(&scope.mapping, mark.as_deref(), described.target.as_ref())?;
        if let (Some(mark), true) = (&mark, described.target.as_ref().is_some_and(TargetSchema::is_empty)) {
            self.note(format!("{} holds no rows, although the watermark is {mark}", scope.mapping.target));
        }
        let deletes = matches!(scope.task, Task::Deletes { .. });
        if deletes && mark.is_none() {
            self.note("nothing has been synced yet, so there is nothing to delete".to_owned());
            return Ok(None);
        }
        let plan = match scope.task {
            Task::Deletes { dry_run: true } => self.plan_as_it_is(&described)?,
            _ => scope.in_phase(Phase::Plan, self.plan(&described)).await?,
        };
        reached("planned");
        if !deletes {
            self.recognise(described.target.as_ref());
        }
        Ok(Some(Schemas::new(&scope.mapping, described, plan)))
    }

    /// From the watermark to as far as rows are settled.
    async fn incremental(&mut self, prepared: &Prepared) -> Result<(), Halt> {
        let scope = self.scope;
        let watermark = self.ledger.watermark(prepared.kind())?;
        let fix = self.fix_window(prepared, watermark.as_ref());
        let Fixed { window, rows, moment } = scope.in_phase(Phase::Plan, fix).await?;
        let found = scope.in_phase(Phase::Plan, self.look_below(prepared, &moment)).await?;
        // Before a row is read: what comes while rows are read is found by the next run.
        let high = window.map(|window| window.high).or(watermark.map(|mark| mark.cursor));
        let next = scope.in_phase(Phase::Plan, self.summed(prepared, &moment, &found, high)).await?;
        let is_first = found.windows.is_empty();
        let after = self.read_again(prepared, &found).await?;
        if let Some(window) = window {
            self.ledger.set_tail(next.clone());
            let reread_to = watermark.map(|mark| mark.cursor);
            let journey = Journey { window, rows, moves: Moves::Watermark, reread_to, after, is_first };
            self.move_in_steps(prepared, journey).await?;
        }
        // Servers that take turns remember nothing in common.
        self.ledger.set_tail(next.filter(|_| !scope.ports.source.is_balanced()));
        if self.is_in_doubt() {
            scope.in_phase(Phase::Advance, self.settle_doubt(prepared)).await?;
        }
        Ok(())
    }
}
