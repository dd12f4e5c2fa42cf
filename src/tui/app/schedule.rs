//! The next scheduled run, counted down in the title.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Effect};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::Trigger;
use crate::engine::Command;
use crate::tui::model::RunLog;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl App {
    /// The engine is to run mappings when they are due. Without `bqsync schedule` nothing that was missed is made up: a
    /// console is opened to look, and that alone must not set a night's work off.
    pub(super) fn follow_schedule(&self, effects: &mut Vec<Effect>) {
        let any = self.facts.as_ref().is_some_and(|facts| facts.config.mappings.iter().any(|m| m.schedule.is_some()));
        if any && !self.read_only {
            effects.push(Effect::Send(Command::FollowSchedule { make_up: self.makes_up }));
        }
    }

    pub(super) fn run_scheduled(&mut self, at: DateTime<Utc>) {
        self.next_run = Some(at);
        self.timers.countdown_at = self.countdown_changes();
    }

    /// `12m`, once for the title; `None` when no run is scheduled or its time has come.
    #[must_use]
    pub fn countdown(&self) -> Option<(DateTime<Utc>, String)> {
        let at = self.next_run?;
        let left = at - self.now.utc;
        (left > TimeDelta::zero()).then(|| (at, words(left)))
    }

    /// When the countdown will read differently.
    pub(super) fn countdown_changes(&self) -> Option<Instant> {
        let left = self.next_run? - self.now.utc;
        let unit = TimeDelta::seconds(unit(left.num_seconds())).num_milliseconds();
        let stays = u64::try_from(left.num_milliseconds() % unit).ok().filter(|_| left > TimeDelta::zero())?;
        // It reads differently just after the full unit.
        Some(self.now.at + Duration::from_millis(stays + 1))
    }

    pub(super) fn run_started(
        &mut self,
        run: &RunId,
        trigger: Trigger,
        mappings: &[MappingName],
        effects: &mut Vec<Effect>,
    ) {
        self.runs.started(run, trigger);
        if self.look_began(run, trigger) {
            return;
        }
        for mapping in mappings {
            if let Some(row) = self.book.get_mut(mapping) {
                row.log = Some(RunLog::begin(run.clone(), trigger));
            }
            // Leaving waits for what was asked for, not for what comes due meanwhile.
            if trigger == Trigger::Schedule && self.leaving.is_some() {
                effects.push(Effect::Send(Command::Cancel(mapping.clone())));
            }
        }
    }

    /// Another process was quicker: what it does shows with the state.
    pub(super) fn mapping_left(&mut self, mapping: &MappingName, effects: &mut Vec<Effect>) {
        if let Some(row) = self.book.get_mut(mapping) {
            row.log = None;
        }
        self.watch_now(effects);
    }
}

/// The smaller of the two units that a stretch of so many seconds is told in.
const fn unit(seconds: i64) -> i64 {
    match seconds {
        ..MINUTE => 1,
        MINUTE..DAY => MINUTE,
        DAY.. => HOUR,
    }
}

/// Coarser than a duration that is over: it need not be drawn anew every second.
fn words(left: TimeDelta) -> String {
    let seconds = left.num_seconds();
    match seconds {
        ..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => format!("{}m", seconds / MINUTE),
        HOUR..DAY => format!("{}h{:02}m", seconds / HOUR, seconds % HOUR / MINUTE),
        DAY.. => format!("{}d{}h", seconds / DAY, seconds % DAY / HOUR),
    }
}
