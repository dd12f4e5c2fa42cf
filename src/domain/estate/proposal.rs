//! The mapping that is proposed for a table: the first way of moving it that a check finds nothing wrong with.

use std::path::Path;

use super::candidates::{Candidate, birth, candidates, tells_who};
use super::entry::{Line, about, about_bytes, list, render, word};
use super::facts::TableFacts;
use super::held::{Ground, held};
use super::names::Names;
use super::personal::{Reads, reads};
use crate::domain::check::masks::weak;
use crate::domain::column::{SourceColumn, same_name};
use crate::domain::config::{Mode, parse};
use crate::domain::ids::SourceName;
use crate::domain::mask::{Mask, SHORTEST_KEY};
use crate::domain::naming;
use crate::domain::source_type::SourceType;

/// More than that a run does not read as a whole without somebody having said so.
const MOST_REPLACED_ROWS: u64 = 10_000_000;
const MOST_REPLACED_BYTES: u64 = 10_000_000_000;

/// Partitions of a smaller table save nothing: 10 MB is the least that a statement is billed for.
const LEAST_PARTITIONED_ROWS: u64 = 1_000_000;

/// What is proposed for one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The server it is in, where there are several.
    pub source: Option<SourceName>,
    pub database: String,
    pub table: String,
    /// The name of the mapping.
    pub name: String,
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    pub is_view: bool,
    pub choice: Choice,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Moved(Entry),
    /// It could be moved so, and is only where somebody asks for it; with the reason.
    LeftOut(Entry, String),
    /// No mode can move it, with the reason.
    Impossible(String),
}

/// A mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub mode: Mode,
    pub keys: Vec<String>,
    pub lines: Vec<Line>,
    /// What a check warns of.
    pub notes: Vec<String>,
}

impl Entry {
    /// Why it has its mode.
    #[must_use]
    pub fn why(&self) -> &str {
        let mode = format!("mode: {}", self.mode.word());
        self.lines.iter().find(|line| line.text == mode).map_or("", |line| line.why.as_str())
    }
}

impl Proposal {
    /// `eu:orders`, and `orders` where there is one server.
    #[must_use]
    pub fn shown(&self) -> String {
        self.source.as_ref().map_or_else(|| self.table.clone(), |source| format!("{source}:{}", self.table))
    }

    /// The mapping, where there is one.
    #[must_use]
    pub const fn entry(&self) -> Option<&Entry> {
        match &self.choice {
            Choice::Moved(entry) | Choice::LeftOut(entry, _) => Some(entry),
            Choice::Impossible(_) => None,
        }
    }
}

/// One proposal for each table, in their order. `own`: the database of the connection.
#[must_use]
pub fn propose(tables: &[TableFacts], own: &str, names: &mut Names, ground: Ground<'_>) -> Vec<Proposal> {
    let each = tables.iter().map(|facts| {
        let (name, target) = names.allot(facts, own);
        let choice = choose(&Draft { facts, own, name: &name, target: &target, ground });
        Proposal {
            source: ground.source.cloned(),
            database: facts.database.clone(),
            table: facts.table.clone(),
            name,
            rows: facts.schema.rows_estimate,
            bytes: facts.bytes,
            is_view: facts.schema.is_view,
            choice,
        }
    });
    each.collect()
}

/// A table on its way to a proposal.
struct Draft<'a> {
    facts: &'a TableFacts,
    own: &'a str,
    name: &'a str,
    target: &'a str,
    ground: Ground<'a>,
}

fn choose(draft: &Draft<'_>) -> Choice {
    let facts = draft.facts;
    if let Some(trouble) = facts.cannot_be_read() {
        return Choice::Impossible(trouble);
    }
    let mut refused = String::new();
    for candidate in candidates(facts) {
        let lines = draft.lines(&candidate);
        match draft.judge(&lines) {
            Ok(warned) => {
                let notes = misses(candidate.mode).into_iter().chain(warned).chain(draft.kept_in_clear(&candidate));
                let notes = notes.collect();
                let reason = left_out(facts, candidate.mode);
                let entry = Entry { mode: candidate.mode, keys: candidate.keys, lines, notes };
                return match reason {
                    Some(reason) => Choice::LeftOut(entry, reason),
                    None => Choice::Moved(entry),
                };
            }
            Err(why) => refused = why,
        }
    }
    // What the last way, which asks for least, is refused for.
    Choice::Impossible(refused)
}

