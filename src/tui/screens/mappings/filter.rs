//! The filter of the list: words, `status:failed`, `lag:>1h`, `mode:append`, each also with a `-` before it.
//! Separately, only mappings with problems.

use std::time::Duration;

use serde_json::Value;

use crate::domain::config::Mode;
use crate::engine::Lag;
use crate::tui::model::{Row, Word};

/// The words before a colon.
pub const FIELDS: [&str; 4] = ["status:", "lag:", "mode:", "name:"];
/// A value of `status:` besides the words of the STATUS column.
const LATE: &str = "late";
const WRONG: &str = "wrong";

/// A filter's text, parsed.
#[derive(Debug, Default)]
pub struct Filter {
    terms: Vec<Term>,
    /// The part that was not understood, which is ignored.
    pub complaint: Option<String>,
}

#[derive(Debug)]
struct Term {
    not: bool,
    test: Test,
}

#[derive(Debug)]
enum Test {
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
enum Behind {
    Unknown,
    Than { more: bool, bound: Bound },
}

#[derive(Debug)]
enum Bound {
    Time(Duration),
    Steps(u64),
}

impl Filter {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (mut terms, mut complaint) = (Vec::new(), None);
        for word in text.split_whitespace() {
            let (not, word) =
                word.strip_prefix('-').filter(|rest| !rest.is_empty()).map_or((false, word), |w| (true, w));
            match read(&word.to_lowercase()) {
                Ok(found) => terms.push(Term { not, test: found }),
                Err(sentence) => complaint = complaint.or(Some(sentence)),
            }
        }
        Self { terms, complaint }
    }

    #[must_use]
    pub fn holds(&self, row: &Row) -> bool {
        self.terms.iter().all(|term| term.test.holds(row) != term.not)
    }
}

/// Tells if the mapping failed, is in error, lost, unknown, waiting for a decision, or late.
#[must_use]
pub fn is_wrong(row: &Row) -> bool {
    matches!(row.word(), Word::Failed | Word::Lost | Word::Error | Word::Unknown | Word::Review) || row.late().is_some()
}

fn read(word: &str) -> Result<Test, String> {
    let Some((field, value)) = word.split_once(':') else { return Ok(Test::Text(word.to_owned())) };
    match field {
        "status" => status(value),
        "lag" => behind(value).map(Test::Behind).ok_or_else(|| "write lag:>1h, lag:<5m, lag:>1000 or lag:?".to_owned()),
        "name" if !value.is_empty() => Ok(Test::Name(value.to_owned())),
        "name" => Err("write a part of the name after name:".to_owned()),
        "mode" => serde_json::from_value(Value::from(value))
            .map(Test::Mode)
            .map_err(|_| format!("no mode is called `{value}`")),
        _ => Err(format!("`{field}:` is none of {}", FIELDS.join(", "))),
    }
}

fn status(value: &str) -> Result<Test, String> {
    let known = |word: &str| [LATE, WRONG].contains(&word) || Word::ALL.iter().any(|one| one.is_called(word));
    let words: Vec<String> = value.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    match words.iter().find(|word| !known(word)) {
        Some(word) => Err(format!("no status is called `{word}`: failed, review, late, running, ok ...")),
        None if words.is_empty() => Err("write status:failed, status:review,late ...".to_owned()),
        None => Ok(Test::Status(words)),
    }
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

impl Test {
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
