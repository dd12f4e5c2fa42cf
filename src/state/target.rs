//! How a mapping that appends left its target, by the table figures that BigQuery gives for free.
//!
//! An append copies what lies beyond its watermark without looking, because none of it can be in the target. That holds
//! only while no other process has written: a state restored from a backup, or a second state on another host, is older
//! than the target, and the figures show it.

use serde::{Deserialize, Serialize};

use crate::domain::column::TargetSchema;

/// A publish ends after its table was changed, but different clocks of BigQuery note the two moments.
const CLOCKS: u64 = 60_000;

/// The target as this mapping has left it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeftTarget {
    pub rows: u64,
    /// The last change was no later than this, in milliseconds since 1970; `None` where only row counts are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
    /// The target may hold any row beyond the watermark: each is looked for until BigQuery shows that it holds none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
    /// The version of the target that the last publish built on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How many publishes that build on this version have taken a name; also the number of the next one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turns: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl LeftTarget {
    /// Whether the target, as described now, is unchanged since this mapping left it.
    #[must_use]
    pub fn is(&self, now: &TargetSchema) -> bool {
        let moments = self.modified.zip(now.modified);
        now.rows == Some(self.rows) && moments.is_none_or(|(left, now)| now <= left.saturating_add(CLOCKS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_unchanged_while_its_row_count_and_time_of_change_match() {
        let left = LeftTarget { rows: 100, modified: Some(1_000_000), ..LeftTarget::default() };
        let now = |rows, modified| TargetSchema { rows, modified, ..TargetSchema::default() };
        assert!(left.is(&now(Some(100), Some(900_000))) && left.is(&now(Some(100), Some(1_030_000))));
        assert!(!left.is(&now(Some(150), Some(900_000))), "an older state was put back");
        assert!(!left.is(&now(Some(99), Some(900_000))), "a partition has expired");
        assert!(!left.is(&now(Some(100), Some(2_000_000))), "as many rows have come as gone");
        assert!(!left.is(&now(None, Some(900_000))), "unknown is not the same");
        assert!(left.is(&now(Some(100), None)));
        let rows_alone = LeftTarget { modified: None, ..left };
        assert!(rows_alone.is(&now(Some(100), Some(2_000_000))));
    }
}
