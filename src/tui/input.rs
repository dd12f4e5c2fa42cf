//! Reads keys from the terminal, in a thread of its own.
//!
//! crossterm's own event stream spins at full speed once the terminal has hung up, and a sequence that was cut in half
//! blocks its reader: here only this thread waits, and it ends with the terminal. (Its feature `use-dev-tty` selects
//! the level-triggered source. The edge-triggered one loses the key that follows a resize.)

use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc;

/// Input from the terminal.
#[derive(Debug)]
pub enum Input {
    Event(Event),
    /// The terminal is gone.
    Lost,
}

/// Not zero, which would count as a timeout that has passed, so that nothing would be read.
const AT_ONCE: Duration = Duration::from_millis(1);

/// Another program reads the terminal.
static HELD: Mutex<bool> = Mutex::new(false);
static RELEASED: Condvar = Condvar::new();

/// While this exists, no key is read here.
#[derive(Debug)]
pub struct Held;

impl Drop for Held {
    fn drop(&mut self) {
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) = false;
        RELEASED.notify_all();
    }
}

/// Leaves the terminal's input to another program, once the current read has ended.
pub fn hold() -> Held {
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = true;
    Held
}

/// Starts reading. The thread ends with the terminal, with the receiver, or with the process.
///
/// # Errors
/// If the system gives no thread.
pub fn start() -> io::Result<mpsc::UnboundedReceiver<Input>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::Builder::new().name("terminal-input".to_owned()).spawn(move || read(&sender))?;
    Ok(receiver)
}

fn read(sender: &mpsc::UnboundedSender<Input>) {
    let stdin = io::stdin();
    loop {
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
        let said = fds[0].revents();
        if said.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            break;
        }
        if !said.contains(PollFlags::IN) {
            continue;
        }
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if *held {
            // The input was for the other program.
            while *held {
                held = RELEASED.wait(held).unwrap_or_else(PoisonError::into_inner);
            }
            continue;
        }
        while event::poll(AT_ONCE).unwrap_or(false) {
            let Ok(event) = event::read() else { break };
            if sender.send(Input::Event(event)).is_err() {
                return;
            }
        }
    }
    // A receiver that is gone does not need to know.
    let _ = sender.send(Input::Lost);
}
