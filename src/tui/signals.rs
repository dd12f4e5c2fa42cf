//! Signals of the system to the process. If one cannot be listened for, the others still can.

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::app::Msg;

/// All signals that would end or stop the process silently: the terminal must be given back first.
pub struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    quit: Option<Signal>,
    hangup: Option<Signal>,
    stop: Option<Signal>,
    continued: Option<Signal>,
    resized: Option<Signal>,
}

impl Signals {
    pub fn listen() -> Self {
        let listen = |number: Number| signal(SignalKind::from_raw(number.as_raw())).ok();
        Self {
            interrupt: listen(Number::INT),
            terminate: listen(Number::TERM),
            quit: listen(Number::QUIT),
            hangup: listen(Number::HUP),
            stop: listen(Number::TSTP),
            continued: listen(Number::CONT),
            resized: listen(Number::WINCH),
        }
    }

    pub async fn next(&mut self) -> Msg {
        loop {
            tokio::select! {
                () = received(&mut self.interrupt) => return Msg::Interrupted,
                () = received(&mut self.terminate) => return Msg::Terminate,
                () = received(&mut self.quit) => return Msg::LeaveAtOnce,
                () = received(&mut self.hangup) => return Msg::TerminalLost,
                () = received(&mut self.stop) => return Msg::Stop,
                () = received(&mut self.continued) => return Msg::Continued,
                () = received(&mut self.resized) => {
                    if let Ok((width, height)) = ratatui::crossterm::terminal::size() {
                        return Msg::Resized(width, height);
                    }
                }
            }
        }
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
