//! A window within its table: where a step of it ends, and how many rows it holds.

use super::server::Server;
use super::sql::{self, Query};
use super::{catalog, connect, cursor_column};
use crate::domain::cursor::Cursor;
use crate::domain::fault::Fault;
use crate::domain::ids::SourceTable;
use crate::source::{Estimate, StretchAsk};

/// Walks the index over the incremental column; no row is fetched.
pub async fn step_end(server: &Server, ask: &StretchAsk, rows: u64) -> Result<Option<Cursor>, Fault> {
    let sentence = format!("Looking for a step's end in {}.{} failed", ask.table, ask.column);
    let mut session = connect::open(server).await?;
    let column = sql::identifier(&ask.column);
    let (filter, binds) = sql::within(&column, &ask.window);
    let last = rows.saturating_sub(1);
    let rows = sql::rows(&ask.table, Some(&filter));
    let query = format!("SELECT CAST({column} AS CHAR) {rows} ORDER BY {column} LIMIT 1 OFFSET {last}");
    let end = cursor_column::value(&mut session, &ask.table, Query::new(query, binds), ask.kind, &sentence).await?;
    Ok(end.filter(|end| end.compare(&ask.window.high) == Some(std::cmp::Ordering::Less)))
}

/// Rows by EXPLAIN, bytes by the table's statistics: neither reads the table.
pub async fn estimate(server: &Server, ask: &StretchAsk) -> Result<Estimate, Fault> {
    let mut session = connect::open(server).await?;
    let rows = cursor_column::explained(&mut session, ask).await?;
    let of_table = catalog::size(&mut session, &ask.table).await?;
    Ok(Estimate { rows, ..of_table })
}

/// Both by the table's statistics.
pub async fn size(server: &Server, table: &SourceTable) -> Result<Estimate, Fault> {
    let mut session = connect::open(server).await?;
    catalog::size(&mut session, table).await
}
