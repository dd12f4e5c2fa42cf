//! Reads single keys, and writes down every problem instead of stopping at the first.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::interpolate::{Env, Trouble, interpolate};
use super::path;
use super::problem::Problem;
use super::yaml::{Entry, Kind, Node};

/// One reading of a file: where variables come from and what was found wrong.
pub(super) struct Reading<'a> {
    pub file: String,
    pub env: Env<'a>,
    pub problems: Vec<Problem>,
}

/// A value after interpolation, trimmed and not empty. Messages show `written`: a variable's value may be a secret.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub text: String,
    pub written: String,
    pub line: usize,
}

/// A group of keys and how messages name it.
pub(super) struct Section<'n> {
    pub line: Option<usize>,
    entries: &'n [Entry],
    /// `schedule.` before a key.
    prefix: &'static str,
    /// ` of mapping `users`` after a key.
    of: String,
}

/// What stands at a key.
enum Found {
    Nothing,
    Value(Value),
    /// A variable without a value; a problem only where the value is needed.
    Unset {
        line: usize,
        written: String,
    },
    /// Already written down.
    Wrong,
}

impl Reading<'_> {
    pub fn problem(&mut self, line: impl Into<Option<usize>>, message: impl Into<String>, hint: impl Into<String>) {
        let (line, message, hint) = (line.into(), message.into(), hint.into());
        self.problems.push(Problem { file: self.file.clone(), line, message, hint });
    }

    fn complete(&mut self, node: &Node, text: &str, name: &str) -> Found {
        let (line, written) = (node.line, shown(text));
        match interpolate(text, self.env) {
            Ok(value) if !value.trim().is_empty() => {
                Found::Value(Value { text: value.trim().to_owned(), written, line })
            }
            Ok(_) if text.trim().is_empty() => Found::Nothing,
            Ok(_) => Found::Unset { line, written },
            Err(Trouble::Unset(_)) => Found::Unset { line, written },
            Err(Trouble::Malformed(piece)) => {
                let message = format!("{name} holds `{}`, which is not a variable", shown_variable(&piece));
                self.problem(line, message, "write `${NAME}` or `${NAME:-default}`, and `$${` for the text `${`");
                Found::Wrong
            }
        }
    }

    fn unset(&mut self, name: &str, line: usize, written: &str) {
        let message = format!("{name} is `{written}`, but the variable is not set or is empty");
        self.problem(line, message, "set it in `.env` or the environment, or write a default: `${NAME:-default}`");
    }
}

impl<'n> Section<'n> {
    /// Keys beside `known` are problems, except `x-...`: a place for anchors.
    pub fn open(r: &mut Reading<'_>, node: &'n Node, known: &[&str], prefix: &'static str, of: String) -> Option<Self> {
        let Kind::Mapping(entries) = &node.kind else {
            let what = if prefix.is_empty() { "the file" } else { prefix.trim_end_matches('.') };
            r.problem(
                node.line,
                format!("{what}{of} is {}, not a group of keys", node.kind.noun()),
                "write `key: value` lines",
            );
            return None;
        };
        let section = Self { line: Some(node.line), entries, prefix, of };
        for entry in entries.iter().filter(|e| !known.contains(&e.key.as_str()) && !e.key.starts_with("x-")) {
            let message = format!("{} is not a key that bqsync knows", section.name(&shown(&entry.key)));
            r.problem(entry.line, message, nearest(&entry.key, known));
        }
        Some(section)
    }

