//! YAML as a tree that knows its lines.
//!
//! Two parsers read the text. serde_yaml gives the data: which values are numbers, booleans or null, what an alias
//! stands for, what `<<` merges, and which text is not YAML at all. But its data has no lines, it stops at the first
//! duplicate key, and it forgets how a number was written, while a user wants every problem at once, each with its
//! line. So saphyr-parser indexes the places ([`index`]). If the two disagree about some odd file, a value has the line
//! of what surrounds it, or the stricter parser refuses the file. No value ever comes from the index.

mod flaw;
mod index;

use serde::de::IgnoredAny;
use serde_yaml::{Error, Mapping, Value};

use self::flaw::{Flaw, QUOTE};
use self::index::{Place, is_null_word};

#[derive(Debug)]
pub(super) struct Node {
    /// The line, from 1.
    pub line: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// `plain`: a number, a boolean or null, not text.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

#[derive(Debug)]
pub(super) struct Entry {
    pub key: String,
    pub line: usize,
    pub node: Node,
}

impl Kind {
    /// The kind of node in messages.
    pub const fn noun(&self) -> &'static str {
        match self {
            Self::Scalar { .. } => "a single value",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a group of keys",
        }
    }
}

impl Node {
    /// Tells if it is empty, `~` or `null`.
    pub fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Scalar { text, plain } => *plain && is_null_word(text),
            Kind::Sequence(_) | Kind::Mapping(_) => false,
        }
    }
}

/// Reads the one document of a file; `None` if it is empty. Flaws that leave the rest readable are collected.
pub(super) fn parse(text: &str, flaws: &mut Vec<Flaw>) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Aliases are not followed here: the index first measures how large they would become.
    let syntax = serde_yaml::from_str::<IgnoredAny>(text).err();
    if let Some((error, line)) = syntax.as_ref().and_then(|e| Some((e, line_of(e, text)?))) {
        flaws.push(Flaw {
            line,
            message: format!("not YAML: {error}"),
            hint: "look at the indentation (spaces, never tabs) and put quotes around values with `: ` or ` #`",
        });
        return None;
    }
    let index = match index::of(text, flaws) {
        Ok(index) => index?,
        Err(fatal) => {
            flaws.push(fatal);
            return None;
        }
    };
    let value = serde_yaml::from_str(text).and_then(|mut value: Value| merge(&mut value).map(|()| value));
    match value {
        Ok(value) => Some(node(value, &index.root)),
        // serde_yaml stops at the first duplicate key or impossible merge; the index has reported all of them.
        Err(_) if index.ends_reading => None,
        Err(error) => {
            let line = line_of(&error, text).unwrap_or(index.root.line);
            let error = error.to_string();
            // serde_yaml names the Rust type that a number of more than 64 bits has.
            flaws.push(if error.contains("as u128") || error.contains("as i128") {
                let hint = "write a smaller number, or put quotes around it if it is text";
                Flaw { line, message: "a number is too long".to_owned(), hint }
            } else {
                Flaw { line, message: format!("not readable: {error}"), hint: QUOTE }
            });
            None
        }
    }
}

/// The line of an error. An unclosed text is noticed at the end, possibly on a line after the last; a forbidden
/// character is noticed while reading ahead, before lines are counted.
fn line_of(error: &Error, text: &str) -> Option<usize> {
    let odd = text.find(is_forbidden).filter(|_| error.to_string().starts_with("control characters"));
    match odd {
        Some(at) => Some(text[..at].matches('\n').count() + 1),
        None => error.location().map(|at| at.line().clamp(1, text.lines().count().max(1))),
    }
}

/// Source: YAML 1.2.2, "Character Set".
const fn is_forbidden(c: char) -> bool {
    !matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..) || c == '\u{feff}'
}

/// Carries out `<<`, innermost first: `apply_merge` alone loses a `<<` within the group that it merges.
fn merge(value: &mut Value) -> Result<(), Error> {
    match value {
        Value::Mapping(entries) => {
            entries.values_mut().try_for_each(merge)?;
            value.apply_merge()
        }
        Value::Sequence(items) => items.iter_mut().try_for_each(merge),
        Value::Tagged(tagged) => merge(&mut tagged.value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn node(value: Value, place: &Place) -> Node {
    let kind = match value {
        Value::Tagged(tagged) => return node(tagged.value, place),
        // An empty value leaves a default alone, but the word `null` may be a choice: only the index can tell them
        // apart.
        Value::Null => scalar(place.text().filter(|text| is_null_word(text)).unwrap_or("null"), true),
        Value::Bool(value) => scalar(&value, true),
        Value::Number(number) => scalar(&number, true),
        Value::String(text) => Kind::Scalar { text, plain: false },
        Value::Sequence(values) => {
            let each = values.into_iter().enumerate();
            Kind::Sequence(each.map(|(i, value)| node(value, place.item(i).unwrap_or(place))).collect())
        }
        Value::Mapping(entries) => Kind::Mapping(mapping(entries, place)),
    };
    Node { line: place.line, kind }
}

fn scalar(value: &(impl ToString + ?Sized), plain: bool) -> Kind {
    Kind::Scalar { text: value.to_string(), plain }
}

fn mapping(entries: Mapping, place: &Place) -> Vec<Entry> {
    let entry = |(key, value)| {
        let key = key_text(key);
        let (line, place) = place.entry(&key).unwrap_or((place.line, place));
        Entry { node: node(value, place), key, line }
    };
    entries.into_iter().map(entry).collect()
}

/// The key's text. The index has refused lists and groups as keys.
fn key_text(key: Value) -> String {
    match key {
        Value::String(text) => text,
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Tagged(tagged) => key_text(tagged.value),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests;
