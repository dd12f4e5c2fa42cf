//! Ways of logging in, for the connections that read table rows. These are this program's own; other questions go
//! through other connections, so `check` and `status` prove nothing about these.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bigquery_syncer::domain::config::{self, mysql_settings};
use bigquery_syncer::domain::fault::{Fault, FaultKind};
use bigquery_syncer::domain::plan::{PlanInput, plan};
use bigquery_syncer::domain::schema::Decisions;
use bigquery_syncer::source::mysql::MysqlSource;
use bigquery_syncer::source::{BatchLimits, Extraction, Source, Step};

use crate::getting_in::{CANARY, account, sandbox};
use crate::support::{Sandbox, certificates, is_mysql, setting};

const SERVER: [&str; 5] = ["MYSQL_HOST", "MYSQL_PORT", "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_DATABASE"];

/// The sandbox's server; these variables say who logs in, and how.
fn source(sandbox: &Sandbox, variables: &[(&str, &str)]) -> MysqlSource {
    let mut all: BTreeMap<&str, String> =
        SERVER.iter().map(|&name| (name, std::env::var(name).unwrap_or_default())).collect();
    all.insert("MYSQL_DATABASE", sandbox.database.clone());
    all.extend(variables.iter().map(|&(name, value)| (name, value.to_owned())));
    MysqlSource::new(mysql_settings(&|name: &str| all.get(name).cloned()).unwrap())
}

/// Counts the rows of the sandbox's table that an account reads. root describes the table, so the server has not heard
/// of the account before.
async fn rows(sandbox: &Sandbox, variables: &[(&str, &str)]) -> Result<usize, Fault> {
    let text = sandbox.read("config.yaml");
    let config = config::parse(&text, Path::new("config.yaml"), &|_: &str| None).unwrap();
    let mapping = &config.mappings[0];
    let schema = source(sandbox, &[]).describe(&mapping.source).await.unwrap();
    let input = PlanInput {
        mapping,
        timezone: config.default_timezone,
        additions: config.schema_additions,
        source: &schema,
        target: None,
        decisions: &Decisions::new(),
    };
    let extraction = Extraction {
        table: mapping.source.clone(),
        plan: Arc::new(plan(input).unwrap().table),
        only: None,
        by_parts: None,
        window: None,
        limits: BatchLimits::default(),
        is_step: false,
        readers: 1,
        cancel: tokio_util::sync::CancellationToken::new(),
    };
    let mut extract = source(sandbox, variables).read(extraction);
    let mut count = 0;
    loop {
        match extract.next().await? {
            Step::Batch(batch) => count += batch.rows.num_rows(),
            Step::End { .. } => return Ok(count),
            Step::Stopped => panic!("nobody cancelled"),
        }
    }
}

