//! Reads the tables of whole databases, with as many statements for two thousand tables as for two. There are two
//! exceptions: foreign keys, which MariaDB shows to a read-only account only in each table's definition, and tables of
//! which the account may read only some columns.

mod hidden;
mod within;

use std::collections::HashMap;

use self::within::{Name, within};
use super::cascades;
use super::catalog::{self, COLUMNS, OWN_ENGINES};
use super::connect;
use super::fault::from_sqlx;
use super::indexes::{self, Indexes};
use super::server::Server;
use super::session::{Flavour, Session};
use super::sql::Query;
use super::texts::{Texts, number, text};
use crate::domain::column::{SourceSchema, same_name};
use crate::domain::estate::{EstateAsk, Found, TableFacts};
use crate::domain::fault::Fault;

pub async fn estate(server: &Server, ask: &EstateAsk) -> Result<Found, Fault> {
    let mut session = connect::open(server).await?;
    read(&mut session, ask).await.map_err(|error| from_sqlx(error, "Reading the list of tables failed"))
}

async fn read(session: &mut Session, ask: &EstateAsk) -> Result<Found, sqlx::Error> {
    let sql = "SELECT schema_name, DATABASE() FROM information_schema.schemata ORDER BY schema_name";
    let rows = session.texts(Query::plain(sql)).await?;
    let own = own(&rows);
    let names = rows.iter().map(|row| text(row, 0).to_owned());
    let (databases, others): (Vec<_>, Vec<_>) = names.partition(|name| ask.has_database(name, own));
    let others = others.into_iter().filter(|name| !EstateAsk::is_system(name)).collect();
    if databases.is_empty() {
        return Ok(Found { others, tables: Vec::new() });
    }
    let tables = tables(session, &databases, ask).await?;
    let mut columns = columns(session, &databases).await?;
    let json = json_columns(session, &databases).await?;
    let mut indexes = indexes(session, &databases).await?;
    let flavour = session.flavour;
    let facts = tables.into_iter().map(|table| {
        let name = (table.database.clone(), table.name.clone());
        let columns = columns.remove(&name).unwrap_or_default();
        let json = json.get(&name).map(Vec::as_slice).unwrap_or_default();
        table.facts(&columns, json, &indexes.remove(&name).unwrap_or_default(), flavour)
    });
    let mut tables: Vec<_> = facts.collect();
    hidden::note(session, &databases, &mut tables).await?;
    // Changes without a new stamp matter only for tables where the stamp would be relied on.
    let stamped = tables.iter().filter(|facts| !facts.stamped.is_empty());
    let stamped: Vec<Name> = stamped.map(|facts| (facts.database.clone(), facts.table.clone())).collect();
    let mut changed = cascades::of_tables(session, &stamped).await?;
    for facts in &mut tables {
        facts.cascades = changed.remove(&(facts.database.clone(), facts.table.clone())).unwrap_or_default();
    }
    Ok(Found { others, tables })
}

/// The connection's database as the list spells it: if the server ignores case, the connection may spell it
/// differently.
fn own(rows: &[Texts]) -> &str {
    let own = rows.first().map_or("", |row| text(row, 1));
    let mut listed = rows.iter().map(|row| text(row, 0));
    let exact = listed.clone().find(|name| *name == own);
    exact.or_else(|| listed.find(|name| same_name(name, own))).unwrap_or(own)
}

/// A row of `information_schema.tables`.
struct Listed {
    database: String,
    name: String,
    is_view: bool,
    /// The engine in lower case; empty for views, and for tables that the server cannot open.
    engine: String,
    rows: Option<u64>,
    bytes: Option<u64>,
    comment: Option<String>,
}

