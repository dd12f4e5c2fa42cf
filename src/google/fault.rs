//! A fault repeated: in the context of what was tried, or for another caller who waited for the same thing.

use crate::domain::fault::Fault;

/// The same fault; its sentence begins with `what`.
pub fn in_context(fault: &Fault, what: &str) -> Fault {
    copied(fault, format!("{what}: {fault}"))
}

/// The same fault for another caller who waited.
pub fn copied(fault: &Fault, sentence: String) -> Fault {
    Fault::new(fault.kind(), sentence)
        .with_retry_after(fault.retry_after())
        .with_hint_if_any(fault.own_hint())
        .with_absent(fault.absent().cloned())
}
