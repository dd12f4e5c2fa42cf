//! Converts wall clocks of a zone to instants.
//!
//! Rule: a wall clock that a spring gap skips is read with the offset before the gap, so it moves forward by the gap's
//! length; one that an autumn overlap repeats is the earlier instant. Looking up a zone costs more than decoding the
//! cell, so days on which the offset never changes are remembered.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::temporal::MICROS_OF_DAY;

/// The number of remembered days: eleven years without a collision.
const SLOTS: usize = 4096;

/// A zone changes at most once within this time.
const STEP: TimeDelta = TimeDelta::minutes(15);
const STEPS_OF_DAY: usize = 96;

#[derive(Debug, Clone, Copy)]
enum Day {
    Unknown,
    /// The whole day has this offset, in microseconds east of UTC.
    Steady(i32, i64),
    /// The offset changes on this day.
    Mixed(i32),
}

/// Turns wall clocks of one zone into UTC.
#[derive(Debug)]
pub struct LocalZone {
    tz: Tz,
    days: Vec<Day>,
}

impl LocalZone {
    pub fn new(tz: Tz) -> Self {
        Self { tz, days: if tz == Tz::UTC { Vec::new() } else { vec![Day::Unknown; SLOTS] } }
    }

    /// A wall clock, given as days since 1970 and microseconds since midnight, as microseconds in UTC.
    pub fn utc_of(&mut self, day: i32, micros: i64) -> i64 {
        self.instant(day, micros).unwrap_or_else(|moved| moved)
    }

    /// The same, but `None` for a wall clock in a gap, which would become another one's instant.
    pub fn only_utc_of(&mut self, day: i32, micros: i64) -> Option<i64> {
        self.instant(day, micros).ok()
    }

    /// The instant; `Err`: the instant to which a wall clock in a gap is moved.
    fn instant(&mut self, day: i32, micros: i64) -> Result<i64, i64> {
        let local = i64::from(day) * MICROS_OF_DAY + micros;
        if self.days.is_empty() {
            return Ok(local);
        }
        let slot = day.rem_euclid(4096).unsigned_abs() as usize % SLOTS;
        match self.days[slot] {
            Day::Steady(known, offset) if known == day => Ok(local - offset),
            Day::Mixed(known) if known == day => self.mixed(local),
            _ => {
                self.days[slot] = self.survey(day);
                match self.days[slot] {
                    Day::Steady(_, offset) => Ok(local - offset),
                    _ => self.mixed(local),
                }
            }
        }
    }

    /// Finds out if one offset is in force from this day's midnight to the next.
    fn survey(&self, day: i32) -> Day {
        let Some(mut at) = naive(i64::from(day) * MICROS_OF_DAY) else { return Day::Mixed(day) };
        let mut steady: Option<i64> = None;
        for _ in 0..=STEPS_OF_DAY {
            let single = self.tz.offset_from_local_datetime(&at).single().map(|o| micros_east(&o));
            match (single, steady) {
                (Some(offset), None) => steady = Some(offset),
                (Some(offset), Some(known)) if offset == known => {}
                _ => return Day::Mixed(day),
            }
            at = at.checked_add_signed(STEP).unwrap_or(at);
        }
        steady.map_or(Day::Mixed(day), |offset| Day::Steady(day, offset))
    }

    fn mixed(&self, local: i64) -> Result<i64, i64> {
        let Some(mut at) = naive(local) else { return Ok(local) };
        match self.tz.offset_from_local_datetime(&at) {
            chrono::LocalResult::Single(offset) => Ok(local - micros_east(&offset)),
            // The earlier instant is the one with the offset further east.
            chrono::LocalResult::Ambiguous(a, b) => Ok(local - micros_east(&a).max(micros_east(&b))),
            chrono::LocalResult::None => {
                // Back to before the gap; the longest ever was a whole day (Samoa, 2011).
                for _ in 0..2 * STEPS_OF_DAY {
                    at = at.checked_sub_signed(STEP).unwrap_or(at);
                    match self.tz.offset_from_local_datetime(&at) {
                        chrono::LocalResult::Single(offset) => return Err(local - micros_east(&offset)),
                        chrono::LocalResult::Ambiguous(a, b) => {
                            return Err(local - micros_east(&a).min(micros_east(&b)));
                        }
                        chrono::LocalResult::None => {}
                    }
                }
                Err(local)
            }
        }
    }
}

