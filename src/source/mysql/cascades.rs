//! Foreign keys by which a table's rows change without a statement on the table.
//!
//! They are read from the table's definition, because MariaDB shows a foreign key's actions in `information_schema`
//! only to accounts that may write.

use std::collections::{HashMap, HashSet};

use super::connect;
use super::fault::{from_sqlx, number};
use super::server::Server;
use super::session::Session;
use super::sql::{self, Bind, Query};
use super::texts::{Texts, text};
use crate::domain::column::Cascade;
use crate::domain::fault::Fault;
use crate::domain::ids::SourceTable;

/// "Command denied": an account that may read only some columns is not shown the definition.
const DENIED: u16 = 1142;

/// Actions that change values of a row that stays.
const CHANGING: [&str; 5] =
    ["ON DELETE SET NULL", "ON DELETE SET DEFAULT", "ON UPDATE CASCADE", "ON UPDATE SET NULL", "ON UPDATE SET DEFAULT"];

/// The foreign keys; empty if the account may not know them.
pub async fn cascades(server: &Server, table: &SourceTable) -> Result<Vec<Cascade>, Fault> {
    let mut session = connect::open(server).await?;
    defined(&mut session, table)
        .await
        .map_err(|error| from_sqlx(error, format!("Reading the foreign keys of {table} failed")))
}

