//! The statements that publish staged rows to the target; each is atomic.

mod mirror;
mod pieces;
mod rows;

use self::mirror::mirror;
pub use self::pieces::{STAGED, TARGET, value};
use self::pieces::{
    all_equal, as_field, cursor_bounds, each_once, insert_staged, key_bounds, names, same_keys, select,
};
pub use self::rows::Rows;
use super::client::Api;
use super::emulator;
use super::literal::{column, table};
use super::own_rows;
use crate::domain::ids::TableId;
use crate::domain::plan::TablePlan;
use crate::domain::publish::PublishKind;
use crate::warehouse::Within;

impl Api {
    /// The statement of a publish. (A copy job has no statement; the INSERT shown for it does the same. A replace's
    /// statement only reads; its job names the destination.)
    pub fn publish_sql(
        &self,
        kind: PublishKind,
        target: &TableId,
        plan: &TablePlan,
        rows: &Rows,
        within: Option<&Within>,
    ) -> String {
        match kind {
            PublishKind::Merge | PublishKind::MergeAsRead => {
                let sql = merge(target, plan, rows, kind == PublishKind::Merge);
                if self.is_emulator { emulator::merge(&sql) } else { sql }
            }
            PublishKind::MergeOnce => {
                let sql = merge_once(target, plan, rows);
                if self.is_emulator { emulator::merge(&sql) } else { sql }
            }
            PublishKind::InsertNewest => insert_newest(target, plan, rows),
            PublishKind::Insert | PublishKind::Copy => insert(target, plan, rows),
            PublishKind::InsertMissing => insert_missing(target, plan, rows),
            PublishKind::Replace => replacement(plan, rows),
            PublishKind::Mirror => {
                let sql = mirror(target, plan, rows, within);
                if self.is_emulator { emulator::merge(&sql) } else { sql }
            }
        }
    }
}

/// upsert into a target that holds each key once; with `newer_wins` an older row never replaces a newer one.
#[must_use]
pub fn merge(target: &TableId, plan: &TablePlan, rows: &Rows, newer_wins: bool) -> String {
    let set: Vec<String> = plan
        .columns
        .iter()
        .enumerate()
        .filter(|(position, _)| !plan.keys.contains(position))
        .map(|(_, c)| column(&c.target_name))
        .map(|name| format!("{name} = {STAGED}.{name}"))
        // A row that is back is no longer deleted. (The emulator's MERGE refuses a bare NULL.)
        .chain(plan.loaded_at.as_ref().map(|name| format!("{0} = {STAGED}.{0}", column(name))))
        .chain(plan.deleted_column.as_ref().map(|name| format!("{} = CAST(NULL AS TIMESTAMP)", column(name))))
        .collect();
    let update = if set.is_empty() {
        String::new()
    } else {
        let newer = plan.cursor_column().filter(|_| newer_wins).map(|cursor| {
            let cursor = column(&cursor.target_name);
            format!(" AND ({TARGET}.{cursor} IS NULL OR {STAGED}.{cursor} >= {TARGET}.{cursor})")
        });
        format!("WHEN MATCHED{} THEN UPDATE SET {}\n", newer.unwrap_or_default(), set.join(", "))
    };
    format!(
        "MERGE INTO {} AS {TARGET}\nUSING (\n{}\n) AS {STAGED}\nON {}\n{update}WHEN NOT MATCHED THEN {}",
        table(target),
        each_once(plan, rows, &plan.keys),
        same_keys(plan, rows),
        insert_staged(plan)
    )
}

/// upsert into a target that may hold a key more than once. Each staged row comes twice: the first removes every row of
/// its key, the second matches nothing and is inserted. It is one statement, so nobody ever sees the key missing.
#[must_use]
pub fn merge_once(target: &TableId, plan: &TablePlan, rows: &Rows) -> String {
    format!(
        "MERGE INTO {} AS {TARGET}\nUSING (\nSELECT __n.*, __out FROM (\n{}\n) AS __n CROSS JOIN UNNEST([TRUE, FALSE]) AS \
         __out\n) AS {STAGED}\nON {STAGED}.__out AND {}\nWHEN MATCHED THEN DELETE\nWHEN NOT MATCHED AND NOT \
         {STAGED}.__out THEN {}",
        table(target),
        each_once(plan, rows, &plan.keys),
        same_keys(plan, rows),
        insert_staged(plan)
    )
}

