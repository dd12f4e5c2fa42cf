//! The release packages: `dev/package` on these tests' program, unpacked and used as an administrator would.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The output of a command, which must succeed.
#[track_caller]
fn said(command: &mut Command) -> String {
    let ran = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{command:?} ended with {}:\n{stdout}\n{stderr}", ran.status);
    stdout.into_owned()
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// All files and folders below, by their path from the top, with their modes.
fn tree(top: &Path) -> BTreeMap<PathBuf, u32> {
    let mut found = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = path.symlink_metadata().unwrap().permissions().mode() & 0o7777;
            found.insert(path.strip_prefix(top).unwrap().to_owned(), mode);
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// systemd accepts the units, and finds the programs that they start.
fn verify_units(installed: &Path) {
    let units = installed.join("usr/lib/systemd/system");
    let ours: Vec<_> = std::fs::read_dir(&units).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(ours.len(), 3, "{ours:?}");
    // The units of every system are put beside them.
    for entry in std::fs::read_dir("/usr/lib/systemd/system").unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.extension().is_some_and(|end| end == "target" || end == "slice" || end == "mount") {
            std::fs::copy(&path, units.join(path.file_name().unwrap())).unwrap();
        }
    }
    let mut verify = Command::new("systemd-analyze");
    said(verify.args(["verify", "--man=no", "--root"]).arg(installed).args(ours));
}

#[test]
fn the_package_installs_everything_and_keeps_its_configuration_private() {
    let work = tempfile::tempdir().unwrap();
    let (program, out, installed) =
        (work.path().join("bqsync"), work.path().join("out"), work.path().join("installed"));
    // The debug information, half a gigabyte, is stripped.
    said(Command::new("strip").arg("-o").arg(&program).arg(env!("CARGO_BIN_EXE_bqsync")));
    said(Command::new(root().join("dev/package")).arg(&program).arg(&out).env("QUICK", "1"));

    let sums = std::fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    for ending in [".tar.gz", ".deb", ".rpm"] {
        assert!(sums.lines().any(|line| line.ends_with(ending)), "no {ending} in:\n{sums}");
    }
    said(Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(&out));
    if !is_there("dpkg") {
        return;
    }

    let mut made = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let package = made.find(|path| path.extension().is_some_and(|end| end == "deb")).unwrap();
    said(Command::new("dpkg").arg("-x").arg(&package).arg(&installed));
    let version = said(Command::new(installed.join("usr/bin/bqsync")).arg("--version"));
    assert_eq!(version.trim(), concat!("bqsync ", env!("CARGO_PKG_VERSION")));

    let tree = tree(&installed);
    let page = |command: &str| PathBuf::from(format!("usr/share/man/man1/bqsync{command}.1.gz"));
    for command in ["", "-run-once", "-backfill", "-check", "-init", "-verify"] {
        assert!(tree.contains_key(&page(command)), "no manual page of bqsync{command}");
    }
    for path in ["usr/share/bash-completion/completions/bqsync", "usr/share/doc/bqsync/docs/deploy.md"] {
        assert!(tree.contains_key(Path::new(path)), "no {path}");
    }
    for file in ["systemd/bqsync.service", "cron/bqsync", "airflow/bqsync_dag.py"] {
        let text = std::fs::read_to_string(installed.join("usr/share/doc/bqsync/deploy").join(file)).unwrap();
        assert!(text.contains("/usr/bin/bqsync") && !text.contains("/usr/local/"), "{file} calls another program");
    }
    let private: Vec<_> = tree.iter().filter(|(path, _)| path.starts_with("etc/bqsync")).collect();
    let (folder, example) = (PathBuf::from("etc/bqsync"), PathBuf::from("etc/bqsync/config.example.yaml"));
    assert_eq!(private, [(&folder, &0o750), (&example, &0o640)]);
    let writable: Vec<_> = tree.iter().filter(|(_, mode)| **mode & 0o022 != 0).collect();
    assert!(writable.is_empty(), "others may write: {writable:?}");
    if is_there("systemd-analyze") {
        verify_units(&installed);
    }
}

/// In the making of an image nothing is started, and /proc may not be there.
#[test]
fn a_package_goes_in_and_out_where_no_systemd_runs() {
    let programs = tempfile::tempdir().unwrap();
    let stand_in = |name: &str, code: u8| {
        let path = programs.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho {name} \"$@\"\nexit {code}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    };
    let run = |script: &str, argument: &str| {
        let script = root().join("deploy/package").join(script);
        let mut shell = Command::new("/bin/sh");
        said(shell.arg(script).arg(argument).env_clear().env("PATH", programs.path()))
    };
    assert_eq!(run("postinstall.sh", "configure"), "");
    stand_in("systemd-sysusers", 0);
    stand_in("systemd-tmpfiles", 1);
    stand_in("systemctl", 1);
    assert!(run("postinstall.sh", "configure").starts_with("systemd-sysusers bqsync.conf\nsystemd-tmpfiles --create"));
    for argument in ["remove", "upgrade", "0", "1"] {
        run("preremove.sh", argument);
    }
}
