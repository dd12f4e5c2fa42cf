//! Asks about many tables in a few statements, for callers that need all of them: `status`, `check`, the beginning of a
//! run.
//!
//! An answer from here equals the answer for the table alone. A table whose answer could differ (a view, a name in
//! another case, a table that may not be read or is locked) is left out; it is then asked about by itself, and has its
//! own error.

mod unions;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDateTime;

use self::unions::{Answers, asked};
use super::clock::{self, tick};
use super::fault::from_sqlx;
use super::found::{FOUND, Found, among};
use super::server::Server;
use super::session::{Flavour, Session};
use super::sql::{self, Query};
use super::texts::text;
use super::{bounds, catalog, connect, indexes};
use crate::domain::column::SourceSchema;
use crate::domain::cursor::Cursor;
use crate::domain::fault::Fault;
use crate::domain::ids::SourceTable;
use crate::source::{BoundsAsk, Newest};

/// Names in one question to the catalogue. About ten thousand columns take a few megabytes here; a server without
/// indexes on its catalogue walks through the whole database for each question.
const NAMES: usize = 500;

/// Tables in one statement that reads them.
const TABLES: usize = 100;

const INNODB: &str = "innodb";

/// The kinds of rows in an answer.
const VALUE: &str = "value";
const NULLS: &str = "nulls";

/// What is known of many tables, by database and name.
#[derive(Debug, Default)]
pub struct Known {
    schemas: HashMap<(String, String), SourceSchema>,
    /// The tables that may have foreign keys and whose foreign keys the engine lists.
    innodb: HashSet<(String, String)>,
}

impl Known {
    pub fn schema(&self, server: &Server, table: &SourceTable) -> Option<&SourceSchema> {
        self.schemas.get(&place(server, table))
    }
}

/// Describes all tables that can be described together.
pub async fn described(server: &Server, tables: &[SourceTable]) -> Known {
    let mut known = Known::default();
    let mut databases: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (database, table) in tables.iter().map(|table| place(server, table)) {
        databases.entry(database).or_default().insert(table);
    }
    let looked = async {
        let mut session = patient(server).await.ok()?;
        for (database, names) in &databases {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            for names in names.chunks(NAMES) {
                describe(&mut session, database, names, &mut known).await.ok()?;
            }
        }
        Some(())
    };
    if looked.await.is_none() {
        tracing::debug!("the tables are not all described together; each of the others is by itself");
    }
    known
}

/// The greatest values of the tables' columns; `None` for a column that must be asked for by itself. Only an index
/// gives the value at once: a column without one would be scanned, and the others would wait for it.
pub async fn newest(server: &Server, asks: &[BoundsAsk]) -> Vec<Option<Newest>> {
    let mut found = vec![None; asks.len()];
    // With a filter, the index may be walked down for long.
    let mut quick: Vec<_> = asks.iter().zip(&mut found).filter(|(ask, _)| ask.table.filter.is_none()).collect();
    if let Ok(mut session) = patient(server).await {
        for some in quick.chunks_mut(TABLES) {
            // Read just before the values, which are compared with it.
            let Ok(Some(now)) = clock::now(&mut session).await else { break };
            let asks: Vec<_> = some.iter().map(|(ask, _)| *ask).collect();
            let Ok(answers) = asked(&mut session, &asks, |number, ask| greatest(number, ask)).await else { break };
            for (number, (ask, found)) in some.iter_mut().enumerate() {
                **found = told(&answers, number, ask, now);
            }
        }
    }
    found
}

/// A session that does not wait long for a table that somebody has locked.
async fn patient(server: &Server) -> Result<Session, Fault> {
    let mut session = connect::open(server).await?;
    let set = session.command("SET SESSION lock_wait_timeout = 1").await;
    set.map_err(|error| from_sqlx(error, "Setting a session up failed"))?;
    Ok(session)
}

/// Database and name as the mapping writes them.
pub fn place(server: &Server, table: &SourceTable) -> (String, String) {
    (table.database.as_ref().unwrap_or(&server.settings.database).clone(), table.table.clone())
}

