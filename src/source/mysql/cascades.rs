//! Foreign keys by which a table's rows change without a statement of their own.
//!
//! From the table's definition: MariaDB shows what a foreign key does in `information_schema` to accounts that may write
//! alone.

use super::connect;
use super::fault::{from_sqlx, number};
use super::server::Server;
use super::sql::{self, Query};
use crate::domain::column::Cascade;
use crate::domain::fault::Fault;
use crate::domain::ids::SourceTable;

/// "Command denied": an account that may read some columns alone is shown no definition.
const DENIED: u16 = 1142;

/// What changes values of a row that stays.
const CHANGING: [&str; 5] =
    ["ON DELETE SET NULL", "ON DELETE SET DEFAULT", "ON UPDATE CASCADE", "ON UPDATE SET NULL", "ON UPDATE SET DEFAULT"];

/// None where the account may not know.
pub async fn cascades(server: &Server, table: &SourceTable) -> Result<Vec<Cascade>, Fault> {
    let mut session = connect::open(server).await?;
    let query = Query::plain(format!("SHOW CREATE TABLE {}", sql::table_name(table)));
    let rows = match session.texts(query).await {
        Ok(rows) => rows,
        Err(error) if number(&error) == Some(DENIED) => return Ok(Vec::new()),
        Err(error) => return Err(from_sqlx(error, format!("Reading the foreign keys of {table} failed"))),
    };
    let definition = rows.first().and_then(|row| row.get(1)?.as_deref()).unwrap_or_default();
    Ok(definition.lines().flat_map(of_line).collect())
}

/// ``CONSTRAINT `fk` FOREIGN KEY (`a`, `b`) REFERENCES `parent` (`x`, `y`) ON DELETE SET NULL ON UPDATE CASCADE``: a line of
/// its own, in which only names may hold anything else (texts stand in lines that begin with another word).
fn of_line(line: &str) -> Vec<Cascade> {
    let Some(rest) = line.trim_start().strip_prefix("CONSTRAINT ") else { return Vec::new() };
    let parsed = || {
        let (_, rest) = name(rest)?;
        let (columns, rest) = listed(rest.strip_prefix(" FOREIGN KEY ")?)?;
        let (mut parent, mut rest) = name(rest.strip_prefix(" REFERENCES ")?)?;
        // The table of another database.
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

/// Names in parentheses, and what follows.
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

/// A name in backticks, of which those within are doubled, and what follows.
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
    fn only_what_changes_rows_that_stay_is_told() {
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
    fn names_may_hold_anything_and_texts_are_no_constraints() {
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
