//! What a run of a mirror works with.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::mirror::Sums;
use crate::domain::verify::Comparison;
use crate::engine::work::prepared::Schemas;

/// What is remembered of the target.
#[derive(Debug)]
pub(in crate::engine) struct Known {
    pub sums: Sums,
    /// A word for what sums and rows depend on beside MySQL's rows.
    pub plan: String,
    /// Parts, by the sums' grain, that nobody knows.
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
