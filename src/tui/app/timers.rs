//! What the console asks again by itself, and when, so that the screen is right without a key.

use std::time::{Duration, Instant};

use super::App;
use crate::tui::ask::Ask;
use crate::tui::model::Row;

/// Times, rates and countdowns change every second.
const SECOND: Duration = Duration::from_secs(1);

impl App {
    /// When `Msg::Tick` is due next; `None` while there is nothing to wait for.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        let notice = self.shared.notice.as_ref().and_then(|notice| notice.until);
        let second = self.moves().then_some(self.shared.timers.second_at.unwrap_or(self.shared.now.at));
        let asking = self.shared.has_engine();
        let watch = self.shared.timers.watch_at.filter(|_| asking && !self.shared.timers.watching);
        let measure = self.shared.timers.measure_at.filter(|_| asking && self.shared.timers.measuring.is_none());
        let files = self.shared.timers.files_at.filter(|_| self.watches_files());
        [notice, second, watch, measure, files, self.shared.timers.countdown_at].into_iter().flatten().min()
    }

    /// Tells if anything on the screen changes just because time passes.
    fn moves(&self) -> bool {
        self.shared.book.running() > 0
    }

    pub(super) fn tick(&mut self) {
        let now = self.shared.now.at;
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.shared.notice.as_ref().and_then(|notice| notice.until)) {
            self.shared.notice = None;
            self.shared.dirty = true;
        }
        if self.moves() && self.shared.timers.second_at.is_none_or(|at| at <= now) {
            self.shared.book.sample(self.shared.now);
            self.shared.timers.second_at = Some(now + SECOND);
            self.shared.dirty = true;
        }
        if due(self.shared.timers.countdown_at) {
            self.shared.timers.countdown_at = self.schedule.changes(self.shared.now);
            self.shared.dirty = true;
        }
        if due(self.shared.timers.files_at) && self.watches_files() {
            self.look_at_files();
        }
        if !self.shared.has_engine() {
            return;
        }
        if due(self.shared.timers.watch_at) && !self.shared.timers.watching {
            self.shared.timers.watching = true;
            self.shared.ask(Ask::Watch);
        }
        if due(self.shared.timers.measure_at) && self.shared.timers.measuring.is_none() {
            self.shared.measure(true);
        }
    }

    pub(super) fn measure_finished(&mut self) {
        let away = self.shared.book.rows.iter().any(Row::is_unanswered);
        self.shared.timers.measured(away, self.shared.now.at);
    }
}
