//! Incremental upserts: first run, nothing new, changes, composite and text keys.

use crate::support::{Sandbox, plain_decimals, rows};

const USERS: &str = "  - {name: users, mysql_table: users, bigquery_table: users, primary_keys: [id], \
                     incremental_column: updated_at, mode: upsert}";

const CREATE_USERS: &str = "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(50), \
                            updated_at TIMESTAMP(6) NOT NULL DEFAULT '2026-01-01 00:00:00', KEY (updated_at));";

#[tokio::test]
async fn the_first_run_brings_every_row_and_the_second_brings_nothing() {
    let sandbox = Sandbox::new("first").await;
    sandbox.configure("", USERS);
    sandbox.sql(CREATE_USERS).await;
    sandbox
        .sql("INSERT INTO users VALUES (1, 'Ada', '2026-01-01 10:00:00.5'), (2, NULL, '2026-01-02'), (3, '', '2026-01-03')")
        .await;

    let first = sandbox.sync().await.mapping("users");
    assert_eq!(first["records_processed"], 3);
    assert_eq!(first["watermark_after"], "2026-01-03 00:00:00");
    let expected = vec![
        vec![Some("1".into()), Some("Ada".into()), Some("2026-01-01 10:00:00.500000".into())],
        vec![Some("2".into()), None, Some("2026-01-02 00:00:00.000000".into())],
        vec![Some("3".into()), Some(String::new()), Some("2026-01-03 00:00:00.000000".into())],
    ];
    let query = "SELECT CAST(id AS STRING), name, FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%E6S', updated_at) \
                 FROM `{d}.users` ORDER BY id";
    assert_eq!(sandbox.bq(query).await, expected);

    let second = sandbox.sync().await.mapping("users");
    assert_eq!(second["records_processed"], 0);
    assert!(second["jobs"].as_array().unwrap().is_empty(), "nothing new costs no job: {second}");
    assert_eq!(sandbox.bq(query).await, expected);
}

#[tokio::test]
async fn changed_rows_replace_old_ones_and_new_rows_are_added() {
    let sandbox = Sandbox::new("change").await;
    sandbox.configure("", USERS);
    sandbox.sql(CREATE_USERS).await;
    sandbox.sql("INSERT INTO users (id, name) VALUES (1, 'a'), (2, 'b')").await;
    sandbox.sync().await;

    sandbox.sql("UPDATE users SET name = 'B', updated_at = '2026-02-01' WHERE id = 2").await;
    sandbox.sql("INSERT INTO users VALUES (3, 'c', '2026-02-01')").await;
    let report = sandbox.sync().await.mapping("users");
    // Row 1 is read again with them, because row 2 has left its place below the watermark.
    assert_eq!((&report["rows_inserted"], &report["rows_updated"]), (&1.into(), &2.into()));
    assert_eq!((&report["rows_read_again"], &report["rows_late"]), (&1.into(), &0.into()));
    let expected = rows(&[&["1", "a"], &["2", "B"], &["3", "c"]]);
    assert_eq!(sandbox.bq("SELECT CAST(id AS STRING), name FROM `{d}.users` ORDER BY id").await, expected);
}

