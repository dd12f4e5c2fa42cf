//! What a run of a mapping would cost in each mode that its table allows: estimates, from both servers' free figures.

use super::patience::within;
use crate::domain::column::TargetSchema;
use crate::domain::config::{Mapping, Mode};
use crate::domain::finding::{Finding, Topic};
use crate::domain::plan::TablePlan;
use crate::engine::ports::{Platform, Ports};
use crate::format;
use crate::source::{Diagnose, Estimate};

/// The sizes of the table on both sides, in words.
struct Sizes {
    /// `about 1,000 rows, 93 MB`
    mysql: String,
    /// `93 MB`
    table: String,
    /// `all of the target (81 MB)`
    target: String,
}

/// One line for each mode, the mapping's own first.
pub(super) async fn of_each_mode<P: Platform>(
    ports: &Ports<P>,
    mapping: &Mapping,
    plan: &TablePlan,
    target: Option<&TargetSchema>,
) -> Vec<Finding> {
    let reading = format!("Estimating the rows of {}", mapping.source);
    let size = match within(&reading, ports.source.size(&mapping.source)).await {
        Ok(size) => size,
        Err(fault) => return vec![Finding::warn(Topic::Cost, fault.to_string())],
    };
    let sizes = Sizes::of(size, target);
    let mut modes = vec![Mode::Append, Mode::Upsert, Mode::Mirror, Mode::Replace];
    modes.retain(|mode| is_possible(*mode, mapping, plan));
    modes.sort_by_key(|mode| *mode != mapping.mode);
    modes.into_iter().map(|mode| Finding::ok(Topic::Cost, sentence(mode, mapping, plan, &sizes))).collect()
}

/// Whether the table allows the mode. A mapping without an incremental column does not show whether its table has one.
fn is_possible(mode: Mode, mapping: &Mapping, plan: &TablePlan) -> bool {
    let has_keys = !mapping.primary_keys.is_empty();
    match mode {
        Mode::Append => plan.cursor.is_some(),
        Mode::Upsert => plan.cursor.is_some() && has_keys,
        Mode::Mirror => has_keys && plan.keys_unique,
        Mode::Replace => true,
    }
}

impl Sizes {
    fn of(size: Estimate, target: Option<&TargetSchema>) -> Self {
        let Estimate { rows, row_bytes } = size;
        let rows_of =
            rows.map_or_else(|| "all rows".to_owned(), |rows| format!("about {}", format::counted(rows, "row")));
        let bytes = rows.zip(row_bytes).map(|(rows, bytes)| rows.saturating_mul(bytes));
        let table = bytes.map_or_else(|| "as many bytes as they have".to_owned(), format::bytes);
        let target = match target.map(|target| target.bytes) {
            Some(Some(bytes)) => format!("all of the target ({})", format::bytes(bytes)),
            Some(None) => "all of the target".to_owned(),
            None => format!("all of the target (about {table}, once it is loaded)"),
        };
        Self { mysql: format!("{rows_of}, {table}"), table, target }
    }
}

fn sentence(mode: Mode, mapping: &Mapping, plan: &TablePlan, sizes: &Sizes) -> String {
    let Sizes { mysql, table, target } = sizes;
    let is_own = if mode == mapping.mode { " (this mapping's)" } else { "" };
    let windows = match plan.cursor {
        Some(cursor) if cursor.indexed => "the rows that are new or changed".to_owned(),
        _ => format!("the whole table, because no index begins with the incremental column ({mysql})"),
    };
    let pruned = if plan.partitioning.is_some() { ", or the partitions that its bounds leave" } else { "" };
    let costs = match mode {
        Mode::Append => format!(
            "a run reads {windows} in MySQL; BigQuery bills nothing where they are copied, else their bytes, 10 MB at least for \
             each table that a statement reads"
        ),
        Mode::Upsert => format!(
            "a run reads {windows} in MySQL; each publish is billed for their bytes and for {target}{pruned}, 20 MB at least"
        ),
        Mode::Mirror => format!(
            "a run scans the whole table in MySQL ({mysql}); BigQuery bills nothing where nothing has changed, else each \
             publish for the changed parts' rows and for {target}{pruned}, 20 MB at least"
        ),
        Mode::Replace => {
            format!(
                "a run reads the whole table in MySQL ({mysql}), and about {table} are billed in BigQuery, 10 MB at least"
            )
        }
    };
    format!("estimate for `mode: {}`{is_own}: {costs}", mode.word())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::config::parse;
    use crate::domain::partitioning::Partitioning;
    use crate::domain::plan::samples;

    fn mapping(rest: &str) -> Mapping {
        let text = format!("project: p\ndataset: d\nmappings:\n  - {{name: t, mysql_table: t, {rest}}}\n");
        parse(&text, Path::new("config.yaml"), &|_| None).unwrap().mappings.remove(0)
    }

    fn plan(keys: &[usize]) -> TablePlan {
        samples::plan(vec![samples::number("id"), samples::number("n")], keys, 1)
    }

    #[test]
    fn a_mode_that_the_table_does_not_allow_has_no_price() {
        let modes = |mapping: &Mapping, plan: &TablePlan| {
            let all = [Mode::Append, Mode::Upsert, Mode::Mirror, Mode::Replace];
            all.into_iter().filter(|mode| is_possible(*mode, mapping, plan)).map(Mode::word).collect::<Vec<_>>()
        };
        let keyed = mapping("incremental_column: n, primary_keys: [id]");
        assert_eq!(modes(&keyed, &plan(&[0])), ["append", "upsert", "mirror", "replace"]);
        assert_eq!(modes(&mapping("incremental_column: n"), &plan(&[])), ["append", "replace"]);
        let whole = mapping("mode: replace, primary_keys: [id]");
        assert_eq!(modes(&whole, &TablePlan { cursor: None, ..plan(&[0]) }), ["mirror", "replace"]);
        let doubtful = TablePlan { keys_unique: false, ..plan(&[0]) };
        assert_eq!(modes(&keyed, &doubtful), ["append", "upsert", "replace"], "a mirror needs keys that differ");
    }

    #[test]
    fn prices_are_shown_with_their_components() {
        let mapping = mapping("incremental_column: n, primary_keys: [id], mode: upsert");
        let size = Estimate { rows: Some(2_000), row_bytes: Some(500) };
        let target = TargetSchema { bytes: Some(3_000_000), ..TargetSchema::default() };
        let of = |mode, plan: &TablePlan| sentence(mode, &mapping, plan, &Sizes::of(size, Some(&target)));
        let upsert = of(Mode::Upsert, &plan(&[0]));
        assert!(upsert.starts_with("estimate for `mode: upsert` (this mapping's): a run reads the rows that are new"));
        assert!(upsert.contains(&format!("all of the target ({}), 20 MB", format::bytes(3_000_000))), "{upsert}");
        let by_day = TablePlan { partitioning: Some(Partitioning::by_day("n".into())), ..plan(&[0]) };
        assert!(of(Mode::Mirror, &by_day).contains("or the partitions that its bounds leave"));
        let replace = of(Mode::Replace, &plan(&[0]));
        assert!(replace.contains(&format!("about 2,000 rows, {}", format::bytes(1_000_000))), "{replace}");
        let unknown = Sizes::of(Estimate::default(), None);
        assert!(unknown.target.contains("once it is loaded") && unknown.mysql.starts_with("all rows"));
    }
}
