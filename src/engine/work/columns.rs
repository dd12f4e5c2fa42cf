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

/// Columns of former runs.
struct Former<'a> {
    /// Those of the last run.
    known: &'a BTreeSet<String>,
    /// Those that MySQL's table no longer had then.
    gone: &'a BTreeSet<String>,
}

impl<P: Platform> Work<'_, P> {
    /// Warns once, when such a column first moves.
    pub(in crate::engine) fn follow_columns(&mut self, schemas: &Schemas) {
        let (known, gone) = (self.ledger.state().columns.clone(), self.ledger.state().gone_columns.clone());
        if self.ledger.watermark_text().is_some() && !known.is_empty() {
            for warning in self.new_columns(schemas, &Former { known: &known, gone: &gone }) {
                // The next attempt knows the column already.
                self.tally.lasting_warnings.push(warning.clone());
                self.note(warning);
            }
        }
        let source = &schemas.source;
        let is_gone = |name: &String| !source.hides_columns && source.column(name).is_none();
        let gone = known.into_iter().chain(gone).filter(is_gone).collect();
        self.ledger.set_columns(source.columns.iter().map(|column| column.name.clone()).collect(), gone);
    }

    /// A warning for each column that is new in MySQL, unless the run that added it in BigQuery has told of it.
    fn new_columns(&self, schemas: &Schemas, former: &Former<'_>) -> Vec<String> {
        let mapping = &self.scope.mapping;
        let Schemas { source, plan, .. } = schemas;
        let Some(cursor) = plan.cursor_column() else { return Vec::new() };
        let is_among = |names: &BTreeSet<String>, name: &str| names.iter().any(|known| same_name(known, name));
        let is_new = |name: &str| !is_among(former.known, name);
        // A renamed column looks like one that is gone and one that has come, and its values came along.
        let gone = former.known.iter().find(|name| !source.hides_columns && source.column(name).is_none());
        let columns = source.columns.iter().filter(|column| is_new(&column.name) && moves(plan, &column.name));
        let warnings = columns.filter_map(|column| {
            let name = mapping.target_column(&column.name);
            let beginning = new_column(&name);
            let is_back = is_among(former.gone, &column.name);
            let kept = if is_back { Gap::Kept } else { Gap::LeftOut };
            let (why, gap) = match (Gap::of(column.old_rows), gone) {
                (Some(gap), _) => ("BigQuery had it before".to_owned(), gap),
                (None, Some(gone)) => (format!("`{gone}` is gone; if it was renamed"), kept),
                (None, None) if is_back => ("BigQuery had it before".to_owned(), kept),
                (None, None) => return None,
            };
            let note = gap.note(mapping, &name, &cursor.source.source_type);
            let is_told = self.tally.warnings.iter().any(|told| told.starts_with(&beginning));
            (!is_told).then(|| format!("{beginning} in MySQL, and {why}: {note}"))
        });
        warnings.collect()
    }
}