#[tokio::test]
async fn a_newer_row_in_bigquery_is_not_overwritten_by_an_older_one() {
    let sandbox = Sandbox::new("older").await;
    sandbox.configure("", USERS);
    sandbox.sql(CREATE_USERS).await;
    sandbox.sql("INSERT INTO users VALUES (1, 'new', '2026-03-01')").await;
    sandbox.sync().await;
    // The operator sets the watermark back while the source holds an older state of the row.
    sandbox.sql("UPDATE users SET name = 'old', updated_at = '2026-02-01'").await;
    sandbox.write("state/state.json", r#"{"last_sync": {"users": "2026-01-01 00:00:00"}}"#);
    sandbox.sync().await;
    assert_eq!(sandbox.bq("SELECT name FROM `{d}.users`").await, rows(&[&["new"]]));
}

#[tokio::test]
async fn composite_and_text_keys_find_their_rows() {
    let sandbox = Sandbox::new("keys").await;
    sandbox.configure(
        "",
        "  - {name: prices, mysql_table: prices, bigquery_table: prices, primary_keys: [region, sku], \
         incremental_column: changed, mode: upsert}",
    );
    sandbox
        .sql(
            "CREATE TABLE prices (sku VARCHAR(20), region CHAR(2), price DECIMAL(10,2), changed DATETIME NOT NULL, \
             PRIMARY KEY (sku, region), KEY (changed)); \
             INSERT INTO prices VALUES ('ä-1', 'de', 1.10, '2026-01-01'), ('ä-1', 'us', 2.20, '2026-01-01'), \
             ('b', 'de', 3.30, '2026-01-01')",
        )
        .await;
    sandbox.sync().await;
    sandbox.sql("UPDATE prices SET price = 9.99, changed = '2026-01-02' WHERE sku = 'ä-1' AND region = 'us'").await;
    sandbox.sync().await;
    let query = "SELECT sku, region, CAST(price AS STRING) FROM `{d}.prices` ORDER BY sku DESC, region";
    assert_eq!(
        plain_decimals(sandbox.bq(query).await),
        rows(&[&["ä-1", "de", "1.1"], &["ä-1", "us", "9.99"], &["b", "de", "3.3"]])
    );
}

#[tokio::test]
async fn an_empty_table_creates_its_target_and_moves_no_watermark() {
    let sandbox = Sandbox::new("empty").await;
    sandbox.configure("", USERS);
    sandbox.sql(CREATE_USERS).await;
    let report = sandbox.sync().await.mapping("users");
    assert_eq!(report["records_processed"], 0);
    assert!(report["watermark_after"].is_null());
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.users`").await, 0);
}

#[tokio::test]
async fn a_view_and_a_partitioned_table_are_tables_like_others() {
    let sandbox = Sandbox::new("view").await;
    sandbox.configure(
        "",
        "  - {name: v, mysql_table: active, bigquery_table: v, primary_keys: [id], incremental_column: updated_at, mode: upsert}\n\
         \x20 - {name: p, mysql_table: parts, bigquery_table: p, primary_keys: [id], incremental_column: id, mode: upsert}",
    );
    sandbox.sql(CREATE_USERS).await;
    sandbox
        .sql(
            "INSERT INTO users (id, name) VALUES (1, 'a'), (2, NULL); \
             CREATE VIEW active AS SELECT id, name, updated_at FROM users WHERE name IS NOT NULL; \
             CREATE TABLE parts (id INT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 3; \
             INSERT INTO parts VALUES (1, 10), (2, 20), (3, 30)",
        )
        .await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq("SELECT CAST(id AS STRING) FROM `{d}.v`").await, rows(&[&["1"]]));
    assert_eq!(sandbox.bq_number("SELECT SUM(v) FROM `{d}.p`").await, 60);
}

#[tokio::test]
async fn odd_names_arrive_under_valid_bigquery_names() {
    let sandbox = Sandbox::new("odd").await;
    sandbox.configure(
        "",
        "  - {name: odd, mysql_table: \"we`ird. ta\\\"ble\", bigquery_table: odd, primary_keys: [\"the key\"], \
         incremental_column: \"when?\", mode: upsert}",
    );
    sandbox
        .sql(
            "CREATE TABLE `we``ird. ta\"ble` (`the key` INT PRIMARY KEY, `when?` DATETIME NOT NULL, `größe` INT, \
             `select` INT, `2nd` INT, `_partitiontime` INT, KEY (`when?`)); \
             INSERT INTO `we``ird. ta\"ble` VALUES (1, '2026-01-01', 2, 3, 4, 5)",
        )
        .await;
    sandbox.sync().await;
    let query = "SELECT CAST(`the_key` AS STRING), CAST(`größe` AS STRING), CAST(`select` AS STRING), \
                 CAST(`c_2nd` AS STRING), CAST(`c__partitiontime` AS STRING) FROM `{d}.odd`";
    assert_eq!(sandbox.bq(query).await, rows(&[&["1", "2", "3", "4", "5"]]));
}

#[tokio::test]
async fn rows_of_the_current_second_wait_for_the_next_run() {
    let sandbox = Sandbox::new("tick").await;
    sandbox.configure("", USERS);
    sandbox.sql(CREATE_USERS).await;
    sandbox.sql("INSERT INTO users VALUES (1, 'past', '2026-01-01'), (2, 'future', NOW(6) + INTERVAL 1 HOUR)").await;
    let report = sandbox.sync().await.mapping("users");
    assert_eq!(report["records_processed"], 1);
    assert_eq!(report["watermark_after"], "2026-01-01 00:00:00");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("beyond the server's clock"), "{warnings}");
}
