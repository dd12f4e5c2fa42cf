//! Which tables a writer may write to.

use std::collections::BTreeSet;

/// The tables that a writer may write to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concerns {
    Any,
    /// Database and table, in lower case, because servers differ in whether case distinguishes names.
    Tables(BTreeSet<(String, String)>),
}
