//! A group of keys. A key's value is reached only through the key's declaration, so nothing here leaves [`super`].

use crate::domain::config::read::{Found, Place, Reading, nearest, shown};
use crate::domain::config::yaml::{Entry, Kind, Node};

/// A group of keys, and its name in messages.
pub(in crate::domain::config) struct Section<'n> {
    pub line: Option<usize>,
    entries: &'n [Entry],
    /// The words before a key: `schedule.`.
    prefix: &'static str,
    /// The words after a key: ` of mapping `users``.
    pub of: String,
}

impl<'n> Section<'n> {
    /// A group without any key.
    pub const fn nothing() -> Section<'static> {
        Section { line: None, entries: &[], prefix: "", of: String::new() }
    }

    /// Records unknown keys as problems, except `x-...`, which serve for anchors. The message suggests the nearest
    /// documented key.
    pub(super) fn open(
        r: &mut Reading<'_>,
        node: &'n Node,
        (known, documented): (&[&str], &[&str]),
        prefix: &'static str,
        of: String,
    ) -> Option<Self> {
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
            r.problem(entry.line, message, nearest(&entry.key, documented));
        }
        Some(section)
    }

    pub(super) fn name(&self, key: &str) -> String {
        format!("`{}{key}`{}", self.prefix, self.of)
    }

    /// The entry of a key, null or not.
    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    /// The single value of a key.
    pub(super) fn find(&self, r: &mut Reading<'_>, key: &'static str) -> Found {
        let Some(entry) = self.entry(key).filter(|e| !e.node.is_null()) else { return Found::Nothing };
        let name = self.name(key);
        match &entry.node.kind {
            Kind::Scalar { text, .. } => {
                let place = Place { key, name: name.clone(), line: Some(entry.line) };
                r.complete(&entry.node, text, &name, place)
            }
            kind @ (Kind::Sequence(_) | Kind::Mapping(_)) => {
                let message = format!("{name} is {}, not a single value", kind.noun());
                r.problem(entry.line, message, format!("write `{key}: value`"));
                Found::Wrong
            }
        }
    }
}