    /// A group within this one, of the same mapping.
    pub fn inner<'m>(
        &self,
        r: &mut Reading<'_>,
        node: &'m Node,
        known: &[&str],
        prefix: &'static str,
    ) -> Option<Section<'m>> {
        Section::open(r, node, known, prefix, self.of.clone())
    }

    pub fn name(&self, key: &str) -> String {
        format!("`{}{key}`{}", self.prefix, self.of)
    }

    /// The node at a key, null or not.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    fn find(&self, r: &mut Reading<'_>, key: &str) -> Found {
        let Some(entry) = self.entry(key).filter(|e| !e.node.is_null()) else { return Found::Nothing };
        match &entry.node.kind {
            Kind::Scalar { text, .. } => r.complete(&entry.node, text, &self.name(key)),
            kind @ (Kind::Sequence(_) | Kind::Mapping(_)) => {
                r.problem(
                    entry.line,
                    format!("{} is {}, not a single value", self.name(key), kind.noun()),
                    format!("write `{key}: value`"),
                );
                Found::Wrong
            }
        }
    }

    /// A value that may be missing, and whose variable may be unset.
    pub fn lenient(&self, r: &mut Reading<'_>, key: &str) -> Option<Value> {
        match self.find(r, key) {
            Found::Value(value) => Some(value),
            Found::Nothing | Found::Unset { .. } | Found::Wrong => None,
        }
    }

    /// A value that may be missing; a variable written there is meant.
    pub fn optional(&self, r: &mut Reading<'_>, key: &str) -> Option<Value> {
        match self.find(r, key) {
            Found::Value(value) => Some(value),
            Found::Unset { line, written } => {
                r.unset(&self.name(key), line, &written);
                None
            }
            Found::Nothing | Found::Wrong => None,
        }
    }

    /// A value that must be there: `None` means that a problem was written down.
    pub fn required(&self, r: &mut Reading<'_>, key: &str, hint: &str) -> Option<Value> {
        match self.find(r, key) {
            Found::Value(value) => return Some(value),
            Found::Unset { line, written } => r.unset(&self.name(key), line, &written),
            Found::Nothing => {
                let line = self.entry(key).map(|e| e.line).or(self.line);
                r.problem(line, format!("{} is missing", self.name(key)), hint);
            }
            Found::Wrong => {}
        }
        None
    }

    /// One of a few words, any case.
    pub fn choice<T: Copy>(&self, r: &mut Reading<'_>, key: &str, words: &[(&str, T)]) -> Option<T> {
        let value = match self.entry(key) {
            // `null` is a word here where it is among the words.
            Some(entry) if entry.node.is_null() && words.iter().any(|(w, _)| *w == "null") => {
                let Kind::Scalar { text, .. } = &entry.node.kind else { return None };
                Value { text: text.clone(), written: text.clone(), line: entry.line }
            }
            _ => self.optional(r, key)?,
        };
        let wanted = value.text.as_str();
        if matches!(wanted, "" | "~") {
            return None;
        }
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(wanted)).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.refuse(r, key, &value, nearest(wanted, &known));
        }
        found
    }

    /// YAML 1.1's booleans: what the usual parsers of Python read.
    pub fn flag(&self, r: &mut Reading<'_>, key: &str) -> Option<bool> {
        self.choice(r, key, &FLAGS)
    }

    pub fn number(&self, r: &mut Reading<'_>, key: &str, range: RangeInclusive<usize>) -> Option<usize> {
        let value = self.optional(r, key)?;
        let number = value.text.parse().ok().filter(|n| range.contains(n));
        if number.is_none() {
            self.refuse(r, key, &value, format!("write a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// A stretch of time: `90s`, `2h`; a number alone is seconds.
    pub fn span(&self, r: &mut Reading<'_>, key: &str) -> Option<Duration> {
        let value = self.optional(r, key)?;
        let seconds = value.text.parse().map(Duration::from_secs).ok();
        let span = seconds.or_else(|| humantime::parse_duration(&value.text).ok());
        if span.is_none() {
            self.refuse(r, key, &value, "write a stretch of time such as `30s`, `15m` or `2h`");
        }
        span
    }

    /// The path of a file or a directory.
    pub fn path(&self, r: &mut Reading<'_>, key: &str) -> Option<PathBuf> {
        let value = self.optional(r, key)?;
        let path = path::path(&value.text);
        if path.is_none() {
            r.problem(value.line, format!("{} is not the path of a file", self.name(key)), path::HINT);
        }
        path
    }

    /// A list of single values; empty when it is missing.
    pub fn list(&self, r: &mut Reading<'_>, key: &str) -> Vec<Value> {
        let Some(entry) = self.entry(key).filter(|e| !e.node.is_null()) else { return Vec::new() };
        let Kind::Sequence(nodes) = &entry.node.kind else {
            let message = format!("{} is {}, not a list", self.name(key), entry.node.kind.noun());
            r.problem(entry.line, message, format!("write `{key}: [a, b]`"));
            return Vec::new();
        };
        let name = self.name(key);
        nodes.iter().filter_map(|node| item(r, node, &name)).collect()
    }

    /// Single values by free keys; empty when it is missing.
    pub fn table(&self, r: &mut Reading<'_>, key: &str) -> Vec<(String, Value)> {
        let Some(entry) = self.entry(key).filter(|e| !e.node.is_null()) else { return Vec::new() };
        let Kind::Mapping(entries) = &entry.node.kind else {
            let message = format!("{} is {}, not a group of keys", self.name(key), entry.node.kind.noun());
            r.problem(entry.line, message, format!("write `{key}: {{column: TYPE}}`"));
            return Vec::new();
        };
        let name = self.name(key);
        entries.iter().filter_map(|e| Some((e.key.clone(), item(r, &e.node, &name)?))).collect()
    }

    /// Writes down that a value is not what its key takes.
    pub fn refuse(&self, r: &mut Reading<'_>, key: &str, value: &Value, hint: impl Into<String>) {
        r.problem(value.line, format!("{} cannot be `{}`", self.name(key), value.written), hint);
    }
}

/// Longer than any value that a key takes but for addresses; what is longer may be a secret in the wrong place.
const LONGEST_SHOWN: usize = 100;

/// A value as messages show it.
fn shown(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST_SHOWN && !text.contains(char::is_control) {
        return text.to_owned();
    }
    format!("... ({length} characters)")
}

/// The beginning of what reads like a variable; what follows its name may be a secret that has `${` in it.
fn shown_variable(piece: &str) -> String {
    let name: String = piece.chars().skip("${".len()).take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let rest = if piece.chars().count() > name.chars().count() + "${".len() { "..." } else { "" };
    shown(&format!("${{{name}{rest}"))
}

const FLAGS: [(&str, bool); 6] =
    [("true", true), ("false", false), ("yes", true), ("no", false), ("on", true), ("off", false)];

fn item(r: &mut Reading<'_>, node: &Node, name: &str) -> Option<Value> {
    let Kind::Scalar { text, .. } = &node.kind else {
        let message = format!("{name} holds {} where a single value should be", node.kind.noun());
        r.problem(node.line, message, "write plain names");
        return None;
    };
    match r.complete(node, text, name) {
        Found::Value(value) => Some(value),
        Found::Wrong => None,
        Found::Unset { line, written } => {
            r.unset(name, line, &written);
            None
        }
        Found::Nothing => {
            r.problem(node.line, format!("{name} holds an empty value"), "write a name or remove it");
            None
        }
    }
}

/// The known word that was probably meant, else all of them.
pub(super) fn nearest(word: &str, known: &[impl AsRef<str> + Display]) -> String {
    let lower = word.to_lowercase();
    let scored = known.iter().map(|k| (strsim::jaro_winkler(&lower, &k.as_ref().to_lowercase()), k));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > 0.8);
    best.map_or_else(
        || {
            let all: Vec<_> = known.iter().map(|k| format!("`{k}`")).collect();
            format!("use one of {}", all.join(", "))
        },
        |(_, meant)| format!("did you mean `{meant}`?"),
    )
}
