//! From entries that are about many tables to a mapping for each of them.
//!
//! What a table was taken as is remembered and holds from then on: its mode does not follow its size, its indexes or the rules.
//! A table that comes later is new; what becomes of it the entry says.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::candidates::ways;
use super::facts::{EstateAsk, TableFacts};
use super::held::{Ground, held};
use super::known_tables::{KnownTable, KnownTables, TakenAs};
use super::mapped::{self, Mapped};
use super::names::target_of;
use super::proposal::large;
use crate::domain::column::same_name;
use crate::domain::config::{Config, Glob, Mapping, TableAdditions, TablePattern, Taking, name_of, refused_together};
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::{MappingName, SourceName, TableId};
use crate::domain::naming;

/// What the server says of its tables.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    Tables(&'a [TableFacts], Ground<'a>),
    /// It does not answer: what is remembered holds.
    Away,
}

/// A server that entries are about.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Where there are several.
    pub server: Option<&'a SourceName>,
    /// The database of the connection.
    pub own: &'a str,
    pub seen: Seen<'a>,
}

/// What is to be expanded, and by what.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub config: &'a Config,
    /// One for each server that an entry is about.
    pub views: &'a [View<'a>],
    pub known: &'a KnownTables,
    /// Says of tables that are known what the rules would make of them today.
    pub compare: bool,
    /// `user@host`.
    pub by: &'a str,
    pub at: DateTime<Utc>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Expansion {
    /// In the order of the file, and of the names within an entry.
    pub mappings: Vec<Mapping>,
    pub remarks: Vec<Finding>,
    /// What is to be remembered.
    pub news: KnownTables,
    /// Entries of which nothing is known, because the server is away.
    pub unknown: Vec<String>,
}

/// The one question to the server that tells the tables of all these entries.
#[must_use]
pub fn asked<'a>(patterns: impl IntoIterator<Item = &'a TablePattern>, own: &str) -> EstateAsk {
    let globs: Vec<&Glob> = patterns.into_iter().flat_map(|pattern| &pattern.globs).collect();
    let databases: BTreeSet<_> = globs.iter().map(|glob| glob.database.as_deref().unwrap_or(own).to_owned()).collect();
    let tables: BTreeSet<_> = globs.iter().map(|glob| glob.table.clone()).collect();
    EstateAsk { databases: databases.into_iter().collect(), tables: tables.into_iter().collect() }
}

/// Mappings for the tables of all entries. A mapping of its own wins, and then the first entry that takes a table.
#[must_use]
pub fn expand(ask: &Ask<'_>) -> Expansion {
    let mut targets: HashMap<_, Vec<_>> = HashMap::new();
    for mapping in &ask.config.mappings {
        targets.entry(place(&mapping.target)).or_default().push(mapping.clone());
    }
    let mut work = Work {
        ask: *ask,
        names: ask.config.mappings.iter().map(|mapping| mapping.name.clone()).collect(),
        targets,
        out: Expansion::default(),
    };
    for view in ask.views {
        let own = mapped::tables(ask.config, view.server, view.own);
        let listed = view.listed().iter().map(|facts| (facts.database.as_str(), facts.table.as_str()));
        let mapped = Mapped::of(&own, listed);
        let mut done = HashSet::new();
        for pattern in ask.config.patterns.iter().filter(|pattern| pattern.server() == view.server) {
            work.pattern(view, pattern, |database, table| {
                mapped.has(database, table) || !done.insert((database.to_owned(), table.to_owned()))
            });
        }
    }
    work.out
}

impl<'a> View<'a> {
    const fn listed(&self) -> &'a [TableFacts] {
        match self.seen {
            Seen::Tables(tables, _) => tables,
            Seen::Away => &[],
        }
    }

    fn name_of(&self, table: &Match<'_>) -> MappingName {
        name_of(self.server, table.database, table.table)
    }

    /// The table in BigQuery: of a server with a name that has the name before it.
    fn target_of(&self, table: &Match<'_>) -> String {
        let target = target_of(table.database, table.table, self.own);
        self.server.map_or_else(|| target.clone(), |server| format!("{}_{target}", naming::id_part(&server.0)))
    }
}

/// The configuration tells tables of BigQuery apart regardless of their case.
fn place(target: &TableId) -> (String, String, String) {
    (target.project.clone(), target.dataset.clone(), target.table.to_lowercase())
}

/// A table that an entry takes.
struct Match<'a> {
    database: &'a str,
    table: &'a str,
    /// `None`: it is remembered, and the server does not list it, or nothing at all.
    facts: Option<&'a TableFacts>,
    globs: Vec<&'a Glob>,
}

struct Work<'a> {
    ask: Ask<'a>,
    names: HashSet<MappingName>,
    targets: HashMap<(String, String, String), Vec<Mapping>>,
    out: Expansion,
}

