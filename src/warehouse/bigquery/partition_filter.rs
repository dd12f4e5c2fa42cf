//! The condition that a table with `require_partition_filter` wants of whatever reads it.
//!
//! BigQuery takes it for a filter, because it speaks of the partitioning column alone, and as the only one of a MERGE as well. (A
//! null-safe equality of the keys, `IS NOT DISTINCT FROM`, beside it would spoil that.)

use crate::domain::plan::TablePlan;

/// `None` where the table asks for none. `alias` of the table in the statement; empty: it has none.
pub fn condition(plan: &TablePlan, alias: &str) -> Option<String> {
    plan.partitioning.as_ref()?.condition(alias)
}

/// The same, after other conditions; nothing where the table asks for none.
pub fn and(plan: &TablePlan, alias: &str) -> String {
    condition(plan, alias).map(|condition| format!(" AND {condition}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::partitioning::{PartitionUnit, Partitioning};
    use crate::warehouse::bigquery::fixture::orders;

    fn of(column: Option<&str>, needs_filter: bool) -> TablePlan {
        let (column, unit) = (column.map(str::to_owned), PartitionUnit::Day);
        TablePlan { partitioning: Some(Partitioning { column, unit, needs_filter, life: None }), ..orders() }
    }

    #[test]
    fn only_a_table_that_asks_for_a_filter_gets_one() {
        assert_eq!(and(&orders(), "__t"), "");
        assert_eq!(and(&of(Some("day"), false), "__t"), "");
        assert_eq!(and(&of(Some("day"), true), "__t"), " AND (__t.`day` IS NULL OR __t.`day` IS NOT NULL)");
        let loaded = "(`_PARTITIONTIME` IS NULL OR `_PARTITIONTIME` IS NOT NULL)";
        assert_eq!(condition(&of(None, true), "").as_deref(), Some(loaded));
    }
}
