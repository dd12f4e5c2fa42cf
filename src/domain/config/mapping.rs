//! One entry of `mappings`.

mod columns;
mod draft;
mod keys;
mod tables;

use super::content::Mapping;
use super::key::{self, At, Gaps};
use super::read::{OF_ANY_MODE, OF_DEFAULTS, Reading, shown};
use super::tables::TablePattern;
use super::yaml::{Kind, Node};

pub(super) use draft::{Draft, Named};
pub(super) use keys::{
    ALLOW_TABLE_ADDITIONS, EMPTY_STRING_AS_NULL, INVALID_VALUES, KEYS, MAX_SHRINK, MAXIMUM_BYTES_BILLED,
};

pub(super) use tables::OfTable;

/// What could be read of an entry; names and targets are compared with the others' even if the rest is wrong.
#[derive(Default)]
pub(super) struct Found {
    pub mapping: Option<Mapping>,
    /// In its place, of an entry with `tables`.
    pub pattern: Option<TablePattern>,
    pub name: Option<Named>,
    pub target: Option<Named>,
    /// Project, dataset and location of the target.
    pub beside: (String, String, String),
}

/// What holds for a mapping that says nothing.
pub(super) fn defaults() -> Draft {
    let mut draft = Draft::blank();
    key::defaults(KEYS, &mut draft);
    draft
}

/// Reads `defaults`, over what the top level says for all.
pub(super) fn read_defaults(at: &mut At<'_, '_>, of_all: &mut Draft) {
    let Some(node) = at.node() else { return };
    let place = at.place();
    if !matches!(node.kind, Kind::Mapping(_)) {
        let message = format!("{} is {}, not a group of keys", place.name, node.kind.noun());
        at.r.problem(place.line, message, "write keys of a mapping: `defaults: {mode: upsert}`");
        return;
    }
    let Some(section) = key::open(at.r, node, KEYS, "", OF_DEFAULTS.to_owned()) else { return };
    for key in KEYS {
        let mut at = key.at(at.r, &section, Gaps::Keep);
        if !keys::OWN.contains(&key.name()) && key.name() != keys::TABLES.name() {
            key.take(of_all, &mut at);
        } else if at.is_written() {
            let place = at.place();
            let message = format!("{} would be that of every mapping", place.name);
            at.r.problem(place.line, message, "give each mapping its own");
        }
    }
}

/// Reads an entry over what is said for all.
pub(super) fn read(r: &mut Reading<'_>, node: &Node, position: usize, of_all: &Draft) -> Found {
    let Some(section) = key::open(r, node, KEYS, "", label(r, node, position)) else { return Found::default() };
    if keys::TABLES.node(&section).is_some() {
        return Found { pattern: read_pattern(r, node, of_all), ..Found::default() };
    }
    let mut draft = of_all.clone();
    draft.mapping.line = node.line;
    key::read(r, &section, KEYS, Gaps::Keep, &mut draft);
    let name = draft.name.clone().and_then(|name| Some(Named { line: name.line?, name: name.text }));
    let target = draft.target.clone();
    let beside = &draft.mapping.target;
    let beside = (beside.project.clone(), beside.dataset.clone(), draft.mapping.location.clone());
    draft.tables.refuse(r);
    let mode = keys::MODE.at(r, &section, Gaps::Keep).place();
    draft.refuse_auto(r, &mode);
    Found { mapping: draft.finish(r), name, target, beside, pattern: None }
}

/// Reads an entry that is about many tables.
fn read_pattern(r: &mut Reading<'_>, node: &Node, of_all: &Draft) -> Option<TablePattern> {
    // Which keys are for some of the tables alone depends on what the mode says.
    let mut quiet = Reading { file: String::new(), env: r.env, problems: Vec::new() };
    let mut first = of_all.clone();
    let section = key::open(&mut quiet, node, KEYS, "", String::new())?;
    keys::MODE.take(&mut first, &mut keys::MODE.at(&mut quiet, &section, Gaps::Keep));
    let of = if first.said_mode.is_some() { " of the tables " } else { OF_ANY_MODE };
    let mut tables = quiet;
    keys::TABLES.take(&mut first, &mut keys::TABLES.at(&mut tables, &section, Gaps::Keep));
    let of = format!("{of}`{}`", shown(first.tables.text()));
    let mut quiet = Reading { file: String::new(), env: r.env, problems: Vec::new() };
    let section = key::open(&mut quiet, node, KEYS, "", of)?;
    let mut draft = of_all.clone();
    for key in KEYS {
        let mut at = key.at(r, &section, Gaps::Keep);
        if !keys::OF_ONE_TABLE.contains(&key.name()) {
            key.take(&mut draft, &mut at);
        } else if at.is_written() {
            let place = at.place();
            let message = format!("{} would be that of every table", place.name);
            at.r.problem(
                place.line,
                message,
                "take it out; a table that needs one gets a mapping of its own, which wins",
            );
        }
    }
    draft.pattern(r, node.line)
}

/// How messages name the mapping: by its name, else by its place.
fn label(r: &Reading<'_>, node: &Node, position: usize) -> String {
    let mut quiet = Reading { file: String::new(), env: r.env, problems: Vec::new() };
    let name = key::open(&mut quiet, node, KEYS, "", String::new())
        .and_then(|section| keys::NAME.at(&mut quiet, &section, Gaps::Keep).lenient());
    name.map_or_else(|| format!(" of mapping {position}"), |name| format!(" of mapping `{}`", name.text))
}
