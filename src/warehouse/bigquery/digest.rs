//! Rows as text in GoogleSQL, the same text that MySQL writes, and the hashes of it.

use super::literal::{column, table};
use super::{own_rows, target_range};
use crate::domain::plan::{ColumnPlan, TablePlan};
use crate::domain::target_type::TargetType;
use crate::domain::verify::{COMPARED_DIGITS, Comparison, Form, Grain, Parts, SUMMED_DIGITS, concatenated};

/// The most terms in one chain: some servers refuse an expression as deep as a thousand columns or parts make it.
const TERMS_AT_ONCE: usize = 50;

/// The hash of a whole row, in hexadecimal.
pub fn row_hash(comparison: &Comparison) -> String {
    format!("TO_HEX(SHA256({}))", joined(comparison, 0..comparison.forms.len(), ""))
}

/// The part of a row's hash that is summed, as a NUMERIC: INT64 overflows after a few rows.
pub fn summed(hash: &str) -> String {
    format!("CAST(CAST(CONCAT('0x', SUBSTR({hash}, 1, {SUMMED_DIGITS})) AS INT64) AS NUMERIC)")
}

/// The part of a row's hash that is compared.
pub fn compared(hash: &str) -> String {
    format!("SUBSTR({hash}, 1, {COMPARED_DIGITS})")
}

/// The values of the keys.
pub fn keys(comparison: &Comparison) -> Vec<String> {
    let plan = &comparison.plan;
    let value =
        |&key: &usize| comparison.forms[key].map_or_else(|| "NULL".to_owned(), |f| value(&plan.columns[key], f, ""));
    plan.keys.iter().map(value).collect()
}

/// The number of the part that a row belongs to. `alias`: the table's in the statement; empty if it has none.
pub fn part(comparison: &Comparison, grain: Grain, alias: &str) -> String {
    match (grain, comparison.number_key()) {
        (Grain::Range { base, bits }, Some(key)) => {
            let column = &comparison.plan.columns[key];
            let number = match column.target_type {
                TargetType::Int64 => name(column, alias),
                _ => format!("SAFE_CAST({} AS INT64)", name(column, alias)),
            };
            format!("IFNULL(({number} - ({base})) >> {bits}, {})", Parts::OF_NULL)
        }
        (Grain::Hash { bits: bits @ 1.. }, _) => {
            let hash = format!("TO_HEX(SHA256({}))", joined(comparison, comparison.plan.keys.iter().copied(), alias));
            format!("(CAST(CONCAT('0x', SUBSTR({hash}, 1, 8)) AS INT64) & {})", (1_u64 << bits) - 1)
        }
        (Grain::Range { .. } | Grain::Hash { .. } | Grain::Whole, _) => "0".to_owned(),
    }
}

/// Tells if a row lies in one of the parts. The key's ranges are constants, so that BigQuery prunes a clustered table
/// by them.
pub fn within(comparison: &Comparison, parts: &Parts, alias: &str) -> String {
    let tested = match (parts.grain, comparison.number_key()) {
        (Grain::Range { .. }, Some(key)) => {
            let name = name(&comparison.plan.columns[key], alias);
            let range = |(low, high): &(i64, i64)| format!("{name} BETWEEN {low} AND {high}");
            let null = parts.hold_null().then(|| format!("{name} IS NULL"));
            parts.key_ranges().iter().map(range).chain(null).collect::<Vec<_>>()
        }
        (grain, _) => {
            let numbers: Vec<String> = parts.numbers().map(|number| number.to_string()).collect();
            vec![format!("{} IN ({})", part(comparison, grain, alias), numbers.join(", "))]
        }
    };
    any(tested)
}

/// Joins terms with OR: as a tree, in brackets.
#[must_use]
pub fn any(mut terms: Vec<String>) -> String {
    let or = |terms: &[String]| format!("({})", terms.join(" OR "));
    while terms.len() > TERMS_AT_ONCE {
        terms = terms.chunks(TERMS_AT_ONCE).map(or).collect();
    }
    or(&terms)
}

/// Concatenates fields, each followed by its separator, as the source does.
fn joined(comparison: &Comparison, positions: impl Iterator<Item = usize>, alias: &str) -> String {
    let field = |position: usize| {
        let form = comparison.forms[position]?;
        let value = value(&comparison.plan.columns[position], form, alias);
        let ended = match form {
            Form::Text { .. } | Form::MaskedLast { .. } => {
                format!("CONCAT(CAST(BYTE_LENGTH({value}) AS STRING), ':', {value})")
            }
            _ => format!("CONCAT({value}, ';')"),
        };
        Some(format!("IFNULL({ended}, '-;')"))
    };
    concatenated(positions.filter_map(field).collect())
}

fn name(of: &ColumnPlan, alias: &str) -> String {
    let name = column(&of.target_name);
    if alias.is_empty() { name } else { format!("{alias}.{name}") }
}

