//! Named steps at which a test has the whole process killed, as a power cut would. Without the feature `failpoints`,
//! which no release is built with, nothing of it is there.

/// A step has been taken. `BQSYNC_KILL_AT=NAME` kills the process when it is the first of its name, `NAME:3` the third.
#[cfg(feature = "failpoints")]
pub fn reached(step: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static TIMES: AtomicUsize = AtomicUsize::new(0);

    let Ok(wanted) = std::env::var("BQSYNC_KILL_AT") else { return };
    let (name, nth) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if name != step || (TIMES.fetch_add(1, Ordering::SeqCst) + 1).to_string() != nth {
        return;
    }
    let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal is on its way; nothing more may happen until it is here.
    while killed.is_ok() {
        std::thread::park();
    }
}

#[cfg(not(feature = "failpoints"))]
pub const fn reached(_step: &str) {}
