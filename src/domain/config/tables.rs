//! Entries of `mappings` for many tables (`tables`): which tables they take, and the mapping of each.

use std::path::Path;
use std::sync::Arc;

use super::content::{Mapping, Mode, TableAdditions};
use super::glob::{Glob, IsListed};
use super::key::{self, Gaps};
use super::mapping::{Draft, KEYS, MODE, Named, OF_ONE_TABLE, OF_SHARDS, OfTable, SHARD_COLUMN, TABLES, Tables};
use super::problem::Problem;
use super::read::{OF_ANY_MODE, Place, Reading, Value, shown};
use super::sources;
use super::yaml::Node;
use crate::domain::fault::Fault;
use crate::domain::ids::{MappingName, PART, SourceName, SourceTable, TableId};
use crate::domain::table_shard::TableShard;

/// An entry of `mappings` with `tables`.
#[derive(Debug, Clone)]
pub struct TablePattern {
    /// The entry's line in the file.
    pub line: usize,
    /// The text as written, for messages: `shop.*`.
    pub text: String,
    /// At least one glob.
    pub globs: Vec<Glob>,
    pub(super) except: Vec<Glob>,
    /// `None`: the mode is `auto`.
    pub mode: Option<Mode>,
    /// What happens to a table that appears later.
    pub additions: TableAdditions,
    /// The entry's other keys, which apply to each of its tables.
    pub(super) draft: Draft,
}

/// Something that the configuration names but no run can move: a table that was taken and now stands in the way of
/// another, or an entry whose tables nobody knows because its server is away.
#[derive(Debug, Clone)]
pub struct NotMoved {
    /// The name in reports: the mapping's, or the entry in its own words.
    pub name: MappingName,
    /// The target in BigQuery: `project.dataset.table`, or `project.dataset.*` for an entry.
    pub target: String,
    pub fault: Arc<Fault>,
}

/// How one of the tables is moved.
#[derive(Debug, Clone, Copy)]
pub struct Taking<'a> {
    /// The mapping's name.
    pub name: &'a MappingName,
    pub database: &'a str,
    pub table: &'a str,
    /// The table's name in BigQuery.
    pub target: &'a str,
    pub mode: Mode,
    pub keys: &'a [String],
    pub cursor: Option<&'a str>,
}

impl TablePattern {
    /// The globs that take a table; none if the entry does not. A view is taken only by its full name.
    #[must_use]
    pub fn takers(&self, database: &str, table: &str, own: &str, is_view: bool, is_listed: IsListed<'_>) -> Vec<&Glob> {
        if self.except.iter().any(|glob| glob.is_about(database, table, None, is_listed)) {
            return Vec::new();
        }
        let takes =
            |glob: &&Glob| glob.is_about(database, table, Some(own), is_listed) && !(is_view && glob.has_wildcard());
        self.globs.iter().filter(takes).collect()
    }

    /// Tells if only globs with wildcards take the table.
    #[must_use]
    pub fn takes_by_wildcard(&self, takers: &[&Glob]) -> bool {
        takers.iter().all(|glob| glob.has_wildcard())
    }

