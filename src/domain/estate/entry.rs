//! A mapping as lines of config.yaml, each with the reason beside it.

use std::fmt::Write;

use crate::domain::quote;

/// A line of YAML without its indentation, and why it stands there.
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

/// Comments begin here where what stands before them is short enough.
const COMMENTS: usize = 40;

/// The entry as an item of a list that is indented by so much; `mark` stands before each line (`#` leaves it out).
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

/// A comment of a line of its own.
pub fn remark(text: &str, indent: usize) -> String {
    format!("{}# {}\n", " ".repeat(indent), comment(text))
}

/// Names and messages of the server may hold what would end a line, or what nobody would see.
fn comment(text: &str) -> String {
    quote::shown(&text.replace(|c: char| c < ' ', " "))
}

/// A name as YAML and the configuration read it back. `${` would name a variable.
pub fn word(name: &str) -> String {
    quote::yaml_word(&name.replace("${", "$${"))
}

pub fn list(names: &[String]) -> String {
    let words: Vec<_> = names.iter().map(|name| word(name)).collect();
    format!("[{}]", words.join(", "))
}

/// `16 thousand`, as befits an estimate.
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
