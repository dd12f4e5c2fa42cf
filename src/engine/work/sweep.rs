//! Drops the staging tables that dead runs of a mapping, or dead checks, left behind. They expire by themselves, but
//! cost money until then.

use chrono::TimeDelta;

use super::Work;
use super::ids::is_dead_probe;
use super::scope::{Halt, Scope};
use crate::domain::ids::TableId;
use crate::engine::ports::Platform;
use crate::warehouse::Warehouse;

/// The longest that a run of another host may take. A run is stopped at its `deadline`, but other hosts may have set a
/// longer one.
const LONGEST_ELSEWHERE: TimeDelta = TimeDelta::hours(48);

impl<P: Platform> Work<'_, P> {
    /// Sweeps once in a run.
    pub(in crate::engine) async fn sweep(&mut self) -> Result<(), Halt> {
        if std::mem::replace(&mut self.tally.is_swept, true) {
            return Ok(());
        }
        // BigQuery may still carry out what a dead run has asked for: the next run looks again.
        self.tally.left_behind |= sweep(self.scope).await?;
        Ok(())
    }
}

/// Drops the staging tables of dead runs, and tells if there were any. Because of the lease, no other run is alive that
/// works on the mapping, or on this part of its backfill, under the same state.
pub(in crate::engine) async fn sweep<P: Platform>(scope: &Scope<P>) -> Result<bool, Halt> {
    let Scope { ports, mapping, run, .. } = scope;
    let of_dataset = scope.leftovers.beside(&mapping.target);
    let look = of_dataset.get_or_try_init(|| ports.warehouse.leftovers(&mapping.target));
    let found = match scope.unless_cancelled(look).await {
        // Moving rows matters more than cleaning up: a fault of BigQuery will show itself where it matters.
        Err(Halt::Fault(fault)) => {
            tracing::warn!(error = %fault, "leftover staging tables could not be listed; they expire by themselves");
            return Ok(false);
        }
        found => found?,
    };
    let now = ports.clock.now();
    let deadline = TimeDelta::from_std(ports.config.pace.deadline).unwrap_or(TimeDelta::MAX);
    let longest = deadline.checked_mul(2).unwrap_or(TimeDelta::MAX).max(LONGEST_ELSEWHERE);
    let owner = scope.owner();
    let dead = |table: &&TableId| owner.is_dead(table, run, now, longest) || is_dead_probe(table, now);
    let mut has_found = false;
    for table in found.iter().filter(dead) {
        has_found = true;
        match scope.unless_cancelled(ports.warehouse.drop_staging(table)).await {
            Ok(()) => tracing::info!(%table, "dropped a staging table that an earlier run had left behind"),
            Err(Halt::Fault(fault)) => {
                tracing::warn!(%table, error = %fault, "a leftover staging table could not be dropped");
            }
            Err(halt) => return Err(halt),
        }
    }
    Ok(has_found)
}
