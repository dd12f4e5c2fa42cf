//! What the catalogue says about the tables of a server.

use crate::domain::column::{Cascade, SourceSchema, same_name};
use crate::domain::new_columns::is_like;

/// The tables that a question is about: patterns in which `*` stands for any characters and `?` for one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EstateAsk {
    /// Empty: the connection's database.
    pub databases: Vec<String>,
    /// Empty: all tables.
    pub tables: Vec<String>,
}

/// Databases that belong to the server itself.
const SYSTEM: [&str; 6] =
    ["information_schema", "performance_schema", "mysql", "sys", "ndbinfo", "mysql_innodb_cluster_metadata"];

impl EstateAsk {
    /// Whether the question is about the database. `own`: the connection's database.
    #[must_use]
    pub fn has_database(&self, name: &str, own: &str) -> bool {
        let asked = if self.databases.is_empty() {
            name == own
        } else {
            self.databases.iter().any(|pattern| is_like(pattern, name))
        };
        asked && !Self::is_system(name)
    }

    #[must_use]
    pub fn has_table(&self, name: &str) -> bool {
        self.tables.is_empty() || self.tables.iter().any(|pattern| is_like(pattern, name))
    }

    #[must_use]
    pub fn is_system(database: &str) -> bool {
        SYSTEM.iter().any(|name| name.eq_ignore_ascii_case(database))
    }
}

/// The catalogue's answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Databases that the question was not about, without the server's own.
    pub others: Vec<String>,
    /// Sorted by name.
    pub tables: Vec<TableFacts>,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFacts {
    pub database: String,
    pub table: String,
    /// Columns that the account may read, keys, indexes and the estimate of the rows.
    pub schema: SourceSchema,
    /// Columns that the server stamps with every change of a row (`ON UPDATE CURRENT_TIMESTAMP`).
    pub stamped: Vec<String>,
    pub auto_increment: Option<String>,
    /// Foreign keys that change rows without the stamp; looked up only for tables with stamped columns.
    pub cascades: Vec<Cascade>,
    /// The first of its unique keys is the PRIMARY KEY.
    pub has_primary_key: bool,
    /// Bytes of all rows, by the server's estimate.
    pub bytes: Option<u64>,
    /// The server's message about a table that it cannot open.
    pub trouble: Option<String>,
}

impl TableFacts {
    /// Whether the server stamps the column with every change.
    #[must_use]
    pub fn is_stamped(&self, column: &str) -> bool {
        self.stamped.iter().any(|name| same_name(name, column))
    }

    /// Whether each unique key has a column that the account may not read.
    #[must_use]
    pub fn hides_key(&self) -> bool {
        let keys = &self.schema.unique_keys;
        let is_hidden = |key: &Vec<String>| key.iter().any(|column| self.schema.column(column).is_none());
        self.schema.hides_columns && !keys.is_empty() && keys.iter().all(is_hidden)
    }

    /// Whether a unique key has a column that is not listed.
    #[must_use]
    pub fn lists_hidden_key(&self) -> bool {
        self.schema.unique_keys.iter().flatten().any(|column| self.schema.column(column).is_none())
    }

    /// Why the table cannot be read.
    #[must_use]
    pub fn cannot_be_read(&self) -> Option<String> {
        if let Some(trouble) = &self.trouble {
            return Some(format!("MySQL cannot open it: {trouble}"));
        }
        let is_hidden = self.schema.columns.is_empty();
        is_hidden.then(|| "the account may read none of its columns (GRANT SELECT)".to_owned())
    }
}
