//! Says whom a command waits for, if the answer takes longer than a person expects.

use std::future::Future;
use std::time::Duration;

use super::printer::Printer;

/// A server nearby answers sooner.
const SOON: Duration = Duration::from_secs(1);

/// Waits for an answer; after a second, a line on stderr names the server.
pub async fn waited_for<T>(server: &str, answer: impl Future<Output = T>, printer: Printer) -> T {
    let mut answer = std::pin::pin!(answer);
    if let Ok(answer) = tokio::time::timeout(SOON, &mut answer).await {
        return answer;
    }
    printer.note(&format!("waiting for MySQL at {server}; Ctrl-C ends it"));
    answer.await
}
