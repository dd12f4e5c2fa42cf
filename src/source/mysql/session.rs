//! An open connection, and what is asked through it. A statement waits for its answer, but not for ever.

use std::time::Duration;

use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};

use super::sql::Query;
use super::texts::{Texts, first};
use super::wire::Cells;

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
    pub async fn texts(&mut self, query: Query) -> Result<Vec<Texts>, sqlx::Error> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::FaultKind;
    use crate::source::mysql::fault::from_login;

    #[tokio::test]
    async fn a_server_that_says_nothing_is_given_up_on_and_may_be_tried_again() {
        let silent = std::future::pending::<Result<(), sqlx::Error>>();
        let error = answered(Duration::from_millis(1), silent).await.unwrap_err();
        assert!(matches!(&error, sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::TimedOut), "{error}");
        assert_eq!(from_login(error, "Asking failed").kind(), FaultKind::Transient);
        assert_eq!(answered(SILENCE, async { Ok(7) }).await.unwrap(), 7);
    }
}
