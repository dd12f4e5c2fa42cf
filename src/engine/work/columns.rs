//! Changes of MySQL's columns that leave rows which BigQuery holds without their values, and that no change of our own
//! in BigQuery tells of: a column is new in MySQL and was in BigQuery before (another shard of the table, or somebody by
//! hand, has added it there, or a column that was dropped is back), it bears a new name, or it is declared anew.

use std::collections::BTreeSet;

use super::Work;
use super::prepared::Schemas;
use super::rules::moves;
use crate::domain::check::additions::{Gap, filling};
use crate::domain::column::{SourceColumn, same_name};
use crate::domain::mask::Mask;
use crate::domain::plan::ColumnPlan;
use crate::domain::schema::new_column;
use crate::domain::target_type::TargetType;
use crate::engine::ports::Platform;
use crate::state::{Declared, MappingState};

impl<P: Platform> Work<'_, P> {
    /// Warns of such changes since the last run that moved rows and remembered the columns.
    pub(in crate::engine) fn follow_columns(&mut self, schemas: &Schemas) {
        let former = self.ledger.state();
        let holds_rows = schemas.target.as_ref().is_some_and(|target| !target.is_empty());
        if !holds_rows || former.watermark.is_none() || former.columns.is_empty() {
            return;
        }
        let altered = self.altered_columns(schemas, former);
        for warning in self.new_columns(schemas, former).into_iter().chain(altered) {
            // An earlier attempt of the run may have told it; then it is among the warnings already.
            if !self.tally.warnings.contains(&warning) {
                self.tally.lasting_warnings.push(warning.clone());
                self.note(warning);
            }
        }
    }

    /// Remembers the columns, once the run has moved its rows: a run that is killed before leaves its warnings to the next
    /// one.
    pub(in crate::engine) fn remember_columns(&mut self, schemas: &Schemas) {
        let source = &schemas.source;
        let is_gone = |name: &String| source.column(name).is_none();
        let MappingState { columns: known, gone_columns: gone, declared, .. } = self.ledger.state();
        let hidden = declared.iter().filter(|(name, _)| source.hides_columns && is_gone(name));
        let hidden = hidden.map(|(name, declared)| (name.clone(), declared.clone()));
        let declared = Declared::all(schemas.plan.columns.iter().map(|column| &column.source), hidden);
        // Of a table that hides columns, nobody can tell which are gone and which are back.
        let gone = if source.hides_columns {
            gone.clone()
        } else {
            known.iter().chain(gone).filter(|name| is_gone(name)).cloned().collect()
        };
        self.ledger.set_declared(declared);
        self.ledger.set_columns(source.columns.iter().map(|column| column.name.clone()).collect(), gone);
    }

    /// A warning for each column that is new in MySQL, unless the run that added it in BigQuery has told of it.
    fn new_columns(&self, schemas: &Schemas, former: &MappingState) -> Vec<String> {
        let mapping = &self.scope.mapping;
        let Schemas { source, target, plan, .. } = schemas;
        let Some(cursor) = plan.cursor_column() else { return Vec::new() };
        let gone = gone(schemas, former);
        let is_new = |column: &&SourceColumn| !is_among(&former.columns, &column.name) && moves(plan, &column.name);
        let warnings = source.columns.iter().filter(is_new).filter_map(|column| {
            let name = mapping.target_column(&column.name);
            let was_there = target.as_ref().is_some_and(|target| target.column(&name).is_some());
            let is_back = was_there && is_among(&former.gone_columns, &column.name);
            let (why, gap) = match (Gap::of(column.old_rows), &gone) {
                (Some(gap), _) if was_there => ("BigQuery had it before".to_owned(), gap),
                (Some(gap), _) => ("BigQuery has got it meanwhile".to_owned(), gap),
                (None, Some(gone)) => (gone.clone(), Gap::LeftOut),
                (None, None) if is_back => ("BigQuery had it before".to_owned(), Gap::LeftOut),
                (None, None) => return None,
            };
            // Only a column that was not there before this run is known to hold NULL.
            let cursor = &cursor.source.source_type;
            let note =
                if was_there { gap.note_of_kept(mapping, &name, cursor) } else { gap.note(mapping, &name, cursor) };
            let beginning = new_column(&name);
            let is_told = self.tally.warnings.iter().any(|told| told.starts_with(&beginning));
            (!is_told).then(|| format!("{beginning} in MySQL, and {why}: {note}"))
        });
        warnings.collect()
    }

    /// The warning about columns that are declared otherwise than at the last run, where that may have changed values.
    fn altered_columns(&self, schemas: &Schemas, former: &MappingState) -> Option<String> {
        let (mapping, plan) = (&self.scope.mapping, &schemas.plan);
        let cursor = &plan.cursor_column()?.source;
        let altered: Vec<_> = plan.columns.iter().filter(|column| is_altered(column, former)).collect();
        if altered.is_empty() {
            return None;
        }
        let names: Vec<_> = altered.iter().map(|column| column.target_name.as_str()).collect();
        Some(format!(
            "the declaration of {} in MySQL has changed since the last run, and MySQL may have rewritten old values without a change \
             of `{}`: rows that BigQuery holds already keep the former values; {}",
            in_words(altered.iter().map(|column| column.source.name.as_str())),
            cursor.name,
            filling(mapping, &names, &cursor.source_type)
        ))
    }
}

/// Tells if another declaration may have changed values that have arrived.
fn is_altered(column: &ColumnPlan, former: &MappingState) -> bool {
    let by_its_text = matches!(column.target_type, TargetType::String(_) | TargetType::Bytes(_));
    let then = Declared::find(&former.declared, &column.source.name).filter(|_| column.mask != Some(Mask::Null));
    then.is_some_and(|then| !then.keeps_values(&column.source, by_its_text))
}

/// Names the columns that are gone since the last run, in words: a renamed column looks like one that is gone and one
/// that has come, and its values came along. `None`: no column is known to be gone.
fn gone(schemas: &Schemas, former: &MappingState) -> Option<String> {
    let source = &schemas.source;
    let is_gone = |name: &&String| !source.hides_columns && source.column(name).is_none();
    let gone: Vec<_> = former.columns.iter().filter(is_gone).map(String::as_str).collect();
    match gone.as_slice() {
        [] => None,
        [one] => Some(format!("`{one}` is gone; if it was renamed")),
        several => Some(format!("{} are gone; if one of them was renamed", in_words(several.iter().copied()))),
    }
}

fn is_among(names: &BTreeSet<String>, name: &str) -> bool {
    names.iter().any(|known| same_name(known, name))
}

/// `a`, `b` and `c`.
fn in_words<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => quoted.concat(),
    }
}
