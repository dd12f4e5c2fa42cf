//! Finds the mappings that the command line names.

use super::args::CommandArg;
use crate::domain::config::{Config, Mapping, StateLocation};
use crate::domain::shard::Shard;
use crate::engine::Selection;

/// A name that no mapping has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no mapping `{name}`; {help}")]
pub struct UnknownMapping {
    name: String,
    help: String,
}

/// The named mappings, or all when none is named. The name of an entry with a list of tables means all of them.
///
/// # Errors
/// The first name that no mapping has, with the nearest one or all of them.
pub fn select(config: &Config, names: &[String]) -> Result<Selection, UnknownMapping> {
    if names.is_empty() {
        return Ok(Selection::All);
    }
    let mut chosen = Vec::new();
    for name in names {
        let meant: Vec<_> = config.named(name).map(|mapping| mapping.name.clone()).collect();
        if meant.is_empty() {
            let known: Vec<&str> = config.mappings.iter().map(|m| m.name.0.as_str()).collect();
            let nearest = known.iter().filter(|k| strsim::damerau_levenshtein(k, name) <= 2).min();
            let help =
                nearest.map_or_else(|| format!("mappings: {}", known.join(", ")), |n| format!("did you mean `{n}`?"));
            return Err(UnknownMapping { name: name.clone(), help });
        }
        for name in meant {
            if !chosen.contains(&name) {
                chosen.push(name);
            }
        }
    }
    Ok(Selection::Named(chosen))
}

/// This process's share of the selection: some of the mappings, or, for a backfill, the whole selection, because the
/// processes take its parts from the state.
///
/// # Errors
/// Why the state cannot be shared.
pub fn share(config: &Config, command: &CommandArg, selected: Selection, shard: Shard) -> Result<Selection, String> {
    if matches!(command, CommandArg::Backfill { .. }) {
        if matches!(config.state, StateLocation::Local(_)) {
            return Err(format!(
                "shard {shard}: processes that share a backfill find its parts in a state that they share: set \
                 `state_store: gcs`"
            ));
        }
        return Ok(selected);
    }
    let chosen = |mapping: &&Mapping| match &selected {
        Selection::All => true,
        Selection::Named(names) => names.contains(&mapping.name),
    };
    let chosen: Vec<_> = config.mappings.iter().filter(chosen).map(|mapping| mapping.name.clone()).collect();
    let all = chosen.len();
    let mine = chosen.into_iter().enumerate().filter(|(place, _)| shard.takes(*place)).map(|(_, name)| name);
    let mine: Vec<_> = mine.collect();
    tracing::info!(%shard, mappings = mine.len(), of = all, "one of several processes");
    Ok(Selection::Named(mine))
}
