//! A command that has the terminal while the console waits. Runs go on meanwhile, and nothing is drawn.

use std::io;

use rustix::process::{Pid, Signal, kill_current_process_group, kill_process};
use tokio::process::{Child, Command};

use super::app::Msg;
use super::errand::Errand;
use super::input::Held;
use super::terminal::has_shell;

/// Runs the line in its own shell, so that nothing in it can prevent the message after it. Ctrl-C ends the command, not
/// the question after it. If the command leaves the terminal without line mode and echo, they are restored; otherwise
/// Enter would not be read.
const AROUND: &str = "modes=$(stty -g 2>/dev/null); trap : INT QUIT; sh -c \"$1\"; code=$?; \
                      [ -z \"$modes\" ] || stty \"$modes\" 2>/dev/null; \
                      printf '\\n%s ended with exit code %s. Enter returns to the console. ' \"$2\" \"$code\"; read -r _; exit \"$code\"";

#[derive(Debug)]
pub struct Away {
    child: Child,
    name: String,
    /// While this exists, keys go to the command.
    _held: Held,
}

impl Away {
    /// # Errors
    /// If there is no shell.
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
    /// Nobody waits for the command any more, so the processes that it started end with it.
    fn drop(&mut self) {
        // A child that has ended and whose exit code was read has no process id any more.
        let around = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        for process in around.map(descendants).unwrap_or_default() {
            let _ = kill_process(process, Signal::TERM);
        }
    }
}

/// All processes that a process has started, directly or indirectly.
#[cfg(target_os = "linux")]
fn descendants(of: Pid) -> Vec<Pid> {
    // Each thread lists the processes that it has started.
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

/// Waits for the command's end; gives its name and exit code.
pub async fn ended(away: &mut Option<Away>) -> (String, Option<i32>) {
    match away {
        Some(away) => {
            let ended = away.child.wait().await.ok().and_then(|status| status.code());
            (away.name.clone(), ended)
        }
        None => std::future::pending().await,
    }
}

/// Tells if the message is for the command, which shares the terminal's signals with the console.
pub fn is_the_commands(msg: &Msg) -> bool {
    match msg {
        Msg::Interrupted | Msg::LeaveAtOnce | Msg::Continued => true,
        Msg::Stop => {
            // The command was stopped, so the console stops as well; otherwise the shell would not show its prompt
            // again.
            if has_shell() {
                let _ = kill_current_process_group(Signal::STOP);
            }
            true
        }
        _ => false,
    }
}
