//! Several tables of MySQL that go into one table of BigQuery, with a mapping for each.

use super::blank::unquoted;
use super::columns::refused_name;
use crate::domain::column::same_name;
use crate::domain::config::content::{Mapping, Mode};
use crate::domain::config::key::{At, put};
use crate::domain::config::read::{Place, Reading, Value};
use crate::domain::ids::{MappingName, SourceTable};
use crate::domain::table_shard::TableShard;

/// Characters that MySQL names rarely contain, but patterns of names need.
const OF_PATTERNS: [char; 9] = ['[', ']', '(', ')', '*', '+', '?', '^', '|'];

/// The values of `mysql_table` as a list, `shard_column`, `shard`.
#[derive(Debug, Clone, Default)]
pub(in crate::domain::config) struct Shards {
    tables: Vec<Value>,
    list: Option<Place>,
    column: Option<Value>,
    value: Option<Value>,
}

/// The entry's other settings that shards depend on.
pub(in crate::domain::config) struct Beside<'a> {
    pub mode: Mode,
    pub keys: &'a [Value],
    pub deleted: Option<&'a str>,
    pub loaded_at: Option<&'a str>,
}

impl Shards {
    pub fn take_tables(&mut self, at: &mut At<'_, '_>) {
        self.list = Some(at.place());
        put(&mut self.tables, at.list());
    }

    pub fn take_column(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.column, at.value().map(Some));
    }

    pub fn take_value(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.value, at.value().map(Some));
    }

    pub const fn are_listed(&self) -> bool {
        self.list.is_some()
    }

    /// Tells if a column says which table each row came from.
    pub const fn has_column(&self) -> bool {
        self.column.is_some()
    }

    pub fn refuse_no_target(at: &mut At<'_, '_>) {
        let Place { name, line, .. } = at.place();
        at.r.problem(line, format!("{name} is missing"), "name the table that all of these tables go into");
    }

    /// Records the same problems, for an entry with `tables`.
    pub fn check_tables(&self, r: &mut Reading<'_>, mode: Option<Mode>, has_target: bool) {
        let Some(Value { place, line, .. }) = &self.column else { return };
        if mode.is_none() {
            let message = format!("{} does not go with `mode: auto`", place.name);
            r.problem(*line, message, "state the mode that all of the tables have: `upsert`, `append` or `mirror`");
        }
        if !has_target {
            let message = format!("{} goes with `bigquery_table`, which is missing", place.name);
            r.problem(*line, message, "name the table that all of these tables go into");
        }
    }

    /// Records the problems of the shards.
    pub fn check(&self, r: &mut Reading<'_>, table: Option<&Value>, beside: &Beside<'_>) {
        if let Some(list) = &self.list {
            self.check_list(r, list);
        }
        match &self.column {
            Some(column) => check_column(r, column, beside),
            None => {
                if let Some(value) = &self.value {
                    let message = format!("{} needs `shard_column`", value.place.name);
                    r.problem(
                        value.line,
                        message,
                        "name the column that tells the shards' rows apart: `shard_column: _shard`",
                    );
                }
            }
        }
        let patterns = self.tables.iter().chain(table.filter(|_| self.has_column()));
        for value in patterns.filter(|value| !value.text.contains('`') && value.text.contains(OF_PATTERNS)) {
            r.refuse(
                value,
                "write the tables one by one, `mysql_table: [orders_0, orders_1]`, or all that are like a pattern, \
                 `tables: \"orders_*\"` in the place of `name` and `mysql_table`; a name that holds such characters \
                             goes between backticks",
            );
        }
    }

    fn check_list(&self, r: &mut Reading<'_>, list: &Place) {
        if self.tables.is_empty() {
            r.problem(list.line, format!("{} is empty", list.name), "name the tables");
        }
        if self.column.is_none() {
            let message = format!("{} is a list, which needs `shard_column`", list.name);
            r.problem(list.line, message, "name the column that tells the tables' rows apart: `shard_column: _shard`");
        }
        if let Some(value) = &self.value {
            r.refuse(value, "the tables of a list go by their names; take it out");
        }
        for (at, value) in self.tables.iter().enumerate() {
            let name = name_of(&value.text);
            // BigQuery's names, and a column that ignores case, would treat both as one.
            if self.tables[..at].iter().any(|other| same_name(&name_of(&other.text), &name)) {
                let message = format!("{} names `{}` twice", list.name, value.written);
                r.problem(value.line, message, "name it once; names that differ by case alone count as one");
            }
        }
    }

    /// One mapping for each table, from the settings for all of them.
    pub fn mappings(self, r: &mut Reading<'_>, table: Option<&Value>, of_all: &Mapping) -> Vec<Mapping> {
        let column = self.column.map(|column| column.text);
        let shard = |value: String| column.clone().map(|column| TableShard { column, value });
        if self.list.is_none() {
            let Some(table) = table.map(|table| unquoted(&table.text)) else { return Vec::new() };
            let value = self.value.map_or_else(|| table.clone(), |value| value.text);
            let source = SourceTable { table, ..of_all.source.clone() };
            return vec![Mapping { source, shard: shard(value), ..of_all.clone() }];
        }
        let of = |value: &Value| {
            let (database, table) = parts(&value.text);
            let value = name_of(&value.text);
            let name = MappingName(format!("{}/{value}", of_all.name));
            let database = database.or_else(|| of_all.source.database.clone());
            let source = SourceTable { database, table, ..of_all.source.clone() };
            Mapping { name, source, shard: shard(value), ..of_all.clone() }
        };
        let named = self.tables.iter().filter(|value| !parts(&value.text).1.is_empty());
        let mappings: Vec<Mapping> = named.map(of).collect();
        if mappings.len() < self.tables.len() {
            let list = self.list.as_ref();
            let name = list.map_or("", |list| list.name.as_str());
            r.problem(
                list.and_then(|list| list.line),
                format!("{name} names a table without a name"),
                "write `database.table`",
            );
        }
        mappings
    }
}

