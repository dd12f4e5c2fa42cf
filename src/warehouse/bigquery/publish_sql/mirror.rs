//! mirror: makes the rows of some parts equal to MySQL's, in one statement.

use super::super::digest;
use super::super::literal::{column, table};
use super::super::own_rows;
use super::pieces::{STAGED, TARGET, as_field, each_once, insert_staged, same_keys};
use super::rows::Rows;
use crate::domain::ids::TableId;
use crate::domain::plan::{ColumnPlan, TablePlan};
use crate::domain::target_type::TargetType;
use crate::warehouse::Within;

/// Only rows that differ are written and counted. Without `within` nothing is removed.
#[must_use]
pub fn mirror(target: &TableId, plan: &TablePlan, rows: &Rows, within: Option<&Within>) -> String {
    let others =
        || plan.columns.iter().enumerate().filter(|(position, _)| !plan.keys.contains(position)).map(|(_, c)| c);
    let mark = plan.deleted_column.as_ref().map(|name| column(name));
    let mut set: Vec<String> =
        others().map(|c| column(&c.target_name)).map(|name| format!("{name} = {STAGED}.{name}")).collect();
    // The moment of the publish does not count as a difference.
    let stamp = plan.loaded_at.as_ref().map(|name| column(name));
    if !set.is_empty() || mark.is_some() {
        set.extend(stamp.as_ref().map(|stamp| format!("{stamp} = {STAGED}.{stamp}")));
    }
    set.extend(mark.as_ref().map(|mark| format!("{mark} = CAST(NULL AS TIMESTAMP)")));
    let mut differs: Vec<String> = others().map(differs).collect();
    differs.extend(mark.as_ref().map(|mark| format!("{TARGET}.{mark} IS NOT NULL")));
    let update = if set.is_empty() {
        String::new()
    } else {
        format!("WHEN MATCHED AND {} THEN UPDATE SET {}\n", digest::any(differs), set.join(", "))
    };
    let gone = within.filter(|within| within.deletes).map(|within| {
        let mut all = vec![digest::within(&within.comparison, &within.parts, TARGET)];
        all.extend(mark.as_ref().map(|mark| format!("{TARGET}.{mark} IS NULL")));
        all.extend(own_rows::condition(plan, TARGET));
        let what = match &mark {
            Some(mark) => {
                let stamped = std::iter::once(mark).chain(&stamp).map(|name| format!("{name} = CURRENT_TIMESTAMP()"));
                format!("UPDATE SET {}", stamped.collect::<Vec<_>>().join(", "))
            }
            None => "DELETE".to_owned(),
        };
        format!("\nWHEN NOT MATCHED BY SOURCE AND {} THEN {what}", all.join(" AND "))
    });
    format!(
        "MERGE INTO {} AS {TARGET}\nUSING (\n{}\n) AS {STAGED}\nON {}\n{update}WHEN NOT MATCHED THEN {}{}",
        table(target),
        each_once(plan, rows, &plan.keys),
        same_keys(plan, rows),
        insert_staged(plan),
        gone.unwrap_or_default(),
    )
}

