//! Rows that are requested by the keys that a comparison found, or by their parts.

use std::sync::Arc;

use super::{Comparison, Form, Grain, Key, Parts};

/// Keys, and the forms in which their values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The form of each key column of the plan.
    pub forms: Vec<Form>,
    pub keys: Arc<[Key]>,
}

/// Rows that are read together with their sums.
#[derive(Debug, Clone)]
pub struct ByParts {
    /// Says which part a row belongs to.
    pub comparison: Arc<Comparison>,
    /// The grain of the sums.
    pub grain: Grain,
    /// Only the rows of these parts; `None`: all rows.
    pub within: Option<Parts>,
}

impl Comparison {
    /// The forms of the key's values; `None` if the written form does not suffice to find the rows again.
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
