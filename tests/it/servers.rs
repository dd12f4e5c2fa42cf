//! Several MySQL servers in one file: each mapping uses its own, and none waits for another's.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use bigquery_syncer::domain::fault::FaultKind;
use bigquery_syncer::domain::report::Outcome;
use bigquery_syncer::domain::retry::Patience;

use crate::support::{MariaDb, Ran, Sandbox, Through, finish, setting};

const ORDERS: &str = "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(9), \
     at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)), KEY (at));";

/// Mappings `eu` and `us`, each with its own server's `orders`.
fn configure(sandbox: &Sandbox) {
    let mapping = |name: &str| {
        format!(
            "  - {{name: {name}, source: {name}, mysql_table: orders, bigquery_table: orders_{name}, primary_keys: [id], \
             incremental_column: at, mode: upsert}}\n"
        )
    };
    let settings = "sources: {eu: {env: MYSQL_EU_}, us: {}}\nfence_timeout: 1s";
    sandbox.configure(settings, &[mapping("eu"), mapping("us")].concat());
}

/// A server whose database `shop` has these rows.
async fn server(values: &str) -> MariaDb {
    let server = MariaDb::start(&[]).await;
    let rows = format!("INSERT INTO orders (v, at) VALUES {values};");
    server.sql(&format!("CREATE DATABASE shop; USE shop; {ORDERS} {rows}")).await;
    server
}

/// The program with variables for the two servers, and none for a server without a name.
fn command(sandbox: &Sandbox, eu: u16, us: u16, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    for plain in ["HOST", "PORT", "USER", "PASSWORD", "DATABASE"] {
        command.env_remove(format!("MYSQL_{plain}"));
    }
    for (name, port) in [("EU", eu), ("US", us)] {
        command.env(format!("MYSQL_{name}_HOST"), "127.0.0.1").env(format!("MYSQL_{name}_PORT"), port.to_string());
        command.env(format!("MYSQL_{name}_USER"), "root").env(format!("MYSQL_{name}_DATABASE"), "shop");
    }
    command
}

#[tokio::test]
async fn two_servers_are_moved_and_compared_and_wait_only_for_their_own_transactions() {
    let sandbox = Sandbox::new("two_servers").await;
    configure(&sandbox);
    let (eu, us) = tokio::join!(
        server("('e1', '2026-01-01'), ('e2', '2026-01-02')"),
        server("('u1', '2026-01-01'), ('u2', '2026-01-02'), ('u3', '2026-01-03')")
    );
    let run = async |arguments: &[&str]| -> Ran { finish(command(&sandbox, eu.port, us.port, arguments)).await };
    let arrived = async |name: &str| {
        let rows = sandbox.bq(&format!("SELECT v FROM `{{d}}.orders_{name}` ORDER BY id")).await;
        rows.into_iter().map(|mut row| row.remove(0).unwrap()).collect::<Vec<_>>().join(" ")
    };
    run(&["--no-tui", "run-once"]).await.expect_code(0);
    assert_eq!((arrived("eu").await.as_str(), arrived("us").await.as_str()), ("e1 e2", "u1 u2 u3"));
    run(&["--no-tui", "verify"]).await.expect_code(0);

    // A transaction on one server holds back that server's rows, and none of the other's.
    let mut late = us.connection().await;
    sqlx::raw_sql("USE shop; START TRANSACTION; INSERT INTO orders (v) VALUES ('late')")
        .execute(&mut late)
        .await
        .unwrap();
    eu.sql("USE shop; INSERT INTO orders (v) VALUES ('e3')").await;
    us.sql("USE shop; INSERT INTO orders (v) VALUES ('u5')").await;
    // The clocks must pass the rows, otherwise they would be held back with their tick.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let report = run(&["--no-tui", "run-once", "--output", "json"]).await.expect_code(0);
    assert_eq!((arrived("eu").await.as_str(), arrived("us").await.as_str()), ("e1 e2 e3", "u1 u2 u3"));
    assert_eq!(report.mapping("us")["source"], "us:orders");
    sqlx::raw_sql("COMMIT").execute(&mut late).await.unwrap();
    run(&["--no-tui", "run-once"]).await.expect_code(0);
    assert_eq!(arrived("us").await, "u1 u2 u3 late u5");
    run(&["--no-tui", "verify"]).await.expect_code(0);

    let mut misspelt = command(&sandbox, eu.port, us.port, &["--no-tui", "status"]);
    misspelt.env("MYSQL_EU_PASSWROD", "s3cret");
    let said = finish(misspelt).await.expect_code(0).stderr;
    assert!(said.contains("MYSQL_EU_PASSWROD (set in the environment)") && !said.contains("s3cret"), "{said}");
    assert!(said.contains("did you mean MYSQL_EU_PASSWORD?"), "{said}");

    let checked = run(&["--no-tui", "check"]).await.expect_code(0);
    assert!(checked.stdout.contains("source eu: ") && checked.stdout.contains("source us: "), "{checked:?}");
    us.sql("USE shop; CREATE TABLE carts (id INT PRIMARY KEY)").await;
    let proposed = run(&["init", "--source", "us"]).await.expect_code(0).stdout;
    assert!(proposed.contains("- name: carts") && proposed.contains("source: us"), "{proposed}");
    assert!(!proposed.contains("mysql_table: orders"), "{proposed}");
}

