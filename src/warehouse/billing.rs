//! Whom BigQuery's bill names for a job, how much a job may add to it, and where it runs.

use crate::domain::ids::{MappingName, RunId};

/// What every job of one piece of work carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Billing {
    /// `None`: the work is about no single mapping.
    pub mapping: Option<MappingName>,
    /// `None`: somebody only looks.
    pub run: Option<RunId>,
    /// A statement that would be billed for more is refused (`maximum_bytes_billed`).
    pub most_bytes: Option<u64>,
    /// `None`: where the configuration says for all.
    pub location: Option<String>,
}
