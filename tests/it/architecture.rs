//! The layers: an import against their order fails here.

mod circles;
mod text;

use std::path::{Path, PathBuf};

use self::circles::Files;

/// Each module, and the other modules of this crate that it may use.
const MAY_SEE: [(&str, &[&str]); 26] = [
    ("domain", &[]),
    ("bucket", &["domain", "google", "retry", "trust", "unreached"]),
    ("commands", &["domain"]),
    ("dotenv", &[]),
    ("failpoint", &[]),
    ("files", &["domain"]),
    ("format", &["domain"]),
    ("google", &["domain", "paths", "trust", "unreached"]),
    ("host", &[]),
    ("logging", &["commands", "printable"]),
    ("memory", &[]),
    ("panics", &[]),
    ("paths", &[]),
    ("printable", &[]),
    ("retry", &["domain"]),
    ("source", &["domain", "panics", "paths", "retry", "trust", "unreached"]),
    ("statements", &[]),
    ("testing", &["domain", "engine", "outlets", "source", "state", "warehouse"]),
    ("trust", &["domain"]),
    ("unreached", &["trust"]),
    ("warehouse", &["domain", "bucket", "failpoint", "google", "retry", "statements", "trust", "unreached"]),
    ("state", &["domain", "bucket", "files", "host", "printable", "retry"]),
    ("outlets", &["domain", "files", "host", "retry", "state", "trust", "unreached"]),
    ("engine", &["domain", "source", "warehouse", "state", "outlets", "failpoint", "format", "retry", "testing"]),
    ("cli", &["commands", "domain", "engine", "format", "printable"]),
    ("tui", &["domain", "engine", "failpoint", "format", "logging", "printable", "statements"]),
];

/// Crates that the domain must not use.
const NOT_IN_DOMAIN: [&str; 8] =
    ["tokio", "sqlx", "reqwest", "gcp_bigquery_client", "ratatui", "crossterm", "std::env", "Utc::now"];

/// Adapters that only the wiring may name.
const ADAPTERS: [&str; 6] =
    ["source::mysql", "warehouse::bigquery", "state::local", "state::gcs", "outlets::metrics", "outlets::webhook"];

/// The engine's rooms: each may use itself and those before it.
const ROOMS: [&str; 6] = ["protocol", "work", "moving", "run", "answers", "supervisor"];

fn sources(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn module_files(module: &str) -> Vec<(PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let file = src.join(format!("{module}.rs"));
    if file.exists() {
        let text = std::fs::read_to_string(&file).unwrap();
        return vec![(file, text)];
    }
    sources(&src.join(module))
}

/// Modules of this crate that a text names after `crate::`, including grouped imports.
fn named_modules(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split(';').next().unwrap_or_default();
            named.extend(group.split([',', '{', '}']).filter_map(first_segment));
        } else {
            named.extend(first_segment(rest));
        }
    }
    named
}

fn first_segment(path: &str) -> Option<String> {
    let segment: String = path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!segment.is_empty()).then_some(segment)
}

#[test]
fn no_import_runs_against_the_arrows() {
    let modules: Vec<&str> = MAY_SEE.iter().map(|(module, _)| *module).collect();
    for (module, allowed) in MAY_SEE {
        for (path, text) in module_files(module) {
            for named in named_modules(&text) {
                let fine = named == module || allowed.contains(&named.as_str()) || !modules.contains(&named.as_str());
                assert!(fine, "{} sees crate::{named}", path.display());
            }
        }
    }
}

#[test]
fn every_module_has_its_arrows() {
    let library = include_str!("../../src/lib.rs");
    let modules = library.lines().filter_map(|line| line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod "));
    for module in modules.map(|module| module.trim_end_matches(';')) {
        assert!(MAY_SEE.iter().any(|(known, _)| *known == module), "what may `{module}` see?");
    }
}

#[test]
fn the_domain_uses_no_servers_clocks_or_terminals() {
    for (path, text) in module_files("domain") {
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for name in NOT_IN_DOMAIN {
            assert!(!code.contains(name), "{} uses {name}", path.display());
        }
    }
}

#[test]
fn only_the_wiring_names_an_adapter() {
    for (module, _) in MAY_SEE {
        let own = format!("{module}::");
        for (path, text) in module_files(module) {
            for adapter in ADAPTERS.iter().filter(|adapter| !adapter.starts_with(&own)) {
                assert!(!text.contains(adapter), "{} names {adapter}", path.display());
            }
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = sources(&src);
    let named = sources.iter().map(|(path, text)| {
        let name = path.strip_prefix(&src).ok().and_then(Path::to_str).unwrap();
        (name, text.as_str())
    });
    let circles = Files::read(named).circles();
    let told: Vec<_> = circles.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn the_engines_modules_import_only_earlier_ones() {
    for (place, room) in ROOMS.iter().enumerate() {
        let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine").join(room));
        assert!(!files.is_empty(), "{room} is a room of the engine");
        for (path, text) in files {
            for later in &ROOMS[place + 1..] {
                for named in [format!("engine::{later}::"), format!("super::super::{later}::")] {
                    assert!(!text.contains(&named), "{} sees {later}", path.display());
                }
            }
        }
    }
}

#[test]
fn no_file_exceeds_its_size_limit() {
    for (path, text) in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let lines = text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
    }
}

/// Files with statements that name a table but read no row of it: columns, foreign keys, the types of a view's columns.
const NAME_NO_ROWS: [&str; 4] = ["sql.rs", "catalog.rs", "cascades.rs", "views.rs"];

/// The words after FROM come from one place, so that no statement forgets the mapping's filter.
#[test]
fn no_statement_reads_a_table_without_its_filter() {
    for (path, text) in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/source/mysql")) {
        let is_known = NAME_NO_ROWS.iter().any(|name| path.ends_with(name)) || path.ends_with("sql/properties.rs");
        let names_one =
            ["table_name(", "mysql_table(", "FROM {table", "FROM {name"].iter().any(|words| text.contains(words));
        assert!(is_known || !names_one, "{} names a table by itself; take `sql::rows`", path.display());
    }
}
