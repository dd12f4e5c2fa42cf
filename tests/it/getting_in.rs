//! Logging in to MySQL: the source of the password, the servers that get it, certificates, roles, and the messages of a
//! refusal.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use bigquery_syncer::domain::config::mysql_settings;
use bigquery_syncer::domain::fault::FaultKind;
use bigquery_syncer::source::Diagnose;
use bigquery_syncer::source::mysql::MysqlSource;

use crate::support::impostor::{Impostor, Manner, TlsServer};
use crate::support::{Ran, Sandbox, certificates, finish, is_mysql, setting};

const MAPPING: &str =
    "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert}";

/// A text that must occur in nothing that the program prints or writes.
pub const CANARY: &str = "hunter2canary";

pub async fn sandbox(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", MAPPING);
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    sandbox
}

/// Creates an account for the test, with `requires` after its password.
pub async fn account(sandbox: &Sandbox, password: &str, requires: &str) -> String {
    let mut parts = sandbox.database.rsplit('_');
    let (number, process) = (parts.next().unwrap(), parts.next().unwrap());
    let (user, database) = (format!("g{process}_{number}"), &sandbox.database);
    let create = format!("CREATE USER {user}@'%' IDENTIFIED BY '{password}' {requires}");
    sandbox.sql(&format!("{create}; GRANT SELECT ON `{database}`.* TO {user}@'%'")).await;
    user
}

/// A `bqsync check` with an account whose password comes from these variables.
pub fn check(sandbox: &Sandbox, user: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = sandbox.command(&["check", "--output", "json"]);
    command.env_remove("MYSQL_PASSWORD").env("MYSQL_USER", user).env("PATH", setting("PATH"));
    command.envs(variables.iter().copied());
    command
}

/// Status, message and remedy of one topic of a check.
pub async fn line(command: Command, topic: &str) -> (String, String) {
    let ran = finish(command).await;
    silent_of_the_canary(&ran);
    let findings = ran.json()["checks"].as_array().unwrap_or_else(|| panic!("{ran:?}")).clone();
    let found = findings.iter().find(|f| f["check"] == topic).unwrap_or_else(|| panic!("no {topic}: {ran:?}"));
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("status"), format!("{}; {}", text("message"), text("remedy")))
}

fn silent_of_the_canary(ran: &Ran) {
    assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "{ran:?}");
}

#[track_caller]
pub fn assert_says((status, text): &(String, String), expected: &str, words: &[&str]) {
    assert_eq!(status, expected, "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in `{text}`");
    }
}

