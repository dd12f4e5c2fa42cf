//! Circles of imports: files of which each needs the next, and the last the first. In a circle no file can be
//! understood or changed before the others.
//!
//! An arrow goes from a file to the one that defines the name that it uses. A `mod` line is not an arrow. A `pub use`
//! is not one either, unless the file uses the name itself: a file that takes the name from there has an arrow to the
//! definition.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use super::text::{Segments, Text};

/// Names are followed through re-exports; more steps than this are a loop of them.
const MOST_STEPS: usize = 16;

/// Every file of the crate by its module's path; the crate's root has the empty path.
pub struct Files {
    files: BTreeMap<Segments, File>,
}

struct File {
    name: String,
    text: Text,
}

/// The modules of other files, each with the names that are used from it.
type Arrows<'a> = BTreeMap<Segments, BTreeSet<&'a str>>;

/// Files that import each other, with the names that they use.
#[derive(Debug, PartialEq, Eq)]
pub struct Circle {
    pub files: Vec<String>,
    arrows: Vec<String>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "these {} files import each other: {}", self.files.len(), self.files.join(", "))?;
        self.arrows.iter().try_for_each(|arrow| write!(f, "\n    {arrow}"))
    }
}

impl Files {
    /// Reads pairs of a name below `src` and a text. What only tests see is left out.
    pub fn read<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        // `lib.rs` only lists the modules, and which of them only tests see.
        let (root, sources): (Vec<_>, Vec<_>) = sources.into_iter().partition(|(name, _)| *name == "lib.rs");
        let root: Vec<_> = root.into_iter().map(|(_, text)| Text::read(text)).collect();
        let files = sources
            .into_iter()
            .map(|(name, text)| (module_of(name), File { name: name.to_owned(), text: Text::read(text) }));
        let all = Self { files: files.collect() };
        let of_root = |module: &Segments| {
            module.first().is_some_and(|top| root.iter().any(|text| text.test_modules.contains(top)))
        };
        let for_tests: Vec<_> =
            all.files.keys().filter(|module| of_root(module) || all.is_for_tests(module)).cloned().collect();
        let files = all.files.into_iter().filter(|(module, _)| !for_tests.contains(module));
        Self { files: files.collect() }
    }

    /// Tells if the module, or one around it, is under `#[cfg(test)]`.
    fn is_for_tests(&self, module: &Segments) -> bool {
        (0..module.len()).any(|end| {
            let parent = self.files.get(&module[..end]);
            parent.is_some_and(|file| file.text.test_modules.contains(&module[end]))
        })
    }

    pub fn circles(&self) -> Vec<Circle> {
        let arrows: BTreeMap<&Segments, Arrows<'_>> =
            self.files.keys().map(|module| (module, self.arrows(module))).collect();
        let reached: BTreeMap<&Segments, _> = arrows.keys().map(|module| (*module, reached(&arrows, module))).collect();
        let mut circles = Vec::new();
        let mut told = BTreeSet::new();
        for (module, beyond) in &reached {
            if !beyond.contains(*module) || told.contains(*module) {
                continue;
            }
            let members: Vec<_> = beyond.iter().filter(|other| reached[other].contains(*module)).collect();
            told.extend(members.iter().map(|member| (*member).clone()));
            circles.push(self.circle(&members, &arrows));
        }
        circles
    }

    fn circle(&self, members: &[&Segments], arrows: &BTreeMap<&Segments, Arrows<'_>>) -> Circle {
        let name = |module: &Segments| self.files[module].name.clone();
        let mut within = Vec::new();
        for from in members {
            for (to, names) in arrows[from].iter().filter(|(to, _)| members.contains(to)) {
                let names: Vec<_> = names.iter().copied().collect();
                within.push(format!("{} -> {}: {}", name(from), name(to), names.join(", ")));
            }
        }
        Circle { files: members.iter().map(|member| name(member)).collect(), arrows: within }
    }

    fn arrows(&self, module: &Segments) -> Arrows<'_> {
        let text = &self.files[module].text;
        let used = text.imports.iter().filter(|import| !import.is_handed_on || text.words.contains(&import.name));
        let imported = used.map(|import| (&import.path, import.name.as_str()));
        let written = text.paths.iter().map(|path| (path, path.last().map_or("", String::as_str)));
        let mut arrows = Arrows::new();
        for (path, name) in imported.chain(written) {
            let found = if name == "*" {
                self.absolute(module, path, MOST_STEPS)
            } else {
                self.defined(module, path, MOST_STEPS)
            };
            if let Some(other) = found.filter(|other| other != module && self.files.contains_key(other)) {
                arrows.entry(other).or_default().insert(name);
            }
        }
        arrows
    }

    /// The module whose file defines what a path names; `None` for a module itself, and for other crates.
    fn defined(&self, module: &Segments, path: &[String], steps: usize) -> Option<Segments> {
        let path = self.absolute(module, path, steps)?;
        let length = (0..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length]))?;
        let (home, rest) = path.split_at(length);
        let (home, item) = (home.to_vec(), rest.first()?);
        let text = &self.files[&home].text;
        if text.defines.contains(item) {
            return Some(home);
        }
        if let Some(import) = text.imports.iter().find(|import| import.name == *item) {
            let beyond: Vec<_> = import.path.iter().chain(&rest[1..]).cloned().collect();
            return self.defined(&home, &beyond, steps.checked_sub(1)?);
        }
        let everything = text.imports.iter().filter(|import| import.name == "*");
        let mut handed_on = everything.filter_map(|import| {
            let other = self.absolute(&home, &import.path, steps.checked_sub(1)?)?;
            self.files.get(&other)?.text.defines.contains(item).then_some(other)
        });
        handed_on.next().or(Some(home))
    }

    /// The path from the crate's root; `None` for other crates.
    fn absolute(&self, module: &Segments, path: &[String], steps: usize) -> Option<Segments> {
        let (first, rest) = path.split_first()?;
        let below = |base: &[String]| Some(base.iter().chain(rest).cloned().collect());
        match first.as_str() {
            "crate" | "bigquery_syncer" => return below(&[]),
            "self" => return below(module),
            "super" => {
                let parent = module[..module.len().checked_sub(1)?].to_vec();
                return match rest.first() {
                    Some(next) if next == "super" => self.absolute(&parent, rest, steps),
                    _ => below(&parent),
                };
            }
            _ => {}
        }
        let child: Segments = module.iter().chain([first]).cloned().collect();
        let imports = &self.files.get(module)?.text.imports;
        match imports.iter().find(|import| import.name == *first && import.path.first() != Some(first)) {
            Some(import) => {
                let base = self.absolute(module, &import.path, steps.checked_sub(1)?)?;
                below(&base)
            }
            None if self.files.contains_key(&child) => below(&child),
            None => None,
        }
    }
}

/// The module of a file: `source/mysql/mod.rs` is `source::mysql`, and so is `source/mysql.rs`.
fn module_of(name: &str) -> Segments {
    let path = Path::new(name).with_extension("");
    let mut module: Segments = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["main"] {
        module.pop();
    }
    module
}

/// Every module that the arrows reach from one; the module itself only if they lead back.
fn reached(arrows: &BTreeMap<&Segments, Arrows<'_>>, from: &Segments) -> BTreeSet<Segments> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for next in arrows.get(module).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests;
