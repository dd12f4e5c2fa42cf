//! A mapping's keys about single columns, beside their types: masks, and other names in BigQuery.

use std::collections::BTreeMap;

use crate::domain::column::same_name;
use crate::domain::config::key::{At, put};
use crate::domain::config::mask::{Masked, masks, patterns};
use crate::domain::config::read::{Reading, Value};
use crate::domain::mask::Mask;
use crate::domain::naming;
use crate::domain::new_columns::Pattern;

/// The values of `mask`, `new_columns`, `rename`, `loaded_at`.
#[derive(Debug, Clone, Default)]
pub(in crate::domain::config) struct Columns {
    masks: Vec<Masked>,
    pub patterns: Vec<Pattern>,
    rename: Vec<(String, Value)>,
    loaded_at: Option<Value>,
}

impl Columns {
    pub fn take_masks(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.masks, masks(at));
    }

    pub fn take_patterns(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.patterns, patterns(at));
    }

    pub fn take_rename(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.rename, at.table());
    }

    pub fn take_loaded_at(&mut self, at: &mut At<'_, '_>) {
        put(&mut self.loaded_at, at.value().map(Some));
    }

    /// The masks before any checks.
    pub fn all_masks(&self) -> &[Masked] {
        &self.masks
    }

    /// The names before any checks.
    pub fn all_names(&self) -> &[(String, Value)] {
        &self.rename
    }

    /// The name as written.
    pub fn loaded_at_name(&self) -> Option<&str> {
        self.loaded_at.as_ref().map(|value| value.text.as_str())
    }

    /// The masks, without those on columns that the mapping needs unmasked. `needed`: columns that tell rows apart and
    /// order them; `exclude` and `overrides`: columns that other keys name.
    pub fn masks(
        &self,
        r: &mut Reading<'_>,
        needed: &[&Value],
        exclude: &[Value],
        overrides: &[(String, Value)],
    ) -> BTreeMap<String, Mask> {
        let mut checked: BTreeMap<String, Mask> = BTreeMap::new();
        for Masked { column, mask, place, .. } in &self.masks {
            let places_rows = needed.iter().find(|value| same_name(&value.text, column)).map(|value| value.place.key);
            let excluded = exclude.iter().any(|value| same_name(&value.text, column));
            let typed = overrides.iter().any(|(name, _)| same_name(name, column)) && mask.gives_text();
            if let Some(key) = places_rows {
                let message = format!("{} is a mask, but `{key}` needs the column as it is", place.name);
                let hint = "rows are told apart and ordered by it in statements, reports and lists of keys: take a column that \
                            says nothing of a person";
                r.problem(place.line, message, hint);
            } else if excluded {
                let message = format!("{} is a mask, but `exclude` leaves the column in MySQL", place.name);
                r.problem(place.line, message, "take one of the two out");
            } else if typed {
                let message = format!("{} makes the column a STRING, but `columns` gives it a type", place.name);
                r.problem(place.line, message, "take it out of `columns`");
            } else if checked.keys().any(|other| same_name(other, column)) {
                r.problem(place.line, format!("{} is given twice", place.name), "give it once");
            } else {
                checked.insert(column.clone(), mask.clone());
            }
        }
        checked
    }

    /// The BigQuery names, each once and valid in BigQuery.
    pub fn names(&self, r: &mut Reading<'_>) -> BTreeMap<String, String> {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (column, value) in &self.rename {
            if let Some(instead) = refused_name(&value.text) {
                r.refuse(value, instead);
            } else if names.values().any(|other| same_name(other, &value.text)) {
                r.refuse(value, "another column has that name; choose one for each");
            } else if names.keys().any(|other| same_name(other, column)) {
                r.problem(value.line, format!("{} is given twice", value.place.name), "give it once");
            } else {
                names.insert(column.clone(), value.text.clone());
            }
        }
        names
    }

    /// `deleted`: the column that marks deleted rows.
    pub fn loaded_at(&self, r: &mut Reading<'_>, deleted: Option<&str>) -> Option<String> {
        let value = self.loaded_at.as_ref()?;
        if let Some(instead) = refused_name(&value.text) {
            r.refuse(value, instead);
        } else if deleted.is_some_and(|deleted| same_name(deleted, &value.text)) {
            r.refuse(value, "`deleted_column` has that name");
        }
        Some(value.text.clone())
    }
}

pub(super) fn refused_name(name: &str) -> Option<String> {
    let taken = naming::column_name(name);
    (taken != name).then(|| format!("BigQuery takes no such name; write `{taken}`"))
}

#[cfg(test)]
mod tests;
