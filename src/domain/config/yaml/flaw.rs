//! What makes a text invalid YAML, or YAML that makes no sense here.

/// In quotes a value is text: not a number that YAML writes in another form or that is too long.
pub const QUOTE: &str = "put quotes around the value";

/// A flaw of the text, its place, and what to write instead.
#[derive(Debug)]
pub(in crate::domain::config) struct Flaw {
    pub line: usize,
    pub message: String,
    pub hint: &'static str,
}