#[tokio::test]
async fn rows_are_read_over_tcp_tls_and_the_socket_with_and_without_a_password() {
    let sandbox = sandbox("ways").await;
    let (authority, socket) = (setting("BQSYNC_DEV_SSL_CA"), setting("BQSYNC_DEV_SOCKET"));
    let user = account(&sandbox, CANARY, "").await;
    sandbox
        .sql(&format!(
            "CREATE USER n{user}@'%' IDENTIFIED BY ''; GRANT SELECT ON `{}`.* TO n{user}@'%'",
            sandbox.database
        ))
        .await;
    for (user, password) in [(user.clone(), CANARY), (format!("n{user}"), "")] {
        for way in [
            &[("MYSQL_SSL_MODE", "disabled")][..],
            &[("MYSQL_SSL_MODE", "preferred")],
            &[("MYSQL_SSL_MODE", "required")],
            &[("MYSQL_SSL_MODE", "verify_ca"), ("MYSQL_SSL_CA", &authority)],
            &[("MYSQL_SOCKET", &socket)],
            &[("MYSQL_SOCKET", &socket), ("MYSQL_SSL_MODE", "required")],
        ] {
            // The server forgets what it knows of passwords, so it asks once for the whole password.
            sandbox.sql("FLUSH PRIVILEGES").await;
            for cache in ["cold", "warm"] {
                let variables = [&[("MYSQL_USER", user.as_str()), ("MYSQL_PASSWORD", password)], way].concat();
                let read = rows(&sandbox, &variables).await;
                assert!(matches!(read, Ok(1)), "{way:?}, `{password}`, {cache}: {read:?}");
            }
        }
    }
    let as_user = [("MYSQL_USER", user.as_str()), ("MYSQL_PASSWORD", CANARY)];
    let other = certificates::own(sandbox.dir(), "other").certificate.display().to_string();
    // No other authority has signed the server's certificate; and that of MySQL itself names no host.
    let mut refused = vec![[("MYSQL_SSL_MODE", "verify_ca"), ("MYSQL_SSL_CA", other.as_str())]];
    if is_mysql().await {
        refused.push([("MYSQL_SSL_MODE", "verify_identity"), ("MYSQL_SSL_CA", &authority)]);
    }
    for mode in refused {
        let fault = rows(&sandbox, &[&as_user[..], &mode].concat()).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Config, "{mode:?}: {fault}");
    }
}

#[tokio::test]
async fn rows_are_read_by_an_account_that_requires_a_certificate() {
    let sandbox = sandbox("shown").await;
    let user = account(&sandbox, CANARY, "REQUIRE X509").await;
    let mine = certificates::signed(sandbox.dir(), "mine", Path::new(&setting("BQSYNC_DEV_SSL_CA")));
    let (certificate, key) = (mine.certificate.display().to_string(), mine.key.display().to_string());
    let as_user = [("MYSQL_USER", user.as_str()), ("MYSQL_PASSWORD", CANARY), ("MYSQL_SSL_MODE", "required")];
    let shown = [&as_user[..], &[("MYSQL_SSL_CERT", &certificate), ("MYSQL_SSL_KEY", &key)]].concat();
    assert!(matches!(rows(&sandbox, &shown).await, Ok(1)));
    let fault = rows(&sandbox, &as_user).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Auth, "{fault}");
    assert!(fault.hint().contains("REQUIRE X509") && !fault.to_string().contains(CANARY), "{fault}: {}", fault.hint());
}

#[tokio::test]
async fn rows_are_read_by_an_account_with_another_plugin_than_the_servers_default() {
    if !is_mysql().await {
        return;
    }
    let sandbox = sandbox("switched").await;
    let user = format!("s{}", std::process::id());
    let create = format!("CREATE USER {user}@'%' IDENTIFIED WITH sha256_password BY '{CANARY}'");
    sandbox.sql(&format!("{create}; GRANT SELECT ON `{}`.* TO {user}@'%'", sandbox.database)).await;
    for mode in ["disabled", "required"] {
        let variables = [("MYSQL_USER", user.as_str()), ("MYSQL_PASSWORD", CANARY), ("MYSQL_SSL_MODE", mode)];
        let read = rows(&sandbox, &variables).await;
        assert!(matches!(read, Ok(1)), "{mode}: {read:?}");
    }
}

#[tokio::test]
async fn an_account_whose_password_is_in_the_old_format_is_not_tried_again() {
    if is_mysql().await {
        return;
    }
    let sandbox = sandbox("oldpassword").await;
    let user = account(&sandbox, "test", "").await;
    let old = format!("ALTER USER {user}@'%' IDENTIFIED VIA mysql_old_password USING '378b243e220ca493'");
    sandbox.sql(&old).await;
    let fault = rows(&sandbox, &[("MYSQL_USER", &user), ("MYSQL_PASSWORD", "test")]).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Auth, "{fault}");
    assert!(fault.to_string().contains("1275") && fault.hint().contains("SET PASSWORD"), "{fault}; {}", fault.hint());
}
