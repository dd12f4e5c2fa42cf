//! The statement that makes one row of those that share a key.

use super::{Rows, STAGED, TARGET, all_equal, each_once, key_bounds, names, table};
use crate::domain::ids::TableId;
use crate::domain::plan::TablePlan;
use crate::warehouse::bigquery::literal::column;
use crate::warehouse::bigquery::partition_filter;

/// Each staged row twice: the first takes out every row of its key, the second, which matches nothing, is put in. One
/// statement, so nobody ever sees the key missing.
pub(super) fn merge_once(target: &TableId, plan: &TablePlan, rows: &Rows) -> String {
    let values: Vec<String> = plan.columns.iter().map(|c| format!("{STAGED}.{}", column(&c.target_name))).collect();
    format!(
        "MERGE INTO {} AS {TARGET}\nUSING (\nSELECT __n.*, __out FROM (\n{}\n) AS __n CROSS JOIN UNNEST([TRUE, FALSE]) AS \
         __out\n) AS {STAGED}\nON {STAGED}.__out AND {}{}\nWHEN MATCHED THEN DELETE\nWHEN NOT MATCHED AND NOT \
         {STAGED}.__out THEN INSERT ({}) VALUES ({})",
        table(target),
        each_once(plan, rows, &plan.keys),
        all_equal(plan, &plan.keys),
        key_bounds(plan, rows) + &partition_filter::and(plan, TARGET),
        names(plan),
        values.join(", ")
    )
}
