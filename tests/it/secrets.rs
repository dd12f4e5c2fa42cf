//! A secret in the wrong place: whatever the program does with it, the program never shows it.

use std::process::Command as Process;

use axum::Router;
use axum::http::StatusCode;

use crate::outlets::Hook;
use crate::support::{Ran, Sandbox, finish, is_mysql};

/// A part of every value below.
const CANARY: &str = "c4n4ry";

const SETTINGS: &str = "notify: {url: '${HOOK}', on: always}\nmetrics_file: metrics.prom\n";

/// Two mappings, one of which fails: its error goes wherever errors go.
async fn sandbox(name: &str, settings: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    let mapping = |name: &str, table: &str| {
        format!("  - {{name: {name}, mysql_table: {table}, bigquery_table: {name}, incremental_column: id}}\n")
    };
    sandbox.configure(&format!("{SETTINGS}{settings}"), &[mapping("fine", "t"), mapping("gone", "not_there")].concat());
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (2)").await;
    sandbox
}

/// Runs the program with further variables besides the sandbox's.
async fn run(sandbox: &Sandbox, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    command.env("LOG_LEVEL", "DEBUG").envs(variables.iter().copied());
    finish(command).await
}

#[track_caller]
fn assert_unseen(what: &str, text: &str) {
    let seen = text.lines().find(|line| line.contains(CANARY));
    assert_eq!(seen, None, "{what}");
}

/// The streams, logs, reports, state with its backup, and metrics.
fn written(sandbox: &Sandbox, ran: &Ran) -> String {
    let found = Process::new("grep").args(["-rha", "--exclude=config.yaml", ""]).arg(sandbox.dir()).output().unwrap();
    let names = Process::new("find").arg(sandbox.dir()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}\n{}\n{}", ran.stdout, ran.stderr, text(&found.stdout), text(&names.stdout))
}

fn key() -> String {
    format!("{{\n  \"type\": \"service_account\",\n  \"private_key\": \"{CANARY}\"\n}}")
}

#[tokio::test]
async fn a_secret_in_place_of_a_name_is_refused_and_not_shown() {
    let sandbox =
        sandbox("secret_refused", "state_local_path: ${STATE:-state/state.json}\nreport_dir: ${REPORTS:-etl}").await;
    let pem = format!("-----BEGIN PRIVATE KEY-----{CANARY}");
    let base64 = format!("ewogICJ0eXBlIjogInNlcnZpY2VfYWNjb3VudCIs{}{CANARY}", "A".repeat(90));
    let long = format!("{}{CANARY}", "a".repeat(4096));
    let (url, at) = (format!("mysql://root:{CANARY}@127.0.0.1/shop"), format!("root:{CANARY}@127.0.0.1"));
    let (key, web, bare) = (key(), format!("https://u:{CANARY}@host"), CANARY.to_owned());
    let files = [
        "MYSQL_PASSWORD_FILE",
        "MYSQL_SSL_CERT",
        "MYSQL_SSL_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "MYSQL_SSL_CA",
        "MYSQL_SOCKET",
        "BQSYNC_LOG_DIR",
        "STATE",
        "REPORTS",
    ];
    let contents = [&key, &pem, &base64, &long];
    let files = files.iter().flat_map(|name| contents.map(|value| (*name, value)));
    let others = [
        ("MYSQL_HOST", &url),
        ("MYSQL_HOST", &at),
        ("MYSQL_HOST", &key),
        ("MYSQL_SSH", &at),
        ("MYSQL_PORT", &bare),
        ("MYSQL_PORT", &at),
        ("MYSQL_USER", &url),
        ("MYSQL_DATABASE", &url),
        ("MYSQL_SSL_MODE", &bare),
        ("BIGQUERY_EMULATOR_HOST", &web),
        ("BIGQUERY_EMULATOR_HOST", &key),
        ("STORAGE_EMULATOR_HOST", &web),
        ("LOG_LEVEL", &bare),
        ("HOOK", &bare),
        ("HOOK", &key),
    ];
    for (name, value) in files.chain(others) {
        for format in ["text", "json"] {
            let variables = [("HOOK", "http://127.0.0.1:9/"), (name, value.as_str())];
            let ran = run(&sandbox, &variables, &["run-once", "--log-format", format]).await.expect_code(2);
            assert_unseen(name, &written(&sandbox, &ran));
            assert!(ran.stdout.is_empty(), "{ran:?}");
            assert!(format == "text" || ran.stderr.lines().all(|line| line.starts_with('{')), "{ran:?}");
        }
    }
    assert!(!sandbox.path("state").exists() && !sandbox.path("etl").exists(), "something has begun");
}

async fn unwilling_proxy() -> String {
    let refuses = || async { (StatusCode::PROXY_AUTHENTICATION_REQUIRED, "who are you?") };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(refuses)).await.unwrap() });
    address
}

#[tokio::test]
async fn no_failure_shows_a_correctly_placed_secret() {
    let sandbox = sandbox("secret_kept", "").await;
    let hook = Hook::answering(&[]).await;
    // Both answer at once, with answers that are not retried: 407 and 404.
    let proxy = format!("http://u:{CANARY}@{}", unwilling_proxy().await);
    let lost = hook.url.replace("T000", CANARY);
    let password = format!("{CANARY}'\"\u{e9}");
    for (name, value) in [("MYSQL_PASSWORD", &password), ("HTTP_PROXY", &proxy), ("HOOK", &lost)] {
        for command in ["check", "run-once", "status"] {
            for output in ["table", "json"] {
                let variables = [("HOOK", hook.url.as_str()), (name, value.as_str())];
                let arguments = [command, "--mapping", "fine", "--output", output, "--log-format", "json"];
                let ran = run(&sandbox, &variables, &arguments).await;
                assert_unseen(&format!("{name}, {command}"), &written(&sandbox, &ran));
            }
        }
    }
    let told = serde_json::to_string(&hook.heard()).unwrap();
    assert!(told.contains("MySQL"), "{told}");
    assert_unseen("the webhook", &told);
}

