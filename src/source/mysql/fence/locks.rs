//! Metadata locks: who has written to which table, or is about to.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDateTime, TimeDelta};

use super::concerns::Concerns;
use crate::domain::fence::OpenWrite;
use crate::source::mysql::fault::number;
use crate::source::mysql::session::{Flavour, Session};
use crate::source::mysql::sql::Query;
use crate::source::mysql::texts::{Texts, text};

/// The content of the record of locks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Locks {
    /// Connections that hold or wait for any lock.
    pub holders: BTreeSet<u64>,
    pub writers: Vec<(OpenWrite, Concerns)>,
}

/// Locks under which rows of a table are written. (Those of ALTER TABLE copy rows, and stamp none.)
const WRITING: [&str; 4] = ["SHARED_WRITE", "SHARED_WRITE_LOW_PRIO", "SHARED_NO_READ_WRITE", "EXCLUSIVE"];

/// Locks that only DDL, LOCK TABLES and backups wait for: none of these stamps a row of a table that it has no lock on
/// yet.
const NOT_BY_ROWS: [&str; 7] = [
    "EXCLUSIVE",
    "SHARED_NO_READ_WRITE",
    "SHARED_NO_WRITE",
    "SHARED_READ_ONLY",
    "SHARED_UPGRADABLE",
    "BACKUP_FTWRL1",
    "BACKUP_FTWRL2",
];

/// The states in which a statement may have been stamped and not have asked for its first lock.
const BEGINNING: [&str; 6] =
    ["", "starting", "init", "checking permissions", "opening tables", "executing hook on transaction begin."];

/// `SHOW GLOBAL STATUS`: a value above zero means that the record has left locks out.
const LOST: &str = "SHOW GLOBAL STATUS WHERE variable_name IN \
     ('Performance_schema_metadata_lock_lost', 'Performance_schema_thread_instances_lost') AND value <> '0'";

const ENABLED: &str = "SELECT 1 FROM performance_schema.setup_instruments \
     WHERE name = 'wait/lock/metadata/sql/mdl' AND enabled = 'YES' AND @@performance_schema = 1 AND EXISTS \
     (SELECT 1 FROM performance_schema.setup_consumers WHERE name = 'global_instrumentation' AND enabled = 'YES')";

/// Two questions, not a join: threads come first, so that a statement which takes its first lock in between is in both
/// answers.
const THREADS: &str = "SELECT CAST(t.thread_id AS CHAR), CAST(t.processlist_id AS CHAR), t.processlist_command, \
     t.processlist_state, CAST(t.processlist_time AS CHAR), ";

const LOCKS: &str = "SELECT CAST(owner_thread_id AS CHAR), object_type, object_schema, object_name, lock_type, \
     lock_status FROM performance_schema.metadata_locks";

/// A connection in the server's record of threads.
#[derive(Debug, Clone, Default)]
struct Thread {
    connection: u64,
    /// It runs a statement that may not have asked for its first lock yet.
    is_beginning: bool,
    since: Option<NaiveDateTime>,
    /// The number of its open transaction.
    begun: Option<String>,
}

impl Thread {
    fn write(&self) -> OpenWrite {
        OpenWrite { since: self.since, thread: Some(self.connection), begun: self.begun.clone() }
    }
}

/// `None`: the server keeps no such record or an incomplete one, or the account may not read it.
pub async fn read(session: &mut Session, now: NaiveDateTime) -> Result<Option<Locks>, sqlx::Error> {
    match record(session, now).await {
        // The server refuses: the table does not exist, or may not be read.
        Err(error) if number(&error).is_some() => Ok(None),
        read => read,
    }
}

async fn record(session: &mut Session, now: NaiveDateTime) -> Result<Option<Locks>, sqlx::Error> {
    if session.texts(Query::plain(ENABLED)).await?.is_empty() || !session.texts(Query::plain(LOST)).await?.is_empty() {
        return Ok(None);
    }
    // MySQL's record of transactions is on unless it was switched off; MariaDB's is off.
    let from = match session.flavour {
        Flavour::MySql => {
            "CAST(e.timer_wait / 1000000000000 AS CHAR), CAST(e.event_id AS CHAR) FROM performance_schema.threads t LEFT JOIN \
             performance_schema.events_transactions_current e ON e.thread_id = t.thread_id AND e.state = 'ACTIVE'"
        }
        Flavour::MariaDb => "NULL, NULL FROM performance_schema.threads t",
    };
    let threads = session.texts(Query::plain(format!("{THREADS}{from}"))).await?;
    let locks = session.texts(Query::plain(LOCKS)).await?;
    Ok(Some(writers(&threads, &locks, session.number(), now)))
}

