//! A command that has the terminal while the console stands back. Runs go on meanwhile, and nothing is drawn.

use std::io;

use rustix::process::{Signal, kill_current_process_group};
use tokio::process::{Child, Command};

use super::app::Msg;
use super::errand::Errand;
use super::input::Held;
use super::terminal::has_shell;

/// Runs the line in a shell of its own, so that nothing in it can keep what follows from being said. Ctrl-C ends the command,
/// not the question after it.
const AROUND: &str = "trap : INT QUIT; sh -c \"$1\"; code=$?; \
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