async fn describe(session: &mut Session, database: &str, names: &[&str], known: &mut Known) -> Result<(), sqlx::Error> {
    let (among, binds) = among(database, names);
    let rows = session.texts(Query::new(format!("{FOUND}{among}"), binds)).await?;
    // Only tables with exactly these names.
    let is_plain =
        |found: &Found| !found.is_view() && found.database == database && names.contains(&found.table.as_str());
    let found: Vec<_> = rows.iter().map(Found::of).filter(is_plain).collect();
    let names: Vec<_> = found.iter().map(|found| found.table.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let mut columns = catalog::columns_of(session, database, &names).await?;
    let indexes = indexes::read_all(session, database, &found).await?;
    let mut readable = vec![false; found.len()];
    for (some, readable) in found.chunks(TABLES).zip(readable.chunks_mut(TABLES)) {
        let no_row = |_, found: &Found| Query::plain(catalog::no_row(&found.name()));
        readable.copy_from_slice(&asked(session, some, no_row).await?.answered);
    }
    for ((found, indexes), _) in found.iter().zip(indexes).zip(readable).filter(|(_, readable)| *readable) {
        let Some(columns) = columns.remove(&found.table) else { continue };
        let schema = catalog::schema(found, columns, indexes, false);
        if found.engine == INNODB {
            known.innodb.insert((database.to_owned(), found.table.clone()));
        }
        known.schemas.insert((database.to_owned(), found.table.clone()), schema);
    }
    Ok(())
}

/// The InnoDB tables that the engine's list of foreign keys does not name; none if the account may not read that list.
/// In the list all characters but these have a special spelling.
pub async fn unbound(server: &Server, known: &Known) -> HashSet<(String, String)> {
    if known.innodb.is_empty() {
        return HashSet::new();
    }
    let listed = async {
        let mut session = connect::open(server).await.ok()?;
        let list = match session.flavour {
            Flavour::MySql => "innodb_foreign",
            Flavour::MariaDb => "innodb_sys_foreign",
        };
        session.texts(Query::plain(format!("SELECT for_name FROM information_schema.{list}"))).await.ok()
    };
    let Some(rows) = listed.await else { return HashSet::new() };
    let bound: HashSet<_> = rows.iter().map(|row| text(row, 0).to_ascii_lowercase()).collect();
    let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_unbound = |(database, table): &&(String, String)| {
        let name = format!("{database}/{table}").to_ascii_lowercase();
        is_plain(database) && is_plain(table) && !bound.contains(&name)
    };
    known.innodb.iter().filter(is_unbound).cloned().collect()
}

/// Selects the greatest value, and one more row if there are rows without a value.
fn greatest(number: usize, ask: &BoundsAsk) -> Query {
    let column = sql::identifier(&ask.column);
    let greatest = sql::rows(&ask.table, None);
    let mut sql = format!("SELECT '{number}', CAST(MAX({column}) AS CHAR), '{VALUE}' {greatest}");
    if ask.nullable {
        let rows = sql::rows(&ask.table, Some(&format!("{column} IS NULL")));
        sql = format!("{sql} UNION ALL SELECT '{number}', NULL, '{NULLS}' FROM (SELECT 1 {rows} LIMIT 1) AS one_row");
    }
    Query::plain(sql)
}

fn told(answers: &Answers, number: usize, ask: &BoundsAsk, now: NaiveDateTime) -> Option<Newest> {
    if !answers.answered[number] {
        return None;
    }
    let own = || answers.rows.iter().filter(|row| text(row, 0).parse() == Ok(number));
    let value = own().find(|row| text(row, 2) == VALUE)?;
    // A column whose type has changed meanwhile is reported when it is asked for by itself.
    let newest = value.get(1)?.as_deref().map(|text| Cursor::parse(text, ask.kind)).transpose().ok()?;
    let tick = tick(now, ask.kind, ask.timezone).map(Cursor::Moment);
    let limit = bounds::limit(now, ask, newest);
    // It is asked by itself.
    if limit.is_none() && bounds::is_ahead(now, ask, newest) {
        return None;
    }
    Some(Newest { newest, has_nulls: own().any(|row| text(row, 2) == NULLS), tick, limit })
}