/// The condition that a column's values differ. Types that cannot be compared are compared as text.
fn differs(of: &ColumnPlan) -> String {
    let name = column(&of.target_name);
    let value = |alias: &str| match of.target_type {
        TargetType::Json | TargetType::Geography => {
            let field = as_field(alias, of);
            field.strip_suffix(&format!(" AS {name}")).unwrap_or(&field).to_owned()
        }
        _ => format!("{alias}.{name}"),
    };
    format!("{} IS DISTINCT FROM {}", value(TARGET), value(STAGED))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ids::SourceTable;
    use crate::domain::partitioning::{PartitionUnit, Partitioning};
    use crate::domain::verify::{Comparison, Grain, Parts, form};
    use crate::warehouse::bigquery::fixture::{orders, staged, target};

    fn within(plan: &TablePlan, deletes: bool) -> Within {
        let comparison = Comparison {
            source: SourceTable::whole(None, "orders".into()),
            target: target(),
            forms: (0..plan.columns.len()).map(|position| form(plan, position)).collect(),
            plan: Arc::new(plan.clone()),
            window: None,
            newest_only: false,
        };
        let parts = Parts::of(Grain::Range { base: 0, bits: 8 }, [0, 1, 7]);
        Within { comparison: Arc::new(comparison), parts, deletes }
    }

    fn of(plan: &TablePlan, deletes: bool) -> String {
        mirror(&target(), plan, &Rows::of(&staged(), plan), Some(&within(plan, deletes)))
    }

    #[test]
    fn a_mirror_writes_rows_that_differ_and_removes_rows_that_are_gone() {
        let plan = TablePlan { cursor: None, ..orders() };
        let sql = of(&plan, true);
        assert!(sql.starts_with("MERGE INTO `my-project.shop.orders` AS __t\nUSING (\n"), "{sql}");
        let differs = "WHEN MATCHED AND (__t.`updated_at` IS DISTINCT FROM __s.`updated_at` OR __t.`größe` IS DISTINCT FROM \
                       __s.`größe` OR __t.`total` IS DISTINCT FROM __s.`total` OR TO_JSON_STRING(__t.`doc`) IS DISTINCT FROM \
                       TO_JSON_STRING(__s.`doc`)) THEN UPDATE SET ";
        assert!(sql.contains(differs), "{sql}");
        assert!(
            sql.ends_with(
                "\nWHEN NOT MATCHED BY SOURCE AND (__t.`id` BETWEEN 0 AND 511 OR __t.`id` BETWEEN 1792 AND 2047 OR __t.`id` IS NULL) THEN DELETE"
            ),
            "{sql}"
        );
        assert!(!of(&plan, false).contains("BY SOURCE"), "rows that are gone stay");
    }

    #[test]
    fn a_mirror_of_a_table_that_requires_a_filter_has_one_in_every_clause() {
        let by = Partitioning { needs_filter: true, ..Partitioning::new(None, PartitionUnit::Day) };
        let sql = of(&TablePlan { cursor: None, partitioning: Some(by), ..orders() }, true);
        let filter = " AND (__t.`_PARTITIONTIME` IS NULL OR __t.`_PARTITIONTIME` IS NOT NULL)";
        assert!(sql.lines().any(|line| line.starts_with("ON ") && line.ends_with(filter)), "{sql}");
        assert!(sql.ends_with(&format!("{filter} THEN DELETE")), "{sql}");
    }

    #[test]
    fn a_mirror_marks_gone_rows_once_and_unmarks_rows_that_reappear() {
        let plan = TablePlan { cursor: None, deleted_column: Some("gone".into()), ..orders() };
        let sql = of(&plan, true);
        assert!(sql.contains(" OR __t.`gone` IS NOT NULL) THEN UPDATE SET "), "{sql}");
        assert!(sql.contains(", `gone` = CAST(NULL AS TIMESTAMP)\n"), "{sql}");
        assert!(sql.ends_with(" AND __t.`gone` IS NULL THEN UPDATE SET `gone` = CURRENT_TIMESTAMP()"), "{sql}");
    }

    #[test]
    fn the_publish_time_is_set_and_does_not_count_as_a_difference() {
        let mut plan = TablePlan { cursor: None, loaded_at: Some("loaded".into()), ..orders() };
        let sql = of(&plan, true);
        assert!(!sql.contains("`loaded` IS DISTINCT"), "{sql}");
        assert!(sql.contains("`doc` = __s.`doc`, `loaded` = __s.`loaded`\n"), "{sql}");
        assert!(sql.contains("`doc`, `loaded`) VALUES (") && sql.contains("__s.`loaded`)"), "{sql}");
        plan.deleted_column = Some("gone".into());
        let ended = "THEN UPDATE SET `gone` = CURRENT_TIMESTAMP(), `loaded` = CURRENT_TIMESTAMP()";
        assert!(of(&plan, true).ends_with(ended));
    }
}
