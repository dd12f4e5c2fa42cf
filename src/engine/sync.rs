//! One run of one mapping: the lease, the tries, the deadline, and what is remembered of it.

use super::ports::Platform;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};

use super::ledger::Ledger;
use super::protocol::{BackfillAsk, Phase};
use super::retries::with_retries;
use super::scope::{Halt, Scope};
use super::shared::{hold_parts, shard_of, share};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::report::{MappingReport, Outcome};
use crate::domain::shard::Shard;
use crate::failpoint::reached;
use crate::format;

/// What came of a mapping's place in a run.
pub(super) enum Synced {
    Ended(Box<MappingReport>),
    /// It was due, and the run is another process's: made by now, or, with `is_held`, perhaps being made.
    Left {
        is_held: bool,
        reason: String,
    },
}

/// Runs the mapping to its end, whatever that is.
pub(super) async fn sync_mapping<P: Platform>(scope: &Scope<P>) -> Synced {
    let mapping = &scope.mapping;
    let mut report = MappingReport::begin(
        mapping.name.clone(),
        mapping.mode,
        scope.run.clone(),
        mapping.source.to_string(),
        mapping.target.to_string(),
        Utc::now(),
    );
    let (began, due) = (Instant::now(), scope.due());
    if let Some(shared) = shard_of(scope).await {
        return Synced::Ended(Box::new(sync_shared(scope, report, began, shared).await));
    }
    let (mut ledger, parts) = match scope.in_phase(Phase::Lease, take(scope, &mut report)).await {
        Ok(taken) => taken,
        Err(Halt::Fault(fault)) if due.is_some() && fault.kind() == FaultKind::Conflict => {
            return Synced::Left { is_held: true, reason: fault.to_string() };
        }
        Err(halt) => {
            conclude(&mut report, Err(halt), began);
            return Synced::Ended(Box::new(report));
        }
    };
    // Under the lease nobody else can be about to run for it.
    if let Some(due) = due.filter(|due| ledger.has_run_for(*due)) {
        let reason = format!("another process has run it for {}", due.to_rfc3339_opts(SecondsFormat::Secs, true));
        return Synced::Left { is_held: false, reason };
    }
    report.watermark_before = ledger.watermark_text();
    let work = with_retries(scope, &mut ledger, &mut report);
    let ended = before_the_deadline(scope, work).await;
    report.watermark_after = ledger.watermark_text();
    conclude(&mut report, ended, began);
    drop(parts);
    reached("before_the_last_save");
    if !scope.task.is_remembered() {
        return Synced::Ended(Box::new(report));
    }
    let close = ledger.close(&report, scope.task.trigger(), due);
    let closed = if report.outcome == Outcome::Cancelled { in_short(close).await } else { close.await };
    if let Err(fault) = closed {
        report.fail(&fault);
    }
    Synced::Ended(Box::new(report))
}

/// The mapping's lease, and those of the parts of a shared backfill that has not ended.
async fn take<P: Platform>(scope: &Scope<P>, report: &mut MappingReport) -> Result<(Ledger<P>, Vec<Ledger<P>>), Halt> {
    let lease = Ledger::open(&scope.ports, &scope.mapping.name, &scope.run);
    let ledger = scope.unless_cancelled(lease).await?;
    let parts = hold_parts(scope, &ledger, report).await?;
    Ok((ledger, parts))
}

/// This process's share of a backfill, until all of it is done.
async fn sync_shared<P: Platform>(
    scope: &Scope<P>,
    mut report: MappingReport,
    began: Instant,
    shared: (&BackfillAsk, Shard),
) -> MappingReport {
    let ended = before_the_deadline(scope, share(scope, &mut report, shared)).await;
    let (ended, ledger) = match ended {
        Ok(ledger) => (Ok(()), Some(ledger)),
        Err(halt) => (Err(halt), None),
    };
    conclude(&mut report, ended, began);
    let is_cancelled = report.outcome == Outcome::Cancelled;
    reached("before_the_last_save");
    let close = async {
        let ledger = match ledger {
            Some(ledger) => ledger,
            None => Ledger::open(&scope.ports, &scope.mapping.name, &scope.run).await?,
        };
        report.watermark_before = ledger.watermark_text();
        report.watermark_after.clone_from(&report.watermark_before);
        ledger.close(&report, scope.task.trigger(), None).await
    };
    let closed = if is_cancelled { in_short(close).await } else { close.await };
    match closed {
        // Others of those who share it write there too; the report of the run is kept all the same.
        Err(fault) if fault.kind() == FaultKind::Conflict => {
            tracing::info!(error = %fault, "how this process ended is not written to the mapping's state");
        }
        Err(fault) => report.fail(&fault),
        Ok(()) => {}
    }
    report
}

/// Whoever cancels wants to leave; what the run is remembered by is not worth more waiting than this.
const LAST_WORD: Duration = Duration::from_secs(4);

async fn in_short(close: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    tokio::time::timeout(LAST_WORD, close).await.unwrap_or_else(|_| {
        Err(Fault::new(FaultKind::Transient, "How the run ended could not be written to the state in time")
            .with_hint("nothing was lost: what was published is known to the state or asked for by the next run"))
    })
}

fn conclude(report: &mut MappingReport, ended: Result<(), Halt>, began: Instant) {
    match ended {
        Ok(()) => report.outcome = Outcome::Ok,
        Err(Halt::Cancelled) => report.outcome = Outcome::Cancelled,
        Err(Halt::Waiting) => report.outcome = Outcome::Waiting,
        Err(Halt::Fault(fault)) => report.fail(&fault),
        Err(Halt::Drifted(what)) => report.fail(
            &Fault::new(FaultKind::Schema, what)
                .with_hint("run again once the changes to the table have come to their end; nothing was lost"),
        ),
    }
    // By a clock that is never set back.
    report.finish(Utc::now(), began.elapsed());
}

/// When the deadline passes, the work is stopped as an operator would stop it: at a safe point, keeping what is done.
async fn before_the_deadline<P: Platform, V>(
    scope: &Scope<P>,
    work: impl Future<Output = Result<V, Halt>>,
) -> Result<V, Halt> {
    let deadline = scope.ports.config.pace.deadline;
    let mut work = pin!(work);
    tokio::select! {
        ended = &mut work => return ended,
        () = tokio::time::sleep(deadline) => scope.cancel.cancel(),
    }
    match work.await {
        Err(Halt::Cancelled) => {
            let sentence =
                format!("The mapping's work had not ended after {} (`deadline`)", format::duration(deadline));
            Err(Fault::new(FaultKind::Transient, sentence)
                .with_hint(
                    "everything up to the watermark is in BigQuery, and the next run goes on from there; \
                            see in the log what it was waiting for, or set a longer `deadline`",
                )
                .into())
        }
        ended => ended,
    }
}
