//! Connections of one's own: opened for one piece of work, pinned to known session settings, never pooled.
//!
//! A connection whose future was dropped, or that met an error, is never used again (sqlx issue #563): it is dropped
//! together with its socket.

use std::time::Duration;

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Row};

use super::catalog::text;
use super::fault::from_login;
use super::login::{self, Login};
use super::peers;
pub use super::server::Server;
use super::sql::Query;
use super::wire::Cells;
use crate::domain::fault::{Fault, FaultKind};

/// sqlx has no limit of its own; a firewall that drops packets would hold a run for ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A first row (or a MAX without an index) may take a full scan's time, but a server that went away without a word
/// would hold the run for ever.
pub const SILENCE: Duration = Duration::from_mins(30);

/// Which of the two servers answers, where their words differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    MySql,
    MariaDb,
}

/// An open connection with the settings that reading relies on.
pub struct Session {
    pub connection: MySqlConnection,
    pub flavour: Flavour,
    /// Tells the server from others behind the same address.
    pub server: String,
    /// The connection's own, at the server.
    pub number: u64,
}

impl Session {
    /// A connection as it came, before anything is set.
    pub async fn of(connection: MySqlConnection) -> Result<Self, sqlx::Error> {
        let mut session = Self { connection, flavour: Flavour::MySql, server: String::new(), number: 0 };
        let version = session.texts(Query::plain("SELECT VERSION()")).await?;
        if first(&version).is_some_and(|version| version.to_ascii_lowercase().contains("mariadb")) {
            session.flavour = Flavour::MariaDb;
        }
        Ok(session)
    }

    /// Runs a short query and gives all its rows as text; for the catalogue and the clock, never for table rows.
    ///
    /// Text is read from the bytes, because the catalogue's columns arrive with different wire types.
    pub async fn texts(&mut self, query: Query) -> Result<Vec<Vec<Option<String>>>, sqlx::Error> {
        let rows = self.rows(query).await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(rows.iter().map(|row| (0..row.len()).map(|i| row.cell(i).map(text)).collect()).collect())
    }

    /// The same, as the server sends them.
    pub async fn rows(&mut self, query: Query) -> Result<Vec<MySqlRow>, sqlx::Error> {
        answered(SILENCE, query.prepared().fetch_all(&mut self.connection)).await
    }

    /// Runs a statement that has no rows and cannot be prepared.
    pub async fn command(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        answered(SILENCE, sqlx::raw_sql(sql).execute(&mut self.connection)).await.map(|_| ())
    }
}

/// Waits for an answer, but not for ever; the connection must not be used again after an error.
async fn answered<T>(limit: Duration, answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        let sentence = format!("the server sent nothing for {} minutes", limit.as_secs() / 60);
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, sentence)))
    })
}

/// Opens a connection, once: what it is opened for is tried again as a whole.
///
/// # Errors
/// `Auth` for a refused login, `Config` for TLS settings and databases that do not work, `Transient` while the server is
/// away, starting up or full.
pub async fn open(server: &Server) -> Result<Session, Fault> {
    let sentence = login::sentence(server);
    let mut login = Login::prepare(server).await?;
    let opening = async {
        let connection = login.connect().await?;
        // A proxy logs in to the server only now.
        pinned(connection).await.map_err(|error| from_login(error, &*sentence))
    };
    match tokio::time::timeout(CONNECT_TIMEOUT, opening).await {
        Ok(Ok((session, pinned))) if pinned == PINNED => {
            peers::note(server.place(), &session.server);
            Ok(session)
        }
        Ok(Ok((_, pinned))) => {
            let sentence = format!("{sentence}: time zone and character set stayed `{pinned}` instead of `{PINNED}`");
            Err(Fault::new(FaultKind::Config, sentence)
                .with_hint("connect without the proxy that keeps SET from the server"))
        }
        Ok(Err(fault)) => Err(fault),
        Err(_) => Err(Fault::new(FaultKind::Transient, format!("{sentence}: no answer within 10 s"))
            .with_hint("check MYSQL_HOST and MYSQL_PORT, and that a firewall lets this machine through")),
    }
}

/// Have connections to this address reached more than one server lately?
pub fn reached_several(server: &Server) -> bool {
    peers::several(&server.place())
}

/// What holds on both servers, whatever their defaults are:
/// - instants in UTC, text in utf8mb4, zero and impossible dates comparable;
/// - no row limit (`sql_select_limit` would lose rows in silence), `IS NULL` in its plain meaning;
/// - sort keys longer than the longest index key, or pages would overlap;
/// - an hour for a reader that waits for the warehouse, but not for one that waits for another's lock;
/// - each statement on its own, of committed rows only, and no writing.
const SETTINGS: &str = "SET time_zone = '+00:00', NAMES utf8mb4, \
     sql_mode = 'ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION', sql_auto_is_null = 0, \
     sql_select_limit = 18446744073709551615, sql_big_selects = 1, max_sort_length = 16384, \
     net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 28800, lock_wait_timeout = 300, autocommit = 1";

const READ_ONLY: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY";

/// What `pin` finds where the settings have been taken.
const PINNED: &str = "+00:00 utf8mb4";

/// Sets a session up and asks the server what it now holds: a proxy between may swallow SET, and then every TIMESTAMP
/// would be off by hours.
async fn pinned(connection: MySqlConnection) -> Result<(Session, String), sqlx::Error> {
    let mut session = Session::of(connection).await?;
    let pinned = pin(&mut session).await?;
    Ok((session, pinned))
}

async fn pin(session: &mut Session) -> Result<String, sqlx::Error> {
    // A first load may stream for hours; the limit of a server is for its own users.
    let no_limit = match session.flavour {
        Flavour::MariaDb => "max_statement_time = 0",
        Flavour::MySql => "max_execution_time = 0",
    };
    for statement in [format!("{SETTINGS}, {no_limit}"), READ_ONLY.to_owned()] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut session.connection).await?;
    }
    let query = Query::plain(format!(
        "SELECT CONCAT_WS(' ', @@session.time_zone, @@session.character_set_results), {}, CAST(CONNECTION_ID() AS CHAR)",
        peers::IDENTITY
    ));
    let rows = session.texts(query).await?;
    session.number = rows.first().and_then(|row| text(row, 2).parse().ok()).unwrap_or_default();
    rows.first().map_or("", |row| text(row, 1)).clone_into(&mut session.server);
    Ok(first(&rows).unwrap_or_default().to_owned())
}

/// The only value of a row of one.
pub fn first(rows: &[Vec<Option<String>>]) -> Option<&str> {
    rows.first()?.first()?.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_says_nothing_is_given_up_on_and_may_be_tried_again() {
        let silent = std::future::pending::<Result<(), sqlx::Error>>();
        let error = answered(Duration::from_millis(1), silent).await.unwrap_err();
        assert!(matches!(&error, sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::TimedOut), "{error}");
        assert_eq!(from_login(error, "Asking failed").kind(), FaultKind::Transient);
        assert_eq!(answered(SILENCE, async { Ok(7) }).await.unwrap(), 7);
    }
}
