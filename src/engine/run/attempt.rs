//! One attempt at a mapping's work: settles what an earlier one left behind, compares the schemas, then moves the rows.

use crate::domain::column::{SourceSchema, TargetSchema};
use crate::domain::config::Mode;
use crate::domain::undecided::Undecided;
use crate::engine::moving::backfill::Order;
use crate::engine::ports::{Described, Platform};
use crate::engine::protocol::Phase;
use crate::engine::work::Work;
use crate::engine::work::conflicts::{refuse_lost_target, refuse_task};
use crate::engine::work::ids::is_of_run;
use crate::engine::work::prepared::{Prepared, Schemas};
use crate::engine::work::scope::{Halt, Task};
use crate::failpoint::reached;
use crate::state::{Moves, StateStore};

impl<P: Platform> Work<'_, P> {
    /// Settles what an earlier attempt left behind, compares the schemas, then moves rows.
    pub(super) async fn attempt(&mut self) -> Result<(), Halt> {
        let scope = self.scope;
        self.tally.begin_attempt();
        reached("lease_taken");
        refuse_task(&scope.mapping, &scope.task)?;
        self.wait_for_word().await?;
        if let Some(pending) = self.ledger.pending() {
            let is_whole = pending.moves == Moves::Replace;
            let adopted = scope.in_phase(Phase::Recover, self.recover()).await?;
            // If an earlier attempt of this run has published the whole table, this run's work is done.
            if is_whole && adopted.is_some_and(|job| is_of_run(&job, &scope.run)) && !scope.mapping.mode.has_windows() {
                return Ok(());
            }
        }
        self.follow_shard().await?;
        if scope.mapping.mode == Mode::Replace {
            self.sweep().await?;
            let Some(schemas) = self.prepare(None).await? else { return Ok(()) };
            return self.replace(&schemas).await;
        }
        if scope.mapping.mode == Mode::Mirror {
            if !self.may_be_as_compared() {
                self.sweep().await?;
            }
            return match &scope.task {
                Task::Repair(order) => Box::pin(self.repair_mirror(order)).await,
                _ => Box::pin(self.mirror()).await,
            };
        }
        match &scope.task {
            Task::Sync { .. } | Task::Scheduled { .. } => {
                if !self.may_be_as_compared() {
                    self.sweep().await?;
                }
                self.incremental().await
            }
            Task::Backfill { ask, restart, shard } => {
                let order = Order { ask, restart: *restart && self.tally.is_first_attempt(), shard: *shard };
                let Some(prepared) = self.prepared().await? else { return Ok(()) };
                self.backfill(&prepared, order).await
            }
            Task::Part(planned) => {
                let Some(prepared) = self.prepared().await? else { return Ok(()) };
                self.part(&prepared, planned).await
            }
            Task::Deletes { dry_run } => {
                let Some(prepared) = self.prepared().await? else { return Ok(()) };
                self.deletes(&prepared, *dry_run, 1).await
            }
            // A repair plans with both tables as they are.
            Task::Repair(order) => {
                self.sweep().await?;
                self.repair(order).await
            }
        }
    }

    /// Waits for a decision: a table without one is not moved.
    async fn wait_for_word(&mut self) -> Result<(), Halt> {
        let mapping = &self.scope.mapping;
        let Some(pattern) = mapping.pattern.as_ref().filter(|_| mapping.is_new_table) else { return Ok(()) };
        if self.scope.ports.state.load_tables().await?.takes(&mapping.name) {
            return Ok(());
        }
        self.note(format!("{} is a new table, which `{pattern}` would take: it waits for a decision", mapping.source));
        Err(Halt::Waiting(Undecided::Table))
    }

    /// Prepares work that stages rows, however few.
    async fn prepared(&mut self) -> Result<Option<Prepared>, Halt> {
        self.sweep().await?;
        let schemas = self.prepare(None).await?;
        Ok(schemas.map(Schemas::by_cursor).transpose()?)
    }

    /// Looks at both sides, or only at the target, and plans; `None` if there is nothing to do.
    pub(super) async fn prepare(&mut self, source: Option<SourceSchema>) -> Result<Option<Schemas>, Halt> {
        let scope = self.scope;
        let describe = async {
            let Some(source) = source else { return scope.ports.describe_both(&scope.mapping).await };
            let target = scope.ports.describe_target(&scope.mapping).await?;
            Ok(Described { source, target })
        };
        let described = scope.in_phase(Phase::Describe, scope.unless_cancelled(describe)).await?;
        if self.is_to_forget() {
            self.forget_watermark(described.target.as_ref()).await?;
        }
        let mark = self.ledger.watermark_text();
        // Checked before the plan creates the table again.
        refuse_lost_target(&scope.mapping, mark.as_deref(), described.target.as_ref())?;
        let mark = mark.filter(|_| scope.mapping.mode.has_windows());
        if let (Some(mark), true) = (&mark, described.target.as_ref().is_some_and(TargetSchema::is_empty)) {
            self.follow_lost_rows(&described, mark).await?;
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
}
