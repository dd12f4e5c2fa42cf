//! A server that has not been there for a while: of its mappings those that come later need not find that out by many tries.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A server that starts anew is back by then, and so is one whose place another has taken.
const WHILE: Duration = Duration::from_mins(1);

/// When it was first missed since it was last reached; of all connections to it.
#[derive(Debug, Default)]
pub struct Away(Mutex<Option<Instant>>);

impl Away {
    pub fn missed(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
    }

    /// It was there, whatever it said.
    pub fn reached(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Has nobody reached it for a while, although somebody tried?
    pub fn is_known(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|since| since.elapsed() >= WHILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_is_known_to_be_away_once_it_was_missed_for_a_while_and_until_it_is_reached() {
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
