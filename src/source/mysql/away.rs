//! Remembers that a server has been away for a while, so that nothing is tried again until it answers: neither calls nor
//! the mappings' whole work.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A server that restarts is back within this time, and so is one that another has replaced.
const WHILE: Duration = Duration::from_mins(1);

/// When the server was missed since it was last reached, over all connections to it.
#[derive(Debug, Default)]
pub struct Away(Mutex<Option<Missed>>);

#[derive(Debug, Clone, Copy)]
struct Missed {
    first: Instant,
    last: Instant,
}

impl Away {
    /// Records that nobody answered. Between two misses that lie far apart the server may have been back, and nobody
    /// asked: the second one begins anew.
    pub fn missed(&self) {
        let last = Instant::now();
        let mut missed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first =
            missed.filter(|before| last.duration_since(before.last) <= WHILE).map_or(last, |before| before.first);
        *missed = Some(Missed { first, last });
    }

    /// Records that the server answered, whatever the answer was.
    pub fn reached(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Tells if nobody has reached it for a while, although somebody tried again and again.
    pub fn is_known(&self) -> bool {
        let missed = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        missed.is_some_and(|Missed { first, last }| last.duration_since(first) >= WHILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_counts_as_away_from_a_minute_of_failures_until_it_answers() {
        let away = Away::default();
        away.missed();
        assert!(!away.is_known(), "a moment");
        tokio::time::advance(WHILE).await;
        away.missed();
        assert!(away.is_known());
        away.reached();
        away.missed();
        assert!(!away.is_known(), "it was there in between");
    }

    #[tokio::test(start_paused = true)]
    async fn a_blip_an_hour_after_an_outage_is_only_a_blip() {
        let away = Away::default();
        away.missed();
        tokio::time::advance(WHILE).await;
        away.missed();
        assert!(away.is_known());
        tokio::time::advance(60 * WHILE).await;
        away.missed();
        assert!(!away.is_known(), "nobody asked in between");
    }
}
