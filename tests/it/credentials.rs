//! The login to Google on machines where a proxy, a trust store or a clock is in the way.
//!
//! No MySQL is needed: `check` looks at each side separately.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::outside::{Answer, Manner, Outside, Passed};
use crate::support::{Ran, finish};

const ACCOUNT: &str = "etl@p.iam.gserviceaccount.com";
const SECRET: &str = "c4n4ry";

/// A machine with a configuration, a service account's key, and one proxy as the only way out.
struct Machine {
    dir: TempDir,
    outside: Outside,
}

impl Machine {
    fn new(manner: Manner, answers: impl Fn(&Passed) -> Answer + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = "project: p\ndataset: d\nstate_store: gcs\nstate_gcs_bucket: b\nmappings:\n  - {name: t, mysql_table: t, \
                      bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert}\n";
        std::fs::write(dir.path().join("config.yaml"), config).unwrap();
        let args = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
        let private_key = String::from_utf8(Command::new("openssl").args(args).output().unwrap().stdout).unwrap();
        let key = json!({"type": "service_account", "client_email": ACCOUNT, "private_key": private_key});
        std::fs::write(dir.path().join("key.json"), key.to_string()).unwrap();
        Self { outside: Outside::open(dir.path(), manner, answers), dir }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bqsync"));
        let proxy = format!("http://user:{SECRET}@{}", self.outside.address);
        command
            .args(["--read-only", "--log-format", "json", "check", "--output", "json"])
            .current_dir(self.dir.path())
            .env_clear()
            .envs([("HOME", self.dir.path()), ("SSL_CERT_FILE", &self.outside.ca)])
            .envs([("MYSQL_HOST", "127.0.0.1"), ("MYSQL_PORT", "1"), ("MYSQL_USER", "u"), ("MYSQL_DATABASE", "d")])
            .envs([("GOOGLE_APPLICATION_CREDENTIALS", "key.json"), ("HTTPS_PROXY", &proxy), ("LOG_LEVEL", "DEBUG")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Changes a field of the key's file.
    fn key(&self, field: &str, value: Value) {
        let path = self.dir.path().join("key.json");
        let mut key: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        key[field] = value;
        std::fs::write(path, key.to_string()).unwrap();
    }

    async fn check(&self, command: Command) -> Ran {
        let ran = finish(command).await.expect_code(1);
        let key = std::fs::read_to_string(self.dir.path().join("key.json")).unwrap();
        let key: Value = serde_json::from_str(&key).unwrap();
        for secret in [SECRET, &key["private_key"].as_str().unwrap()[30..80], "eyJ"] {
            assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{secret}: {ran:?}");
        }
        ran
    }
}

/// `status`, message and remedy of a topic.
fn line(ran: &Ran, topic: &str) -> (String, String) {
    let report = ran.json();
    let found = report["checks"].as_array().unwrap().iter().find(|finding| finding["check"] == topic).unwrap();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), format!("{}; {}", text("message"), text("remedy")))
}

fn refused_login(ran: &Ran, words: &[&str]) {
    let (status, text) = line(ran, "bigquery_login");
    assert_eq!(status, "fail");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in `{text}`");
    }
}

fn answer(status: u16, body: &Value) -> Answer {
    (status, "Content-Type: application/json\r\n".to_owned(), body.to_string())
}

/// Answers with numbered tokens, a dataset, and a bucket without a state, which refuses the first token.
fn google() -> impl Fn(&Passed) -> Answer + Send + Sync + 'static {
    let given = AtomicUsize::new(0);
    move |request| {
        let host = request.tunnel.split(':').next().unwrap();
        if request.line.ends_with("/token") {
            let token = format!("token-{}", given.fetch_add(1, Ordering::Relaxed));
            return answer(200, &json!({"access_token": token, "expires_in": 3600}));
        }
        let no = json!({"error": {"code": 403, "message": "no", "errors": [{"reason": "accessDenied"}]}});
        match host {
            "storage.googleapis.com" if request.bearer() == Some("token-0") => (401, String::new(), String::new()),
            "storage.googleapis.com" if request.line.contains("list-type") => {
                (200, String::new(), "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>".to_owned())
            }
            "storage.googleapis.com" => (404, String::new(), "<Error><Code>NoSuchKey</Code></Error>".to_owned()),
            _ if request.line.contains("/jobs") => answer(403, &no),
            _ => answer(200, &json!({"schema": {"fields": []}})),
        }
    }
}

