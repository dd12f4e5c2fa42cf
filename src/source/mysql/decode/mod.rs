//! Decodes rows from the wire into Arrow builders, cell by cell, without a row type in between.
//!
//! sqlx's own decoders are not used: they read zero dates as NULL, lose signs and refuse types (`docs/types.md` says
//! what each type becomes). A value that the target type cannot hold becomes NULL and is counted, or fails the mapping;
//! in a primary key it always fails the mapping. Bytes that are not UTF-8 always fail it too, because no text is right
//! for them.

mod column;
pub mod key;
mod masking;
pub mod number;
pub mod temporal;
mod text;
mod unfit;
mod zone;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use self::column::Column;
use self::unfit::Unfit;
use super::wire::Cells;
use crate::domain::config::InvalidValues;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::SourceTable;
use crate::domain::plan::TablePlan;
use crate::domain::quote;
use crate::domain::report::Flaw;
use crate::domain::staging::arrow_schema;
use crate::source::{BatchLimits, RowBatch};

/// Collects rows into batches.
#[derive(Debug)]
pub struct Batcher {
    table: SourceTable,
    plan: Arc<TablePlan>,
    schema: SchemaRef,
    columns: Vec<Column>,
    limits: BatchLimits,
    rows: usize,
    bytes: usize,
    flaws: BTreeMap<(usize, Flaw), u64>,
}

impl Batcher {
    pub fn new(table: SourceTable, plan: Arc<TablePlan>, limits: BatchLimits) -> Self {
        let columns = (0..plan.columns.len()).map(|index| Column::new(&plan, index)).collect();
        let schema = arrow_schema(&plan);
        Self { table, plan, schema, columns, limits, rows: 0, bytes: 0, flaws: BTreeMap::new() }
    }

    /// Appends a row.
    ///
    /// # Errors
    /// `Data` for a value that must not pass, `Schema` if the column is not as planned.
    pub fn push(&mut self, row: &impl Cells) -> Result<(), Fault> {
        for (index, column) in self.columns.iter_mut().enumerate() {
            match column.push(row.cell(index)) {
                Ok(bytes) => self.bytes += bytes,
                // A NULL key never matches in a MERGE: every run would add the row again.
                Err(Unfit::Flaw(flaw))
                    if self.plan.invalid_values == InvalidValues::Null && !self.plan.keys.contains(&index) =>
                {
                    column.push_null();
                    *self.flaws.entry((index, flaw)).or_default() += 1;
                }
                Err(unfit) => return Err(refusal(&self.table, &self.plan, index, unfit, row)),
            }
        }
        self.rows += 1;
        Ok(())
    }

    pub const fn is_full(&self) -> bool {
        self.rows >= self.limits.rows || self.bytes >= self.limits.bytes
    }

    /// Gives the rows collected so far and begins again.
    ///
    /// # Errors
    /// `Bug` if the columns do not make a batch.
    pub fn finish(&mut self) -> Result<RowBatch, Fault> {
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|error| {
            Fault::new(FaultKind::Bug, format!("The rows of {} do not make a batch", self.table)).caused_by(error)
        })?;
        let flaws = std::mem::take(&mut self.flaws).into_iter().map(|((index, flaw), n)| (index, flaw, n)).collect();
        let bytes = std::mem::take(&mut self.bytes);
        self.rows = 0;
        Ok(RowBatch { rows, bytes, flaws, sums: Vec::new() })
    }

    /// Forgets the rows collected so far.
    pub fn clear(&mut self) {
        self.columns.iter_mut().for_each(Column::clear);
        self.flaws.clear();
        (self.rows, self.bytes) = (0, 0);
    }
}

/// Errors show no values, except the keys of the row ([`key::condition`]): without them nobody could find it.
fn refusal(table: &SourceTable, plan: &TablePlan, index: usize, unfit: Unfit, row: &impl Cells) -> Fault {
    let source = &plan.columns[index].source;
    let name = &source.name;
    let data = |sentence: String| Fault::new(FaultKind::Data, sentence);
    match unfit {
        Unfit::Flaw(flaw) if plan.keys.contains(&index) => {
            let (flaw, place) = (flaw.words(), place(plan, row));
            data(format!("Column `{name}` of {table}, a primary key, holds a {flaw} in {place}"))
                .with_hint("correct it at the source, or carry it in a type that holds it with `columns:`")
        }
        Unfit::Flaw(flaw) => {
            data(format!("Column `{name}` of {table} holds a {} in {}", flaw.words(), place(plan, row))).with_hint(
                "`invalid_values` is `fail`: correct it at the source, or let it arrive as NULL with `invalid_values: null`",
            )
        }
        Unfit::Utf8 => {
            let instead = match plan.columns[index].mask {
                Some(_) => format!("let nothing of it arrive: `mask: {{{}: null}}`", quote::yaml_word(name)),
                None => format!("carry its bytes as they are: `columns: {{{}: BYTES}}`", quote::yaml_word(name)),
            };
            data(format!("Column `{name}` of {table} is not valid UTF-8 in {}", place(plan, row)))
                .with_hint(format!("correct it at the source, or {instead}"))
        }
        Unfit::CutOff => data(format!(
            "Column `{name}` of {table} holds a JSON value that MySQL does not send, in {}: its text exceeds the \
             server's max_allowed_packet",
            place(plan, row)
        ))
        .with_hint(format!(
            "raise max_allowed_packet on the server, or leave the column out: `exclude: [{}]`",
            quote::yaml_word(name)
        )),
        Unfit::Gap => data(format!(
            "Column `{name}` of {table} tells rows apart or orders them, but holds a time that clocks in {} skipped, in {}",
            plan.timezone,
            place(plan, row)
        ))
        .with_hint(format!(
            "if that is not the zone it is written in, correct `{}`; to keep wall clocks as they are: \
             `columns: {{{}: DATETIME}}`",
            table.zone_key(),
            quote::yaml_word(name)
        )),
        Unfit::Wire => Fault::new(
            FaultKind::Schema,
            format!("Column `{name}` of {table} sends bytes that a {} does not have", source.source_type),
        )
        .with_hint("the table was probably altered during the run: run again"),
        Unfit::Plan => {
            Fault::new(FaultKind::Bug, format!("Column `{name}` of {table} is planned in a way that nothing decodes"))
        }
    }
}

/// The row in words, by its key or its cursor.
fn place(plan: &TablePlan, row: &impl Cells) -> String {
    let cursor = plan.cursor.map(|cursor| cursor.position).filter(|_| plan.keys.is_empty());
    let found_by = |index: usize| key::condition(&plan.columns[index], row.cell(index));
    let place: Vec<_> = plan.keys.iter().copied().chain(cursor).map(found_by).collect();
    if place.is_empty() { "a row".to_owned() } else { format!("the row with {}", place.join(" AND ")) }
}

#[cfg(test)]
mod tests;
