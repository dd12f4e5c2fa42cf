//! Commands that need no configuration.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs the program without any server or sandbox.
fn bqsync(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bqsync")).args(arguments).env_clear().current_dir("/").output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = bqsync(arguments);
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const COMMANDS: [&str; 6] = ["run-once", "backfill", "status", "schema-diff", "check", "init"];

#[test]
fn completions_of_every_shell_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = printed(&["completions", shell]);
        for command in COMMANDS {
            assert!(text.contains(command), "{shell} does not know {command}");
        }
    }
    assert_eq!(bqsync(&["completions", "cmd"]).status.code(), Some(2));
}

#[test]
fn bash_accepts_its_completions() {
    let mut bash = Command::new("bash").args(["-n", "-s"]).stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(printed(&["completions", "bash"]).as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn the_program_and_every_command_have_a_manual_page() {
    let page = printed(&["man"]);
    assert!(page.contains(".TH bqsync 1") && page.contains("Exit codes"), "{page}");
    for command in COMMANDS {
        let page = printed(&["man", command]);
        assert!(page.contains(&format!(".TH bqsync-{command} 1")) && page.contains("\\-\\-config"), "{page}");
    }
    assert_eq!(bqsync(&["man", "no-such-command"]).status.code(), Some(2));
}
