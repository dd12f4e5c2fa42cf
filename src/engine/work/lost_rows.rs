//! A watermark that promises more than the target holds: no incremental run reads again what is missing below it.

use super::Work;
use super::prepared::stretch;
use super::scope::{Halt, Task};
use crate::domain::check::anew::forgetting;
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::TablePlan;
use crate::domain::quote;
use crate::domain::table_shard::TableShard;
use crate::domain::window::{Low, Window};
use crate::engine::ports::{Described, Platform, Ports};
use crate::source::Source;

impl<P: Platform> Work<'_, P> {
    /// Judges a target that holds no row of the mapping, although its rows up to the watermark should be there. A note
    /// says that somebody has emptied a whole table. For a shard that was taken out and came back, the fault says how
    /// to load the rows again.
    pub(in crate::engine) async fn follow_lost_rows(&mut self, described: &Described, mark: &str) -> Result<(), Halt> {
        let scope = self.scope;
        let (ports, mapping) = (&scope.ports, &scope.mapping);
        let Some(shard) = &mapping.shard else {
            let option = quote::shell_option("--mapping", &mapping.name.0);
            self.note(format!(
                "{} holds no rows, although the watermark is {mark}: if they are missing, `bqsync verify --repair {option}` \
                 brings them back",
                mapping.target
            ));
            return Ok(());
        };
        // If there is no plan, the run says so itself.
        let planned = described.plan(ports, mapping, SchemaAdditions::Deny, self.ledger.decisions());
        let Ok(planned) = planned else { return Ok(()) };
        if scope.unless_cancelled(has_rows_up_to(ports, mapping, &planned.table, mark)).await? {
            let fault = lost(mapping, shard, mark);
            match scope.task {
                Task::Sync { .. } | Task::Scheduled { .. } if !loses_rows_by_itself(&planned.table) => {
                    return Err(fault.into());
                }
                // This task brings the rows, or they have expired.
                _ => self.note(fault.to_string()),
            }
        }
        Ok(())
    }
}

/// The same check for questions that change nothing; `plan`: the plan for the target as it is.
///
/// # Errors
/// `Conflict`, with the next step.
pub(in crate::engine) async fn refuse_lost_rows<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    plan: &TablePlan,
    mark: Option<&str>,
) -> Result<(), Fault> {
    let (Some(shard), Some(mark)) = (&mapping.shard, mark.filter(|_| mapping.mode.has_windows())) else {
        return Ok(());
    };
    let target = ports.describe_target(mapping).await?;
    let is_empty = target.is_some_and(|target| target.is_empty());
    if is_empty && !loses_rows_by_itself(plan) && has_rows_up_to(ports, mapping, plan, mark).await? {
        return Err(lost(mapping, shard, mark));
    }
    Ok(())
}

/// Tells if MySQL holds a row that the watermark says is in BigQuery.
async fn has_rows_up_to<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    plan: &TablePlan,
    mark: &str,
) -> Result<bool, Fault> {
    let Some(cursor) = plan.cursor else { return Ok(false) };
    // A watermark that does not suit the column is reported where it is read.
    let Ok(high) = Cursor::parse(mark, cursor.kind) else { return Ok(false) };
    let first = mapping.backfill_start.as_deref().and_then(|text| Cursor::parse(text, cursor.kind).ok());
    let low = first.map_or(Low::Beginning, Low::From);
    let ask = stretch(&mapping.source, plan, cursor, Window { low, high });
    Ok(ports.source.step_end(&ask, 1).await?.is_some())
}

/// Tells if rows go by themselves, because partitions expire.
fn loses_rows_by_itself(plan: &TablePlan) -> bool {
    plan.partitioning.as_ref().is_some_and(|by| by.life.is_some())
}

fn lost(mapping: &Mapping, shard: &TableShard, mark: &str) -> Fault {
    let Mapping { name, target, .. } = mapping;
    let sentence = format!(
        "The watermark of `{name}` says that rows up to {mark} are in {target}, which holds none of them ({})",
        shard.condition("")
    );
    Fault::new(FaultKind::Conflict, sentence).with_hint(format!(
        "if they are to be loaded again: `{}`; else put the rows back in BigQuery",
        forgetting(name)
    ))
}
