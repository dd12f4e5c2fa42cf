//! The stretch below the watermark: the next run finds rows that came there after a run had passed.

use serde_json::Value;

use crate::support::{Sandbox, setting_or};

const TABLE: &str = "CREATE TABLE o (id BIGINT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60), \
     t DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY (t))";

const BOTH: &str = "\
  - {name: current, mysql_table: o, bigquery_table: current, primary_keys: [id], incremental_column: t, mode: upsert}\n\
  - {name: versions, mysql_table: o, bigquery_table: versions, primary_keys: [id], incremental_column: t, mode: append}";

async fn shop(name: &str, table: &str, mappings: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", mappings);
    sandbox.sql(table).await;
    sandbox
}

async fn equal(sandbox: &Sandbox, targets: &[&str]) {
    let rows = sandbox.mysql("SELECT CAST(id AS CHAR), v FROM o ORDER BY id").await;
    for target in targets {
        let arrived = sandbox.bq(&format!("SELECT CAST(id AS STRING), v FROM `{{d}}.{target}` ORDER BY id")).await;
        assert_eq!(arrived, rows, "{target}");
    }
}

async fn passed(milliseconds: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
}

#[tokio::test]
async fn rows_stamped_by_sessions_in_other_zones_all_arrive() {
    let sandbox = shop("zones", TABLE, BOTH).await;
    let rounds = setting_or("ZONE_ROUNDS", 4);
    sandbox.sql("INSERT INTO o (v) VALUES ('first')").await;
    sandbox.sync().await;
    for round in 0..rounds {
        for zone in ["-05:00", "+00:00", "-09:30", "+05:45"] {
            sandbox.sql(&format!("SET time_zone = '{zone}'; INSERT INTO o (v) VALUES ('{zone} {round}')")).await;
        }
        passed(5).await;
        let run = sandbox.command(&["run-once"]).spawn().unwrap();
        // Also rows that come during the run.
        for zone in ["-05:00", "-09:30"] {
            sandbox.sql(&format!("SET time_zone = '{zone}'; INSERT INTO o (v) VALUES ('{zone} {round} beside')")).await;
        }
        let output = tokio::task::spawn_blocking(move || run.wait_with_output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    passed(5).await;
    let last = sandbox.sync().await;
    // Rows from zones east of the mapping's wait until its clock reaches them.
    sandbox.sql("DELETE FROM o WHERE v LIKE '+05:45%'").await;
    equal(&sandbox, &["current", "versions"]).await;
    let warnings = last.mapping("current")["warnings"].to_string();
    assert!(warnings.contains("another time zone"), "{warnings}");
}

#[tokio::test]
async fn a_row_that_changes_twice_in_another_zones_second_arrives_in_its_last_version() {
    let table = "CREATE TABLE o (id INT PRIMARY KEY, v VARCHAR(60), t DATETIME NOT NULL, KEY (t)); \
         INSERT INTO o VALUES (1, 'old', '2026-01-01')";
    let mapping = BOTH.lines().next().unwrap();
    let sandbox = shop("same_second", table, mapping).await;
    sandbox.sync().await;
    let now =
        sandbox.mysql("SELECT CAST(UTC_TIMESTAMP() - INTERVAL 5 HOUR AS CHAR)").await.remove(0).remove(0).unwrap();
    sandbox.sql(&format!("INSERT INTO o VALUES (2, 'once', '{now}')")).await;
    sandbox.sync().await;
    sandbox.sql("UPDATE o SET v = 'twice' WHERE id = 2").await;
    sandbox.sync().await;
    equal(&sandbox, &["current"]).await;
}

#[tokio::test]
async fn rows_stamped_by_a_clock_that_was_set_back_arrive_and_are_counted() {
    let table = TABLE.replace("DATETIME", "TIMESTAMP");
    let sandbox = shop("set_back", &table, BOTH).await;
    sandbox.sql("INSERT INTO o (v) VALUES ('before')").await;
    passed(5).await;
    sandbox.sync().await;
    sandbox.sql("SET timestamp = UNIX_TIMESTAMP() - 15; INSERT INTO o (v) VALUES ('set back'), ('too')").await;
    let run = sandbox.sync().await;
    equal(&sandbox, &["current", "versions"]).await;
    for mapping in ["current", "versions"] {
        let report = run.mapping(mapping);
        assert_eq!((&report["rows_late"], &report["rows_read_again"]), (&Value::from(2), &Value::from(3)), "{report}");
    }
    let calm = sandbox.sync().await.mapping("current");
    assert_eq!((&calm["rows_read_again"], &calm["jobs"]), (&Value::from(0), &serde_json::json!([])), "{calm}");
}

#[tokio::test]
async fn numbers_that_appear_below_the_watermark_arrive_once() {
    let mapping = "  - {name: versions, mysql_table: o, bigquery_table: versions, primary_keys: [id], incremental_column: id, mode: append}\n  - {name: keyless, mysql_table: o, bigquery_table: keyless, incremental_column: id, mode: append}";
    let sandbox = shop("numbers", TABLE, mapping).await;
    sandbox.sql("INSERT INTO o (id, v) VALUES (1, 'a'), (5, 'e')").await;
    sandbox.sync().await;
    sandbox.sql("INSERT INTO o (id, v) VALUES (3, 'c'), (6, 'f')").await;
    let run = sandbox.sync().await;
    assert_eq!(run.mapping("versions")["rows_late"], 1);
    equal(&sandbox, &["versions", "keyless"]).await;
}

#[tokio::test]
async fn the_last_minutes_are_reread_if_the_state_remembers_no_tail() {
    let sandbox = shop("no_memory", &TABLE.replace("DATETIME", "TIMESTAMP"), BOTH).await;
    sandbox.sql("INSERT INTO o (v) VALUES ('before')").await;
    passed(5).await;
    sandbox.sync().await;
    sandbox.sql("SET timestamp = UNIX_TIMESTAMP() - 300; INSERT INTO o (v) VALUES ('missed')").await;
    let mut state = sandbox.read_json("state/state.json");
    for mapping in ["current", "versions"] {
        state["bqsync"]["mappings"][mapping].as_object_mut().unwrap().remove("tail").expect("a tail");
    }
    sandbox.write("state/state.json", &state.to_string());
    sandbox.sync().await;
    equal(&sandbox, &["current", "versions"]).await;
}

#[tokio::test]
async fn a_lookback_of_zero_rereads_nothing() {
    let mappings =
        BOTH.replace("mode: upsert", "mode: upsert, lookback: 0").replace("mode: append", "mode: append, lookback: 0");
    let sandbox = shop("no_tail", TABLE, &mappings).await;
    sandbox.sql("INSERT INTO o (v) VALUES ('before')").await;
    passed(5).await;
    sandbox.sync().await;
    sandbox.sql("SET timestamp = UNIX_TIMESTAMP() - 15; INSERT INTO o (v) VALUES ('late')").await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.current`").await, 1);
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.versions`").await, 1);
}

#[tokio::test]
async fn a_table_whose_numbers_restart_is_not_skipped() {
    let mapping =
        "  - {name: o, mysql_table: o, bigquery_table: o, primary_keys: [id], incremental_column: id, mode: append}";
    let sandbox = shop("again", TABLE, mapping).await;
    sandbox.sql("INSERT INTO o (v) VALUES ('a'), ('b'), ('c')").await;
    sandbox.sync().await;
    sandbox.sql("DELETE FROM o WHERE id > 1").await;
    let report = sandbox.sync().await.mapping("o");
    assert!(report["warnings"][0].as_str().unwrap().contains("rows were deleted"), "{report}");
    sandbox.sql("TRUNCATE o; INSERT INTO o (v) VALUES ('new')").await;
    let report = sandbox.run_once().await.expect_code(1).mapping("o");
    let (error, hint) = (report["errors"][0].as_str().unwrap(), report["hint"].as_str().unwrap());
    assert!(
        error.contains("numbers have begun again") && hint.contains("run-once --forget-watermark --mapping o"),
        "{error} {hint}"
    );
}

#[tokio::test]
async fn numbers_that_count_seconds_wait_for_their_second_to_end() {
    let table = "CREATE TABLE o (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60), at INT NOT NULL, KEY (at))";
    let mapping =
        "  - {name: o, mysql_table: o, bigquery_table: o, primary_keys: [id], incremental_column: at, mode: upsert}";
    let sandbox = shop("epoch", table, mapping).await;
    sandbox.sql("INSERT INTO o (v, at) VALUES ('old', UNIX_TIMESTAMP() - 60), ('ahead', UNIX_TIMESTAMP() + 50)").await;
    sandbox.sync().await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.o`").await, 1);
    sandbox
        .sql("DELETE FROM o WHERE v = 'ahead'; INSERT INTO o (v, at) VALUES ('settled', UNIX_TIMESTAMP() - 1)")
        .await;
    sandbox.sync().await;
    equal(&sandbox, &["o"]).await;
}

#[tokio::test]
async fn a_number_of_a_wrong_clock_does_not_carry_the_watermark_past_the_rows_before_it() {
    for (unit, second) in [("seconds", "1"), ("milliseconds", "1000"), ("microseconds", "1000000")] {
        let table = "CREATE TABLE o (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60), at BIGINT NOT NULL, KEY (at))";
        let mapping = "  - {name: o, mysql_table: o, bigquery_table: o, primary_keys: [id], incremental_column: at, mode: upsert}";
        let sandbox = shop(&format!("ahead_{unit}"), table, mapping).await;
        let number = |seconds: &str| format!("(UNIX_TIMESTAMP() {seconds}) * {second}");
        let insert = |v: &str, seconds: &str| format!("INSERT INTO o (v, at) VALUES ('{v}', {})", number(seconds));
        sandbox.sql(&format!("{}; {}", insert("old", "- 60"), insert("ahead", "+ 50000"))).await;
        let report = sandbox.sync().await.mapping("o");
        assert!(report["warnings"][0].as_str().unwrap().contains("beyond the server's clock"), "{report}");
        sandbox.sql(&insert("later", "- 2")).await;
        let report = sandbox.sync().await.mapping("o");
        assert_eq!(report["records_processed"], 1, "{unit}: {report}");

        // The watermark of an earlier version, which took the row.
        let mut state = sandbox.read_json("state/state.json");
        let ahead = sandbox.mysql("SELECT CAST(MAX(at) AS CHAR) FROM o").await.remove(0).remove(0).unwrap();
        state["last_sync"]["o"] = ahead.into();
        sandbox.write("state/state.json", &state.to_string());
        let report = sandbox.run_once().await.expect_code(1).mapping("o");
        assert!(report["errors"][0].as_str().unwrap().contains("MySQL's clock shows"), "{unit}: {report}");
    }
}

#[tokio::test]
async fn a_number_of_another_unit_or_for_ever_does_not_carry_the_watermark_away() {
    let table = "CREATE TABLE o (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60), at BIGINT NOT NULL, KEY (at))";
    let mapping =
        "  - {name: o, mysql_table: o, bigquery_table: o, primary_keys: [id], incremental_column: at, mode: upsert}";
    let sandbox = shop("units", table, mapping).await;
    let now = "INSERT INTO o (v, at) VALUES ('settled', UNIX_TIMESTAMP() - 2), ('settled too', UNIX_TIMESTAMP() - 2)";
    sandbox.sql(now).await;
    sandbox.sync().await;
    for odd in ["UNIX_TIMESTAMP() * 1000", "253402300799", "9223372036854775807"] {
        sandbox.sql(&format!("{now}; INSERT INTO o (v, at) VALUES ('odd', {odd})")).await;
        let report = sandbox.sync().await.mapping("o");
        assert!(report["warnings"][0].as_str().unwrap().contains("beyond the server's clock"), "{odd}: {report}");
        sandbox.sql(now).await;
        sandbox.sync().await;
        sandbox.sql("DELETE FROM o WHERE v = 'odd'").await;
        equal(&sandbox, &["o"]).await;
    }
}

#[tokio::test]
async fn order_numbers_that_begin_with_a_day_are_no_clock() {
    let table = "CREATE TABLE o (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60), n BIGINT NOT NULL, KEY (n))";
    let mapping =
        "  - {name: o, mysql_table: o, bigquery_table: o, primary_keys: [id], incremental_column: n, mode: upsert}";
    let sandbox = shop("orders", table, mapping).await;
    // Of 2017, of which some lie below the seconds of the present, of last week, and of a delivery to come.
    let of =
        |days: &str| format!("INSERT INTO o (v, n) VALUES ('o', DATE_FORMAT(UTC_DATE() {days}, '%y%m%d') * 10000 + 7)");
    sandbox.sql("INSERT INTO o (v, n) VALUES ('old', 1701300007), ('old', 1702010007)").await;
    for days in ["- INTERVAL 7 DAY", "- INTERVAL 1 DAY", "+ INTERVAL 60 DAY", "+ INTERVAL 61 DAY"] {
        sandbox.sql(&of(days)).await;
        sandbox.sync().await;
        equal(&sandbox, &["o"]).await;
    }
}

#[tokio::test]
async fn rows_of_the_future_wait_however_many_they_are() {
    let table = "CREATE TABLE o (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60), at BIGINT NOT NULL, KEY (at))";
    let mapping =
        "  - {name: o, mysql_table: o, bigquery_table: o, primary_keys: [id], incremental_column: at, mode: append}";
    let sandbox = shop("planned", table, mapping).await;
    let now = "INSERT INTO o (v, at) VALUES ('now', (UNIX_TIMESTAMP() - 2) * 1000)";
    sandbox.sql(now).await;
    sandbox.sync().await;
    sandbox
        .sql(
            "INSERT INTO o (v, at) WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 999) \
             SELECT 'ahead', (UNIX_TIMESTAMP() + 86400 + n) * 1000 FROM n; INSERT INTO o (v, at) SELECT v, at + 1 FROM o",
        )
        .await;
    sandbox.sync().await;
    sandbox.sql("INSERT INTO o (v, at) VALUES ('later', (UNIX_TIMESTAMP() - 1) * 1000)").await;
    let report = sandbox.sync().await.mapping("o");
    assert_eq!(report["records_processed"], 1, "{report}");
    assert!(report["warnings"][0].as_str().unwrap().contains("beyond the server's clock"), "{report}");
}

#[tokio::test]
async fn a_counter_that_passes_the_clock_is_no_clock() {
    let table = "CREATE TABLE o (id BIGINT NOT NULL AUTO_INCREMENT, v VARCHAR(60), day DATE NOT NULL, \
         PRIMARY KEY (id, day)) AUTO_INCREMENT = 1790000000";
    let mapping = "  - {name: o, mysql_table: o, bigquery_table: o, primary_keys: [id, day], incremental_column: id, mode: append}";
    let sandbox = shop("counter", table, mapping).await;
    sandbox.sql("INSERT INTO o (v, day) VALUES ('below', '2026-11-01')").await;
    sandbox.sync().await;
    sandbox
        .sql("ALTER TABLE o AUTO_INCREMENT = 2100000000; INSERT INTO o (v, day) VALUES ('above', '2026-11-02')")
        .await;
    sandbox.sync().await;
    equal(&sandbox, &["o"]).await;
}

#[tokio::test]
async fn rows_of_today_in_a_date_column_are_reported_as_waiting() {
    let table = "CREATE TABLE o (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60), at DATE NOT NULL, KEY (at))";
    let mapping =
        "  - {name: o, mysql_table: o, bigquery_table: o, primary_keys: [id], incremental_column: at, mode: upsert}";
    let sandbox = shop("today", table, mapping).await;
    sandbox.sql("INSERT INTO o (v, at) VALUES ('old', UTC_DATE() - INTERVAL 3 DAY), ('today', UTC_DATE())").await;
    let report = sandbox.sync().await.mapping("o");
    assert!(report["held_back"].as_str().unwrap().contains("until that day has ended"), "{report}");
}

#[tokio::test]
async fn a_row_that_gets_an_older_stamp_replaces_what_bigquery_holds() {
    let table = "CREATE TABLE o (id INT PRIMARY KEY, v VARCHAR(60), \
         t DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY (t)); \
         INSERT INTO o (id, v) VALUES (1, 'old'), (2, 'old'), (3, 'old')";
    let sandbox = shop("older", table, BOTH.lines().next().unwrap()).await;
    passed(1100).await;
    sandbox.sync().await;
    sandbox.sql("SET time_zone = '-05:00'; UPDATE o SET v = 'another zone' WHERE id = 1").await;
    sandbox.sql("SET timestamp = UNIX_TIMESTAMP() - 20; UPDATE o SET v = 'set back' WHERE id = 2").await;
    sandbox.sql("SET timestamp = UNIX_TIMESTAMP() - 20; REPLACE INTO o (id, v) VALUES (3, 'put back')").await;
    sandbox.sync().await;
    equal(&sandbox, &["current"]).await;
}

#[tokio::test]
async fn an_append_without_keys_doubles_nothing_when_a_column_is_added() {
    let table = "CREATE TABLE o (id INT NOT NULL, v VARCHAR(60), t TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY (t)); \
         INSERT INTO o (id, v) VALUES (1, 'a'), (2, 'b')";
    let mapping = "  - {name: keyless, mysql_table: o, bigquery_table: keyless, incremental_column: t, mode: append}";
    let sandbox = shop("altered", table, mapping).await;
    sandbox.configure("allow_schema_additions: true", mapping);
    passed(5).await;
    sandbox.sync().await;
    sandbox.sql("ALTER TABLE o ADD COLUMN z INT DEFAULT 5; SET timestamp = UNIX_TIMESTAMP() - 9; INSERT INTO o (id, v) VALUES (3, 'late')").await;
    let report = sandbox.sync().await.mapping("keyless");
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.keyless`").await, 2);
    assert!(report["warnings"].to_string().contains("not looked for"), "{report}");
}
