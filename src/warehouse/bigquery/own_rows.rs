//! The condition that every statement about the target must contain: only the mapping's own rows, where several tables
//! share the target, and the filter that a table with `require_partition_filter` demands of every reader.
//!
//! BigQuery accepts `IS NULL OR IS NOT NULL` as the filter because it names the partitioning column alone, even if it
//! is the only filter of a MERGE. (A null-safe equality of the keys, `IS NOT DISTINCT FROM`, beside it would spoil
//! that.)

use crate::domain::plan::TablePlan;

/// The condition; `None` where all rows count and the table demands no filter. `alias`: the table's in the statement;
/// empty if it has none.
pub fn condition(plan: &TablePlan, alias: &str) -> Option<String> {
    let of_shard = plan.shard.as_ref().map(|shard| shard.condition(alias));
    let filter = plan.partitioning.as_ref().and_then(|by| by.condition(alias));
    of_shard.into_iter().chain(filter).reduce(|all, condition| format!("{all} AND {condition}"))
}

/// The same, to append to other conditions with AND; empty where there is none.
pub fn and(plan: &TablePlan, alias: &str) -> String {
    condition(plan, alias).map(|condition| format!(" AND {condition}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::partitioning::{PartitionUnit, Partitioning};
    use crate::domain::table_shard::TableShard;
    use crate::warehouse::bigquery::fixture::orders;

    fn of(column: Option<&str>, needs_filter: bool) -> TablePlan {
        let (column, unit) = (column.map(str::to_owned), PartitionUnit::Day);
        TablePlan { partitioning: Some(Partitioning { column, unit, needs_filter, life: None }), ..orders() }
    }

    #[test]
    fn only_a_table_that_requires_a_filter_gets_one() {
        assert_eq!(and(&orders(), "__t"), "");
        assert_eq!(and(&of(Some("day"), false), "__t"), "");
        assert_eq!(and(&of(Some("day"), true), "__t"), " AND (__t.`day` IS NULL OR __t.`day` IS NOT NULL)");
        let loaded = "(`_PARTITIONTIME` IS NULL OR `_PARTITIONTIME` IS NOT NULL)";
        assert_eq!(condition(&of(None, true), "").as_deref(), Some(loaded));
    }

    #[test]
    fn statements_about_a_shared_table_touch_only_the_shards_rows() {
        let shard = Some(TableShard { column: "_shard".into(), value: "o'1".into() });
        let plan = TablePlan { shard, ..of(Some("day"), true) };
        assert_eq!(and(&plan, "__t"), " AND __t.`_shard` = 'o\\'1' AND (__t.`day` IS NULL OR __t.`day` IS NOT NULL)");
    }
}
