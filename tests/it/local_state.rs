//! The local state file when files are cut short, come from a newer version, or are on a full or read-only disk.

use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::time::Duration;

use serde_json::json;

use crate::support::{Ran, Sandbox, finish};

async fn sandbox(name: &str, settings: &str) -> Sandbox {
    let sandbox = Sandbox::new(name).await;
    sandbox.configure(
        settings,
        "  - {name: t, mysql_table: t, bigquery_table: t, primary_keys: [id], incremental_column: id, mode: append}",
    );
    sandbox.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)").await;
    sandbox
}

async fn every_row_once(sandbox: &Sandbox) {
    let rows = sandbox.mysql_number("SELECT COUNT(*) FROM t").await;
    assert_eq!(sandbox.bq_number("SELECT COUNT(*) FROM `{d}.t`").await, rows);
    assert_eq!(sandbox.bq_number("SELECT COUNT(DISTINCT id) FROM `{d}.t`").await, rows);
}

#[tokio::test]
async fn a_truncated_state_file_is_refused_and_restored_from_the_backup_in_the_hint() {
    let sandbox = sandbox("cut", "").await;
    sandbox.sync().await;
    let whole = sandbox.read("state/state.json");
    for length in [0, 1, whole.len() / 2, whole.len() - 3] {
        sandbox.write("state/state.json", &whole[..length]);
        let report = sandbox.run_once().await.expect_code(1).mapping("t");
        assert_eq!(report["error_kind"], "config");
        let error = report["errors"][0].as_str().unwrap();
        assert!(error.contains("state/state.json") && error.contains("line "), "{error}");
        assert!(report["hint"].as_str().unwrap().contains("cp state/state.json.bak state/state.json"), "{report}");
        assert_eq!(sandbox.read("state/state.json"), whole[..length], "left as it was found");
    }
    std::fs::copy(sandbox.path("state/state.json.bak"), sandbox.path("state/state.json")).unwrap();
    sandbox.sql("INSERT INTO t VALUES (4, 4)").await;
    sandbox.sync().await;
    every_row_once(&sandbox).await;
}

#[tokio::test]
async fn a_state_file_of_a_newer_version_is_refused_and_left_unchanged() {
    let sandbox = sandbox("newer", "").await;
    sandbox.sync().await;
    let newer = sandbox.read("state/state.json").replace(r#""version": 1"#, r#""version": 2"#);
    sandbox.write("state/state.json", &newer);
    let report = sandbox.run_once().await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "config");
    assert!(report["errors"][0].as_str().unwrap().contains("newer version"), "{report}");
    assert_eq!(sandbox.read("state/state.json"), newer);
    sandbox.run(&["status"]).await.expect_code(1);
}

/// A small disk for the test, if this account may mount one.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Process::new("mount").args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }

    fn remount(&self, options: &str) {
        let remounted = Process::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status();
        assert!(remounted.unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Process::new("umount").arg(&self.0).status();
    }
}

/// Fills the rest of a disk.
fn fill(disk: &Path) {
    let mut ballast = std::fs::File::create(disk.join("ballast")).unwrap();
    while std::io::Write::write_all(&mut ballast, &[b'x'; 512]).is_ok() {}
}

/// `run-once` with files limited to `blocks` of 1,024 bytes: like a full disk, for an account that may not mount one.
async fn run_within(sandbox: &Sandbox, blocks: u32) -> Ran {
    let inner = sandbox.command(&["--no-tui", "run-once", "--output", "json"]);
    let mut command = Process::new("bash");
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"")).arg("bash");
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(sandbox.dir()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(std::process::Stdio::null());
    finish(command).await
}

#[tokio::test]
async fn a_full_disk_is_reported_and_the_last_good_state_is_kept() {
    let sandbox = sandbox("full", "state_local_path: disk/state.json").await;
    let disk = Disk::mount(&sandbox.path("disk"), "size=64k");
    sandbox.sync().await;
    let good = sandbox.read("disk/state.json");
    sandbox.sql("INSERT INTO t VALUES (4, 4)").await;
    let report = match &disk {
        Some(disk) => {
            fill(&disk.0);
            sandbox.run_once().await
        }
        None => run_within(&sandbox, 0).await,
    };
    let report = report.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "config");
    assert!(report["errors"][0].as_str().unwrap().contains("disk/state.json"), "{report}");
    if disk.is_some() {
        assert!(report["hint"].as_str().unwrap().contains("free space"), "{report}");
        std::fs::remove_file(sandbox.path("disk/ballast")).unwrap();
    }
    assert_eq!(sandbox.read("disk/state.json"), good, "never a part of a file, never an empty one");
    sandbox.sync().await;
    every_row_once(&sandbox).await;
}

