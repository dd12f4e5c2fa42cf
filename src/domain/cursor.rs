//! The value of an incremental column, in the source's own terms.
//!
//! A moment is kept as the fields that MySQL stores, not as an instant: MySQL compares wall clocks and stores dates
//! that no calendar has, and the watermark must compare as the server does.

use std::fmt;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::fault::{Fault, FaultKind};

/// A date and time as MySQL stores it, possibly zero or a 31st of February. It has no zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub micro: u32,
}

/// A value of the incremental column; ordered as the source orders it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cursor {
    /// Any integer column; `i128` holds both signs of 64 bits.
    Int(i128),
    /// DATE, DATETIME or TIMESTAMP (the latter in UTC).
    Moment(Moment),
}

/// What an incremental column holds, which decides how its text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorKind {
    Int,
    /// `fsp`: digits below the second; `zone`: the zone of the wall clock, UTC for a TIMESTAMP.
    DateTime {
        fsp: u8,
        zone: Tz,
    },
    Date,
}

impl Cursor {
    /// Orders two values of the same column; `None` when they are of different kinds.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Moment(a), Self::Moment(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// The greater of two values of the same column; `self` when they are of different kinds.
    #[must_use]
    pub fn max_of(self, other: Self) -> Self {
        if self.compare(&other) == Some(std::cmp::Ordering::Less) { other } else { self }
    }

    /// The end of the day, if `text` names only a day and the column holds times of day.
    #[must_use]
    pub fn day_end_of(self, text: &str, kind: CursorKind) -> Self {
        match (self, kind) {
            (Self::Moment(day), CursorKind::DateTime { .. }) if text.trim().len() == "2026-11-23".len() => {
                Self::Moment(Moment { hour: 23, minute: 59, second: 59, micro: 999_999, ..day })
            }
            _ => self,
        }
    }

    /// Reads a value from the state file, `backfill_start` or the source.
    ///
    /// # Errors
    /// `Config` when the text is not of that kind.
    pub fn parse(text: &str, kind: CursorKind) -> Result<Self, Fault> {
        let parsed = match kind {
            CursorKind::Int => text.trim().parse().ok().map(Self::Int),
            CursorKind::Date => Moment::parse(text).map(Self::Moment),
            CursorKind::DateTime { zone, .. } => Moment::parse_in(text, zone).map(Self::Moment),
        };
        parsed.ok_or_else(|| {
            let wanted = match kind {
                CursorKind::Int => "a whole number",
                CursorKind::Date => "a date such as 2026-11-23",
                CursorKind::DateTime { .. } => "a date and time such as 2026-11-23 08:00:00 or 2026-11-23T08:00:00Z",
            };
            Fault::new(FaultKind::Config, format!("`{text}` is not {wanted}"))
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            Self::Moment(moment) => write!(f, "{moment}"),
        }
    }
}

impl Moment {
    /// The fields of a calendar date and time.
    #[must_use]
    pub fn from_naive(at: chrono::NaiveDateTime) -> Self {
        use chrono::{Datelike, Timelike};
        let field = |value: u32| u8::try_from(value).unwrap_or(0);
        Self {
            year: u16::try_from(at.year()).unwrap_or(0),
            month: field(at.month()),
            day: field(at.day()),
            hour: field(at.hour()),
            minute: field(at.minute()),
            second: field(at.second()),
            // chrono counts a leap second as nanoseconds beyond one; MySQL has none.
            micro: (at.nanosecond() / 1000).min(999_999),
        }
    }

    /// The calendar's date and time; `None` for zero and impossible dates.
    #[must_use]
    pub fn to_naive(self) -> Option<chrono::NaiveDateTime> {
        chrono::NaiveDate::from_ymd_opt(i32::from(self.year), u32::from(self.month), u32::from(self.day))
            .filter(|_| self.year > 0)?
            .and_hms_micro_opt(u32::from(self.hour), u32::from(self.minute), u32::from(self.second), self.micro)
    }

