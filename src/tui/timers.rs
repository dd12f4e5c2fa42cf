//! When the console repeats a question by itself.

use std::time::{Duration, Instant};

use crate::domain::config::{Config, StateLocation};

/// The state file is read in a moment, so other consoles' runs show up soon.
const WATCH_LOCAL: Duration = Duration::from_secs(5);
/// In Cloud Storage every look costs a request for each mapping.
const WATCH_GCS: Duration = Duration::from_secs(30);
/// Each mapping's lag is a query in MySQL, so it is asked for no more often than this.
const MEASURE_LEAST: Duration = Duration::from_secs(15);
/// The longest wait, so that a recovery shows without a key.
const MEASURE_MOST: Duration = Duration::from_mins(2);
/// A server that takes long is busy, or has many mappings: the wait is this many times as long as the answer took.
const SHARE: u32 = 10;

/// The files are looked at as often as the state, so that an idle console wakes no more often. A change is taken up
/// when a second look finds it unchanged.
const LOOK: Duration = WATCH_LOCAL;

#[derive(Debug, Default)]
pub struct Timers {
    watch_every: Duration,
    pub watch_at: Option<Instant>,
    pub measure_at: Option<Instant>,
    /// When the question about all mappings was asked; `None` while none is open.
    pub measuring: Option<Instant>,
    /// The wait before the next question, which grows while the server is away.
    measure_every: Duration,
    was_away: bool,
    pub watching: bool,
    pub second_at: Option<Instant>,
    /// When the files are looked at again; `None` during a look.
    pub files_at: Option<Instant>,
    /// When the words of the countdown to the next scheduled run change.
    pub countdown_at: Option<Instant>,
}

impl Timers {
    pub fn opened(&mut self, config: &Config, now: Instant) {
        self.watch_every = match config.state {
            StateLocation::Local(_) => WATCH_LOCAL,
            StateLocation::Gcs { .. } => WATCH_GCS,
        };
        self.watch_at = Some(now + self.watch_every);
        self.watching = true;
        self.measure_at = None;
    }

    /// Sets the next look after the files were read or looked at.
    pub fn looked(&mut self, now: Instant) {
        self.files_at = Some(now + LOOK);
    }

    pub fn measures(&mut self, now: Instant) {
        self.measuring = Some(now);
    }

    /// Sets the next question after the answers came. `away`: a server did not answer.
    pub fn measured(&mut self, away: bool, now: Instant) {
        let took = self.measuring.take().map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let wait = match (away, self.was_away) {
            (true, true) => self.measure_every * 2,
            (true, false) => MEASURE_LEAST,
            (false, _) => took * SHARE,
        };
        self.was_away = away;
        self.measure_every = wait.clamp(MEASURE_LEAST, MEASURE_MOST);
        self.measure_at = Some(now + self.measure_every);
    }

    pub fn watched(&mut self, now: Instant) {
        self.watching = false;
        self.watch_at = Some(now + self.watch_every);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits between looks that take the given numbers of seconds.
    fn waits(away: bool, took: &[u64]) -> Vec<u64> {
        let (mut timers, mut now) = (Timers::default(), Instant::now());
        let mut wait = |took: &u64| {
            timers.measures(now);
            now += Duration::from_secs(*took);
            timers.measured(away, now);
            let wait = timers.measure_at.unwrap() - now;
            now += wait;
            wait.as_secs()
        };
        took.iter().map(&mut wait).collect()
    }

    #[test]
    fn a_server_is_asked_every_fifteen_seconds_and_less_often_while_it_is_slow_or_away() {
        assert_eq!(waits(false, &[0, 1, 3, 40, 0]), [15, 15, 30, 120, 15]);
        assert_eq!(waits(true, &[0, 0, 0, 0, 0]), [15, 30, 60, 120, 120]);
        let mut timers = Timers { measure_every: MEASURE_MOST, ..Timers::default() };
        let now = Instant::now();
        timers.measured(true, now);
        assert_eq!(timers.measure_at, Some(now + MEASURE_LEAST), "what has just gone away may soon be back");
    }
}
