//! A table, looked up in the catalogue by the name that the mapping gives it.

use super::fault::from_sqlx;
use super::session::{Session, Speaks};
use super::sql::{Bind, Query};
use super::texts::{Texts, number, text};
use crate::domain::fault::Fault;
use crate::domain::ids::SourceTable;

/// A table with the names that the server itself uses.
pub struct Found {
    pub database: String,
    pub table: String,
    pub kind: String,
    pub engine: String,
    pub rows: Option<u64>,
    pub comment: Option<String>,
}

impl Found {
    /// A row of [`FOUND`].
    pub fn of(row: &Texts) -> Self {
        Self {
            database: text(row, 0).to_owned(),
            table: text(row, 1).to_owned(),
            kind: text(row, 2).to_ascii_uppercase(),
            engine: text(row, 3).to_ascii_lowercase(),
            rows: number(row, 4),
            comment: row.get(5).cloned().flatten().filter(|comment| !comment.trim().is_empty()),
        }
    }

    /// The name as a mapping may write it.
    pub fn name(&self) -> SourceTable {
        SourceTable::whole(Some(self.database.clone()), self.table.clone())
    }

    pub fn is_view(&self) -> bool {
        self.kind.contains("VIEW")
    }

    /// The names as values of `table_schema = ? AND table_name = ?`.
    pub fn binds(&self) -> [Bind; 2] {
        [Bind::Text(self.database.clone()), Bind::Text(self.table.clone())]
    }
}

/// Selects what the catalogue says about tables; a condition must follow.
pub const FOUND: &str = "SELECT table_schema, table_name, table_type, engine, CAST(table_rows AS CHAR), table_comment \
                         FROM information_schema.tables WHERE ";

/// Looks the table up with the server's own comparison of names: where case does not matter, another spelling is found
/// too.
pub async fn find(session: &mut Session<impl Speaks>, table: &SourceTable) -> Result<Option<Found>, Fault> {
    let sql = format!("{FOUND}table_schema = COALESCE(?, DATABASE()) AND table_name = ?");
    let rows = session.texts(in_database(&sql, table, true)).await.map_err(|error| failed(error, table))?;
    let exact = |row: &&Texts| text(row, 1) == table.table;
    let row = rows.iter().find(exact).or_else(|| rows.first());
    Ok(row.map(Found::of))
}

/// `table_schema = ? AND table_name IN (?, ?)`, for this number of tables of one database.
pub fn among(database: &str, names: &[&str]) -> (String, Vec<Bind>) {
    let places = vec!["?"; names.len()].join(", ");
    let binds = [database].iter().chain(names).map(|name| Bind::Text((*name).to_owned())).collect();
    (format!("table_schema = ? AND table_name IN ({places})"), binds)
}

/// A question to the catalogue about a table or its database; a mapping without a database name uses the connection's.
pub fn in_database(sql: &str, table: &SourceTable, with_name: bool) -> Query {
    // `COALESCE(?, DATABASE())` with a NULL would leave the placeholder without a type.
    let (sql, mut binds) = match &table.database {
        Some(database) => (sql.replace("COALESCE(?, DATABASE())", "?"), vec![Bind::Text(database.clone())]),
        None => (sql.replace("COALESCE(?, DATABASE())", "DATABASE()"), Vec::new()),
    };
    if with_name {
        binds.push(Bind::Text(table.table.clone()));
    }
    Query { sql, binds }
}

pub fn failed(error: sqlx::Error, table: &SourceTable) -> Fault {
    from_sqlx(error, format!("Reading the description of {table} failed"))
}
