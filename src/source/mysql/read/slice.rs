//! A range of the first page column that one reader works on, and how half of it is given to another reader.

use chrono::{DateTime, TimeDelta};

use crate::domain::cursor::Moment;
use crate::source::mysql::sql::Bind;

/// A range of values of the first page column; a window begins as one slice without ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slice {
    /// The first value; `None`: the window's own beginning.
    pub from: Option<Bind>,
    /// The first value beyond the slice; `None`: the window's own end.
    pub to: Option<Bind>,
}

impl Slice {
    /// Gives away the upper half of the rest beyond `at`, the value that reading has reached.
    ///
    /// `last` is the greatest value in the table, for a slice without an end. Returns `None` and gives nothing away if
    /// the range cannot be halved: its values are text, or are neighbours.
    pub fn give_half(&mut self, at: &Bind, last: Option<&Bind>) -> Option<Self> {
        let middle = halfway(at, self.to.as_ref().or(last)?)?;
        Some(Self { from: Some(middle.clone()), to: self.to.replace(middle) })
    }
}

/// The value halfway between two: greater than the first and not greater than the second.
fn halfway(low: &Bind, high: &Bind) -> Option<Bind> {
    if let (Some(low), Some(high)) = (integer(low), integer(high)) {
        let middle = low + (high - low).checked_add(1).filter(|span| *span > 1)? / 2;
        return match (i64::try_from(middle), u64::try_from(middle)) {
            (Ok(middle), _) => Some(Bind::Int(middle)),
            (_, Ok(middle)) => Some(Bind::UInt(middle)),
            _ => None,
        };
    }
    let (low, high) = (micros(low)?, micros(high)?);
    let middle = low + (high - low).checked_add(1).filter(|span| *span > 1)? / 2;
    let at = DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::microseconds(middle))?;
    Some(Bind::Text(Moment::from_naive(at.naive_utc()).to_string()))
}

fn integer(value: &Bind) -> Option<i128> {
    match value {
        Bind::Int(value) => Some(i128::from(*value)),
        Bind::UInt(value) => Some(i128::from(*value)),
        Bind::Text(_) | Bind::Bytes(_) => None,
    }
}

/// Reads text in the form of a moment; the caller knows whether the column holds any.
fn micros(value: &Bind) -> Option<i64> {
    let Bind::Text(text) = value else { return None };
    Some(Moment::parse(text)?.to_naive()?.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: &str) -> Bind {
        Bind::Text(value.to_owned())
    }

    #[test]
    fn the_upper_half_is_given_away() {
        let mut slice = Slice::default();
        let given = slice.give_half(&Bind::Int(10), Some(&Bind::Int(20))).unwrap();
        assert_eq!(slice, Slice { from: None, to: Some(Bind::Int(15)) });
        assert_eq!(given, Slice { from: Some(Bind::Int(15)), to: None });
        let given = slice.give_half(&Bind::Int(12), Some(&Bind::Int(20))).unwrap();
        assert_eq!(given, Slice { from: Some(Bind::Int(14)), to: Some(Bind::Int(15)) });
    }

    #[test]
    fn moments_are_halved_in_time() {
        let mut slice = Slice::default();
        let last = text("2026-01-03 00:00:00.000000");
        let given = slice.give_half(&text("2026-01-01 00:00:00.000000"), Some(&last)).unwrap();
        assert_eq!(given.from, Some(text("2026-01-02 00:00:00")));
    }

    #[test]
    fn a_slice_that_cannot_be_halved_is_kept() {
        let kept = |at: Bind, last: Option<Bind>| {
            let mut slice = Slice::default();
            assert_eq!(slice.give_half(&at, last.as_ref()), None);
            assert_eq!(slice, Slice::default());
        };
        kept(Bind::Int(10), None);
        kept(Bind::Int(10), Some(Bind::Int(10)));
        kept(Bind::Int(10), Some(Bind::Int(9)));
        kept(text("a"), Some(text("b")));
        kept(Bind::Int(1), Some(text("2026-01-01")));
        kept(text("0000-00-00 00:00:00"), Some(text("2026-01-01 00:00:00")));
        kept(Bind::Bytes(vec![1]), Some(Bind::Bytes(vec![9])));
    }

    proptest! {
        #[test]
        fn the_middle_lies_beyond_what_was_read_and_within_the_rest(low: i64, high: u64) {
            let (low_bind, high_bind) = (Bind::Int(low), Bind::UInt(high));
            match halfway(&low_bind, &high_bind).as_ref().and_then(integer) {
                Some(middle) => prop_assert!(i128::from(low) < middle && middle <= i128::from(high)),
                None => prop_assert!(i128::from(low) >= i128::from(high)),
            }
        }
    }
}
