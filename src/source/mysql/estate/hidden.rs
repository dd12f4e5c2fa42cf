//! Finds the tables with columns that the account may not read: the catalogue hides these.

use std::collections::HashSet;

use super::super::catalog::hides_columns;
use super::super::session::{Flavour, Session};
use super::super::texts::text;
use super::within::{Name, within};
use crate::domain::estate::TableFacts;
use crate::domain::ids::SourceTable;

/// Marks these tables. It asks about a table only if the account has rights to single columns, or a key names a column
/// that is not listed.
pub async fn note(session: &mut Session, databases: &[String], tables: &mut [TableFacts]) -> Result<(), sqlx::Error> {
    let what = "DISTINCT table_schema, table_name FROM information_schema.column_privileges";
    let rows = session.texts(within(what, "table_schema", databases, "AND privilege_type = 'SELECT'")).await?;
    let granted: HashSet<Name> = rows.iter().map(|row| (text(row, 0).to_owned(), text(row, 1).to_owned())).collect();
    for facts in tables {
        let is_partly = granted.contains(&(facts.database.clone(), facts.table.clone())) || facts.lists_hidden_key();
        if is_partly && !facts.schema.hides_columns {
            let table = SourceTable::whole(Some(facts.database.clone()), facts.table.clone());
            facts.schema.hides_columns = hides_columns(session, &table).await;
        }
        if facts.schema.hides_columns && session.flavour == Flavour::MariaDb {
            keep_whole_keys(facts);
        }
    }
    Ok(())
}

/// MariaDB lists a key's columns only up to the first that the account may not read, so the beginning of a key looks
/// like a whole key. Only a key of nothing but the AUTO_INCREMENT column is certain.
fn keep_whole_keys(facts: &mut TableFacts) {
    let numbers = facts.auto_increment.clone();
    facts
        .schema
        .unique_keys
        .retain(|key| matches!((key.as_slice(), &numbers), ([column], Some(number)) if column == number));
    facts.has_primary_key &= !facts.schema.unique_keys.is_empty();
}
