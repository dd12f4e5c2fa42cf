//! Who may still write rows that belong below a point of time in the past.
//!
//! A row is stamped when its statement begins, and becomes visible when its transaction commits. A reader that moves
//! its watermark past the stamp in between would never see the row.
//!
//! Metadata locks answer this exactly and for each table: a writer to a table, also one about to write, holds or
//! waits for a lock on it until its transaction ends. If they cannot be read, InnoDB's open transactions and every
//! running statement that may write are taken instead.

mod blind;
mod concerns;
mod locks;
mod reading;
mod statements;
mod transactions;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{NaiveDateTime, TimeDelta};
use tokio::sync::Mutex;
use tokio::time::Instant;

use self::concerns::Concerns;
use self::locks::Locks;
use self::transactions::Transaction;
use super::fault::from_sqlx;
use super::server::Server;
use super::session::Flavour;
use super::{clock, connect};
use crate::domain::fault::Fault;
use crate::domain::fence::{Blind, OpenWrite, Sight, Writers};
use crate::domain::ids::SourceTable;

/// The latest look at a server, which all mappings that wait for it share.
#[derive(Default)]
pub struct Watch {
    latest: Mutex<Option<Latest>>,
}

struct Latest {
    began: Instant,
    look: Arc<Look>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Everything that one look showed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    sight: Sight,
    blind: Vec<Blind>,
    at: NaiveDateTime,
    open: Vec<(OpenWrite, Concerns)>,
}

impl Watch {
    /// Who may write to `table` (`None`: any table), by a look that begins after `asked`. A caller during another's
    /// look waits for it and shares the next one.
    pub async fn writers(
        &self,
        server: &Server,
        table: Option<&SourceTable>,
        asked: Instant,
    ) -> Result<Writers, Fault> {
        let mut latest = self.latest.lock().await;
        let look = match &*latest {
            Some(known) if known.began >= asked => Arc::clone(&known.look),
            _ => {
                let began = Instant::now();
                let look = Arc::new(look(server).await?);
                *latest = Some(Latest { began, look: Arc::clone(&look) });
                look
            }
        };
        drop(latest);
        let name = table.map(|table| {
            let database = table.database.as_ref().unwrap_or(&server.settings.database);
            (database.to_lowercase(), table.table.to_lowercase())
        });
        Ok(look.of(name.as_ref()))
    }
}

impl Look {
    fn of(&self, table: Option<&(String, String)>) -> Writers {
        let may_write = |concerns: &Concerns| match (concerns, table) {
            (Concerns::Any, _) | (Concerns::Tables(_), None) => true,
            (Concerns::Tables(tables), Some(table)) => tables.contains(table),
        };
        let open = self.open.iter().filter(|(_, concerns)| may_write(concerns)).map(|(write, _)| write.clone());
        Writers { sight: self.sight, blind: self.blind.clone(), at: self.at, open: open.collect() }
    }
}

/// Asks for statements before locks and for locks before transactions: a writer that moves from one list to the next in
/// between is in both.
async fn look(server: &Server) -> Result<Look, Fault> {
    let mut session = connect::open(server).await?;
    let failed = |error| from_sqlx(error, "Reading who may still write failed");
    let now = clock::now(&mut session).await.map_err(failed)?.ok_or_else(clock::unreadable)?;
    let blind = blind::spots(&mut session).await.map_err(failed)?;
    let running = statements::running(&mut session, now).await.map_err(failed)?;
    let locks = locks::read(&mut session, now).await.map_err(failed)?;
    let transactions = transactions::open(&mut session).await.map_err(failed)?;
    let flavour = session.flavour;
    let (sight, mut open) = match (locks, transactions) {
        (Some(locks), transactions) if flavour == Flavour::MySql || transactions.is_some() => {
            (Sight::Locks, by_locks(locks, &transactions.unwrap_or_default(), now))
        }
        (_, Some(transactions)) => {
            (Sight::Transactions, each_once(running, transactions).map(|write| (write, Concerns::Any)).collect())
        }
        _ => (Sight::Nothing, Vec::new()),
    };
    open.sort();
    Ok(Look { sight, blind, at: now, open })
}