#[tokio::test]
async fn tokens_jobs_and_state_use_the_proxy_and_trust_its_authority() {
    let machine = Machine::new(Manner::default(), google());
    let ran = machine.check(machine.command()).await;
    let (status, text) = line(&ran, "bigquery_login");
    assert_eq!(status, "ok", "{text}");
    assert!(text.contains(ACCOUNT) && text.contains("a service account's key in key.json"), "{text}");
    assert_eq!(line(&ran, "bigquery_dataset").0, "ok");
    let (status, text) = line(&ran, "state");
    assert_eq!(status, "skip", "{text}");
    let outside = &machine.outside;
    assert_eq!(outside.passed("oauth2.googleapis.com").len(), 2, "one login for all, and one renewal");
    assert!(outside.passed("bigquery.googleapis.com").iter().all(|passed| passed.bearer().is_some()));
    let storage: Vec<_> = outside.passed("storage.googleapis.com");
    assert_eq!(storage.last().unwrap().bearer(), Some("token-1"), "{storage:?}");
}

#[tokio::test]
async fn the_login_respects_no_proxy() {
    let machine = Machine::new(Manner::default(), google());
    let proxy = format!("http://{}", machine.outside.address);
    machine.key("token_uri", format!("{proxy}/token").into());
    for (no_proxy, line) in [("", "POST http://127.0.0.1"), ("127.0.0.1", "POST /token")] {
        let mut command = machine.command();
        command.env("HTTP_PROXY", &proxy).env("NO_PROXY", no_proxy);
        machine.check(command).await;
        let asked = machine.outside.passed("").pop().unwrap();
        assert!(asked.line.starts_with(line), "{asked:?}");
    }
}

#[tokio::test]
async fn an_untrusted_authority_is_reported_at_once_with_what_to_install() {
    let machine = Machine::new(Manner::default(), google());
    let other = tempfile::tempdir().unwrap();
    let ca = Outside::open(other.path(), Manner::default(), google()).ca.clone();
    let mut command = machine.command();
    command.env("SSL_CERT_FILE", ca);
    let ran = machine.check(command).await;
    refused_login(&ran, &["oauth2.googleapis.com", "does not trust the authority", "SSL_CERT_FILE"]);
    let (_, text) = line(&ran, "state");
    assert!(text.contains("does not trust the authority"), "{text}");
    let asked = machine.outside.tunnels("oauth2.googleapis.com");
    assert!(asked <= 3, "for the jobs, for the state, and for whom to let in there, and never again: {asked}");
}

#[tokio::test]
async fn a_certificate_of_another_name_stops_each_service_at_once() {
    let machine = Machine::new(Manner { hosts: "oauth2.googleapis.com", ..Manner::default() }, google());
    let ran = machine.check(machine.command()).await;
    assert_eq!(line(&ran, "bigquery_login").0, "ok");
    for (topic, words) in [
        ("bigquery_dataset", "the certificate of bigquery.googleapis.com is refused: it is for another name"),
        ("state", "the certificate of storage.googleapis.com is refused: it is for another name"),
    ] {
        let (status, text) = line(&ran, topic);
        assert!(status == "fail" && text.contains(words), "{text}");
    }
    assert_eq!(machine.outside.tunnels("storage.googleapis.com"), 1, "it is not asked again");
}

#[tokio::test]
async fn a_machine_without_authorities_is_not_reported_as_a_wrong_key() {
    let machine = Machine::new(Manner::default(), google());
    let mut command = machine.command();
    command.env("SSL_CERT_FILE", "/dev/null");
    let ran = finish(command).await;
    assert!(matches!(ran.code, 1 | 2), "{ran:?}");
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert!(told.contains("SSL_CERT_FILE is /dev/null, where no certificate can be read"), "{told}");
    assert!(!told.contains("download the key"), "{told}");
}

#[tokio::test]
async fn a_proxy_that_asks_for_a_login_is_distinguished_from_a_broken_connection() {
    let machine = Machine::new(Manner { wants_login: true, ..Manner::default() }, google());
    let ran = machine.check(machine.command()).await;
    refused_login(&ran, &["the proxy on the way to oauth2.googleapis.com asks for a login", "HTTPS_PROXY"]);
}

#[tokio::test]
async fn a_wrong_clock_is_reported_with_its_difference() {
    let machine = Machine::new(Manner::default(), |_| {
        let date = (Utc::now() + TimeDelta::minutes(90)).format("Date: %a, %d %b %Y %H:%M:%S GMT\r\n").to_string();
        let text = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.";
        (400, date, json!({"error": "invalid_grant", "error_description": text}).to_string())
    });
    let ran = machine.check(machine.command()).await;
    refused_login(&ran, &["key.json", "clock is 1 h 29 min behind that of oauth2.googleapis.com", "timedatectl"]);
}
