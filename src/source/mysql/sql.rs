//! The parts of every statement: its text with quoted names, and separately the values of its placeholders.

use sqlx::mysql::{MySql, MySqlArguments};
use sqlx::query::Query as Prepared;
use sqlx::{AssertSqlSafe, Database};

use crate::domain::cursor::Cursor;
use crate::domain::ids::SourceTable;
use crate::domain::quote;
use crate::domain::window::{Low, Window};

/// A value for a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bind {
    Int(i64),
    UInt(u64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<&Cursor> for Bind {
    /// Integers stay integers, moments become text: the server compares these with the column's own values.
    fn from(cursor: &Cursor) -> Self {
        match cursor {
            Cursor::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => Self::Int(value),
                (_, Ok(value)) => Self::UInt(value),
                _ => Self::Text(value.to_string()),
            },
            Cursor::Moment(moment) => Self::Text(moment.to_string()),
        }
    }
}

/// A statement ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub sql: String,
    pub binds: Vec<Bind>,
}

impl Query {
    pub fn plain(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), binds: Vec::new() }
    }

    pub fn new(sql: impl Into<String>, binds: impl IntoIterator<Item = Bind>) -> Self {
        Self { sql: sql.into(), binds: binds.into_iter().collect() }
    }

    /// The statement for the binary protocol. Its text holds quoted identifiers and numbers of our own, never a value.
    pub fn prepared(self) -> Prepared<'static, MySql, <MySql as Database>::Arguments> {
        let prepared: Prepared<'static, MySql, MySqlArguments> = sqlx::query(AssertSqlSafe(self.sql));
        self.binds.into_iter().fold(prepared, |query, bind| match bind {
            Bind::Int(value) => query.bind(value),
            Bind::UInt(value) => query.bind(value),
            Bind::Text(value) => query.bind(value),
            Bind::Bytes(value) => query.bind(value),
        })
    }
}

/// Quotes a name; backticks in it are doubled.
pub fn identifier(name: &str) -> String {
    quote::mysql_name(name)
}

/// Quotes a table's name, for statements that read no row of it. Statements that read rows use [`rows`].
pub fn table_name(table: &SourceTable) -> String {
    quote::mysql_table(table)
}

/// `FROM table WHERE condition`: every statement that reads rows takes these words from here, so that none forgets the
/// mapping's own filter.
pub fn rows(of: &SourceTable, condition: Option<&str>) -> String {
    rows_by(of, "", condition)
}

/// The same, with ` FORCE INDEX (...)` after the table's name.
pub fn rows_by(of: &SourceTable, index: &str, condition: Option<&str>) -> String {
    let from = format!("FROM {}{index}", table_name(of));
    match (condition, &of.filter) {
        (None, None) => from,
        (Some(condition), None) => format!("{from} WHERE {condition}"),
        (None, Some(filter)) => format!("{from} WHERE ({filter})"),
        (Some(condition), Some(filter)) => format!("{from} WHERE ({condition}) AND ({filter})"),
    }
}

/// The greatest value of a column, which must be quoted; at most one row, with NULL if there is no value. For filtered
/// rows, an index is walked down to the first match; a MAX would look at all rows.
pub fn greatest(of: &SourceTable, column: &str, selected: fn(&str) -> String, condition: Option<&str>) -> String {
    let rows = rows(of, condition);
    match of.filter {
        None => format!("SELECT {} {rows}", selected(&format!("MAX({column})"))),
        Some(_) => format!("SELECT {} {rows} ORDER BY {column} DESC LIMIT 1", selected(column)),
    }
}

/// Selects a value so that it is read as text.
pub fn as_text(value: &str) -> String {
    format!("CAST({value} AS CHAR)")
}

/// A window as a condition on its column, which must be quoted.
pub fn within(column: &str, window: &Window) -> (String, Vec<Bind>) {
    let (low, mut binds) = not_below(column, &window.low);
    binds.push(Bind::from(&window.high));
    (format!("{low}{column} <= ?"), binds)
}

/// The condition for a window's beginning, followed by ` AND `; empty if it begins at the first value.
pub fn not_below(column: &str, low: &Low) -> (String, Vec<Bind>) {
    match low {
        Low::Beginning => (String::new(), Vec::new()),
        Low::After(low) => (format!("{column} > ? AND "), vec![Bind::from(low)]),
        Low::From(low) => (format!("{column} >= ? AND "), vec![Bind::from(low)]),
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cursor::Moment;
    use crate::domain::row_filter::RowFilter;

    #[test]
    fn every_statement_that_reads_rows_contains_the_mappings_filter() {
        let whole = SourceTable::whole(None, "t".into());
        let some = SourceTable { filter: Some(RowFilter::parse("a = 1 OR b = 2").unwrap()), ..whole.clone() };
        assert_eq!(rows(&whole, None), "FROM `t`");
        assert_eq!(rows(&some, None), "FROM `t` WHERE (a = 1 OR b = 2)");
        assert_eq!(rows_by(&whole, " FORCE INDEX (`i`)", Some("c")), "FROM `t` FORCE INDEX (`i`) WHERE c");
        assert_eq!(rows(&some, Some("x OR y")), "FROM `t` WHERE (x OR y) AND (a = 1 OR b = 2)");
        assert_eq!(greatest(&whole, "`c`", as_text, None), "SELECT CAST(MAX(`c`) AS CHAR) FROM `t`");
        let of_some =
            "SELECT CAST(`c` AS CHAR) FROM `t` WHERE (`c` < ?) AND (a = 1 OR b = 2) ORDER BY `c` DESC LIMIT 1";
        assert_eq!(greatest(&some, "`c`", as_text, Some("`c` < ?")), of_some);
    }

    #[test]
    fn a_window_becomes_a_condition_with_bound_ends() {
        let of = |low| within("`c`", &Window { low, high: Cursor::Int(9) });
        assert_eq!(of(Low::Beginning), ("`c` <= ?".to_owned(), vec![Bind::Int(9)]));
        let both = vec![Bind::Int(3), Bind::Int(9)];
        assert_eq!(of(Low::After(Cursor::Int(3))), ("`c` > ? AND `c` <= ?".to_owned(), both.clone()));
        assert_eq!(of(Low::From(Cursor::Int(3))), ("`c` >= ? AND `c` <= ?".to_owned(), both));
    }

    #[test]
    fn cursors_are_bound_exactly() {
        assert_eq!(Bind::from(&Cursor::Int(i128::from(u64::MAX))), Bind::UInt(u64::MAX));
        assert_eq!(Bind::from(&Cursor::Int(-1)), Bind::Int(-1));
        let moment = Moment::parse("2024-02-31 00:00:01.5").unwrap();
        assert_eq!(Bind::from(&Cursor::Moment(moment)), Bind::Text("2024-02-31 00:00:01.500000".into()));
    }
}
