//! What the terminal is lent for.

/// A command with the values that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    pub name: String,
    pub script: String,
    /// By the names that the script has for them.
    pub values: Vec<(&'static str, String)>,
}
