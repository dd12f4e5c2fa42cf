//! How a window lies in its table: where a step of it ends, and how much it holds.

use super::bounds::low_filter;
use super::catalog;
use super::connect::{self, Flavour, Server, Session, first};
use super::decode::number;
use super::fault::from_sqlx;
use super::sql::{self, Bind, Query};
use super::wire::Cells;
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::source::{Estimate, StretchAsk};

/// Walks the index over the incremental column; no row is fetched.
pub async fn step_end(server: &Server, ask: &StretchAsk, rows: u64) -> Result<Option<Cursor>, Fault> {
    let sentence = || format!("Looking for a step's end in {}.{} failed", ask.table, ask.column);
    let mut session = connect::open(server).await?;
    let (filter, binds) = within(ask);
    let (table, column) = (sql::table(&ask.table), sql::identifier(&ask.column));
    let last = rows.saturating_sub(1);
    let query =
        format!("SELECT CAST({column} AS CHAR) FROM {table} WHERE {filter} ORDER BY {column} LIMIT 1 OFFSET {last}");
    let rows = session.texts(Query::new(query, binds)).await.map_err(|error| from_sqlx(error, sentence()))?;
    let end = first(&rows).map(|text| Cursor::parse(text, ask.kind)).transpose().map_err(|fault| {
        Fault::new(FaultKind::Schema, sentence())
            .caused_by(fault)
            .with_hint("the column is no longer of the type it was described with: run again")
    })?;
    Ok(end.filter(|end| end.compare(&ask.window.high) == Some(std::cmp::Ordering::Less)))
}

/// Rows by EXPLAIN, bytes by the table's statistics: neither reads the table.
pub async fn estimate(server: &Server, ask: &StretchAsk) -> Result<Estimate, Fault> {
    let mut session = connect::open(server).await?;
    let rows = explained(&mut session, ask).await?;
    let row_bytes = catalog::row_bytes(&mut session, &ask.table).await?;
    Ok(Estimate { rows, row_bytes })
}

/// The plan's `rows`: the tenth column of MySQL's table, a number; the ninth of MariaDB's, a text.
pub(super) async fn explained(session: &mut Session, ask: &StretchAsk) -> Result<Option<u64>, Fault> {
    let (filter, binds) = within(ask);
    let (table, column) = (sql::table(&ask.table), sql::identifier(&ask.column));
    let format = match session.flavour {
        Flavour::MySql => "FORMAT=TRADITIONAL ",
        Flavour::MariaDb => "",
    };
    let query = Query::new(format!("EXPLAIN {format}SELECT {column} FROM {table} WHERE {filter}"), binds);
    let failed = |error| from_sqlx(error, format!("Estimating the rows of {} failed", ask.table));
    let plan = session.rows(query).await.map_err(failed)?;
    let Some(row) = plan.first() else { return Ok(None) };
    Ok(match session.flavour {
        Flavour::MySql => row.cell(9).and_then(number::unsigned),
        Flavour::MariaDb => row.cell(8).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()),
    })
}

fn within(ask: &StretchAsk) -> (String, Vec<Bind>) {
    let column = sql::identifier(&ask.column);
    let (low, mut binds) = low_filter(&ask.window.low, &column);
    binds.push(Bind::from(&ask.window.high));
    (format!("{low}{column} <= ?"), binds)
}
