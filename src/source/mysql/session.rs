//! An open connection, and what is asked through it. A statement waits for its answer as long as the server is at work on it.

use sqlx::mysql::{MySqlConnection, MySqlRow, MySqlStatement};
use sqlx::{AssertSqlSafe, Executor, Row, SqlSafeStr};

use super::silence::{self, Line};
use super::sql::Query;
use super::texts::{Texts, first};
use super::wire::Cells;

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
    /// Whom to ask about it where no answer comes; `None` while it is set up.
    pub line: Option<Line>,
}

impl Session {
    /// A connection as it came, before anything is set.
    pub async fn of(connection: MySqlConnection) -> Result<Self, sqlx::Error> {
        let mut session = Self { connection, flavour: Flavour::MySql, line: None };
        let version = session.texts(Query::plain("SELECT VERSION()")).await?;
        if first(&version).is_some_and(|version| version.to_ascii_lowercase().contains("mariadb")) {
            session.flavour = Flavour::MariaDb;
        }
        Ok(session)
    }

    /// The connection's own, at the server.
    pub fn number(&self) -> u64 {
        self.line.as_ref().map_or(0, |line| line.number)
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
        silence::listen(query.prepared().fetch_all(&mut self.connection), self.line.as_ref()).await
    }

    /// Runs a statement that has no rows and cannot be prepared.
    pub async fn command(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        silence::listen(sqlx::raw_sql(sql).execute(&mut self.connection), self.line.as_ref()).await.map(|_| ())
    }

    /// A statement that the server has taken and not carried out: the columns it would bring.
    pub async fn announced(&mut self, sql: String) -> Result<MySqlStatement, sqlx::Error> {
        let announced = self.connection.prepare(AssertSqlSafe(sql).into_sql_str());
        silence::listen(announced, self.line.as_ref()).await
    }
}
