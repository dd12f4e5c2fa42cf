//! Where a publish takes its rows from, and the known ranges of their values.

use super::super::inline;
use super::super::literal::{column, table};
use super::super::target_range::literal;
use crate::domain::plan::TablePlan;
use crate::domain::window::{Low, Window};
use crate::warehouse::{Range, Staged};

/// Rows in the staging table's columns.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The relation as written after FROM.
    pub(super) relation: String,
    /// Smallest and greatest staged value of each key, where they are known; may be empty.
    pub(super) key_ranges: Vec<Option<Range>>,
    pub(super) cursor_range: Option<Range>,
}

impl Rows {
    /// The rows that are staged or travel within the statement.
    pub fn of(staged: &Staged, plan: &TablePlan) -> Self {
        let relation = if staged.inline.is_some() { inline::relation(plan) } else { table(&staged.table) };
        Self { relation, key_ranges: staged.key_ranges.clone(), cursor_range: staged.cursor_range.clone() }
    }

    /// No rows, for a window that nobody has read yet: for asking what its publish would read of the target.
    ///
    /// It uses LIMIT 0, which BigQuery's estimates ignore; a WHERE might lower the estimate for the target, too.
    pub fn none(plan: &TablePlan, window: Option<Window>) -> Self {
        let null = |c: &crate::domain::plan::ColumnPlan| {
            format!("CAST(NULL AS {}) AS {}", c.staged.target_type().name(), column(&c.staged_name))
        };
        let columns: Vec<String> = plan.columns.iter().map(null).collect();
        let cursor_range = plan.cursor.zip(window).and_then(|(cursor, window)| {
            let value = |at| literal(at, cursor.kind, &plan.columns[cursor.position].target_type);
            match &window.low {
                Low::Beginning => None,
                Low::After(low) | Low::From(low) => Some((value(low), value(&window.high))),
            }
        });
        Self { relation: format!("(SELECT {} LIMIT 0)", columns.join(", ")), key_ranges: Vec::new(), cursor_range }
    }
}
