//! The condition that a table with `require_partition_filter` wants of whatever reads it.
//!
//! It is true of every row: what a statement may leave out, its own bounds say. BigQuery takes it for a filter, because it
//! speaks of the partitioning column alone, and as the only one of a MERGE as well. (A null-safe equality of the keys,
//! `IS NOT DISTINCT FROM`, beside it would spoil that.)

use super::literal::column;
use crate::domain::partitioning::Partitioning;
use crate::domain::plan::TablePlan;

/// The pseudo-column of a table that is partitioned by the time of loading.
const LOADED: &str = "_PARTITIONTIME";

/// `None` where the table asks for none. `alias` of the table in the statement; empty: it has none.
pub fn condition(plan: &TablePlan, alias: &str) -> Option<String> {
    of_table(plan.partitioning.as_ref(), alias)
}

/// The same of a table as it is described.
pub fn of_table(partitioning: Option<&Partitioning>, alias: &str) -> Option<String> {
    let partitioning = partitioning.filter(|by| by.needs_filter)?;
    let name = column(partitioning.column.as_deref().unwrap_or(LOADED));
    let name = if alias.is_empty() { name } else { format!("{alias}.{name}") };
    Some(format!("({name} IS NULL OR {name} IS NOT NULL)"))
}

/// The same, after other conditions; nothing where the table asks for none.
pub fn and(plan: &TablePlan, alias: &str) -> String {
    condition(plan, alias).map(|condition| format!(" AND {condition}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::partitioning::PartitionUnit;
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
