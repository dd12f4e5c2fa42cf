//! What makes a text no YAML, or YAML that means nothing here.

/// Quoted, a value is text: no number that YAML writes its own way, and none too long for it.
pub const QUOTE: &str = "put quotes around the value";

/// What is wrong with the text, where, and what to write instead.
#[derive(Debug)]
pub(in crate::domain::config) struct Flaw {
    pub line: usize,
    pub message: String,
    pub hint: &'static str,
}
