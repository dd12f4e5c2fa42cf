//! Names of tables with wildcards, as entries of `mappings` take them.

use crate::domain::ids::SourceName;
use crate::domain::new_columns::is_like;

/// `database.table`, in which `*` stands for any characters and `?` for one, whatever their case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// `None`: the database of the connection, or, of `except`, any.
    pub database: Option<String>,
    pub table: String,
}

impl Glob {
    /// The first dot ends the database, unless backticks say where it ends.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let quoted = text.strip_prefix('`').and_then(|rest| rest.split_once('`'));
        let (database, table) = match quoted {
            Some((name, "")) => (None, name),
            Some((name, rest)) => match rest.strip_prefix('.') {
                Some(table) => (Some(name), table),
                None => return Err("write `database.table`, with backticks around a name that has a dot".to_owned()),
            },
            None => text.split_once('.').map_or((None, text), |(database, table)| (Some(database), table)),
        };
        let table = table.strip_prefix('`').and_then(|table| table.strip_suffix('`')).unwrap_or(table);
        if table.is_empty() || database.is_some_and(str::is_empty) {
            return Err(
                "write `database.table`, such as `shop.*`, or a table of MYSQL_DATABASE, such as `orders_*`".to_owned()
            );
        }
        Ok(Self { database: database.map(str::to_owned), table: table.to_owned() })
    }

    pub(super) fn is_of(&self, database: &str, table: &str, own: Option<&str>) -> bool {
        let place = self.database.as_deref().or(own);
        place.is_none_or(|place| is_like(place, database)) && is_like(&self.table, table)
    }

    pub(super) fn has_wildcard(&self) -> bool {
        self.table.contains(['*', '?'])
    }

    /// What it is remembered by: the database of the connection may be another one day.
    #[must_use]
    pub fn resolved(&self, server: Option<&SourceName>, own: &str) -> String {
        let server = server.map(|server| format!("{server}:")).unwrap_or_default();
        format!("{server}{}.{}", self.database.as_deref().unwrap_or(own), self.table)
    }
}
