//! Where a connection's password comes from: a variable, a file that is read each time, or a command.
//!
//! A command's output is never logged; its error message is, without the output.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::words::one_line;
use crate::domain::config::PasswordSource;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::Secret;
use crate::paths::shown;

/// How long a command's answer is kept: readers that begin together share one; tokens of the clouds live for 15
/// minutes.
const KEPT: Duration = Duration::from_mins(1);

/// The time limit of a command. `gcloud` and `aws` begin in seconds; one that waits for input would hold the run for
/// ever.
const COMMAND_TIME: Duration = Duration::from_secs(30);

/// The longest output; a token has some kilobytes.
const LONGEST: u64 = 64 * 1024;

/// The shell's exit codes for a command that does not exist or may not be run.
const NOT_A_COMMAND: [i32; 2] = [126, 127];

/// The source of the password, with the last answer of a command.
#[derive(Debug)]
pub struct Passwords {
    source: PasswordSource,
    time: Duration,
    keep: Duration,
    kept: Mutex<Option<(Instant, Secret)>>,
}

/// A password, and whether it may be outdated.
#[derive(Debug)]
pub struct Password {
    pub secret: Secret,
    pub is_kept: bool,
}

impl Passwords {
    pub fn new(source: PasswordSource) -> Self {
        Self { source, time: COMMAND_TIME, keep: KEPT, kept: Mutex::default() }
    }

    /// # Errors
    /// `Config` for a file or command that does not exist or gives no password, `Auth` for a command that fails twice.
    pub async fn get(&self) -> Result<Password, Fault> {
        let new = |secret| Password { secret, is_kept: false };
        match &self.source {
            PasswordSource::Nowhere => Ok(new(Secret::default())),
            PasswordSource::Variable(secret) => Ok(new(secret.clone())),
            PasswordSource::File(path) => from_file(path).await.map(new),
            PasswordSource::Command(command) => self.asked_for(command.expose()).await,
        }
    }

    /// Forgets a kept password that the server refused: the next call asks again.
    pub async fn forget(&self, refused: &Secret) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|(_, secret)| secret == refused) {
            *kept = None;
        }
    }

    async fn asked_for(&self, command: &str) -> Result<Password, Fault> {
        let mut kept = self.kept.lock().await;
        if let Some((since, secret)) = kept.as_ref()
            && since.elapsed() < self.keep
        {
            return Ok(Password { secret: secret.clone(), is_kept: true });
        }
        let mut ended = run(command, self.time).await?;
        if ended.may_pass() {
            // Token services fail at times; a command that is wrong fails again at once.
            tokio::time::sleep(Duration::from_millis(500)).await;
            ended = run(command, self.time).await?;
        }
        let secret = ended.password()?;
        *kept = Some((Instant::now(), secret.clone()));
        Ok(Password { secret, is_kept: false })
    }
}

async fn from_file(path: &Path) -> Result<Secret, Fault> {
    let name = format!("MYSQL_PASSWORD_FILE names {}, which", shown(path));
    let config = |sentence: String| Fault::new(FaultKind::Config, sentence);
    let bytes = tokio::fs::read(path).await.map_err(|error| {
        config(format!("{name} cannot be read"))
            .caused_by(error)
            .with_hint("give the path of a file that this user may read and that holds the password alone")
    })?;
    password(bytes).map_err(|what| config(format!("{name} {what}")).with_hint("write the password alone into the file"))
}

/// A single line break at the end comes from an editor or a tool, and is removed.
fn password(bytes: Vec<u8>) -> Result<Secret, &'static str> {
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text")?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() { Err("is empty") } else { Ok(Secret::new(text)) }
}

/// Ends the command, and everything that it started, when nobody waits for it any more.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

/// The result of a command that has ended.
struct Ended {
    status: ExitStatus,
    printed: Vec<u8>,
    said: Vec<u8>,
}

async fn run(command: &str, time: Duration) -> Result<Ended, Fault> {
    let spawned = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C must not reach the command, because this program ends in its own way.
        .process_group(0)
        .spawn();
    let mut child = spawned.map_err(|error| {
        Fault::new(FaultKind::Config, "MYSQL_PASSWORD_COMMAND cannot be run by /bin/sh").caused_by(error)
    })?;
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = tokio::time::timeout(time, async {
        let (printed, said) = tokio::join!(all(stdout), all(stderr));
        Ok::<_, std::io::Error>(Ended { printed: printed?, said: said?, status: child.wait().await? })
    });
    let ended = ended.await.map_err(|_| {
        let sentence = format!("MYSQL_PASSWORD_COMMAND printed no password within {} s", time.as_secs_f32());
        Fault::new(FaultKind::Auth, sentence)
            .with_hint("run it by hand as this user: it must end by itself, without a question")
    })?;
    let ended = ended
        .map_err(|error| Fault::new(FaultKind::Transient, "MYSQL_PASSWORD_COMMAND was cut off").caused_by(error))?;
    group.0 = None;
    Ok(ended)
}

impl Ended {
    fn is_a_command(&self) -> bool {
        self.status.code().is_none_or(|code| !NOT_A_COMMAND.contains(&code))
    }