/// An executable in its own directory at the front of the PATH.
pub fn on_path(sandbox: &Sandbox, name: &str, script: &str) -> String {
    sandbox.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
    let file = sandbox.path(&format!("bin/{name}"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", sandbox.path("bin").display(), setting("PATH"))
}

fn authority() -> PathBuf {
    PathBuf::from(setting("BQSYNC_DEV_SSL_CA"))
}

#[tokio::test]
async fn an_unencrypted_password_is_never_sent_to_an_unverified_server() {
    let sandbox = sandbox("clear").await;
    for (manner, modes) in [
        (Manner::Greets("mysql_clear_password"), &["", "disabled", "preferred"][..]),
        (Manner::Switches("mysql_clear_password"), &["preferred"]),
    ] {
        let impostor = Impostor::start(manner).await;
        let port = impostor.port.to_string();
        for mode in modes {
            let variables = [("MYSQL_PASSWORD", CANARY), ("MYSQL_PORT", &port), ("MYSQL_SSL_MODE", mode)];
            let said = line(check(&sandbox, "etl", &variables), "mysql_login").await;
            assert!(!impostor.was_told(CANARY), "{mode}");
            assert_says(&said, "fail", &["MYSQL_ENABLE_CLEARTEXT_PLUGIN=1", "verify_identity"]);
        }
    }
}

#[tokio::test]
async fn a_plugin_that_cannot_be_used_is_named() {
    let sandbox = sandbox("plugin").await;
    for (plugin, word) in [("client_ed25519", "ed25519"), ("parsec", "PARSEC"), ("dialog", "PAM")] {
        let port = Impostor::start(Manner::Switches(plugin)).await.port.to_string();
        let said = line(check(&sandbox, "etl", &[("MYSQL_PASSWORD", CANARY), ("MYSQL_PORT", &port)]), "mysql_login");
        assert_says(&said.await, "fail", &[plugin, word, "IDENTIFIED BY"]);
    }
}

#[tokio::test]
async fn old_certificates_and_ciphers_are_distinguished_and_never_lead_to_a_plain_connection() {
    let sandbox = sandbox("oldtls").await;
    let old = certificates::version_1(sandbox.dir(), "old");
    let rsa = certificates::own(sandbox.dir(), "rsa");
    let servers = [
        (TlsServer::start(&old.certificate, &old.key, &[]).await, "X.509 version 1"),
        (
            TlsServer::start(&rsa.certificate, &rsa.key, &["-tls1_2", "-cipher", "AES128-GCM-SHA256"]).await,
            "ssl_cipher",
        ),
    ];
    for (server, word) in &servers {
        let impostor = Impostor::start(Manner::Tls(server.port)).await;
        let port = impostor.port.to_string();
        for mode in ["preferred", "required"] {
            let variables = [("MYSQL_PASSWORD", CANARY), ("MYSQL_PORT", &port), ("MYSQL_SSL_MODE", mode)];
            let said = line(check(&sandbox, "etl", &variables), "mysql_login").await;
            assert_says(&said, "fail", &[word, "MYSQL_SSL_MODE=disabled"]);
        }
        assert!(!impostor.was_told("etl"), "{word}");
    }
}

#[tokio::test]
async fn a_password_file_is_read_each_time_without_its_line_break() {
    let sandbox = sandbox("file").await;
    let user = account(&sandbox, CANARY, "").await;
    let file = sandbox.path("secret").display().to_string();
    let with_file = || line(check(&sandbox, &user, &[("MYSQL_PASSWORD_FILE", &file)]), "mysql_login");
    assert_says(&with_file().await, "fail", &["MYSQL_PASSWORD_FILE names", "cannot be read"]);
    sandbox.write("secret", &format!("{CANARY}\n"));
    assert_says(&with_file().await, "ok", &["by MYSQL_PASSWORD_FILE"]);
    sandbox.write("secret", &format!("{CANARY}\n\n"));
    assert_says(&with_file().await, "fail", &["the password of MYSQL_PASSWORD_FILE holds a line break"]);
    let ran = finish(check(&sandbox, &user, &[("MYSQL_PASSWORD_FILE", &file), ("MYSQL_PASSWORD", CANARY)])).await;
    silent_of_the_canary(&ran);
    assert!(ran.expect_code(2).stderr.contains("MYSQL_PASSWORD and MYSQL_PASSWORD_FILE are set"));
}

#[tokio::test]
async fn a_password_command_is_run_and_its_failure_reported() {
    let sandbox = sandbox("command").await;
    let user = account(&sandbox, CANARY, "").await;
    let path = on_path(
        &sandbox,
        "token",
        &format!("[ \"$1\" = good ] && echo {CANARY} && exit\necho 'no {CANARY} today' >&2\necho {CANARY}\nexit 7"),
    );
    let by = |command: &str| {
        line(check(&sandbox, &user, &[("MYSQL_PASSWORD_COMMAND", command), ("PATH", &path)]), "mysql_login")
    };
    assert_says(&by("token good").await, "ok", &["by MYSQL_PASSWORD_COMMAND"]);
    assert_says(&by("token bad").await, "fail", &["exit status: 7", "no *** today"]);
    assert_says(&by("nowhere-token").await, "fail", &["exit status: 127"]);
}

#[tokio::test]
async fn a_rotated_password_is_requested_from_the_command_again() {
    let sandbox = sandbox("rotate").await;
    let user = account(&sandbox, "first", "").await;
    sandbox.write("secret", "first\n");
    let command = format!("cat {}", sandbox.path("secret").display());
    let variable = |name: &str| match name {
        "MYSQL_HOST" | "MYSQL_PORT" => Some(setting(name)),
        "MYSQL_USER" => Some(user.clone()),
        "MYSQL_DATABASE" => Some(sandbox.database.clone()),
        "MYSQL_PASSWORD_COMMAND" => Some(command.clone()),
        _ => None,
    };
    let source = MysqlSource::new(mysql_settings(&variable).unwrap());
    source.survey(None).await.unwrap();
    sandbox.write("secret", "second\n");
    sandbox.sql(&format!("ALTER USER {user}@'%' IDENTIFIED BY 'second'")).await;
    source.survey(None).await.unwrap();
    sandbox.sql(&format!("ALTER USER {user}@'%' IDENTIFIED BY 'third'")).await;
    assert_eq!(source.survey(None).await.unwrap_err().kind(), FaultKind::Auth);
}

#[tokio::test]
async fn an_account_that_requires_a_certificate_gets_one() {
    let sandbox = sandbox("x509").await;
    let user = account(&sandbox, CANARY, "REQUIRE X509").await;
    let mine = certificates::signed(sandbox.dir(), "mine", &authority());
    let other = certificates::own(sandbox.dir(), "other");
    let locked = certificates::encrypted(sandbox.dir(), &mine.key);
    let password = ("MYSQL_PASSWORD", CANARY);
    let with = |certificate: &PathBuf, key: &PathBuf, topic: &'static str, mode: &'static str| {
        let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
        let authority = authority().display().to_string();
        let mut command =
            check(&sandbox, &user, &[password, ("MYSQL_SSL_CERT", &certificate), ("MYSQL_SSL_KEY", &key)]);
        command.env("MYSQL_SSL_MODE", mode).env("MYSQL_SSL_CA", authority);
        line(command, topic)
    };
    let said = line(check(&sandbox, &user, &[password]), "mysql_login").await;
    assert_says(&said, "fail", &["REQUIRE X509", "MYSQL_SSL_CERT"]);
    for (mode, verified) in [("preferred", "not verified"), ("verify_ca", "is verified")] {
        let said = with(&mine.certificate, &mine.key, "mysql_tls", mode).await;
        assert_says(&said, "ok", &["MYSQL_SSL_CERT was shown", verified]);
    }
    let said = with(&other.certificate, &other.key, "mysql_login", "required").await;
    assert_says(&said, "fail", &["MYSQL_SSL_CERT"]);
    let said = with(&mine.certificate, &other.key, "mysql_login", "required").await;
    assert_says(&said, "fail", &["MYSQL_SSL_KEY is not the private key of MYSQL_SSL_CERT"]);
    let said = with(&mine.certificate, &locked, "mysql_login", "required").await;
    assert_says(&said, "fail", &["is encrypted", "openssl pkey -in"]);
    // Through the server's own socket, where `preferred` would not use TLS.
    let (certificate, key) = (mine.certificate.display().to_string(), mine.key.display().to_string());
    let mut command = check(&sandbox, &user, &[password, ("MYSQL_SSL_CERT", &certificate), ("MYSQL_SSL_KEY", &key)]);
    command.env("MYSQL_SOCKET", setting("BQSYNC_DEV_SOCKET"));
    assert_says(&line(command, "mysql_tls").await, "ok", &["MYSQL_SSL_CERT was shown"]);
}

#[tokio::test]
async fn a_refused_login_names_tls_and_white_space_as_possible_causes() {
    let sandbox = sandbox("refused").await;
    let user = account(&sandbox, CANARY, "REQUIRE SSL").await;
    let plain = [("MYSQL_PASSWORD", CANARY), ("MYSQL_SSL_MODE", "disabled")];
    assert_says(&line(check(&sandbox, &user, &plain), "mysql_login").await, "fail", &["MYSQL_SSL_MODE=required"]);
    let spaced = format!("{CANARY} ");
    let said = line(check(&sandbox, &user, &[("MYSQL_PASSWORD", &spaced)]), "mysql_login").await;
    assert_says(&said, "fail", &["ends with white space"]);
    assert_says(&line(check(&sandbox, &user, &[]), "mysql_login").await, "fail", &["no password was sent"]);
}

#[tokio::test]
async fn an_inactive_role_is_named_with_the_statement_that_activates_it() {
    let sandbox = Sandbox::new("role").await;
    sandbox.configure("", MAPPING);
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY)").await;
    let user = account(&sandbox, "pw", "").await;
    let (role, database) = (format!("r{user}"), &sandbox.database);
    sandbox
        .sql(&format!(
            "REVOKE SELECT ON `{database}`.* FROM {user}@'%'; CREATE ROLE {role}; \
             GRANT SELECT ON `{database}`.* TO {role}; GRANT {role} TO {user}@'%'"
        ))
        .await;
    let wake = if is_mysql().await {
        format!("SET DEFAULT ROLE ALL TO '{user}'@'%'")
    } else {
        format!("SET DEFAULT ROLE `{role}` FOR '{user}'@'%'")
    };
    let check = || check(&sandbox, &user, &[("MYSQL_PASSWORD", "pw")]);
    assert_says(&line(check(), "mysql_login").await, "fail", &["none is active", &wake]);
    // The account may use the database, but not its tables.
    sandbox.sql(&format!("GRANT CREATE ON `{database}`.* TO {user}@'%'")).await;
    assert_says(&line(check(), "table").await, "fail", &["none is active", &wake]);
    sandbox.sql(&wake).await;
    assert_says(&line(check(), "table").await, "ok", &[]);
    sandbox.sql(&format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn an_account_limited_to_the_servers_host_is_distinguished_from_a_wrong_password() {
    if is_mysql().await {
        return;
    }
    let sandbox = sandbox("ossocket").await;
    let user = account(&sandbox, "pw", "").await;
    sandbox.sql(&format!("ALTER USER {user}@'%' IDENTIFIED VIA unix_socket")).await;
    let said = line(check(&sandbox, &user, &[("MYSQL_PASSWORD", "pw")]), "mysql_login").await;
    assert_says(&said, "fail", &["unix_socket"]);
}
