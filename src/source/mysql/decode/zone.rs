//! Wall clocks of a zone as instants.
//!
//! Rule: a wall clock that a spring gap leaves out is read with the offset in force before the gap, so it moves
//! forward by the gap's length; one that an autumn overlap has twice is the earlier instant. Looking a zone up costs
//! more than decoding the cell, so the days on which the offset never changes are remembered.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::temporal::MICROS_OF_DAY;

/// Days that are remembered: eleven years without a collision.
const SLOTS: usize = 4096;

/// Zones change at most once within this time.
const STEP: TimeDelta = TimeDelta::minutes(15);
const STEPS_OF_DAY: usize = 96;

#[derive(Debug, Clone, Copy)]
enum Day {
    Unknown,
    /// The whole day has this offset, in microseconds east of UTC.
    Steady(i32, i64),
    /// Something changes on this day.
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

    /// Microseconds in UTC of a wall clock, given as its days since 1970 and microseconds since midnight.
    pub fn utc_of(&mut self, day: i32, micros: i64) -> i64 {
        self.instant(day, micros).unwrap_or_else(|moved| moved)
    }

    /// The same, where a wall clock of a gap is refused: it would become the instant of another one.
    pub fn only_utc_of(&mut self, day: i32, micros: i64) -> Option<i64> {
        self.instant(day, micros).ok()
    }

    /// `Err`: the instant that a wall clock of a gap is moved to.
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

    /// Is one offset in force from this day's midnight to the next?
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
            // The earlier instant is the one further east.
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
    fn a_wall_clock_of_a_gap_is_told_from_the_one_it_is_moved_to() {
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
        // 02:30 does not exist; with -05:00 it is 07:30 UTC, which that night is called 03:30.
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
    fn a_day_that_a_zone_left_out_is_read_with_the_offset_before() {
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
