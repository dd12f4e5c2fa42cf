//! Windows of the incremental column, and the watermark that only a publish can move.

use std::cmp::Ordering;
use std::fmt;

use super::cost::Cost;
use super::cursor::Cursor;
use super::fault::{Fault, FaultKind};

/// The words for a read without a window.
pub const WHOLE: &str = "the whole table";

/// Where a window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Low {
    /// At the first row that has a cursor value.
    Beginning,
    /// After this value.
    After(Cursor),
    /// At this value, which is included.
    From(Cursor),
}

/// A stretch of the incremental column, fixed before the first row is read. `high` is included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub low: Low,
    pub high: Cursor,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.low {
            Low::Beginning => write!(f, "(beginning, {}]", self.high),
            Low::After(low) => write!(f, "({low}, {}]", self.high),
            Low::From(low) => write!(f, "[{low}, {}]", self.high),
        }
    }
}

/// The next step of a window: up to `end`, where the source says a step may end, but never short of `at_least`, which a
/// watermark has reached already.
#[must_use]
pub fn step(rest: Window, end: Option<Cursor>, at_least: Option<Cursor>) -> Window {
    let Some(end) = end else { return rest };
    let end = at_least.map_or(end, |least| end.max_of(least));
    // A step must not take rows beyond the window, which are not settled.
    let high = if end.max_of(rest.high) == rest.high { end } else { rest.high };
    Window { low: rest.low, high }
}

impl Low {
    /// Tells if a window that begins here may hold rows at or below `value`.
    #[must_use]
    pub fn reaches_below(&self, value: &Cursor) -> bool {
        match self {
            Self::Beginning => true,
            Self::After(low) => low.compare(value) == Some(Ordering::Less),
            Self::From(low) => matches!(low.compare(value), Some(Ordering::Less | Ordering::Equal)),
        }
    }
}

/// Up to where a mapping's rows are known to be in BigQuery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    pub cursor: Cursor,
    /// Taken from the original tool's state, or set by hand: rows with this value may be missing, so it is read again.
    pub imported: bool,
}

/// A publish that BigQuery has confirmed; only this moves a watermark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub high: Cursor,
    /// Rows the target gained.
    pub inserted: u64,
    /// Rows of the target that were replaced.
    pub updated: u64,
    pub cost: Cost,
}

impl Watermark {
    /// The watermark after a confirmed publish.
    ///
    /// # Errors
    /// `Bug` if the watermark would move backwards or change its kind.
    pub fn advance(current: Option<&Self>, published: &Published) -> Result<Self, Fault> {
        let forward = match current {
            None => true,
            Some(mark) => matches!(published.high.compare(&mark.cursor), Some(Ordering::Greater | Ordering::Equal)),
        };
        if !forward {
            let from = current.map(|mark| mark.cursor.to_string()).unwrap_or_default();
            let sentence = format!("The watermark would move from {from} back to {}", published.high);
            return Err(Fault::new(FaultKind::Bug, sentence));
        }
        Ok(Self { cursor: published.high, imported: false })
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn published(high: i128) -> Published {
        Published { high: Cursor::Int(high), inserted: 0, updated: 0, cost: Cost::default() }
    }

    #[test]
    fn a_step_ends_where_the_source_says_but_not_below_the_watermark_nor_beyond_the_window() {
        let rest = Window { low: Low::From(Cursor::Int(1)), high: Cursor::Int(9) };
        let to = |end, least: Option<i128>| step(rest, end, least.map(Cursor::Int)).high;
        assert_eq!(to(None, None), Cursor::Int(9));
        assert_eq!(to(Some(Cursor::Int(4)), None), Cursor::Int(4));
        assert_eq!(to(Some(Cursor::Int(4)), Some(6)), Cursor::Int(6));
        assert_eq!(to(Some(Cursor::Int(12)), None), Cursor::Int(9));
    }

    #[test]
    fn a_watermark_only_moves_forward() {
        let at_nine = Watermark { cursor: Cursor::Int(9), imported: true };
        assert_eq!(Watermark::advance(Some(&at_nine), &published(12)).unwrap().cursor, Cursor::Int(12));
        assert!(!Watermark::advance(Some(&at_nine), &published(9)).unwrap().imported);
        assert_eq!(Watermark::advance(Some(&at_nine), &published(8)).unwrap_err().kind(), FaultKind::Bug);
    }
}