/// Joins a connection's statement and its transaction into one writer.
fn each_once(running: Vec<OpenWrite>, transactions: Vec<Transaction>) -> impl Iterator<Item = OpenWrite> {
    let mut open: BTreeMap<Option<u64>, Vec<OpenWrite>> = BTreeMap::new();
    for write in running.into_iter().chain(transactions.into_iter().map(Transaction::into_write)) {
        let known = open.entry(write.thread).or_default();
        match known.first_mut().filter(|_| write.thread.is_some()) {
            Some(known) => {
                known.since = known.since.zip(write.since).map(|(a, b)| a.min(b));
                known.begun = known.begun.take().or(write.begun);
            }
            None => known.push(write),
        }
    }
    open.into_values().flatten()
}

/// Locks tell who may write to which table. Transactions tell since when; and only they show prepared ones (XA) whose
/// connection is gone, and those older than the server's record of locks.
fn by_locks(locks: Locks, transactions: &[Transaction], now: NaiveDateTime) -> Vec<(OpenWrite, Concerns)> {
    let unlocked = |t: &&Transaction| {
        t.thread == 0 || (!locks.holders.contains(&t.thread) && t.since + TimeDelta::seconds(2) < now)
    };
    let unlocked: Vec<_> = transactions.iter().filter(unlocked).cloned().collect();
    let mut open = locks.writers;
    for (write, _) in &mut open {
        let Some(known) = transactions.iter().find(|t| Some(t.thread) == write.thread) else { continue };
        write.begun = write.begun.take().or_else(|| known.begun.clone());
        write.since = Some(write.since.map_or(known.since, |other| other.min(known.since)));
    }
    open.extend(unlocked.into_iter().map(|t| (t.into_write(), Concerns::Any)));
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(thread: u64) -> OpenWrite {
        OpenWrite { since: None, thread: Some(thread), begun: None }
    }

    fn transaction(thread: u64, since: NaiveDateTime) -> Transaction {
        Transaction { thread, begun: Some("7".into()), since }
    }

    #[test]
    fn a_table_is_held_by_its_own_writers_and_by_writers_of_unknown_tables() {
        let tables = |names: &[&str]| {
            Concerns::Tables(names.iter().map(|name| ("shop".to_owned(), (*name).to_owned())).collect())
        };
        let open = vec![(write(1), tables(&["o"])), (write(2), tables(&["p"])), (write(3), Concerns::Any)];
        let at = NaiveDateTime::default();
        let look = Look { sight: Sight::Locks, blind: Vec::new(), at, open };
        let of = |table: Option<(&str, &str)>| {
            let table = table.map(|(database, table)| (database.to_owned(), table.to_owned()));
            look.of(table.as_ref()).open.iter().filter_map(|write| write.thread).collect::<Vec<_>>()
        };
        assert_eq!(of(Some(("shop", "o"))), [1, 3]);
        assert_eq!(of(Some(("other", "o"))), [3]);
        assert_eq!(of(None), [1, 2, 3]);
    }

    #[test]
    fn a_statement_and_its_transaction_are_one_writer_and_prepared_transactions_are_separate() {
        let now = NaiveDateTime::default();
        let running = OpenWrite { since: Some(now - TimeDelta::seconds(9)), ..write(4) };
        let of_nobody = Transaction { begun: Some("8".into()), ..transaction(0, now) };
        let transactions = vec![transaction(4, now), transaction(0, now), of_nobody];
        let open: Vec<_> = each_once(vec![running.clone()], transactions).collect();
        assert_eq!(open.len(), 3);
        assert_eq!(open[2], OpenWrite { begun: Some("7".into()), ..running });
    }

    #[test]
    fn a_transaction_missing_from_the_record_of_locks_may_write_any_table() {
        let now = NaiveDateTime::default();
        let locks = || Locks { holders: [5].into(), writers: vec![(write(5), Concerns::Any)] };
        let of = |thread, age| transaction(thread, now - TimeDelta::seconds(age));
        let threads =
            |transactions: Vec<_>| by_locks(locks(), &transactions, now).iter().map(|w| w.0.thread).collect::<Vec<_>>();
        assert_eq!(threads(vec![of(0, 0)]), [Some(5), None], "prepared");
        assert_eq!(threads(vec![of(9, 60)]), [Some(5), Some(9)], "older than the record");
        assert_eq!(threads(vec![of(9, 0)]), [Some(5)], "begun since");
        let known = by_locks(locks(), &[of(5, 60)], now);
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].0.since, Some(now - TimeDelta::seconds(60)));
    }
}
