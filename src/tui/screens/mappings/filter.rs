//! The filter of the list of mappings: words, `status:failed`, `lag:>1h`, `mode:append`, `name:order`. Separately, only
//! mappings with problems.

use std::collections::HashSet;
use std::time::Duration;

use crate::domain::config::Mode;
use crate::engine::Lag;
use crate::tui::filter::{self, mode_of, name_of, words_of};
use crate::tui::model::{Row, Word};

/// The words before a colon.
pub const FIELDS: [&str; 4] = ["status:", "lag:", "mode:", "name:"];
/// A value of `status:` besides the words of the STATUS column.
const LATE: &str = "late";
const WRONG: &str = "wrong";

#[derive(Debug)]
pub enum Test {
    /// Name, source, table or status contains it.
    Text(String),
    Name(String),
    Mode(Mode),
    /// The status is one of them.
    Status(Vec<String>),
    Behind(Behind),
}

/// `lag:>1h`, `lag:<=500`, `lag:?`.
#[derive(Debug)]
pub enum Behind {
    Unknown,
    Than { more: bool, bound: Bound },
}

#[derive(Debug)]
pub enum Bound {
    Time(Duration),
    Steps(u64),
}

/// Tells if the mapping failed, is in error, lost, unknown, waiting for a decision, or late.
#[must_use]
pub fn is_wrong(row: &Row) -> bool {
    matches!(row.word(), Word::Failed | Word::Lost | Word::Error | Word::Unknown | Word::Review) || row.late().is_some()
}

impl filter::Test for Test {
    type Item = Row;
    const FIELDS: &'static [&'static str] = &FIELDS;
    const EXAMPLE: &'static str = "words, status:failed, lag:>1h, mode:append, -not";

    fn word(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    fn field(name: &str, value: &str) -> Option<Result<Self, String>> {
        Some(match name {
            "status" => status(value),
            "lag" => {
                behind(value).map(Self::Behind).ok_or_else(|| "write lag:>1h, lag:<5m, lag:>1000 or lag:?".to_owned())
            }
            "name" => name_of(value).map(Self::Name),
            "mode" => mode_of(value).map(Self::Mode),
            _ => return None,
        })
    }

    fn holds(&self, row: &Row) -> bool {
        let contains = |text: &str, wanted: &str| text.to_lowercase().contains(wanted);
        match self {
            Self::Text(wanted) => [row.name.0.as_str(), &row.source, &row.target, row.word().text()]
                .iter()
                .any(|text| contains(text, wanted)),
            Self::Name(wanted) => contains(&row.name.0, wanted),
            Self::Mode(mode) => row.mode == *mode,
            Self::Status(words) => words.iter().any(|word| match word.as_str() {
                LATE => row.late().is_some(),
                WRONG => is_wrong(row),
                // The same mappings that the first line counts as failed.
                word if Word::Failed.is_called(word) => row.has_failed(),
                word => row.word().is_called(word),
            }),
            Self::Behind(behind) => behind.holds(row),
        }
    }
}

fn status(value: &str) -> Result<Test, String> {
    let mut known: Vec<String> = Word::ALL.iter().map(|word| word.text().to_lowercase()).collect();
    // Of a mapping that another process runs, the column says the same as of one of ours.
    let mut seen = HashSet::new();
    known.retain(|word| word != "..." && seen.insert(word.clone()));
    known.extend([WRONG, LATE].map(str::to_owned));
    let words = words_of(value, &known)?;
    Ok(Test::Status(words.into_iter().map(str::to_owned).collect()))
}

fn behind(value: &str) -> Option<Behind> {
    if value == "?" {
        return Some(Behind::Unknown);
    }
    let (more, value) = match (value.strip_prefix('>'), value.strip_prefix('<')) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        // Without an operator, the figure is a minimum.
        (None, None) => (true, value),
    };
    let value = value.strip_prefix('=').unwrap_or(value);
    let steps = value.replace(',', "").parse().ok().map(Bound::Steps);
    let bound = steps.or_else(|| humantime::parse_duration(value).ok().map(Bound::Time))?;
    Some(Behind::Than { more, bound })
}

impl Behind {
    fn holds(&self, row: &Row) -> bool {
        let Some(measured) = &row.measured else { return matches!(self, Self::Unknown) };
        match (self, measured.lag) {
            (Self::Unknown, lag) => lag.is_none() && measured.problem.is_some(),
            (Self::Than { more, bound: Bound::Time(bound) }, Some(Lag::Seconds(seconds))) => {
                let lag = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
                if *more { lag >= *bound } else { lag <= *bound }
            }
            (Self::Than { more, bound: Bound::Steps(bound) }, Some(Lag::Steps(steps))) => {
                let lag = u64::try_from(steps).unwrap_or(0);
                if *more { lag >= *bound } else { lag <= *bound }
            }
            (Self::Than { .. }, _) => false,
        }
    }
}
