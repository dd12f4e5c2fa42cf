//! When the screen may be drawn: at most fifteen times a second, and a key never waits behind progress.

use std::time::{Duration, Instant};

/// How many draws may follow one another at once.
const BURST: u32 = 3;
/// The time for one more draw: with the burst, fifteen draws in any second.
const REFILL: Duration = Duration::from_millis(1000 / 12);

/// A bucket of draws. Progress always leaves one in it for the next key.
#[derive(Debug)]
pub struct Pacer {
    left: u32,
    refilled: Instant,
}

impl Pacer {
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self { left: BURST, refilled: now }
    }

    /// Tells if drawing is allowed now; if not, gives the time from which it is.
    pub fn ask(&mut self, now: Instant, by_key: bool) -> Result<(), Instant> {
        while self.left < BURST && now.saturating_duration_since(self.refilled) >= REFILL {
            self.left += 1;
            self.refilled += REFILL;
        }
        let needed = if by_key { 1 } else { 2 };
        if self.left >= needed {
            if self.left == BURST {
                self.refilled = now;
            }
            self.left -= 1;
            Ok(())
        } else {
            Err(self.refilled + REFILL * (needed - self.left))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_drawn_at_most_fifteen_times_a_second() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start);
        let drawn: Vec<Instant> = (0..3_000)
            .map(|ms| start + Duration::from_millis(ms))
            .filter(|now| pacer.ask(*now, true).is_ok())
            .collect();
        for window in drawn.windows(16) {
            assert!(window[15] - window[0] >= Duration::from_secs(1));
        }
        assert!(drawn.len() > 30, "{}", drawn.len());
    }

    #[test]
    fn a_key_is_drawn_at_once_while_progress_floods() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start);
        for ms in 0..1_000 {
            let now = start + Duration::from_millis(ms);
            let _ = pacer.ask(now, false);
            if ms % 200 == 199 {
                assert_eq!(pacer.ask(now, true), Ok(()), "at {ms}");
            }
        }
    }
}
