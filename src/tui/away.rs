//! A command that has the terminal while the console stands back. Runs go on meanwhile, and nothing is drawn.

use std::io;

use rustix::process::{Pid, Signal, kill_current_process_group, kill_process};
use tokio::process::{Child, Command};

use super::app::Msg;
use super::errand::Errand;
use super::input::Held;
use super::terminal::has_shell;

/// Runs the line in a shell of its own, so that nothing in it can keep what follows from being said. Ctrl-C ends the command,
/// not the question after it; a terminal that it has left without lines and echo gets them back, or Enter would not be read.
const AROUND: &str = "modes=$(stty -g 2>/dev/null); trap : INT QUIT; sh -c \"$1\"; code=$?; \
                      [ -z \"$modes\" ] || stty \"$modes\" 2>/dev/null; \
                      printf '\\n%s ended with exit code %s. Enter returns to the console. ' \"$2\" \"$code\"; read -r _; exit \"$code\"";

#[derive(Debug)]
pub struct Away {
    child: Child,
    name: String,
    /// Keys are the command's.
    _held: Held,
}

impl Away {
    /// # Errors
    /// When there is no shell.
    pub fn begin(errand: Errand, held: Held) -> io::Result<Self> {
        let Errand { name, script, values } = errand;
        let child = Command::new("sh")
            .args(["-c", AROUND, "bqsync", &script, &name])
            .envs(values)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, name, _held: held })
    }
}

impl Drop for Away {
    /// Nobody waits for it any more: what it has started ends with it.
    fn drop(&mut self) {
        // One that has ended and was asked for its exit code has no number any more.
        let around = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        for process in around.map(descendants).unwrap_or_default() {
            let _ = kill_process(process, Signal::TERM);
        }
    }
}

/// All that a process has started, and what that has.
#[cfg(target_os = "linux")]
fn descendants(of: Pid) -> Vec<Pid> {
    // Each thread tells of those that it has started.
    let children = |parent: Pid| {
        let threads = std::fs::read_dir(format!("/proc/{}/task", parent.as_raw_nonzero())).into_iter().flatten();
        let listed = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
        let numbers: Vec<i32> = listed
            .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
            .collect();
        numbers.into_iter().filter_map(Pid::from_raw).collect::<Vec<_>>()
    };
    let mut found = children(of);
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(children(parent));
        next += 1;
    }
    found
}

#[cfg(not(target_os = "linux"))]
fn descendants(_of: Pid) -> Vec<Pid> {
    Vec::new()
}

/// Waits for the command's end: its name and its exit code.
pub async fn ended(away: &mut Option<Away>) -> (String, Option<i32>) {
    match away {
        Some(away) => {
            let ended = away.child.wait().await.ok().and_then(|status| status.code());
            (away.name.clone(), ended)
        }
        None => std::future::pending().await,
    }
}

/// Is it meant for the command, which shares the terminal's signals with the console?
pub fn is_the_commands(msg: &Msg) -> bool {
    match msg {
        Msg::Interrupted | Msg::LeaveAtOnce | Msg::Continued => true,
        Msg::Stop => {
            // The command stands still: so does whoever waits for it, or the shell would not have its prompt again.
            if has_shell() {
                let _ = kill_current_process_group(Signal::STOP);
            }
            true
        }
        _ => false,
    }
}
