//! Reads the text of config.yaml into a [`Config`], or into a list of everything that is wrong with it.

use std::collections::HashMap;
use std::path::Path;

use super::content::Mapping;
use super::for_all::ForAll;
use super::interpolate::Env;
use super::key::{self, Gaps, Missing, Section};
use super::mapping::{self, Draft, Named};
use super::problem::Problem;
use super::read::{Place, Reading};
use super::sources;
use super::tables::{self, TablePattern};
use super::targets::Targets;
use super::top::{KEYS, MAPPINGS, Top};
use super::whole::Config;
use super::yaml::{self, Kind, Node};

/// Reads config.yaml. Messages name `file`; paths in the file stay relative to the working directory.
///
/// # Errors
/// Every problem, in the order of the file.
pub fn parse(text: &str, file: &Path, env: Env<'_>) -> Result<Config, Vec<Problem>> {
    let mut r = Reading { file: file.display().to_string(), env, problems: Vec::new() };
    let config = tree(&mut r, text, "begin with the example `config.yaml` of the project")
        .and_then(|root| read(&mut r, &root, file));
    ended(config, r.problems)
}

/// Tells if the file lists no table to move yet.
#[must_use]
pub fn has_no_mappings(text: &str) -> bool {
    let mut flaws = Vec::new();
    let root = yaml::parse(text, &mut flaws);
    if !flaws.is_empty() {
        return false;
    }
    let Some(Node { kind: Kind::Mapping(entries), .. }) = &root else {
        return root.is_none_or(|root| root.is_null());
    };
    let listed = entries.iter().find(|entry| entry.key == "mappings").map(|entry| &entry.node);
    listed.is_none_or(|node| node.is_null() || matches!(&node.kind, Kind::Sequence(items) if items.is_empty()))
}

/// The file's tree; errors that prevent reading it are added to the problems. `hint`: the hint for an empty file.
pub(super) fn tree(r: &mut Reading<'_>, text: &str, hint: &str) -> Option<Node> {
    let mut flaws = Vec::new();
    let root = yaml::parse(text, &mut flaws);
    let unreadable = root.is_none() && !flaws.is_empty();
    for flaw in flaws {
        r.problem(flaw.line, flaw.message, flaw.hint);
    }
    match root {
        _ if unreadable => None,
        Some(root) if !root.is_null() => Some(root),
        _ => {
            r.problem(None, "the file is empty", hint);
            None
        }
    }
}

/// The result of reading, if there were no problems.
pub(super) fn ended<T>(read: Option<T>, mut problems: Vec<Problem>) -> Result<T, Vec<Problem>> {
    // A merged group is read wherever it was merged, but its problem is reported once.
    problems.sort_by_key(|p| p.line);
    problems.dedup();
    match read {
        Some(read) if problems.is_empty() => Ok(read),
        _ => Err(problems),
    }
}

fn read(r: &mut Reading<'_>, root: &Node, file: &Path) -> Option<Config> {
    let mut section = key::open(r, root, KEYS, "", String::new())?;
    // A key that is missing from the file has no line.
    section.line = None;
    let mut top = Top::blank(file);
    key::read(r, &section, KEYS, Gaps::Default, &mut top);
    let Top { mut config, of_all, .. } = top;
    (config.mappings, config.patterns) = mappings(r, &section, &of_all);
    config.for_all = ForAll::new(of_all);
    Some(config)
}

fn mappings(r: &mut Reading<'_>, top: &Section<'_>, of_all: &Draft) -> (Vec<Mapping>, Vec<TablePattern>) {
    let Missing::Required { hint, .. } = MAPPINGS.missing else { return (Vec::new(), Vec::new()) };
    let Place { name, line, .. } = MAPPINGS.at(r, top, Gaps::Keep).place();
    let Some(node) = MAPPINGS.node(top) else {
        r.problem(line, format!("{name} is missing"), hint);
        return (Vec::new(), Vec::new());
    };
    let Kind::Sequence(nodes) = &node.kind else {
        r.problem(line, format!("{name} is {}, not a list", node.kind.noun()), hint);
        return (Vec::new(), Vec::new());
    };
    if nodes.is_empty() {
        r.problem(line, format!("{name} is empty"), hint);
    }
    let mut names = HashMap::new();
    let mut targets = Targets::default();
    let mut locations = HashMap::new();
    let (mut mappings, mut patterns) = (Vec::new(), Vec::new());
    for (position, node) in nodes.iter().enumerate() {
        if tables::are_in(r, node) {
            patterns.extend(tables::read(r, node, of_all));
            continue;
        }
        let found = mapping::read(r, node, position + 1, of_all);
        if let Some(Named { name, line }) = &found.name {
            // In an entry with a list of tables, the entry's name stands for all of them.
            let of_tables = found.mappings.iter().map(|mapping| &mapping.name.0).filter(|own| *own != name);
            for name in std::iter::once(name).chain(of_tables) {
                if let Some(first) = names.insert(name.clone(), *line) {
                    let message = format!("two mappings are named `{name}`, on lines {first} and {line}");
                    r.problem(*line, message, "the name is the key of the watermark in the state: give each its own");
                }
            }
        }
        targets.take(r, &found);
        let (project, dataset, location) = found.beside;
        let of_dataset = locations.entry((project, dataset)).or_insert_with(|| location.clone());
        if !of_dataset.eq_ignore_ascii_case(&location)
            && let Some(mapping) = found.mappings.first()
        {
            let (name, target) = (&mapping.name, &mapping.target);
            let message = format!(
                "mapping `{name}` has {}.{} in {location}, and a mapping before it has it in {of_dataset}",
                target.project, target.dataset
            );
            r.problem(mapping.line, message, "a dataset has one location: give both mappings the same `location`");
        }
        // Shards of one entry are on one server.
        if let Some(mapping) = found.mappings.first() {
            sources::check(r, &of_all.sources, mapping);
        }
        mappings.extend(found.mappings);
    }
    (mappings, patterns)
}
