//! What a new table is made with, beside its columns: each option of the mapping's own words, or of nobody's.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::partitioning::PartitionUnit;

/// What a new table is partitioned by (`partition_by`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionBy {
    /// By its name in MySQL; `None`: by the time of loading.
    pub column: Option<String>,
    pub unit: PartitionUnit,
}

/// A life as BigQuery counts it, in days and parts of days.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a few centuries are exact in an f64")]
pub fn days(life: TimeDelta) -> f64 {
    life.num_milliseconds() as f64 / 86_400_000.0
}

/// The other options. What is `None` or empty is left to BigQuery and to the dataset's defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// How long a partition lives.
    pub partition_life: Option<TimeDelta>,
    pub needs_filter: Option<bool>,
    /// The Cloud KMS key that the rows are encrypted with.
    pub kms_key: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub description: Option<String>,
}
