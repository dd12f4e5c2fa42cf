//! Drops the staging tables that dead runs of a mapping, or dead checks, left behind. They expire by themselves; until then they cost.

use chrono::Utc;

use super::run_id::{Try, is_dead_probe, staging_prefix};
use super::scope::{Halt, Scope};
use crate::domain::ids::TableId;
use crate::source::Source;
use crate::state::StateStore;
use crate::warehouse::Warehouse;

/// Under the lease no other run of the mapping, or of the part of its backfill, is alive: every staging table of that name
/// is a dead run's.
pub(super) async fn sweep<S: Source, W: Warehouse, T: StateStore>(scope: &Scope<S, W, T>) -> Result<(), Halt> {
    let Scope { ports, mapping, key, run, .. } = scope;
    let look = scope.leftovers.get_or_try_init(|| ports.warehouse.leftovers(&mapping.target));
    let found = match scope.unless_cancelled(look).await {
        // Rows are worth more than tidiness: what is wrong with BigQuery will show itself where it matters.
        Err(Halt::Fault(fault)) => {
            tracing::warn!(error = %fault, "leftover staging tables were not looked for; they expire by themselves");
            return Ok(());
        }
        found => found?,
    };
    let prefix = staging_prefix(key);
    let ours = Try { run, mapping: key, attempt: 0, step: 0 }.staging_stem();
    let now = Utc::now();
    let dead = |t: &&TableId| (t.table.starts_with(&prefix) && !t.table.starts_with(&ours)) || is_dead_probe(t, now);
    for table in found.iter().filter(dead) {
        match scope.unless_cancelled(ports.warehouse.drop_staging(table)).await {
            Ok(()) => tracing::info!(%table, "dropped a staging table that an earlier run had left behind"),
            Err(Halt::Fault(fault)) => tracing::warn!(%table, error = %fault, "a leftover staging table stays"),
            Err(halt) => return Err(halt),
        }
    }
    Ok(())
}
