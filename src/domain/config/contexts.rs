//! The user's list of configurations, by name, between which the console can switch.

use std::path::{Path, PathBuf};

use super::document::{ended, tree};
use super::interpolate::Env;
use super::key::{self, At, Gaps, Key, Missing, Row, put};
use super::read::Reading;
use super::yaml::{Kind, Node};

/// Short, because the name is typed and shown in the console's first line.
const LONGEST_NAME: usize = 24;

const COLOURS: [(&str, Colour); 6] = [
    ("red", Colour::Red),
    ("green", Colour::Green),
    ("yellow", Colour::Yellow),
    ("blue", Colour::Blue),
    ("magenta", Colour::Magenta),
    ("cyan", Colour::Cyan),
];

/// The colour of a context's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
}

/// A configuration with its files. Every path is absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub name: String,
    pub config: PathBuf,
    /// The configuration's path as written, for the list of contexts.
    pub written: String,
    pub env: PathBuf,
    /// The file names this `.env`, so it must exist.
    pub names_env: bool,
    /// The directory at which relative paths in both files begin.
    pub directory: PathBuf,
    pub colour: Option<Colour>,
}

#[derive(Default)]
struct Draft {
    config: PathBuf,
    written: String,
    env: Option<PathBuf>,
    directory: Option<PathBuf>,
    colour: Option<Colour>,
}

const KEYS: &[Key<Draft>] = &[
    Key::new(
        "config",
        Missing::Required {
            said: "required",
            hint: "write the path of its config.yaml: `config: /etc/bqsync/prod/config.yaml`",
        },
        "Its config.yaml; `~/` and paths relative to the contexts file are understood",
        |draft, at| {
            put(&mut draft.written, at.lenient().map(|value| value.text));
            put(&mut draft.config, whole(at));
        },
    ),
    Key::new(
        "env",
        Missing::Means("`.env` beside its config.yaml"),
        "Its file of variables. What it sets wins over the variables that the console was started with",
        |draft, at| put(&mut draft.env, whole(at).map(Some)),
    ),
    Key::new(
        "directory",
        Missing::Means("where its config.yaml is"),
        "Relative paths in its config.yaml and `.env` begin here, as if bqsync had been started here",
        |draft, at| put(&mut draft.directory, whole(at).map(Some)),
    ),
    Key::new(
        "colour",
        Missing::Means("none"),
        "Of its name in the first line: `red`, `green`, `yellow`, `blue`, `magenta` or `cyan`",
        |draft, at| put(&mut draft.colour, at.choice(&COLOURS).map(Some)),
    ),
];

/// The lines for the documentation of these keys.
pub(super) fn rows() -> Vec<Row> {
    key::rows(KEYS, "")
}

/// Reads the contexts file, in its order. `file` is absolute: relative paths begin at its folder.
///
/// # Errors
/// Every problem, in the order of the file.
pub fn contexts(text: &str, file: &Path, env: Env<'_>) -> Result<Vec<Context>, Vec<super::Problem>> {
    let mut r = Reading { file: file.display().to_string(), env, problems: Vec::new() };
    let root = tree(&mut r, text, "write a name for each: `prod: {config: /etc/bqsync/prod/config.yaml, colour: red}`");
    let read = root.and_then(|root| read(&mut r, &root, file));
    ended(read, r.problems)
}

