//! Both sides of a mapping as they were described, the plan between them, and what is asked about its table.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::check::mapping as check;
use crate::domain::column::{SourceSchema, TargetSchema};
use crate::domain::config::Mapping;
use crate::domain::cursor::CursorKind;
use crate::domain::ids::SourceTable;
use crate::domain::plan::TablePlan;
use crate::domain::window::{Low, Window};
use crate::engine::ports::Described;
use crate::source::{BoundsAsk, StretchAsk};

/// What rows are moved by.
#[derive(Debug)]
pub(in crate::engine) struct Prepared {
    pub table: SourceTable,
    pub source: SourceSchema,
    /// `None`: the table was created in this attempt.
    pub target: Option<TargetSchema>,
    pub plan: Arc<TablePlan>,
}

impl Prepared {
    pub(in crate::engine) fn new(mapping: &Mapping, described: Described, plan: TablePlan) -> Self {
        let Described { source, target } = described;
        Self { table: mapping.source.clone(), source, target, plan: Arc::new(plan) }
    }

    pub(in crate::engine) fn kind(&self) -> CursorKind {
        self.plan.cursor_kind
    }

    /// Name of the incremental column in MySQL.
    pub(in crate::engine) fn cursor(&self) -> &str {
        &self.plan.cursor_column().source.name
    }

    pub(in crate::engine) fn stretch(&self, window: Window) -> StretchAsk {
        stretch(&self.table, &self.plan, window)
    }

    /// Where a window from `low` on may end, with all that can be told of the column's values.
    pub(in crate::engine) fn bounds(&self, low: Low) -> BoundsAsk {
        BoundsAsk {
            nullable: self.plan.cursor_column().source.nullable,
            is_unique: check::has_own_key(&self.source, self.cursor()),
            ..newest(&self.table, &self.plan, low)
        }
    }
}

pub(in crate::engine) fn stretch(table: &SourceTable, plan: &TablePlan, window: Window) -> StretchAsk {
    let column = plan.cursor_column().source.name.clone();
    StretchAsk { table: table.clone(), column, kind: plan.cursor_kind, window }
}

/// Where a window from `low` on may end, and the newest value; of rows without a value nobody asks.
pub(in crate::engine) fn newest(table: &SourceTable, plan: &TablePlan, low: Low) -> BoundsAsk {
    BoundsAsk {
        table: table.clone(),
        column: plan.cursor_column().source.name.clone(),
        nullable: false,
        is_unique: true,
        wants_rows: false,
        kind: plan.cursor_kind,
        timezone: plan.timezone,
        low,
        before: None,
        settle: Duration::ZERO,
    }
}