    /// The column that `incremental_column` names, for tables that have it.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.draft.named_cursor()
    }

    /// The server that its tables are in.
    #[must_use]
    pub const fn server(&self) -> Option<&SourceName> {
        self.draft.mapping.source.server.as_ref()
    }

    /// The dataset that its tables go to: `project.dataset`.
    #[must_use]
    pub fn dataset(&self) -> String {
        let TableId { project, dataset, .. } = &self.draft.mapping.target;
        format!("{project}.{dataset}")
    }

    /// The place of its tables in BigQuery: `project.dataset.*`, or the one table that all go into.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}.{}", self.dataset(), self.shared_target().unwrap_or("*"))
    }

    #[must_use]
    pub const fn has_schedule(&self) -> bool {
        self.draft.mapping.schedule.is_some()
    }

    /// The mapping of one of its tables.
    ///
    /// # Errors
    /// The entry's keys do not fit this table.
    pub fn mapping(&self, file: &Path, taking: Taking<'_>) -> Result<Mapping, Problem> {
        let Taking { name, database, table, target, mode, keys, cursor } = taking;
        let value = |key: &'static str, text: &str| Value {
            text: text.to_owned(),
            written: text.to_owned(),
            line: Some(self.line),
            place: Place { key, name: format!("`{key}` of mapping `{name}`"), line: Some(self.line) },
        };
        let of_table = OfTable {
            name: value("name", &name.0),
            table: value("mysql_table", table),
            target: Named { name: self.shared_target().unwrap_or(target).to_owned(), line: self.line },
            keys: keys.iter().map(|key| value("primary_keys", key)).collect(),
            cursor: cursor.map(|cursor| value("incremental_column", cursor)),
            mode,
        };
        let mut r = Reading { file: file.display().to_string(), env: &|_| None, problems: Vec::new() };
        let mapping = self.draft.clone().of_table(of_table).finish(&mut r).into_iter().next();
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
        let (database, table) = (Some(database.to_owned()), table.to_owned());
        let source = SourceTable { database, table, ..mapping.source.clone() };
        // Tables of several databases may have the same name, so the shard's value includes the database.
        let shard = mapping.shard.clone().map(|shard| TableShard { value: name.0.clone(), ..shard });
        Ok(Mapping { line: self.line, source, shard, pattern: Some(self.text.clone()), ..mapping })
    }

    /// The table that all of its tables go into.
    fn shared_target(&self) -> Option<&str> {
        let target = self.draft.target.as_ref().filter(|_| self.draft.shards.has_column())?;
        Some(&target.name)
    }
}

/// The mapping's name and key in the state: `shop.orders`, independent of the connection's database, and
/// `eu:shop.orders` on a named server.
#[must_use]
pub fn name_of(server: Option<&SourceName>, database: &str, table: &str) -> MappingName {
    let server = server.map(|server| format!("{server}:")).unwrap_or_default();
    MappingName(format!("{server}{database}.{table}").replace(PART, "-part-"))
}

/// Tells if the entry is for many tables.
pub(super) fn are_in(r: &Reading<'_>, node: &Node) -> bool {
    let mut quiet = r.quiet();
    key::open(&mut quiet, node, KEYS, "", String::new()).is_some_and(|section| TABLES.node(&section).is_some())
}

/// Reads an entry over the settings for all.
pub(super) fn read(r: &mut Reading<'_>, node: &Node, of_all: &Draft) -> Option<TablePattern> {
    // The mode decides which keys apply only to some tables, and messages name the tables, so these keys are read
    // first.
    let mut quiet = r.quiet();
    let mut first = of_all.clone();
    let section = key::open(&mut quiet, node, KEYS, "", String::new())?;
    MODE.take(&mut first, &mut MODE.at(&mut quiet, &section, Gaps::Keep));
    TABLES.take(&mut first, &mut TABLES.at(&mut quiet, &section, Gaps::Keep));
    SHARD_COLUMN.take(&mut first, &mut SHARD_COLUMN.at(&mut quiet, &section, Gaps::Keep));
    let of = if first.said_mode.is_some() { " of the tables " } else { OF_ANY_MODE };
    let section = key::open(r, node, KEYS, "", format!("{of}`{}`", shown(first.tables.text())))?;
    let known = r.problems.len();
    let mut draft = of_all.clone();
    for key in KEYS {
        let mut at = key.at(r, &section, Gaps::Keep);
        let is_shared = first.shards.has_column() && OF_SHARDS.contains(&key.name());
        if is_shared || !OF_ONE_TABLE.contains(&key.name()) {
            key.take(&mut draft, &mut at);
        } else if at.is_written() {
            let place = at.place();
            let message = format!("{} would be that of every table", place.name);
            let hint = "remove it; a table that needs one gets its own mapping, which takes precedence";
            at.r.problem(place.line, message, hint);
        }
    }
    let mode = draft.said_mode;
    draft.shards.check_tables(r, mode, draft.target.is_some());
    draft.mapping.line = node.line;
    draft.try_out(r, mode.unwrap_or(Mode::Upsert), node.line);
    sources::check(
        r,
        &of_all.sources,
        &Mapping { name: MappingName(draft.tables.text().to_owned()), ..draft.mapping.clone() },
    );
    if r.problems.len() > known {
        return None;
    }
    let Tables { globs, text, except, additions, .. } = draft.tables.clone();
    Some(TablePattern { line: node.line, text, globs, except, mode, additions, draft })
}

#[cfg(test)]
mod tests;
