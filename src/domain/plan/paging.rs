//! How the rows of a window are asked for: pages by key where that is both right and cheap.

use super::{ColumnPlan, Paging, PlanInput};
use crate::domain::column::{SourceColumn, SourceSchema, same_name};
use crate::domain::naming;
use crate::domain::source_type::SourceType;

/// Pages where an index carries `(cursor, key)` and the keys are truly unique; else one pass.
pub(super) fn choose(
    input: &PlanInput<'_>,
    columns: &[ColumnPlan],
    keys: &[usize],
    warnings: &mut Vec<String>,
) -> Paging {
    let cursor = &input.mapping.incremental_column;
    let names: Vec<&str> = keys.iter().map(|&k| columns[k].source.name.as_str()).collect();
    let unique = input.source.unique_keys.iter().any(|index| same_set(index, &names));
    let pageable = keys.iter().all(|&k| can_page(&columns[k].source));
    if cursor_leads_an_index(input.source, cursor) {
        return if unique && pageable && !names.is_empty() { Paging::Keyset } else { Paging::Stream };
    }
    if !input.source.is_view {
        warnings.push(format!(
            "no index of {} begins with `{cursor}`: every run reads the whole table; add one with \
             CREATE INDEX idx_{} ON {} ({cursor})",
            input.mapping.source,
            naming::id_part(cursor),
            input.mapping.source
        ));
    }
    Paging::Stream
}

/// Is there a unique key whose columns are all among the mapping's keys?
pub(super) fn tell_rows_apart(input: &PlanInput<'_>, columns: &[ColumnPlan], keys: &[usize]) -> bool {
    let named = |column: &String| keys.iter().any(|&key| same_name(&columns[key].source.name, column));
    input.source.unique_keys.iter().any(|index| index.iter().all(named))
}

fn cursor_leads_an_index(source: &SourceSchema, cursor: &str) -> bool {
    source.indexes.iter().any(|index| index.first().is_some_and(|first| same_name(first, cursor)))
}

fn same_set(index: &[String], names: &[&str]) -> bool {
    index.len() == names.len() && names.iter().all(|n| index.iter().any(|i| same_name(i, n)))
}

/// Do ORDER BY and a comparison with a bound value agree for the type? (ENUM and SET order by position but compare as
/// text; floats have no exact literal.) A NULL would end the pages.
const fn can_page(column: &SourceColumn) -> bool {
    !column.nullable
        && matches!(
            column.source_type,
            SourceType::Int { .. }
                | SourceType::Decimal { .. }
                | SourceType::Year
                | SourceType::Date
                | SourceType::DateTime { .. }
                | SourceType::Timestamp { .. }
                | SourceType::Text { .. }
                | SourceType::Binary
                | SourceType::Uuid
        )
}
