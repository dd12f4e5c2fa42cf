//! Repeats a mapping's work, or a part of it, until it is done or its error allows no further attempt.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::domain::retry::RetryNote;
use crate::engine::ports::Platform;
use crate::engine::work::Work;
use crate::engine::work::scope::Halt;
use crate::retry::next_wait;

/// After this many drifts a run gives up: a table that keeps being altered while it is read is left to a quieter hour.
const MOST_DRIFTS: u32 = 3;

impl<P: Platform> Work<'_, P> {
    /// Retries as the fault's policy says. If rows were published meanwhile, the count of tries begins anew.
    pub(super) async fn with_retries(&mut self) -> Result<(), Halt> {
        let scope = self.scope;
        let (mut failures, mut drifts) = (0, 0);
        loop {
            let (attempt, steps) = (self.tally.attempt(), self.tally.steps);
            scope.progress.update(|p| p.attempt = attempt);
            // Boxed without naming the type, so that the compiler need not look through the nested futures of every
            // step.
            let work: Pin<Box<dyn Future<Output = Result<(), Halt>> + Send + '_>> = Box::pin(self.attempt());
            let ended = work.await;
            if self.tally.steps > steps {
                (failures, drifts) = (0, 0);
            }
            let (because, wait, absent) = match ended {
                Err(Halt::Fault(fault)) => {
                    failures += 1;
                    let is_given_up = fault.absent().is_some_and(|absent| absent.is_given_up);
                    let tries = fault.kind().policy().mapping.filter(|_| !is_given_up);
                    let Some(wait) = tries.and_then(|tries| next_wait(tries, failures, fault.retry_after())) else {
                        return Err(Halt::Fault(fault));
                    };
                    (fault.to_string(), wait, fault.absent().map(|absent| absent.server.clone()))
                }
                Err(Halt::Drifted(what)) if drifts < MOST_DRIFTS => {
                    drifts += 1;
                    (what, Duration::ZERO, None)
                }
                ended => return ended,
            };
            let operation = "the mapping's work".to_owned();
            scope.announce(RetryNote { operation, attempt: attempt + 1, wait, because, absent });
            tokio::select! {
                () = scope.hold.cancel.cancelled() => return Err(Halt::Cancelled),
                () = tokio::time::sleep(scope.ports.patience.of(wait)) => {}
            }
            self.tally.failed_attempts += 1;
        }
    }
}