pub fn value(of: &ColumnPlan, form: Form, alias: &str) -> String {
    let name = name(of, alias);
    match form {
        Form::Integer | Form::IntegerWithin64 | Form::Bits | Form::Boolean | Form::Decimal { .. } => {
            digits(&name, &of.target_type)
        }
        Form::Float => float(&name),
        Form::Date => format!("CAST({name} AS STRING)"),
        Form::Wall if of.target_type == TargetType::Timestamp => format!("CAST(UNIX_MICROS({name}) AS STRING)"),
        Form::Wall => micros(&name),
        Form::LocalWall(zone) => micros(&format!("DATETIME({name}, '{zone}')")),
        Form::TimeOfDay => format!("CAST(TIME_DIFF({name}, TIME '00:00:00', MICROSECOND) AS STRING)"),
        Form::Text { .. } | Form::MaskedSha256 { .. } | Form::MaskedLast { .. } => name,
        Form::MaskedNull => format!("IF({name} IS NULL, NULL, 'held')"),
        Form::MaskedHmac { .. } => {
            format!("IF({name} IS NULL, NULL, IF(REGEXP_CONTAINS({name}, r'^[0-9a-f]{{64}}$'), 'hmac', 'other'))")
        }
        Form::TextHash { .. } | Form::BytesHash => format!("TO_HEX(SHA256({name}))"),
        Form::Bytes => format!("TO_HEX({name})"),
    }
}

fn digits(name: &str, target: &TargetType) -> String {
    match target {
        TargetType::String(_) => name.to_owned(),
        TargetType::Bool => format!("CAST(CAST({name} AS INT64) AS STRING)"),
        TargetType::Numeric(_) | TargetType::BigNumeric(_) => {
            let text = format!("CAST({name} AS STRING)");
            format!("IF(STRPOS({text}, '.') > 0, RTRIM(RTRIM({text}, '0'), '.'), {text})")
        }
        _ => format!("CAST({name} AS STRING)"),
    }
}

/// Writes a float step by step, as the source does.
fn float(x: &str) -> String {
    format!(
        "CASE WHEN ABS({x}) < 4e18 THEN CONCAT(CAST(SAFE_CAST(FLOOR({x}) AS INT64) AS STRING), '/', \
         CAST(SAFE_CAST(FLOOR(({x} - FLOOR({x})) * 4294967296e0) AS INT64) AS STRING)) WHEN {x} > 0 THEN '+' \
         WHEN {x} < 0 THEN '-' END"
    )
}

fn micros(datetime: &str) -> String {
    format!("CAST(DATETIME_DIFF({datetime}, DATETIME '1970-01-01 00:00:00', MICROSECOND) AS STRING)")
}

/// Selects the rows of the window, or all rows, without those that are marked as deleted. A row whose incremental
/// column is NULL is included: the source's value was one that BigQuery cannot hold.
pub fn select(comparison: &Comparison, columns: &[String], within: Option<String>) -> String {
    let Comparison { plan, target, window, newest_only, .. } = comparison;
    let cursor = plan.cursor_column().map(|cursor| column(&cursor.target_name));
    let in_window = match (window, &cursor) {
        (Some(window), Some(cursor)) => format!("(({}) OR {cursor} IS NULL)", target_range::filter(plan, *window)),
        (Some(_), None) => "FALSE".to_owned(),
        (None, _) => "TRUE".to_owned(),
    };
    let within = within.map(|condition| format!(" AND {condition}")).unwrap_or_default();
    let deleted = plan.deleted_column.as_ref().map(|name| format!(" AND {} IS NULL", column(name)));
    let deleted = deleted.unwrap_or_default() + &own_rows::and(plan, "");
    let newest = cursor.filter(|_| *newest_only).map(|cursor| newest(plan, &cursor)).unwrap_or_default();
    format!("SELECT {} FROM {} WHERE {in_window}{deleted}{within}{newest}", columns.join(", "), table(target))
}

/// Keeps each key's newest rows by rank: a row that is there twice stays twice.
fn newest(plan: &TablePlan, cursor: &str) -> String {
    let keys: Vec<String> = plan.keys.iter().map(|&key| column(&plan.columns[key].target_name)).collect();
    format!(" QUALIFY RANK() OVER (PARTITION BY {} ORDER BY {cursor} DESC) = 1", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_terms_become_a_shallow_tree() {
        let terms = (0..1_000).map(|n| n.to_string()).collect();
        let told = any(terms);
        let longest = told.split(['(', ')']).map(|part| part.matches(" OR ").count()).max();
        assert!(longest.is_some_and(|longest| longest <= TERMS_AT_ONCE), "{longest:?}");
        assert_eq!(told.matches(" OR ").count(), 999);
    }
}
