//! Append mode: every row once, with and without keys.

use crate::support::{Sandbox, rows};

const EVENTS: &str = "  - {name: events, mysql_table: events, bigquery_table: events, primary_keys: [id], \
                      incremental_column: id, mode: append}";

/// The mapping reads the rows of the last day again on every run.
const EVENTS_BY_DAY: &str = "  - {name: events, mysql_table: events, bigquery_table: events, primary_keys: [id], \
                             incremental_column: day, mode: append, operator: \">=\"}";

const CREATE_EVENTS: &str = "CREATE TABLE events (id BIGINT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20)); \
     INSERT INTO events (what) VALUES ('a'), ('b'), ('c');";

const QUERY: &str = "SELECT CAST(id AS STRING), what FROM `{d}.events` ORDER BY id, what";

#[tokio::test]
async fn appended_rows_arrive_once() {
    let sandbox = Sandbox::new("append").await;
    sandbox.configure("", EVENTS);
    sandbox.sql(CREATE_EVENTS).await;
    sandbox.sync().await;
    sandbox.sql("INSERT INTO events (what) VALUES ('d')").await;
    let report = sandbox.sync().await.mapping("events");
    assert_eq!(report["records_processed"], 1);
    assert_eq!(report["watermark_after"], "4");
    assert_eq!(sandbox.bq(QUERY).await, rows(&[&["1", "a"], &["2", "b"], &["3", "c"], &["4", "d"]]));
}

#[tokio::test]
async fn a_lost_state_doubles_nothing_if_keys_are_unique() {
    let sandbox = Sandbox::new("lost").await;
    sandbox.configure("", EVENTS);
    sandbox.sql(CREATE_EVENTS).await;
    sandbox.sync().await;
    std::fs::remove_dir_all(sandbox.path("state")).unwrap();
    sandbox.sql("INSERT INTO events (what) VALUES ('d')").await;
    let report = sandbox.sync().await.mapping("events");
    assert_eq!((&report["records_processed"], &report["rows_inserted"]), (&4.into(), &1.into()));
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.events`").await, 4);
}

#[tokio::test]
async fn equal_rows_without_keys_all_arrive_and_a_lost_state_doubles_none() {
    let sandbox = Sandbox::new("nokey").await;
    let mapping = "  - {name: log, mysql_table: log, bigquery_table: log, incremental_column: at, mode: append}";
    sandbox.configure("", mapping);
    sandbox
        .sql(
            "CREATE TABLE log (at DATETIME(3) NOT NULL, line TEXT, amount DECIMAL(10,2), took FLOAT, KEY (at)); \
             INSERT INTO log VALUES ('2026-01-01', 'x', 1.50, 0.1), ('2026-01-01', 'x', 1.50, 0.1), \
             ('2026-01-01 00:00:00.001', NULL, NULL, NULL)",
        )
        .await;
    sandbox.sync().await;
    let lines = |lines: &[Option<&str>]| lines.iter().map(|l| vec![l.map(str::to_owned)]).collect::<Vec<_>>();
    let query = "SELECT line FROM `{d}.log` ORDER BY at, line";
    assert_eq!(sandbox.bq(query).await, lines(&[Some("x"), Some("x"), None]));

    std::fs::remove_dir_all(sandbox.path("state")).unwrap();
    sandbox.sql("INSERT INTO log VALUES ('2026-01-01', 'x', 1.50, 0.1), ('2026-01-02', 'z', 0, -1)").await;
    let report = sandbox.sync().await.mapping("log");
    assert_eq!((&report["records_processed"], &report["rows_inserted"]), (&5.into(), &2.into()));
    assert_eq!(sandbox.bq(query).await, lines(&[Some("x"), Some("x"), Some("x"), None, Some("z")]));
}

#[tokio::test]
async fn greater_or_equal_rereads_the_boundary_without_doubling_it() {
    let sandbox = Sandbox::new("ge").await;
    sandbox.configure("", EVENTS_BY_DAY);
    sandbox
        .sql(
            "CREATE TABLE events (id INT PRIMARY KEY, what VARCHAR(20), day DATE NOT NULL, KEY (day)); \
             INSERT INTO events VALUES (1, 'a', '2026-01-01'), (2, 'b', '2026-01-02')",
        )
        .await;
    sandbox.sync().await;
    sandbox.sql("INSERT INTO events VALUES (3, 'late', '2026-01-02')").await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq(QUERY).await, rows(&[&["1", "a"], &["2", "b"], &["3", "late"]]));
}

#[tokio::test]
async fn keys_that_are_not_unique_at_the_source_lose_no_appended_row() {
    let sandbox = Sandbox::new("appenddup").await;
    sandbox.configure("", EVENTS_BY_DAY);
    sandbox
        .sql(
            "CREATE TABLE events (id INT NOT NULL, what VARCHAR(20), day DATE NOT NULL, KEY (day)); \
             INSERT INTO events VALUES (1, 'a', '2026-01-01'), (1, 'a', '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    sandbox.sql("INSERT INTO events VALUES (1, 'b', '2026-01-01')").await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq(QUERY).await, rows(&[&["1", "a"], &["1", "a"], &["1", "b"]]));
}
