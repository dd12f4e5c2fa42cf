//! A terminal for the real binary: tmux on its own socket, and in it a shell that starts the program.
//!
//! Thanks to the shell a test can tell if the terminal was given back, and with which exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Sandbox;

/// The shell's prompt is this and the last command's exit code; alone on the last line it means that the shell waits.
const PROMPT: &str = "exit code";
/// Generous, because the emulators are slow while every test uses them.
const DEADLINE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(30);

pub struct Terminal {
    socket: PathBuf,
    server: Pid,
    shell: Pid,
    tty: String,
    /// The output of `stty -a` before the program.
    modes: String,
}

impl Sandbox {
    /// A shell in 80x24 with the environment that `command` gives the program, and the program on its PATH.
    pub async fn terminal(&self) -> Terminal {
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        let socket = self.path(&format!("tmux{}", COUNTER.fetch_add(1, Ordering::Relaxed)));
        // An interactive shell reads this file; some users' shells ignore a prompt in the environment.
        self.write(".shrc", &format!("PS1='{PROMPT} $? '\n"));
        let program = self.command(&[]);
        let programs = Path::new(program.get_program()).parent().unwrap().display().to_string();
        let variables = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let started = client(&socket)
            .envs(variables)
            .env("PATH", format!("{programs}:{}", super::setting("PATH")))
            .env("ENV", self.path(".shrc"))
            .env("LANG", "C.UTF-8")
            .current_dir(self.dir())
            // Without tmux's status line the pane has all 24 lines.
            .args(["-f", "/dev/null", "start-server", ";", "set-option", "-g", "status", "off", ";"])
            .args(["new-session", "-d", "-x", "80", "-y", "24", "sh", "-i"])
            .output()
            .unwrap_or_else(|error| panic!("tmux: {error}; `make install` installs it"));
        said(started);
        let facts =
            said(client(&socket).args(["display-message", "-p", "#{pid} #{pane_pid} #{pane_tty}"]).output().unwrap());
        let [server, shell, tty] = facts.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
        let mut terminal =
            Terminal { socket, server: pid(server), shell: pid(shell), tty: tty.to_owned(), modes: String::new() };
        terminal.until("the shell's prompt", |screen| code_in(screen) == Some(0)).await;
        terminal.modes = terminal.modes_now();
        terminal
    }

    /// A terminal in which a command line was started.
    pub async fn terminal_with(&self, command_line: &str) -> Terminal {
        let terminal = self.terminal().await;
        terminal.start(command_line).await;
        terminal
    }
}

impl Terminal {
    /// Makes the shell run a command line.
    pub async fn start(&self, command_line: &str) {
        self.type_in(command_line);
        let shown = |screen: &str| screen.replace('\n', "").contains(command_line);
        self.until(&format!("`{command_line}` echoed by the shell"), shown).await;
        self.press(&["Enter"]);
    }

