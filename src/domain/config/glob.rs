//! Names of tables with wildcards, as entries of `mappings` take them.

use crate::domain::ids::SourceName;
use crate::domain::new_columns::is_like;

/// Tells if the server lists this table of a database, in exactly this spelling.
pub type IsListed<'a> = &'a dyn Fn(&str, &str) -> bool;

const WILDCARDS: [char; 2] = ['*', '?'];

/// `database.table`, in which `*` stands for any characters and `?` for one, in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// `None`: the connection's database, or, in `except`, any.
    pub database: Option<String>,
    pub table: String,
}

impl Glob {
    /// Parses it. The first dot ends the database, unless backticks say where it ends.
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

    fn is_of(&self, database: &str, table: &str, own: Option<&str>) -> bool {
        let place = self.database.as_deref().or(own);
        place.is_none_or(|place| is_like(place, database)) && is_like(&self.table, table)
    }

    /// Like `is_of`, but without wildcards it matches only the table in exactly this spelling, if `is_listed` knows it.
    pub(super) fn is_about(&self, database: &str, table: &str, own: Option<&str>, is_listed: IsListed<'_>) -> bool {
        let place = self.database.as_deref().or(own).unwrap_or(database);
        let has_wildcards = self.has_wildcard() || place.contains(WILDCARDS);
        let is_twins = !has_wildcards && (place, self.table.as_str()) != (database, table);
        self.is_of(database, table, own) && !(is_twins && is_listed(place, &self.table))
    }

    pub(super) fn has_wildcard(&self) -> bool {
        self.table.contains(WILDCARDS)
    }

    /// The name under which the state remembers it; it includes the connection's database, which may change one day.
    #[must_use]
    pub fn resolved(&self, server: Option<&SourceName>, own: &str) -> String {
        let server = server.map(|server| format!("{server}:")).unwrap_or_default();
        format!("{server}{}.{}", self.database.as_deref().unwrap_or(own), self.table)
    }
}