impl Listed {
    fn facts(self, rows: &[Texts], json: &[String], indexes: &[Texts], flavour: Flavour) -> TableFacts {
        let (_, hidden) = indexes::flag_words(flavour);
        let has_primary_key = indexes.iter().any(|row| text(row, 0) == "PRIMARY");
        let Indexes { unique_keys, ordering } = indexes::of_rows(indexes.iter(), hidden, self.engine == "innodb");
        let named = |word: &'static str| {
            let of = |row: &&Texts| text(row, 12).to_ascii_lowercase().contains(word);
            rows.iter().filter(of).map(|row| text(row, 0).to_owned()).collect::<Vec<_>>()
        };
        let (readable, hidden): (Vec<_>, Vec<_>) = rows.iter().partition(|row| may_be_read(row));
        // Such a table says in its comment what is wrong with it, and so does a view.
        let is_broken = !self.is_view && self.engine.is_empty();
        let breaks = self.is_view && rows.is_empty();
        let trouble =
            (is_broken || breaks).then(|| self.comment.clone().unwrap_or_else(|| "it does not say why".to_owned()));
        TableFacts {
            stamped: named("on update current_timestamp"),
            auto_increment: named("auto_increment").into_iter().next(),
            cascades: Vec::new(),
            has_primary_key,
            bytes: self.bytes.filter(|_| !self.is_view),
            schema: SourceSchema {
                columns: readable.into_iter().map(|row| catalog::column(row, json, flavour)).collect(),
                unique_keys,
                indexes: ordering.into_iter().map(|order| order.columns).collect(),
                is_view: self.is_view,
                is_transactional: self.is_view || OWN_ENGINES.contains(&self.engine.as_str()),
                hides_columns: !hidden.is_empty(),
                rows_estimate: self.rows.filter(|_| !self.is_view),
                comment: self.comment.filter(|_| !self.is_view),
            },
            database: self.database,
            table: self.name,
            trouble,
        }
    }
}

/// Tells if the account may read the column, by the privileges in the row.
fn may_be_read(row: &Texts) -> bool {
    text(row, 14).split(',').any(|privilege| privilege.trim().eq_ignore_ascii_case("select"))
}

async fn tables(session: &mut Session, databases: &[String], ask: &EstateAsk) -> Result<Vec<Listed>, sqlx::Error> {
    let what = "table_schema, table_name, table_type, engine, CAST(table_rows AS CHAR), CAST(data_length AS CHAR), \
                table_comment FROM information_schema.tables";
    // Sequences and temporary tables are left out.
    let only = "AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW') ORDER BY table_schema, table_name";
    let rows = session.texts(within(what, "table_schema", databases, only)).await?;
    let asked = rows.iter().filter(|row| ask.has_table(text(row, 1)));
    let listed = asked.map(|row| Listed {
        database: text(row, 0).to_owned(),
        name: text(row, 1).to_owned(),
        is_view: text(row, 2).eq_ignore_ascii_case("view"),
        engine: text(row, 3).to_ascii_lowercase(),
        rows: number(row, 4),
        bytes: number(row, 5),
        comment: row.get(6).cloned().flatten().filter(|comment| !comment.trim().is_empty()),
    });
    Ok(listed.collect())
}

async fn columns(session: &mut Session, databases: &[String]) -> Result<HashMap<Name, Vec<Texts>>, sqlx::Error> {
    let what = format!("{COLUMNS}, privileges, table_schema FROM information_schema.columns");
    let order = "ORDER BY table_schema, table_name, ordinal_position";
    let rows = session.texts(within(&what, "table_schema", databases, order)).await?;
    Ok(by_table(rows, 15, 8))
}

async fn json_columns(session: &mut Session, databases: &[String]) -> Result<HashMap<Name, Vec<String>>, sqlx::Error> {
    let mut found: HashMap<Name, Vec<String>> = HashMap::new();
    if session.flavour == Flavour::MariaDb {
        let what = "check_clause, constraint_schema, table_name FROM information_schema.check_constraints";
        let rows = session.texts(within(what, "constraint_schema", databases, "")).await?;
        for row in &rows {
            let of = found.entry((text(row, 1).to_owned(), text(row, 2).to_owned())).or_default();
            of.extend(catalog::checked_as_json(text(row, 0)));
        }
    }
    Ok(found)
}

async fn indexes(session: &mut Session, databases: &[String]) -> Result<HashMap<Name, Vec<Texts>>, sqlx::Error> {
    let flag = indexes::flag(session).await?;
    let what = format!("{}, table_schema FROM information_schema.statistics", indexes::list(flag));
    let order = "ORDER BY table_schema, table_name, index_name, seq_in_index";
    let rows = session.texts(within(&what, "table_schema", databases, order)).await?;
    Ok(by_table(rows, 9, 8))
}

fn by_table(rows: Vec<Texts>, database: usize, table: usize) -> HashMap<Name, Vec<Texts>> {
    let mut found: HashMap<Name, Vec<Texts>> = HashMap::new();
    for row in rows {
        found.entry((text(&row, database).to_owned(), text(&row, table).to_owned())).or_default().push(row);
    }
    found
}
