//! The place of one declared key in a group, and the forms that its value may have.
//!
//! Every form records what is wrong and gives `None`. It also gives `None` if nothing is written and no default
//! applies, so that an earlier layer's value stays.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::section::Section;
use crate::domain::column::same_name;
use crate::domain::config::path;
use crate::domain::config::read::{Found, Place, Reading, Value, nearest};
use crate::domain::config::yaml::{Entry, Kind, Node};

/// What applies if a key is not written.
#[derive(Debug, Clone, Copy)]
pub(in crate::domain::config) enum Missing {
    /// It must be written. `said`: the documentation's words; `hint`: the message's advice.
    Required { said: &'static str, hint: &'static str },
    /// This text, read as if it had been written.
    Is(&'static str),
    /// No value; the text describes this in the documentation.
    Means(&'static str),
}

/// Whether a missing key of a group takes its default or keeps the value that was read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::domain::config) enum Gaps {
    Default,
    Keep,
}

/// A key's place in a group that is being read.
pub(in crate::domain::config) struct At<'a, 'e> {
    pub r: &'a mut Reading<'e>,
    pub section: &'a Section<'a>,
    pub(super) key: &'static str,
    pub(super) missing: Missing,
    pub(super) gaps: Gaps,
}

const FLAGS: [(&str, bool); 6] =
    [("true", true), ("false", false), ("yes", true), ("no", false), ("on", true), ("off", false)];

impl<'a> At<'a, '_> {
    /// The key's name in messages, and its line; the group's line if the key is not written.
    pub fn place(&self) -> Place {
        let entry = self.section.entry(self.key);
        let line = entry.map(|e| e.line).or(self.section.line);
        Place { key: self.key, name: self.section.name(self.key), line }
    }

    /// Tells if the key is written, with any value.
    pub fn is_written(&self) -> bool {
        self.section.entry(self.key).is_some()
    }

