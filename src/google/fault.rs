//! A fault told again: in the context of what was tried, or to somebody else who waited for the same.

use crate::domain::fault::Fault;

/// The same fault, whose sentence begins with `what`.
pub fn in_context(fault: &Fault, what: &str) -> Fault {
    copied(fault, format!("{what}: {fault}"))
}

/// For whoever waited too.
pub fn copied(fault: &Fault, sentence: String) -> Fault {
    Fault::new(fault.kind(), sentence).with_retry_after(fault.retry_after()).with_hint_if_any(fault.own_hint())
}
