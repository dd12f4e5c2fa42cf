//! Columns that MySQL's table has got since the last run, and of which no change of our own tells what the rows that
//! BigQuery holds lack: BigQuery had them before (another shard of the table, or somebody by hand, has added them there,
//! or a column that was dropped is back), or they bear a new name.

use std::collections::BTreeSet;

use super::Work;
use super::prepared::Schemas;
use super::rules::moves;
use crate::domain::check::additions::Gap;
use crate::domain::column::same_name;
use crate::domain::schema::new_column;
use crate::engine::ports::Platform;

impl<P: Platform> Work<'_, P> {
    /// Warns once, when such a column first moves.
    pub(in crate::engine) fn follow_columns(&mut self, schemas: &Schemas) {
        let known = self.ledger.state().columns.clone();
        if self.ledger.watermark_text().is_some() && !known.is_empty() {
            for warning in self.filled_before(schemas, &known) {
                // The next attempt knows the column already.
                self.tally.lasting_warnings.push(warning.clone());
                self.note(warning);
            }
        }
        self.ledger.set_columns(schemas.source.columns.iter().map(|column| column.name.clone()).collect());
    }

    /// A warning for each column that is new in MySQL, unless the run that added it in BigQuery has told of it.
    fn filled_before(&self, schemas: &Schemas, known: &BTreeSet<String>) -> Vec<String> {
        let mapping = &self.scope.mapping;
        let Schemas { source, plan, .. } = schemas;
        let Some(cursor) = plan.cursor_column() else { return Vec::new() };
        let is_new = |name: &str| !known.iter().any(|known| same_name(known, name));
        // A renamed column looks like one that is gone and one that has come, and its values came along.
        let gone = known.iter().find(|known| !source.hides_columns && source.column(known).is_none());
        let columns = source.columns.iter().filter(|column| is_new(&column.name) && moves(plan, &column.name));
        let warnings = columns.filter_map(|column| {
            let name = mapping.target_column(&column.name);
            let beginning = new_column(&name);
            let was_there = schemas.target.as_ref().is_some_and(|target| target.column(&name).is_some());
            let kept = if was_there { Gap::Kept } else { Gap::LeftOut };
            let (why, gap) = match (Gap::of(column.old_rows), gone) {
                (Some(gap), _) => ("BigQuery had it before".to_owned(), gap),
                (None, Some(gone)) => (format!("`{gone}` is gone; if it was renamed"), kept),
                (None, None) if was_there && mapping.shard.is_none() => ("BigQuery had it before".to_owned(), kept),
                (None, None) => return None,
            };
            let note = gap.note(mapping, &name, &cursor.source.source_type);
            let is_told = self.tally.warnings.iter().any(|told| told.starts_with(&beginning));
            (!is_told).then(|| format!("{beginning} in MySQL, and {why}: {note}"))
        });
        warnings.collect()
    }
}
