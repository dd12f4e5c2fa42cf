//! The statements that read a table's rows, in one stream or page by page.

use super::page::{PageOrder, Position};
use super::slice::Slice;
use super::wanted;
use crate::domain::ids::SourceTable;
use crate::domain::mask::Mask;
use crate::domain::plan::{ColumnPlan, TablePlan};
use crate::domain::source_type::SourceType;
use crate::domain::type_map::Encoding;
use crate::domain::window::Window;
use crate::source::mysql::decode::key::{MARK, MOST_AFTER_MARK};
use crate::source::mysql::session::Flavour;
use crate::source::mysql::sql::{Bind, Query, greatest, identifier, rows, rows_by, within};

/// The statements that read one window.
#[derive(Debug)]
pub struct Reading {
    /// The selected expressions.
    columns: String,
    table: SourceTable,
    /// ` FORCE INDEX (...)`, or nothing.
    by_index: String,
    /// The window's column.
    cursor: Option<Term>,
    /// The columns that rows are ordered by.
    order: Vec<Term>,
    window: Option<Window>,
}

/// A column in a comparison, and the placeholder for a value compared with it.
#[derive(Debug)]
struct Term {
    column: String,
    slot: String,
}

impl Term {
    fn new(plan: &ColumnPlan) -> Self {
        Self { column: identifier(&plan.source.name), slot: wanted::slot(plan) }
    }

    fn is(&self, operator: &str) -> String {
        format!("{} {operator} {}", self.column, self.slot)
    }
}

impl Reading {
    pub fn new(
        source: &SourceTable,
        plan: &TablePlan,
        window: Option<Window>,
        order: &PageOrder,
        flavour: Flavour,
    ) -> Self {
        let columns: Vec<_> = plan.columns.iter().map(|c| selected(c, flavour)).collect();
        let forced = |index: &String| format!(" FORCE INDEX ({})", identifier(index));
        Self {
            columns: columns.join(", "),
            table: source.clone(),
            by_index: order.index.as_ref().map(forced).unwrap_or_default(),
            cursor: plan.cursor_column().map(Term::new),
            order: order.columns.iter().map(|&column| Term::new(&plan.columns[column])).collect(),
            window,
        }
    }

    /// The whole window, in whatever order the server chooses.
    pub fn stream(&self) -> Query {
        let (filter, binds) = self.within_window();
        Query { sql: format!("SELECT {} {}", self.columns, rows(&self.table, Some(&filter))), binds }
    }

    /// The window's rows that meet a condition.
    pub fn rows_where(&self, (condition, more): (String, Vec<Bind>)) -> Query {
        let (filter, mut binds) = self.within_window();
        binds.extend(more);
        let rows = rows(&self.table, Some(&format!("{filter} AND {condition}")));
        Query { sql: format!("SELECT {} {rows}", self.columns), binds }
    }

    /// At most `most` rows of a slice in order, from its beginning or after a row.
    pub fn page(&self, after: Option<&Position>, slice: &Slice, most: usize) -> Query {
        let (mut filter, mut binds) = match after {
            None => self.within_window(),
            Some(position) => self.after(position),
        };
        // A row that was read lies beyond the slice's beginning already.
        let from = slice.from.as_ref().filter(|_| after.is_none());
        let ends = from.map(|value| (">=", value)).into_iter().chain(slice.to.as_ref().map(|value| ("<", value)));
        for (first, (operator, value)) in self.order.first().into_iter().cycle().zip(ends) {
            filter = format!("{filter} AND {}", first.is(operator));
            binds.push(value.clone());
        }
        let order: Vec<_> = self.order.iter().map(|term| term.column.as_str()).collect();
        let rows = rows_by(&self.table, &self.by_index, Some(&filter));
        let sql = format!("SELECT {} {rows} ORDER BY {} LIMIT {most}", self.columns, order.join(", "));
        Query { sql, binds }
    }

    /// The greatest value of the order's first column; one row, NULL for an empty table.
    pub fn greatest(&self) -> Query {
        let first = self.order.first().map_or("NULL", |term| term.column.as_str());
        Query::plain(greatest(&self.table, first, str::to_owned, None))
    }

