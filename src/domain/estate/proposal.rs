//! The mapping proposed for a table: the first way of moving it that passes a check.

use super::candidates::{Candidate, birth, candidates, tells_who};
use super::entry::{Line, about, about_bytes, list, render, word};
use super::facts::TableFacts;
use super::held::{Ground, held};
use super::names::Names;
use super::personal::{Reads, reads};
use super::shared::Shared;
use crate::domain::check::masks::weak;
use crate::domain::column::{SourceColumn, same_name};
use crate::domain::config::{ForAll, Mode};
use crate::domain::ids::SourceName;
use crate::domain::mask::{Mask, SHORTEST_KEY};
use crate::domain::naming;
use crate::domain::source_type::SourceType;

/// A larger table is read as a whole only if the operator asks for it.
const MOST_REPLACED_ROWS: u64 = 10_000_000;
const MOST_REPLACED_BYTES: u64 = 10_000_000_000;

/// Partitions of a smaller table save nothing: 10 MB is the least that a statement is billed for.
const LEAST_PARTITIONED_ROWS: u64 = 1_000_000;

/// In a table of so few rows, the default share allows at most two deleted rows.
const FEW_ROWS: u64 = 20;

/// Overrides the partitioning of `defaults`.
const UNPARTITIONED: &str = "partition_by: []";

/// The proposal for one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The table's server, if there are several.
    pub source: Option<SourceName>,
    pub database: String,
    pub table: String,
    /// The mapping's name.
    pub name: String,
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    pub is_view: bool,
    pub choice: Choice,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Moved(Entry),
    /// The table can be moved, but is only on request; with the reason.
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
    /// The warnings of a check.
    pub notes: Vec<String>,
}

impl Entry {
    /// The reason for the mode.
    #[must_use]
    pub fn why(&self) -> &str {
        let mode = format!("mode: {}", self.mode.word());
        self.lines.iter().find(|line| line.text == mode).map_or("", |line| line.why.as_str())
    }
}

impl Proposal {
    /// `eu:orders`, or `orders` if there is only one server.
    #[must_use]
    pub fn shown(&self) -> String {
        self.source.as_ref().map_or_else(|| self.table.clone(), |source| format!("{source}:{}", self.table))
    }

    /// The mapping, if there is one.
    #[must_use]
    pub const fn entry(&self) -> Option<&Entry> {
        match &self.choice {
            Choice::Moved(entry) | Choice::LeftOut(entry, _) => Some(entry),
            Choice::Impossible(_) => None,
        }
    }
}

