//! Ways of reaching MySQL: TLS modes, sockets, authentication plugins.

use crate::support::{Sandbox, finish, is_mysql, setting};

const MAPPING: &str =
    "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: upsert}";

async fn sandbox(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure("", MAPPING);
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    sandbox
}

#[tokio::test]
async fn the_unix_socket_can_be_used() {
    let sandbox = sandbox("socket").await;
    let Ok(socket) = std::env::var("BQSYNC_DEV_SOCKET") else { return };
    let mut command = sandbox.command(&["status"]);
    command.env("MYSQL_SOCKET", socket).env("MYSQL_PORT", "1");
    finish(command).await.expect_code(0);
}

#[tokio::test]
async fn tls_is_used_when_required_and_a_wrong_authority_is_refused() {
    let sandbox = sandbox("tls").await;
    let Ok(authority) = std::env::var("BQSYNC_DEV_SSL_CA") else { return };
    let with = |mode: &str, authority: &str| {
        let mut command = sandbox.command(&["status"]);
        command.env("MYSQL_SSL_MODE", mode).env("MYSQL_SSL_CA", authority);
        finish(command)
    };
    with("required", &authority).await.expect_code(0);
    with("VERIFY_CA", &authority).await.expect_code(0);
    with("disabled", &authority).await.expect_code(0);
    let ran = with("verify_ca", "/nowhere/ca.pem").await;
    assert_ne!(ran.code, 0);
    assert!(ran.stdout.contains("/nowhere/ca.pem") || ran.stderr.contains("/nowhere/ca.pem"), "{ran:?}");
}

#[tokio::test]
async fn caching_sha2_password_works_with_and_without_tls_on_a_cold_and_a_warm_cache() {
    if !is_mysql().await {
        return;
    }
    let sandbox = sandbox("sha2").await;
    let user = format!("sha{}", std::process::id());
    sandbox
        .sql(&format!(
            "CREATE USER {user}@'%' IDENTIFIED WITH caching_sha2_password BY 'pä55'; GRANT SELECT ON `{}`.* TO {user}@'%'",
            sandbox.database
        ))
        .await;
    for mode in ["required", "disabled"] {
        sandbox.sql("FLUSH PRIVILEGES").await;
        for _cold_then_warm in 0..2 {
            let mut command = sandbox.command(&["status"]);
            command.env("MYSQL_USER", &user).env("MYSQL_PASSWORD", "pä55").env("MYSQL_SSL_MODE", mode);
            finish(command).await.expect_code(0);
        }
    }
    // Through the server's own socket it accepts the password in clear.
    sandbox.sql("FLUSH PRIVILEGES").await;
    for _cold_then_warm in 0..2 {
        let mut command = sandbox.command(&["status"]);
        command.env("MYSQL_USER", &user).env("MYSQL_PASSWORD", "pä55");
        command.env("MYSQL_SOCKET", setting("BQSYNC_DEV_SOCKET"));
        finish(command).await.expect_code(0);
    }
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let sandbox = sandbox("away").await;
    let mut command = sandbox.command(&["status"]);
    // Port 1 of loopback: nobody listens there.
    command.env("MYSQL_PORT", "1");
    let ran = finish(command).await.expect_code(1);
    assert!(ran.stdout.contains("127.0.0.1:1"), "{ran:?}");
}
