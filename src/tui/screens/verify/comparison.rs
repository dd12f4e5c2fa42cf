//! The progress of a comparison of a mapping's rows.

use crate::domain::verify::{Looking, Outcome, Verification};
use crate::engine::Failure;

/// The progress of a comparison.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Comparison {
    #[default]
    None,
    /// The engine was asked how much it would read.
    Pricing,
    /// It was not begun; holds the bytes that it would read in BigQuery.
    Priced(Box<Verification>),
    Asked(Option<Looking>),
    Failed(Failure),
    Compared(Box<Verification>),
}

impl Comparison {
    pub fn waits(&self) -> bool {
        matches!(self, Self::Pricing | Self::Asked(_))
    }

    pub fn of(answer: Result<Verification, Failure>) -> Self {
        match answer {
            Ok(found) if found.outcome == Outcome::Estimated => Self::Priced(Box::new(found)),
            Ok(found) => Self::Compared(Box::new(found)),
            Err(failure) => Self::Failed(failure),
        }
    }
}
