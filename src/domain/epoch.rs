//! Whole numbers that count the time since 1970.

use chrono::NaiveDateTime;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_an_instant_shows_its_unit() {
        let at = chrono::DateTime::from_timestamp(1_795_943_280, 0).unwrap().naive_utc();
        for unit in EpochUnit::ALL {
            assert_eq!(unit.number(at), 1_795_943_280 * unit.second());
            assert_eq!(EpochUnit::of(unit.number(at)), unit);
        }
    }
}
