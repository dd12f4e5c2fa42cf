//! Dates, times and spans from the wire, with their length byte: a zero date has length 0 and is not NULL.
//!
//! Days are computed by arithmetic, because making a calendar object for each cell costs more than reading it.

use std::fmt::{self, Write};

use super::unfit::Unfit;
use crate::domain::cursor::Moment;
use crate::domain::report::Flaw;

pub const MICROS_OF_DAY: i64 = 86_400_000_000;

/// A DATE, DATETIME or TIMESTAMP; `None` for other bytes.
pub fn moment(raw: &[u8]) -> Option<Moment> {
    let (&length, body) = raw.split_first()?;
    if usize::from(length) != body.len() {
        return None;
    }
    let mut moment = Moment::default();
    match *body {
        [] => {}
        [y1, y2, month, day, ref clock @ ..] => {
            moment = Moment { year: u16::from_le_bytes([y1, y2]), month, day, ..moment };
            match *clock {
                [] => {}
                [hour, minute, second] => moment = Moment { hour, minute, second, ..moment },
                [hour, minute, second, a, b, c, d] => {
                    moment = Moment { hour, minute, second, micro: u32::from_le_bytes([a, b, c, d]), ..moment };
                }
                _ => return None,
            }
        }
        _ => return None,
    }
    (moment.hour < 24 && moment.minute < 60 && moment.second < 60 && moment.micro < 1_000_000).then_some(moment)
}

