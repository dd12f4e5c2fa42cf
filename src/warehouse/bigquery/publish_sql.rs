//! The statements that carry staged rows into the target, each one atomic.
//!
//! Both sides have aliases that no column is likely to have: a column named like its table would shadow it.

mod mirror;
mod rows;

pub use self::mirror::mirror;
pub use self::rows::Rows;
use super::client::Api;
use super::emulator;
use super::literal::{column, table};
use super::partition_filter;
use crate::domain::ids::TableId;
use crate::domain::plan::{ColumnPlan, TablePlan};
use crate::domain::publish::PublishKind;
use crate::domain::target_type::TargetType;
use crate::domain::type_map::Cast;
use crate::warehouse::{Range, Within};

pub const TARGET: &str = "__t";
pub const STAGED: &str = "__s";

impl Api {
    /// The statement of a publish. (A copy job has none: what it does, an INSERT does too. That of a replace says only what
    /// is read; where it goes, its job says.)
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

/// upsert, each key once: with `newer_wins` no older row over a newer one.
#[must_use]
pub fn merge(target: &TableId, plan: &TablePlan, rows: &Rows, newer_wins: bool) -> String {
    let set: Vec<String> = plan
        .columns
        .iter()
        .enumerate()
        .filter(|(position, _)| !plan.keys.contains(position))
        .map(|(_, c)| column(&c.target_name))
        .map(|name| format!("{name} = {STAGED}.{name}"))
        // A row that is back is no longer deleted. (A bare NULL is refused by the emulator's MERGE.)
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

/// upsert, keys that the target may hold more than once. Each staged row comes twice: the first takes out every row of its
/// key, the second, which matches nothing, is put in. One statement, so nobody ever sees the key missing.
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

/// What joins a staged row to the target's of its keys, in a MERGE.
fn same_keys(plan: &TablePlan, rows: &Rows) -> String {
    all_equal(plan, &plan.keys) + &key_bounds(plan, rows) + &partition_filter::and(plan, TARGET)
}

/// What puts a staged row in, in a MERGE.
fn insert_staged(plan: &TablePlan) -> String {
    let values: Vec<String> = filled(plan).map(|name| format!("{STAGED}.{name}")).collect();
    format!("INSERT ({}) VALUES ({})", names(plan), values.join(", "))
}

/// Where the target can hold none of the rows: every row.
#[must_use]
pub fn insert(target: &TableId, plan: &TablePlan, rows: &Rows) -> String {
    format!("INSERT INTO {} ({})\n{}", table(target), names(plan), select(plan, rows))
}

/// replace: every row, as the target will hold it.
#[must_use]
pub fn replacement(plan: &TablePlan, rows: &Rows) -> String {
    select(plan, rows).trim_start().to_owned()
}

/// upsert, where the target holds nothing: each key once, without a join.
#[must_use]
pub fn insert_newest(target: &TableId, plan: &TablePlan, rows: &Rows) -> String {
    format!("INSERT INTO {} ({})\n{}", table(target), names(plan), each_once(plan, rows, &plan.keys))
}

/// append, where the target may hold some of the rows: those whose keys and cursor are not there.
///
/// Where keys do not tell rows apart, a row is told by all of its columns, and equal rows by their number.
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
            + &partition_filter::and(plan, TARGET),
    )
}

/// Rows as text: of equal ones, those beyond the number that the target has already.
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
        bounds = cursor_bounds(plan, rows).unwrap_or_else(|| "TRUE".to_owned()) + &partition_filter::and(plan, TARGET),
    )
}

/// A field of a row that is compared as text, in a form that both sides spell alike: decimals without their parameters.
fn as_field(alias: &str, of: &ColumnPlan) -> String {
    let name = column(&of.target_name);
    match of.target_type {
        TargetType::Numeric(_) | TargetType::BigNumeric(_) => {
            format!("CAST({alias}.{name} AS {}) AS {name}", of.target_type.name())
        }
        TargetType::Json => format!("TO_JSON_STRING({alias}.{name}) AS {name}"),
        TargetType::Geography => format!("ST_ASTEXT({alias}.{name}) AS {name}"),
        _ => format!("{alias}.{name} AS {name}"),
    }
}