#[tokio::test]
async fn a_row_that_bigquery_refuses_is_not_shown() {
    let sandbox = sandbox("secret_row", "").await;
    let mapping = "  - {name: odd, mysql_table: odd, bigquery_table: odd, mode: replace, columns: {t: JSON}}";
    let hook = Hook::answering(&[]).await;
    sandbox.configure(SETTINGS, mapping);
    for (n, odd) in [format!("{{\"{CANARY}a\": {CANARY}b"), format!("'{CANARY}' \"{CANARY}\""), CANARY.to_owned()]
        .iter()
        .enumerate()
    {
        let quoted = odd.replace('\'', "''");
        sandbox
            .sql(&format!(
                "DROP TABLE IF EXISTS odd; CREATE TABLE odd (id INT PRIMARY KEY, t TEXT); INSERT INTO odd VALUES (1, '{quoted}')"
            ))
            .await;
        let ran = run(&sandbox, &[("HOOK", hook.url.as_str())], &["run-once", "--log-format", "json"]).await;
        assert_eq!(ran.code, 1, "value {n}: {}", ran.stderr);
        assert_unseen(&format!("value {n}"), &written(&sandbox, &ran));
    }
    let told = serde_json::to_string(&hook.heard()).unwrap();
    assert!(told.contains("odd"), "{told}");
    assert_unseen("the webhook", &told);
}

#[tokio::test]
async fn a_row_that_cannot_be_moved_is_named_by_the_hash_of_its_text_key() {
    let sandbox = sandbox("secret_key", "").await;
    let hook = Hook::answering(&[]).await;
    let mapping = "  - {name: odd, mysql_table: odd, bigquery_table: odd, primary_keys: [k, b], mode: replace, columns: {v: STRING}}";
    sandbox.configure(SETTINGS, mapping);
    sandbox
        .sql(&format!(
            "CREATE TABLE odd (k VARCHAR(90) CHARACTER SET latin1, b VARBINARY(90), v VARBINARY(9), PRIMARY KEY (k, b)); \
             INSERT INTO odd VALUES ('{CANARY}@\u{e9}', '{CANARY}', x'FF'), ('other', 'other', 'fine')"
        ))
        .await;
    let ran = run(&sandbox, &[("HOOK", hook.url.as_str())], &["run-once"]).await.expect_code(1);
    assert_unseen("the run", &written(&sandbox, &ran));
    assert_unseen("the webhook", &serde_json::to_string(&hook.heard()).unwrap());
    let (_, named) = ran.stderr.split_once("in the row with ").expect("the row is named");
    let hashes: Vec<_> = named.match_indices('\'').map(|(at, _)| at).collect();
    let found = sandbox.mysql(&format!("SELECT v = x'FF' FROM odd WHERE {}", &named[..=hashes[3]])).await;
    assert_eq!(found, [[Some("1".to_owned())]], "{named}");
}

/// The type of a key, the key of a row that cannot be moved, and another row's key.
const KEYS: [(&str, &str, &str); 9] = [
    ("DOUBLE", "0.1 + 0.2e0", "0.3"),
    ("FLOAT", "0.1", "0.2"),
    ("TIME(3)", "'-838:11:11'", "'838:11:11'"),
    ("BIT(64)", "0xFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFE"),
    ("DATE", "'0000-00-00'", "'2026-11-23'"),
    ("ENUM('a', 'b')", "'a'", "'b'"),
    ("VARCHAR(40) CHARACTER SET cp1251", "_cp1251 x'2098'", "' ?'"),
    ("INET6", "'2001:db8::1'", "'::1'"),
    ("INET4", "'10.0.0.1'", "'10.0.0.2'"),
];

#[tokio::test]
async fn a_row_that_cannot_be_moved_is_found_by_the_condition_in_the_error() {
    let sandbox = Sandbox::new("secret_found").await;
    let keys = if is_mysql().await { &KEYS[..7] } else { &KEYS[..] };
    let mut mappings = Vec::new();
    for (n, (key, odd, other)) in keys.iter().enumerate() {
        mappings.push(format!(
            "  - {{name: m{n}, mysql_table: odd{n}, bigquery_table: odd{n}, primary_keys: [k], mode: replace, columns: {{v: \
             STRING}}}}\n"
        ));
        sandbox
            .sql(&format!(
                "CREATE TABLE odd{n} (k {key} PRIMARY KEY, v VARBINARY(9)); INSERT INTO odd{n} VALUES ({odd}, x'FF'), \
                 ({other}, 'fine')"
            ))
            .await;
    }
    sandbox.configure("", &mappings.concat());
    let ran = sandbox.run_once().await.expect_code(1);
    for (n, (key, ..)) in keys.iter().enumerate() {
        let report = ran.mapping(&format!("m{n}"));
        let (_, condition) =
            report["errors"][0].as_str().and_then(|error| error.split_once("in the row with ")).unwrap();
        let found = sandbox.mysql(&format!("SELECT v = x'FF' FROM odd{n} WHERE {condition}")).await;
        assert_eq!(found, [[Some("1".to_owned())]], "{key}: {condition}");
        assert!(
            !key.starts_with("INET") || condition.contains("SHA2"),
            "an address may say who somebody is: {condition}"
        );
    }
}
