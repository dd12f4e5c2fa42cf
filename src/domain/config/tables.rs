//! Entries of `mappings` that are about many tables (`tables`): which tables they take, and the mapping of each.

use std::path::Path;

use super::content::{Mapping, Mode, TableAdditions};
use super::mapping::{Draft, Named, OfTable};
use super::problem::Problem;
use super::read::{Place, Reading, Value};
use crate::domain::ids::{MappingName, PART, SourceTable};
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

    fn is_of(&self, database: &str, table: &str, own: Option<&str>) -> bool {
        let place = self.database.as_deref().or(own);
        place.is_none_or(|place| is_like(place, database)) && is_like(&self.table, table)
    }

    fn has_wildcard(&self) -> bool {
        self.table.contains(['*', '?'])
    }

    /// What it is remembered by: the database of the connection may be another one day.
    #[must_use]
    pub fn resolved(&self, own: &str) -> String {
        format!("{}.{}", self.database.as_deref().unwrap_or(own), self.table)
    }
}

/// An entry of `mappings` with `tables`.
#[derive(Debug, Clone)]
pub struct TablePattern {
    /// Where it stands in the file.
    pub line: usize,
    /// As written, for messages: `shop.*`.
    pub text: String,
    /// One at least.
    pub globs: Vec<Glob>,
    pub(super) except: Vec<Glob>,
    /// `None`: `auto`.
    pub mode: Option<Mode>,
    /// What becomes of a table that appears later.
    pub additions: TableAdditions,
    /// What the entry says beside, for each of its tables.
    pub(super) draft: Draft,
}

/// How one of the tables is moved.
#[derive(Debug, Clone, Copy)]
pub struct Taking<'a> {
    pub database: &'a str,
    pub table: &'a str,
    /// In BigQuery.
    pub target: &'a str,
    pub mode: Mode,
    pub keys: &'a [String],
    pub cursor: Option<&'a str>,
}

impl TablePattern {
    /// The globs that take a table; none where the entry does not. A view is taken by its own name alone.
    #[must_use]
    pub fn takers(&self, database: &str, table: &str, own: &str, is_view: bool) -> Vec<&Glob> {
        if self.except.iter().any(|glob| glob.is_of(database, table, None)) {
            return Vec::new();
        }
        let takes = |glob: &&Glob| glob.is_of(database, table, Some(own)) && !(is_view && glob.has_wildcard());
        self.globs.iter().filter(takes).collect()
    }

    /// The column that `incremental_column` names, for tables that have it.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.draft.named_cursor()
    }

    #[must_use]
    pub const fn has_schedule(&self) -> bool {
        self.draft.mapping.schedule.is_some()
    }

    /// The mapping of one of its tables.
    ///
    /// # Errors
    /// What the entry says does not go with this table.
    pub fn mapping(&self, file: &Path, taking: Taking<'_>) -> Result<Mapping, Problem> {
        let Taking { database, table, target, mode, keys, cursor } = taking;
        let name = name_of(database, table);
        let value = |key: &'static str, text: &str| Value {
            text: text.to_owned(),
            written: text.to_owned(),
            line: Some(self.line),
            place: Place { key, name: format!("`{key}` of mapping `{name}`"), line: Some(self.line) },
        };
        let of_table = OfTable {
            name: value("name", &name.0),
            table: value("mysql_table", table),
            target: Named { name: target.to_owned(), line: self.line },
            keys: keys.iter().map(|key| value("primary_keys", key)).collect(),
            cursor: cursor.map(|cursor| value("incremental_column", cursor)),
            mode,
        };
        let mut r = Reading { file: file.display().to_string(), env: &|_| None, problems: Vec::new() };
        let mapping = self.draft.clone().of_table(of_table).finish(&mut r);
        if let Some(problem) = r.problems.into_iter().next() {
            return Err(problem);
        }
        let incomplete = || Problem {
            file: file.display().to_string(),
            line: Some(self.line),
            message: format!("`{database}.{table}` cannot be taken by the tables `{}`", self.text),
            hint: "give it a mapping of its own".to_owned(),
        };
        let mapping = mapping.ok_or_else(incomplete)?;
        let source = SourceTable {
            database: Some(database.to_owned()),
            table: table.to_owned(),
            filter: mapping.source.filter.clone(),
        };
        Ok(Mapping { line: self.line, source, pattern: Some(self.text.clone()), ..mapping })
    }
}

/// `shop.orders`, whichever database the connection has: the name is the key of the state.
#[must_use]
pub fn name_of(database: &str, table: &str) -> MappingName {
    MappingName(format!("{database}.{table}").replace(PART, "-part-"))
}

#[cfg(test)]
mod tests;
