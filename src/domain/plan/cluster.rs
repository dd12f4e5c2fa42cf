//! The columns by which a new table is clustered.

use super::input::{PlanInput, not_carried};
use super::table::ColumnPlan;
use crate::domain::column::same_name;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::schema::SchemaDiff;

/// Source: BigQuery guide, "Clustered tables".
const MOST: usize = 4;

/// The columns that the mapping names; otherwise the keys, by which a MERGE finds its rows; without keys, the
/// incremental column. The clustering of an existing table is not checked.
pub(super) fn columns(
    input: &PlanInput<'_>,
    columns: &[ColumnPlan],
    keys: &[usize],
    cursor: Option<usize>,
    diff: &SchemaDiff,
) -> Result<Vec<usize>, Fault> {
    let can_cluster = |position: &usize| columns[*position].target_type.can_cluster();
    if input.mapping.cluster_by.is_empty() {
        let instead = cursor.filter(|_| keys.is_empty());
        return Ok(keys.iter().copied().chain(instead).filter(can_cluster).take(MOST).collect());
    }
    let mut chosen = Vec::new();
    for name in &input.mapping.cluster_by {
        let position = columns.iter().position(|c| same_name(&c.source.name, name));
        let position = position.ok_or_else(|| not_carried(input.mapping, name, "cluster_by"))?;
        if diff.creates_table && !can_cluster(&position) {
            let (mapping, becomes) = (&input.mapping.name, &columns[position].target_type);
            let sentence =
                format!("`cluster_by` of mapping `{mapping}` names `{name}`, which will be {becomes} in BigQuery");
            return Err(Fault::new(FaultKind::Config, sentence)
                .with_hint("choose columns that become neither FLOAT64, BYTES, JSON nor TIME"));
        }
        chosen.push(position);
    }
    Ok(chosen)
}
