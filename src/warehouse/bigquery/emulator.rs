//! What the emulator (local-bigquery 0.3.2) cannot take as BigQuery wants it, gathered in one place.
//!
//! Nothing here is reached with the real service.

use super::client::Api;
use super::ddl;
use super::literal::table;
use crate::domain::column::TargetSchema;
use crate::domain::fault::Fault;
use crate::domain::ids::TableId;
use crate::domain::plan::TablePlan;
use crate::domain::type_map::StagedType;

/// It reads BYTES of a Parquet file as base64 when the load names a schema; without one it takes the table's own.
pub fn refuses_schema(plan: &TablePlan) -> bool {
    plan.columns.iter().any(|c| c.staged == StagedType::Bytes)
}

/// It breaks off where an option is NULL. Its tables have no end.
pub fn breaks_off(sql: &str) -> bool {
    sql.contains(ddl::KEEP)
}

/// Its number of rows is an estimate as soon as some were updated or deleted.
pub async fn rows_held(api: &Api, of: &TableId, described: &TargetSchema) -> Result<Option<u64>, Fault> {
    let filter = described.partitioning.as_ref().and_then(|by| by.condition(""));
    let filter = filter.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
    let sql = format!("SELECT CAST(COUNT(*) AS STRING) FROM {}{filter}", table(of));
    let rows = api.rows(&sql, &format!("Counting the rows of {of} failed")).await?;
    Ok(rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok()))
}

/// In a MERGE, though nowhere else, its PARSE_JSON takes no named argument.
pub fn merge(sql: &str) -> String {
    sql.replace(", wide_number_mode=>'round'", "")
}