fn read(r: &mut Reading<'_>, root: &Node, file: &Path) -> Option<Vec<Context>> {
    let Kind::Mapping(entries) = &root.kind else {
        let message = format!("the file is {}, not a group of keys", root.kind.noun());
        r.problem(root.line, message, "write a name for each: `prod: {config: /etc/bqsync/prod/config.yaml}`");
        return None;
    };
    let beside = file.parent().unwrap_or_else(|| Path::new("/"));
    let mut contexts = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.key.starts_with("x-")) {
        if !is_name(&entry.key) {
            let message = format!("a context cannot be named `{}`", super::read::shown(&entry.key));
            let hint = format!("take letters, digits, `-`, `_` and `.`, at most {LONGEST_NAME} of them");
            r.problem(entry.line, message, hint);
            continue;
        }
        let of = format!(" of context `{}`", entry.key);
        if !matches!(entry.node.kind, Kind::Mapping(_)) {
            let message = format!("context `{}` is {}, not a group of keys", entry.key, entry.node.kind.noun());
            r.problem(entry.line, message, "write `{config: /etc/bqsync/prod/config.yaml}`");
            continue;
        }
        let Some(mut section) = key::open(r, &entry.node, KEYS, "", of) else { continue };
        // A missing key is reported at the line of the context's name.
        section.line = Some(entry.line);
        let mut draft = Draft::default();
        key::read(r, &section, KEYS, Gaps::Default, &mut draft);
        let config = beside.join(draft.config);
        let folder = config.parent().unwrap_or(beside).to_owned();
        contexts.push(Context {
            name: entry.key.clone(),
            names_env: draft.env.is_some(),
            env: draft.env.map_or_else(|| folder.join(".env"), |env| beside.join(env)),
            directory: draft.directory.map_or(folder, |directory| beside.join(directory)),
            config,
            written: draft.written,
            colour: draft.colour,
        });
    }
    Some(contexts)
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    // A minus alone means the configuration that the console was started with.
    !name.is_empty() && name != "-" && name.chars().count() <= LONGEST_NAME && name.chars().all(fits)
}

/// An absolute path, with `~/` expanded as in a shell.
fn whole(at: &mut At<'_, '_>) -> Option<PathBuf> {
    let path = at.path()?;
    match path.strip_prefix("~") {
        Ok(rest) => Some((at.r.env)("HOME").map_or_else(|| path.clone(), |home| Path::new(&home).join(rest))),
        Err(_) => Some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Context>, Vec<String>> {
        let env = |name: &str| (name == "HOME").then(|| "/home/ops".to_owned());
        contexts(text, Path::new("/home/ops/.config/bqsync/contexts.yaml"), &env)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_context_is_a_configuration_with_the_files_beside_it() {
        let text = "prod: {config: /etc/bqsync/prod/config.yaml, colour: red}\n\
                    staging:\n  config: ~/staging.yaml\n  env: ../staging.env\n  directory: /srv/staging\n";
        let contexts = read(text).unwrap();
        let path = PathBuf::from;
        assert_eq!(
            contexts[0],
            Context {
                name: "prod".into(),
                config: path("/etc/bqsync/prod/config.yaml"),
                written: "/etc/bqsync/prod/config.yaml".into(),
                env: path("/etc/bqsync/prod/.env"),
                names_env: false,
                directory: path("/etc/bqsync/prod"),
                colour: Some(Colour::Red),
            }
        );
        let staging = &contexts[1];
        assert_eq!((&staging.config, staging.written.as_str()), (&path("/home/ops/staging.yaml"), "~/staging.yaml"));
        assert_eq!((&staging.env, staging.names_env), (&path("/home/ops/.config/bqsync/../staging.env"), true));
        assert_eq!((&staging.directory, staging.colour), (&path("/srv/staging"), None));
    }

    #[test]
    fn every_problem_has_its_line() {
        let text = "prod:\n  colour: pink\n  colour2: red\na b: {config: x}\n-: {config: x}\ndev: 7\n";
        let problems = read(text).unwrap_err();
        let has = |begins: &str, holds: &str| {
            problems.iter().any(|problem| problem.contains(begins) && problem.contains(holds))
        };
        assert!(has("contexts.yaml:1", "`config` of context `prod` is missing"), "{problems:?}");
        assert!(has("contexts.yaml:2", "`pink`") && has("contexts.yaml:3", "`colour2`"), "{problems:?}");
        assert!(has("contexts.yaml:4", "`a b`") && has("contexts.yaml:6", "dev"), "{problems:?}");
        assert!(read("").unwrap_err()[0].contains("empty"));
        assert!(read("[a]").unwrap_err()[0].contains("a list"));
    }
}
