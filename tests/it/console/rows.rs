//! Rows of both sides side by side, from real servers.

use crate::support::Sandbox;
use crate::support::terminal::says;

#[tokio::test]
async fn the_newest_rows_are_shown_side_by_side_and_masked_values_are_not() {
    let sandbox = Sandbox::new("console_rows").await;
    let mapping = "  - {name: people, mysql_table: people, bigquery_table: people, primary_keys: [id], \
                   incremental_column: updated_at, mode: upsert, exclude: [secret], mask: {email: sha256}, \
                   where: \"id <> 4\"}";
    sandbox.configure("", mapping);
    sandbox
        .sql(
            "CREATE TABLE people (id INT PRIMARY KEY, city VARCHAR(60), email VARCHAR(60), paid DECIMAL(8,2), photo BLOB, \
             secret VARCHAR(20), updated_at DATETIME(6) NOT NULL, doc JSON DEFAULT (JSON_OBJECT('a', 1)), ratio DOUBLE DEFAULT 0.1, at TIME DEFAULT '10:20:30', \
             day DATE DEFAULT '2026-02-28', stamp TIMESTAMP NULL DEFAULT '2026-02-28 01:02:03', flags BIT(4) DEFAULT b'101', \
             place POINT DEFAULT (POINT(1, 2)), big BIGINT UNSIGNED DEFAULT 18446744073709551615, \
             size ENUM('s', 'm') DEFAULT 'm'); \
             INSERT INTO people (id, city, email, paid, photo, secret, updated_at) VALUES (1, 'Łódź', 'ada@example.com', 12.50, x'00ff', 'hush', '2026-11-20 08:00:00'), \
             (2, CONCAT('evil', CHAR(27), '[2J'), 'eve@example.com', 7, NULL, 'hush', '2026-11-20 08:00:01'), \
             (3, NULL, NULL, NULL, NULL, 'hush', '2026-11-20 08:00:02'), \
             (4, 'filtered', 'x', 0, NULL, 'hush', '2026-11-20 08:00:03')",
        )
        .await;
    sandbox.run(&["--no-tui", "run-once"]).await.expect_code(0);
    sandbox.sql("UPDATE people SET city = 'Paris' WHERE id = 1; INSERT INTO people (id, city, email, paid, photo, secret, updated_at) VALUES (5, 'Oslo', 'kay@example.com', 1, NULL, 'hush', '2026-11-21 08:00:00')").await;
    let console = sandbox.terminal_with("LOG_LEVEL=debug BQSYNC_LOG_DIR=logs bqsync").await;
    console.shows("OK").await;
    console.press(&["Enter"]);
    console.shows("Phases").await;
    console.press(&["Enter"]);
    let asked = console.shows("Show the newest rows of people?").await;
    assert!(says(&asked, "bills at least 10 MB"), "{asked}");
    console.press(&["y"]);
    let rows = console.shows("the newest 4 by id").await;
    assert!(says(&rows, "2 alike, 1 differ, 1 not in BigQuery, 1 newer"), "{rows}");
    for part in ["*Paris", "*Łódź", "not there yet: newer than the watermark", "evil\\u001b[2J", "masked", "12.5"] {
        assert!(says(&rows, part), "{part}:\n{rows}");
    }
    for hidden in ["ada@", "eve@", "kay@", "hush", "secret", "filtered"] {
        assert!(!rows.contains(hidden), "{hidden}:\n{rows}");
    }
    console.press(&["G", "Enter"]);
    let one = console.shows("city (differs)").await;
    assert!(says(&one, "0x00ff") && says(&one, "2026-11-20 08:00:00"), "{one}");
    console.press(&["G"]);
    let rest = console.shows("size").await;
    for value in ["18446744073709551615", "2026-02-28 01:02:03", "10:20:30"] {
        assert!(says(&rest, value), "{value}:\n{rest}");
    }
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
    for entry in std::fs::read_dir(sandbox.path("logs")).unwrap() {
        let log = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!["Paris", "Oslo", "Łódź"].iter().any(|value| log.contains(value)), "{log}");
    }
}
