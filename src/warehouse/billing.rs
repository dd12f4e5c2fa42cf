//! The mapping and run that BigQuery's bill names for a job, how much a job may cost, and where it runs.

use crate::domain::ids::{MappingName, RunId};

/// What every job of one piece of work carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Billing {
    /// The mapping that the job works for; `None`: the work is about no single mapping.
    pub mapping: Option<MappingName>,
    /// The run that sends the job; `None`: somebody only looks.
    pub run: Option<RunId>,
    /// The most bytes a statement may be billed for (`maximum_bytes_billed`); BigQuery refuses a statement that needs
    /// more.
    pub most_bytes: Option<u64>,
    /// Where the job runs; `None`: in the location that the configuration names for all.
    pub location: Option<String>,
}