    /// The greatest date and time of the calendar that is not above this one; `None` where there is none from year 1 on.
    #[must_use]
    pub fn on_calendar(self) -> Option<chrono::NaiveDateTime> {
        let day_before = |year: u16, month: u8| {
            let first = chrono::NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), 1)?;
            first.pred_opt().filter(|day| chrono::Datelike::year(day) > 0)?.and_hms_micro_opt(23, 59, 59, 999_999)
        };
        self.to_naive().or_else(|| match (self.month, self.day) {
            (0, _) => day_before(self.year, 1),
            (month, 0) => day_before(self.year, month),
            (12.., _) => day_before(self.year + 1, 1),
            (month, _) => day_before(self.year, month + 1),
        })
    }

    /// Cuts off the digits that a column with `fsp` digits below the second does not hold.
    #[must_use]
    pub const fn truncated(self, fsp: u8) -> Self {
        let unit = 10_u32.pow(if fsp < 6 { 6 - fsp as u32 } else { 0 });
        Self { micro: self.micro - self.micro % unit, ..self }
    }

    /// Midnight of the same day.
    #[must_use]
    pub const fn midnight(self) -> Self {
        Self { year: self.year, month: self.month, day: self.day, hour: 0, minute: 0, second: 0, micro: 0 }
    }

    /// Like [`Moment::parse_in`], for a wall clock in UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_in(text, Tz::UTC)
    }

    /// Reads `2026-11-23` or `2026-11-23 08:00[:00[.123456]]`, with a space or `T`, as a wall clock. With `Z` or an
    /// offset at the end it is an instant, converted to the zone's wall clock.
    #[must_use]
    pub fn parse_in(text: &str, zone: Tz) -> Option<Self> {
        let text = text.trim();
        let (date, rest) = text.split_at_checked(10)?;
        let mut fields = date.split('-');
        let mut moment = Self {
            year: digits(fields.next()?, 4)?,
            month: u8::try_from(digits(fields.next()?, 2)?).ok()?,
            day: u8::try_from(digits(fields.next()?, 2)?).ok()?,
            ..Self::default()
        };
        if fields.next().is_some() || moment.month > 12 || moment.day > 31 {
            return None;
        }
        if rest.is_empty() {
            return Some(moment);
        }
        let clock = rest.strip_prefix([' ', 'T', 't'])?.trim();
        let (clock, offset) = clock.split_at(clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len()));
        moment.set_clock(clock.trim_end())?;
        if offset.is_empty() {
            return Some(moment);
        }
        let utc = moment.to_naive()?.checked_sub_signed(east(offset)?)?;
        Some(Self::from_naive(utc.and_utc().with_timezone(&zone).naive_local()))
    }

    fn set_clock(&mut self, clock: &str) -> Option<()> {
        let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut fields = whole.split(':');
        self.hour = u8::try_from(digits(fields.next()?, 2)?).ok()?;
        self.minute = u8::try_from(digits(fields.next()?, 2)?).ok()?;
        self.second = fields.next().map_or(Some(0), |s| digits(s, 2).and_then(|v| u8::try_from(v).ok()))?;
        if fields.next().is_some() || self.hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        self.micro = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
        Some(())
    }
}

/// The offset east of UTC of `Z`, `+06:00`, `+0600` or `-05`; at most 14 hours.
fn east(offset: &str) -> Option<TimeDelta> {
    if matches!(offset, "Z" | "z") {
        return Some(TimeDelta::zero());
    }
    let (sign, rest) = offset.split_at_checked(1)?;
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
    (minutes <= 14 * 60).then(|| TimeDelta::minutes(if sign == "-" { -minutes } else { minutes }))
}

fn digits(text: &str, width: usize) -> Option<u16> {
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

impl fmt::Display for Moment {
    /// Writes `2026-11-23 07:59:58`, or `2026-11-23 07:59:58.123456` if there is a fraction: the form of the original
    /// state file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, micro } = self;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")?;
        if *micro > 0 { write!(f, ".{micro:06}") } else { Ok(()) }
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_the_original_tool_wrote_is_read() {
        let expected = Moment { year: 2026, month: 11, day: 23, hour: 7, minute: 59, second: 58, micro: 0 };
        for text in
            ["2026-11-23 07:59:58", "2026-11-23T07:59:58Z", "2026-11-23T07:59:58+00:00", "2026-11-23T13:59:58+06:00"]
        {
            assert_eq!(Moment::parse(text), Some(expected), "{text}");
        }
        let fraction = Moment { micro: 120_000, ..expected };
        assert_eq!(Moment::parse("2026-11-23 07:59:58.12"), Some(fraction));
        assert_eq!(fraction.to_string(), "2026-11-23 07:59:58.120000");
    }

    #[test]
    fn nonsense_is_refused_without_a_panic() {
        for text in
            ["", "2026", "2026-13-01", "2026-11-23 25:00:00", "2026-11-23Tx", "éééééééééé", "2026-11-23 07:59:58+9"]
        {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_with_an_offset_is_converted_to_the_columns_zone() {
        let shown = |text| Moment::parse_in(text, chrono_tz::America::New_York).unwrap().to_string();
        assert_eq!(shown("2020-01-01T00:00:00Z"), "2019-12-31 19:00:00");
        assert_eq!(shown("2020-01-01 00:00:00"), "2020-01-01 00:00:00");
    }

    #[test]
    fn impossible_dates_keep_their_order() {
        let zero = Moment::default();
        let impossible = Moment { year: 2024, month: 2, day: 31, ..zero };
        assert!(zero < impossible);
        assert_eq!(impossible.to_naive(), None);
        assert_eq!(Moment::parse("2024-02-31 00:00:00"), Some(impossible));
    }

    #[test]
    fn an_impossible_date_has_a_last_moment_of_the_calendar_before_it() {
        for (text, before) in [
            ("2024-02-31 10:00:00", "2024-02-29 23:59:59.999999"),
            ("2024-02-00 00:00:00", "2024-01-31 23:59:59.999999"),
            ("2024-00-07 00:00:00", "2023-12-31 23:59:59.999999"),
            ("2024-02-29 10:00:00", "2024-02-29 10:00:00"),
        ] {
            let found = Moment::parse(text).and_then(Moment::on_calendar).map(Moment::from_naive);
            assert_eq!(found, Moment::parse(before), "{text}");
        }
        for none in ["0000-00-00 00:00:00", "0001-01-00 00:00:00", "0000-05-01 00:00:00"] {
            assert_eq!(Moment::parse(none).and_then(Moment::on_calendar), None, "{none}");
        }
    }

    #[test]
    fn a_tick_is_cut_to_the_columns_precision() {
        let at = Moment { micro: 123_456, ..Moment::default() };
        assert_eq!(at.truncated(0).micro, 0);
        assert_eq!(at.truncated(3).micro, 123_000);
        assert_eq!(at.truncated(6).micro, 123_456);
    }
}
