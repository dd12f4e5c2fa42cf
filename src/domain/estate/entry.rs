//! A mapping as lines of config.yaml, each with its reason in a comment.

use std::fmt::Write;

use crate::domain::quote;

/// A line of YAML without its indentation, and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub why: String,
}

impl Line {
    pub fn new(text: impl Into<String>, why: impl Into<String>) -> Self {
        Self { text: text.into(), why: why.into() }
    }
}

/// The column where comments begin, if the text before them is short enough.
const COMMENTS: usize = 40;

/// The entry as a list item with this indentation; `mark` is put before each line (`#` comments it out).
pub fn render(lines: &[Line], indent: usize, mark: &str) -> String {
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let dash = if number == 0 { "- " } else { "  " };
        let mut row = format!("{mark}{}{dash}{}", " ".repeat(indent), line.text);
        if !line.why.is_empty() {
            let gap = COMMENTS.saturating_sub(row.chars().count()).max(2);
            // Writing to a string cannot fail.
            let _ = write!(row, "{}# {}", " ".repeat(gap), comment(&line.why));
        }
        text.push_str(&row);
        text.push('\n');
    }
    text
}

/// A comment on its own line.
pub fn remark(text: &str, indent: usize) -> String {
    format!("{}# {}\n", " ".repeat(indent), comment(text))
}

/// Names and messages of the server may contain line breaks or invisible characters.
fn comment(text: &str) -> String {
    quote::shown(&text.replace(|c: char| c < ' ', " "))
}

/// A name written so that YAML and the configuration read it back unchanged. `${` would begin a variable.
pub fn word(name: &str) -> String {
    quote::yaml_word(&name.replace("${", "$${"))
}

pub fn list(names: &[String]) -> String {
    let words: Vec<_> = names.iter().map(|name| word(name)).collect();
    format!("[{}]", words.join(", "))
}

/// An estimate such as `16 thousand`.
pub fn about(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{} thousand", number / 1_000),
        1_000_000..1_000_000_000 => format!("{} million", number / 1_000_000),
        _ => format!("{} billion", number / 1_000_000_000),
    }
}

/// `1 MB`, in powers of 1000.
pub fn about_bytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}
