//! Finds the mappings that the command line names.

use crate::domain::config::Config;
use crate::domain::ids::MappingName;
use crate::engine::Selection;

/// A name that no mapping has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no mapping `{name}`; {help}")]
pub struct UnknownMapping {
    name: String,
    help: String,
}

/// The named mappings, or all when none is named.
///
/// # Errors
/// The first name that no mapping has, with the nearest one or all of them.
pub fn select(config: &Config, names: &[String]) -> Result<Selection, UnknownMapping> {
    if names.is_empty() {
        return Ok(Selection::All);
    }
    let known: Vec<&str> = config.mappings.iter().map(|m| m.name.0.as_str()).collect();
    for name in names {
        if !known.contains(&name.as_str()) {
            let nearest = known.iter().filter(|k| strsim::damerau_levenshtein(k, name) <= 2).min();
            let help =
                nearest.map_or_else(|| format!("mappings: {}", known.join(", ")), |n| format!("did you mean `{n}`?"));
            return Err(UnknownMapping { name: name.clone(), help });
        }
    }
    Ok(Selection::Named(names.iter().cloned().map(MappingName).collect()))
}
