//! A sandbox for one test: its own MySQL database, BigQuery dataset and working directory.

pub mod bigquery_proxy;
pub mod certificates;
mod emulator;
mod engine;
mod gcs;
pub mod impostor;
mod mariadb;
mod mysql_proxy;
pub mod outside;
mod program;
mod query_proxy;
mod recorder;
pub mod sshd;
pub mod terminal;
mod trial;

use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use bigquery_syncer::domain::ids::MappingName;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Row, ValueRef};
use tempfile::TempDir;

pub use self::engine::{TINY, Through};
pub use self::gcs::{Gcs, Trouble};
pub use self::mariadb::MariaDb;
pub use self::program::{Ran, finish};
pub use self::query_proxy::QueryProxy;
pub use self::recorder::Recorder;
pub use self::trial::{Announced, Told, Trial};

/// Rows as text, NULL as `None`.
pub type Rows = Vec<Vec<Option<String>>>;

pub struct Sandbox {
    pub database: String,
    pub dataset: String,
    pub emulator: String,
    dir: TempDir,
}

static COUNTER: AtomicUsize = AtomicUsize::new(0);
static TLS: Once = Once::new();

/// A variable that `dev/servers run` sets.
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with `make test`"))
}

/// A number that the tests' caller may set.
pub fn setting_or(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

impl Sandbox {
    /// `name` becomes a part of the database's and the dataset's name.
    pub async fn new(name: &str) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let unique = format!("{name}_{}_{number}", std::process::id());
        let emulators = std::env::var("BQSYNC_TEST_EMULATORS").unwrap_or_else(|_| setting("BIGQUERY_EMULATOR_HOST"));
        let emulators: Vec<&str> = emulators.split(',').collect();
        let sandbox = Self {
            database: format!("t_{unique}"),
            dataset: format!("d_{unique}"),
            emulator: emulators[number % emulators.len()].to_owned(),
            dir: tempfile::tempdir().unwrap(),
        };
        let create = format!("CREATE DATABASE `{}` CHARACTER SET utf8mb4", sandbox.database);
        // The provider that `main` installs for the program; clients in this process need it too.
        TLS.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
        let mut connection = root_options().connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
        sandbox
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn read_json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// A mapping's name, for commands.
    pub fn mapping(name: &str) -> MappingName {
        MappingName(name.to_owned())
    }

    /// Writes config.yaml: `settings` are top-level lines, `mappings` the list under `mappings:`.
    pub fn configure(&self, settings: &str, mappings: &str) {
        let Self { dataset, .. } = self;
        self.write("config.yaml", &format!("project: demo\ndataset: {dataset}\n{settings}\nmappings:\n{mappings}\n"));
    }

    /// A connection as root to this sandbox's database, for the test's own statements.
    pub async fn connection(&self) -> MySqlConnection {
        root_options().database(&self.database).connect().await.unwrap()
    }

    /// Locks a table until the connection is dropped: whoever reads it waits in MySQL.
    pub async fn hold(&self, table: &str) -> MySqlConnection {
        let mut connection = self.connection().await;
        sqlx::raw_sql(AssertSqlSafe(format!("LOCK TABLES `{table}` WRITE"))).execute(&mut connection).await.unwrap();
        connection
    }

    /// Runs statements separated by `;`.
    pub async fn sql(&self, statements: &str) {
        let mut connection = self.connection().await;
        let sql = format!("SET time_zone = '+00:00'; SET SESSION sql_mode = 'ALLOW_INVALID_DATES'; {statements}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }

    /// MySQL's answer, as its own text.
    pub async fn mysql(&self, query: &str) -> Rows {
        let mut connection = self.connection().await;
        let rows = sqlx::raw_sql(AssertSqlSafe(query.to_owned())).fetch_all(&mut connection).await.unwrap();
        let cell = |row: &sqlx::mysql::MySqlRow, i: usize| {
            let value = row.try_get_raw(i).unwrap();
            if value.is_null() {
                return None;
            }
            let bytes = <&[u8] as sqlx::Decode<sqlx::MySql>>::decode(value).unwrap();
            Some(String::from_utf8_lossy(bytes).into_owned())
        };
        rows.iter().map(|row| row.columns().iter().map(|c| cell(row, c.ordinal())).collect()).collect()
    }

    /// One number from MySQL.
    pub async fn mysql_number(&self, query: &str) -> i64 {
        number(&self.mysql(query).await)
    }

    /// One number from BigQuery.
    pub async fn bq_number(&self, query: &str) -> i64 {
        number(&self.bq(query).await)
    }
}

fn number(rows: &Rows) -> i64 {
    rows[0][0].as_deref().unwrap().parse().unwrap()
}

/// How the test's own statements connect to the server.
pub fn root_options() -> MySqlConnectOptions {
    let options = MySqlConnectOptions::new()
        .host(&setting("MYSQL_HOST"))
        .port(setting("MYSQL_PORT").parse().unwrap())
        .username(&setting("MYSQL_USER"))
        .pipes_as_concat(false);
    // Some servers treat an empty password differently from none.
    match std::env::var("MYSQL_PASSWORD") {
        Ok(password) if !password.is_empty() => options.password(&password),
        _ => options,
    }
}

/// Tells if the server is a real MySQL. (MariaDB 10.11 has no VECTOR, MySQL no UUID type.)
pub async fn is_mysql() -> bool {
    let mut connection = root_options().connect().await.unwrap();
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut connection).await.unwrap();
    !version.contains("MariaDB")
}

/// Rows of text, for comparison with a server's answer.
pub fn rows(expected: &[&[&str]]) -> Rows {
    expected.iter().map(|row| row.iter().map(|cell| Some((*cell).to_owned())).collect()).collect()
}

/// Decimals without the zeros that only one side prints: `7.250000000` becomes `7.25`.
pub fn plain_decimals(rows: Rows) -> Rows {
    let plain = |text: String| match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|b| b.is_ascii_digit()) && !whole.contains(':') => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        _ => text,
    };
    rows.into_iter().map(|row| row.into_iter().map(|cell| cell.map(plain)).collect()).collect()
}
