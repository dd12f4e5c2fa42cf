//! From the text of config.yaml to a [`Config`], or to everything that is wrong with it.

use std::collections::HashMap;
use std::path::Path;

use super::content::Mapping;
use super::interpolate::Env;
use super::key::{self, Gaps, Missing, Section};
use super::mapping::{self, Draft};
use super::problem::Problem;
use super::read::{Place, Reading};
use super::tables::TablePattern;
use super::top::{KEYS, MAPPINGS, Top};
use super::whole::Config;
use super::yaml::{self, Kind, Node};

/// Reads config.yaml. `file` is named in messages; paths in the file are left relative to the working directory.
///
/// # Errors
/// Every problem, in the order of the file.
pub fn parse(text: &str, file: &Path, env: Env<'_>) -> Result<Config, Vec<Problem>> {
    let mut r = Reading { file: file.display().to_string(), env, problems: Vec::new() };
    let config = tree(&mut r, text, "begin with the example `config.yaml` of the project")
        .and_then(|root| read(&mut r, &root, file));
    ended(config, r.problems)
}

/// What a file holds; what keeps it from being read is written down. `hint`: of a file that is empty.
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

/// What was read, where nothing was wrong with it.
pub(super) fn ended<T>(read: Option<T>, mut problems: Vec<Problem>) -> Result<T, Vec<Problem>> {
    // A merged group is read wherever it was merged; its problem is one.
    problems.sort_by_key(|p| p.line);
    problems.dedup();
    match read {
        Some(read) if problems.is_empty() => Ok(read),
        _ => Err(problems),
    }
}

fn read(r: &mut Reading<'_>, root: &Node, file: &Path) -> Option<Config> {
    let mut section = key::open(r, root, KEYS, "", String::new())?;
    // A key that is nowhere in the file has no line.
    section.line = None;
    let mut top = Top::blank(file);
    key::read(r, &section, KEYS, Gaps::Default, &mut top);
    let Top { mut config, of_all, .. } = top;
    (config.mappings, config.patterns) = mappings(r, &section, &of_all);
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
    let mut targets = HashMap::new();
    let mut locations = HashMap::new();
    let (mut mappings, mut patterns) = (Vec::new(), Vec::new());
    for (position, node) in nodes.iter().enumerate() {
        let found = mapping::read(r, node, position + 1, of_all);
        if let Some(name) = found.name
            && let Some(first) = names.insert(name.name.clone(), name.line)
        {
            let message = format!("two mappings are named `{}`, on lines {first} and {}", name.name, name.line);
            r.problem(name.line, message, "the name is the key of the watermark in the state: give each its own");
        }
        if let Some(target) = found.target
            && let Some(first) = targets
                .insert((found.beside.0.clone(), found.beside.1.clone(), target.name.to_lowercase()), target.line)
        {
            let (table, line) = (&target.name, target.line);
            let message = format!("two mappings write to the table `{table}`, on lines {first} and {line}");
            r.problem(line, message, "give each mapping a `bigquery_table` of its own");
        }
        let (project, dataset, location) = found.beside;
        let of_dataset = locations.entry((project, dataset)).or_insert_with(|| location.clone());
        if !of_dataset.eq_ignore_ascii_case(&location)
            && let Some(mapping) = &found.mapping
        {
            let (name, target) = (&mapping.name, &mapping.target);
            let message = format!(
                "mapping `{name}` has {}.{} in {location}, and a mapping before it has it in {of_dataset}",
                target.project, target.dataset
            );
            r.problem(mapping.line, message, "a dataset is in one place: give both the same `location`");
        }
        mappings.extend(found.mapping);
        patterns.extend(found.pattern);
    }
    (mappings, patterns)
}
