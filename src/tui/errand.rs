//! A command for which the console gives the terminal away.

/// A command, with the values that it works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    pub name: String,
    pub script: String,
    /// The values, by the names that the script has for them.
    pub values: Vec<(&'static str, String)>,
}
