//! The terminal: taken over, given back on every exit, and never waited for.
//!
//! A thread of its own writes all output. While it is blocked (Ctrl-S, a slow link) nothing is drawn, but keys, signals
//! and runs go on.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::queue;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::Rect;
use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
use rustix::termios::{Action, OptionalActions, QueueSelector, Termios, tcflow, tcflush, tcgetattr, tcsetattr};
use tokio::sync::Notify;

use super::links::Link;

/// How long the end waits for a terminal that does not take a frame.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest text for the clipboard: terminals cut off or refuse longer ones (xterm, tmux).
const LONGEST_COPY: usize = 50_000;

/// The owner of the screen.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Frames>>,
}

/// Collects a frame and hands it to the writing thread as a whole.
#[derive(Debug, Default)]
pub struct Frames {
    frame: Vec<u8>,
}

/// The channel to the writing thread, which lives as long as the process.
static OUTPUT: OnceLock<Sender<Vec<u8>>> = OnceLock::new();
/// The bytes that were passed to the writing thread and are not written yet. There is one counter for the process,
/// because a panic's hook must wait for it too.
static UNWRITTEN: AtomicUsize = AtomicUsize::new(0);
static WRITTEN: Notify = Notify::const_new();

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        hand_over(std::mem::take(&mut self.frame));
        Ok(())
    }
}

/// Starts the writing thread, once.
///
/// The thread does not write through the process's own stdout: whoever exits flushes that, and must not wait for its
/// lock.
fn start_writing() -> io::Result<()> {
    if OUTPUT.get().is_none() {
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let (sender, frames) = channel();
        std::thread::Builder::new().name("terminal-output".to_owned()).spawn(move || write(out, &frames))?;
        let _ = OUTPUT.set(sender);
    }
    Ok(())
}

fn write(mut out: File, frames: &Receiver<Vec<u8>>) {
    while let Ok(mut frame) = frames.recv() {
        let mut parts = 1;
        while let Ok(more) = frames.try_recv() {
            frame.extend(more);
            parts += 1;
        }
        // The reader notices that the terminal is gone.
        let _ = out.write_all(&frame);
        UNWRITTEN.fetch_sub(parts, Ordering::SeqCst);
        WRITTEN.notify_one();
    }
}

fn hand_over(bytes: Vec<u8>) {
    if let (Some(output), false) = (OUTPUT.get(), bytes.is_empty()) {
        UNWRITTEN.fetch_add(1, Ordering::SeqCst);
        // The thread ends only with the process.
        let _ = output.send(bytes);
    }
}

/// Tells if the terminal has taken all output.
pub fn is_idle() -> bool {
    UNWRITTEN.load(Ordering::SeqCst) == 0
}

/// Waits until the terminal has taken all output.
pub async fn idle() {
    while !is_idle() {
        WRITTEN.notified().await;
    }
}

/// Copies a text to the clipboard of the operator's terminal, also over SSH (OSC 52).
pub fn copy(text: &str) {
    let text: String = text.chars().take(LONGEST_COPY).collect();
    let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    hand_over(sequence.into_bytes());
}

/// Turns a label that the last frame has drawn into a link.
pub fn write_link(link: &Link) {
    hand_over(link.sequence().into_bytes());
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If it cannot be put into raw mode, or the system gives no thread.
    pub fn take() -> io::Result<Self> {
        start_writing()?;
        keep_modes();
        enter()?;
        Ok(Self { terminal: Terminal::new(CrosstermBackend::new(Frames::default()))? })
    }

    /// Draws the changes.
    ///
    /// # Errors
    /// If the terminal's size cannot be read: then it is gone.
    pub fn draw(&mut self, look: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(look).map(|_| ())
    }

    /// Makes the next frame draw everything anew. (`Terminal::clear` would ask the terminal for its cursor, and wait.)
    ///
    /// # Errors
    /// The errors of `draw`.
    pub fn forget(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Gives the terminal back, stops until the shell continues the job, and takes the terminal over again. `false`: no
    /// shell could continue it, so nothing was stopped.
    ///
    /// # Errors
    /// The errors of `take`.
    pub fn suspend(&mut self) -> io::Result<bool> {
        if !has_shell() {
            return Ok(false);
        }
        give_back();
        // The terminal does the same: it stops the whole job, not only this process. SIGTSTP cannot be used, because we
        // listen for it.
        let _ = kill_current_process_group(Signal::STOP);
        // The shell may have set other modes meanwhile.
        keep_modes();
        enter()?;
        self.forget()?;
        Ok(true)
    }

    /// Takes the terminal over again after a stop that we did not cause, or from a command that had it.
    ///
    /// # Errors
    /// The errors of `take`.
    pub fn take_again(&mut self) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            give_modes_back();
        }
        enter()?;
        self.forget()
    }
}

