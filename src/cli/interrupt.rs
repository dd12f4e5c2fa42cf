//! Ctrl-C, SIGTERM and SIGHUP, as a stream of requests to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask the program to stop. If one cannot be listened for, the others still can.
#[derive(Debug)]
pub(super) struct Interrupts {
    signals: [Option<Signal>; 3],
}

impl Interrupts {
    pub(super) fn listen() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self { signals: kinds.map(|kind| signal(kind).ok()) }
    }

    /// Waits for the next request.
    pub(super) async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            () = received(interrupt) => {}
            () = received(terminate) => {}
            () = received(hangup) => {}
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