fn check_column(r: &mut Reading<'_>, column: &Value, beside: &Beside<'_>) {
    let has_name = |other: Option<&str>| other.is_some_and(|other| same_name(other, &column.text));
    if let Some(instead) = refused_name(&column.text) {
        r.refuse(column, instead);
    } else if has_name(beside.deleted) {
        r.refuse(column, "`deleted_column` has that name");
    } else if has_name(beside.loaded_at) {
        r.refuse(column, "`loaded_at` has that name");
    } else if let Some(key) = beside.keys.iter().find(|key| same_name(&key.text, &column.text)) {
        r.refuse(
            key,
            "it is the column of `shard_column`, which MySQL does not have: it is joined to the keys by itself",
        );
    }
    if beside.mode == Mode::Replace {
        let message = format!("{} does not go with `mode: replace`", column.place.name);
        r.problem(
            column.line,
            message,
            "a replace would take out the rows of the other shards: take `mode: mirror`, or give the table a `bigquery_table` of \
             its own",
        );
    }
}

/// Database and table of a name in a list; a name between backticks may hold a dot.
fn parts(written: &str) -> (Option<String>, String) {
    let end = match written.strip_prefix('`') {
        Some(rest) => rest.find('`').map(|at| at + 2),
        None => written.find('.'),
    };
    match end.and_then(|end| Some((&written[..end], written[end..].strip_prefix('.')?))) {
        Some((database, table)) => (Some(unquoted(database)), unquoted(table)),
        None => (None, unquoted(written)),
    }
}

/// The table's name within its mapping's name and in its rows.
fn name_of(written: &str) -> String {
    let (database, table) = parts(written);
    database.map_or_else(|| table.clone(), |database| format!("{database}.{table}"))
}

#[cfg(test)]
mod tests;
