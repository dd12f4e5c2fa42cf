//! Statements about all tables of some databases.

use crate::source::mysql::sql::{Bind, Query};

/// A table's database and name.
pub type Name = (String, String);

/// A question to the catalogue about some databases.
pub fn within(what: &str, column: &str, databases: &[String], order: &str) -> Query {
    let places = vec!["?"; databases.len()].join(", ");
    let sql = format!("SELECT {what} WHERE {column} IN ({places}) {order}");
    Query::new(sql, databases.iter().cloned().map(Bind::Text))
}
