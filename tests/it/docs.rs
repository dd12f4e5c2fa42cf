//! What the documentation refers to exists: files, headings, and the paths of the source in the pages for contributors.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<(PathBuf, String)> {
    let files = |dir: PathBuf| std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let is_page = |path: &PathBuf| path.extension().is_some_and(|end| end == "md");
    let found = [root(), root().join("docs"), root().join("deploy"), root().join("bench")].into_iter().flat_map(files);
    found.filter(is_page).map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// The lines outside examples.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_example = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_example ^= is_fence;
        !is_example && !is_fence
    })
}

/// The anchors of a page, made from its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let anchor = |heading: &str| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-");
    headings.map(anchor).collect()
}

/// The targets of a page's links: between `](` and `)`.
fn links(text: &str) -> Vec<String> {
    let lines: Vec<&str> = prose(text).collect();
    let joined = lines.join("\n");
    let starts = joined.match_indices("](").map(|(at, found)| at + found.len());
    starts.filter_map(|at| joined[at..].split_once(')').map(|(link, _)| link.to_owned())).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut followed = 0;
    for (page, text) in pages() {
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            followed += 1;
            let (file, anchor) =
                link.split_once('#').map_or((link.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let to = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let has = |anchor: &str| std::fs::read_to_string(&to).is_ok_and(|text| anchors(&text).contains(anchor));
            if !to.exists() || anchor.is_some_and(|anchor| !has(anchor)) {
                broken.push(format!("{}: {link}", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(followed > 50, "only {followed} links were found");
}

/// The front page has what a newcomer needs, and links to the rest.
#[test]
fn the_front_page_is_short_and_names_the_command_that_tests() {
    let page = std::fs::read_to_string(root().join("README.md")).unwrap();
    let lines = page.lines().count();
    assert!(lines <= 150, "README.md has {lines} lines: what is not for the first day belongs into docs/");
    assert!(page.contains("    make test "), "README.md does not name `make test`");
}

/// Checks `src/...` between backquotes in the pages for contributors.
#[test]
fn every_file_that_contributors_are_pointed_to_exists() {
    let mut seen = 0;
    for page in ["CONTRIBUTING.md", "docs/architecture.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.split("::").next().unwrap_or_default();
            if ["src/", "tests/", "docs/", "bench/"].iter().any(|top| path.starts_with(top)) {
                seen += 1;
                assert!(Path::new(&root().join(path)).exists(), "{page}: {path}");
            }
        }
    }
    assert!(seen > 20, "only {seen} paths were found");
}

/// The options of a command, including those of all commands.
fn options(command: &str) -> BTreeSet<String> {
    let told = std::process::Command::new(env!("CARGO_BIN_EXE_bqsync")).args([command, "--help"]).output().unwrap();
    assert!(told.status.success(), "there is no `bqsync {command}`");
    let text = String::from_utf8(told.stdout).unwrap();
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '-');
    words.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

/// The commands in a text, from a backquote to the next one; messages and pages write them alike.
fn commands(text: &str) -> Vec<String> {
    let one_line = text.replace("\\\n", " ");
    let told = one_line.match_indices("`bqsync ").map(|(at, found)| &one_line[at + found.len()..]);
    told.filter_map(|rest| rest.split_once('`')).map(|(command, _)| command.to_owned()).collect()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let all = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    all.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// The program accepts every command that a message or a page tells somebody to type.
#[test]
fn every_documented_command_exists_with_its_options() {
    let messages = sources(&root().join("src")).into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        // Unit tests quote commands that nobody is told to type.
        let end = text.find("#[cfg(test)]").unwrap_or(text.len());
        (path, text[..end].to_owned())
    });
    let mut known = std::collections::BTreeMap::new();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, text) in messages.chain(pages()).filter(|(path, _)| !path.ends_with("CHANGELOG.md")) {
        for told in commands(&text) {
            let mut words = told.split_whitespace();
            // An option before the command belongs to all commands; a placeholder is not a command.
            let Some(command) = words.clone().find(|word| word.starts_with(|c: char| c.is_ascii_lowercase())) else {
                continue;
            };
            seen += 1;
            let options = known.entry(command.to_owned()).or_insert_with(|| options(command));
            let written =
                words.by_ref().filter_map(|word| word.split(['=', ']', '[']).find(|part| part.starts_with("--")));
            let named = written.map(|word| word.trim_end_matches(|c: char| !c.is_alphanumeric()).to_owned());
            let unknown: Vec<_> = named.filter(|word| word.len() > 2 && !options.contains(word)).collect();
            if !unknown.is_empty() {
                wrong.push(format!("{}: `bqsync {told}`: {unknown:?}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 80, "only {seen} commands were found");
}
