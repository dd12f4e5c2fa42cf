//! An open connection and its statements. A statement waits for its answer as long as the server works on it.

use sqlx::mysql::{MySqlConnection, MySqlStatement};
use sqlx::{AssertSqlSafe, Executor, Row, SqlSafeStr};

use super::foreign::{self, heard};
use super::silence::{self, Line};
use super::sql::Query;
use super::texts::Texts;
use super::wire::{Cells, Connection};

/// Which of the two servers answers, where their answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    MySql,
    MariaDb,
}

impl Flavour {
    /// `version`: what the server says of itself.
    pub fn of(version: &str) -> Self {
        if version.to_ascii_lowercase().contains("mariadb") { Self::MariaDb } else { Self::MySql }
    }
}

/// A row of a short query, as the server sends it.
pub type Answer = Vec<Option<Vec<u8>>>;

/// What can be asked through a connection of either kind.
pub trait Speaks: Send {
    /// All rows of a short query.
    fn rows(&mut self, query: Query) -> impl Future<Output = Result<Vec<Answer>, sqlx::Error>> + Send;

    /// Runs a statement that has no rows and cannot be prepared.
    fn run(&mut self, sql: &str) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

impl Speaks for MySqlConnection {
    async fn rows(&mut self, query: Query) -> Result<Vec<Answer>, sqlx::Error> {
        let rows = heard(query.prepared().fetch_all(self)).await?;
        Ok(rows.iter().map(|row| (0..row.len()).map(|i| row.cell(i).map(<[u8]>::to_vec)).collect()).collect())
    }

    async fn run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        heard(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(self)).await.map(|_| ())
    }
}

impl Speaks for Connection {
    async fn rows(&mut self, query: Query) -> Result<Vec<Answer>, sqlx::Error> {
        self.all(&query).await
    }

    async fn run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        Self::run(self, sql).await
    }
}

/// An open connection with the settings that reading relies on: made by sqlx, or one of our own for the rows of tables.
pub struct Session<C = MySqlConnection> {
    pub connection: C,
    pub flavour: Flavour,
    /// How to ask the server about the connection when no answer comes; `None` during the set-up.
    pub line: Option<Line>,
}

impl<C: Speaks> Session<C> {
    /// A new connection, before anything is set or known of the server.
    pub const fn of(connection: C) -> Self {
        Self { connection, flavour: Flavour::MySql, line: None }
    }

    /// The connection's number at the server.
    pub fn number(&self) -> u64 {
        self.line.as_ref().map_or(0, |line| line.number)
    }

    /// Runs a short query and gives all its rows as text; for the catalogue and the clock, never for table rows.
    ///
    /// Text is read from the bytes, because the catalogue's columns arrive with different wire types.
    pub async fn texts(&mut self, query: Query) -> Result<Vec<Texts>, sqlx::Error> {
        let rows = self.rows(query).await?;
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
        };
        Ok(rows.into_iter().map(|row| row.into_iter().map(|cell| cell.map(text)).collect()).collect())
    }

    /// Runs a short query and gives its rows as the server sends them.
    pub async fn rows(&mut self, query: Query) -> Result<Vec<Answer>, sqlx::Error> {
        let answer = silence::listen(self.connection.rows(query), self.line.as_ref()).await;
        self.judged(answer)
    }

    /// Runs a statement that has no rows and cannot be prepared.
    pub async fn command(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let answer = silence::listen(self.connection.run(sql), self.line.as_ref()).await;
        self.judged(answer)
    }

    /// During the set-up, an answer that makes sqlx panic may come from anything. A server that was set up is MySQL.
    fn judged<T>(&self, answer: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if self.line.is_some() { answer.map_err(foreign::after_set_up) } else { answer }
    }
}

impl Session {
    /// Prepares a statement without running it, to learn the columns that it would return.
    pub async fn announced(&mut self, sql: String) -> Result<MySqlStatement, sqlx::Error> {
        let announced = self.connection.prepare(AssertSqlSafe(sql).into_sql_str());
        let answer = silence::listen(heard(announced), self.line.as_ref()).await;
        self.judged(answer)
    }
}
