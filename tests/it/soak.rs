//! A shop that keeps writing while runs follow one another and are killed at random moments. A seed, which is printed,
//! decides the moments: `SOAK_SEED=... make soak` repeats the same choices.

use std::time::{Duration, Instant};

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

use crate::support::{Sandbox, setting_or};

const MAPPINGS: &str = "\
  - {name: current, mysql_table: t, bigquery_table: current, primary_keys: [id], incremental_column: at, mode: upsert}\n\
  - {name: versions, mysql_table: t, bigquery_table: versions, primary_keys: [id], incremental_column: at, mode: append}\n\
  - {name: events, mysql_table: e, bigquery_table: events, incremental_column: id, mode: append}\n\
  - {name: zoned, mysql_table: z, bigquery_table: zoned, primary_keys: [id], incremental_column: at, mode: upsert}\n\
  - {name: zoned_versions, mysql_table: z, bigquery_table: zoned_versions, primary_keys: [id], incremental_column: at, mode: append}\n\
  - {name: stamped, mysql_table: s, bigquery_table: stamped, primary_keys: [id], incremental_column: at, mode: upsert}\n\
  - {name: mirrored, mysql_table: m, bigquery_table: mirrored, primary_keys: [id], mode: mirror, max_delete_fraction: 1}\n\
  - {name: mirrored_texts, mysql_table: mt, bigquery_table: mirrored_texts, primary_keys: [id], mode: mirror, max_delete_fraction: 1}";

const TABLES: &str = "\
    CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40), at DATETIME NOT NULL, KEY (at)); \
    CREATE TABLE e (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40)); \
    CREATE TABLE z (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40), \
    at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), KEY (at)); \
    CREATE TABLE s (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40), \
    at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), KEY (at)); \
    CREATE TABLE m (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40)); \
    CREATE TABLE mt (id VARCHAR(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY, v VARCHAR(40)); \
    INSERT INTO m (v) VALUES ('stays'); INSERT INTO mt VALUES ('stays', 'stays'); \
    INSERT INTO t (v, at) VALUES ('old', '2026-01-01'), ('old', '2026-01-01'), ('old', '2026-01-02'); \
    SET GLOBAL event_scheduler = ON";

/// An application's indirect ways of writing, as they look to those who watch the server's statements.
const ROUTINES: [&str; 2] = [
    "CREATE PROCEDURE slow() BEGIN INSERT INTO s (v) VALUES (CONCAT('procedure ', SLEEP(RAND()))); END",
    "CREATE EVENT now_and_then ON SCHEDULE EVERY 1 SECOND DO INSERT INTO s (v) VALUES (CONCAT('event ', SLEEP(RAND() / 2)))",
];

/// Zones of the writers' sessions. (Rows from zones further east wait until the mapping's clock reaches them.)
const ZONES: [&str; 3] = ["+00:00", "-05:00", "-09:30"];

/// Long enough for a few dozen kills; `make soak` takes two minutes.
const SECONDS: u64 = 15;

struct Dice(TestRng);