    fn within_window(&self) -> (String, Vec<Bind>) {
        match (&self.window, &self.cursor) {
            (None, _) => ("TRUE".to_owned(), Vec::new()),
            // A cursor is an integer or a moment, which is compared as it is bound.
            (Some(window), Some(cursor)) => within(&cursor.column, window),
            (Some(_), None) => ("FALSE".to_owned(), Vec::new()),
        }
    }

    /// `(a, b) > (?, ?)`, spelled out: for a row comparison many server versions do not use the index, but the range on
    /// the first column alone makes them use it.
    fn after(&self, position: &Position) -> (String, Vec<Bind>) {
        let terms: Vec<_> = self.order.iter().zip(&position.0).collect();
        let [(first, value), ..] = terms.as_slice() else { return self.within_window() };
        // If the cursor comes first, the position lies beyond the window's beginning already.
        let (window, mut asked) = match (&self.window, &self.cursor) {
            (Some(window), Some(cursor)) if first.column == cursor.column => {
                (cursor.is("<="), vec![Bind::from(&window.high)])
            }
            _ => self.within_window(),
        };
        let mut binds = vec![(*value).clone()];
        binds.append(&mut asked);
        if terms.len() == 1 {
            return (format!("{} AND {window}", first.is(">")), binds);
        }
        let (beyond, asked) = terms.iter().rev().fold((String::new(), Vec::new()), |(inner, binds), (term, value)| {
            let inner = match inner.as_str() {
                "" => term.is(">"),
                inner => format!("{} OR ({} AND ({inner}))", term.is(">"), term.is("=")),
            };
            let twice = if binds.is_empty() { 1 } else { 2 };
            (inner, std::iter::repeat_n((*value).clone(), twice).chain(binds).collect())
        });
        binds.extend(asked);
        (format!("{} AND {window} AND ({beyond})", first.is(">=")), binds)
    }
}

/// The expression that selects a column, where its plain name would not return its value.
pub fn selected(column: &ColumnPlan, flavour: Flavour) -> String {
    let ColumnPlan { source, encoding, .. } = column;
    let name = identifier(&source.name);
    // A value that never arrives must not leave the server.
    if column.mask == Some(Mask::Null) {
        return "NULL".to_owned();
    }
    let stored = format!("CAST({name} AS BINARY)");
    match (&source.source_type, flavour, encoding) {
        // MySQL's VECTOR has a wire type that sqlx refuses; MariaDB's arrives as bytes.
        (SourceType::Vector, Flavour::MySql, _) => stored,
        // The bytes in the table, not those in the connection's character set.
        (_, _, Encoding::Bytes) if source.charset.is_some() => stored,
        (_, _, Encoding::Text) if source.is_legacy_text() => converted(&name, &stored),
        // MySQL sends such text as it is stored; MariaDB writes a `?` for each byte that is not ASCII.
        (_, Flavour::MariaDb, Encoding::Text) if source.charset.as_deref() == Some("ascii") => {
            converted(&name, &stored)
        }
        _ => name,
    }
}

/// Text that the server converts to UTF-8, or bytes that are not UTF-8 if it cannot convert the text.
///
/// The server writes a `?` for each character that Unicode lacks, so the result then has more of them than the table's
/// text (where, in all of these character sets, a 0x3F is always a question mark). Converting back and comparing would
/// refuse good text: cp932 and others encode some characters twice. The bytes after the mark identify the row if the
/// text is its key.
fn converted(name: &str, stored: &str) -> String {
    let utf8 = format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)");
    let marks = |bytes: &str| format!("LENGTH({bytes}) - LENGTH(REPLACE({bytes}, x'3F', ''))");
    let marked = format!("CONCAT(x'{MARK:X}', LEFT({stored}, {MOST_AFTER_MARK}))");
    format!("IF({} = {}, {utf8}, {marked})", marks(&utf8), marks(stored))
}

#[cfg(test)]
mod tests;
