//! `.env`, read as python-dotenv reads it, because the original tool used that for the same file: the rules for quotes
//! and comments, and that `${NAME}` is replaced but `$NAME` is not.
//!
//! Own code, because the available crates replace `$NAME` in a password, and refuse a file because of another program's
//! line in it. `tests` has cases with python-dotenv's own results (1.2).

use std::collections::HashMap;
use std::fmt;

/// The content of a file, in order.
#[derive(Debug, Default)]
pub struct Parsed {
    pub entries: Vec<Entry>,
    pub unread: Vec<Unread>,
}

/// `NAME=value`, with the value as written, without its quotes.
pub struct Entry {
    pub name: String,
    /// `None`: the line is only a name.
    pub value: Option<String>,
    /// The line of the name, from 1.
    pub line: usize,
}

/// A value may be a secret, so it is not shown.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("line", &self.line).finish_non_exhaustive()
    }
}

/// A line that sets nothing because it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub line: usize,
    /// The line's first word. It may be anything, so it is shown only if it is known to be a name.
    pub word: String,
}

/// Reads a file's text, without a byte order mark.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader { rest: &text, line: 1 };
    let mut parsed = Parsed::default();
    loop {
        reader.skip(is_space);
        if reader.rest.is_empty() {
            return parsed;
        }
        let (line, begins) = (reader.line, reader.rest);
        match statement(&mut reader) {
            Statement::Sets(name, value) => parsed.entries.push(Entry { name, value, line }),
            Statement::Comment => {}
            Statement::Broken => {
                reader.skip(|c| c != '\n');
                parsed.unread.push(Unread { line, word: first_word(begins) });
            }
        }
    }
}

/// The values with their variables replaced. The process's variables take precedence; of a repeated name the last value
/// counts.
#[must_use]
pub fn resolve(entries: &[Entry], process: &dyn Fn(&str) -> Option<String>) -> HashMap<String, String> {
    let mut values: HashMap<String, Option<String>> = HashMap::new();
    for Entry { name, value, .. } in entries {
        // A name without a value is known, and empty.
        let get =
            |name: &str| process(name).or_else(|| values.get(name).map(|value| value.clone().unwrap_or_default()));
        let value = value.as_ref().map(|value| interpolate(value, &get));
        values.insert(name.clone(), value);
    }
    values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The remaining text, and the number of the line at its beginning.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Skips all characters that fit, possibly none, and gives them.
    fn skip(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        self.take(self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len()))
    }

    /// Reads the text between two quotes, if there is a closing one; a backslash escapes the next character.
    fn quoted(&mut self, quote: char) -> Option<&'a str> {
        let inside = self.rest.strip_prefix(quote)?;
        let mut chars = inside.char_indices();
        let end = loop {
            match chars.next() {
                Some((_, '\\')) => drop(chars.next()),
                Some((at, c)) if c == quote => break at,
                Some(_) => {}
                // `'C:\keys\'`: before version 1.2.2 python-dotenv ended the text at the quote after a final backslash.
                None => break inside.lines().next()?.rfind(quote)?,
            }
        };
        self.take(end + 2);
        Some(&inside[..end])
    }
}

enum Statement {
    Sets(String, Option<String>),
    Comment,
    Broken,
}

/// Reads a statement, up to the end of its line.
fn statement(reader: &mut Reader<'_>) -> Statement {
    export(reader);
    if reader.rest.starts_with('#') {
        reader.skip(|c| c != '\n');
        return Statement::Comment;
    }
    binding(reader).map_or(Statement::Broken, |(name, value)| Statement::Sets(name.to_owned(), value))
}

/// `None`: the text cannot be read.
fn binding<'a>(reader: &mut Reader<'a>) -> Option<(&'a str, Option<String>)> {
    let key = match reader.rest.chars().next() {
        Some('\'') => reader.quoted_key()?,
        _ => Some(reader.skip(|c| c != '=' && c != '#' && !is_space(c))).filter(|key| !key.is_empty())?,
    };
    reader.skip(is_blank);
    let value = if reader.rest.starts_with('=') {
        reader.take(1);
        let has_blank = !reader.skip(is_blank).is_empty();
        Some(if has_blank && reader.rest.starts_with('#') { String::new() } else { value(reader)? })
    } else {
        None
    };
    reader.skip(is_blank);
    if reader.rest.starts_with('#') {
        reader.skip(|c| c != '\n');
    }
    (reader.rest.is_empty() || reader.rest.starts_with('\n')).then_some((key, value))
}

impl<'a> Reader<'a> {
    /// Reads a quoted name, in which nothing is escaped.
    fn quoted_key(&mut self) -> Option<&'a str> {
        let inside = self.rest.strip_prefix('\'')?;
        let end = inside.find('\'').filter(|end| *end > 0)?;
        self.take(end + 2);
        Some(&inside[..end])
    }
}

fn export(reader: &mut Reader<'_>) {
    if reader.rest.strip_prefix("export").is_some_and(|rest| rest.starts_with(is_blank)) {
        reader.take("export".len());
        reader.skip(is_blank);
    }
}

fn value(reader: &mut Reader<'_>) -> Option<String> {
    match reader.rest.chars().next() {
        Some('\'') => reader.quoted('\'').map(|text| unescaped(text, "\\'")),
        Some('"') => reader.quoted('"').map(|text| unescaped(text, "\\'\"abfnrtv")),
        _ => Some(without_comment(reader.skip(|c| c != '\n')).to_owned()),
    }
}

/// The text without a comment; `#` begins one only after a blank.
fn without_comment(text: &str) -> &str {
    let begins = text.match_indices('#').map(|(at, _)| &text[..at]).find(|before| before.ends_with(is_space));
    begins.unwrap_or(text).trim_end_matches(is_space)
}

/// Replaces escapes. `known`: the characters that a backslash escapes; before other characters it stays.
fn unescaped(text: &str, known: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escape = if c == '\\' { chars.next_if(|next| known.contains(*next)) } else { None };
        out.push(match escape {
            None => c,
            Some('a') => '\x07',
            Some('b') => '\x08',
            Some('f') => '\x0c',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\x0b',
            Some(itself) => itself,
        });
    }
    out
}

/// Replaces `${NAME}` and `${NAME:-default}`; a variable that is not set is empty. Everything else stays.
fn interpolate(text: &str, get: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((name, default, length)) = variable(rest) {
            out.push_str(&get(name).unwrap_or_else(|| default.to_owned()));
            rest = &rest[length..];
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// Name, default and length of the variable at the text's beginning.
fn variable(text: &str) -> Option<(&str, &str, usize)> {
    let inside = &text["${".len()..];
    let end = inside.find(['}', ':'])?;
    let (name, after) = inside.split_at(end);
    let (default, after) = match after.strip_prefix(":-") {
        Some(default) => default.split_at(default.find('}')?),
        None => ("", after),
    };
    let after = after.strip_prefix('}')?;
    Some((name, default, text.len() - after.len()))
}

fn first_word(text: &str) -> String {
    let text = text.strip_prefix("export ").unwrap_or(text).trim_start_matches(['\'', ' ']);
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Tells if Python's `\s` matches the character; it also matches four ASCII separators.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn is_blank(c: char) -> bool {
    c != '\n' && is_space(c)
}

#[cfg(test)]
mod tests;
