//! The ways in which a table can be moved, judging by its columns and keys, the best first. The rules of a check decide
//! whether a way really works.

use super::facts::TableFacts;
use super::personal::{reads, words};
use crate::domain::column::{Cascade, SourceColumn};
use crate::domain::config::Mode;
use crate::domain::source_type::SourceType;
use crate::domain::type_map::default_target;

/// One way of moving a table, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub mode: Mode,
    /// The reason for this way, and what it does not notice.
    pub why: String,
    pub keys: Vec<String>,
    pub cursor: Option<String>,
    pub why_cursor: &'static str,
}

/// The most columns of a primary key in BigQuery. Source: BigQuery reference, "Primary and foreign keys".
const MOST_KEYS: usize = 16;

/// Names, without separators, of columns that applications set with each change.
const STAMPS: [&str; 14] = [
    "updatedat",
    "updated",
    "updatedon",
    "modifiedat",
    "modified",
    "modifiedon",
    "lastupdate",
    "lastupdated",
    "lastmodified",
    "changedat",
    "mtime",
    "updatetime",
    "datemodified",
    "dateupdated",
];

/// Names, without separators, of columns that are set once, when a row is inserted.
const BIRTHS: [&str; 12] = [
    "createdat",
    "created",
    "createdon",
    "creationdate",
    "createtime",
    "createddate",
    "datecreated",
    "insertedat",
    "addedat",
    "creationtime",
    "dateadded",
    "createdate",
];

/// All ways, the best first. The last one is always a replace.
pub fn candidates(facts: &TableFacts) -> Vec<Candidate> {
    let keys = keys(facts);
    let upserts = upserts(facts, &keys);
    let mut ways = Vec::new();
    if let Some(column) = facts.auto_increment.as_ref().filter(|column| may_append(facts, column)) {
        let key = keys.iter().cloned().map(Some).chain([None]).map(Option::unwrap_or_default);
        ways.extend(key.map(|keys| {
            Candidate {
            mode: Mode::Append,
            why: "new rows alone: changes and deletes are missed (`mode: mirror` sees them, by reading the whole table)"
                .to_owned(),
            keys,
            cursor: Some(column.clone()),
            why_cursor: "AUTO_INCREMENT: it grows with every new row",
        }
        }));
    }
    let hint = hint(facts);
    ways.extend(keys.iter().map(|key| Candidate {
        mode: Mode::Mirror,
        why: format!("{hint}: every run has MySQL sum the whole table up"),
        keys: key.clone(),
        cursor: None,
        why_cursor: "",
    }));
    // If foreign keys change rows without the stamp, an upsert is proposed only when an operator asks for it.
    let at = if facts.cascades.is_empty() { 0 } else { ways.len() };
    ways.splice(at..at, upserts);
    let reason = if facts.schema.is_view {
        "a view has no keys"
    } else if facts.hides_key() {
        "its key has columns that the account may not read"
    } else if facts.schema.unique_keys.is_empty() && facts.schema.hides_columns {
        "no key whose columns the account may all read"
    } else if facts.schema.unique_keys.is_empty() {
        "no PRIMARY KEY, and no UNIQUE one without NULLs"
    } else {
        "its keys are of types that BigQuery does not take as keys"
    };
    ways.push(Candidate {
        mode: Mode::Replace,
        why: format!("{reason}: every run reads the whole table"),
        keys: Vec::new(),
        cursor: None,
        why_cursor: "",
    });
    ways
}

/// An upsert by each column that shows every change, with each key that no change alters.
fn upserts(facts: &TableFacts, keys: &[Vec<String>]) -> Vec<Candidate> {
    let way = |column: &String, key: &Vec<String>| Candidate {
        mode: Mode::Upsert,
        why: "rows that MySQL no longer has are not noticed; see `deletes`".to_owned(),
        keys: key.clone(),
        cursor: Some(column.clone()),
        why_cursor: "stamped with every change (ON UPDATE CURRENT_TIMESTAMP), and indexed",
    };
    let lasting: Vec<_> = keys.iter().filter(|key| lasts(facts, key)).collect();
    let columns = facts.stamped.iter().filter(|column| lacks(facts, column).is_empty());
    columns.flat_map(|column| lasting.iter().map(|key| way(column, key))).collect()
}

