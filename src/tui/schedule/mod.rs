//! The next scheduled run, with a countdown in the title.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::engine::Command;
use crate::format;
use crate::tui::model::Now;
use crate::tui::shared::Shared;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

#[derive(Debug, Default)]
pub struct Schedule {
    /// Missed runs are made up.
    pub makes_up: bool,
    next_run: Option<DateTime<Utc>>,
}

impl Schedule {
    /// Orders the engine to run mappings when they are due. Without `bqsync schedule` missed runs are not made up:
    /// opening a console to look must not start a night's work.
    pub fn follow(&mut self, shared: &mut Shared) {
        self.next_run = None;
        let any = shared.facts.as_ref().is_some_and(|facts| facts.config.mappings.iter().any(|m| m.schedule.is_some()));
        if any && !shared.read_only {
            shared.send(Command::FollowSchedule { make_up: self.makes_up });
        }
    }

    pub fn run_scheduled(&mut self, at: DateTime<Utc>, shared: &mut Shared) {
        self.next_run = Some(at);
        shared.timers.countdown_at = self.changes(shared.now);
    }

    pub const fn left(&mut self) {
        self.next_run = None;
    }

    /// The countdown for the title, such as `12 min`; `None` if no run is scheduled or its time has come.
    #[must_use]
    pub fn countdown(&self, now: Now) -> Option<(DateTime<Utc>, String)> {
        let at = self.next_run?;
        let left = at - now.utc;
        (left > TimeDelta::zero()).then(|| (at, words(left)))
    }

    /// When the countdown's words will change.
    #[must_use]
    pub fn changes(&self, now: Now) -> Option<Instant> {
        let left = self.next_run? - now.utc;
        let unit = TimeDelta::seconds(unit(left.num_seconds())).num_milliseconds();
        let stays = u64::try_from(left.num_milliseconds() % unit).ok().filter(|_| left > TimeDelta::zero())?;
        // The words change just after the full unit.
        Some(now.at + Duration::from_millis(stays + 1))
    }
}

/// The smaller of the two units in which this many seconds are shown.
const fn unit(seconds: i64) -> i64 {
    match seconds {
        ..MINUTE => 1,
        MINUTE..DAY => MINUTE,
        DAY.. => HOUR,
    }
}

/// The time left, coarser than a past duration: it need not be drawn anew every second.
fn words(left: TimeDelta) -> String {
    let seconds = left.num_seconds();
    let shown = seconds - seconds % unit(seconds);
    format::duration(Duration::from_secs(u64::try_from(shown).unwrap_or(0)))
}
