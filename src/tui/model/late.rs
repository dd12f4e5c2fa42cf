//! Whether a mapping is late: a due time that no process ran for, or a lag of more than a day.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::schedule::{Schedule, Timetable};
use crate::engine::Lag;

/// How long a due run may wait for its turn behind others.
const GRACE: TimeDelta = TimeDelta::minutes(15);
/// More lag than a nightly run leaves, in seconds.
const DAY: i64 = 25 * 60 * 60;

#[derive(Debug)]
pub struct Lateness {
    timetable: Option<Timetable>,
    /// The last due time, and until when it is the last: with many mappings the calendar is not asked each time.
    due: Option<(DateTime<Utc>, DateTime<Utc>)>,
    words: Option<String>,
}

impl Lateness {
    pub(super) fn of(schedule: Option<&Schedule>) -> Self {
        Self { timetable: schedule.map(|schedule| schedule.timetable.clone()), due: None, words: None }
    }

    /// The words as of the last look.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// `ended`: the end of the last run. A mapping that has never run is new, not late.
    pub(super) fn judge(&mut self, ended: Option<DateTime<Utc>>, lag: Option<Lag>, now: DateTime<Utc>) {
        let missed = ended.zip(self.last_due(now - GRACE)).filter(|(ended, due)| ended < due);
        self.words = match (missed, lag) {
            (Some((_, due)), _) => Some(format!("late: due {}", due.format("%m-%d %H:%M"))),
            (None, Some(Lag::Seconds(seconds))) if seconds > DAY => Some("late: more than a day behind".to_owned()),
            (None, _) => None,
        };
    }

    fn last_due(&mut self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let timetable = self.timetable.as_ref()?;
        if let Some((due, _)) = self.due.filter(|(due, until)| *due <= moment && moment < *until) {
            return Some(due);
        }
        let due = timetable.latest_until(moment)?;
        self.due = timetable.next_after(moment).map(|until| (due, until));
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::model::samples::utc;

    fn late(ended: Option<DateTime<Utc>>, lag: Option<Lag>, now: DateTime<Utc>) -> Option<String> {
        let timetable = Timetable::parse("0 2 * * *", chrono_tz::UTC).unwrap();
        let mut lateness = Lateness::of(Some(&Schedule { timetable, catch_up: false }));
        lateness.judge(ended, lag, now);
        lateness.words().map(str::to_owned)
    }

    #[test]
    fn a_due_time_without_a_run_is_late_after_fifteen_minutes() {
        let before = Some(utc(1, 0, 0));
        assert_eq!(late(before, None, utc(2, 10, 0)), None, "it may wait behind others");
        assert_eq!(late(before, None, utc(2, 16, 0)).as_deref(), Some("late: due 11-23 02:00"));
        assert_eq!(late(Some(utc(2, 5, 0)), None, utc(2, 16, 0)), None);
        assert_eq!(late(None, None, utc(2, 16, 0)), None, "what has never run is new");
        let far = Some(Lag::Seconds(2 * 86_400));
        assert_eq!(late(Some(utc(2, 5, 0)), far, utc(3, 0, 0)).as_deref(), Some("late: more than a day behind"));
    }

    #[test]
    fn the_calendar_is_asked_again_when_the_next_due_time_has_come() {
        let timetable = Timetable::parse("0 * * * *", chrono_tz::UTC).unwrap();
        let mut lateness = Lateness::of(Some(&Schedule { timetable, catch_up: false }));
        let mut judged = |now| {
            lateness.judge(Some(utc(3, 5, 0)), None, now);
            lateness.words().map(str::to_owned)
        };
        assert_eq!(judged(utc(3, 40, 0)), None);
        assert_eq!(judged(utc(4, 20, 0)).as_deref(), Some("late: due 11-23 04:00"));
        assert_eq!(judged(utc(5, 20, 0)).as_deref(), Some("late: due 11-23 05:00"));
    }
}
