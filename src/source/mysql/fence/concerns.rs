//! Which tables a writer is of concern to.

use std::collections::BTreeSet;

/// The tables that somebody may write.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concerns {
    Any,
    /// Database and table, in lower case: servers differ in whether case tells names apart.
    Tables(BTreeSet<(String, String)>),
}
