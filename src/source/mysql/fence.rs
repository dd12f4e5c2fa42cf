//! Who may still write rows that belong below a point in time that has passed.
//!
//! A row is stamped when its statement begins and seen when its transaction commits. Between the two, a reader that
//! moves its watermark past the stamp would never see the row.

use chrono::NaiveDateTime;

use super::catalog::{Texts, text};
use super::connect;
use super::fault::{from_sqlx, number};
use super::sql::Query;
use crate::domain::config::MysqlSettings;
use crate::domain::cursor::Moment;
use crate::domain::fault::Fault;
use crate::source::{OpenWrite, OpenWrites};

/// "Access denied; you need the PROCESS privilege".
const NEEDS_PRIVILEGE: u16 = 1227;

/// Transactions that hold a lock or wait for one: a plain read holds none, and what has written holds at least its
/// table's. Both servers show `trx_started` in the system's zone, whatever the session's is; where its clock shows an
/// hour twice, the earlier one is meant.
const TRANSACTIONS: &str = "SELECT CAST(trx_mysql_thread_id AS CHAR), CAST(trx_id AS CHAR), \
     CAST(IF(CONVERT_TZ(utc - INTERVAL 1 HOUR, '+00:00', 'SYSTEM') = trx_started, utc - INTERVAL 1 HOUR, utc) AS CHAR) \
     FROM (SELECT trx_mysql_thread_id, trx_id, trx_started, CONVERT_TZ(trx_started, 'SYSTEM', '+00:00') AS utc \
     FROM information_schema.innodb_trx WHERE trx_mysql_thread_id <> CONNECTION_ID() \
     AND (trx_rows_modified > 0 OR trx_lock_structs > 0 OR trx_state = 'LOCK WAIT')) AS open";

/// Statements that have been stamped and hold no lock yet, waiting for a table's definition for example.
const STATEMENTS: &str = "SELECT CAST(id AS CHAR), CONCAT('statement ', id), \
     CAST(UTC_TIMESTAMP() - INTERVAL (time + 1) SECOND AS CHAR) FROM information_schema.processlist \
     WHERE id <> CONNECTION_ID() AND command IN ('Query', 'Execute') \
     AND info REGEXP '^[[:space:](]*(insert|update|delete|replace|load|call|with)[[:space:]]'";

/// Asks for statements before transactions: one that goes from the first list to the second in between is in both.
pub async fn open_writes(settings: &MysqlSettings) -> Result<OpenWrites, Fault> {
    let failed = |error| from_sqlx(error, "Reading the open transactions failed");
    let mut session = connect::open(settings).await?;
    let mut open = match session.texts(Query::plain(STATEMENTS)).await {
        Ok(rows) => rows,
        Err(error) => return Err(failed(error)),
    };
    match session.texts(Query::plain(TRANSACTIONS)).await {
        Ok(rows) => open.extend(rows),
        Err(error) if number(&error) == Some(NEEDS_PRIVILEGE) => return Ok(OpenWrites::Unseen),
        Err(error) => return Err(failed(error)),
    }
    let mut writes: Vec<OpenWrite> = open.iter().filter_map(open_write).collect();
    writes.sort();
    Ok(OpenWrites::Seen(writes))
}

fn open_write(row: &Texts) -> Option<OpenWrite> {
    let since: NaiveDateTime = Moment::parse(text(row, 2))?.to_naive()?;
    Some(OpenWrite { since, thread: text(row, 0).parse().ok()?, id: text(row, 1).to_owned() })
}
