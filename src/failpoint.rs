//! Named steps at which a test kills the whole process, as a power cut would, or makes the thread panic, as an error of
//! ours would. Without the feature `failpoints`, which no release has, the steps do nothing.

/// Marks a step. `BQSYNC_KILL_AT=NAME` kills the process at the first step of the name, `NAME:3` at the third;
/// `BQSYNC_PANIC_AT` panics instead.
///
/// # Panics
/// If the environment asks for it.
#[cfg(feature = "failpoints")]
pub fn reached(step: &str) {
    if is_due("BQSYNC_KILL_AT", step) {
        let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal is on its way; nothing more may happen until it arrives.
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