fn writers(threads: &[Texts], locks: &[Texts], ours: u64, now: NaiveDateTime) -> Locks {
    let threads: BTreeMap<&str, Option<Thread>> = threads.iter().map(|row| (text(row, 0), thread(row, now))).collect();
    let mut held: BTreeMap<&str, Vec<&Texts>> = BTreeMap::new();
    for lock in locks {
        held.entry(text(lock, 0)).or_default().push(lock);
    }
    let mut found = Locks::default();
    for (owner, locks) in &held {
        let thread = match threads.get(owner) {
            // A thread of the server itself, which writes for no client.
            Some(None) => continue,
            Some(Some(thread)) if thread.connection == ours => continue,
            Some(Some(thread)) => Some(thread),
            // A prepared transaction (XA) whose connection is gone.
            None => None,
        };
        found.holders.extend(thread.map(|thread| thread.connection));
        let Some(concerns) = concerns(locks) else { continue };
        let write = match thread {
            Some(thread) => thread.write(),
            None => OpenWrite { since: None, thread: None, begun: Some((*owner).to_owned()) },
        };
        found.writers.push((write, concerns));
    }
    for thread in threads.values().flatten().filter(|thread| thread.is_beginning && thread.connection != ours) {
        if !found.holders.contains(&thread.connection) {
            found.writers.push((thread.write(), Concerns::Any));
        }
    }
    found
}

/// What a connection with these locks may write to. If it still waits for a lock, it may ask for others afterwards.
fn concerns(locks: &[&Texts]) -> Option<Concerns> {
    let waits = |lock: &&&Texts| {
        text(lock, 5) != "GRANTED"
            && text(lock, 1) != "USER LEVEL LOCK"
            && !NOT_BY_ROWS.contains(&text(lock, 4))
            // The lock of FLUSH TABLES WITH READ LOCK.
            && !(matches!(text(lock, 1), "GLOBAL" | "COMMIT") && text(lock, 4) == "SHARED")
    };
    if locks.iter().any(|lock| waits(&lock)) {
        return Some(Concerns::Any);
    }
    let writes =
        |lock: &&&Texts| text(lock, 1) == "TABLE" && WRITING.contains(&text(lock, 4)) && text(lock, 5) == "GRANTED";
    let name = |lock: &&Texts| (text(lock, 2).to_lowercase(), text(lock, 3).to_lowercase());
    let tables: BTreeSet<_> = locks.iter().filter(|lock| writes(lock)).map(name).collect();
    (!tables.is_empty()).then_some(Concerns::Tables(tables))
}

/// The thread of a connection; `None` for a thread of the server itself.
fn thread(row: &Texts, now: NaiveDateTime) -> Option<Thread> {
    let connection = text(row, 1).parse().ok()?;
    let command = text(row, 2);
    let runs = !["Sleep", "Daemon", "Binlog Dump", "Binlog Dump GTID", "Slave_IO", "Connect", ""].contains(&command);
    let seconds = |index| text(row, index).parse::<f64>().ok().filter(|seconds| seconds.is_finite());
    let statement = seconds(4).filter(|_| command != "Sleep");
    let longest = statement
        .into_iter()
        .chain(seconds(5))
        .fold(None, |longest: Option<f64>, age| Some(longest.map_or(age, |other| other.max(age))));
    #[expect(clippy::cast_possible_truncation, reason = "an age in seconds")]
    let since = longest.and_then(|age| now.checked_sub_signed(TimeDelta::try_seconds(age.ceil() as i64 + 1)?));
    let state = text(row, 3).to_ascii_lowercase();
    let begun = Some(text(row, 6)).filter(|number| !number.is_empty()).map(str::to_owned);
    Some(Thread { connection, is_beginning: runs && BEGINNING.contains(&state.as_str()), since, begun })
}

#[cfg(test)]
mod tests;
