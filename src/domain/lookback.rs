//! How far below the watermark a run reads again.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::cursor::{Cursor, Moment};
use super::fault::{Fault, FaultKind};

/// A stretch of the incremental column: `2h`, `1day 6h`. A number alone means seconds, or steps of an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookback {
    Span(Duration),
    Plain(u64),
}

impl FromStr for Lookback {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Plain(number));
        }
        humantime::parse_duration(text)
            .map(Self::Span)
            .map_err(|_| "write a duration such as `30m`, `2h` or `1day 6h`, or a number".to_owned())
    }
}

impl fmt::Display for Lookback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Span(span) => write!(f, "{}", humantime::format_duration(*span)),
            Self::Plain(number) => write!(f, "{number}"),
        }
    }
}

impl Lookback {
    /// Tells if it is `0`: nothing below the watermark is read again.
    #[must_use]
    pub fn is_none(self) -> bool {
        matches!(self, Self::Plain(0) | Self::Span(Duration::ZERO))
    }

    /// The value this far below `mark`; the column's lowest value if there is none so low.
    ///
    /// # Errors
    /// `Config` for a stretch of time on an integer column.
    pub fn below(self, mark: Cursor) -> Result<Cursor, Fault> {
        let seconds = match (mark, self) {
            (Cursor::Int(mark), Self::Plain(steps)) => return Ok(Cursor::Int(mark - i128::from(steps))),
            (Cursor::Int(_), Self::Span(span)) => {
                let sentence = format!("The lookback {} is not a whole number", humantime::format_duration(span));
                return Err(Fault::new(FaultKind::Config, sentence)
                    .with_hint("the incremental column is an integer: give the lookback as a number alone"));
            }
            (Cursor::Moment(_), Self::Span(span)) => span.as_secs(),
            (Cursor::Moment(_), Self::Plain(seconds)) => seconds,
        };
        let Cursor::Moment(mark) = mark else { return Ok(mark) };
        let span = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX);
        // Nothing can be counted back from a watermark that no calendar has; the lowest value is used.
        let below = mark.to_naive().and_then(|at| at.checked_sub_signed(span)).filter(|at| {
            use chrono::Datelike;
            at.year() > 0
        });
        Ok(Cursor::Moment(below.map_or_else(Moment::default, Moment::from_naive)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(mark: &str, lookback: &str) -> String {
        let mark = Cursor::Moment(Moment::parse(mark).unwrap());
        lookback.parse::<Lookback>().unwrap().below(mark).unwrap().to_string()
    }

    #[test]
    fn a_stretch_is_counted_back_from_the_watermark() {
        assert_eq!(below("2026-03-01 00:30:00.5", "1h"), "2026-02-28 23:30:00.500000");
        assert_eq!(below("2026-03-01 00:30:00", "90"), "2026-03-01 00:28:30");
        assert_eq!(below("2026-03-01 00:30:00", "9000y"), "0000-00-00 00:00:00");
        assert_eq!(Lookback::Plain(5).below(Cursor::Int(3)).unwrap(), Cursor::Int(-2));
    }

    #[test]
    fn hours_below_an_integer_are_refused() {
        let fault = Lookback::from_str("2h").unwrap().below(Cursor::Int(3)).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Config);
        assert!(Lookback::from_str("soon").is_err());
    }
}
