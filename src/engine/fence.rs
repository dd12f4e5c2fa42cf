//! Waits for the transactions that were open when a run's end was chosen: a row that one of them has stamped is seen
//! only once it commits.

use std::time::Duration;

use chrono::NaiveDateTime;
use tokio::time::Instant;

use super::protocol::Event;
use super::scope::{Halt, Scope};
use crate::domain::config::Pace;
use crate::source::{OpenWrite, OpenWrites, Source};
use crate::state::StateStore;
use crate::warehouse::Warehouse;

/// Often enough for the short ones, seldom enough for a busy server.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const SLOWEST_LOOK: Duration = Duration::from_secs(2);

/// What stands between the rows and a run.
#[derive(Debug)]
pub(super) enum Fence {
    /// Whatever was open has ended.
    Clear,
    /// The account may not look.
    Unseen,
    /// Some are still open; `words` name them and how to end them.
    Standing { oldest: NaiveDateTime, words: String },
}

/// Those that begin later stamp their rows later, so only the ones that are open now are waited for.
pub(super) async fn fence<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    pace: &Pace,
) -> Result<Fence, Halt> {
    let OpenWrites::Seen(mut open) = scope.unless_cancelled(scope.ports.source.open_writes()).await? else {
        return Ok(Fence::Unseen);
    };
    let until = Instant::now() + pace.fence_timeout;
    let mut pause = FIRST_LOOK;
    let mut said = false;
    while let Some(oldest) = open.first() {
        if Instant::now() >= until {
            return Ok(Fence::Standing { oldest: oldest.since, words: words(&open) });
        }
        if !said {
            said = true;
            scope.emit(Event::FenceAwaited {
                run: scope.run.clone(),
                mapping: scope.mapping.name.clone(),
                open: open.len(),
                oldest: format!("{} UTC, connection {}", oldest.since.format("%Y-%m-%d %H:%M:%S"), oldest.thread),
                patience_ms: u64::try_from(pace.fence_timeout.as_millis()).unwrap_or(u64::MAX),
            });
        }
        let look = async {
            tokio::time::sleep_until((Instant::now() + pause).min(until)).await;
            scope.ports.source.open_writes().await
        };
        let OpenWrites::Seen(now) = scope.unless_cancelled(look).await? else { return Ok(Fence::Unseen) };
        open.retain(|was| now.iter().any(|is| is.thread == was.thread && is.id == was.id));
        pause = pause.mul_f32(1.5).min(SLOWEST_LOOK);
    }
    Ok(Fence::Clear)
}

fn words(open: &[OpenWrite]) -> String {
    let Some(oldest) = open.first() else { return String::new() };
    let (since, thread) = (oldest.since.format("%Y-%m-%d %H:%M:%S"), oldest.thread);
    match open.len() {
        1 => {
            format!("rows of a transaction that is open since {since} UTC (connection {thread}; KILL {thread} ends it)")
        }
        many => format!(
            "rows of {many} open transactions (the oldest since {since} UTC, connection {thread}; KILL {thread} ends it)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_is_told_which_connection_stands_in_the_way() {
        let since = NaiveDateTime::default();
        let open = |thread| OpenWrite { since, thread, id: "7".into() };
        assert!(
            words(&[open(42)]).contains("a transaction that is open since 1970-01-01 00:00:00 UTC (connection 42;")
        );
        assert!(words(&[open(42), open(43)]).starts_with("rows of 2 open transactions"));
    }
}