#[tokio::test]
async fn an_unreachable_server_fails_only_its_own_mappings_and_names_its_variables() {
    let sandbox = Sandbox::new("one_away").await;
    configure(&sandbox);
    sandbox.sql(&format!("{ORDERS} INSERT INTO orders (v, at) VALUES ('e1', '2026-01-01')")).await;
    // Nobody listens there any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (host, port, database) = (setting("MYSQL_HOST"), setting("MYSQL_PORT"), sandbox.database.clone());
    let password = std::env::var("MYSQL_PASSWORD").unwrap_or_default();
    let of = |name: &str, port: &str| {
        [
            ("HOST", &*host),
            ("PORT", port),
            ("USER", &*setting("MYSQL_USER")),
            ("PASSWORD", &password),
            ("DATABASE", &database),
        ]
        .map(|(rest, value)| (format!("MYSQL_{name}_{rest}"), value.to_owned()))
    };
    let variables: HashMap<_, _> = of("EU", &port).into_iter().chain(of("US", &closed)).collect();
    let through = Through { patience: Patience::one_in(10_000), variables: variables.clone(), ..Through::default() };
    let (_, report) = sandbox.run_through(&through).await;
    let [eu, us] = &report.mappings[..] else { panic!("{report:?}") };
    assert_eq!((eu.outcome, eu.records_processed), (Outcome::Ok, 1), "{eu:?}");
    assert_eq!((us.outcome, us.error_kind), (Outcome::Failed, Some(FaultKind::Transient)), "{us:?}");
    assert!(us.errors[0].contains(&format!("127.0.0.1:{closed} (source `us`)")), "{us:?}");
    assert!(us.hint.as_ref().unwrap().contains("MYSQL_US_*"), "{us:?}");

    // Here the program may not log in: exit code 1, and the message names that server's variable.
    let mut program = sandbox.command(&["--no-tui", "run-once", "--output", "json"]);
    for (name, value) in &variables {
        program.env(name, if name == "MYSQL_US_PORT" { &port } else { value });
    }
    program.env("MYSQL_US_USER", "nobody").env("MYSQL_US_PASSWORD", "wrong");
    let ran = finish(program).await.expect_code(1);
    assert_eq!((&ran.mapping("eu")["outcome"], &ran.mapping("us")["outcome"]), (&"ok".into(), &"failed".into()));
    let us = ran.mapping("us").to_string();
    assert!(us.contains("source `us`") && us.contains("MYSQL_US_PASSWORD"), "{us}");

    // Without its variables the run does not begin.
    let mut program = sandbox.command(&["--no-tui", "run-once"]);
    program.envs(variables.iter().filter(|(name, _)| !name.starts_with("MYSQL_US_")));
    let ran = finish(program).await.expect_code(2);
    assert!(ran.stderr.contains("MYSQL_US_USER is not set (source `us`)"), "{ran:?}");
    let mut program = sandbox.command(&["--no-tui", "run-once"]);
    program.envs(variables.iter().filter(|(name, _)| *name != "MYSQL_US_USER")).env("MYSQL_US_USRE", "root");
    let said = finish(program).await.expect_code(2).stderr;
    assert!(said.contains("MYSQL_US_USRE (set in the environment) is not a variable of bqsync"), "{said}");
}

#[tokio::test]
async fn each_server_has_the_zone_of_its_own_wall_clocks() {
    let sandbox = Sandbox::new("two_zones").await;
    let mapping = |name: &str| {
        format!(
            "  - {{name: {name}, source: {name}, mysql_table: t, bigquery_table: t_{name}, primary_keys: [id], mode: mirror}}\n"
        )
    };
    let settings = "default_timezone: Europe/Berlin\nsources: {eu: {env: MYSQL_}, us: {timezone: America/Chicago}}";
    sandbox.configure(settings, &[mapping("eu"), mapping("us")].concat());
    sandbox
        .sql("CREATE TABLE t (id INT PRIMARY KEY, at DATETIME); INSERT INTO t VALUES (1, '2026-01-01 12:00:00')")
        .await;
    let run = async |arguments: &[&str]| -> Ran {
        let mut program = sandbox.command(arguments);
        for name in ["HOST", "PORT", "USER"] {
            program.env(format!("MYSQL_US_{name}"), setting(&format!("MYSQL_{name}")));
        }
        program.env("MYSQL_US_PASSWORD", std::env::var("MYSQL_PASSWORD").unwrap_or_default());
        program.env("MYSQL_US_DATABASE", &sandbox.database);
        finish(program).await
    };
    run(&["--no-tui", "run-once"]).await.expect_code(0);
    run(&["--no-tui", "verify"]).await.expect_code(0);
    for (name, expected) in [("eu", "11"), ("us", "18")] {
        let hour = sandbox.bq(&format!("SELECT CAST(EXTRACT(HOUR FROM at) AS STRING) FROM `{{d}}.t_{name}`")).await;
        assert_eq!(hour, crate::support::rows(&[&[expected]]), "{name}");
    }
}