    /// The key's node, unless it is empty.
    pub fn node(&self) -> Option<&'a Node> {
        self.section.entry(self.key).map(|entry| &entry.node).filter(|node| !node.is_null())
    }

    /// A value of this key that is written elsewhere, or nowhere.
    pub fn unwritten(&self, text: &str) -> Value {
        Value { text: text.to_owned(), written: text.to_owned(), line: None, place: self.place() }
    }

    fn default(&self) -> Option<Value> {
        match (self.gaps, self.missing) {
            (Gaps::Default, Missing::Is(text)) => Some(self.unwritten(text)),
            _ => None,
        }
    }

    fn find(&mut self) -> Found {
        match self.section.find(self.r, self.key) {
            Found::Nothing => self.default().map_or(Found::Nothing, Found::Value),
            found => found,
        }
    }

    /// A value that may be missing, and whose variable may be unset.
    pub fn lenient(&mut self) -> Option<Value> {
        match self.find() {
            Found::Value(value) => Some(value),
            Found::Nothing | Found::Unset { .. } | Found::Wrong => None,
        }
    }

    /// A value; a variable in it must be set. If the key is required, it must be there.
    pub fn value(&mut self) -> Option<Value> {
        match self.find() {
            Found::Value(value) => return Some(value),
            Found::Unset { line, written } => self.r.unset(&self.section.name(self.key), line, &written),
            Found::Nothing => {
                if let Missing::Required { hint, .. } = self.missing {
                    let Place { name, line, .. } = self.place();
                    self.r.problem(line, format!("{name} is missing"), hint);
                }
            }
            Found::Wrong => {}
        }
        None
    }

    /// Refuses an empty text, for a key where it could mean more than a missing value.
    pub fn refuse_blank(&mut self, hint: &str) {
        let is_blank = |node: &&Node| matches!(&node.kind, Kind::Scalar { text, .. } if text.trim().is_empty());
        if let Some(node) = self.node().filter(is_blank) {
            self.r.problem(node.line, format!("{} is empty", self.place().name), hint);
        }
    }

    pub fn text(&mut self) -> Option<String> {
        self.value().map(|value| value.text)
    }

    /// A value that `rule` accepts.
    pub fn checked(&mut self, rule: fn(&str) -> Result<(), String>) -> Option<String> {
        let value = self.value()?;
        self.r.check(&value, rule);
        Some(value.text)
    }

    /// A value that `parse` accepts; its error says what to write instead.
    pub fn parsed<T>(&mut self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.value()?;
        parse(&value.text).map_err(|hint| self.r.refuse(&value, hint)).ok()
    }

    /// One of a few words, in any case.
    pub fn choice<T: Copy>(&mut self, words: &[(&str, T)]) -> Option<T> {
        let mut value = match self.section.entry(self.key) {
            // `null` counts as a word if it is among the words.
            Some(entry) if entry.node.is_null() && words.iter().any(|(w, _)| *w == "null") => {
                let Kind::Scalar { text, .. } = &entry.node.kind else { return None };
                Value { text: text.clone(), written: text.clone(), line: Some(entry.line), place: self.place() }
            }
            _ => self.value()?,
        };
        if matches!(value.text.as_str(), "" | "~") {
            value = self.default()?;
        }
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&value.text)).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.r.refuse(&value, nearest(&value.text, &known));
        }
        found
    }

    /// A boolean of YAML 1.1, as the usual Python parsers read it.
    pub fn flag(&mut self) -> Option<bool> {
        self.choice(&FLAGS)
    }

    pub fn number(&mut self, range: RangeInclusive<usize>) -> Option<usize> {
        self.parsed(|text| {
            let number = text.parse().ok().filter(|n| range.contains(n));
            number.ok_or_else(|| format!("write a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// A stretch of time: `90s`, `2h`; a number alone is seconds.
    pub fn span(&mut self) -> Option<Duration> {
        self.parsed(|text| {
            let seconds = text.parse().map(Duration::from_secs).ok();
            let span = seconds.or_else(|| humantime::parse_duration(text).ok());
            span.ok_or_else(|| "write a stretch of time such as `30s`, `15m` or `2h`".to_owned())
        })
    }

    /// The path of a file or a directory.
    pub fn path(&mut self) -> Option<PathBuf> {
        let value = self.value()?;
        let path = path::path(&value.text);
        if path.is_none() {
            self.r.problem(value.line, format!("{} is not the path of a file", value.place.name), path::HINT);
        }
        path
    }

    /// A list of single values.
    pub fn list(&mut self) -> Option<Vec<Value>> {
        let entry = self.section.entry(self.key).filter(|e| !e.node.is_null())?;
        let name = self.section.name(self.key);
        let Kind::Sequence(nodes) = &entry.node.kind else {
            let message = format!("{name} is {}, not a list", entry.node.kind.noun());
            self.r.problem(entry.line, message, format!("write `{}: [a, b]`", self.key));
            return None;
        };
        let place = self.place();
        Some(nodes.iter().filter_map(|node| self.r.item(node, &name, place.clone())).collect())
    }

    /// A single value, or a list of them.
    pub fn one_or_more(&mut self) -> Option<Vec<Value>> {
        match self.node().map(|node| &node.kind) {
            Some(Kind::Scalar { .. }) => self.value().map(|value| vec![value]),
            _ => self.list(),
        }
    }

    /// Names of columns: each once, and at most as many as BigQuery takes.
    pub fn columns(&mut self, most: usize, hint: &str) -> Option<Vec<Value>> {
        let values = self.list()?;
        let place = self.place();
        for (i, value) in values.iter().enumerate() {
            if values[..i].iter().any(|other| same_name(&other.text, &value.text)) {
                let message = format!("{} names `{}` twice", place.name, value.written);
                self.r.problem(value.line, message, "name it once");
            }
        }
        if values.len() > most {
            let message = format!("{} has {} columns; BigQuery takes {most}", place.name, values.len());
            self.r.problem(place.line, message, hint);
        }
        Some(values)
    }

    /// Single values by the user's own keys.
    pub fn table(&mut self) -> Option<Vec<(String, Value)>> {
        let entries = self.entries("{column: TYPE}")?;
        let name = self.section.name(self.key);
        let item = |(key, place, node): (String, Place, &Node)| Some((key, self.r.item(node, &name, place)?));
        Some(entries.into_iter().filter_map(item).collect())
    }

    /// The nodes of the user's own keys. `example`: an example of such a group.
    pub fn entries(&mut self, example: &str) -> Option<Vec<(String, Place, &'a Node)>> {
        let entry = self.section.entry(self.key).filter(|e| !e.node.is_null())?;
        let Kind::Mapping(entries) = &entry.node.kind else {
            let message = format!("{} is {}, not a group of keys", self.section.name(self.key), entry.node.kind.noun());
            self.r.problem(entry.line, message, format!("write `{}: {example}`", self.key));
            return None;
        };
        let found = |e: &'a Entry| {
            let name = self.section.name(&format!("{}.{}", self.key, e.key));
            (e.key.clone(), Place { key: self.key, name, line: Some(e.line) }, &e.node)
        };
        Some(entries.iter().map(found).collect())
    }
}
