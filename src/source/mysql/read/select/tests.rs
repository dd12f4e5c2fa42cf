//! The exact statements.

use super::*;
use crate::domain::cursor::Cursor;
use crate::domain::row_filter::RowFilter;
use crate::domain::window::Low;
use crate::source::mysql::samples::{column, plan};

fn int() -> SourceType {
    SourceType::Int { bits: 64, unsigned: false }
}

fn orders() -> SourceTable {
    SourceTable::whole(Some("shop".into()), "or`ders".into())
}

#[expect(clippy::unnecessary_wraps, reason = "what `Reading` takes")]
fn window(low: Low) -> Option<Window> {
    Some(Window { low, high: Cursor::Int(9) })
}

fn text(value: &str) -> Bind {
    Bind::Text(value.into())
}

#[test]
fn the_first_page_begins_where_the_window_begins() {
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
fn later_pages_spell_out_the_row_comparison() {
    let decimal = SourceType::Decimal { precision: 10, scale: 2 };
    let plan = plan(vec![column("a", int()), column("b", decimal), column("at", int())], &[0, 1], 2);
    let reading = Reading::new(&orders(), &plan, window(Low::Beginning), &PageOrder::planned(&plan), Flavour::MySql);
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
fn pages_force_the_index_that_has_their_order() {
    let plan = plan(vec![column("a", int()), column("b", int()), column("at", int())], &[0, 1], 2);
    let order = PageOrder { index: Some("i`x".into()), columns: vec![2, 1, 0] };
    let reading = Reading::new(&orders(), &plan, window(Low::Beginning), &order, Flavour::MySql);
    assert!(
        reading
            .page(None, &Slice::default(), 5)
            .sql
            .ends_with("FROM `shop`.`or``ders` FORCE INDEX (`i``x`) WHERE `at` <= ? ORDER BY `at`, `b`, `a` LIMIT 5")
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
    let expected = "WHERE `b` >= ? AND `at` <= ? AND (`b` > ? OR (`b` = ? AND (`a` > ?))) ORDER BY `b`, `a` LIMIT 5";
    assert!(by_two.sql.ends_with(expected), "{}", by_two.sql);
    assert_eq!(by_two.binds, [7, 9, 7, 7, 8].map(Bind::Int));
}

#[test]
fn a_cursor_that_is_the_key_is_not_compared_twice() {
    let plan = plan(vec![column("id", int())], &[0], 0);
    let reading =
        Reading::new(&orders(), &plan, window(Low::After(Cursor::Int(3))), &PageOrder::planned(&plan), Flavour::MySql);
    let page = reading.page(Some(&Position(vec![Bind::Int(5)])), &Slice::default(), 10);
    assert_eq!(page.sql, "SELECT `id` FROM `shop`.`or``ders` WHERE `id` > ? AND `id` <= ? ORDER BY `id` LIMIT 10");
    assert_eq!(page.binds, [Bind::Int(5), Bind::Int(9)]);
}

#[test]
fn a_page_stays_within_its_slice() {
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
fn every_statement_has_the_filter_and_never_selects_values_that_do_not_arrive() {
    let mut plan = plan(vec![column("id", int()), column("v", int())], &[0], 0);
    plan.columns[1].mask = Some(Mask::Null);
    let some = SourceTable { filter: Some(RowFilter::parse("a OR b").unwrap()), ..orders() };
    let reading = Reading::new(&some, &plan, window(Low::Beginning), &PageOrder::planned(&plan), Flavour::MySql);
    let from = "SELECT `id`, NULL FROM `shop`.`or``ders` WHERE (`id` <= ?) AND (a OR b)";
    assert_eq!(reading.stream().sql, from);
    assert_eq!(reading.page(None, &Slice::default(), 5).sql, format!("{from} ORDER BY `id` LIMIT 5"));
    let keyed = reading.rows_where(("`id` IN (?)".to_owned(), vec![Bind::Int(1)])).sql;
    assert!(keyed.ends_with("WHERE (`id` <= ? AND `id` IN (?)) AND (a OR b)"), "{keyed}");
    let greatest = "SELECT `id` FROM `shop`.`or``ders` WHERE (a OR b) ORDER BY `id` DESC LIMIT 1";
    assert_eq!(reading.greatest(), Query::plain(greatest));
}

#[test]
fn text_is_selected_without_loss() {
    let of = |charset: Option<&str>, encoding| {
        let mut column = column("s", SourceType::Text { chars: None });
        (column.source.charset, column.encoding) = (charset.map(Into::into), encoding);
        selected(&column, Flavour::MariaDb)
    };
    for plain in [None, Some("utf8mb4"), Some("latin1"), Some("utf16")] {
        assert_eq!(of(plain, Encoding::Text), "`s`");
    }
    assert_eq!(of(Some("ascii"), Encoding::Text), of(Some("sjis"), Encoding::Text));
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
