//! MySQL's answers to a comparison's questions. Every statement reads a limited number of rows if the key allows it.

use super::connect;
use super::digest;
use super::filter;
use super::server::Server;
use super::sql::{self, Bind, Query};
use super::texts::Texts;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::verify::{Comparison, Cut, PartSum, Parts, RowDigest};

pub async fn key_span(server: &Server, comparison: &Comparison) -> Result<Option<(i64, i64)>, Fault> {
    let Some(key) = comparison.number_key() else { return Ok(None) };
    let name = sql::identifier(&comparison.plan.columns[key].source.name);
    let rows = sql::rows(&comparison.source, None);
    let query = format!("SELECT CAST(MIN({name}) AS CHAR), CAST(MAX({name}) AS CHAR) {rows}");
    let rows = answered(server, comparison, Query::plain(query)).await?;
    let Some([Some(low), Some(high)]) = rows.first().map(Vec::as_slice) else { return Ok(None) };
    Ok(low.parse().ok().zip(high.parse().ok()))
}

pub async fn part_sums(server: &Server, comparison: &Comparison, cut: &Cut) -> Result<Vec<PartSum>, Fault> {
    answered(server, comparison, sums_query(comparison, cut))
        .await?
        .into_iter()
        .map(|row| part_sum(&row).ok_or_else(|| unreadable(comparison)))
        .collect()
}

/// All rows of the parts, whether or not they lie in the window.
pub async fn row_digests(server: &Server, comparison: &Comparison, parts: &Parts) -> Result<Vec<RowDigest>, Fault> {
    answered(server, comparison, rows_query(comparison, parts))
        .await?
        .into_iter()
        .map(|row| row_digest(row).ok_or_else(|| unreadable(comparison)))
        .collect()
}

async fn answered(server: &Server, comparison: &Comparison, query: Query) -> Result<Vec<Texts>, Fault> {
    let mut session = connect::open(server).await?;
    let failed = |error| filter::failed(error, &comparison.source, format!("Comparing {} failed", comparison.source));
    session.texts(query).await.map_err(failed)
}

fn sums_query(comparison: &Comparison, cut: &Cut) -> Query {
    let (mut filter, binds) = window(comparison);
    if let Some(parts) = &cut.within {
        filter = format!("{filter} AND {}", digest::within(comparison, parts));
    }
    let hash = digest::summed(&digest::row_hash(comparison));
    let sql = format!(
        "SELECT CAST({} AS CHAR), CAST(COUNT(*) AS CHAR), CAST(SUM({hash}) AS CHAR) {} GROUP BY 1",
        digest::part(comparison, cut.grain),
        sql::rows(&comparison.source, Some(&filter)),
    );
    Query { sql, binds }
}

fn rows_query(comparison: &Comparison, parts: &Parts) -> Query {
    let (in_window, binds) = window(comparison);
    let hash = digest::compared(&digest::row_hash(comparison));
    let sql = format!(
        "SELECT {}, {hash}, IF({in_window}, '1', '0') {}",
        digest::keys(comparison).join(", "),
        sql::rows(&comparison.source, Some(&digest::within(comparison, parts))),
    );
    Query { sql, binds }
}

/// The condition that a row lies in the window; false if its incremental column is NULL, because no window holds such a
/// row.
pub fn window(comparison: &Comparison) -> (String, Vec<Bind>) {
    match (&comparison.window, comparison.plan.cursor_column()) {
        (Some(window), Some(cursor)) => sql::within(&sql::identifier(&cursor.source.name), window),
        (Some(_), None) => ("FALSE".to_owned(), Vec::new()),
        (None, _) => ("TRUE".to_owned(), Vec::new()),
    }
}

fn part_sum(row: &[Option<String>]) -> Option<PartSum> {
    let [Some(part), Some(rows), Some(hashes)] = row else { return None };
    Some(PartSum { part: part.parse().ok()?, rows: rows.parse().ok()?, hashes: hashes.parse().ok()? })
}

fn row_digest(mut row: Texts) -> Option<RowDigest> {
    let in_window = row.pop()?? == "1";
    let hash = row.pop()??;
    Some(RowDigest { key: row, hash, in_window })
}

fn unreadable(comparison: &Comparison) -> Fault {
    Fault::new(FaultKind::Bug, format!("What MySQL says of the rows of {} cannot be read", comparison.source))
}