/// One proposal for each table, in the order of the tables. `own`: the database of mappings that name none; `all`: the
/// file's settings for all mappings.
#[must_use]
pub fn propose(tables: &[TableFacts], own: &str, names: &mut Names, ground: Ground<'_>, all: &ForAll) -> Vec<Proposal> {
    let each = tables.iter().map(|facts| {
        let (name, target) = names.allot(facts, own, ground.source);
        let choice = choose(&Draft { facts, own, name: &name, target: &target, ground, shared: Shared { all, facts } });
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

/// A table whose proposal is being made.
struct Draft<'a> {
    facts: &'a TableFacts,
    own: &'a str,
    name: &'a str,
    target: &'a str,
    ground: Ground<'a>,
    shared: Shared<'a>,
}

fn choose(draft: &Draft<'_>) -> Choice {
    let facts = draft.facts;
    if let Some(trouble) = facts.cannot_be_read() {
        return Choice::Impossible(trouble);
    }
    if let Some(why) = draft.shared.cannot_be_filtered() {
        return Choice::Impossible(why);
    }
    let mut refusals: Vec<String> = Vec::new();
    for mut way in candidates(facts) {
        // Replacing a whole table that has a key needs an explanation.
        if let (Mode::Replace, Some(first), false) = (way.mode, refusals.first(), facts.schema.unique_keys.is_empty()) {
            way.why = format!("with a key: {first}; so every run reads the whole table");
        }
        match draft.fitted(&way) {
            Ok((lines, warned)) => {
                let notes = misses(way.mode).into_iter().chain(warned).chain(draft.kept_in_clear(&way)).collect();
                let reason = left_out(facts, way.mode);
                let entry = Entry { mode: way.mode, keys: way.keys, lines, notes };
                return match reason {
                    Some(reason) => Choice::LeftOut(entry, reason),
                    None => Choice::Moved(entry),
                };
            }
            Err(why) => refusals.push(why),
        }
    }
    Choice::Impossible(refusals.pop().unwrap_or_default())
}

/// The rows that the mode would miss, which no catalogue shows.
fn misses(mode: Mode) -> Option<String> {
    let asks = "Does anybody change or delete rows here? An append misses that: then write `mode: mirror`";
    (mode == Mode::Append).then(|| asks.to_owned())
}

/// Why the table should not be moved before an operator has thought about it.
fn left_out(facts: &TableFacts, mode: Mode) -> Option<String> {
    if facts.schema.is_view {
        return Some("a view, whose tables can be moved themselves".to_owned());
    }
    large(facts, mode)
}

/// Why the table is too large to be read as a whole by every run, unless the operator asks for it.
pub fn large(facts: &TableFacts, mode: Mode) -> Option<String> {
    let is_large = facts.schema.rows_estimate.is_some_and(|rows| rows > MOST_REPLACED_ROWS)
        || facts.bytes.is_some_and(|bytes| bytes > MOST_REPLACED_BYTES);
    (mode == Mode::Replace && is_large)
        .then(|| "every run would read all of it, and it is large; a PRIMARY KEY allows `mode: mirror`".to_owned())
}

impl Draft<'_> {
    /// The lines of a way that passes a check, and the check's warnings. If the partitioning of `defaults` does not
    /// pass, the lines turn it off.
    fn fitted(&self, way: &Candidate) -> Result<(Vec<Line>, Vec<String>), String> {
        let lines = self.lines(way);
        let why = match self.judge(&lines) {
            Ok(warned) => return Ok((lines, warned)),
            Err(why) => why,
        };
        if self.shared.partition_column().is_none() {
            return Err(why);
        }
        let mut lines = lines;
        lines.push(Line::new(UNPARTITIONED, "the partitions of `defaults` do not go with it"));
        self.judge(&lines).map(|warned| (lines, warned)).map_err(|_| why)
    }

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
            let why = "a name that no other table has and that BigQuery takes without quotes";
            lines.push(Line::new(format!("bigquery_table: {}", word(self.target)), why));
        }
        if !way.keys.is_empty() {
            lines.push(Line::new(format!("primary_keys: {}", list(&way.keys)), self.why_key(&way.keys)));
        } else if self.shared.all.has_keys() {
            lines.push(Line::new("primary_keys: []", "the keys of `defaults` do not tell its rows apart"));
        }
        if let Some(cursor) = &way.cursor {
            lines.push(Line::new(format!("incremental_column: {}", word(cursor)), way.why_cursor));
        }
        lines.push(Line::new(format!("mode: {}", way.mode.word()), way.why.clone()));
        lines.extend(self.deletable(way));
        lines.extend(self.partition(way));
        lines.extend(self.excluded(way));
        lines.extend(self.masked(way));
        lines.extend(self.shared.yet_to_come());
        lines.extend(self.shared.narrowed());
        lines
    }

    /// In a table of few rows, one row may be more than may be deleted at once; a mirror would stop at the first
    /// deleted row.
    fn deletable(&self, way: &Candidate) -> Option<Line> {
        let has_few = self.facts.schema.rows_estimate.is_some_and(|rows| rows <= FEW_ROWS);
        let asks = way.mode == Mode::Mirror && has_few && self.shared.all.leaves_most_deleted_open();
        let why = "the table has few rows, so the usual tenth would be one row or none";
        asks.then(|| Line::new("max_delete_fraction: 0.5", why))
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
        if let Some(column) = self.shared.all.partition_column()
            && self.shared.partition_column().is_none()
        {
            return Some(Line::new(
                UNPARTITIONED,
                format!("`defaults` says `{column}`, which the table does not have"),
            ));
        }
        let column = self.born(way)?;
        let text = format!("partition_by: {{column: {}, by: month}}", word(&column.name));
        Some(Line::new(text, "its name says when a row was inserted, and no ON UPDATE changes it"))
    }

    /// The column to partition by, if the file does not say.
    fn born(&self, way: &Candidate) -> Option<&SourceColumn> {
        let all = self.shared.all;
        if all.is_partitioned() || all.has_partition_life() {
            return None;
        }
        let is_large = self.facts.schema.rows_estimate.is_some_and(|rows| rows >= LEAST_PARTITIONED_ROWS);
        let column = birth(self.facts).filter(|_| is_large)?;
        let is_cursor = way.cursor.as_deref().is_some_and(|cursor| same_name(cursor, &column.name));
        (!is_cursor).then_some(column)
    }

    /// Columns whose names suggest `like` and for which the file has no setting.
    fn reading(&self, way: &Candidate, like: Reads) -> Vec<&SourceColumn> {
        let is_open = |column: &&SourceColumn| !self.places(way, column) && !self.shared.decides(&column.name);
        let columns = self.facts.schema.columns.iter().filter(|column| reads(column) == Some(like));
        columns.filter(is_open).collect()
    }

    fn excluded(&self, way: &Candidate) -> Option<Line> {
        let is_unknown = |column: &&SourceColumn| {
            matches!(column.source_type, SourceType::Unknown(_)) && !self.shared.excludes(&column.name)
        };
        let unknown: Vec<_> = self.facts.schema.columns.iter().filter(is_unknown).collect();
        let mut secret = self.reading(way, Reads::Secret);
        let is_masked = self.shared.masks_can_be_written();
        if !is_masked {
            secret.extend(self.reading(way, Reads::Personal));
        }
        let why = match (secret.is_empty(), unknown.is_empty()) {
            (false, _) if !is_masked => {
                "read like secrets or personal data; a `mask` here would have to repeat the key that `defaults` holds"
            }
            (_, true) => "reads like a secret",
            (true, false) => "of a type that this version cannot read",
            (false, false) => "secrets by their names, and types that this version cannot read",
        };
        let own: Vec<_> = secret.into_iter().chain(unknown).map(|column| column.name.clone()).collect();
        self.shared.exclude(&own, why)
    }

    fn masked(&self, way: &Candidate) -> Option<Line> {
        if !self.shared.masks_can_be_written() {
            return None;
        }
        let columns = self.reading(way, Reads::Personal);
        let masks: Vec<_> =
            columns.iter().map(|column| format!("{}: {}", word(&column.name), self.mask(column))).collect();
        let why = if self.ground.has_mask_key {
            "reads like personal data"
        } else {
            "reads like personal data; better, with a key: {hmac: \"${MASK_KEY}\"}"
        };
        self.shared.mask(&masks, why)
    }

    /// The strongest mask that is possible: a plain hash only for values that cannot be guessed.
    fn mask(&self, column: &SourceColumn) -> &'static str {
        if self.shared.has_type(&column.name) {
            "null"
        } else if self.ground.has_mask_key {
            "{hmac: \"${MASK_KEY}\"}"
        } else if weak(column, &Mask::Sha256).is_none() {
            "sha256"
        } else {
            "null"
        }
    }

    fn places(&self, way: &Candidate, column: &SourceColumn) -> bool {
        let partition = self.shared.partition_column().or_else(|| Some(self.born(way)?.name.as_str()));
        let named = way.keys.iter().chain(&way.cursor).map(String::as_str).chain(partition);
        named.into_iter().any(|name| same_name(name, &column.name))
    }

    /// The remark about a key with personal data, which cannot be masked because it tells rows apart.
    fn kept_in_clear(&self, way: &Candidate) -> Option<String> {
        let column = self.facts.schema.columns.iter().find(|c| reads(c).is_some() && self.places(way, c))?;
        Some(format!("`{}` reads like personal data, and arrives unmasked: rows are told apart by it", column.name))
    }

    /// Reads the lines as a configuration, plans as a run does and applies the rules of a check; returns the warnings.
    ///
    /// # Errors
    /// The first failure.
    fn judge(&self, lines: &[Line]) -> Result<Vec<String>, String> {
        // Any key will do, because nothing is masked here.
        let env = |_: &str| Some("k".repeat(SHORTEST_KEY));
        let mapping = self.shared.all.mapping(&render(lines, 0, ""), &env);
        let mapping = mapping.map_err(|problem| format!("{} ({})", problem.message, problem.hint))?;
        if mapping.source.server.as_ref() != self.ground.source {
            return Err("`defaults` names another server, and nothing names the one without a name".to_owned());
        }
        let database = mapping.source.database.as_deref().unwrap_or(self.own);
        if (database, &mapping.source.table, &mapping.name.0.as_str())
            != (&*self.facts.database, &self.facts.table, &self.name)
        {
            return Err("its name cannot be written in config.yaml".to_owned());
        }
        held(&mapping, self.facts, self.ground)
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
