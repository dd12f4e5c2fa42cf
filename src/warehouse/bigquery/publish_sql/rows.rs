//! Where a publish takes its rows from, and what is known of them.

use super::super::literal::{column, table};
use super::super::target_range::literal;
use crate::domain::plan::TablePlan;
use crate::domain::window::{Low, Window};
use crate::warehouse::{Range, Staged};

/// Rows in the staging table's columns.
#[derive(Debug, Clone)]
pub struct Rows {
    /// As it stands after FROM.
    pub(super) relation: String,
    /// Of each key, where they are known.
    pub(super) key_ranges: Vec<Option<Range>>,
    pub(super) cursor_range: Option<Range>,
}

impl From<&Staged> for Rows {
    fn from(staged: &Staged) -> Self {
        Self {
            relation: table(&staged.table),
            key_ranges: staged.key_ranges.clone(),
            cursor_range: staged.cursor_range.clone(),
        }
    }
}

impl Rows {
    /// No row at all, of a window that nobody has read yet: for asking what its publish would read of the target.
    ///
    /// By LIMIT, which BigQuery's estimates do not look at; a WHERE might spare the target, too.
    pub fn none(plan: &TablePlan, window: Window) -> Self {
        let null = |c: &crate::domain::plan::ColumnPlan| {
            format!("CAST(NULL AS {}) AS {}", c.staged.target_type().name(), column(&c.staged_name))
        };
        let columns: Vec<String> = plan.columns.iter().map(null).collect();
        let cursor_range = plan.cursor.and_then(|cursor| {
            let value = |at| literal(at, cursor.kind, &plan.columns[cursor.position].target_type);
            match &window.low {
                Low::Beginning => None,
                Low::After(low) | Low::From(low) => Some((value(low), value(&window.high))),
            }
        });
        Self { relation: format!("(SELECT {} LIMIT 0)", columns.join(", ")), key_ranges: Vec::new(), cursor_range }
    }
}
