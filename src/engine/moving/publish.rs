//! Publishes staged rows: the state notes the publish before it is sent; it is confirmed before the watermark moves.

use std::sync::Arc;

use super::turn::{StagedStep, Turn};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::JobId;
use crate::domain::publish::PublishKind;
use crate::domain::window::Published;
use crate::engine::ports::Platform;
use crate::engine::protocol::Event;
use crate::engine::work::Work;
use crate::engine::work::ids::Try;
use crate::engine::work::prepared::Schemas;
use crate::engine::work::scope::Halt;
use crate::failpoint::reached;
use crate::state::{Moves, PendingPublish};
use crate::warehouse::{JobFate, PublishCounts, PublishOrder, Sent, Staged, Warehouse, Within};

/// A publish that belongs to no window.
pub(super) struct Own {
    /// The word for the operation in the job's name.
    pub operation: &'static str,
    pub kind: PublishKind,
    pub moves: Moves,
    /// What is published; these words become part of the job's name.
    pub moved: String,
    pub high: String,
    /// The rows to count if the publish turns out to have happened.
    pub rows: u64,
    pub within: Option<Within>,
}

impl<P: Platform> Work<'_, P> {
    /// Sends the publish and waits for its end; the state remembers it before it is sent.
    pub(in crate::engine) async fn publish(
        &mut self,
        schemas: &Schemas,
        step: &StagedStep<'_>,
    ) -> Result<(Published, JobId), Halt> {
        let mut turn = Turn::first(&self.ledger, self.scope.mapping.mode, step);
        loop {
            let job = turn.job();
            let counts = match self.send_publish(schemas, step, &turn).await {
                Ok(Sent::Done(counts)) => Some(counts),
                Ok(Sent::Taken(other)) => {
                    self.give_way(&mut turn, other).await?;
                    None
                }
                Err(Halt::Fault(fault)) if turn.kind == PublishKind::Copy && fault.kind() == FaultKind::Schema => {
                    self.instead_of_copy(&mut turn, &fault).await?
                }
                Err(halt) => return Err(halt),
            };
            if let Some(counts) = counts {
                self.ledger.note_published(&counts, turn.version(), turn.next());
                return Ok((published(step, counts), job));
            }
        }
    }

    /// Sends an INSERT instead of a copy job that failed. The copy job's own rules are only partly documented; an
    /// INSERT does the same for the price of a scan. It is sent only once the copy is known not to have happened.
    async fn instead_of_copy(&self, turn: &mut Turn<'_>, fault: &Fault) -> Result<Option<PublishCounts>, Halt> {
        let scope = self.scope;
        let (copy, mark) = (turn.job(), turn.mark());
        match scope.unless_cancelled(scope.ports.warehouse.fate(&copy, &scope.place(), Some(&mark))).await? {
            JobFate::Done(counts) => Ok(Some(counts)),
            JobFate::Failed(_) | JobFate::Unknown => {
                scope.warn(format!("the copy job was refused ({fault}); the rows are inserted instead"));
                turn.instead(PublishKind::Insert);
                Ok(None)
            }
        }
    }

    /// Drops what the step staged. The rows are safe whether this succeeds or not.
    pub(in crate::engine) async fn drop_staged(&mut self, staged: &Staged) {
        if staged.inline.is_none() {
            self.tally.left_behind |= !self.scope.clean_up(&staged.table).await;
        }
    }

    async fn send_publish(&mut self, schemas: &Schemas, step: &StagedStep<'_>, turn: &Turn<'_>) -> Result<Sent, Halt> {
        let scope = self.scope;
        let (job, mark) = (turn.job(), turn.mark());
        let pending = PendingPublish {
            job: job.clone(),
            place: scope.place(),
            staging: step.staged.table.clone(),
            inline: step.staged.inline.is_some(),
            mark: Some(mark.clone()),
            moves: step.moves,
            since: self.ledger.stands_at(step.moves),
            high: step.window.high.to_string(),
            rows: step.staged.rows,
        };
        let order = PublishOrder {
            mapping: scope.mapping.name.clone(),
            job,
            mark,
            kind: turn.kind,
            target: scope.mapping.target.clone(),
            plan: Arc::clone(&schemas.plan),
            staged: step.staged.clone(),
            within: None,
        };
        self.send(pending, order).await
    }

    /// Sends a publish under the name of its own attempt, which no other publish can have.
    pub(super) async fn publish_own(
        &mut self,
        schemas: &Schemas,
        attempt: Try<'_>,
        staged: &Staged,
        own: Own,
    ) -> Result<PublishCounts, Halt> {
        let scope = self.scope;
        let (name, target) = (&scope.mapping.name, &scope.mapping.target);
        let Own { operation, kind, moves, moved, high, rows, within } = own;
        let (job, mark) = (attempt.job(operation, target, &moved), attempt.mark(&staged.table, 0));
        let pending = PendingPublish {
            job: job.clone(),
            place: scope.place(),
            staging: staged.table.clone(),
            inline: staged.inline.is_some(),
            mark: Some(mark.clone()),
            moves,
            since: self.ledger.stands_at(moves),
            high,
            rows,
        };
        let order = PublishOrder {
            mapping: name.clone(),
            job: job.clone(),
            mark,
            kind,
            target: target.clone(),
            plan: Arc::clone(&schemas.plan),
            staged: staged.clone(),
            within,
        };
        match self.send(pending, order).await? {
            Sent::Done(counts) => {
                self.tally.jobs.push(job);
                Ok(counts)
            }
            Sent::Taken(_) => Err(Fault::new(
                FaultKind::Bug,
                format!("The publish of `{name}` found its job id taken by another publish"),
            )
            .into()),
        }
    }

    /// Notes a publish in the state, sends it, and waits for its end.
    pub(super) async fn send(&mut self, pending: PendingPublish, order: PublishOrder) -> Result<Sent, Halt> {
        let scope = self.scope;
        refuse_whole(&order)?;
        if let Err(fault) = self.ledger.note_pending(pending).await {
            // The publish is noted nowhere: if another process holds the state by now, no later run of this process
            // drops the staging table.
            self.drop_staged(&order.staged).await;
            return Err(fault.into());
        }
        reached("pending_noted");
        let sent = scope.in_patience(&order.job, scope.ports.warehouse.publish(&order)).await?;
        let Sent::Done(counts) = sent else { return Ok(sent) };
        reached("published");
        scope.emit(Event::Published {
            run: scope.run.clone(),
            mapping: scope.mapping.name.clone(),
            job: order.job,
            inserted: counts.inserted,
            updated: counts.updated,
            bytes_billed: counts.cost.billed,
        });
        Ok(sent)
    }
}

/// Refuses to replace all rows of a table that several shards share; that would remove the other shards' rows.
fn refuse_whole(order: &PublishOrder) -> Result<(), Fault> {
    if order.plan.shard.is_none() || !matches!(order.kind, PublishKind::Replace | PublishKind::Copy) {
        return Ok(());
    }
    let sentence = format!(
        "A publish of `{}` was about to replace {} as a whole, although other shards share it",
        order.mapping, order.target
    );
    Err(Fault::new(FaultKind::Bug, sentence))
}

fn published(step: &StagedStep<'_>, counts: PublishCounts) -> Published {
    Published { high: step.window.high, inserted: counts.inserted, updated: counts.updated, cost: counts.cost }
}
