//! A server that sends no row: is it at work on the statement, or is the way to it broken?
//!
//! A firewall that has forgotten a connection, a machine that is gone, a proxy that stalls: none of them says a word, and the
//! statement that is read holds its snapshot meanwhile, and its lock on the table. So the server is asked by another connection
//! what has become of the first.

use std::time::Duration;

use futures_util::FutureExt;

use super::connect;
use super::server::Server;
use super::session::{SILENCE, Session};
use super::sql::{Bind, Query};
use super::texts::{Texts, text};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::SourceTable;

/// How long an answer of many rows may not come until the server is asked.
const PATIENCE: Duration = Duration::from_mins(1);

/// MariaDB and MySQL call it by these names that a connection has something to send and waits for it to be taken.
const SENDING: [&str; 2] = ["Writing to net", "Sending to client"];

/// What a connection does that waits for its next statement.
const IDLE: &str = "Sleep";

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
    /// It has something to send, or has sent all.
    Done,
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
            (Seen::AtWork | Seen::Done, Seen::Gone) => return Err(line.broken("the server no longer has it")),
            // Twice, and nothing has come through in between.
            (Seen::Done, Seen::Done) => return Err(line.broken("the server has sent what it has, and nothing arrives")),
            _ => was = seen,
        }
    }
    let sentence = format!("Reading {} failed: the server sent nothing for 30 minutes", line.table);
    Err(Fault::new(FaultKind::Transient, sentence))
}

/// The rows of a statement that may take long, as text.
pub async fn texts(
    server: &Server,
    session: &mut Session,
    table: &SourceTable,
    query: Query,
) -> Result<Result<Vec<Texts>, sqlx::Error>, Fault> {
    let (name, number) = (session.server.clone(), session.number);
    listen(session.texts(query), Line { server, name: &name, number, table, patience: PATIENCE }).await
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
        let sql = "SELECT command, COALESCE(state, '') FROM information_schema.processlist WHERE id = ?";
        let Ok(told) = session.texts(Query::new(sql, [Bind::UInt(self.number)])).await else { return Seen::Nothing };
        match told.first().map(|row| (text(row, 0), text(row, 1))) {
            None => Seen::Gone,
            Some((command, state)) if command == IDLE || SENDING.contains(&state) => Seen::Done,
            Some(_) => Seen::AtWork,
        }
    }
}