/// Whether a row keeps its key for as long as it lives. A column that MySQL stamps changes with every UPDATE.
fn lasts(facts: &TableFacts, key: &[String]) -> bool {
    !key.iter().any(|column| facts.is_stamped(column))
}

/// The ways of one mode, the best first; `mode` is `None` for any mode. `cursor`: a column that the operator has named,
/// for tables that have it.
///
/// # Errors
/// The reason why there is no such way.
pub fn ways(facts: &TableFacts, mode: Option<Mode>, cursor: Option<&str>) -> Result<Vec<Candidate>, String> {
    let cursor = cursor.and_then(|name| facts.schema.column(name)).map(|column| column.name.clone());
    let mut all: Vec<Candidate> = cursor.into_iter().flat_map(|cursor| by(facts, &cursor)).collect();
    all.extend(candidates(facts));
    let Some(mode) = mode else {
        // A table without keys is appended by a named column only if the operator has chosen `mode: append`.
        all.retain(|way| way.mode != Mode::Append || way.why_cursor != NAMED);
        return Ok(all);
    };
    if let (Mode::Append, Some(column)) = (mode, &facts.auto_increment) {
        all.extend(by(facts, column).into_iter().filter(|_| facts.schema.has_index_on(column)));
    }
    all.retain(|way| way.mode == mode);
    match mode {
        _ if !all.is_empty() => Ok(all),
        Mode::Mirror | Mode::Upsert if keys(facts).is_empty() && facts.schema.hides_columns => Err(format!(
            "`mode: {}` needs a PRIMARY KEY, or a UNIQUE one without NULLs, and the account may not read every column",
            mode.word()
        )),
        Mode::Mirror | Mode::Upsert if keys(facts).is_empty() => {
            Err(format!("`mode: {}` needs a PRIMARY KEY, or a UNIQUE one without NULLs", mode.word()))
        }
        Mode::Upsert => Err(format!(
            "`mode: upsert` needs a column that shows each change, and a key that none changes: {}",
            hint(facts)
        )),
        Mode::Append => {
            Err("`mode: append` needs an AUTO_INCREMENT column that is indexed, or `incremental_column`".to_owned())
        }
        Mode::Mirror | Mode::Replace => Err(format!("it cannot be moved by `mode: {}`", mode.word())),
    }
}

const NAMED: &str = "named by `incremental_column`";

/// Ways with windows of a column that the operator has named.
fn by(facts: &TableFacts, cursor: &str) -> Vec<Candidate> {
    let way = |mode: Mode, keys: Vec<String>| Candidate {
        mode,
        why: String::new(),
        keys,
        cursor: Some(cursor.to_owned()),
        why_cursor: NAMED,
    };
    let keys = keys(facts);
    let upserts = keys.iter().filter(|key| lasts(facts, key)).map(|key| way(Mode::Upsert, key.clone()));
    let appends = keys.iter().cloned().chain([Vec::new()]).map(|key| way(Mode::Append, key));
    upserts.chain(appends).collect()
}

/// The unique keys: first those without personal data, because a key cannot be masked; among these the primary key,
/// then the shortest.
fn keys(facts: &TableFacts) -> Vec<Vec<String>> {
    let can_be_key = |name: &String| {
        let column = facts.schema.column(name).and_then(|column| default_target(&column.source_type));
        column.is_some_and(|target| target.can_be_key())
    };
    let fits = |key: &Vec<String>| key.len() <= MOST_KEYS && key.iter().all(can_be_key);
    let rank = |position: usize, key: &Vec<String>| {
        let is_primary = position == 0 && facts.has_primary_key;
        (tells_who(facts, key).is_some(), if is_primary { 0 } else { key.len() })
    };
    let keys = facts.schema.unique_keys.iter().enumerate().filter(|(_, key)| fits(key));
    let mut ranked: Vec<_> = keys.map(|(position, key)| (rank(position, key), key.clone())).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, key)| key).collect()
}

