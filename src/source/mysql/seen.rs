//! Reads the newest rows with every value, for the operator to look at.

use super::connect;
use super::digest::{self, value};
use super::filter;
use super::server::Server;
use super::sql::{self, Query, identifier};
use super::texts::Texts;
use super::verify::window;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::mask::Mask;
use crate::domain::plan::ColumnPlan;
use crate::domain::source_type::SourceType;
use crate::domain::verify::{COMPARED_DIGITS, Cell, Comparison, Form, MOST_CHARACTERS, NewestBy, SeenRow};

pub async fn newest_rows(
    server: &Server,
    comparison: &Comparison,
    newest: &NewestBy,
    most: usize,
) -> Result<Vec<SeenRow>, Fault> {
    let mut session = connect::open(server).await?;
    let source = &comparison.source;
    let failed = |error| filter::failed(error, source, format!("Reading the newest rows of {source} failed"));
    let rows = session.texts(query(comparison, newest, most)).await.map_err(failed)?;
    let keys = comparison.plan.keys.len();
    let lost = || Fault::new(FaultKind::Bug, format!("What MySQL says of the rows of {source} cannot be read"));
    rows.into_iter().map(|row| seen(row, keys).ok_or_else(lost)).collect()
}

fn query(comparison: &Comparison, newest: &NewestBy, most: usize) -> Query {
    let columns = &comparison.plan.columns;
    let (in_window, binds) = window(comparison);
    let mut selected = digest::keys(comparison);
    for (column, form) in columns.iter().zip(&comparison.forms) {
        selected.push(shown(column, *form));
        selected.push(form.map_or_else(
            || "NULL".to_owned(),
            |form| format!("LEFT(SHA2({}, 256), {COMPARED_DIGITS})", value(column, form)),
        ));
    }
    selected.push(format!("IF({in_window}, '1', '0')"));
    let greatest = |position: &usize| format!("{} DESC", identifier(&columns[*position].source.name));
    let order: Vec<String> = newest.columns.iter().map(greatest).collect();
    let sql = format!(
        "SELECT {} {} ORDER BY {} LIMIT {most}",
        selected.join(", "),
        sql::rows(&comparison.source, None),
        order.join(", ")
    );
    Query { sql, binds }
}

/// The text of a value for people, as BigQuery shows it where that is simple. Nothing of a masked value leaves the
/// server.
fn shown(column: &ColumnPlan, form: Option<Form>) -> String {
    let name = identifier(&column.source.name);
    match &column.mask {
        // It does not show either whether there was a value.
        Some(Mask::Null) => return "'masked'".to_owned(),
        Some(_) => return format!("IF({name} IS NULL, NULL, 'masked')"),
        None => {}
    }
    match (form, &column.source.source_type) {
        (Some(form), _) if form.is_readable() => value(column, form),
        (_, SourceType::Binary) => {
            format!("CONCAT('0x', LOWER(HEX(LEFT(CAST({name} AS BINARY), {}))))", MOST_CHARACTERS / 2)
        }
        (_, SourceType::Geometry) => format!("LEFT(ST_AsText({name}), {MOST_CHARACTERS})"),
        _ => format!("LEFT(CAST({name} AS CHAR CHARACTER SET utf8mb4), {MOST_CHARACTERS})"),
    }
}

fn seen(mut row: Texts, keys: usize) -> Option<SeenRow> {
    let in_window = row.pop()?? == "1";
    let cells = row.split_off(keys);
    let cell = |pair: &[Option<String>]| Cell { shown: pair[0].clone(), hash: pair[1].clone() };
    Some(SeenRow { key: row, cells: cells.chunks_exact(2).map(cell).collect(), in_window })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mysql::samples::column;

    #[test]
    fn a_masked_value_shows_only_that_it_is_masked() {
        let mut secret = column("email", SourceType::Text { chars: None });
        secret.mask = Some(Mask::Sha256);
        for form in [None, Some(Form::MaskedSha256 { empty_is_null: false }), Some(Form::Text { empty_is_null: false })]
        {
            assert_eq!(shown(&secret, form), "IF(`email` IS NULL, NULL, 'masked')");
        }
        secret.mask = Some(Mask::Null);
        assert_eq!(shown(&secret, None), "'masked'", "BigQuery holds NULL whatever there was");
    }

    #[test]
    fn the_key_is_selected_before_the_cells_and_the_window_after_them() {
        let text = |text: &str| Some(text.to_owned());
        let row = vec![text("7"), text("seven"), text("ab"), None, None, text("0")];
        let row = seen(row, 1).unwrap();
        assert_eq!((row.key, row.in_window), (vec![text("7")], false));
        assert_eq!(row.cells[0], Cell { shown: text("seven"), hash: text("ab") });
        assert_eq!(row.cells[1], Cell::default());
    }
}
