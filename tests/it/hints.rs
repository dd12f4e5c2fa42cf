//! The operators' next steps: every hint and remedy in the source names a step, and each command in one exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bigquery_syncer::cli::args::Args;
use clap::CommandFactory;

/// The text before a hint.
const BEGINNINGS: [&str; 5] = ["with_hint(", "with_hint_if_any(", ".remedy(", "hint: ", "hint = "];

/// The program's text without tests.
fn sources(dir: &Path) -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let is_ours =
        |path: &PathBuf| !path.ends_with("tests") && !path.ends_with("tests.rs") && !path.ends_with("testing");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let end = text.find("#[cfg(test)]").unwrap_or(text.len());
        (path, text[..end].to_owned())
    };
    let all = entries.filter(is_ours);
    all.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![read(path)] }).collect()
}

/// The string literal at the beginning of `text`, and its length there.
fn literal(text: &str) -> Option<(String, usize)> {
    let mut found = String::new();
    let mut chars = text.strip_prefix('"')?.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((found, at + 2)),
            '\\' => match chars.next()?.1 {
                // The literal continues after the next line's leading spaces.
                '\n' => {
                    let rest = chars.as_str();
                    let skipped = rest.len() - rest.trim_start().len();
                    chars.by_ref().take(rest[..skipped].chars().count()).for_each(drop);
                }
                escaped => found.push(escaped),
            },
            c => found.push(c),
        }
    }
    None
}

/// The literals and the names of constants in one expression, up to the bracket or comma that ends it.
fn expression(text: &str) -> (Vec<String>, Vec<&str>) {
    let (mut literals, mut constants) = (Vec::new(), Vec::new());
    let (mut at, mut depth) = (0, 0_i32);
    while let Some(c) = text[at..].chars().next() {
        if let Some((found, length)) = literal(&text[at..]) {
            literals.push(found);
            at += length;
            continue;
        }
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 || (depth == 0 && matches!(c, ',' | ';')) {
            break;
        }
        let name = text[at..].split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap_or_default();
        if name.len() > 2 {
            constants.push(name);
        }
        at += name.len().max(c.len_utf8());
    }
    (literals, constants)
}

/// All hints of a file: the line, and the text without inserted values.
fn hints(text: &str) -> Vec<(usize, String)> {
    let constant = |name: &str| {
        let told = text.split_once(&format!("const {name}: &str ="))?.1;
        literal(told.trim_start()).map(|(found, _)| found)
    };
    let begin = BEGINNINGS.iter().flat_map(|mark| text.match_indices(mark).map(|(at, _)| at + mark.len()));
    let bodies = text.match_indices("fn hint(").filter_map(|(at, _)| Some(at + text[at..].find('{')? + 1));
    let told = begin.chain(bodies).map(|at| {
        let (mut literals, constants) = expression(&text[at..]);
        literals.extend(constants.into_iter().filter_map(constant));
        (text[..at].lines().count(), literals.join(" / "))
    });
    told.filter(|(_, told)| !told.is_empty()).collect()
}

/// The options of all commands, and the commands.
fn known() -> (BTreeSet<String>, BTreeSet<String>) {
    let mut program = Args::command();
    program.build();
    let of = |command: &clap::Command| -> Vec<String> {
        command.get_arguments().filter_map(|argument| Some(format!("--{}", argument.get_long()?))).collect()
    };
    let options = program.get_subcommands().flat_map(of).chain(of(&program)).collect();
    (options, program.get_subcommands().map(|command| command.get_name().to_owned()).collect())
}

#[test]
fn every_hint_names_a_possible_step() {
    let (options, commands) = known();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, text) in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for (line, hint) in hints(&text) {
            seen += 1;
            let place = format!("{}:{line}", path.display());
            if hint.trim_matches([' ', '/']).is_empty() {
                wrong.push(format!("{place}: an empty hint"));
            }
            if hint.contains("nothing was lost") || hint.contains("nothing is lost") {
                wrong.push(format!("{place}: that nothing was lost is no next step: {hint}"));
            }
            for quoted in hint.split('`').skip(1).step_by(2) {
                let mut words = quoted.split_whitespace();
                let first = words.next().unwrap_or_default();
                let command = if first == "bqsync" { words.next().unwrap_or_default() } else { first };
                let is_ours = first == "bqsync" || commands.contains(first) || options.contains(first);
                let is_command = commands.contains(command) || command.starts_with(['-', '{']) || command.is_empty();
                let unknown = words.find(|word| word.starts_with("--") && !options.contains(*word));
                if is_ours && (!is_command || unknown.is_some()) {
                    wrong.push(format!("{place}: `{quoted}` is not taken by the program"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 150, "only {seen} hints were found");
}
