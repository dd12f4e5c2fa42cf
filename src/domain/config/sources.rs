//! `sources`: several servers in one file, each with its own variables.

use super::access::NamedSource;
use super::content::Mapping;
use super::key::{self, At, Gaps, Key, Missing, Row, put};
use super::read::{Reading, nearest, shown};
use super::validate;
use super::yaml::{Entry, Kind};
use crate::domain::ids::SourceName;

/// Short, because messages put the name before tables, in lines of 80 columns.
const LONGEST_NAME: usize = 24;

const KEYS: &[Key<NamedSource>] = &[
    Key::new(
        "env",
        Missing::Means("`MYSQL_NAME_`"),
        "Prefix of the server's variables: with `MYSQL_EU_`, `MYSQL_EU_HOST` replaces `MYSQL_HOST`, and so on for each of \
         [the variables](#environment-and-env)",
        |source, at| put(&mut source.prefix, at.checked(is_prefix)),
    ),
    Key::new(
        "timezone",
        Missing::Means("`default_timezone`"),
        "Zone that the server's DATETIME columns are written in",
        |source, at| put(&mut source.timezone, at.parsed(validate::timezone).map(Some)),
    ),
];

/// The lines for the documentation of these keys.
pub(super) fn rows() -> Vec<Row> {
    key::rows(KEYS, "sources.NAME.")
}

/// Reads `sources`, in its order.
pub(super) fn read(at: &mut At<'_, '_>) -> Option<Vec<NamedSource>> {
    const EXAMPLE: &str = "write a name for each server: `sources: {eu: {env: MYSQL_EU_}, us: {env: MYSQL_US_}}`";
    let node = at.node()?;
    let place = at.place();
    let entries = match &node.kind {
        Kind::Mapping(entries) if !entries.is_empty() => entries,
        kind => {
            let what = if matches!(kind, Kind::Mapping(_)) { "empty" } else { kind.noun() };
            at.r.problem(place.line, format!("{} is {what}", place.name), EXAMPLE);
            return None;
        }
    };
    let mut sources: Vec<NamedSource> = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.key.starts_with("x-")) {
        let Some(source) = read_one(at.r, entry, EXAMPLE) else { continue };
        if let Some(other) = sources.iter().find(|other| other.prefix.eq_ignore_ascii_case(&source.prefix)) {
            let message = format!("the sources `{}` and `{}` both read {}...", other.name, source.name, source.prefix);
            at.r.problem(entry.line, message, "give each variables of its own: `env: MYSQL_EU_`");
        }
        sources.push(source);
    }
    Some(sources)
}

fn read_one(r: &mut Reading<'_>, entry: &Entry, example: &str) -> Option<NamedSource> {
    let name = &entry.key;
    if !is_name(name) {
        let hint = format!("take letters, digits, `-` and `_`, at most {LONGEST_NAME} of them");
        r.problem(entry.line, format!("a source cannot be named `{}`", shown(name)), hint);
        return None;
    }
    let mut source = NamedSource::called(name);
    match &entry.node.kind {
        _ if entry.node.is_null() => {}
        Kind::Mapping(_) => {
            let section = key::open(r, &entry.node, KEYS, "", format!(" of source `{name}`"))?;
            key::read(r, &section, KEYS, Gaps::Default, &mut source);
        }
        kind => {
            r.problem(entry.line, format!("source `{name}` is {}, not a group of keys", kind.noun()), example);
            return None;
        }
    }
    Some(source)
}

/// The server that a mapping's `source` names.
pub(super) fn named(known: &[NamedSource], at: &mut At<'_, '_>) -> Option<SourceName> {
    let value = at.value()?;
    if let Some(source) = known.iter().find(|source| source.name.0 == value.text) {
        return Some(source.name.clone());
    }
    if known.is_empty() {
        let message = format!("{} is `{}`, but there are no `sources`", value.place.name, value.written);
        at.r.problem(value.line, message, "name the servers at the top level: `sources: {eu: {env: MYSQL_EU_}}`");
    } else {
        let names: Vec<_> = known.iter().map(|source| source.name.0.as_str()).collect();
        at.r.refuse(&value, nearest(&value.text, &names));
    }
    None
}

/// Checks that a mapping without a source has a server: the one of the variables without a name, which may be missing
/// if there are sources.
pub(super) fn check(r: &mut Reading<'_>, known: &[NamedSource], mapping: &Mapping) {
    let is_given = |name: &str| (r.env)(name).is_some_and(|value| !value.trim().is_empty());
    if known.is_empty() || mapping.source.server.is_some() || is_given("MYSQL_USER") || is_given("MYSQL_DATABASE") {
        return;
    }
    let names: Vec<_> = known.iter().map(|source| format!("`{}`", source.name)).collect();
    let message = format!(
        "mapping `{}` names no `source`, and the variables of a server without a name are not set",
        mapping.name
    );
    let hint = format!(
        "write `source:` and one of {} in the mapping or in `defaults`, or set MYSQL_HOST, MYSQL_USER, ...",
        names.join(", ")
    );
    r.problem(mapping.line, message, hint);
}

pub(super) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(fits)
}

fn is_prefix(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.ends_with('_') && text.chars().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    Err("write what the names of the variables begin with, up to a `_`: `env: MYSQL_EU_`".to_owned())
}

#[cfg(test)]
mod tests;