impl<'a> Work<'a> {
    /// `is_anothers`: a mapping of its own, or an entry before this one, has the table.
    fn pattern(&mut self, view: &View<'a>, pattern: &'a TablePattern, mut is_anothers: impl FnMut(&str, &str) -> bool) {
        let tables = self.tables(view, pattern);
        if matches!(view.seen, Seen::Tables(..)) {
            let globs = pattern.globs.iter().map(|glob| glob.resolved(view.server, view.own));
            // What stands in the state already is no news.
            self.out.news.patterns.extend(globs.filter(|glob| !self.ask.known.patterns.contains(glob)));
            if tables.is_empty() {
                self.remark_none(pattern);
            }
        } else if tables.is_empty() {
            self.out.unknown.push(pattern.text.clone());
        }
        let mut left = Vec::new();
        for table in &tables {
            if !is_anothers(table.database, table.table) && !self.take(view, pattern, table) {
                left.push(view.name_of(table).0);
            }
        }
        if !left.is_empty() {
            self.remark_left(pattern, &left);
        }
    }

    /// Those that the server lists, and those that were taken and are gone, or cannot be asked after.
    fn tables(&self, view: &View<'a>, pattern: &'a TablePattern) -> Vec<Match<'a>> {
        let facts = view.listed();
        let listed: HashSet<_> = facts.iter().map(|facts| (facts.database.as_str(), facts.table.as_str())).collect();
        let known = self.ask.known.tables.values().filter(|known| {
            known.taken.is_some()
                && known.server.as_ref() == view.server
                && !listed.contains(&(known.database.as_str(), known.table.as_str()))
        });
        let listed = facts.iter().map(|facts| (&facts.database, &facts.table, Some(facts)));
        let all = listed.chain(known.map(|known| (&known.database, &known.table, None)));
        let mut tables: Vec<_> = all
            .filter_map(|(database, table, facts)| {
                let is_view = facts.is_some_and(|facts| facts.schema.is_view);
                let globs = pattern.takers(database, table, view.own, is_view);
                (!globs.is_empty()).then_some(Match { database, table, facts, globs })
            })
            .collect();
        tables.sort_by_key(|table| (table.database, table.table));
        tables
    }

    /// `false`: the table is left out because it is new.
    fn take(&mut self, view: &View<'_>, pattern: &TablePattern, table: &Match<'_>) -> bool {
        let name = view.name_of(table);
        let known = self.ask.known.tables.get(&name);
        let known = known.filter(|known| (&*known.database, &*known.table) == (table.database, table.table));
        if known.is_some_and(|known| known.taken.is_none()) {
            return true;
        }
        let taken = known.and_then(|known| known.taken.as_ref());
        let is_new = known.is_none()
            && table.globs.iter().all(|glob| self.ask.known.patterns.contains(&glob.resolved(view.server, view.own)));
        if is_new && pattern.additions == TableAdditions::Deny {
            return false;
        }
        let same_mode = taken.filter(|taken| pattern.mode.is_none_or(|mode| mode == taken.mode));
        let made = match same_mode {
            Some(taken) => self.remembered(view, pattern, table, taken),
            None => self.proposed(view, pattern, table, taken.map(|taken| taken.bigquery_table.as_str())),
        };
        let mapping = made.and_then(|mapping| self.refuse_twins(mapping));
        match mapping {
            Ok(mapping) if is_new && pattern.additions == TableAdditions::Review => {
                self.out.mappings.push(Mapping { is_new_table: true, ..mapping });
            }
            Ok(mapping) => {
                if same_mode.is_none() {
                    let decided = KnownTable::decided(&mapping, true, self.ask.by, self.ask.at);
                    self.out.news.tables.insert(name, decided);
                }
                self.out.mappings.push(mapping);
            }
            Err(why) => self.remark(
                &name,
                format!("`{name}` is not moved by the tables `{}`: {why}", pattern.text),
                "give it a mapping of its own, or leave it out: `except`",
            ),
        }
        true
    }

    /// As it was taken.
    fn remembered(
        &mut self,
        view: &View<'_>,
        pattern: &TablePattern,
        table: &Match<'_>,
        taken: &TakenAs,
    ) -> Result<Mapping, String> {
        let name = view.name_of(table);
        if table.facts.is_none() && matches!(view.seen, Seen::Tables(..)) {
            let sentence = format!(
                "`{name}` is gone from MySQL, or the account may no longer see it; the tables `{}` took it",
                pattern.text
            );
            self.remark(&name, sentence, "if it is gone for good, name it in `except`");
        }
        if self.ask.compare && pattern.mode.is_none() && table.facts.is_some() {
            self.compare(view, pattern, table, taken);
        }
        let taking = Taking {
            database: table.database,
            table: table.table,
            target: &taken.bigquery_table,
            mode: taken.mode,
            keys: &taken.primary_keys,
            cursor: taken.incremental_column.as_deref(),
        };
        self.mapping(pattern, table, taking)
    }

    /// By the rules of today.
    fn proposed(
        &self,
        view: &View<'_>,
        pattern: &TablePattern,
        table: &Match<'_>,
        target: Option<&str>,
    ) -> Result<Mapping, String> {
        let (Some(facts), Seen::Tables(_, ground)) = (table.facts, view.seen) else {
            return Err("the server does not answer, and how it is moved is not known yet".to_owned());
        };
        if let Some(trouble) = facts.cannot_be_read() {
            return Err(trouble);
        }
        let target = target.map_or_else(|| view.target_of(table), str::to_owned);
        let mut refused = String::new();
        for way in ways(facts, pattern.mode, pattern.cursor())? {
            let taking = Taking {
                database: table.database,
                table: table.table,
                target: &target,
                mode: way.mode,
                keys: &way.keys,
                cursor: way.cursor.as_deref(),
            };
            let sound = self.mapping(pattern, table, taking).and_then(|mapping| {
                held(&mapping, facts, ground)?;
                Ok(mapping)
            });
            match sound {
                Ok(mapping) => {
                    let is_large = large(facts, way.mode).filter(|_| pattern.mode.is_none());
                    return is_large.map_or(Ok(mapping), Err);
                }
                Err(why) => refused = why,
            }
        }
        Err(refused)
    }

    fn mapping(&self, pattern: &TablePattern, table: &Match<'_>, taking: Taking<'_>) -> Result<Mapping, String> {
        let made = pattern.mapping(&self.ask.config.path, taking);
        let mut mapping = made.map_err(|problem| format!("{} ({})", problem.message, problem.hint))?;
        if let Some(facts) = table.facts {
            let has = |column: &String| facts.schema.columns.iter().any(|known| same_name(&known.name, column));
            mapping.cluster_by.retain(has);
            if mapping.partition_column().is_some_and(|column| !has(&column.to_owned())) {
                mapping.partition_by = None;
            }
        }
        Ok(mapping)
    }

    /// No two mappings have one name, or write to one table, but for its shards.
    fn refuse_twins(&mut self, mapping: Mapping) -> Result<Mapping, String> {
        if self.names.contains(&mapping.name) {
            return Err("another mapping has that name".to_owned());
        }
        let known = self.targets.entry(place(&mapping.target)).or_default();
        if let Some(why) = known.iter().find_map(|known| refused_together(known, &mapping)) {
            return Err(why);
        }
        known.push(mapping.clone());
        self.names.insert(mapping.name.clone());
        Ok(mapping)
    }

    /// What the rules would make of it today.
    fn compare(&mut self, view: &View<'_>, pattern: &TablePattern, table: &Match<'_>, taken: &TakenAs) {
        let name = view.name_of(table);
        let (sentence, remedy) = match self.proposed(view, pattern, table, Some(&taken.bigquery_table)) {
            Ok(mapping) if TakenAs::of(&mapping) == *taken => return,
            Ok(mapping) => (
                format!(
                    "`{name}` was taken as {}; by its keys and indexes of today it would be {}",
                    told(taken),
                    told(&TakenAs::of(&mapping))
                ),
                format!(
                    "it stays as it is; to change that, give it a mapping of its own named `{name}`, which wins and keeps what the state knows"
                ),
            ),
            Err(why) => (
                format!("`{name}` was taken as {}; today it would not be taken: {why}", told(taken)),
                "it stays as it is; to leave it out, name it in `except`".to_owned(),
            ),
        };
        self.remark(&name, sentence, &remedy);
    }

    fn remark(&mut self, name: &MappingName, sentence: String, remedy: &str) {
        self.out.remarks.push(Finding::warn(Topic::Tables, sentence).remedy(remedy).of(name));
    }

    fn remark_none(&mut self, pattern: &TablePattern) {
        let sentence = format!("no table is like `{}` (line {})", pattern.text, pattern.line);
        let remedy =
            "see that the database and the tables are spelt as MySQL spells them, and that the account may see them";
        self.out.remarks.push(Finding::warn(Topic::Tables, sentence).remedy(remedy));
    }

    fn remark_left(&mut self, pattern: &TablePattern, left: &[String]) {
        let tables = if left.len() == 1 { "1 table has".to_owned() } else { format!("{} tables have", left.len()) };
        let sentence = format!(
            "{tables} appeared that `{}` would take, and left out by `allow_table_additions: false`: {}",
            pattern.text,
            few(left)
        );
        let remedy = "to take them, set it to `true` or `review`; to be told no more, name them in `except`";
        self.out.remarks.push(Finding::warn(Topic::Tables, sentence).remedy(remedy));
    }
}

/// `upsert by updated_at, keys id`.
fn told(taken: &TakenAs) -> String {
    let TakenAs { mode, primary_keys, incremental_column, .. } = taken;
    let cursor = incremental_column.as_ref().map(|column| format!(" by {column}")).unwrap_or_default();
    let keys = if primary_keys.is_empty() { String::new() } else { format!(", keys {}", primary_keys.join(", ")) };
    format!("{}{cursor}{keys}", mode.word())
}

/// More names are a number.
const MOST_NAMED: usize = 8;

pub(super) fn few(names: &[String]) -> String {
    let first = names.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
