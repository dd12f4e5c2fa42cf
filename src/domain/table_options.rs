//! The options of a new table, beside its columns: each is the mapping's, or unset.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::partitioning::PartitionUnit;

/// What a new table is partitioned by (`partition_by`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionBy {
    /// The column's name in MySQL; `None`: by the time of loading.
    pub column: Option<String>,
    pub unit: PartitionUnit,
}

/// A lifetime as BigQuery counts it: days, with fractions.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a few centuries are exact in an f64")]
pub fn days(life: TimeDelta) -> f64 {
    life.num_milliseconds() as f64 / 86_400_000.0
}

/// The other options. An option that is `None` or empty is left to BigQuery and the dataset's defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// How long a partition lives.
    pub partition_life: Option<TimeDelta>,
    pub needs_filter: Option<bool>,
    /// The Cloud KMS key that encrypts the rows.
    pub kms_key: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub description: Option<String>,
}