/// What no catalogue knows, and what rows would be missed for.
fn misses(mode: Mode) -> Option<String> {
    let asks = "Does anybody change or delete rows here? An append misses that: then write `mode: mirror`";
    (mode == Mode::Append).then(|| asks.to_owned())
}

/// Why nobody should move the table without having thought about it.
fn left_out(facts: &TableFacts, mode: Mode) -> Option<String> {
    if facts.schema.is_view {
        return Some("a view, whose tables can be moved themselves".to_owned());
    }
    large(facts, mode)
}

/// Why a table is not read as a whole by every run without somebody having said so.
pub fn large(facts: &TableFacts, mode: Mode) -> Option<String> {
    let is_large = facts.schema.rows_estimate.is_some_and(|rows| rows > MOST_REPLACED_ROWS)
        || facts.bytes.is_some_and(|bytes| bytes > MOST_REPLACED_BYTES);
    (mode == Mode::Replace && is_large)
        .then(|| "every run would read all of it, and it is large; a PRIMARY KEY allows `mode: mirror`".to_owned())
}

impl Draft<'_> {
    fn lines(&self, way: &Candidate) -> Vec<Line> {
        let facts = self.facts;
        let mut lines = vec![Line::new(format!("name: {}", word(self.name)), size(facts))];
        lines.extend(self.ground.source.map(|source| Line::new(format!("source: {}", word(&source.0)), "")));
        if facts.database != self.own {
            lines.push(Line::new(format!("mysql_database: {}", word(&facts.database)), ""));
        }
        let becomes = naming::table_name(&facts.table);
        let is_other = *self.target == becomes && becomes != facts.table;
        let why = if is_other { format!("`{becomes}` in BigQuery") } else { String::new() };
        lines.push(Line::new(format!("mysql_table: {}", word(&facts.table)), why));
        if *self.target != naming::table_name(&facts.table) {
            let why = "no other table is called so, and BigQuery takes it without quotes";
            lines.push(Line::new(format!("bigquery_table: {}", word(self.target)), why));
        }
        if !way.keys.is_empty() {
            lines.push(Line::new(format!("primary_keys: {}", list(&way.keys)), self.why_key(&way.keys)));
        }
        if let Some(cursor) = &way.cursor {
            lines.push(Line::new(format!("incremental_column: {}", word(cursor)), way.why_cursor));
        }
        lines.push(Line::new(format!("mode: {}", way.mode.word()), way.why.clone()));
        lines.extend(self.partition(way));
        lines.extend(self.excluded(way));
        lines.extend(self.masked(way));
        lines
    }

    fn why_key(&self, keys: &[String]) -> String {
        let primary = self.facts.schema.unique_keys.first().filter(|_| self.facts.has_primary_key);
        if primary.is_some_and(|primary| primary == keys) {
            return "PRIMARY KEY".to_owned();
        }
        let passed = primary
            .and_then(|primary| tells_who(self.facts, primary))
            .filter(|_| tells_who(self.facts, keys).is_none());
        match passed {
            Some(column) => {
                format!("a UNIQUE key without NULLs; `{}` of the PRIMARY KEY reads like personal data", column.name)
            }
            None => "a UNIQUE key without NULLs".to_owned(),
        }
    }

    fn partition(&self, way: &Candidate) -> Option<Line> {
        let column = self.partition_column(way)?;
        let text = format!("partition_by: {{column: {}, by: month}}", word(&column.name));
        Some(Line::new(text, "its name says when a row came, and no ON UPDATE changes it"))
    }

    fn partition_column(&self, way: &Candidate) -> Option<&SourceColumn> {
        let is_large = self.facts.schema.rows_estimate.is_some_and(|rows| rows >= LEAST_PARTITIONED_ROWS);
        let column = birth(self.facts).filter(|_| is_large)?;
        let is_cursor = way.cursor.as_deref().is_some_and(|cursor| same_name(cursor, &column.name));
        (!is_cursor).then_some(column)
    }

    fn excluded(&self, way: &Candidate) -> Option<Line> {
        let is_secret = |column: &&SourceColumn| reads(column) == Some(Reads::Secret) && !self.places(way, column);
        let is_unknown = |column: &&SourceColumn| matches!(column.source_type, SourceType::Unknown(_));
        let all = |is: &dyn Fn(&&SourceColumn) -> bool| {
            self.facts.schema.columns.iter().filter(is).map(|column| column.name.clone()).collect::<Vec<_>>()
        };
        let (secret, unknown) = (all(&is_secret), all(&is_unknown));
        let why = match (secret.is_empty(), unknown.is_empty()) {
            (true, true) => return None,
            (false, true) => "reads like a secret",
            (true, false) => "of a type that this version cannot read",
            (false, false) => "secrets by their names, and types that this version cannot read",
        };
        Some(Line::new(format!("exclude: {}", list(&[secret, unknown].concat())), why))
    }

    fn masked(&self, way: &Candidate) -> Option<Line> {
        let personal = |column: &&SourceColumn| reads(column) == Some(Reads::Personal) && !self.places(way, column);
        let columns: Vec<_> = self.facts.schema.columns.iter().filter(personal).collect();
        if columns.is_empty() {
            return None;
        }
        let masks: Vec<_> =
            columns.iter().map(|column| format!("{}: {}", word(&column.name), self.mask(column))).collect();
        let why = if self.ground.has_mask_key {
            "reads like personal data"
        } else {
            "reads like personal data; better, with a key: {hmac: \"${MASK_KEY}\"}"
        };
        Some(Line::new(format!("mask: {{{}}}", masks.join(", ")), why))
    }

    /// The strongest mask that works as things are: a bare hash only of what cannot be tried out.
    fn mask(&self, column: &SourceColumn) -> &'static str {
        if self.ground.has_mask_key {
            "{hmac: \"${MASK_KEY}\"}"
        } else if weak(column, &Mask::Sha256).is_none() {
            "sha256"
        } else {
            "null"
        }
    }

    fn places(&self, way: &Candidate, column: &SourceColumn) -> bool {
        let partition = self.partition_column(way).map(|column| &column.name);
        way.keys.iter().chain(&way.cursor).chain(partition).any(|name| same_name(name, &column.name))
    }

    /// Rows are told apart by it, so it can have no mask.
    fn kept_in_clear(&self, way: &Candidate) -> Option<String> {
        let column = self.facts.schema.columns.iter().find(|c| reads(c).is_some() && self.places(way, c))?;
        Some(format!("`{}` reads like personal data, and arrives as it is: rows are told apart by it", column.name))
    }

    /// Reads the lines as a configuration, plans as a run does and asks the rules of a check. Gives what they warn of.
    ///
    /// # Errors
    /// What they would fail for.
    fn judge(&self, lines: &[Line]) -> Result<Vec<String>, String> {
        let entry = render(lines, 2, "");
        let source = self.ground.source.map(|source| format!("sources: {{{}: {{}}}}\n", word(&source.0)));
        let text = format!("project: p\ndataset: d\n{}mappings:\n{entry}", source.unwrap_or_default());
        // Any key will do: nothing is masked here.
        let key = "k".repeat(SHORTEST_KEY);
        let env = |name: &str| (name == "MASK_KEY").then(|| key.clone());
        let config = parse(&text, Path::new("config.yaml"), &env);
        let problem = |problem: Option<&crate::domain::config::Problem>| {
            problem.map_or_else(String::new, |problem| format!("{} ({})", problem.message, problem.hint))
        };
        let config = config.map_err(|problems| problem(problems.first()))?;
        let mapping = config.mappings.first().ok_or_else(String::new)?;
        let database = mapping.source.database.as_deref().unwrap_or(self.own);
        if (database, &mapping.source.table, &mapping.name.0.as_str())
            != (&*self.facts.database, &self.facts.table, &self.name)
        {
            return Err("its name cannot be written in config.yaml".to_owned());
        }
        held(mapping, self.facts, self.ground)
    }
}

fn size(facts: &TableFacts) -> String {
    if facts.schema.is_view {
        return "a view".to_owned();
    }
    let rows = facts.schema.rows_estimate.map(|rows| match rows {
        1 => "about 1 row".to_owned(),
        rows => format!("about {} rows", about(rows)),
    });
    let bytes = facts.bytes.map(about_bytes);
    rows.into_iter().chain(bytes).collect::<Vec<_>>().join(", ")
}