/// The first of these columns whose name reads like personal data.
pub fn tells_who<'a>(facts: &'a TableFacts, key: &[String]) -> Option<&'a SourceColumn> {
    key.iter().filter_map(|name| facts.schema.column(name)).find(|column| reads(column).is_some())
}

/// Whether the number can find the changes of the table: it shows only new rows, so not if another column records
/// updates.
fn may_append(facts: &TableFacts, column: &str) -> bool {
    facts.stamped.is_empty() && app_stamp(facts).is_none() && facts.schema.has_index_on(column)
}

/// A fault of a stamped column that an ALTER TABLE would mend.
struct Lack {
    is: &'static str,
    mended: &'static str,
}

fn lacks(facts: &TableFacts, column: &str) -> Vec<Lack> {
    let is_nullable = facts.schema.column(column).is_some_and(|found| found.nullable);
    let nullable = is_nullable.then_some(Lack { is: "may be NULL", mended: "as NOT NULL" });
    let index = Lack { is: "is not indexed", mended: "with an index" };
    nullable.into_iter().chain((!facts.schema.has_index_on(column)).then_some(index)).collect()
}

/// Why a stamped column is not used as the incremental column. All reasons are given at once, so that an operator
/// alters the table only once.
fn stamp_trouble(facts: &TableFacts, column: &str) -> Option<String> {
    let lacks = lacks(facts, column);
    let joined = |of: fn(&Lack) -> &'static str| lacks.iter().map(of).collect::<Vec<_>>().join(" and ");
    let passed_over = facts.cascades.first().map(|Cascade { columns, parent, action }| {
        format!(
            "`{}` changes when `{parent}` does (foreign key, {action}), and `{column}` does not change with it",
            columns.join("`, `")
        )
    });
    let keys = keys(facts);
    let changed = keys.first().filter(|_| !keys.iter().any(|key| lasts(facts, key))).map(|key| {
        format!(
            "every UPDATE changes the key ({}) with the stamp, so that an `upsert` would leave the old version there",
            key.join(", ")
        )
    });
    let stays: Vec<String> = passed_over.into_iter().chain(changed).collect();
    match (stays.is_empty(), lacks.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!(
            "`{column}` is stamped by MySQL, but {} ({}: `upsert`, which reads less)",
            joined(|lack| lack.is),
            joined(|lack| lack.mended)
        )),
        (false, true) => Some(stays.join("; and ")),
        (false, false) => Some(format!("{}; besides, `{column}` {}", stays.join("; and "), joined(|lack| lack.is))),
    }
}

/// How to make a column of the table usable as the incremental column.
fn hint(facts: &TableFacts) -> String {
    if let Some(trouble) = facts.stamped.iter().find_map(|column| stamp_trouble(facts, column)) {
        return trouble;
    }
    match app_stamp(facts) {
        Some(column) => format!(
            "`{}` is not stamped by MySQL (if every change sets it, and it is {}indexed: `upsert`, which reads less)",
            column.name,
            if column.nullable { "NOT NULL and " } else { "" }
        ),
        None if facts.schema.hides_columns => {
            "no column that the account may read shows that a row has changed".to_owned()
        }
        None => "no column shows that a row has changed".to_owned(),
    }
}

/// A column that the application probably sets with each change.
fn app_stamp(facts: &TableFacts) -> Option<&SourceColumn> {
    let is_stamp = |column: &&SourceColumn| has_time(column) && STAMPS.contains(&&*words(&column.name).concat());
    facts.schema.columns.iter().find(is_stamp)
}

/// The column that records when a row was inserted, which never changes.
pub fn birth(facts: &TableFacts) -> Option<&SourceColumn> {
    facts.schema.columns.iter().find(|column| {
        let is_stamped = facts.is_stamped(&column.name);
        let is_moment = has_time(column) || column.source_type == SourceType::Date;
        is_moment && !is_stamped && !column.nullable && BIRTHS.contains(&&*words(&column.name).concat())
    })
}

const fn has_time(column: &SourceColumn) -> bool {
    matches!(column.source_type, SourceType::DateTime { .. } | SourceType::Timestamp { .. })
}
