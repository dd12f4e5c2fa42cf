//! InnoDB's open transactions, from an answer that is known to be fresh.
//!
//! `information_schema.innodb_trx` is answered from a cache that is refilled only when nobody has read it for 100 ms: a
//! monitor that polls keeps it stale. A transaction of this session, begun before the question, is in a fresh answer
//! and not in a stale one. If no answer is fresh, `SHOW ENGINE INNODB STATUS` is used, which is not cached.

use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta};

use crate::domain::cursor::Moment;
use crate::domain::fence::OpenWrite;
use crate::source::mysql::fault::number;
use crate::source::mysql::session::Session;
use crate::source::mysql::sql::Query;
use crate::source::mysql::texts::{Texts, first, text};

/// "Access denied; you need the PROCESS privilege".
const NEEDS_PRIVILEGE: u16 = 1227;

/// Longer than the cache keeps an answer that nobody asks for.
const CACHED: Duration = Duration::from_millis(120);

/// The answer's memory is limited (16 MB), and rows beyond it are left out without an error.
const MOST_ROWS: usize = 10_000;

/// A transaction that has written or locked something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The connection's number; 0: a prepared transaction (XA) whose connection is gone.
    pub thread: u64,
    /// The second in which it began; for a prepared transaction without a connection, its number. `None`: the server
    /// did not say.
    pub begun: Option<String>,
    pub since: NaiveDateTime,
}

impl Transaction {
    pub fn into_write(self) -> OpenWrite {
        let thread = Some(self.thread).filter(|thread| *thread != 0);
        OpenWrite { since: Some(self.since), thread, begun: self.begun }
    }
}

/// Both servers show `trx_started` in the system's zone, whatever the session's is; when its clock shows an hour twice,
/// the earlier one is assumed. A plain read holds no lock; a transaction that has written holds at least its table's.
const TRANSACTIONS: &str = "SELECT CAST(trx_mysql_thread_id AS CHAR), CAST(trx_id AS CHAR), \
     CAST(IF(CONVERT_TZ(utc - INTERVAL 1 HOUR, '+00:00', 'SYSTEM') = trx_started, utc - INTERVAL 1 HOUR, utc) AS CHAR), \
     CAST(trx_mysql_thread_id = CONNECTION_ID() AS CHAR), \
     CAST(trx_rows_modified > 0 OR trx_lock_structs > 0 OR trx_state = 'LOCK WAIT' AS CHAR) \
     FROM (SELECT trx_mysql_thread_id, trx_id, trx_started, trx_rows_modified, trx_lock_structs, trx_state, \
     CONVERT_TZ(trx_started, 'SYSTEM', '+00:00') AS utc FROM information_schema.innodb_trx) AS open";