/// Days since 1970-01-01; a zero or impossible date is a flaw.
pub fn days(moment: Moment) -> Result<i32, Unfit> {
    let Moment { year, month, day, .. } = moment;
    if year == 0 || year > 9999 || day == 0 || day > days_of_month(year, month) {
        return Err(Unfit::Flaw(Flaw::InvalidDate));
    }
    // Years are counted from March, so that the leap day is a year's last day; 719,468 days lie between 0000-03-01 and
    // 1970-01-01.
    let shifted = i32::from(year) - i32::from(month <= 2);
    let (era, of_era) = (shifted / 400, shifted % 400);
    let from_march = (i32::from(month) + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + i32::from(day) - 1;
    Ok(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// The number of days; 0 for a month that does not exist.
const fn days_of_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Microseconds since midnight.
pub fn micros_of_day(moment: Moment) -> i64 {
    let seconds = i64::from(moment.hour) * 3600 + i64::from(moment.minute) * 60 + i64::from(moment.second);
    seconds * 1_000_000 + i64::from(moment.micro)
}

/// Writes a date such as `2026-11-23`.
pub fn write_date(out: &mut impl Write, moment: Moment) -> fmt::Result {
    write!(out, "{:04}-{:02}-{:02}", moment.year, moment.month, moment.day)
}

pub fn date_text(moment: Moment) -> String {
    let Moment { year, month, day, .. } = moment;
    format!("{year:04}-{month:02}-{day:02}")
}

/// Writes a wall clock such as `2026-11-23 08:00:00`, with `fsp` digits below the second.
pub fn write_wall(out: &mut impl Write, moment: Moment, fsp: u8) -> fmt::Result {
    write_date(out, moment)?;
    write!(out, " {:02}:{:02}:{:02}", moment.hour, moment.minute, moment.second)?;
    write_fraction(out, moment.micro, fsp)
}

fn write_fraction(out: &mut impl Write, micro: u32, fsp: u8) -> fmt::Result {
    match fsp {
        0 => Ok(()),
        n => write!(out, ".{:0width$}", micro / 10_u32.pow(6 - u32::from(n.min(6))), width = usize::from(n.min(6))),
    }
}

/// A TIME: up to 838 hours, positive or negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    negative: bool,
    hours: u32,
    minute: u8,
    second: u8,
    micro: u32,
}

impl Span {
    /// `None` for bytes that are not a TIME.
    pub fn read(raw: &[u8]) -> Option<Self> {
        let (&length, body) = raw.split_first()?;
        if usize::from(length) != body.len() {
            return None;
        }
        let micro = match *body {
            [] => return Some(Self { negative: false, hours: 0, minute: 0, second: 0, micro: 0 }),
            [_, _, _, _, _, _, _, _] => 0,
            [_, _, _, _, _, _, _, _, a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            _ => return None,
        };
        let days = u32::from_le_bytes([body[1], body[2], body[3], body[4]]);
        let hours = days.checked_mul(24)?.checked_add(u32::from(body[5]))?;
        Some(Self { negative: body[0] != 0, hours, minute: body[6], second: body[7], micro })
    }

    /// Tells if the span is a time of day.
    pub const fn within_a_day(self) -> bool {
        let zero = self.hours == 0 && self.minute == 0 && self.second == 0 && self.micro == 0;
        self.hours < 24 && (!self.negative || zero)
    }

    /// Writes `-838:59:59`, with `fsp` digits below the second.
    pub fn write(self, out: &mut impl Write, fsp: u8) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        write!(out, "{sign}{:02}:{:02}:{:02}", self.hours, self.minute, self.second)?;
        write_fraction(out, self.micro, fsp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(raw: &[u8], fsp: u8) -> String {
        let mut text = String::new();
        write_wall(&mut text, moment(raw).unwrap(), fsp).unwrap();
        text
    }

    fn span(raw: &[u8], fsp: u8) -> String {
        let mut text = String::new();
        Span::read(raw).unwrap().write(&mut text, fsp).unwrap();
        text
    }

    #[test]
    fn every_length_of_a_date_and_time_is_read() {
        assert_eq!(wall(&[0], 0), "0000-00-00 00:00:00");
        assert_eq!(wall(&[4, 0xea, 7, 11, 23], 0), "2026-11-23 00:00:00");
        assert_eq!(wall(&[7, 0xea, 7, 11, 23, 8, 5, 9], 3), "2026-11-23 08:05:09.000");
        assert_eq!(wall(&[11, 0xea, 7, 11, 23, 8, 5, 9, 0x40, 0xe2, 1, 0], 6), "2026-11-23 08:05:09.123456");
        assert_eq!(wall(&[11, 0xea, 7, 11, 23, 8, 5, 9, 0x40, 0xe2, 1, 0], 2), "2026-11-23 08:05:09.12");
        for raw in [&[][..], &[4, 1], &[5, 1, 2, 3, 4, 5], &[7, 0xea, 7, 11, 23, 24, 0, 0]] {
            assert_eq!(moment(raw), None, "{raw:?}");
        }
    }

    #[test]
    fn days_agree_with_the_calendar_from_the_year_1_to_9999() {
        let epoch = chrono::NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let mut date = chrono::NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        let end = chrono::NaiveDate::from_ymd_opt(9999, 12, 31).unwrap();
        while date <= end {
            let moment = Moment::from_naive(date.and_hms_opt(0, 0, 0).unwrap());
            assert_eq!(days(moment).map(i64::from), Ok((date - epoch).num_days()), "{date}");
            let Some(next) = date.succ_opt() else { break };
            date = next;
        }
    }

    #[test]
    fn zero_and_impossible_dates_are_flaws() {
        for text in ["0000-00-00", "2024-00-10", "2024-01-00", "2024-02-30", "2023-02-29", "1900-02-29", "0000-01-01"] {
            assert_eq!(days(Moment::parse(text).unwrap()), Err(Unfit::Flaw(Flaw::InvalidDate)), "{text}");
        }
    }

    #[test]
    fn spans_keep_sign_days_and_fraction() {
        assert_eq!(span(&[0], 0), "00:00:00");
        assert_eq!(span(&[8, 1, 34, 0, 0, 0, 22, 59, 59], 0), "-838:59:59");
        assert_eq!(span(&[12, 1, 0, 0, 0, 0, 0, 0, 0, 0x20, 0xa1, 7, 0], 1), "-00:00:00.5");
        assert!(Span::read(&[8, 0, 0, 0, 0, 0, 23, 59, 59]).unwrap().within_a_day());
        assert!(!Span::read(&[8, 1, 0, 0, 0, 0, 0, 0, 1]).unwrap().within_a_day());
        assert!(!Span::read(&[8, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap().within_a_day());
        assert_eq!(Span::read(&[4, 1, 2, 3, 4]), None);
    }
}
