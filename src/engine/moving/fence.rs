//! Waits for the transactions that were open when the run's end was chosen: a row that such a transaction has stamped
//! becomes visible only when it commits.

use std::time::Duration;

use chrono::NaiveDateTime;
use tokio::time::Instant;

use crate::domain::config::Pace;
use crate::domain::fence::{Blind, OpenWrite, Sight, Writers, keep_open};
use crate::engine::ports::Platform;
use crate::engine::protocol::Event;
use crate::engine::work::Work;
use crate::engine::work::prepared::Prepared;
use crate::engine::work::scope::Halt;
use crate::source::Source;

/// A statement takes its first lock microseconds after its row was stamped. A look that begins this long after the
/// run's end was chosen finds the lock of every statement stamped before.
const TICK: Duration = Duration::from_millis(20);

/// The first wait between two looks: short enough for short transactions, long enough for a busy server.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const SLOWEST_LOOK: Duration = Duration::from_secs(2);

/// The result of a look at the open transactions.
#[derive(Debug)]
pub(in crate::engine) enum Fence {
    /// All transactions that were open have ended.
    Clear,
    /// The account may not see open transactions.
    Unseen,
    /// Some are still open; `words` name them and how to end them. `oldest`: when the first of them began, if the
    /// beginning of each one is known.
    Standing { oldest: Option<NaiveDateTime>, words: String },
}

/// How many of the open transactions the server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) struct Trust {
    /// The server shows every transaction that may still bring rows into the table.
    pub is_exact: bool,
}

impl<P: Platform> Work<'_, P> {
    /// Waits only for the transactions that are open now: later ones stamp their rows later.
    pub(in crate::engine) async fn fence(&self, prepared: &Prepared, pace: &Pace) -> Result<(Fence, Trust), Halt> {
        let scope = self.scope;
        // Rows of a view, or of a merged table, are written under the names of the underlying tables.
        let server = scope.mapping.source.server.as_ref();
        let table = Some(&scope.mapping.source)
            .filter(|_| !prepared.schemas.source.is_view && prepared.schemas.source.is_transactional);
        let first = async {
            tokio::time::sleep(TICK).await;
            scope.ports.source.writers(server, table).await
        };
        let Writers { sight, mut blind, at, mut open, .. } = scope.unless_cancelled(first).await?;
        blind.extend((!prepared.schemas.source.is_transactional).then_some(Blind::Engine));
        let trust = Trust { is_exact: sight != Sight::Nothing && blind.is_empty() };
        if sight == Sight::Nothing {
            return Ok((Fence::Unseen, trust));
        }
        let until = Instant::now() + pace.fence_timeout;
        let mut pause = FIRST_LOOK;
        let mut said = false;
        while let Some(oldest) = open.first() {
            if Instant::now() >= until {
                let all = open.iter().map(|write| write.since).collect::<Option<Vec<_>>>();
                let oldest = all.and_then(|since| since.into_iter().min());
                return Ok((Fence::Standing { oldest, words: words(&open) }, trust));
            }
            if !said {
                said = true;
                scope.emit(Event::FenceAwaited {
                    run: scope.run.clone(),
                    mapping: scope.mapping.name.clone(),
                    open: open.len(),
                    oldest: named(oldest),
                    patience_ms: u64::try_from(pace.fence_timeout.as_millis()).unwrap_or(u64::MAX),
                });
            }
            let look = async {
                tokio::time::sleep_until((Instant::now() + pause).min(until)).await;
                scope.ports.source.writers(server, table).await
            };
            let later = scope.unless_cancelled(look).await?;
            if later.sight == Sight::Nothing {
                return Ok((Fence::Unseen, Trust { is_exact: false }));
            }
            keep_open(&mut open, at, &later.open);
            pause = pause.mul_f32(1.5).min(SLOWEST_LOOK);
        }
        Ok((Fence::Clear, trust))
    }
}

/// An open write in words: `2026-11-23 07:59:58 UTC, connection 42`.
fn named(write: &OpenWrite) -> String {
    let since = write.since.map(|since| format!("{} UTC", since.format("%Y-%m-%d %H:%M:%S")));
    let who = write.thread.map_or("a prepared transaction".to_owned(), |thread| format!("connection {thread}"));
    since.into_iter().chain([who]).collect::<Vec<_>>().join(", ")
}

fn words(open: &[OpenWrite]) -> String {
    let Some(oldest) = open.iter().min_by_key(|write| (write.since.is_none(), write.since)) else {
        return String::new();
    };
    let since = oldest.since.map_or(String::new(), |since| format!(" since {} UTC", since.format("%Y-%m-%d %H:%M:%S")));
    let ends = match oldest.thread {
        Some(thread) => format!("connection {thread}; `KILL {thread}` ends it"),
        None => {
            "prepared by XA, without a connection; `XA RECOVER` lists it, `XA COMMIT` or `XA ROLLBACK` ends it".into()
        }
    };
    match open.len() {
        1 => format!("rows of a transaction that is open{since} ({ends})"),
        many => format!("rows of {many} open transactions (the oldest open{since}: {ends})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_the_connection_that_is_waited_for() {
        let since = Some(NaiveDateTime::default());
        let open = |thread| OpenWrite { since, thread: Some(thread), begun: None };
        assert_eq!(
            words(&[open(42)]),
            "rows of a transaction that is open since 1970-01-01 00:00:00 UTC (connection 42; `KILL 42` ends it)"
        );
        assert!(words(&[open(42), open(43)]).starts_with("rows of 2 open transactions"));
    }

    #[test]
    fn a_prepared_transaction_is_ended_by_xa_and_not_by_kill() {
        let prepared = OpenWrite { since: None, thread: None, begun: Some("7".into()) };
        let said = words(&[prepared]);
        assert!(said.contains("XA ROLLBACK") && !said.contains("KILL"), "{said}");
    }
}