fn names(plan: &TablePlan) -> String {
    let names: Vec<String> = filled(plan).collect();
    names.join(", ")
}

/// The target's columns that a publish fills, quoted.
fn filled(plan: &TablePlan) -> impl Iterator<Item = String> {
    plan.columns.iter().map(|c| &c.target_name).chain(&plan.loaded_at).map(|name| column(name))
}

/// The staged rows under the target's names and types, with the moment of the publish where the target keeps it.
fn select(plan: &TablePlan, rows: &Rows) -> String {
    let moment = plan.loaded_at.as_ref().map(|name| format!("    CURRENT_TIMESTAMP() AS {}", column(name)));
    let columns: Vec<String> =
        plan.columns.iter().map(|c| format!("    {} AS {}", value(c), column(&c.target_name))).chain(moment).collect();
    format!("  SELECT\n{}\n  FROM {} AS {STAGED}", columns.join(",\n"), rows.relation)
}

/// The same, of rows that share `identity` the newest; where nothing orders them, any.
fn each_once(plan: &TablePlan, rows: &Rows, identity: &[usize]) -> String {
    // The values as the target will hold them: two staged texts may be one number.
    let identity: Vec<String> = identity.iter().map(|&position| group(&plan.columns[position])).collect();
    let order = plan.cursor_column().map(|cursor| format!(" ORDER BY {} DESC", value(cursor)));
    // BigQuery takes QUALIFY only beside a WHERE, a GROUP BY or a HAVING.
    format!(
        "{}\n  WHERE TRUE\n  QUALIFY ROW_NUMBER() OVER (PARTITION BY {}{}) = 1",
        select(plan, rows),
        identity.join(", "),
        order.unwrap_or_default()
    )
}

/// A staged value as the target's type.
pub fn value(of: &ColumnPlan) -> String {
    let staged = format!("{STAGED}.{}", column(&of.staged_name));
    match of.cast {
        Cast::None => staged,
        // Without parameters, which CAST does not take everywhere; the column itself enforces them.
        Cast::To => format!("CAST({staged} AS {})", of.target_type.name()),
        Cast::ParseJson => format!("PARSE_JSON({staged}, wide_number_mode=>'round')"),
        Cast::ParseGeography => format!("ST_GEOGFROMTEXT({staged})"),
    }
}

/// A value that rows can be grouped by; floating point cannot.
fn group(of: &ColumnPlan) -> String {
    if of.target_type.can_be_key() { value(of) } else { format!("CAST({} AS STRING)", value(of)) }
}

pub fn all_equal(plan: &TablePlan, identity: &[usize]) -> String {
    let each: Vec<String> = identity
        .iter()
        .map(|&position| {
            let of = &plan.columns[position];
            let name = column(&of.target_name);
            let equal = format!("{TARGET}.{name} = {STAGED}.{name}");
            if plan.may_be_null(position) {
                format!("({equal} OR ({TARGET}.{name} IS NULL AND {STAGED}.{name} IS NULL))")
            } else {
                equal
            }
        })
        .collect();
    each.join(" AND ")
}

/// Constants are what BigQuery prunes by: blocks by the columns that the table is clustered by, and partitions, where the
/// column that it is partitioned on is a key. No staged row lies outside them, and no row of the target that one of them
/// could match. (Of a column that is no key this does not hold: a row's value may have changed, and the row would come a
/// second time.)
fn key_bounds(plan: &TablePlan, rows: &Rows) -> String {
    let each = plan.keys.iter().zip(&rows.key_ranges);
    let each = each.filter_map(|(&key, range)| Some(between(&plan.columns[key], range.as_ref()?)));
    each.fold(String::new(), |all, bound| all + " AND " + &bound)
}

fn cursor_bounds(plan: &TablePlan, rows: &Rows) -> Option<String> {
    Some(between(plan.cursor_column()?, rows.cursor_range.as_ref()?))
}

fn between(of: &ColumnPlan, (low, high): &Range) -> String {
    format!("{TARGET}.{} BETWEEN {low} AND {high}", column(&of.target_name))
}

#[cfg(test)]
mod tests;