impl Dice {
    fn new(seed: u64) -> Self {
        let bytes: Vec<u8> = seed.to_le_bytes().iter().copied().cycle().take(32).collect();
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    fn below(&mut self, most: u64) -> u64 {
        self.0.next_u64() % most
    }

    /// True once in `times`.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

async fn execute(connection: &mut MySqlConnection, sql: String) {
    // Two writers that want each other's rows: the server ends one of the transactions, as in a real shop. If they want
    // each other's lock on the next number, the error is 1467 instead of deadlock (1213) or timeout (1205).
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await {
        let text = error.to_string();
        assert!(["1213", "1205", "1467"].iter().any(|number| text.contains(number)), "{text}");
        sqlx::raw_sql("ROLLBACK").execute(connection).await.unwrap();
    }
}

/// Transactions of a few rows, stamped to the second; some stay open for seconds, some are rolled back.
async fn write(mut connection: MySqlConnection, mut dice: Dice, until: Instant, zone: &str) {
    execute(&mut connection, format!("SET time_zone = '{zone}', innodb_lock_wait_timeout = 5")).await;
    while Instant::now() < until {
        execute(&mut connection, "START TRANSACTION".to_owned()).await;
        for _ in 0..=dice.below(4) {
            let sql = match dice.below(13) {
                8 => "INSERT INTO m (v) VALUES ('new')".to_owned(),
                9 => format!("UPDATE m SET v = 'changed {}' WHERE id = {}", dice.below(1000), 2 + dice.below(60)),
                10 => format!("DELETE FROM m WHERE id = {}", 2 + dice.below(200)),
                11 => format!(
                    "INSERT INTO mt VALUES ('{}{}', 'new') ON DUPLICATE KEY UPDATE id = VALUES(id), v = CONCAT(v, '.')",
                    ["a", "A", "é"][usize::try_from(dice.below(3)).unwrap()],
                    dice.below(40)
                ),
                12 => format!("DELETE FROM mt WHERE id = 'a{}'", dice.below(40)),
                3 => "/* app:shop */ INSERT INTO z (v) VALUES (CONCAT('slow ', SLEEP(RAND())))".to_owned(),
                4 => "INSERT INTO s (v) SELECT CONCAT('select ', SLEEP(RAND()))".to_owned(),
                5 => "CALL slow()".to_owned(),
                6 => format!(
                    "UPDATE s SET v = CONCAT('changed ', {}) WHERE id = {}",
                    dice.below(1000),
                    1 + dice.below(60)
                ),
                7 => "INSERT INTO z (v) VALUES ('quick')".to_owned(),
                0 => "INSERT INTO e (v) VALUES ('event')".to_owned(),
                1 => "INSERT INTO t (v, at) VALUES ('new', UTC_TIMESTAMP())".to_owned(),
                _ => format!(
                    "UPDATE t SET v = CONCAT('changed ', {}), at = UTC_TIMESTAMP() WHERE id = {}",
                    dice.below(1000),
                    1 + dice.below(60)
                ),
            };
            execute(&mut connection, sql).await;
        }
        if dice.once_in(6) {
            tokio::time::sleep(Duration::from_millis(dice.below(3000))).await;
        }
        let end = if dice.once_in(8) { "ROLLBACK" } else { "COMMIT" };
        execute(&mut connection, end.to_owned()).await;
        tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
    }
}

/// Runs until the time is over; two of three are killed somewhere. Gives the numbers of whole and killed runs.
async fn run_and_kill(sandbox: &Sandbox, mut dice: Dice, until: Instant) -> (u32, u32) {
    let (mut whole, mut killed) = (0, 0);
    while Instant::now() < until {
        let mut child = sandbox.command(&["run-once"]).spawn().unwrap();
        if dice.once_in(3) {
            let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
            assert!(output.status.success(), "{output:?}");
            whole += 1;
        } else {
            tokio::time::sleep(Duration::from_millis(dice.below(4000))).await;
            let _ = child.kill();
            child.wait().unwrap();
            killed += 1;
        }
    }
    (whole, killed)
}

/// Reads InnoDB's list of transactions so often that it is never fresh.
async fn poll(mut connection: MySqlConnection, until: Instant) {
    while Instant::now() < until {
        execute(&mut connection, "SELECT COUNT(*) FROM information_schema.innodb_trx".to_owned()).await;
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

async fn same_rows(sandbox: &Sandbox, table: &str, target: &str) {
    let rows = sandbox.mysql(&format!("SELECT CAST(id AS CHAR), v FROM {table} ORDER BY id")).await;
    let arrived = sandbox.bq(&format!("SELECT CAST(id AS STRING), v FROM `{{d}}.{target}` ORDER BY id")).await;
    assert_eq!(arrived, rows, "{target}");
}

/// The test sorts the rows, because each server sorts texts in its own way.
async fn same_texts(sandbox: &Sandbox) {
    let mut rows = sandbox.mysql("SELECT id, v FROM mt").await;
    let mut arrived = sandbox.bq("SELECT id, v FROM `{d}.mirrored_texts`").await;
    rows.sort();
    arrived.sort();
    assert_eq!(arrived, rows, "mirrored_texts");
}

async fn nothing_is_missing_or_doubled(sandbox: &Sandbox) {
    same_rows(sandbox, "s", "stamped").await;
    same_rows(sandbox, "z", "zoned").await;
    same_rows(sandbox, "z", "zoned_versions").await;
    same_rows(sandbox, "m", "mirrored").await;
    same_texts(sandbox).await;
    let rows = "SELECT CAST(id AS CHAR), v, CAST(at AS CHAR) FROM t ORDER BY id";
    let arrived = "SELECT CAST(id AS STRING), v, FORMAT_TIMESTAMP('%F %T', at) FROM `{d}.current` ORDER BY id";
    assert_eq!(sandbox.bq(arrived).await, sandbox.mysql(rows).await);
    let events = sandbox.mysql("SELECT CAST(id AS CHAR) FROM e ORDER BY id").await;
    assert_eq!(sandbox.bq("SELECT CAST(id AS STRING) FROM `{d}.events` ORDER BY id").await, events);
    // Every version that existed when a run looked is there once; the newest of each row is among them.
    let doubled = "SELECT COUNT(*) FROM (SELECT id, at FROM `{d}.versions` GROUP BY id, at HAVING COUNT(*) > 1)";
    assert_eq!(sandbox.bq_number(doubled).await, 0);
    let newest =
        "SELECT CAST(id AS STRING), FORMAT_TIMESTAMP('%F %T', MAX(at)) FROM `{d}.versions` GROUP BY id ORDER BY id";
    let ids = "SELECT CAST(id AS CHAR), CAST(at AS CHAR) FROM t ORDER BY CAST(id AS CHAR)";
    let mut newest = sandbox.bq(newest).await;
    newest.sort();
    assert_eq!(newest, sandbox.mysql(ids).await);
}

#[tokio::test]
async fn runs_killed_at_any_moment_in_a_busy_shop_lose_and_double_nothing() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed: u64 = setting_or("SOAK_SEED", u64::from(now.subsec_nanos()));
    let seconds: u64 = setting_or("SOAK_SECONDS", SECONDS);
    println!("SOAK_SEED={seed} SOAK_SECONDS={seconds}");
    let sandbox = Sandbox::new("soak").await;
    sandbox.configure("window_rows: 50\nfence_timeout: 1s", MAPPINGS);
    sandbox.sql(TABLES).await;
    for routine in ROUTINES {
        execute(&mut sandbox.connection().await, routine.to_owned()).await;
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut writers = tokio::task::JoinSet::new();
    for (writer, zone) in ZONES.into_iter().enumerate() {
        writers.spawn(write(sandbox.connection().await, Dice::new(seed ^ (writer as u64 + 1)), until, zone));
    }
    writers.spawn(poll(sandbox.connection().await, until));
    let (whole, killed) = run_and_kill(&sandbox, Dice::new(seed), until).await;
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    // The last second's rows are settled once the second is over, and so are those of the event that is still running.
    sandbox.sql("DROP EVENT now_and_then").await;
    tokio::time::sleep(Duration::from_millis(1600)).await;
    // Long enough for other tests' work on this server: a prepared transaction, or a statement that waits for a lock,
    // may write to any table, and holds back everything that is read by a number.
    sandbox.configure("window_rows: 50\nfence_timeout: 60s", MAPPINGS);
    let last = sandbox.sync().await;
    println!("{}", last.stderr);
    let written = sandbox.mysql_number("SELECT COUNT(*) + (SELECT COUNT(*) FROM e) FROM t").await;
    println!("{whole} whole runs, {killed} killed, {written} rows");
    nothing_is_missing_or_doubled(&sandbox).await;
}
