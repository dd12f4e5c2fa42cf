//! Reads rows by their keys with every value, for somebody who looks at them.

use super::client::Api;
use super::digest::{self, value};
use super::literal::{column, text};
use crate::domain::fault::Fault;
use crate::domain::mask::Mask;
use crate::domain::plan::ColumnPlan;
use crate::domain::target_type::TargetType;
use crate::domain::verify::{COMPARED_DIGITS, Cell, Comparison, Form, Key, MOST_CHARACTERS, SeenRow};

impl Api {
    pub async fn rows_of(&self, comparison: &Comparison, keys: &[Key]) -> Result<Vec<SeenRow>, Fault> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let what = format!("Reading rows of {} failed", comparison.target);
        let rows = self.rows(&statement(comparison, keys), &what).await?;
        let count = comparison.plan.keys.len();
        let cell = |pair: &[Option<String>]| Cell { shown: pair[0].clone(), hash: pair[1].clone() };
        let seen = |mut row: Vec<Option<String>>| {
            let cells = row.split_off(count.min(row.len())).chunks_exact(2).map(cell).collect();
            SeenRow { key: row, cells, in_window: true }
        };
        Ok(rows.into_iter().map(seen).collect())
    }
}

/// Selects the rows with these keys that are not marked as deleted, whatever the window.
pub fn statement(comparison: &Comparison, keys: &[Key]) -> String {
    let mut selected = digest::keys(comparison);
    for (of, form) in comparison.plan.columns.iter().zip(&comparison.forms) {
        selected.push(shown(of, *form));
        selected.push(form.map_or_else(
            || "CAST(NULL AS STRING)".to_owned(),
            |form| format!("SUBSTR(TO_HEX(SHA256({})), 1, {COMPARED_DIGITS})", value(of, form, "")),
        ));
    }
    let whole = Comparison { window: None, ..comparison.clone() };
    digest::select(&whole, &selected, Some(within(comparison, keys)))
}

/// Whole-number keys are compared as numbers, so that BigQuery prunes a clustered table by them.
fn within(comparison: &Comparison, keys: &[Key]) -> String {
    let plan = &comparison.plan;
    let is_number = |key: &Key| key[0].as_ref().is_some_and(|text| text.parse::<i64>().is_ok());
    if let Some(number) = comparison.number_key().filter(|_| keys.iter().all(is_number)) {
        let numbers: Vec<&str> = keys.iter().filter_map(|key| key[0].as_deref()).collect();
        return format!("{} IN ({})", column(&plan.columns[number].target_name), numbers.join(", "));
    }
    let names = digest::keys(comparison);
    let is_key = |key: &Key| {
        let equal = names.iter().zip(key).map(|(name, value)| match value {
            Some(value) => format!("{name} = {}", text(value)),
            None => format!("{name} IS NULL"),
        });
        format!("({})", equal.collect::<Vec<_>>().join(" AND "))
    };
    digest::any(keys.iter().map(is_key).collect())
}

/// The text of a value for people, as MySQL shows it where that is simple. A masked value only shows that it exists:
/// the table may hold clear text from before the mask.
fn shown(of: &ColumnPlan, form: Option<Form>) -> String {
    let name = column(&of.target_name);
    match &of.mask {
        Some(Mask::Null) => return "'masked'".to_owned(),
        Some(_) => return format!("IF({name} IS NULL, NULL, 'masked')"),
        None => {}
    }
    match (form, &of.target_type) {
        (Some(form), _) if form.is_readable() => value(of, form, ""),
        (Some(Form::LocalWall(zone)), _) => format!("CAST(DATETIME({name}, '{zone}') AS STRING)"),
        (_, TargetType::Timestamp) => format!("CAST(DATETIME({name}) AS STRING)"),
        (_, TargetType::Bytes(_)) => format!("CONCAT('0x', SUBSTR(TO_HEX({name}), 1, {MOST_CHARACTERS}))"),
        (_, TargetType::Json) => format!("SUBSTR(TO_JSON_STRING({name}), 1, {MOST_CHARACTERS})"),
        (_, TargetType::Geography) => format!("SUBSTR(ST_ASTEXT({name}), 1, {MOST_CHARACTERS})"),
        (_, TargetType::Other(_)) => format!("IF({name} IS NULL, NULL, 'not shown')"),
        _ => format!("SUBSTR(CAST({name} AS STRING), 1, {MOST_CHARACTERS})"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ids::SourceTable;
    use crate::domain::verify::form;
    use crate::warehouse::bigquery::fixture::{orders, target};

    fn comparison() -> Comparison {
        let mut plan = orders();
        plan.columns[2].mask = Some(Mask::Sha256);
        Comparison {
            source: SourceTable::whole(None, "orders".into()),
            target: target(),
            forms: (0..plan.columns.len()).map(|position| form(&plan, position)).collect(),
            plan: Arc::new(plan),
            window: None,
            newest_only: false,
        }
    }

    fn key(text: &str) -> Key {
        vec![Some(text.to_owned())]
    }

    #[test]
    fn rows_are_selected_by_number_and_masked_values_are_not_selected() {
        let sql = statement(&comparison(), &[key("7"), key("-1")]);
        assert!(sql.contains("WHERE TRUE AND `id` IN (7, -1)"), "{sql}");
        assert!(sql.contains("IF(`größe` IS NULL, NULL, 'masked')"), "{sql}");
        assert!(sql.contains("CAST(DATETIME(`updated_at`) AS STRING)"), "{sql}");
    }

    #[test]
    fn a_key_of_text_cannot_leave_its_quotes() {
        let mut of_text = comparison();
        Arc::make_mut(&mut of_text.plan).keys = vec![2, 0];
        let keys = [vec![Some("it's) OR (TRUE".to_owned()), None]];
        let within = within(&of_text, &keys);
        assert!(within.contains("'it\\'s) OR (TRUE'") && within.ends_with("IS NULL))"), "{within}");
    }
}
