//! MySQL behind SSH: a real `ssh` to a real `sshd`, both run by the test.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::getting_in::{CANARY, account, assert_says, check, line, sandbox};
use crate::support::sshd::Sshd;
use crate::support::{Sandbox, finish, is_mysql, setting};

/// A check through that server, with an account.
fn through(sandbox: &Sandbox, sshd: &Sshd, user: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = check(sandbox, user, &[("MYSQL_PASSWORD", CANARY), ("MYSQL_SSH", sshd.destination)]);
    command.env("PATH", &sshd.path).env("TMPDIR", sandbox.dir()).envs(variables.iter().copied());
    command
}

fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A process that nobody has collected yet counts as ended.
    !stat.is_empty() && !stat.contains(") Z ")
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..500 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

/// The number of socket directories that are left.
fn left(directory: &Path) -> usize {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with("bqsync.")).count()
}

#[tokio::test]
async fn connections_through_ssh_work_with_and_without_tls_and_leave_nothing_behind() {
    let sandbox = sandbox("ssh").await;
    let user = account(&sandbox, CANARY, "").await;
    let sshd = Sshd::start(&sandbox, "").await;
    let said = line(through(&sandbox, &sshd, &user, &[]), "mysql_login").await;
    assert_says(&said, "ok", &["through ssh bastion", "by MYSQL_PASSWORD"]);
    // Traffic that leaves the tunnel is on the network again, so `preferred` still uses TLS.
    assert_says(&line(through(&sandbox, &sshd, &user, &[]), "mysql_tls").await, "ok", &["TLSv1"]);
    let plain = [("MYSQL_SSL_MODE", "disabled")];
    let said = line(through(&sandbox, &sshd, &user, &plain), "mysql_tls").await;
    assert_says(&said, "ok", &["encrypted by ssh up to bastion"]);
    // The certificate is for the server, not for the socket that leads to it.
    let authority = setting("BQSYNC_DEV_SSL_CA");
    let mode = if is_mysql().await { "verify_ca" } else { "verify_identity" };
    let verified = [("MYSQL_SSL_MODE", mode), ("MYSQL_SSL_CA", &authority)];
    let said = line(through(&sandbox, &sshd, &user, &verified), "mysql_tls").await;
    assert_says(&said, "ok", &["is verified"]);
    let clients = sshd.clients();
    assert_eq!(clients.len(), 4, "one for all connections of a check");
    until("every ssh has ended", || !clients.iter().any(|&pid| is_alive(pid))).await;
    until("every socket is removed", || left(sandbox.dir()) == 0).await;
}

#[tokio::test]
async fn an_ssh_that_ends_half_way_is_started_again_and_a_kill_9_ends_it() {
    let sandbox = sandbox("sshdies").await;
    let user = account(&sandbox, CANARY, "").await;
    let sshd = Sshd::start(&sandbox, "").await;
    let held = sandbox.hold("t").await;
    let mut run = sandbox.command(&["--no-tui", "run-once", "--output", "json"]);
    run.envs([("MYSQL_USER", user.as_str()), ("MYSQL_PASSWORD", CANARY), ("MYSQL_SSH", sshd.destination)]);
    run.env("PATH", &sshd.path).env("TMPDIR", sandbox.dir());
    let mut child = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let first = waits_for_the_table(&sandbox, &user, 0).await;
    assert_eq!(sshd.clients().len(), 1);
    kill(sshd.clients()[0], Signal::TERM);
    waits_for_the_table(&sandbox, &user, first).await;
    assert_eq!(sshd.clients().len(), 2);
    kill(i32::try_from(child.id()).unwrap(), Signal::KILL);
    child.wait().unwrap();
    until("no ssh is left", || !sshd.clients().iter().any(|&pid| is_alive(pid))).await;
    until("no socket is left", || left(sandbox.dir()) == 0).await;
    drop(held);
}

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Waits for a connection that waits for the table and is later than another: MySQL notices only later that one is
/// gone.
async fn waits_for_the_table(sandbox: &Sandbox, user: &str, later_than: i64) -> i64 {
    let waiting = format!(
        "SELECT COALESCE(MAX(id), 0) FROM information_schema.processlist \
         WHERE user = '{user}' AND state LIKE 'Waiting for table%'"
    );
    for _ in 0..500 {
        let id = sandbox.mysql_number(&waiting).await;
        if id > later_than {
            return id;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: a connection of the run waits for the table");
}

#[tokio::test]
async fn a_failure_of_ssh_is_reported_in_its_own_words() {
    let sandbox = sandbox("sshno").await;
    let sshd = Sshd::start(&sandbox, "PermitOpen 127.0.0.1:2").await;
    let said = line(through(&sandbox, &sshd, "etl", &[]), "mysql_login").await;
    assert_says(&said, "fail", &["administratively prohibited", "AllowTcpForwarding"]);
    sshd.distrust();
    let said = line(through(&sandbox, &sshd, "etl", &[]), "mysql_login").await;
    assert_says(&said, "fail", &["Host key verification failed", "`ssh bastion`"]);
    let mut command = through(&sandbox, &sshd, "etl", &[]);
    command.env("PATH", sandbox.path("empty"));
    assert_says(&line(command, "mysql_login").await, "fail", &["install the OpenSSH client"]);
    let mut command = through(&sandbox, &sshd, "etl", &[]);
    command.env("MYSQL_SOCKET", setting("BQSYNC_DEV_SOCKET"));
    assert!(finish(command).await.expect_code(2).stderr.contains("MYSQL_SSH and MYSQL_SOCKET are both set"));
}
