//! When a run is due: five cron fields in a time zone.

use std::str::FromStr;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;

/// When a mapping is due, and what happens to a due time that no process served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub timetable: Timetable,
    /// A due time that passed while no scheduler ran is made up once.
    pub catch_up: bool,
}

/// A cron line in its zone.
///
/// A fixed time (`30 2 * * *`) that a clock change skips is due once the clock has changed; one that a clock change
/// repeats is due once. A line with an interval (`*/10 * * * *`) keeps its interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    line: String,
    timezone: Tz,
    cron: Cron,
}

/// The moment after which a line must fire at least once. Any fixed moment serves: lines repeat within 28 years or
/// never.
const TRIAL_START: DateTime<Utc> = DateTime::UNIX_EPOCH;

impl Timetable {
    /// Reads the line.
    ///
    /// # Errors
    /// A sentence that says what to write instead, if the line is not a schedule.
    pub fn parse(line: &str, timezone: Tz) -> Result<Self, String> {
        if line.split_whitespace().count() != 5 {
            return Err("write five fields: minute hour day month weekday, such as `0 2 * * *`".to_owned());
        }
        let cron = Cron::from_str(line).map_err(|error| format!("{error}; an example is `0 2 * * *`"))?;
        let timetable = Self { line: line.to_owned(), timezone, cron };
        match timetable.next_after(TRIAL_START) {
            Some(_) => Ok(timetable),
            None => Err("no day of any year matches it, so it would never run".to_owned()),
        }
    }

    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    #[must_use]
    pub const fn timezone(&self) -> Tz {
        self.timezone
    }

    /// The first due time after a moment; `None` beyond the calendar's end.
    #[must_use]
    pub fn next_after(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.cron.find_next_occurrence(&self.local(moment)?, false).ok()?;
        Some(next.with_timezone(&Utc))
    }

    /// The last due time up to a moment, that moment included; `None` before the calendar's beginning.
    #[must_use]
    pub fn latest_until(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let latest = self.cron.find_previous_occurrence(&self.local(moment)?, true).ok()?;
        Some(latest.with_timezone(&Utc))
    }

    /// Due times are whole seconds; a fraction would make a moment seem later than a due time in the same second.
    fn local(&self, moment: DateTime<Utc>) -> Option<DateTime<Tz>> {
        Some(moment.duration_trunc(TimeDelta::seconds(1)).ok()?.with_timezone(&self.timezone))
    }
}

#[cfg(test)]
mod tests;