    /// Tells if another try could succeed.
    fn may_pass(&self) -> bool {
        !self.status.success() && self.is_a_command()
    }

    fn password(self) -> Result<Secret, Fault> {
        if self.status.success() {
            return password(self.printed).map_err(|what| {
                let sentence = format!("What MYSQL_PASSWORD_COMMAND printed {what}");
                Fault::new(FaultKind::Config, sentence)
                    .with_hint("let it print the password, and nothing else, to stdout")
            });
        }
        let said = first_words(&self.printed, &self.said);
        let because = if said.is_empty() { String::new() } else { format!(": {said}") };
        let kind = if self.is_a_command() { FaultKind::Auth } else { FaultKind::Config };
        // `exit status: 3`, or `signal: 9 (SIGKILL)`.
        let sentence = format!("MYSQL_PASSWORD_COMMAND failed ({}){because}", self.status);
        Err(Fault::new(kind, sentence).with_hint(
            "run it by hand as this user, with this environment (`.env` is not part of it): it must print the password",
        ))
    }
}

/// The first line of stderr, without the password that the command printed.
fn first_words(printed: &[u8], said: &[u8]) -> String {
    let (printed, said) = (String::from_utf8_lossy(printed), String::from_utf8_lossy(said));
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let secrets = printed.lines().map(str::trim).filter(|secret| !secret.is_empty());
    one_line(&secrets.fold(line.to_owned(), |line, secret| line.replace(secret, "***")))
}

/// Everything from a pipe, up to a length that no sensible output exceeds; the rest is read and thrown away, so that
/// the writer can end.
async fn all(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(LONGEST).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_command(command: &str) -> Passwords {
        Passwords::new(PasswordSource::Command(Secret::new(command)))
    }

    #[tokio::test]
    async fn one_line_break_at_the_end_is_not_part_of_a_password() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pw");
        let passwords = Passwords::new(PasswordSource::File(file.clone()));
        for (held, expected) in
            [("pw", "pw"), ("pw\n", "pw"), ("pw\r\n", "pw"), (" p w \n\n", " p w \n"), ("pw\r", "pw\r")]
        {
            std::fs::write(&file, held).unwrap();
            assert_eq!(passwords.get().await.unwrap().secret.expose(), expected);
        }
        for held in [&b"\n"[..], b"", b"caf\xe9"] {
            std::fs::write(&file, held).unwrap();
            let fault = passwords.get().await.unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Config);
            assert!(fault.to_string().contains("MYSQL_PASSWORD_FILE names"), "{fault}");
        }
        std::fs::remove_file(&file).unwrap();
        let fault = passwords.get().await.unwrap_err();
        assert!(fault.to_string().contains(&file.display().to_string()), "{fault}");
    }

    #[tokio::test]
    async fn a_password_command_runs_once_for_simultaneous_connections_and_again_after_a_refusal() {
        let dir = tempfile::tempdir().unwrap();
        let count = dir.path().join("count").display().to_string();
        let passwords = by_command(&format!("echo x >>'{count}'; wc -l <'{count}' | tr -d ' '"));
        let get = || async {
            let password = passwords.get().await.unwrap();
            (password.secret.expose().to_owned(), password.is_kept)
        };
        let (one, two) = tokio::join!(get(), get());
        assert_eq!((one, two), (("1".to_owned(), false), ("1".to_owned(), true)));
        passwords.forget(&Secret::new("another")).await;
        assert_eq!(get().await, ("1".to_owned(), true));
        passwords.forget(&Secret::new("1")).await;
        assert_eq!(get().await, ("2".to_owned(), false));
    }

    #[tokio::test]
    async fn a_kept_password_expires() {
        let passwords = Passwords { keep: Duration::ZERO, ..by_command("echo pw") };
        for _ in 0..2 {
            assert!(!passwords.get().await.unwrap().is_kept);
        }
    }

    #[tokio::test]
    async fn a_failed_command_is_reported_with_its_exit_code_and_stderr_but_not_its_output() {
        let fault = by_command("echo hunter2; printf '\\nno \\033[31mway with hunter2\\nmore' >&2; exit 3").get().await;
        let fault = fault.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Auth);
        let text = fault.to_string();
        assert!(text.contains("exit status: 3") && text.contains("way with ***"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("more") && !text.contains('\u{1b}'), "{text}");
    }

    #[tokio::test]
    async fn commands_that_cannot_give_a_password_are_a_configuration_fault() {
        for command in ["/nowhere/token", "true", "echo", "printf '\\377'"] {
            let fault = by_command(command).get().await.unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Config, "{command}: {fault}");
        }
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_killed_with_everything_that_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let command = format!("sleep 600 & echo $! >'{}'; wait", pid.display());
        let passwords = Passwords { time: Duration::from_millis(300), ..by_command(&command) };
        let fault = passwords.get().await.unwrap_err();
        assert!(fault.to_string().contains("within 0.3 s"), "{fault}");
        let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        let gone = || rustix::process::test_kill_process(Pid::from_raw(pid).unwrap()).is_err();
        for _ in 0..100 {
            if gone() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // An orphan that nobody collects counts as ended.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    }
}