    /// Presses keys by tmux's names for them: `r`, `Enter`, `C-c`.
    pub fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Types a text as it is.
    pub fn type_in(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    pub fn resize(&self, width: u16, height: u16) {
        self.tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The screen with its colours and attributes as escape sequences.
    pub fn painted(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Waits until the screen contains the text, in any spacing, wrapping and framing.
    pub async fn shows(&self, text: &str) -> String {
        self.until(&format!("`{text}`"), |screen| says(screen, text)).await
    }

    /// Waits until the screen meets a condition.
    pub async fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let since = Instant::now();
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return screen;
            }
            assert!(since.elapsed() < DEADLINE, "waited in vain for {what}; the screen:\n{screen}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the shell has its terminal back, as it was before; gives the exit code.
    pub async fn left(&self) -> i32 {
        let screen = self.until("the shell's prompt", |screen| code_in(screen).is_some()).await;
        let state = self.tmux(&["display-message", "-p", "alternate screen #{alternate_on}, cursor #{cursor_flag}"]);
        assert_eq!(state.trim(), "alternate screen 0, cursor 1", "{screen}");
        assert_eq!(self.modes_now(), self.modes, "{screen}");
        code_in(&screen).unwrap()
    }

    /// The process that the shell has started.
    pub fn program(&self) -> Pid {
        *children(self.shell).last().expect("the shell to have started something")
    }

    /// Waits until a process is gone, even if the terminal is gone, too.
    pub async fn ended(process: Pid) {
        let status = format!("/proc/{process}/stat");
        // A process whose exit code nobody has read yet counts as gone.
        let lives = || std::fs::read_to_string(&status).is_ok_and(|stat| !stat.contains(") Z "));
        eventually(&format!("the end of process {process}"), || !lives()).await;
    }

    /// Copies what is written to the terminal from now on, byte by byte.
    pub fn record(&self, file: &Path) {
        self.tmux(&["pipe-pane", "-O", &format!("exec cat > '{}'", file.display())]);
    }

    /// From now on the terminal takes no more output, as behind a dead link: writers wait.
    pub fn stall(&self) {
        kill_process(self.server, Signal::STOP).unwrap();
        // Fills the kernel's buffer.
        let full = Command::new("dd")
            .args(["if=/dev/zero", "bs=512", "oflag=nonblock", "conv=notrunc", &format!("of={}", self.tty)])
            .output()
            .unwrap();
        assert!(String::from_utf8_lossy(&full.stderr).contains("temporarily unavailable"), "{full:?}");
    }

    /// The link works again.
    pub fn go_on(&self) {
        kill_process(self.server, Signal::CONT).unwrap();
    }

    /// The terminal goes away while a program runs in it.
    pub fn hang_up(&self) {
        self.tmux(&["kill-server"]);
    }

    /// The kernel reuses process ids, but not the socket's name, which tmux gives every process that it starts.
    fn is_inside(&self, process: Pid) -> bool {
        let variables = std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&variables).contains(&*self.socket.to_string_lossy())
    }

    fn modes_now(&self) -> String {
        let modes = said(Command::new("stty").args(["-a", "-F", &self.tty]).output().unwrap());
        // The size is part of the modes, and the program need not restore it.
        modes.split("; ").filter(|part| !part.starts_with("rows") && !part.starts_with("columns")).collect()
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        said(client(&self.socket).args(arguments).output().unwrap())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let inside = tree(self.shell);
        // The server may be stopped, or gone already.
        let _ = kill_process(self.server, Signal::CONT);
        let _ = client(&self.socket).arg("kill-server").output();
        // Processes that live on without their terminal are ended.
        for process in inside.into_iter().filter(|process| self.is_inside(*process)) {
            let _ = kill_process(process, Signal::KILL);
        }
    }
}

/// Waits for a condition that no screen shows.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < DEADLINE, "waited in vain for {what}");
        tokio::time::sleep(LOOK).await;
    }
}

fn client(socket: &Path) -> Command {
    let mut tmux = Command::new("tmux");
    tmux.env_clear().env("PATH", super::setting("PATH")).env("SHELL", "/bin/sh").arg("-u").arg("-S").arg(socket);
    tmux
}

fn said(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The exit code in the prompt, if the shell waits.
fn code_in(screen: &str) -> Option<i32> {
    screen.trim_end().lines().last()?.strip_prefix(PROMPT)?.trim().parse().ok()
}

/// Tells if the screen contains the text. Spaces, line ends and frames do not count.
pub fn says(screen: &str, text: &str) -> bool {
    let plain = |text: &str| {
        let words = text.split(|c: char| c.is_whitespace() || c == '│' || c == '|');
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    plain(screen).contains(&plain(text))
}

fn pid(text: &str) -> Pid {
    Pid::from_raw(text.parse().unwrap()).unwrap()
}

fn children(parent: Pid) -> Vec<Pid> {
    let listed = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    listed.split_whitespace().map(pid).collect()
}

/// The process and all its descendants.
fn tree(root: Pid) -> Vec<Pid> {
    let below = children(root).into_iter().flat_map(tree);
    below.chain([root]).collect()
}
