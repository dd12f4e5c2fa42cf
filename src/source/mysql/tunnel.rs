//! A connection to the server through SSH, with the system's `ssh`, so that its configuration, agent, jump hosts and
//! hardware keys apply. It starts when a connection needs it, and again if it has ended; it never outlives this
//! program.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Mutex, Notify, oneshot, watch};
use tokio::task::JoinHandle;

use super::gate::private_directory;
use super::words::one_line;
use crate::domain::config::MysqlSettings;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::is_password;

/// The time limit for the start: a jump host, or a key that must be touched, takes time.
const START_TIME: Duration = Duration::from_secs(45);

/// How long to wait for the reason of a failure: `ssh` says why it could not forward before it closes the connection,
/// but through another pipe.
const WORDS_TIME: Duration = Duration::from_millis(300);

/// Lines of stderr that are kept; the message about a changed host key takes a dozen.
const KEPT_LINES: usize = 16;

/// Ends `ssh` when its own stdin ends, which is when this program ends, however it does (a kill -9 included), or drops
/// the tunnel. The first argument is the path of the socket, in a directory of its own.
const KEEPER: &str = r#"exec 3<&0
socket=$1
shift
ssh "$@" </dev/null 3<&- &
ssh=$!
( read -r _ <&3; kill "$ssh" ) >/dev/null 2>&1 &
keeper=$!
wait "$ssh"
code=$?
kill "$keeper" 2>/dev/null
rm -f "$socket"
rmdir "${socket%/*}" 2>/dev/null
exit "$code""#;

/// Options that must hold whatever ~/.ssh/config says: no questions, no shared connection (whose end would be ours), a
/// sign when the forwarding works, and an end when the other side is gone.
const OPTIONS: [&str; 14] = [
    "BatchMode=yes",
    "ExitOnForwardFailure=yes",
    "ConnectTimeout=15",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    "ControlMaster=no",
    "ControlPath=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    "RemoteCommand=none",
    "LogLevel=INFO",
    "StreamLocalBindMask=0177",
    "PermitLocalCommand=yes",
    "LocalCommand=echo ready",
];

/// The last lines of `ssh`, with a signal for each.
#[derive(Debug, Default)]
struct Words {
    lines: StdMutex<VecDeque<String>>,
    bell: Notify,
}

/// The forwarding for one server, running or not.
#[derive(Debug)]
pub struct Tunnel {
    /// The destination in `ssh` syntax.
    destination: String,
    /// `host:port`, as the destination resolves it.
    target: String,
    running: Mutex<Option<Running>>,
    words: Arc<Words>,
}

#[derive(Debug)]
struct Running {
    socket: PathBuf,
    ended: watch::Receiver<Option<String>>,
    /// Dropping this closes the pipe, which ends `ssh`.
    _leash: ChildStdin,
}

impl Tunnel {
    /// `None` where the server is reached without SSH.
    pub fn new(settings: &MysqlSettings) -> Option<Self> {
        let MysqlSettings { host, port, ssh, .. } = settings;
        let bare = host.trim_matches(['[', ']']);
        let target = if bare.contains(':') { format!("[{bare}]:{port}") } else { format!("{bare}:{port}") };
        let (running, words) = (Mutex::default(), Arc::default());
        ssh.clone().map(|destination| Self { destination, target, running, words })
    }

    /// The socket that leads to the server; starts `ssh` if it does not run.
    ///
    /// # Errors
    /// `Auth` and `Config` where a person must act, otherwise `Transient`.
    pub async fn socket(&self) -> Result<PathBuf, Fault> {
        let mut running = self.running.lock().await;
        if let Some(standing) = running.as_ref().filter(|running| running.ended.borrow().is_none()) {
            return Ok(standing.socket.clone());
        }
        *running = None;
        let begun = self.start().await?;
        Ok(running.insert(begun).socket.clone())
    }

    /// Forgets earlier lines, so that [`Self::why`] reports only later ones.
    pub fn forget(&self) {
        self.words.lines.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What `ssh` says about a connection that failed.
    pub async fn why(&self) -> Option<String> {
        let said = || self.words.lines.lock().unwrap_or_else(PoisonError::into_inner).back().cloned();
        let bell = self.words.bell.notified();
        if let Some(line) = said() {
            return Some(line);
        }
        tokio::time::timeout(WORDS_TIME, bell).await.ok();
        said()
    }

    async fn start(&self) -> Result<Running, Fault> {
        let failed = |error| Fault::new(FaultKind::Config, "MYSQL_SSH: `ssh` cannot be started").caused_by(error);
        self.forget();
        // The keeper, which outlives this program, removes it.
        let directory = private_directory().map_err(failed)?;
        let socket = directory.path().join("mysql");
        let mut child = self.command(&socket).spawn().map_err(failed)?;
        let _ = directory.keep();
        let (Some(leash), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Fault::new(FaultKind::Bug, "`ssh` was started without its pipes"));
        };
        let (is_ready, ready) = oneshot::channel();
        tokio::spawn(first_line(stdout, is_ready));
        let (end, mut ended) = watch::channel(None);
        let listening = tokio::spawn(listen(stderr, Arc::clone(&self.words)));
        tokio::spawn(attend(child, listening, self.destination.clone(), end));
        let standing = async {
            tokio::select! {
                biased;
                Ok(()) = ready => None,
                end = ended.wait_for(Option::is_some) => Some(end.ok().and_then(|end| end.clone()).unwrap_or_default()),
            }
        };
        match tokio::time::timeout(START_TIME, standing).await {
            Ok(None) => Ok(Running { socket, ended, _leash: leash }),
            Ok(Some(how)) => Err(self.refused(&how)),
            Err(_) => {
                let sentence = format!("ssh to {} did not get in within {} s", self.destination, START_TIME.as_secs());
                Err(Fault::new(FaultKind::Transient, sentence).with_hint(self.by_hand()))
            }
        }
    }

