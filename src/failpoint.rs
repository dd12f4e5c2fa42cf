//! Named steps at which a test has the whole process killed, as a power cut would, or the thread panic, as a mistake of
//! ours would. Without the feature `failpoints`, which no release is built with, nothing of it is there.

/// A step has been taken. `BQSYNC_KILL_AT=NAME` kills the process when it is the first of its name, `NAME:3` the third;
/// `BQSYNC_PANIC_AT` panics where `BQSYNC_KILL_AT` would kill.
///
/// # Panics
/// Where the environment asks for it.
#[cfg(feature = "failpoints")]
pub fn reached(step: &str) {
    if is_due("BQSYNC_KILL_AT", step) {
        let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal is on its way; nothing more may happen until it is here.
        while killed.is_ok() {
            std::thread::park();
        }
    }
    assert!(!is_due("BQSYNC_PANIC_AT", step), "BQSYNC_PANIC_AT={step}");
}

#[cfg(feature = "failpoints")]
fn is_due(variable: &str, step: &str) -> bool {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static TIMES: AtomicUsize = AtomicUsize::new(0);

    let Ok(wanted) = std::env::var(variable) else { return false };
    let (name, nth) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    name == step && (TIMES.fetch_add(1, Ordering::SeqCst) + 1).to_string() == nth
}

#[cfg(not(feature = "failpoints"))]
pub const fn reached(_step: &str) {}
