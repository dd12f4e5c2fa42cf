//! What the documentation points at is there: files, headings, the paths of the source that contributors are sent to.

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

/// Lines that are not an example's.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_example = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_example ^= is_fence;
        !is_example && !is_fence
    })
}

/// The anchors that a page has, as they are made of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let anchor = |heading: &str| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-");
    headings.map(anchor).collect()
}

/// Where the links of a page lead: between `](` and `)`.
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

/// `src/...` between backquotes, in the pages that contributors go by.
#[test]
fn what_contributors_are_sent_to_is_there() {
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
