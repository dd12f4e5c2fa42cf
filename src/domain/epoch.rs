//! Whole numbers that count the time since 1970.

use chrono::{NaiveDate, NaiveDateTime};

/// What such a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochUnit {
    Second,
    Millisecond,
    Microsecond,
}

impl EpochUnit {
    pub const ALL: [Self; 3] = [Self::Second, Self::Millisecond, Self::Microsecond];

    /// The number that a second adds.
    #[must_use]
    pub const fn second(self) -> i128 {
        match self {
            Self::Second => 1,
            Self::Millisecond => 1_000,
            Self::Microsecond => 1_000_000,
        }
    }

    /// The number of an instant in UTC.
    #[must_use]
    pub fn number(self, at: NaiveDateTime) -> i128 {
        i128::from(at.and_utc().timestamp_micros()) / (1_000_000 / self.second())
    }

    /// The unit of the number of an instant of these decades.
    #[must_use]
    pub fn of(number: i128) -> Self {
        match number {
            ..100_000_000_000 => Self::Second,
            100_000_000_000..100_000_000_000_000 => Self::Millisecond,
            _ => Self::Microsecond,
        }
    }
}

/// The day of this century that a number of at least ten digits begins with, as `YYMMDD`.
#[must_use]
pub fn leading_day(number: i128) -> Option<NaiveDate> {
    let digits = u128::try_from(number).ok()?.checked_ilog10()? + 1;
    let day = i32::try_from(number / 10_i128.pow(digits.checked_sub(6).filter(|_| digits >= 10)?)).ok()?;
    let part = |divisor: i32| u32::try_from(day / divisor % 100).ok();
    NaiveDate::from_ymd_opt(2000 + day / 10_000, part(100)?, part(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_begin_with_a_day() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 23);
        for number in [2_611_230_815, 2_611_230_000_001, 2_611_239_999_999_999] {
            assert_eq!(leading_day(number), day, "{number}");
        }
        for other in [0, -2_611_230_815, 261_123, 1_893_456_000, 1_893_456_000_000, i128::MAX] {
            assert_eq!(leading_day(other), None, "{other}");
        }
    }

    #[test]
    fn a_number_of_an_instant_shows_its_unit() {
        let at = chrono::DateTime::from_timestamp(1_795_943_280, 0).unwrap().naive_utc();
        for unit in EpochUnit::ALL {
            assert_eq!(unit.number(at), 1_795_943_280 * unit.second());
            assert_eq!(EpochUnit::of(unit.number(at)), unit);
        }
    }
}
