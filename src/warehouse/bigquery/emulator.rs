//! Workarounds for what the emulator (local-bigquery 0.3.2) does unlike BigQuery, gathered in one place.
//!
//! Nothing here is reached with the real service.

use super::ddl;
use crate::domain::plan::TablePlan;
use crate::domain::type_map::StagedType;

/// The emulator reads BYTES of a Parquet file as base64 when the load names a schema; without one it takes the table's
/// own.
pub fn refuses_schema(plan: &TablePlan) -> bool {
    plan.columns.iter().any(|c| c.staged == StagedType::Bytes)
}

/// The emulator fails on an option that is NULL. Its tables never expire.
pub fn breaks_off(sql: &str) -> bool {
    sql.contains(ddl::KEEP)
}

/// In a MERGE, though nowhere else, its PARSE_JSON takes no named argument.
pub fn merge(sql: &str) -> String {
    sql.replace(", wide_number_mode=>'round'", "")
}
