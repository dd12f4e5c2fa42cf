//! Every statement that reads rows: its text, and apart from it the values of its placeholders.

use sqlx::mysql::{MySql, MySqlArguments};
use sqlx::query::Query as Prepared;
use sqlx::{AssertSqlSafe, Database};

use super::connect::Flavour;
use super::position::{PageOrder, Position};
use super::read::Slice;
use crate::domain::cursor::Cursor;
use crate::domain::ids::SourceTable;
use crate::domain::plan::{ColumnPlan, TablePlan};
use crate::domain::source_type::SourceType;
use crate::domain::type_map::Encoding;
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
    /// Integers as such, moments as text: what the server compares the column's own values with.
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

    /// For the binary protocol. The text holds quoted identifiers and numbers of our own, never a value.
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

/// Quotes a name; a backtick in it is doubled.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Quotes a table's name.
pub fn table(table: &SourceTable) -> String {
    match &table.database {
        Some(database) => format!("{}.{}", identifier(database), identifier(&table.table)),
        None => identifier(&table.table),
    }
}

/// The statements that read one window.
#[derive(Debug)]
pub struct Reading {
    /// `SELECT ... FROM ...`
    select: String,
    /// The table's name, quoted.
    table: String,
    /// ` FORCE INDEX (...)`, or nothing.
    by_index: String,
    cursor: Term,
    /// What rows are ordered by.
    order: Vec<Term>,
    window: Option<Window>,
}

/// A column in a comparison, and how a value is put beside it.
#[derive(Debug)]
struct Term {
    column: String,
    slot: String,
}

