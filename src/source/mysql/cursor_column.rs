//! The server's answers about an incremental column: a single value, and how many rows a window holds.

use super::decode::number;
use super::fault::from_sqlx;
use super::filter;
use super::session::{Flavour, Session};
use super::sql::{self, Query};
use super::texts::first;
use super::wire::Cells;
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::SourceTable;
use crate::source::StretchAsk;

/// The value of a query's only row, read as text; `None` without a row, or if the value is NULL. `sentence`: the
/// message if the query fails.
pub async fn value(
    session: &mut Session,
    table: &SourceTable,
    query: Query,
    kind: CursorKind,
    sentence: &str,
) -> Result<Option<Cursor>, Fault> {
    let rows = session.texts(query).await.map_err(|error| filter::failed(error, table, sentence))?;
    first(&rows).map(|text| Cursor::parse(text, kind)).transpose().map_err(|fault| {
        Fault::new(FaultKind::Schema, sentence)
            .caused_by(fault)
            .with_hint("the column is no longer of the type it was described with: run again")
    })
}

/// The `rows` of the server's plan: MySQL gives a number in the tenth column, MariaDB a text in the ninth.
pub async fn explained(session: &mut Session, ask: &StretchAsk) -> Result<Option<u64>, Fault> {
    let column = sql::identifier(&ask.column);
    let (filter, binds) = sql::within(&column, &ask.window);
    let format = match session.flavour {
        Flavour::MySql => "FORMAT=TRADITIONAL ",
        Flavour::MariaDb => "",
    };
    let rows = sql::rows(&ask.table, Some(&filter));
    let query = Query::new(format!("EXPLAIN {format}SELECT {column} {rows}"), binds);
    let failed = |error| from_sqlx(error, format!("Estimating the rows of {} failed", ask.table));
    let plan = session.rows(query).await.map_err(failed)?;
    let Some(row) = plan.first() else { return Ok(None) };
    Ok(match session.flavour {
        Flavour::MySql => row.cell(9).and_then(number::unsigned),
        Flavour::MariaDb => row.cell(8).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()),
    })
}