/// The foreign keys in the table's definition.
async fn defined(session: &mut Session, table: &SourceTable) -> Result<Vec<Cascade>, sqlx::Error> {
    let query = Query::plain(format!("SHOW CREATE TABLE {}", sql::table_name(table)));
    let rows = match session.texts(query).await {
        Ok(rows) => rows,
        Err(error) if number(&error) == Some(DENIED) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let definition = rows.first().and_then(|row| row.get(1)?.as_deref()).unwrap_or_default();
    Ok(definition.lines().flat_map(of_line).collect())
}

/// The foreign keys of those tables that have some, by database and name. One statement tells which tables have them,
/// one gives the actions where the catalogue shows them, and where it does not, one more is needed for each table.
pub async fn of_tables(
    session: &mut Session,
    tables: &[(String, String)],
) -> Result<HashMap<(String, String), Vec<Cascade>>, sqlx::Error> {
    let mut databases: Vec<_> = tables.iter().map(|(database, _)| database.clone()).collect();
    databases.dedup();
    if databases.is_empty() {
        return Ok(HashMap::new());
    }
    let places = vec!["?"; databases.len()].join(", ");
    let ask = |sql: String| Query::new(sql, databases.iter().cloned().map(Bind::Text));
    let keys = format!(
        "SELECT table_schema, table_name, constraint_name, column_name, referenced_table_name \
         FROM information_schema.key_column_usage WHERE table_schema IN ({places}) AND referenced_table_name IS NOT NULL \
         ORDER BY table_schema, table_name, constraint_name, ordinal_position"
    );
    let mut keys = session.texts(ask(keys)).await?;
    let wanted: HashSet<_> = tables.iter().map(|(database, table)| (database.as_str(), table.as_str())).collect();
    keys.retain(|row| wanted.contains(&(text(row, 0), text(row, 1))));
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rules = format!(
        "SELECT constraint_schema, table_name, constraint_name, delete_rule, update_rule \
         FROM information_schema.referential_constraints WHERE constraint_schema IN ({places})"
    );
    let rules = session.texts(ask(rules)).await?;
    let rules: HashMap<_, _> = rules.iter().map(|row| ((text(row, 0), text(row, 1), text(row, 2)), row)).collect();
    let mut found: HashMap<(String, String), Vec<Cascade>> = HashMap::new();
    let one_key = |a: &Texts, b: &Texts| (0..3).all(|index| text(a, index) == text(b, index));
    for key in keys.chunk_by(one_key) {
        let name = (text(&key[0], 0).to_owned(), text(&key[0], 1).to_owned());
        match rules.get(&(text(&key[0], 0), text(&key[0], 1), text(&key[0], 2))) {
            Some(rule) => found.entry(name).or_default().extend(of_rule(key, text(rule, 3), text(rule, 4))),
            None if found.contains_key(&name) => {}
            None => {
                let table = SourceTable::whole(Some(name.0.clone()), name.1.clone());
                found.insert(name, defined(session, &table).await?);
            }
        }
    }
    Ok(found)
}

/// The foreign key from the catalogue's columns and actions.
fn of_rule(key: &[Texts], on_delete: &str, on_update: &str) -> Vec<Cascade> {
    let columns: Vec<_> = key.iter().map(|row| text(row, 3).to_owned()).collect();
    let parent = key.first().map_or_else(String::new, |row| text(row, 4).to_owned());
    let done = [format!("ON DELETE {on_delete}"), format!("ON UPDATE {on_update}")].map(|action| action.to_uppercase());
    let done = done.into_iter().filter(|action| CHANGING.contains(&action.as_str()));
    done.map(|action| Cascade { columns: columns.clone(), parent: parent.clone(), action }).collect()
}

/// Reads a line such as ``CONSTRAINT `fk` FOREIGN KEY (`a`, `b`) REFERENCES `parent` (`x`, `y`) ON DELETE SET NULL ON
/// UPDATE CASCADE``. It is always one line, in which only names are arbitrary (texts are on lines that begin with
/// another word).
fn of_line(line: &str) -> Vec<Cascade> {
    let Some(rest) = line.trim_start().strip_prefix("CONSTRAINT ") else { return Vec::new() };
    let parsed = || {
        let (_, rest) = name(rest)?;
        let (columns, rest) = listed(rest.strip_prefix(" FOREIGN KEY ")?)?;
        let (mut parent, mut rest) = name(rest.strip_prefix(" REFERENCES ")?)?;
        // The parent is in another database.
        if let Some(table) = rest.strip_prefix('.') {
            (parent, rest) = name(table)?;
        }
        let (_, actions) = listed(rest.strip_prefix(' ')?)?;
        Some((columns, parent, actions))
    };
    let Some((columns, parent, actions)) = parsed() else { return Vec::new() };
    let done = CHANGING.into_iter().filter(|action| actions.contains(action));
    done.map(|action| Cascade { columns: columns.clone(), parent: parent.clone(), action: action.to_owned() }).collect()
}

/// Reads names in parentheses; gives them and the text after them.
fn listed(text: &str) -> Option<(Vec<String>, &str)> {
    let mut names = Vec::new();
    let mut rest = text.strip_prefix('(')?;
    loop {
        let (next, after) = name(rest)?;
        names.push(next);
        match after.strip_prefix(", ").or_else(|| after.strip_prefix(',')) {
            Some(more) => rest = more,
            None => return Some((names, after.strip_prefix(')')?)),
        }
    }
}

/// Reads a name in backticks, in which backticks are doubled; gives it and the text after it.
fn name(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('`')?;
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('`')?;
        name.push_str(part);
        match after.strip_prefix('`') {
            Some(more) => {
                name.push('`');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cascade(columns: &[&str], parent: &str, action: &str) -> Cascade {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Cascade { columns, parent: parent.to_owned(), action: action.to_owned() }
    }

    #[test]
    fn only_foreign_keys_that_change_remaining_rows_are_reported() {
        let line =
            |actions: &str| format!("  CONSTRAINT `fk` FOREIGN KEY (`pid`) REFERENCES `parent` (`id`){actions},");
        assert_eq!(of_line(&line(" ON DELETE SET NULL")), [cascade(&["pid"], "parent", "ON DELETE SET NULL")]);
        let both =
            [cascade(&["pid"], "parent", "ON DELETE SET NULL"), cascade(&["pid"], "parent", "ON UPDATE CASCADE")];
        assert_eq!(of_line(&line(" ON DELETE SET NULL ON UPDATE CASCADE")), both);
        for harmless in
            ["", " ON DELETE CASCADE", " ON UPDATE NO ACTION", " ON DELETE RESTRICT", " ON DELETE NO ACTION"]
        {
            assert_eq!(of_line(&line(harmless)), [], "{harmless}");
        }
    }

    #[test]
    fn the_catalogue_gives_the_same_foreign_key_as_the_definition() {
        let row = |column: &str| -> Texts {
            ["d", "child", "fk", column, "parent"].iter().map(|text| Some((*text).to_owned())).collect()
        };
        let key = [row("a"), row("b")];
        assert_eq!(of_rule(&key, "SET NULL", "NO ACTION"), [cascade(&["a", "b"], "parent", "ON DELETE SET NULL")]);
        assert_eq!(of_rule(&key, "CASCADE", "CASCADE"), [cascade(&["a", "b"], "parent", "ON UPDATE CASCADE")]);
        assert_eq!(of_rule(&key, "RESTRICT", "RESTRICT"), []);
    }

    #[test]
    fn names_may_contain_anything_and_texts_are_not_taken_for_constraints() {
        let odd = "  CONSTRAINT `a``) FOREIGN KEY` FOREIGN KEY (`x``y`, `z`) REFERENCES `old`.`p (1)` (`i`,`j`) ON UPDATE SET NULL";
        assert_eq!(of_line(odd), [cascade(&["x`y", "z"], "p (1)", "ON UPDATE SET NULL")]);
        for other in [
            "  `note` text COMMENT 'CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `b` (`c`) ON DELETE SET NULL'",
            "  CONSTRAINT `c` CHECK (`a` <> 'ON DELETE SET NULL')",
            "  KEY `fk` (`pid`)",
            "CREATE TABLE `child` (",
        ] {
            assert_eq!(of_line(other), [], "{other}");
        }
    }
}
