//! Finds out how a publish ended that an earlier process had sent, before anything new is done.

use super::Work;
use super::scope::Halt;
use crate::domain::ids::JobId;
use crate::domain::replacement::Replacement;
use crate::engine::ports::Platform;
use crate::engine::protocol::Event;
use crate::failpoint::reached;
use crate::state::Moves;
use crate::warehouse::{JobFate, Warehouse};

impl<P: Platform> Work<'_, P> {
    /// Adopts or forgets the pending publish, and drops its staging table.
    ///
    /// A job that BigQuery does not know may still be on its way. Without its staging table it has nothing to publish,
    /// so BigQuery is asked once more after the table is gone. If the job carries its rows itself, its id is taken
    /// instead.
    ///
    /// Gives the job if it had happened.
    pub(in crate::engine) async fn recover(&mut self) -> Result<Option<JobId>, Halt> {
        let scope = self.scope;
        let Some(pending) = self.ledger.pending().cloned() else { return Ok(None) };
        let warehouse = &scope.ports.warehouse;
        let ask = || scope.unless_cancelled(warehouse.fate(&pending.job, &pending.place, pending.mark.as_deref()));
        let first = ask().await?;
        if !pending.inline {
            scope.unless_cancelled(warehouse.drop_staging(&pending.staging)).await?;
        }
        let fate = match first {
            JobFate::Unknown if pending.inline => {
                let forestall = warehouse.forestall(&pending.job, &pending.place, pending.mark.as_deref());
                scope.unless_cancelled(forestall).await?
            }
            JobFate::Unknown => ask().await?,
            JobFate::Done(_) | JobFate::Failed(_) => first,
        };
        let counts = match fate {
            JobFate::Done(counts) => {
                self.tally.rows += pending.rows;
                // A query that writes a whole table reports no count of rows.
                self.tally.inserted += if pending.moves == Moves::Replace { pending.rows } else { counts.inserted };
                self.tally.updated += counts.updated;
                self.tally.cost.add(counts.cost);
                self.tally.jobs.push(pending.job.clone());
                if pending.moves == Moves::Replace {
                    let target = &scope.mapping.target;
                    let described = scope.unless_cancelled(warehouse.describe(target)).await?;
                    let condition = described.and_then(|target| target.partitioning?.condition(""));
                    let began = counts.began_at();
                    self.tally.replaced =
                        Some(Replacement::of(target, pending.rows, None, began, condition.as_deref()));
                }
                Some(counts)
            }
            JobFate::Failed(fault) => {
                tracing::info!(job = %pending.job, error = %fault, "the earlier publish had failed");
                None
            }
            JobFate::Unknown => None,
        };
        reached("fate_known");
        match &counts {
            Some(counts) => self.ledger.adopt_pending(counts).await?,
            None => self.ledger.drop_pending().await?,
        }
        scope.emit(Event::PublishRecovered {
            run: scope.run.clone(),
            mapping: scope.mapping.name.clone(),
            job: pending.job.clone(),
            done: counts.is_some(),
        });
        Ok(counts.map(|_| pending.job))
    }
}
