//! A server that sends no row: is it at work on the statement, or is the way to it broken?
//!
//! A firewall that has forgotten a connection, a machine that is gone, a proxy that stalls: none of them says a word, and the
//! statement that is read holds its snapshot meanwhile, and its lock on the table. So the server is asked by another connection
//! what has become of the first.

use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::SourceTable;
use crate::source::mysql::connect;
use crate::source::mysql::server::Server;
use crate::source::mysql::session::SILENCE;
use crate::source::mysql::sql::{Bind, Query};
use crate::source::mysql::texts::first;

/// MariaDB and MySQL call it by these names that a connection has something to send and waits for it to be taken.
const SENDING: [&str; 2] = ["Writing to net", "Sending to client"];

/// A connection that rows are read by.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub server: &'a Server,
    /// Tells the server from others behind the same address.
    pub name: &'a str,
    /// The connection's number there.
    pub number: u64,
    pub table: &'a SourceTable,
    /// How long no row may come until the server is asked.
    pub patience: Duration,
}

/// What the server says of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    AtWork,
    /// It has something to send.
    Sending,
    Gone,
    /// Another server answers, or none.
    Nothing,
}

/// The next row, or why none will come.
pub async fn listen<T>(row: impl Future<Output = T>, line: Line<'_>) -> Result<T, Fault> {
    let mut row = std::pin::pin!(row);
    let mut was = Seen::Nothing;
    let mut silent = Duration::ZERO;
    while silent < SILENCE {
        if let Ok(row) = tokio::time::timeout(line.patience, &mut row).await {
            return Ok(row);
        }
        silent += line.patience;
        let seen = line.look().await;
        // What came while the server was asked.
        if let Some(row) = (&mut row).now_or_never() {
            return Ok(row);
        }
        match (was, seen) {
            // Known by its number before: a pooler in between may give numbers of its own.
            (Seen::AtWork | Seen::Sending, Seen::Gone) => return Err(line.broken("the server no longer has it")),
            // Twice, and nothing has come through in between.
            (Seen::Sending, Seen::Sending) => return Err(line.broken("the server has rows to send, and none arrives")),
            _ => was = seen,
        }
    }
    let sentence = format!("Reading {} failed: the server sent nothing for 30 minutes", line.table);
    Err(Fault::new(FaultKind::Transient, sentence))
}

impl Line<'_> {
    fn broken(&self, what: &str) -> Fault {
        let Self { table, number, .. } = self;
        let sentence = format!("Reading {table} failed: the way to MySQL is broken (connection {number}: {what})");
        Fault::new(FaultKind::Transient, sentence)
    }

    async fn look(&self) -> Seen {
        let Ok(mut session) = connect::open(self.server).await else { return Seen::Nothing };
        if session.server != self.name {
            return Seen::Nothing;
        }
        let sql = "SELECT COALESCE(state, '') FROM information_schema.processlist WHERE id = ?";
        let Ok(told) = session.texts(Query::new(sql, [Bind::UInt(self.number)])).await else { return Seen::Nothing };
        match first(&told) {
            None => Seen::Gone,
            Some(state) if SENDING.contains(&state) => Seen::Sending,
            Some(_) => Seen::AtWork,
        }
    }
}