fn naive(micros: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(micros).map(|at| at.naive_utc())
}

fn micros_east(offset: &impl Offset) -> i64 {
    i64::from(offset.fix().local_minus_utc()) * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cursor::Moment;
    use crate::source::mysql::decode::temporal::{days, micros_of_day};

    fn utc(zone: &mut LocalZone, wall: &str) -> String {
        let moment = Moment::parse(wall).unwrap();
        let micros = zone.utc_of(days(moment).unwrap(), micros_of_day(moment));
        Moment::from_naive(naive(micros).unwrap()).to_string()
    }

    #[test]
    fn a_wall_clock_in_a_gap_is_distinguished_from_the_one_it_is_moved_to() {
        let mut zone = LocalZone::new(chrono_tz::Europe::Berlin);
        let mut only = |wall: &str| {
            let moment = Moment::parse(wall).unwrap();
            zone.only_utc_of(days(moment).unwrap(), micros_of_day(moment))
        };
        assert_eq!(only("2026-03-29 02:30:00"), None);
        assert!(only("2026-03-29 03:30:00").is_some() && only("2026-10-25 02:30:00").is_some());
        assert!(only("2026-07-01 02:30:00").is_some());
    }

    #[test]
    fn a_wall_clock_in_a_gap_moves_forward_by_the_gap() {
        let mut zone = LocalZone::new(chrono_tz::America::New_York);
        assert_eq!(utc(&mut zone, "2026-03-08 01:59:59"), "2026-03-08 06:59:59");
        // 02:30 does not exist; at -05:00 it is 07:30 UTC, which is 03:30 local time that night.
        assert_eq!(utc(&mut zone, "2026-03-08 02:30:00"), "2026-03-08 07:30:00");
        assert_eq!(utc(&mut zone, "2026-03-08 03:00:00"), "2026-03-08 07:00:00");
    }

    #[test]
    fn a_wall_clock_in_an_overlap_is_the_earlier_instant() {
        let mut zone = LocalZone::new(chrono_tz::America::New_York);
        assert_eq!(utc(&mut zone, "2026-11-01 00:59:59"), "2026-11-01 04:59:59");
        assert_eq!(utc(&mut zone, "2026-11-01 01:30:00"), "2026-11-01 05:30:00");
        assert_eq!(utc(&mut zone, "2026-11-01 02:00:00"), "2026-11-01 07:00:00");
    }

    #[test]
    fn a_day_that_a_zone_skipped_is_read_with_the_offset_before() {
        let mut zone = LocalZone::new(chrono_tz::Pacific::Apia);
        assert_eq!(utc(&mut zone, "2011-12-29 23:00:00"), "2011-12-30 09:00:00");
        assert_eq!(utc(&mut zone, "2011-12-30 12:00:00"), "2011-12-30 22:00:00");
        assert_eq!(utc(&mut zone, "2011-12-31 00:00:00"), "2011-12-30 10:00:00");
    }

    #[test]
    fn random_wall_clocks_of_many_zones_agree_with_the_zone_database() {
        let zones = [
            chrono_tz::Europe::Berlin,
            chrono_tz::America::New_York,
            chrono_tz::Australia::Lord_Howe,
            chrono_tz::Asia::Kathmandu,
            chrono_tz::America::Sao_Paulo,
            chrono_tz::Africa::Casablanca,
            chrono_tz::UTC,
        ];
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for tz in zones {
            let mut zone = LocalZone::new(tz);
            for _ in 0..20_000 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                // 1901 to 2100, to the microsecond.
                let local = i64::try_from(random % 6_279_724_800_000_000).unwrap() - 2_177_452_800_000_000;
                let expected = match tz.from_local_datetime(&naive(local).unwrap()) {
                    chrono::LocalResult::Single(at) => at.timestamp_micros(),
                    chrono::LocalResult::Ambiguous(a, b) => a.timestamp_micros().min(b.timestamp_micros()),
                    chrono::LocalResult::None => continue,
                };
                let day = i32::try_from(local.div_euclid(MICROS_OF_DAY)).unwrap();
                assert_eq!(zone.utc_of(day, local.rem_euclid(MICROS_OF_DAY)), expected, "{tz} {local}");
            }
        }
    }
}
