//! How long a check waits for one answer.

use std::future::Future;
use std::time::Duration;

use crate::domain::fault::{Fault, FaultKind};

/// The longest wait for one question. A server that is up answers within a second or two, a job of BigQuery within ten.
pub(in crate::engine::answers) const LONGEST: Duration = Duration::from_secs(30);

/// Waits for an answer for a limited time. `what` failed if none came, for example `Asking MySQL`.
pub(in crate::engine::answers) async fn within<V>(
    what: &str,
    answer: impl Future<Output = Result<V, Fault>>,
) -> Result<V, Fault> {
    tokio::time::timeout(LONGEST, Box::pin(answer)).await.unwrap_or_else(|_| {
        let sentence = format!("{what} failed: no answer within {} s", LONGEST.as_secs());
        Err(Fault::new(FaultKind::Transient, sentence)
            .with_hint("see that the service is up and that a firewall lets this machine through"))
    })
}
