//! The pieces that the statements of publishes are made of.
//!
//! Both sides have aliases that no column is likely to have: a column named like its table would shadow it.

use super::super::literal::column;
use super::super::own_rows;
use super::rows::Rows;
use crate::domain::plan::{ColumnPlan, TablePlan};
use crate::domain::target_type::TargetType;
use crate::domain::type_map::Cast;
use crate::warehouse::Range;

pub const TARGET: &str = "__t";
pub const STAGED: &str = "__s";

/// The condition of a MERGE that matches a staged row with the target's rows of the same keys.
pub fn same_keys(plan: &TablePlan, rows: &Rows) -> String {
    all_equal(plan, &plan.keys) + &key_bounds(plan, rows) + &own_rows::and(plan, TARGET)
}

/// The INSERT of a MERGE that adds a staged row.
pub fn insert_staged(plan: &TablePlan) -> String {
    let values: Vec<String> = filled(plan).map(|name| format!("{STAGED}.{name}")).collect();
    format!("INSERT ({}) VALUES ({})", names(plan), values.join(", "))
}

/// A field of a row that is compared as text, in a form that both sides write alike: decimals without their parameters.
pub fn as_field(alias: &str, of: &ColumnPlan) -> String {
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

pub fn names(plan: &TablePlan) -> String {
    let names: Vec<String> = filled(plan).collect();
    names.join(", ")
}

/// The target's columns that a publish fills, quoted.
fn filled(plan: &TablePlan) -> impl Iterator<Item = String> {
    let shard = plan.shard.as_ref().map(|shard| &shard.column);
    plan.columns.iter().map(|c| &c.target_name).chain(shard).chain(&plan.loaded_at).map(|name| column(name))
}

/// Selects the staged rows under the target's names and types, with the shard's name and the moment of the publish
/// where the target keeps them.
pub fn select(plan: &TablePlan, rows: &Rows) -> String {
    let moment = plan.loaded_at.as_ref().map(|name| format!("    CURRENT_TIMESTAMP() AS {}", column(name)));
    let shard = plan.shard.as_ref().map(|shard| format!("    {} AS {}", shard.literal(), column(&shard.column)));
    let carried = plan.columns.iter().map(|c| format!("    {} AS {}", value(c), column(&c.target_name)));
    let columns: Vec<String> = carried.chain(shard).chain(moment).collect();
    format!("  SELECT\n{}\n  FROM {} AS {STAGED}", columns.join(",\n"), rows.relation)
}

/// The same, but only the newest of the rows that share `identity`; where no column orders them, any of them.
pub fn each_once(plan: &TablePlan, rows: &Rows, identity: &[usize]) -> String {
    // Compares the values as the target will hold them: two staged texts may be one number.
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

/// A staged value, converted to the target's type.
pub fn value(of: &ColumnPlan) -> String {
    let staged = format!("{STAGED}.{}", column(&of.staged_name));
    match of.cast {
        Cast::None => staged,
        // The type is named without parameters, which CAST does not accept everywhere; the column itself enforces them.
        Cast::To => format!("CAST({staged} AS {})", of.target_type.name()),
        Cast::ParseJson => format!("PARSE_JSON({staged}, wide_number_mode=>'round')"),
        Cast::ParseGeography => format!("ST_GEOGFROMTEXT({staged})"),
    }
}

/// A value that rows can be grouped by; BigQuery cannot group by floating point.
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

/// The ranges of the staged keys as conditions. BigQuery prunes by constants: blocks by the columns that the table is
/// clustered by, and partitions where the partitioning column is a key. No staged row lies outside the ranges, nor does
/// any target row that a staged row could match. (For a column that is no key this is false: a row's value may have
/// changed, and the row would be inserted a second time.)
pub fn key_bounds(plan: &TablePlan, rows: &Rows) -> String {
    let each = plan.keys.iter().zip(&rows.key_ranges);
    let each = each.filter_map(|(&key, range)| Some(between(&plan.columns[key], range.as_ref()?)));
    each.fold(String::new(), |all, bound| all + " AND " + &bound)
}

pub fn cursor_bounds(plan: &TablePlan, rows: &Rows) -> Option<String> {
    Some(between(plan.cursor_column()?, rows.cursor_range.as_ref()?))
}

fn between(of: &ColumnPlan, (low, high): &Range) -> String {
    format!("{TARGET}.{} BETWEEN {low} AND {high}", column(&of.target_name))
}
