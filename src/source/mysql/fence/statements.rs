//! Statements that have been stamped and hold no lock yet: every running statement may write, unless it surely only
//! reads.

use chrono::{NaiveDateTime, TimeDelta};

use super::reading::surely_reads;
use crate::domain::fence::OpenWrite;
use crate::source::mysql::session::Session;
use crate::source::mysql::sql::Query;
use crate::source::mysql::texts::{Texts, text};

/// Commands of connections that run nothing: they wait for their client, serve a replica, or are the server's own
/// housekeeping. (A scheduled event runs under `Connect`.)
const IDLE: &str = "'Sleep', 'Daemon', 'Binlog Dump', 'Binlog Dump GTID', 'Slave_IO', 'Statistics', 'Ping'";

/// Longer texts are not examined.
const LONGEST_TEXT: usize = 65_536;

/// All statements that run at `now` and may write. An account without PROCESS sees only its own.
pub async fn running(session: &mut Session, now: NaiveDateTime) -> Result<Vec<OpenWrite>, sqlx::Error> {
    let query = format!(
        "SELECT CAST(id AS CHAR), CAST(time AS CHAR), LEFT(info, {}) FROM information_schema.processlist \
         WHERE id <> CONNECTION_ID() AND command NOT IN ({IDLE}) AND info IS NOT NULL",
        LONGEST_TEXT + 1
    );
    let rows = session.texts(Query::plain(query)).await?;
    Ok(rows.iter().filter(|row| may_write(text(row, 2))).filter_map(|row| open_write(row, now)).collect())
}

fn may_write(statement: &str) -> bool {
    statement.len() > LONGEST_TEXT || !surely_reads(statement)
}

fn open_write(row: &Texts, now: NaiveDateTime) -> Option<OpenWrite> {
    // If the age cannot be read, the beginning is unknown.
    let age = text(row, 1).parse::<i64>().ok().and_then(|seconds| TimeDelta::try_seconds(seconds.max(0) + 1));
    let since = age.and_then(|age| now.checked_sub_signed(age));
    let thread = text(row, 0).parse().ok()?;
    Some(OpenWrite { since, thread: Some(thread), begun: None })
}
