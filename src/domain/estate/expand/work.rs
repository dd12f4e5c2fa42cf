//! Takes the tables of one entry after the other.

use std::collections::{HashMap, HashSet};

use super::super::candidates::ways;
use super::super::facts::TableFacts;
use super::super::held::held;
use super::super::known_tables::{KnownTable, TakenAs};
use super::super::mapped::{self, Mapped};
use super::super::names::target_of;
use super::super::proposal::large;
use super::outcome::{Expansion, Unknown};
use super::view::{Ask, Seen, View};
use crate::domain::column::same_name;
use crate::domain::config::{Config, Glob, Mapping, TableAdditions, TablePattern, Taking, name_of, refused_together};
use crate::domain::ids::{MappingName, SourceName, TableId};
use crate::domain::naming;

/// Which tables a round takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// Tables that were taken before.
    Taken,
    Rest,
}

/// A table that an entry takes.
pub(super) struct Match<'a> {
    pub database: &'a str,
    pub table: &'a str,
    /// `None`: the server does not list the remembered table, or gives no list at all.
    pub facts: Option<&'a TableFacts>,
    globs: Vec<&'a Glob>,
    pub name: MappingName,
    pub known: Option<&'a KnownTable>,
}

/// A server, a database and a table.
type Of<'a> = (Option<&'a SourceName>, String, String);

pub(super) struct Work<'a> {
    pub ask: Ask<'a>,
    /// The named server that took over the tables from the time when the server had no name.
    heir: Option<&'a SourceName>,
    /// Tables that have been handled.
    done: HashSet<Of<'a>>,
    names: HashSet<MappingName>,
    targets: HashMap<(String, String, String), Vec<Mapping>>,
    pub out: Expansion,
}

/// The server that takes over tables from the time when the server had no name: the one with the unnamed variables, or
/// the only one.
fn heir(config: &Config) -> Option<&SourceName> {
    if config.used_sources().contains(&None) {
        return None;
    }
    let plain = config.sources.iter().find(|source| source.is_plain());
    let only = (config.sources.len() == 1).then(|| &config.sources[0]);
    plain.or(only).map(|source| &source.name)
}

/// The configuration ignores case when it compares tables of BigQuery.
fn place(target: &TableId) -> (String, String, String) {
    (target.project.clone(), target.dataset.clone(), target.table.to_lowercase())
}

impl<'a> Work<'a> {
    pub fn new(ask: Ask<'a>) -> Self {
        let mut targets: HashMap<_, Vec<_>> = HashMap::new();
        for mapping in &ask.config.mappings {
            targets.entry(place(&mapping.target)).or_default().push(mapping.clone());
        }
        Self {
            ask,
            heir: heir(ask.config),
            done: HashSet::new(),
            names: ask.config.mappings.iter().map(|mapping| mapping.name.clone()).collect(),
            targets,
            out: Expansion::default(),
        }
    }

    pub fn pattern(&mut self, view: &View<'a>, pattern: &'a TablePattern, round: Round) {
        let tables = self.tables(view, pattern);
        if round == Round::Rest {
            self.note_pattern(view, pattern, tables.is_empty());
        }
        let own = mapped::tables(self.ask.config, view.server, view.own);
        let listed = view.listed().iter().map(|facts| (facts.database.as_str(), facts.table.as_str()));
        let mapped = Mapped::of(&own, listed);
        let mut left = Vec::new();
        for table in &tables {
            let is_taken = table.known.is_some_and(KnownTable::is_taken);
            // The table may have its own mapping, or belong to an entry before this one.
            if is_taken == (round == Round::Taken)
                && !mapped.has(table.database, table.table)
                && self.done.insert((view.server, table.database.to_owned(), table.table.to_owned()))
                && !self.take(view, pattern, table)
            {
                left.push(table.name.0.clone());
            }
        }
        if !left.is_empty() {
            self.remark_left(pattern, &left);
        }
    }

