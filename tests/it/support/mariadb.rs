//! A MariaDB for a single test, for what the shared server cannot be: a primary with its replica, or one with other
//! settings.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tempfile::TempDir;

/// Ends with the test.
pub struct MariaDb {
    pub port: u16,
    process: Child,
    _dir: TempDir,
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl MariaDb {
    /// `settings` are options of the server.
    pub async fn start(settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        install(dir.path());
        // Another program may take the port between the choice and the start.
        for _ in 0..3 {
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut process = serve(dir.path(), port, settings);
            let until = Instant::now() + Duration::from_mins(1);
            while Instant::now() < until && process.try_wait().unwrap().is_none() {
                if options(port).connect().await.is_ok() {
                    return Self { port, process, _dir: dir };
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let _ = process.kill();
            process.wait().unwrap();
        }
        let log = std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        panic!("MariaDB does not start: {log}");
    }

    pub async fn connection(&self) -> MySqlConnection {
        options(self.port).connect().await.unwrap()
    }

    pub async fn sql(&self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut self.connection().await).await.unwrap();
    }

    pub async fn number(&self, query: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut self.connection().await).await.unwrap()
    }
}

fn options(port: u16) -> MySqlConnectOptions {
    MySqlConnectOptions::new().host("127.0.0.1").port(port).username("root").pipes_as_concat(false)
}

/// A server that root starts needs an option that confirms it.
fn as_root(command: &mut Command) -> &mut Command {
    if rustix::process::geteuid().is_root() { command.arg("--user=root") } else { command }
}

fn install(dir: &Path) {
    let mut command = Command::new("mariadb-install-db");
    command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--force"]);
    command.arg("--skip-name-resolve");
    let output = as_root(in_folder(&mut command, dir)).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A tmpdir of its own, because a server that starts removes the temporary tables in its tmpdir, those of other servers
/// too: of servers made at the same time in one tmpdir, 3 of 48 failed.
fn in_folder<'a>(command: &'a mut Command, dir: &Path) -> &'a mut Command {
    command.arg(format!("--datadir={}", dir.join("data").display())).arg(format!("--tmpdir={}", dir.display()))
}

fn serve(dir: &Path, port: u16, settings: &[&str]) -> Child {
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let mut command = Command::new("mariadbd");
    command.arg("--no-defaults").args([
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--character-set-server=utf8mb4",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--innodb-buffer-pool-size=32M",
    ]);
    command.arg(format!("--port={port}")).arg(format!("--socket={}", dir.join("s").display()));
    let path = format!("{}:/usr/local/sbin:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    as_root(in_folder(&mut command, dir))
        .args(settings)
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}
