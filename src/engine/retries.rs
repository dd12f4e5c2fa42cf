//! Tries at a mapping's work, or at a part of it, until it is done or its trouble has no further try.

use super::ports::Platform;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::attempt::attempt;
use super::ledger::Ledger;
use super::scope::{Halt, Scope};
use crate::domain::report::MappingReport;
use crate::domain::retry::RetryNote;
use crate::retry::next_wait;

/// A table that is altered again and again while it is read is left to a quieter hour.
const MOST_DRIFTS: u32 = 3;

/// Tries again as the fault's policy says. What was published meanwhile counts: the patience begins anew.
pub(super) async fn with_retries<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
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