impl Term {
    fn new(plan: &ColumnPlan) -> Self {
        let slot = match plan.source.source_type {
            // A decimal bound as text would be compared as a double.
            SourceType::Decimal { precision, scale } => format!("CAST(? AS DECIMAL({precision},{scale}))"),
            _ => "?".to_owned(),
        };
        Self { column: identifier(&plan.source.name), slot }
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
            select: format!("SELECT {} FROM {}", columns.join(", "), table(source)),
            table: table(source),
            by_index: order.index.as_ref().map(forced).unwrap_or_default(),
            cursor: Term::new(plan.cursor_column()),
            order: order.columns.iter().map(|&column| Term::new(&plan.columns[column])).collect(),
            window,
        }
    }

    /// The whole window in the order the server likes best.
    pub fn stream(&self) -> Query {
        let (filter, binds) = self.within_window();
        Query { sql: format!("{} WHERE {filter}", self.select), binds }
    }

    /// At most `rows` rows of a slice in order, from its beginning or after a row.
    pub fn page(&self, after: Option<&Position>, slice: &Slice, rows: usize) -> Query {
        let (mut filter, mut binds) = match after {
            None => self.within_window(),
            Some(position) => self.after(position),
        };
        // A row that was read lies beyond the slice's beginning.
        let from = slice.from.as_ref().filter(|_| after.is_none());
        let ends = from.map(|value| (">=", value)).into_iter().chain(slice.to.as_ref().map(|value| ("<", value)));
        for (first, (operator, value)) in self.order.first().into_iter().cycle().zip(ends) {
            filter = format!("{filter} AND {}", first.is(operator));
            binds.push(value.clone());
        }
        let order: Vec<_> = self.order.iter().map(|term| term.column.as_str()).collect();
        let Self { select, by_index, .. } = self;
        let sql = format!("{select}{by_index} WHERE {filter} ORDER BY {} LIMIT {rows}", order.join(", "));
        Query { sql, binds }
    }

    /// The greatest value of the order's first column; one row, NULL for an empty table.
    pub fn greatest(&self) -> Query {
        let first = self.order.first().map_or("NULL", |term| term.column.as_str());
        Query::plain(format!("SELECT MAX({first}) FROM {}", self.table))
    }

    fn within_window(&self) -> (String, Vec<Bind>) {
        let Some(window) = &self.window else { return ("TRUE".to_owned(), Vec::new()) };
        let high = self.cursor.is("<=");
        let last = Bind::from(&window.high);
        match &window.low {
            Low::Beginning => (high, vec![last]),
            Low::After(low) => (format!("{} AND {high}", self.cursor.is(">")), vec![Bind::from(low), last]),
            Low::From(low) => (format!("{} AND {high}", self.cursor.is(">=")), vec![Bind::from(low), last]),
        }
    }

    /// `(a, b) > (?, ?)`, spelled out: as a row comparison many versions do not use the index for it, and the range on
    /// the first column alone leads them to it.
    fn after(&self, position: &Position) -> (String, Vec<Bind>) {
        let terms: Vec<_> = self.order.iter().zip(&position.0).collect();
        let [(first, value), ..] = terms.as_slice() else { return self.within_window() };
        // Where the cursor leads, the position lies beyond the window's beginning.
        let (window, mut asked) = match &self.window {
            Some(window) if first.column == self.cursor.column => {
                (self.cursor.is("<="), vec![Bind::from(&window.high)])
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

/// How a column is asked for, where its name alone would bring something else than its value.
fn selected(column: &ColumnPlan, flavour: Flavour) -> String {
    let ColumnPlan { source, encoding, .. } = column;
    let name = identifier(&source.name);
    let stored = format!("CAST({name} AS BINARY)");
    match (&source.source_type, flavour, encoding) {
        // MySQL's has a wire type that sqlx refuses; MariaDB's arrives as bytes.
        (SourceType::Vector, Flavour::MySql, _) => stored,
        // The bytes of the table, not those of the connection's character set.
        (_, _, Encoding::Bytes) if source.charset.is_some() => stored,
        (_, _, Encoding::Text) if source.is_legacy_text() => converted(&name, &stored),
        _ => name,
    }
}

/// Text that the server converts to UTF-8, and bytes that are no UTF-8 for what it cannot convert.
///
/// It writes a `?` for each character that Unicode does not have, so there are more of them than in the table (where,
/// in all of these character sets, a 0x3F is nothing else). Converting back and comparing would refuse good text:
/// cp932 and others have characters twice. What follows the 0xFF lets the row be found when the text is its key.
fn converted(name: &str, stored: &str) -> String {
    let utf8 = format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)");
    let marks = |bytes: &str| format!("LENGTH({bytes}) - LENGTH(REPLACE({bytes}, x'3F', ''))");
    format!("IF({} = {}, {utf8}, CONCAT(x'FF', LEFT({stored}, 1000)))", marks(&utf8), marks(stored))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mysql::samples::{column, plan};

    fn int() -> SourceType {
        SourceType::Int { bits: 64, unsigned: false }
    }

    fn orders() -> SourceTable {
        SourceTable { database: Some("shop".into()), table: "or`ders".into() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what `Reading` takes")]
    fn window(low: Low) -> Option<Window> {
        Some(Window { low, high: Cursor::Int(9) })
    }

    fn text(value: &str) -> Bind {
        Bind::Text(value.into())
    }

    #[test]
    fn a_first_page_begins_as_the_window_does() {
        let plan = plan(vec![column("id", int()), column("at", int())], &[0], 1);
        let page = |low| {
            Reading::new(&orders(), &plan, window(low), &PageOrder::planned(&plan), Flavour::MySql).page(
                None,
                &Slice::default(),
                10,
            )
        };
        let after = page(Low::After(Cursor::Int(3)));
        assert_eq!(
            after.sql,
            "SELECT `id`, `at` FROM `shop`.`or``ders` WHERE `at` > ? AND `at` <= ? ORDER BY `at`, `id` LIMIT 10"
        );
        assert_eq!(after.binds, [Bind::Int(3), Bind::Int(9)]);
        assert!(page(Low::From(Cursor::Int(3))).sql.contains("`at` >= ? AND `at` <= ?"));
        assert!(page(Low::Beginning).sql.contains("WHERE `at` <= ? ORDER BY"));
    }

    #[test]
    fn a_later_page_spells_the_row_comparison_out() {
        let decimal = SourceType::Decimal { precision: 10, scale: 2 };
        let plan = plan(vec![column("a", int()), column("b", decimal), column("at", int())], &[0, 1], 2);
        let reading =
            Reading::new(&orders(), &plan, window(Low::Beginning), &PageOrder::planned(&plan), Flavour::MySql);
        let position = Position(vec![Bind::Int(5), Bind::Int(1), text("1.50")]);
        let page = reading.page(Some(&position), &Slice::default(), 10);
        assert_eq!(
            page.sql,
            "SELECT `a`, `b`, `at` FROM `shop`.`or``ders` WHERE `at` >= ? AND `at` <= ? AND (`at` > ? OR (`at` = ? AND \
             (`a` > ? OR (`a` = ? AND (`b` > CAST(? AS DECIMAL(10,2))))))) ORDER BY `at`, `a`, `b` LIMIT 10"
        );
        assert_eq!(page.binds, [5, 9, 5, 5, 1, 1].map(Bind::Int).into_iter().chain([text("1.50")]).collect::<Vec<_>>());
    }

    #[test]
    fn pages_go_by_the_index_that_carries_their_order() {
        let plan = plan(vec![column("a", int()), column("b", int()), column("at", int())], &[0, 1], 2);
        let order = PageOrder { index: Some("i`x".into()), columns: vec![2, 1, 0] };
        let reading = Reading::new(&orders(), &plan, window(Low::Beginning), &order, Flavour::MySql);
        assert!(
            reading.page(None, &Slice::default(), 5).sql.ends_with(
                "FROM `shop`.`or``ders` FORCE INDEX (`i``x`) WHERE `at` <= ? ORDER BY `at`, `b`, `a` LIMIT 5"
            )
        );
        assert!(!reading.stream().sql.contains("FORCE"));
    }

    #[test]
    fn pages_by_the_key_alone_keep_to_the_window() {
        let plan = plan(vec![column("a", int()), column("b", int()), column("at", int())], &[0, 1], 2);
        let order = |columns| PageOrder { index: None, columns };
        let page = |columns: Vec<usize>, values: &[i64]| {
            let position = Position(values.iter().copied().map(Bind::Int).collect());
            Reading::new(&orders(), &plan, window(Low::Beginning), &order(columns), Flavour::MySql).page(
                Some(&position),
                &Slice::default(),
                5,
            )
        };
        let by_one = page(vec![0], &[7]);
        assert!(by_one.sql.ends_with("WHERE `a` > ? AND `at` <= ? ORDER BY `a` LIMIT 5"), "{}", by_one.sql);
        assert_eq!(by_one.binds, [7, 9].map(Bind::Int));
        let by_two = page(vec![1, 0], &[7, 8]);
        let expected =
            "WHERE `b` >= ? AND `at` <= ? AND (`b` > ? OR (`b` = ? AND (`a` > ?))) ORDER BY `b`, `a` LIMIT 5";
        assert!(by_two.sql.ends_with(expected), "{}", by_two.sql);
        assert_eq!(by_two.binds, [7, 9, 7, 7, 8].map(Bind::Int));
    }

    #[test]
    fn a_cursor_that_is_the_key_is_not_compared_twice() {
        let plan = plan(vec![column("id", int())], &[0], 0);
        let reading = Reading::new(
            &orders(),
            &plan,
            window(Low::After(Cursor::Int(3))),
            &PageOrder::planned(&plan),
            Flavour::MySql,
        );
        let page = reading.page(Some(&Position(vec![Bind::Int(5)])), &Slice::default(), 10);
        assert_eq!(page.sql, "SELECT `id` FROM `shop`.`or``ders` WHERE `id` > ? AND `id` <= ? ORDER BY `id` LIMIT 10");
        assert_eq!(page.binds, [Bind::Int(5), Bind::Int(9)]);
    }

    #[test]
    fn a_page_keeps_to_its_slice() {
        let plan = plan(vec![column("id", int()), column("at", int())], &[0], 1);
        let order = PageOrder { index: None, columns: vec![0] };
        let reading = Reading::new(&orders(), &plan, window(Low::Beginning), &order, Flavour::MySql);
        let slice = Slice { from: Some(Bind::Int(100)), to: Some(Bind::Int(200)) };
        let first = reading.page(None, &slice, 5);
        assert!(first.sql.ends_with("WHERE `at` <= ? AND `id` >= ? AND `id` < ? ORDER BY `id` LIMIT 5"), "{first:?}");
        assert_eq!(first.binds, [9, 100, 200].map(Bind::Int));
        let next = reading.page(Some(&Position(vec![Bind::Int(150)])), &slice, 5);
        assert!(next.sql.ends_with("WHERE `id` > ? AND `at` <= ? AND `id` < ? ORDER BY `id` LIMIT 5"), "{next:?}");
        assert_eq!(next.binds, [150, 9, 200].map(Bind::Int));
        assert_eq!(reading.greatest(), Query::plain("SELECT MAX(`id`) FROM `shop`.`or``ders`"));
    }

    #[test]
    fn a_stream_has_no_order_and_a_vector_of_mysql_is_cast() {
        let plan = plan(vec![column("id", int()), column("v", SourceType::Vector)], &[0], 0);
        let stream = |flavour| {
            Reading::new(&orders(), &plan, window(Low::Beginning), &PageOrder::planned(&plan), flavour).stream().sql
        };
        assert_eq!(stream(Flavour::MySql), "SELECT `id`, CAST(`v` AS BINARY) FROM `shop`.`or``ders` WHERE `id` <= ?");
        assert_eq!(stream(Flavour::MariaDb), "SELECT `id`, `v` FROM `shop`.`or``ders` WHERE `id` <= ?");
    }

    #[test]
    fn text_is_asked_for_so_that_nothing_is_lost_on_the_way() {
        let of = |charset: Option<&str>, encoding| {
            let mut column = column("s", SourceType::Text { chars: None });
            (column.source.charset, column.encoding) = (charset.map(Into::into), encoding);
            selected(&column, Flavour::MariaDb)
        };
        for plain in [None, Some("utf8mb4"), Some("latin1"), Some("utf16")] {
            assert_eq!(of(plain, Encoding::Text), "`s`");
        }
        assert_eq!(of(None, Encoding::Bytes), "`s`");
        for text in ["utf8mb4", "latin1", "sjis"] {
            assert_eq!(of(Some(text), Encoding::Bytes), "CAST(`s` AS BINARY)");
        }
        let utf8 = "CAST(CONVERT(`s` USING utf8mb4) AS BINARY)";
        assert_eq!(
            of(Some("sjis"), Encoding::Text),
            format!(
                "IF(LENGTH({utf8}) - LENGTH(REPLACE({utf8}, x'3F', '')) = LENGTH(CAST(`s` AS BINARY)) - \
                 LENGTH(REPLACE(CAST(`s` AS BINARY), x'3F', '')), {utf8}, \
                 CONCAT(x'FF', LEFT(CAST(`s` AS BINARY), 1000)))"
            )
        );
    }

    #[test]
    fn cursors_are_bound_exactly() {
        assert_eq!(Bind::from(&Cursor::Int(i128::from(u64::MAX))), Bind::UInt(u64::MAX));
        assert_eq!(Bind::from(&Cursor::Int(-1)), Bind::Int(-1));
        let moment = crate::domain::cursor::Moment::parse("2024-02-31 00:00:01.5").unwrap();
        assert_eq!(Bind::from(&Cursor::Moment(moment)), text("2024-02-31 00:00:01.500000"));
    }
}
