//! A table that cannot be read: finds out if the account, the view or the name is the problem.

use super::fault::number;
use super::found::{Found, failed, in_database};
use super::roles;
use super::session::Session;
use super::sql::Query;
use super::texts::text;
use crate::domain::check::server::Account;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::SourceTable;

const NO_SELECT: [u16; 4] = [1044, 1142, 1143, 1370];

/// The errors of a view whose definer no longer exists: an administrator sees the reason, everybody else a refused
/// login.
const NO_DEFINER: [u16; 2] = [1045, 1449];

const INVALID_VIEW: u16 = 1356;

/// The fault for a table that the catalogue lists.
pub async fn listed(session: &mut Session, found: &Found, table: &SourceTable, error: sqlx::Error) -> Fault {
    let number = number(&error).unwrap_or(0);
    if found.is_view() && (NO_DEFINER.contains(&number) || number == INVALID_VIEW) {
        return view(session, found, table, error).await;
    }
    let activation = if NO_SELECT.contains(&number) { roles::activation(session).await } else { None };
    let fault = failed(error, table);
    match activation {
        Some(statement) => fault.with_hint(roles::asleep(&statement)),
        None => {
            fault.with_hint("see that the account may SELECT from it and, if it is a view, that the view still works")
        }
    }
}

/// The fault for a table that the catalogue does not list. `error`: the error of reading it, if there was one.
pub async fn unlisted(session: &mut Session, table: &SourceTable, error: Option<sqlx::Error>) -> Fault {
    let is_denied = error.as_ref().and_then(number).is_some_and(|number| NO_SELECT.contains(&number));
    if is_denied && let Some(statement) = roles::activation(session).await {
        let sentence = format!("The account may not read {table}");
        return Fault::new(FaultKind::Auth, sentence).with_hint(roles::asleep(&statement));
    }
    let fault = error.map(|error| failed(error, table));
    match fault {
        Some(fault) if fault.kind() == FaultKind::Auth => {
            let names = nearest_names(session, table).await;
            fault.with_hint(format!("grant the account SELECT on it; if the name is mistyped, {names}"))
        }
        Some(fault) if fault.kind() != FaultKind::Schema => fault,
        _ => {
            let sentence = format!("There is no table {table}, or the account may not see it");
            let names = nearest_names(session, table).await;
            let hint = format!(
                "if it was dropped or renamed, change the mapping or take it out, from `tables` with `except`; else {names}"
            );
            Fault::new(FaultKind::Schema, sentence).with_hint(hint)
        }
    }
}

async fn view(session: &mut Session, found: &Found, table: &SourceTable, error: sqlx::Error) -> Fault {
    let sql = "SELECT definer FROM information_schema.views WHERE table_schema = ? AND table_name = ?";
    let rows = session.texts(Query::new(sql, found.binds())).await.unwrap_or_default();
    let definer = rows.first().map(|row| Account::parse(text(row, 0)).to_string()).unwrap_or_default();
    let is_invalid = number(&error) == Some(INVALID_VIEW);
    let sentence = format!("The view {table} cannot be read: its definer is {definer}");
    let fault = Fault::new(FaultKind::Schema, sentence).caused_by(match error {
        sqlx::Error::Database(database) => database.to_string(),
        other => other.to_string(),
    });
    fault.with_hint(if is_invalid {
        format!(
            "compare `SHOW CREATE VIEW` with the tables and columns that are there, and see that {definer} may still \
             SELECT from them"
        )
    } else {
        "that account (or the definer of a view in it) does not exist any more: create it again, or the view for \
             another: `CREATE OR REPLACE DEFINER = <account> VIEW ... AS ...`, with the text of `SHOW CREATE VIEW`"
            .to_owned()
    })
}

/// The names that may have been meant, for a table that the catalogue does not list.
async fn nearest_names(session: &mut Session, table: &SourceTable) -> String {
    let sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = COALESCE(?, DATABASE())";
    let names = session.texts(in_database(sql, table, false)).await.unwrap_or_default();
    let names: Vec<_> = names.iter().map(|row| text(row, 0)).collect();
    nearest(&table.table, &names)
}

fn nearest(wanted: &str, names: &[&str]) -> String {
    let wanted = wanted.to_lowercase();
    let mut near: Vec<_> = names
        .iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), *name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let near: Vec<_> = near.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    match (near.is_empty(), names.is_empty()) {
        (false, _) => format!("the nearest names are {}", near.join(", ")),
        (true, false) => "check `mysql_table` and MYSQL_DATABASE".to_owned(),
        (true, true) => "the account sees no table in that database: check MYSQL_DATABASE and its grants".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_table_gets_the_nearest_names() {
        assert_eq!(
            nearest("order", &["orders", "customers", "Order_Items"]),
            "the nearest names are `orders`, `Order_Items`"
        );
        assert!(nearest("zzz", &["orders"]).contains("mysql_table"));
        assert!(nearest("orders", &[]).contains("grants"));
    }
}
