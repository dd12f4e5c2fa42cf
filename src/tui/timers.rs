//! When what is asked again by itself is due.

use std::time::{Duration, Instant};

use crate::domain::config::{Config, StateLocation};

/// The state file is read in a moment, so other consoles' runs show up soon.
const WATCH_LOCAL: Duration = Duration::from_secs(5);
/// In Cloud Storage every look costs a request for each mapping.
const WATCH_GCS: Duration = Duration::from_secs(30);
/// Each mapping's lag is a query in MySQL.
const MEASURE: Duration = Duration::from_mins(1);
/// While something is wrong: recovery should show without a key.
const MEASURE_AGAIN: Duration = Duration::from_secs(10);
#[derive(Debug, Default)]
pub struct Timers {
    watch_every: Duration,
    pub watch_at: Option<Instant>,
    pub measure_at: Option<Instant>,
    /// Asked and not answered.
    pub measuring: bool,
    pub watching: bool,
    pub second_at: Option<Instant>,
    /// When the countdown to the next scheduled run reads differently.
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

    pub fn measured(&mut self, trouble: bool, now: Instant) {
        self.measuring = false;
        self.measure_at = Some(now + if trouble { MEASURE_AGAIN } else { MEASURE });
    }

    pub fn watched(&mut self, now: Instant) {
        self.watching = false;
        self.watch_at = Some(now + self.watch_every);
    }
}
