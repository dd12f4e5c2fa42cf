//! Which mappings write to which table: one mapping for each table, or shards of one table that agree on the keys.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::content::Mapping;
use super::mapping::Found;
use super::read::Reading;
use crate::domain::column::same_name;

/// A mapping that writes to a table, as the next mapping finds it.
#[derive(Debug)]
struct Known {
    line: usize,
    has_shards: bool,
    /// `None` if the mapping has another problem.
    mapping: Option<Mapping>,
}

/// The tables that were seen, by project, dataset and name.
#[derive(Debug, Default)]
pub(super) struct Targets(HashMap<(String, String, String), Vec<Known>>);

impl Targets {
    /// Records a problem if a mapping may not write to its table beside the mappings before it.
    pub fn take(&mut self, r: &mut Reading<'_>, found: &Found) {
        let Some(target) = &found.target else { return };
        let (table, line) = (&target.name, target.line);
        let (project, dataset, _) = &found.beside;
        let known = match self.0.entry((project.clone(), dataset.clone(), table.to_lowercase())) {
            Entry::Vacant(free) => free.insert(Vec::new()),
            Entry::Occupied(taken) => taken.into_mut(),
        };
        if let Some(first) = known.iter().find(|known| !(known.has_shards && found.has_shards)) {
            let message = format!("two mappings write to the table `{table}`, on lines {} and {line}", first.line);
            r.problem(
                line,
                message,
                "give each mapping a `bigquery_table` of its own; or each a `shard_column`, if they are shards of one table",
            );
        } else {
            for known in known.iter() {
                let pair = known.mapping.as_ref().zip(found.mappings.first());
                let differs = pair.and_then(|(first, second)| Some((first.line, differs(first, second)?)));
                if let Some((first, (what, hint))) = differs {
                    let message =
                        format!("{what} of the shards of the table `{table}` differ, on lines {first} and {line}");
                    r.problem(line, message, hint);
                    break;
                }
            }
            let values = known.iter().filter_map(|known| known.mapping.as_ref());
            for mapping in &found.mappings {
                let doubled = values.clone().find(|known| has_value_of(known, mapping));
                if let (Some(first), Some(shard)) = (doubled, &mapping.shard) {
                    let message = format!(
                        "two shards of the table `{table}` are called `{}`, on lines {} and {line}",
                        shard.value, first.line
                    );
                    r.problem(
                        line,
                        message,
                        "give each a `shard` of its own; names that differ by case alone count as one",
                    );
                }
            }
        }
        let of = |mapping: Option<Mapping>| Known { line, has_shards: found.has_shards, mapping };
        if found.mappings.is_empty() {
            known.push(of(None));
        }
        known.extend(found.mappings.iter().map(|mapping| of(Some(mapping.clone()))));
    }
}

/// Why two mappings may not write to one table; `None` if they may.
#[must_use]
pub fn refused_together(one: &Mapping, other: &Mapping) -> Option<String> {
    if one.shard.is_none() || other.shard.is_none() {
        return Some(format!("`{}` writes to the table `{}` already", one.name, other.target.table));
    }
    if has_value_of(one, other) {
        return Some(format!("`{}` is called so in the table `{}`", one.name, one.target.table));
    }
    let (what, _) = differs(one, other)?;
    Some(format!("its {what} is another than that of `{}`, a shard of the same table", one.name))
}

/// The setting that must be the same but differs.
fn differs(one: &Mapping, other: &Mapping) -> Option<(&'static str, &'static str)> {
    let column = |mapping: &Mapping| mapping.shard.as_ref().map(|shard| shard.column.to_lowercase());
    let keys =
        |mapping: &Mapping| mapping.primary_keys.iter().map(|key| mapping.target_column(key).to_lowercase()).collect();
    let (keys_of_one, keys_of_other): (Vec<_>, Vec<_>) = (keys(one), keys(other));
    if column(one) != column(other) {
        Some(("`shard_column`", "one column tells all of them apart"))
    } else if one.mode != other.mode {
        Some(("`mode`", "the shards of a table need the same setting; give the other mapping its own `bigquery_table`"))
    } else if keys_of_one != keys_of_other {
        Some(("`primary_keys`", "one table has one key; give the other a `bigquery_table` of its own"))
    } else {
        None
    }
}

fn has_value_of(one: &Mapping, other: &Mapping) -> bool {
    let both = one.shard.as_ref().zip(other.shard.as_ref());
    both.is_some_and(|(one, other)| same_name(&one.value, &other.value))
}
