//! Remembers that a server has been away for a while, so that nothing is tried again until it answers: neither calls nor
//! the mappings' whole work.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A server that restarts is back within this time, and so is one that another has replaced.
const WHILE: Duration = Duration::from_mins(1);

/// When the server was first missed since it was last reached, over all connections to it.
#[derive(Debug, Default)]
pub struct Away(Mutex<Option<Instant>>);

impl Away {
    pub fn missed(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
    }

    /// Records that the server answered, whatever the answer was.
    pub fn reached(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Tells if nobody has reached it for a while, although somebody tried.
    pub fn is_known(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|since| since.elapsed() >= WHILE)
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
}
