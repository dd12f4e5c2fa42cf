//! One run of one mapping: the lease, the attempts, the deadline, and the record that remains.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use chrono::SecondsFormat;

use super::report::{Began, Marks, report};
use super::shared::shard_of;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::report::{MappingReport, Outcome};
use crate::domain::shard::Shard;
use crate::engine::ports::Platform;
use crate::engine::protocol::{BackfillAsk, Phase};
use crate::engine::work::Work;
use crate::engine::work::ledger::Ledger;
use crate::engine::work::scope::{Halt, Scope};
use crate::engine::work::tally::Tally;
use crate::failpoint::reached;
use crate::format;

/// How a mapping's place in a run ended.
pub(super) enum Synced {
    Ended(Box<MappingReport>),
    /// The mapping was due, but the run is another process's: already made, or, with `is_held`, perhaps being made.
    Left {
        is_held: bool,
        reason: String,
    },
}

/// Runs the mapping to its end, whatever the end is.
pub(super) async fn sync_mapping<P: Platform>(scope: &Scope<P>) -> Synced {
    let (began, due) = (Began::now(scope), scope.due());
    if let Some((ask, shard)) = shard_of(scope).await {
        return Synced::Ended(Box::new(sync_shared(scope, began, ask, shard).await));
    }
    let mut tally = Tally::default();
    let (ledger, parts) = match scope.in_phase(Phase::Lease, take(scope, &mut tally)).await {
        Ok(taken) => taken,
        Err(Halt::Fault(fault)) if due.is_some() && fault.kind() == FaultKind::Conflict => {
            return Synced::Left { is_held: true, reason: fault.to_string() };
        }
        Err(halt) => {
            return Synced::Ended(Box::new(report(scope, began, tally, Marks::default(), &Err(halt))));
        }
    };
    // Under the lease no other process can be about to run for it.
    if let Some(due) = due.filter(|due| ledger.has_run_for(*due)) {
        let reason = format!("another process has run it for {}", due.to_rfc3339_opts(SecondsFormat::Secs, true));
        return Synced::Left { is_held: false, reason };
    }
    let before = ledger.state().complete_to(scope.mapping.mode);
    let mut work = Work { scope, ledger, tally: &mut tally };
    let ended = before_the_deadline(scope, work.with_retries()).await;
    let ledger = work.ledger;
    let marks = Marks { before, after: ledger.state().complete_to(scope.mapping.mode) };
    let mut report = report(scope, began, tally, marks, &ended);
    drop(parts);
    reached("before_the_last_save");
    if !scope.task.is_remembered() {
        return Synced::Ended(Box::new(report));
    }
    let close = ledger.close(&report, scope.task.trigger(), due);
    if let Err(fault) = in_short_if_cancelled(report.outcome, close).await {
        report.fail(&fault);
    }
    Synced::Ended(Box::new(report))
}

/// Takes the mapping's lease, and the leases of the parts of a shared backfill that has not ended.
async fn take<P: Platform>(scope: &Scope<P>, tally: &mut Tally) -> Result<(Ledger<P>, Vec<Ledger<P>>), Halt> {
    let lease = Ledger::open(&scope.ports, &scope.mapping.name, &scope.run);
    let ledger = scope.unless_cancelled(lease).await?;
    let parts = scope.hold_parts(&ledger, tally).await?;
    Ok((ledger, parts))
}

/// Does this process's share of a backfill, until all of it is done.
async fn sync_shared<P: Platform>(scope: &Scope<P>, began: Began, ask: &BackfillAsk, shard: Shard) -> MappingReport {
    let mut tally = Tally::default();
    let ended = before_the_deadline(scope, scope.share(&mut tally, ask, shard)).await;
    let (ended, ledger) = match ended {
        Ok(ledger) => (Ok(()), Some(ledger)),
        Err(halt) => (Err(halt), None),
    };
    let mut report = report(scope, began, tally, Marks::default(), &ended);
    reached("before_the_last_save");
    let outcome = report.outcome;
    let close = async {
        let ledger = match ledger {
            Some(ledger) => ledger,
            None => Ledger::open(&scope.ports, &scope.mapping.name, &scope.run).await?,
        };
        report.watermark_before = ledger.watermark_text();
        report.watermark_after.clone_from(&report.watermark_before);
        ledger.close(&report, scope.task.trigger(), None).await
    };
    match in_short_if_cancelled(outcome, close).await {
        // Another process of the share writes there too; the run's report is kept all the same.
        Err(fault) if fault.kind() == FaultKind::Conflict => {
            tracing::info!(error = %fault, "how this process ended is not written to the mapping's state");
        }
        Err(fault) => report.fail(&fault),
        Ok(()) => {}
    }
    report
}

/// How long saving a run's record may take after a cancel, since the operator wants to leave.
const LAST_WORD: Duration = Duration::from_secs(4);

async fn in_short_if_cancelled(outcome: Outcome, close: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    if outcome != Outcome::Cancelled {
        return close.await;
    }
    tokio::time::timeout(LAST_WORD, close).await.unwrap_or_else(|_| {
        Err(Fault::new(FaultKind::Transient, "How the run ended could not be written to the state in time")
            .with_hint("run again: the next run finds out what was published, and continues from there"))
    })
}

/// Runs the work until the deadline. When it passes, the work stops as if an operator had stopped it: at a safe point,
/// keeping what is done.
async fn before_the_deadline<P: Platform, V>(
    scope: &Scope<P>,
    work: impl Future<Output = Result<V, Halt>>,
) -> Result<V, Halt> {
    let deadline = scope.ports.config.pace.deadline;
    let mut work = pin!(work);
    tokio::select! {
        ended = &mut work => return ended,
        () = tokio::time::sleep(deadline) => scope.hold.cancel.cancel(),
    }
    match work.await {
        Err(Halt::Cancelled) => {
            let sentence =
                format!("The mapping's work had not ended after {} (`deadline`)", format::duration(deadline));
            Err(Fault::new(FaultKind::Transient, sentence)
                .with_hint(
                    "see in the log what it was waiting for, or set a longer `deadline`; the next run continues from the watermark",
                )
                .into())
        }
        ended => ended,
    }
}
