//! The results of mending the differences that a comparison found.

use serde::{Deserialize, Serialize};

/// The counts of a repair; in a dry run, of what would be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Repair {
    /// Keys whose row is only in MySQL.
    pub only_in_mysql: u64,
    /// Keys whose rows differ.
    pub differing: u64,
    /// Keys that BigQuery holds more often than MySQL.
    pub doubled: u64,
    /// Keys whose row is only in BigQuery.
    pub only_in_bigquery: u64,
    /// Rows that were inserted in BigQuery, and rows that were replaced there.
    pub inserted: u64,
    pub updated: u64,
    /// Doubled keys that BigQuery now holds once.
    pub undoubled: u64,
    /// Rows that were removed, or marked as deleted.
    pub deleted: u64,
    /// Keys that the mapping's configuration leaves as they are.
    pub left: u64,
    /// Keys that still differ, including those that were left; `None` if nobody has looked again.
    pub different_still: Option<u64>,
    /// Bytes that the comparison read in BigQuery, by BigQuery's own estimate.
    pub bytes_compared: u64,
    /// Bytes that mending would read in BigQuery; only set in a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_to_mend: Option<u64>,
}

impl Repair {
    /// Keys that were found to differ.
    #[must_use]
    pub const fn found(&self) -> u64 {
        self.only_in_mysql + self.differing + self.doubled + self.only_in_bigquery
    }

    /// What was done: `8 inserted, 1 updated`.
    #[must_use]
    pub fn words(&self) -> String {
        let done = [
            (self.inserted, "inserted"),
            (self.updated, "updated"),
            (self.undoubled, "doubled held once again"),
            (self.deleted, "deleted or marked"),
            (self.left, "left"),
        ];
        let told = done.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}"));
        let mut told: Vec<String> = told.collect();
        if told.is_empty() {
            told.push("nothing repaired".to_owned());
        }
        let still = match self.different_still {
            Some(0) => "; equal now".to_owned(),
            Some(still) => format!("; {still} differ still"),
            None => String::new(),
        };
        told.join(", ") + &still
    }

    /// Tells if BigQuery now holds what MySQL holds, as far as the comparison has looked.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        matches!(self.different_still, Some(0))
    }
}
