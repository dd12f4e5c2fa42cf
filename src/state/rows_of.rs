//! The shard of its target that a mapping's rows were published as: the target tells them by that word alone.

use serde::{Deserialize, Serialize};

use crate::domain::config::Mapping;
use crate::domain::table_shard::TableShard;

/// Which rows of the target belong to the mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsOf {
    /// `None`: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<TableShard>,
}

impl RowsOf {
    /// What the mapping's configuration says now.
    #[must_use]
    pub fn of(mapping: &Mapping) -> Self {
        Self { shard: mapping.shard.clone() }
    }

    /// Whether the mapping still says the same.
    #[must_use]
    pub fn is_of(&self, mapping: &Mapping) -> bool {
        match (&self.shard, &mapping.shard) {
            (Some(then), Some(now)) => then.is_like(now),
            (then, now) => then.is_none() && now.is_none(),
        }
    }
}
