//! One entry of `mappings`.

mod columns;
mod draft;
mod keys;

use super::content::Mapping;
use super::key::{self, Gaps};
use super::read::Reading;
use super::yaml::Node;

pub(super) use draft::{Draft, Named};
pub(super) use keys::{
    EMPTY_STRING_AS_NULL, INVALID_VALUES, KEYS, LOADED_AT, MAX_SHRINK, MAXIMUM_BYTES_BILLED, NEW_COLUMNS,
};

/// What could be read of an entry; names and targets are compared with the others' even if the rest is wrong.
#[derive(Default)]
pub(super) struct Found {
    pub mapping: Option<Mapping>,
    pub name: Option<Named>,
    pub target: Option<Named>,
}

/// What holds for a mapping that says nothing.
pub(super) fn defaults() -> Draft {
    let mut draft = Draft::blank();
    key::defaults(KEYS, &mut draft);
    draft
}

/// Reads an entry over what is said for all.
pub(super) fn read(r: &mut Reading<'_>, node: &Node, position: usize, of_all: &Draft) -> Found {
    let Some(section) = key::open(r, node, KEYS, "", label(r, node, position)) else { return Found::default() };
    let mut draft = of_all.clone();
    draft.mapping.line = node.line;
    key::read(r, &section, KEYS, Gaps::Keep, &mut draft);
    let name = draft.name.clone().and_then(|name| Some(Named { line: name.line?, name: name.text }));
    let target = draft.target.clone();
    Found { mapping: draft.finish(r), name, target }
}

/// How messages name the mapping: by its name, else by its place.
fn label(r: &Reading<'_>, node: &Node, position: usize) -> String {
    let mut quiet = Reading { file: String::new(), env: r.env, problems: Vec::new() };
    let name = key::open(&mut quiet, node, KEYS, "", String::new())
        .and_then(|section| keys::NAME.at(&mut quiet, &section, Gaps::Keep).lenient());
    name.map_or_else(|| format!(" of mapping {position}"), |name| format!(" of mapping `{}`", name.text))
}