    fn command(&self, socket: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "sh"]).arg(socket).args(["-N", "-T"]);
        for option in OPTIONS {
            command.args(["-o", option]);
        }
        command
            .arg("-L")
            .arg(format!("{}:{}", socket.display(), self.target))
            .args(["--", &self.destination])
            // `ssh` runs LocalCommand with this shell; a service account has /usr/sbin/nologin there.
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C must not reach it: this program ends in its own way, and connections need the tunnel until then.
            .process_group(0);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_password(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command
    }

    /// The fault for an `ssh` that ended before the forwarding worked.
    fn refused(&self, how: &str) -> Fault {
        let lines = self.words.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let said: Vec<_> = lines.iter().skip(lines.len().saturating_sub(2)).map(String::as_str).collect();
        let all: Vec<_> = lines.iter().map(String::as_str).collect();
        let (kind, hint) = judge(how, &all.join("\n"));
        let because = if said.is_empty() { how.to_owned() } else { said.join("; ") };
        let hint = hint.map_or_else(|| self.by_hand(), |hint| hint.replace("{ssh}", &self.destination));
        Fault::new(kind, format!("ssh to {} (MYSQL_SSH) failed: {because}", self.destination)).with_hint(hint)
    }

    fn by_hand(&self) -> String {
        format!("see that `ssh -o BatchMode=yes -N {}` gets in as this user without a question", self.destination)
    }
}

/// Judges by the words of OpenSSH, which has one exit code for all errors.
fn judge(how: &str, said: &str) -> (FaultKind, Option<&'static str>) {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if how.contains("exit status: 127") {
        return (FaultKind::Config, Some("install the OpenSSH client: the program `ssh` is not on the PATH"));
    }
    if says(&["Host key verification failed", "HOST IDENTIFICATION HAS CHANGED"]) {
        let hint = "check the host's key and accept it once by hand, as this user: `ssh {ssh}`";
        return (FaultKind::Config, Some(hint));
    }
    if says(&["Permission denied", "Too many authentication failures", "no mutual signature"]) {
        return (FaultKind::Auth, None);
    }
    if says(&["Bad configuration", "Bad owner or permissions", "terminating", "usage: ssh", "invalid characters"]) {
        return (FaultKind::Config, None);
    }
    (FaultKind::Transient, None)
}

/// Waits for the line that LocalCommand prints once `ssh` is logged in and its forwarding works.
async fn first_line(stdout: impl AsyncRead + Unpin, ready: oneshot::Sender<()>) {
    let mut lines = BufReader::new(stdout).lines();
    if let Ok(Some(_)) = lines.next_line().await {
        ready.send(()).ok();
        while let Ok(Some(_)) = lines.next_line().await {}
    }
}

/// Reports when `ssh` has ended, after its last lines.
async fn attend(mut child: Child, listening: JoinHandle<()>, destination: String, end: watch::Sender<Option<String>>) {
    let how = child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
    // A process that it started (a ProxyCommand) may keep its stderr open.
    tokio::time::timeout(WORDS_TIME, listening).await.ok();
    tracing::info!(destination, how, "ssh has ended; the next connection starts it again");
    end.send_replace(Some(how));
}

async fn listen(stderr: impl AsyncRead + Unpin, words: Arc<Words>) {
    let mut pieces = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(piece)) = pieces.next_segment().await {
        let line = one_line(&String::from_utf8_lossy(&piece));
        if line.is_empty() {
            continue;
        }
        tracing::debug!(line, "ssh says");
        let mut lines = words.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
        words.bell.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_ssh_decides_whether_a_retry_makes_sense() {
        let kind = |said| judge("exit status: 255", said).0;
        assert_eq!(kind("ops@bastion: Permission denied (publickey)."), FaultKind::Auth);
        assert_eq!(kind("Host key verification failed."), FaultKind::Config);
        assert_eq!(kind("/root/.ssh/config: line 3: Bad configuration option: x"), FaultKind::Config);
        assert_eq!(kind("ssh: connect to host bastion port 22: Connection refused"), FaultKind::Transient);
        assert_eq!(kind("ssh: Could not resolve hostname bastion"), FaultKind::Transient);
        let (kind, hint) = judge("exit status: 127", "sh: 5: ssh: not found");
        assert!(kind == FaultKind::Config && hint.unwrap().contains("OpenSSH"));
    }
}
