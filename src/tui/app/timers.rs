//! What is asked again by itself, and when: so that the screen is right without a key.

use std::time::{Duration, Instant};

use super::{App, Effect};
use crate::domain::config::{Config, StateLocation};
use crate::engine::{Command, Selection};
use crate::tui::model::Word;

/// The state file is read in a moment, so other consoles' runs show up soon.
const WATCH_LOCAL: Duration = Duration::from_secs(5);
/// In Cloud Storage every look costs a request for each mapping.
const WATCH_GCS: Duration = Duration::from_secs(30);
/// Each mapping's lag is a query in MySQL.
const MEASURE: Duration = Duration::from_mins(1);
/// While something is wrong: recovery should show without a key.
const MEASURE_AGAIN: Duration = Duration::from_secs(10);
/// Times, rates and countdowns move by the second.
const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Timers {
    watch_every: Duration,
    watch_at: Option<Instant>,
    measure_at: Option<Instant>,
    /// Asked and not answered.
    pub measuring: bool,
    pub watching: bool,
    second_at: Option<Instant>,
    /// When the countdown to the next scheduled run reads differently.
    pub countdown_at: Option<Instant>,
}

impl Timers {
    pub(super) fn opened(&mut self, config: &Config, now: Instant) {
        self.watch_every = match config.state {
            StateLocation::Local(_) => WATCH_LOCAL,
            StateLocation::Gcs { .. } => WATCH_GCS,
        };
        self.watch_at = Some(now + self.watch_every);
        self.watching = true;
        self.measure_at = None;
    }

    pub(super) fn measured(&mut self, trouble: bool, now: Instant) {
        self.measuring = false;
        self.measure_at = Some(now + if trouble { MEASURE_AGAIN } else { MEASURE });
    }

    pub(super) fn watched(&mut self, now: Instant) {
        self.watching = false;
        self.watch_at = Some(now + self.watch_every);
    }
}

impl App {
    /// When `Msg::Tick` is due next; `None` while there is nothing to wait for.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        let notice = self.notice.as_ref().and_then(|notice| notice.until);
        let second = self.moves().then_some(self.timers.second_at.unwrap_or(self.now.at));
        let asking = self.facts.is_some();
        let watch = self.timers.watch_at.filter(|_| asking && !self.timers.watching);
        let measure = self.timers.measure_at.filter(|_| asking && !self.timers.measuring);
        [notice, second, watch, measure, self.timers.countdown_at].into_iter().flatten().min()
    }

    /// Does anything on the screen change by time alone?
    fn moves(&self) -> bool {
        self.book.running() > 0
    }

    pub(super) fn tick(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.at;
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.notice.as_ref().and_then(|notice| notice.until)) {
            self.notice = None;
            self.dirty = true;
        }
        if self.moves() && self.timers.second_at.is_none_or(|at| at <= now) {
            self.book.sample(self.now);
            self.timers.second_at = Some(now + SECOND);
            self.dirty = true;
        }
        if due(self.timers.countdown_at) {
            self.timers.countdown_at = self.countdown_changes();
            self.dirty = true;
        }
        if self.facts.is_none() {
            return;
        }
        if due(self.timers.watch_at) && !self.timers.watching {
            self.timers.watching = true;
            effects.push(Effect::Send(Command::Watch));
        }
        if due(self.timers.measure_at) && !self.timers.measuring {
            self.timers.measuring = true;
            effects.push(Effect::Send(Command::Measure(Selection::All)));
        }
    }

    pub(super) fn measure_finished(&mut self) {
        let trouble = self.book.rows.iter().any(|row| row.word() == Word::Error);
        self.timers.measured(trouble, self.now.at);
    }

    pub(super) fn watch_answered(&mut self) {
        self.timers.watched(self.now.at);
    }

    /// The state has just changed: look at once.
    pub(super) fn watch_now(&mut self, effects: &mut Vec<Effect>) {
        if !self.timers.watching {
            self.timers.watching = true;
            effects.push(Effect::Send(Command::Watch));
        }
    }
}
