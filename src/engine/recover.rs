//! Finds out what became of a publish that an earlier process had sent, before anything new is done.

use super::ledger::Ledger;
use super::ports::Platform;
use super::protocol::Event;
use super::scope::{Halt, Scope};
use crate::domain::report::MappingReport;
use crate::failpoint::reached;
use crate::warehouse::{JobFate, Warehouse};

/// Adopts or forgets the pending publish, and drops its staging table.
///
/// A job that BigQuery does not know may still be on its way there: without its staging table it has nothing to
/// publish, so it is asked after once more when the table is gone.
pub(super) async fn recover<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
) -> Result<(), Halt> {
    let Some(pending) = ledger.pending().cloned() else { return Ok(()) };
    let warehouse = &scope.ports.warehouse;
    let ask = || scope.unless_cancelled(warehouse.fate(&pending.job, &pending.place, pending.mark.as_deref()));
    let first = ask().await?;
    scope.unless_cancelled(warehouse.drop_staging(&pending.staging)).await?;
    let fate = if matches!(first, JobFate::Unknown) { ask().await? } else { first };
    let counts = match fate {
        JobFate::Done(counts) => {
            report.records_processed += pending.rows;
            report.rows_inserted += counts.inserted;
            report.rows_updated += counts.updated;
            report.charge(counts.cost);
            report.jobs.push(pending.job.clone());
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
        Some(counts) => ledger.adopt_pending(counts).await?,
        None => ledger.drop_pending().await?,
    }
    scope.emit(Event::PublishRecovered {
        run: scope.run.clone(),
        mapping: scope.mapping.name.clone(),
        job: pending.job,
        done: counts.is_some(),
    });
    Ok(())
}
