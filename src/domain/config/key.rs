//! A key of config.yaml, declared once: its [`Key`] serves for reading it, for recognising unknown keys, and for its
//! line in the documentation.
//!
//! A group's keys are one array, as nginx keeps its directives and PostgreSQL its settings. A value is reached only
//! through an [`At`], which only a [`Key`] makes: nothing can be read that is not declared, and [`read`] reads all that
//! is declared.

mod at;
mod section;

use super::read::Reading;
use super::yaml::Node;

pub(super) use at::{At, Gaps, Missing};
pub(super) use section::Section;

/// A key of groups that are read into a `T`.
pub(super) struct Key<T: 'static> {
    name: &'static str,
    pub missing: Missing,
    /// The documentation in Markdown; empty: the key is known but not documented.
    meaning: &'static str,
    /// The group that this key may contain, for the documentation.
    group: Option<fn() -> Vec<Row>>,
    /// Reads the key's value into its field. It may use the values of keys that are declared before it.
    take: fn(&mut T, &mut At<'_, '_>),
}

/// A key's line in the documentation.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub key: String,
    pub default: String,
    pub meaning: &'static str,
}

impl<T> Key<T> {
    pub const fn new(
        name: &'static str,
        missing: Missing,
        meaning: &'static str,
        take: fn(&mut T, &mut At<'_, '_>),
    ) -> Self {
        Self { name, missing, meaning, group: None, take }
    }

    /// A key that contains a group of keys, which the documentation lists after it.
    pub const fn of_group(
        name: &'static str,
        missing: Missing,
        meaning: &'static str,
        rows: fn() -> Vec<Row>,
        take: fn(&mut T, &mut At<'_, '_>),
    ) -> Self {
        Self { name, missing, meaning, group: Some(rows), take }
    }

    /// The same key in another group, read into a field of that group's type.
    pub const fn within<Whole>(&self, take: fn(&mut Whole, &mut At<'_, '_>)) -> Key<Whole> {
        Key { name: self.name, missing: self.missing, meaning: self.meaning, group: self.group, take }
    }

    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The key's place in a group.
    pub fn at<'a, 'e>(&self, r: &'a mut Reading<'e>, section: &'a Section<'a>, gaps: Gaps) -> At<'a, 'e> {
        At { r, section, key: self.name, missing: self.missing, gaps }
    }

    /// The node of the key in a group, unless it is empty.
    pub fn node<'n>(&self, section: &Section<'n>) -> Option<&'n Node> {
        section.entry(self.name).map(|entry| &entry.node).filter(|node| !node.is_null())
    }

    pub fn take(&self, into: &mut T, at: &mut At<'_, '_>) {
        (self.take)(into, at);
    }
}

/// Opens a group: keys that are not declared are problems.
pub(super) fn open<'n, T>(
    r: &mut Reading<'_>,
    node: &'n Node,
    keys: &[Key<T>],
    prefix: &'static str,
    of: String,
) -> Option<Section<'n>> {
    let known: Vec<_> = keys.iter().map(|key| key.name).collect();
    let documented: Vec<_> = keys.iter().filter(|key| !key.meaning.is_empty()).map(|key| key.name).collect();
    Section::open(r, node, (&known, &documented), prefix, of)
}

/// Reads all keys of a group, in the order of their declarations.
pub(super) fn read<T>(r: &mut Reading<'_>, section: &Section<'_>, keys: &'static [Key<T>], gaps: Gaps, into: &mut T) {
    for key in keys {
        key.take(into, &mut key.at(r, section, gaps));
    }
}

/// The documentation lines of a group's keys, including nested groups.
pub(super) fn rows<T>(keys: &[Key<T>], prefix: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for key in keys.iter().filter(|key| !key.meaning.is_empty()) {
        let default = match key.missing {
            Missing::Required { said: words, .. } | Missing::Means(words) => words.to_owned(),
            Missing::Is(text) => format!("`{text}`"),
        };
        rows.push(Row { key: format!("{prefix}{}", key.name), default, meaning: key.meaning });
        rows.extend(key.group.map(|rows| rows()).unwrap_or_default());
    }
    rows
}

/// Sets the defaults of a group, as if no key of it were written.
pub(super) fn defaults<T>(keys: &'static [Key<T>], into: &mut T) {
    let mut nobody = Reading { file: String::new(), env: &|_| None, problems: Vec::new() };
    read(&mut nobody, &Section::nothing(), keys, Gaps::Default, into);
}

/// Puts a value that was read into its field; without a value the field stays.
pub(super) fn put<T>(field: &mut T, read: Option<T>) {
    if let Some(value) = read {
        *field = value;
    }
}