/// `None`: the account may not see them, or no answer was complete and fresh.
pub async fn open(session: &mut Session) -> Result<Option<Vec<Transaction>>, sqlx::Error> {
    for statement in [
        // At another isolation level the snapshot is left out.
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    ] {
        session.command(statement).await?;
    }
    let seen = seen(session).await;
    match seen {
        Ok(found) => {
            session.command("ROLLBACK").await?;
            Ok(found)
        }
        Err(error) if number(&error) == Some(NEEDS_PRIVILEGE) => {
            session.command("ROLLBACK").await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn seen(session: &mut Session) -> Result<Option<Vec<Transaction>>, sqlx::Error> {
    for is_second in [false, true] {
        if is_second {
            tokio::time::sleep(CACHED).await;
        }
        let rows = session.texts(Query::plain(TRANSACTIONS)).await?;
        if rows.len() < MOST_ROWS && rows.iter().any(is_ours) {
            return Ok(Some(
                rows.iter().filter(|row| !is_ours(row) && text(row, 4) == "1").filter_map(listed).collect(),
            ));
        }
    }
    let clock = session.texts(Query::plain("SELECT CAST(UTC_TIMESTAMP() AS CHAR)")).await?;
    let status = session.texts(Query::plain("SHOW ENGINE INNODB STATUS")).await?;
    let monitor = status.first().map_or("", |row| text(row, 2));
    let now = first(&clock).and_then(|now| Moment::parse(now)?.to_naive());
    Ok(now.and_then(|now| monitored(monitor, session.number(), now)))
}

fn is_ours(row: &Texts) -> bool {
    text(row, 3) == "1"
}

fn listed(row: &Texts) -> Option<Transaction> {
    let first = Moment::parse(text(row, 2))?.to_naive()?;
    let thread = text(row, 0).parse().ok()?;
    // A transaction that has only read gets another number when it writes.
    let begun = Some(if thread == 0 { text(row, 1) } else { text(row, 2) }.to_owned());
    Some(Transaction { thread, begun, since: first - TimeDelta::seconds(1) })
}

/// The transactions in the monitor's text, without those of connection `ours`; `None` if the text was cut off. (MySQL
/// leaves out those that only read; MariaDB writes `MariaDB thread id`.)
///
/// ```text
/// ---TRANSACTION 281, ACTIVE 12 sec inserting
/// mysql tables in use 1, locked 1
/// 1 lock struct(s), heap size 1128, 0 row lock(s), undo log entries 1
/// MySQL thread id 7, OS thread handle 139, query id 21 localhost root
/// ```
fn monitored(monitor: &str, ours: u64, now: NaiveDateTime) -> Option<Vec<Transaction>> {
    let (_, list) = monitor.split_once("LIST OF TRANSACTIONS FOR EACH SESSION:")?;
    // The next section ends the list.
    let (list, _) = list.split_once("\nFILE I/O\n").filter(|(list, _)| !list.contains("... truncated..."))?;
    let mut found = Vec::new();
    for block in list.split("---TRANSACTION ").skip(1) {
        let Some((head, rest)) = block.split_once('\n') else { continue };
        let Some((id, state)) = head.split_once(", ACTIVE ") else { continue };
        // The state is `12 sec` or `(PREPARED) 12 sec`.
        let seconds = state.split_whitespace().find_map(|word| word.parse::<i64>().ok())?;
        let thread =
            rest.lines().find_map(|line| line.split_once(" thread id ").filter(|(server, _)| !server.contains(' ')));
        let thread = thread.and_then(|(_, rest)| rest.split(',').next()?.trim().parse().ok()).unwrap_or(0);
        let wrote = state.contains("PREPARED")
            || rest.contains("undo log entries")
            || rest.lines().any(|line| line.contains(" lock struct(s)") && !line.starts_with("0 lock struct(s)"));
        if thread != ours && wrote {
            let since = now.checked_sub_signed(TimeDelta::try_seconds(seconds + 1)?)?;
            let begun = (thread == 0).then(|| id.to_owned());
            found.push(Transaction { thread, begun, since });
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONITOR: &str = "TRANSACTIONS\n------------\nLIST OF TRANSACTIONS FOR EACH SESSION:\n\
        ---TRANSACTION 421, not started\n0 lock struct(s), heap size 1128, 0 row lock(s)\n\
        ---TRANSACTION 281, ACTIVE 12 sec inserting\nmysql tables in use 1, locked 1\n\
        1 lock struct(s), heap size 1128, 0 row lock(s), undo log entries 1\nMySQL thread id 7, OS thread handle 1, query\n\
        ---TRANSACTION (0x7f), ACTIVE 8 sec\n2 lock struct(s), heap size 1128, 1 row lock(s)\nMariaDB thread id 8, OS\n\
        ---TRANSACTION 300, ACTIVE 3 sec\n0 lock struct(s), heap size 1128, 0 row lock(s)\nMySQL thread id 9, OS thread\n\
        ---TRANSACTION 310, ACTIVE 3 sec\n1 lock struct(s), heap size 1128\nMySQL thread id 10, OS thread\n\
        ---TRANSACTION 77, ACTIVE (PREPARED) 90 sec recovered trx\n0 lock struct(s), heap size 1128\n\
        --------\nFILE I/O\n--------\n";

    #[test]
    fn the_monitors_text_lists_writers_and_prepared_transactions() {
        let now = Moment::parse("2026-11-23 08:00:00").unwrap().to_naive().unwrap();
        let found = monitored(MONITOR, 10, now).unwrap();
        let of = |thread, begun: Option<&str>, age| Transaction {
            thread,
            begun: begun.map(Into::into),
            since: now - TimeDelta::seconds(age),
        };
        assert_eq!(found, [of(7, None, 13), of(8, None, 9), of(0, Some("77"), 91)]);
    }

    #[test]
    fn a_truncated_monitor_text_is_not_used() {
        let now = NaiveDateTime::default();
        assert_eq!(monitored("", 9, now), None);
        assert_eq!(monitored(&MONITOR[..MONITOR.len() - 20], 9, now), None);
        assert_eq!(monitored(&MONITOR.replace("--------\nFILE", "... truncated...\n\nFILE"), 9, now), None);
    }
}
