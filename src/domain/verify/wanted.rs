//! Rows that are asked for by their keys, as a comparison told of them, or by their parts.

use std::sync::Arc;

use super::{Comparison, Form, Grain, Key, Parts};

/// Keys, and how their values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Of each key column of the plan.
    pub forms: Vec<Form>,
    pub keys: Arc<[Key]>,
}

/// Rows that are read with the sums of what they hold.
#[derive(Debug, Clone)]
pub struct ByParts {
    /// Says how a row's part is found.
    pub comparison: Arc<Comparison>,
    /// Of the sums.
    pub grain: Grain,
    /// Only the rows of these; `None`: all.
    pub within: Option<Parts>,
}

impl Comparison {
    /// How the key's values are written; `None` where rows cannot be found again by what is written of their keys.
    #[must_use]
    pub fn key_forms(&self) -> Option<Vec<Form>> {
        let form = |&key: &usize| {
            self.forms[key].filter(|form| match form {
                Form::Float
                | Form::TextHash { .. }
                | Form::BytesHash
                | Form::MaskedNull
                | Form::MaskedSha256 { .. }
                | Form::MaskedLast { .. }
                | Form::MaskedHmac { .. } => false,
                Form::Integer
                | Form::IntegerWithin64
                | Form::Bits
                | Form::Boolean
                | Form::Decimal { .. }
                | Form::Date
                | Form::Wall
                | Form::LocalWall(_)
                | Form::TimeOfDay
                | Form::Text { .. }
                | Form::Bytes => true,
            })
        };
        let forms: Option<Vec<Form>> = self.plan.keys.iter().map(form).collect();
        forms.filter(|forms| !forms.is_empty())
    }
}
