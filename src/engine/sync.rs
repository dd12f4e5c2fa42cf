//! One run of one mapping: the lease, the tries, the deadline, and what is remembered of it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};

use super::attempt::attempt;
use super::ledger::Ledger;
use super::protocol::Phase;
use super::scope::{Halt, Scope};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::report::{MappingReport, Outcome};
use crate::domain::retry::RetryNote;
use crate::failpoint::reached;
use crate::format;
use crate::retry::next_wait;
use crate::source::Source;
use crate::state::StateStore;
use crate::warehouse::Warehouse;

/// A table that is altered again and again while it is read is left to a quieter hour.
const MOST_DRIFTS: u32 = 3;

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
pub(super) async fn sync_mapping<S: Source, W: Warehouse, T: StateStore>(scope: &Scope<S, W, T>) -> Synced {
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
    let lease = Ledger::open(&*scope.ports.state, &mapping.name, &scope.run);
    let mut ledger = match scope.in_phase(Phase::Lease, scope.unless_cancelled(lease)).await {
        Ok(ledger) => ledger,
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
    let ended = before_the_deadline(scope, &mut ledger, &mut report).await;
    report.watermark_after = ledger.watermark_text();
    conclude(&mut report, ended, began);
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
async fn before_the_deadline<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    ledger: &mut Ledger<'_, T>,
    report: &mut MappingReport,
) -> Result<(), Halt> {
    let deadline = scope.ports.config.pace.deadline;
    let mut work = pin!(with_retries(scope, ledger, report));
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

/// Tries again as the fault's policy says. What was published meanwhile counts: the patience begins anew.
async fn with_retries<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    ledger: &mut Ledger<'_, T>,
    report: &mut MappingReport,
) -> Result<(), Halt> {
    let (mut failures, mut drifts) = (0, 0);
    loop {
        let (tries, steps) = (report.attempts, report.steps);
        scope.progress.update(|p| p.attempt = tries);
        // Without a name for its type, the compiler need not look through every step's future inside every other's.
        let work: Pin<Box<dyn Future<Output = Result<(), Halt>> + Send + '_>> =
            Box::pin(attempt(scope, ledger, report));
        let ended = work.await;
        if report.steps > steps {
            (failures, drifts) = (0, 0);
        }
        let (because, wait) = match ended {
            Err(Halt::Fault(fault)) => {
                failures += 1;
                let tries = fault.kind().policy().mapping;
                let Some(wait) = tries.and_then(|tries| next_wait(tries, failures, fault.retry_after())) else {
                    return Err(Halt::Fault(fault));
                };
                (fault.to_string(), wait)
            }
            Err(Halt::Drifted(what)) if drifts < MOST_DRIFTS => {
                drifts += 1;
                (what, Duration::ZERO)
            }
            ended => return ended,
        };
        let operation = "the mapping's work".to_owned();
        scope.announce(RetryNote { operation, attempt: tries + 1, wait, because });
        tokio::select! {
            () = scope.cancel.cancelled() => return Err(Halt::Cancelled),
            () = tokio::time::sleep(scope.ports.patience.of(wait)) => {}
        }
        report.attempts += 1;
    }
}
