//! Servers that are away, that are something else than MySQL, or that turn an account away: what an operator reads, and
//! how soon.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::getting_in::{account, assert_says, check, line, sandbox};
use crate::support::impostor::{Impostor, Manner};
use crate::support::{Sandbox, finish};

/// Port 1 of loopback: nobody listens there.
const NOBODY: &str = "1";

/// Held by tests that set `init_connect`, and by those of accounts that may send few statements: the server counts its own.
static FIRST_STATEMENTS: Mutex<()> = Mutex::const_new(());

/// A greeting of MySQL that ends within its fields.
const SHORT_GREETING: &[u8] = b"\x0a\0\0\0\x0a8.0.18\0\x19\0";

#[tokio::test]
async fn a_server_that_is_not_mysql_is_named_and_nothing_panics() {
    let sandbox = sandbox("foreign").await;
    for manner in [
        Manner::Says(b"SSH-2.0-OpenSSH_9.6\r\n"),
        Manner::Says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        Manner::Says(SHORT_GREETING),
        Manner::CutsShort,
    ] {
        let port = Impostor::start(manner).await.port.to_string();
        for password in ["", "secret"] {
            let variables = [("MYSQL_PASSWORD", password), ("MYSQL_PORT", &port)];
            let said = line(check(&sandbox, "etl", &variables), "mysql_login").await;
            let place = format!("127.0.0.1:{port}");
            assert_says(&said, "fail", &[&place, "did not answer as MySQL does", "is it the right port?"]);
        }
        let mut init = sandbox.command(&["init"]);
        init.env("MYSQL_PORT", &port);
        let ran = finish(init).await.expect_code(1);
        assert!(ran.stderr.contains("is it the right port?") && !ran.stderr.contains("panic"), "{ran:?}");
    }
}

#[tokio::test]
async fn a_status_says_an_outage_once_and_soon() {
    let sandbox = Sandbox::new("soon").await;
    let mapping = |name: &str| {
        format!(
            "  - {{name: {name}, mysql_table: t, bigquery_table: {name}, primary_keys: [id], incremental_column: id}}\n"
        )
    };
    sandbox.configure("", &["a", "b", "c", "d", "e"].map(mapping).concat());
    let mut status = sandbox.command(&["status"]);
    status.env("MYSQL_PORT", NOBODY);
    let began = Instant::now();
    let ran = finish(status).await.expect_code(1);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(ran.stdout.matches("127.0.0.1:1").count(), 1, "{ran:?}");
    assert!(ran.stdout.contains("a, b, c and 2 more: ") && ran.stdout.contains("nothing listens there"), "{ran:?}");
    assert!(!ran.stdout.contains("os error") && !ran.stderr.contains("os error"), "{ran:?}");
}

#[tokio::test]
async fn a_host_without_a_name_and_an_unreachable_bigquery_are_named() {
    let sandbox = sandbox("nowhere").await;
    let nowhere = [("MYSQL_HOST", "db.invalid"), ("MYSQL_PASSWORD", "x")];
    let said = line(check(&sandbox, "etl", &nowhere), "mysql_login").await;
    assert_says(&said, "fail", &["db.invalid", "(DNS)"]);
    let mut command = sandbox.command(&["check", "--output", "json"]);
    command.env("BIGQUERY_EMULATOR_HOST", format!("127.0.0.1:{NOBODY}"));
    let ran = finish(command).await.expect_code(1);
    let words = "no answer from 127.0.0.1:1: the connection is refused";
    assert!(ran.stdout.contains(words) && !ran.stdout.contains("error sending request"), "{ran:?}");
}

#[tokio::test]
async fn a_used_up_limit_fails_the_run_at_once_and_says_how_to_lift_it() {
    let _alone = FIRST_STATEMENTS.lock().await;
    let sandbox = sandbox("hourly").await;
    let user = account(&sandbox, "pw", "WITH MAX_QUERIES_PER_HOUR 3").await;
    let mut run = sandbox.command(&["run-once"]);
    run.env("MYSQL_USER", &user).env("MYSQL_PASSWORD", "pw");
    let began = Instant::now();
    let ran = finish(run).await.expect_code(1);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let lifts = format!("ALTER USER '{user}'@'HOST' WITH MAX_QUERIES_PER_HOUR 0");
    assert!(ran.stdout.contains(&lifts), "{ran:?}");
}

/// The statement is run at the login of every account without administrative rights, so each only concerns one.
#[tokio::test]
async fn an_init_connect_that_fails_is_named_and_its_character_sets_do_no_harm() {
    let _alone = FIRST_STATEMENTS.lock().await;
    let sandbox = sandbox("initc").await;
    let user = account(&sandbox, "pw", "").await;
    let set = async |statement: &str| {
        let statement = statement.replace('\'', "''");
        sandbox.sql(&format!("SET GLOBAL init_connect = '{statement}'")).await;
    };
    let check = || check(&sandbox, &user, &[("MYSQL_PASSWORD", "pw")]);
    let of_user = format!("CURRENT_USER() LIKE '{user}@%'");
    set(&format!("SET character_set_results = IF({of_user}, 'utf32', @@character_set_results)")).await;
    let odd = line(check(), "mysql_login").await;
    set(&format!("SET sql_mode = IF({of_user}, 'no such mode', @@sql_mode)")).await;
    let failing = line(check(), "mysql_login").await;
    set("").await;
    assert_says(&odd, "ok", &[]);
    assert_says(&failing, "fail", &["init_connect"]);
}
