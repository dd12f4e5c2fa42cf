//! The data that a run of a mirror works with.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::mirror::Sums;
use crate::domain::verify::Comparison;
use crate::engine::work::prepared::Schemas;

/// What the state remembers of the target.
#[derive(Debug)]
pub(in crate::engine) struct Known {
    pub sums: Sums,
    /// A fingerprint of everything beside MySQL's rows that the sums depend on.
    pub plan: String,
    /// Parts whose content is unknown, as ranges (first, last) in the sums' grain.
    pub unknown: Vec<(u64, u64)>,
}

/// One run's work on a mirror.
#[derive(Debug)]
pub(in crate::engine) struct Mirror<'a> {
    pub schemas: &'a Schemas,
    pub comparison: Arc<Comparison>,
    pub plan: String,
    pub read_at: DateTime<Utc>,
}