/// Tells if a shell could continue a stopped job. A shell with job control gives each job its own process group; in the
/// session leader's group, as for the command of a tmux window or of ssh, nobody would continue it.
pub fn has_shell() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

/// Whether the terminal is taken over.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal's modes before it was taken over. A program that had it meanwhile may have left others.
static MODES: Mutex<Option<Termios>> = Mutex::new(None);

fn keep_modes() {
    // If stdin is not a terminal, taking it over fails as well and reports that.
    *MODES.lock().unwrap_or_else(PoisonError::into_inner) = tcgetattr(io::stdin()).ok();
}

/// Restores line mode and echo.
pub fn give_modes_back() {
    if let Some(modes) = &*MODES.lock().unwrap_or_else(PoisonError::into_inner) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut sequences = Vec::new();
    // Bracketed paste: pasted text must not be read as keys.
    queue!(sequences, EnterAlternateScreen, EnableBracketedPaste, SetTitle("bqsync"))?;
    hand_over(sequences);
    Ok(())
}

fn leave() -> io::Result<()> {
    let mut sequences = Vec::new();
    queue!(sequences, DisableBracketedPaste, LeaveAlternateScreen, Show)?;
    hand_over(sequences);
    Ok(())
}

/// Restores everything that `enter` changed, after the last frame; calling it twice does no harm.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = leave();
        if !is_through(|| ()) {
            // More may be waiting than the system keeps for a terminal at once.
            is_through(unclog);
            unclog();
            // The sequences may have been dropped with the rest, so they are sent again.
            let _ = leave();
            is_through(|| ());
        }
        let _ = disable_raw_mode();
        give_modes_back();
    }
}

/// Waits, for a limited time, until the terminal has taken everything; between two looks it calls `help`.
fn is_through(help: impl Fn()) -> bool {
    let since = Instant::now();
    while !is_idle() && since.elapsed() < PATIENCE {
        help();
        std::thread::sleep(Duration::from_millis(2));
    }
    is_idle()
}

/// Drops the output that the system keeps for a dead link, so that the exit need not wait for it. This makes room, but
/// the waiting thread notices that only when the flow goes on.
fn unclog() {
    let out = io::stdout();
    let _ = tcflush(&out, QueueSelector::OFlush)
        .and_then(|()| tcflow(&out, Action::OOff))
        .and_then(|()| tcflow(&out, Action::OOn));
}

static UI_THREAD: OnceLock<std::thread::ThreadId> = OnceLock::new();
/// Panics of other threads, to be printed once the terminal is given back.
static UNSAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on a panic is logged. If it is this thread's, the terminal is given back before it is printed; another
/// thread's panic comes back as an event and leaves the screen alone.
pub fn hook_panics() {
    let _ = UI_THREAD.set(std::thread::current().id());
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!("panic: {panic}");
        if UI_THREAD.get() == Some(&std::thread::current().id()) {
            give_back();
            print(panic);
        } else if TAKEN.load(Ordering::SeqCst) {
            UNSAID.lock().unwrap_or_else(PoisonError::into_inner).push(panic.to_string());
        } else {
            print(panic);
        }
    }));
}

/// The panics of other threads that are not printed yet.
pub fn unsaid_panics() -> Vec<String> {
    std::mem::take(&mut UNSAID.lock().unwrap_or_else(PoisonError::into_inner))
}
