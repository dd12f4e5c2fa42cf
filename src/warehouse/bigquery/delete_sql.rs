//! The statements about rows of the target whose keys the source no longer has.

use super::digest;
use super::literal::{column, table};
use super::own_rows;
use super::publish_sql::{STAGED, TARGET, value};
use super::target_range;
use crate::warehouse::{DeleteOrder, Vanished};

/// Counts the rows that are not deleted, and those of them that the source no longer has: two numbers.
#[must_use]
pub fn count(vanished: &Vanished) -> String {
    let target = table(&vanished.target);
    let held = vanished.plan.deleted_column.as_ref().map_or("TRUE".to_owned(), |c| format!("{} IS NULL", column(c)));
    let held = held + &own_rows::and(&vanished.plan, "");
    format!(
        "SELECT CAST((SELECT COUNT(*) FROM {target} WHERE {held}) AS STRING), CAST((SELECT COUNT(*) FROM {target} AS \
         {TARGET} WHERE {}) AS STRING)",
        condition(vanished)
    )
}

/// Deletes them, or marks them with the time.
#[must_use]
pub fn delete(order: &DeleteOrder) -> String {
    let (target, condition) = (table(&order.vanished.target), condition(&order.vanished));
    match &order.mark {
        Some(mark) => {
            // The publish time is set as well, so that readers who follow it see the mark.
            let stamped = std::iter::once(mark).chain(&order.vanished.plan.loaded_at);
            let stamped: Vec<String> = stamped.map(|name| format!("{} = CURRENT_TIMESTAMP()", column(name))).collect();
            format!("UPDATE {target} AS {TARGET} SET {} WHERE {condition}", stamped.join(", "))
        }
        None => format!("DELETE FROM {target} AS {TARGET} WHERE {condition}"),
    }
}

/// The condition leaves alone rows without a key, which belong to nobody, and rows that are marked already.
fn condition(vanished: &Vanished) -> String {
    let Vanished { plan, keys, staged, before, within, .. } = vanished;
    let name = |position: &usize| column(&plan.columns[*position].target_name);
    let mut all: Vec<String> = plan.keys.iter().map(|key| format!("{TARGET}.{} IS NOT NULL", name(key))).collect();
    all.extend(plan.deleted_column.as_ref().map(|mark| format!("{TARGET}.{} IS NULL", column(mark))));
    all.extend(before.map(|before| format!("NOT ({})", target_range::reaches(plan, &before))));
    let equal =
        |key: &crate::domain::plan::ColumnPlan| format!("{} = {TARGET}.{}", value(key), column(&key.target_name));
    let equal: Vec<String> = keys.columns.iter().map(equal).collect();
    all.extend(within.as_ref().map(|within| digest::within(&within.comparison, &within.parts, TARGET)));
    all.extend(own_rows::condition(plan, TARGET));
    all.push(format!("NOT EXISTS (SELECT 1 FROM {} AS {STAGED} WHERE {})", table(staged), equal.join(" AND ")));
    all.join(" AND ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::cursor::{Cursor, Moment};
    use crate::domain::ids::{JobId, MappingName};
    use crate::warehouse::bigquery::fixture::{orders, staged, target};

    fn order(mark: Option<&str>, before: Option<&str>) -> DeleteOrder {
        let mut plan = orders();
        plan.deleted_column = mark.map(str::to_owned);
        let keys = plan.keys_only();
        let before = before.map(|text| Cursor::Moment(Moment::parse(text).unwrap()));
        let (plan, keys, staged) = (Arc::new(plan), Arc::new(keys), staged().table);
        let vanished = Vanished { target: target(), plan, keys, staged, before, within: None };
        let (mapping, job) = (MappingName("orders".into()), JobId("job".into()));
        DeleteOrder { mapping, job, vanished, mark: mark.map(str::to_owned) }
    }

    #[test]
    fn vanished_rows_are_deleted() {
        assert_eq!(
            delete(&order(None, None)),
            "DELETE FROM `my-project.shop.orders` AS __t WHERE __t.`id` IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \
             `my-project.shop._bqsync_1` AS __s WHERE __s.`id` = __t.`id`)"
        );
    }

    #[test]
    fn vanished_rows_are_marked_once_and_only_if_they_are_old_enough() {
        assert_eq!(
            delete(&order(Some("gone"), Some("2026-11-23 08:00:00"))),
            "UPDATE `my-project.shop.orders` AS __t SET `gone` = CURRENT_TIMESTAMP() WHERE __t.`id` IS NOT NULL AND \
             __t.`gone` IS NULL AND NOT (IFNULL(`updated_at` >= TIMESTAMP '2026-11-23 08:00:00+00:00', FALSE)) AND NOT EXISTS (SELECT 1 \
             FROM `my-project.shop._bqsync_1` AS __s WHERE __s.`id` = __t.`id`)"
        );
    }
}
