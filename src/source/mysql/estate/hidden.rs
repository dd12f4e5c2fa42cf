//! Which tables have columns that the account may not read: the catalogue keeps them to itself.

use std::collections::HashSet;

use super::super::catalog::hides_columns;
use super::super::session::{Flavour, Session};
use super::super::texts::text;
use super::{Name, within};
use crate::domain::estate::TableFacts;
use crate::domain::ids::SourceTable;

/// Marks them. A table is asked only where the account has rights to single columns of it.
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

/// MariaDB lists the columns of a key up to the first that the account may not read, and so shows the beginning of a key for
/// the whole of it. A column that it counts up by itself is another matter.
fn keep_whole_keys(facts: &mut TableFacts) {
    let numbers = facts.auto_increment.clone();
    facts
        .schema
        .unique_keys
        .retain(|key| matches!((key.as_slice(), &numbers), ([column], Some(number)) if column == number));
    facts.has_primary_key &= !facts.schema.unique_keys.is_empty();
}