    fn note_pattern(&mut self, view: &View<'a>, pattern: &'a TablePattern, is_empty: bool) {
        if matches!(view.seen, Seen::Tables(..)) {
            let globs = pattern.globs.iter().map(|glob| glob.resolved(view.server, view.own));
            // Patterns that the state already has are not written again.
            self.out.news.patterns.extend(globs.filter(|glob| !self.ask.known.patterns.contains(glob)));
            if is_empty {
                self.remark_none(pattern);
            }
        } else if is_empty {
            self.out.unknown.push(Unknown {
                server: view.server.cloned(),
                text: pattern.text.clone(),
                place: pattern.place(),
            });
        }
    }

    /// The tables that the server lists, and those that were taken and are gone, or whose server does not answer.
    fn tables(&self, view: &View<'a>, pattern: &'a TablePattern) -> Vec<Match<'a>> {
        let facts = view.listed();
        let listed: HashSet<_> = facts.iter().map(|facts| (facts.database.as_str(), facts.table.as_str())).collect();
        let is_listed = |database: &str, table: &str| listed.contains(&(database, table));
        let known =
            self.ask.known.tables.values().filter(|known| {
                known.is_taken() && self.is_of(known, view) && !is_listed(&known.database, &known.table)
            });
        let all = facts.iter().map(|facts| (&facts.database, &facts.table, Some(facts)));
        let all = all.chain(known.map(|known| (&known.database, &known.table, None)));
        let mut tables: Vec<_> = all
            .filter_map(|(database, table, facts)| {
                let (name, known) = self.known(view, database, table);
                // A remembered table stays, even if a view has taken its name.
                let is_view =
                    facts.is_some_and(|facts| facts.schema.is_view) && !known.is_some_and(KnownTable::is_taken);
                let globs = pattern.takers(database, table, view.own, is_view, &is_listed);
                (!globs.is_empty()).then_some(Match { database, table, facts, globs, name, known })
            })
            .collect();
        tables.sort_by_key(|table| (table.database, table.table));
        tables
    }

    fn is_of(&self, known: &KnownTable, view: &View<'_>) -> bool {
        known.server.as_ref() == view.server || (known.server.is_none() && self.is_heir(view))
    }

    fn is_heir(&self, view: &View<'_>) -> bool {
        view.server.is_some() && view.server == self.heir
    }

    /// What is remembered of a table, and its mapping's name. A table that was taken before its server had a name keeps
    /// its name.
    fn known(&self, view: &View<'_>, database: &str, table: &str) -> (MappingName, Option<&'a KnownTable>) {
        let of = |server| {
            let name = name_of(server, database, table);
            let known = self.ask.known.tables.get(&name);
            let known = known.filter(|known| (known.database.as_str(), known.table.as_str()) == (database, table));
            (name, known)
        };
        let (name, known) = of(view.server);
        if known.is_none() && self.is_heir(view) {
            let (plain, known) = of(None);
            if known.is_some_and(|known| self.is_of(known, view)) {
                return (plain, known);
            }
        }
        (name, known)
    }

    /// Whether the glob was expanded before.
    fn is_old(&self, view: &View<'_>, glob: &Glob) -> bool {
        let is_known = |server| self.ask.known.patterns.contains(&glob.resolved(server, view.own));
        is_known(view.server) || (self.is_heir(view) && is_known(None))
    }

    /// `false`: the table is left out because it is new.
    fn take(&mut self, view: &View<'_>, pattern: &TablePattern, table: &Match<'_>) -> bool {
        if table.known.is_some_and(KnownTable::is_declined) {
            return true;
        }
        let taken = table.known.and_then(|known| known.taken.as_ref());
        let waits = table.known.is_some_and(|known| known.waits);
        let is_new = waits || (table.known.is_none() && table.globs.iter().all(|glob| self.is_old(view, glob)));
        if is_new && pattern.additions == TableAdditions::Deny {
            return false;
        }
        let same_mode = taken.filter(|taken| pattern.mode.is_none_or(|mode| mode == taken.mode));
        let made = match same_mode {
            Some(taken) => self.remembered(view, pattern, table, taken),
            None => self.proposed(view, pattern, table, taken.map(|taken| taken.bigquery_table.as_str())),
        };
        let made = made.and_then(|mapping| {
            self.refuse_stranger(&mapping)?;
            self.refuse_twins(mapping)
        });
        match made {
            Ok(mapping) if is_new && pattern.additions == TableAdditions::Review => {
                if !waits {
                    let waiting = KnownTable::waiting(&mapping, self.ask.by, self.ask.at);
                    self.out.news.tables.insert(table.name.clone(), waiting);
                }
                self.out.mappings.push(Mapping { is_new_table: true, ..mapping });
            }
            Ok(mapping) => {
                if same_mode.is_none() {
                    let decided = KnownTable::decided(&mapping, true, self.ask.by, self.ask.at);
                    self.out.news.tables.insert(table.name.clone(), decided);
                }
                self.out.mappings.push(mapping);
            }
            Err(why) => self.remark_refused(pattern, table, &why),
        }
        true
    }

    /// The mapping as the table was taken.
    fn remembered(
        &mut self,
        view: &View<'_>,
        pattern: &TablePattern,
        table: &Match<'_>,
        taken: &TakenAs,
    ) -> Result<Mapping, String> {
        match table.facts {
            None if matches!(view.seen, Seen::Tables(..)) => self.remark_gone(pattern, table),
            Some(facts) if facts.schema.is_view && pattern.takes_by_wildcard(&table.globs) => self.remark_view(table),
            Some(_) if self.ask.compare && pattern.mode.is_none() => self.compare(view, pattern, table, taken),
            _ => {}
        }
        let taking = Taking {
            name: &table.name,
            database: table.database,
            table: table.table,
            target: &taken.bigquery_table,
            mode: taken.mode,
            keys: &taken.primary_keys,
            cursor: taken.incremental_column.as_deref(),
        };
        self.mapping(pattern, table, taking)
    }

    /// The mapping by today's rules.
    pub fn proposed(
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
        let target = target.map_or_else(|| target_in(view, table), str::to_owned);
        let mut refused = String::new();
        for way in ways(facts, pattern.mode, pattern.cursor())? {
            let taking = Taking {
                name: &table.name,
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

    /// Refuses a table whose rows are in the target under another shard value: they would come a second time.
    fn refuse_stranger(&self, mapping: &Mapping) -> Result<(), String> {
        if mapping.shard.is_none() || self.ask.known.tables.contains_key(&mapping.name) {
            return Ok(());
        }
        let (source, target) = (&mapping.source, &mapping.target.table);
        let used = self.ask.config.used_sources();
        let is_before = |known: &&KnownTable| {
            known.taken.as_ref().is_some_and(|taken| same_name(&taken.bigquery_table, target))
                && known.table == source.table
                && source.database.as_deref() == Some(&known.database)
                && !used.contains(&known.server)
        };
        self.ask.known.tables.values().find(is_before).map_or(Ok(()), |known| {
            let before = name_of(known.server.as_ref(), &known.database, &known.table);
            Err(format!(
                "before `source` was changed it was taken as `{before}`, whose rows are in `{target}`: they would come a second time; \
                 put `source` back, or give the entry another `bigquery_table`"
            ))
        })
    }

    /// Refuses a second mapping of the same name, or for the same target, unless both are shards of it.
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
}

/// The name of the table in BigQuery, with the server's name before it if there is one.
fn target_in(view: &View<'_>, table: &Match<'_>) -> String {
    let target = target_of(table.database, table.table, view.own);
    view.server.map_or_else(|| target.clone(), |server| format!("{}_{target}", naming::id_part(&server.0)))
}