#[tokio::test]
async fn a_file_size_limit_is_reported_and_the_last_good_state_is_kept() {
    let sandbox = sandbox("ulimit", "").await;
    sandbox.sync().await;
    let good = sandbox.read("state/state.json");
    sandbox.sql("INSERT INTO t VALUES (4, 4)").await;
    let report = run_within(&sandbox, 0).await.expect_code(1).mapping("t");
    assert_eq!(report["error_kind"], "config");
    assert!(report["hint"].as_str().unwrap().contains("limit"), "{report}");
    assert_eq!(sandbox.read("state/state.json"), good);
    sandbox.sync().await;
    every_row_once(&sandbox).await;
}

#[tokio::test]
async fn a_read_only_directory_is_named_with_the_key_that_changes_it() {
    let sandbox = sandbox("readonly", "state_local_path: disk/state.json").await;
    let disk = Disk::mount(&sandbox.path("disk"), "size=64k");
    sandbox.sync().await;
    let good = sandbox.read("disk/state.json");
    sandbox.sql("INSERT INTO t VALUES (4, 4)").await;
    let set_mode = |mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(sandbox.path("disk"), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    match &disk {
        Some(disk) => disk.remount("ro"),
        // An account that may not mount is not root, so permissions apply to it.
        None => set_mode(0o555),
    }
    let report = sandbox.run_once().await.expect_code(1).mapping("t");
    match &disk {
        Some(disk) => disk.remount("rw"),
        None => set_mode(0o755),
    }
    assert_eq!(report["error_kind"], "config");
    assert!(report["errors"][0].as_str().unwrap().contains("disk/state.json"), "{report}");
    if disk.is_some() {
        assert!(report["hint"].as_str().unwrap().contains("`state_local_path`"), "{report}");
    }
    assert_eq!(sandbox.read("disk/state.json"), good);
    sandbox.sync().await;
    every_row_once(&sandbox).await;
}

#[tokio::test]
async fn only_one_of_two_processes_on_a_state_file_works_and_the_other_names_the_holder() {
    let sandbox = sandbox("twolocal", "").await;
    let mut table = sandbox.connection().await;
    sqlx::raw_sql("LOCK TABLES t WRITE").execute(&mut table).await.unwrap();
    let first = sandbox.command(&["run-once", "--output", "json"]).spawn().unwrap();
    let waiting = format!(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%' AND db = '{}'",
        sandbox.database
    );
    while sandbox.mysql_number(&waiting).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let report = sandbox.run_once().await.expect_code(1).mapping("t");
    let error = report["errors"][0].as_str().unwrap();
    assert_eq!(report["error_kind"], "conflict");
    assert!(error.contains(&format!("process {}", first.id())) && error.contains(" since 2"), "{error}");
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut table).await.unwrap();
    let output = tokio::task::spawn_blocking(move || first.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    every_row_once(&sandbox).await;
    assert_eq!(sandbox.read_json("state/state.json")["last_sync"], json!({ "t": "3" }));
}

/// In its own mount namespace, so that nothing of the machine changes.
#[tokio::test]
async fn a_state_file_mounted_alone_is_refused_with_what_to_mount_instead() {
    let allowed = Process::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("this machine lets nobody mount, so nothing was tried");
        return;
    }
    let sandbox = sandbox("mounted", "").await;
    sandbox.write("outside.json", "{}");
    sandbox.write("state/state.json", "{}");
    let mounted = |arguments: &'static [&'static str]| {
        let program = sandbox.command(arguments);
        let mut command = Process::new("unshare");
        let script = "mount --bind outside.json state/state.json && exec \"$0\" \"$@\"";
        command.args(["-rm", "sh", "-c", script]).arg(program.get_program()).args(arguments);
        command.current_dir(sandbox.dir()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        finish(command)
    };
    let checked = mounted(&["check"]).await.expect_code(1);
    let ran = mounted(&["run-once"]).await.expect_code(1);
    for Ran { stdout, .. } in [checked, ran] {
        assert!(stdout.contains("state/state.json is mounted as a single file, which cannot be replaced"), "{stdout}");
        assert!(stdout.contains("mount its folder instead") && stdout.contains("subPath"), "{stdout}");
    }
    assert_eq!(sandbox.read("outside.json"), "{}");
    assert_eq!(sandbox.bq_tables().await, [""; 0], "rows were moved that could not be remembered");
}
