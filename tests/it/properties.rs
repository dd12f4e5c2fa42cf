//! The server's rules that unit tests assume, checked with the server.

use bigquery_syncer::domain::cursor::{Cursor, CursorKind, Moment};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::Sandbox;

/// `count` values, the same in every run.
fn samples<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Few years, so that neighbours differ in every field.
fn moments() -> impl Strategy<Value = Cursor> {
    let date = (prop_oneof![Just(0_u16), Just(1), 2024..=2025_u16, Just(9999)], 0..=12_u8, 0..=31_u8);
    let clock = (0..24_u8, 0..60_u8, 0..60_u8, prop_oneof![Just(0), Just(999_999), 0..1_000_000_u32]);
    (date, clock).prop_map(|((year, month, day), (hour, minute, second, micro))| {
        Cursor::Moment(Moment { year, month, day, hour, minute, second, micro })
    })
}

/// Puts the values into a column in any order, and reads them in the server's order.
async fn as_ordered_by_the_server(sandbox: &Sandbox, column: &str, values: &[Cursor]) -> Vec<String> {
    let rows: Vec<_> = values.iter().map(|value| format!("('{value}')")).collect();
    let table = format!("DROP TABLE IF EXISTS o; CREATE TABLE o (c {column} NOT NULL)");
    sandbox.sql(&format!("{table}; INSERT INTO o VALUES {}", rows.join(","))).await;
    let ordered = sandbox.mysql("SELECT CAST(c AS CHAR) FROM o ORDER BY c").await;
    ordered.into_iter().map(|row| row.into_iter().next().flatten().unwrap()).collect()
}

/// Checks that the server's texts, in its order, give sorted and unchanged values when we read them.
fn assert_same(kind: CursorKind, ordered: &[String], mut values: Vec<Cursor>) {
    values.sort_by(|a, b| a.compare(b).unwrap());
    let read: Vec<_> = ordered.iter().map(|text| Cursor::parse(text, kind).unwrap()).collect();
    assert_eq!(read, values);
}

#[tokio::test]
async fn cursors_are_ordered_as_by_the_server_including_impossible_dates() {
    let sandbox = Sandbox::new("order").await;
    let values = samples(&moments(), 400);
    let ordered = as_ordered_by_the_server(&sandbox, "DATETIME(6)", &values).await;
    let kind = CursorKind::DateTime { fsp: 6, zone: chrono_tz::Tz::UTC };
    assert_same(kind, &ordered, values.clone());

    let days = values.into_iter().map(|value| match value {
        Cursor::Moment(moment) => Cursor::Moment(moment.midnight()),
        Cursor::Int(_) => value,
    });
    let days: Vec<_> = days.collect();
    let ordered = as_ordered_by_the_server(&sandbox, "DATE", &days).await;
    assert_same(CursorKind::Date, &ordered, days);

    for (column, values) in [
        ("BIGINT", samples(&any::<i64>().prop_map(|value| Cursor::Int(value.into())), 200)),
        ("BIGINT UNSIGNED", samples(&any::<u64>().prop_map(|value| Cursor::Int(value.into())), 200)),
    ] {
        let ordered = as_ordered_by_the_server(&sandbox, column, &values).await;
        assert_same(CursorKind::Int, &ordered, values);
    }
}
