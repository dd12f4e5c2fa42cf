//! Both sides of a mapping as described, the plan between them, and the questions about its table.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::check::mapping as check;
use crate::domain::column::{SourceSchema, TargetSchema};
use crate::domain::config::Mapping;
use crate::domain::cursor::CursorKind;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::SourceTable;
use crate::domain::plan::{ColumnPlan, CursorPlan, TablePlan};
use crate::domain::window::{Low, Window};
use crate::engine::ports::Described;
use crate::source::{BoundsAsk, StretchAsk};

/// The schemas and the plan by which rows are moved.
#[derive(Debug)]
pub(in crate::engine) struct Schemas {
    pub table: SourceTable,
    pub source: SourceSchema,
    /// `None`: this attempt created the table.
    pub target: Option<TargetSchema>,
    pub plan: Arc<TablePlan>,
}

/// The same, where rows are moved by windows of a cursor.
#[derive(Debug)]
pub(in crate::engine) struct Prepared {
    pub schemas: Schemas,
    pub cursor: CursorPlan,
}

impl Schemas {
    pub(in crate::engine) fn new(mapping: &Mapping, described: Described, plan: TablePlan) -> Self {
        let Described { source, target } = described;
        Self { table: mapping.source.clone(), source, target, plan: Arc::new(plan) }
    }

    /// # Errors
    /// `Bug` for a plan without a cursor: the mapping's mode needs no window.
    pub(in crate::engine) fn by_cursor(self) -> Result<Prepared, Fault> {
        let cursor = cursor_of(&self.plan)?;
        Ok(Prepared { schemas: self, cursor })
    }
}

/// The cursor by which a plan's windows are cut.
///
/// # Errors
/// `Bug` for a plan without a cursor.
pub(in crate::engine) fn cursor_of(plan: &TablePlan) -> Result<CursorPlan, Fault> {
    plan.cursor.ok_or_else(|| Fault::new(FaultKind::Bug, "A window was requested for a table whose plan has none"))
}

impl Prepared {
    pub(in crate::engine) fn kind(&self) -> CursorKind {
        self.cursor.kind
    }

    /// The incremental column.
    pub(in crate::engine) fn column(&self) -> &ColumnPlan {
        &self.schemas.plan.columns[self.cursor.position]
    }

    /// Its name in MySQL.
    pub(in crate::engine) fn cursor(&self) -> &str {
        &self.column().source.name
    }

    pub(in crate::engine) fn stretch(&self, window: Window) -> StretchAsk {
        stretch(&self.schemas.table, &self.schemas.plan, self.cursor, window)
    }

    /// A question for where a window from `low` on may end, with all that can be told of the column's values.
    pub(in crate::engine) fn bounds(&self, low: Low) -> BoundsAsk {
        BoundsAsk {
            nullable: self.column().source.nullable,
            is_unique: check::has_own_key(&self.schemas.source, self.cursor()),
            ..newest(&self.schemas.table, &self.schemas.plan, self.cursor, low)
        }
    }
}

pub(in crate::engine) fn stretch(
    table: &SourceTable,
    plan: &TablePlan,
    cursor: CursorPlan,
    window: Window,
) -> StretchAsk {
    let column = plan.columns[cursor.position].source.name.clone();
    StretchAsk { table: table.clone(), column, kind: cursor.kind, window }
}

/// A question for where a window from `low` on may end, and the newest value; it does not ask for rows without a value.
pub(in crate::engine) fn newest(table: &SourceTable, plan: &TablePlan, cursor: CursorPlan, low: Low) -> BoundsAsk {
    BoundsAsk {
        table: table.clone(),
        column: plan.columns[cursor.position].source.name.clone(),
        nullable: false,
        is_unique: true,
        wants_rows: false,
        kind: cursor.kind,
        timezone: plan.timezone,
        low,
        before: None,
        settle: Duration::ZERO,
    }
}