/// Inserts every row, for a target that can hold none of them yet.
#[must_use]
pub fn insert(target: &TableId, plan: &TablePlan, rows: &Rows) -> String {
    format!("INSERT INTO {} ({})\n{}", table(target), names(plan), select(plan, rows))
}

/// replace: selects every row as the target will hold it.
#[must_use]
pub fn replacement(plan: &TablePlan, rows: &Rows) -> String {
    let rows = select(plan, rows).trim_start().to_owned();
    // The column is named, because a table that is replaced without its schema would lose it.
    match &plan.deleted_column {
        Some(mark) => format!("SELECT *, CAST(NULL AS TIMESTAMP) AS {} FROM (\n{rows}\n)", column(mark)),
        None => rows,
    }
}

/// upsert into a target that holds nothing: each key once, without a join.
#[must_use]
pub fn insert_newest(target: &TableId, plan: &TablePlan, rows: &Rows) -> String {
    format!("INSERT INTO {} ({})\n{}", table(target), names(plan), each_once(plan, rows, &plan.keys))
}

/// append to a target that may hold some of the rows: inserts those whose keys and cursor it lacks.
///
/// Where keys do not tell rows apart, all columns together identify a row, and equal rows are numbered.
#[must_use]
pub fn insert_missing(target: &TableId, plan: &TablePlan, rows: &Rows) -> String {
    if plan.keys.is_empty() || !plan.keys_unique {
        return insert_missing_by_content(target, plan, rows);
    }
    let mut identity = plan.keys.clone();
    identity.extend(plan.cursor.map(|cursor| cursor.position).filter(|cursor| !plan.keys.contains(cursor)));
    format!(
        "INSERT INTO {target} ({names})\nSELECT {names}\nFROM (\n{rows}\n) AS {STAGED}\nWHERE NOT EXISTS (\n  SELECT 1 \
         FROM {target} AS {TARGET}\n  WHERE {equal}{bounds}\n)",
        target = table(target),
        names = names(plan),
        rows = each_once(plan, rows, &identity),
        equal = all_equal(plan, &identity),
        bounds = cursor_bounds(plan, rows).map(|b| format!(" AND {b}")).unwrap_or_default()
            + &key_bounds(plan, rows)
            + &own_rows::and(plan, TARGET),
    )
}

/// Compares rows as text; of equal rows it inserts those beyond the number that the target has already.
fn insert_missing_by_content(target: &TableId, plan: &TablePlan, rows: &Rows) -> String {
    let row = |alias: &str| {
        let fields: Vec<String> = plan.columns.iter().map(|c| as_field(alias, c)).collect();
        format!("TO_JSON_STRING(STRUCT({}))", fields.join(", "))
    };
    format!(
        "INSERT INTO {target} ({names})\nSELECT {names}\nFROM (\n  SELECT {STAGED}.*, {staged_row} AS __row, \
         ROW_NUMBER() OVER (PARTITION BY {staged_row}) AS __nth\n  FROM (\n{rows}\n  ) AS {STAGED}\n) AS __new\nLEFT \
         JOIN (\n  SELECT {target_row} AS __row, COUNT(*) AS __held\n  FROM {target} AS {TARGET}\n  WHERE {bounds}\n  \
         GROUP BY __row\n) AS __old\nON __new.__row = __old.__row\nWHERE __new.__nth > IFNULL(__old.__held, 0)",
        target = table(target),
        names = names(plan),
        staged_row = row(STAGED),
        target_row = row(TARGET),
        rows = select(plan, rows),
        bounds = cursor_bounds(plan, rows).unwrap_or_else(|| "TRUE".to_owned()) + &own_rows::and(plan, TARGET),
    )
}

#[cfg(test)]
mod shard_tests;
#[cfg(test)]
mod tests;
