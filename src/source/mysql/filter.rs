//! Tries a mapping's filter on the server before a run does: EXPLAIN checks its words and columns, and reads no row.

use super::connect;
use super::decode::number;
use super::fault::from_sqlx;
use super::server::Server;
use super::session::Flavour;
use super::sql::{self, Query};
use super::wire::Cells;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::SourceTable;
use crate::source::Filtered;

pub async fn planned(server: &Server, table: &SourceTable) -> Result<Filtered, Fault> {
    let mut session = connect::open(server).await?;
    // The number of rows and the remark are columns 10 and 12 in MySQL, 9 and 10 in MariaDB.
    let (format, rows, remark) = match session.flavour {
        Flavour::MySql => ("FORMAT=TRADITIONAL ", 9, 11),
        Flavour::MariaDb => ("", 8, 9),
    };
    let query = Query::plain(format!("EXPLAIN {format}SELECT 1 {}", sql::rows(table, None)));
    let plan = session.rows(query).await.map_err(|error| refused(error, table))?;
    let Some(row) = plan.first() else { return Ok(Filtered { rows: None, is_impossible: false }) };
    let remark = row.cell(remark).map(String::from_utf8_lossy).unwrap_or_default();
    Ok(Filtered {
        rows: row.cell(rows).and_then(|cell| match session.flavour {
            Flavour::MySql => number::unsigned(cell),
            Flavour::MariaDb => std::str::from_utf8(cell).ok()?.parse().ok(),
        }),
        is_impossible: remark.contains("Impossible WHERE") && !remark.contains("const table"),
    })
}

/// The fault of a failed read of a table's rows. The statement contains the filter, so the server's error may be about
/// the filter.
pub fn failed(error: sqlx::Error, table: &SourceTable, sentence: impl Into<String>) -> Fault {
    let fault = from_sqlx(error, sentence);
    match (&table.filter, fault.kind(), fault.own_hint()) {
        (Some(_), FaultKind::Schema | FaultKind::Config | FaultKind::Bug, None) => fault.with_hint(format!(
            "the statement holds the mapping's `where`: see that MySQL takes it behind WHERE in a SELECT of {table}"
        )),
        _ => fault,
    }
}

/// An error about the filter's words is the configuration's fault.
fn refused(error: sqlx::Error, table: &SourceTable) -> Fault {
    let fault = from_sqlx(error, format!("MySQL does not take `where` as a condition on the rows of {table}"));
    match fault.kind() {
        FaultKind::Auth | FaultKind::Transient => fault,
        _ => fault
            .with_hint("write what may stand behind WHERE in a SELECT of this table; `SHOW COLUMNS` lists its columns"),
    }
}
