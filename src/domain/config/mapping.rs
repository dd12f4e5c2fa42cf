//! One entry of `mappings`.

mod blank;
mod columns;
mod draft;
mod keys;
mod of_table;
mod shards;
mod tables;

use super::content::Mapping;
use super::key::{self, At, Gaps};
use super::read::{OF_DEFAULTS, Reading};
use super::yaml::{Kind, Node};

pub(super) use draft::{Draft, Named};
pub(super) use keys::{
    ALLOW_TABLE_ADDITIONS, EMPTY_STRING_AS_NULL, INVALID_VALUES, KEYS, MAX_SHRINK, MAXIMUM_BYTES_BILLED, MODE,
    OF_ONE_TABLE, OF_SHARDS, SHARD_COLUMN, TABLES,
};

pub(super) use of_table::OfTable;
pub(super) use tables::Tables;

/// What could be read of an entry; names and targets are compared with other entries' even if the rest is wrong.
#[derive(Default)]
pub(super) struct Found {
    /// One mapping, or one for each table of a list.
    pub mappings: Vec<Mapping>,
    /// A column tells them apart, so they may share their target.
    pub has_shards: bool,
    pub name: Option<Named>,
    pub target: Option<Named>,
    /// Project, dataset and location of the target.
    pub beside: (String, String, String),
}

/// The settings of a mapping that says nothing.
pub(super) fn defaults() -> Draft {
    let mut draft = Draft::blank();
    key::defaults(KEYS, &mut draft);
    draft
}

/// Reads `defaults` over the top level's settings for all.
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

/// Reads an entry over the settings for all.
pub(super) fn read(r: &mut Reading<'_>, node: &Node, position: usize, of_all: &Draft) -> Found {
    let Some(section) = key::open(r, node, KEYS, "", label(r, node, position)) else { return Found::default() };
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
    let has_shards = draft.shards.has_column();
    Found { mappings: draft.finish(r), has_shards, name, target, beside }
}

/// The mapping's name in messages: its own name, else its position.
fn label(r: &Reading<'_>, node: &Node, position: usize) -> String {
    let mut quiet = Reading { file: String::new(), env: r.env, problems: Vec::new() };
    let name = key::open(&mut quiet, node, KEYS, "", String::new())
        .and_then(|section| keys::NAME.at(&mut quiet, &section, Gaps::Keep).lenient());
    name.map_or_else(|| format!(" of mapping {position}"), |name| format!(" of mapping `{}`", name.text))
}
