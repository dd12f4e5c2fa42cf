//! Limits a step so that its publish writes no more partitions of the target than one job may.

use crate::domain::column::same_name;
use crate::domain::cursor::Cursor;
use crate::domain::fault::Fault;
use crate::domain::partitioning::PartitionUnit;
use crate::domain::plan::TablePlan;
use crate::domain::window::{Low, Window};
use crate::engine::ports::Platform;
use crate::engine::work::Work;
use crate::engine::work::prepared::Prepared;
use crate::engine::work::scope::Halt;
use crate::source::{Source, StretchAsk};

/// A step of this many rows writes no more partitions than one job may.
const LEAST_ROWS: u64 = 4_000;

/// `end`, or an earlier one if the target is partitioned on the incremental column and the stretch has too many
/// partitions. Asks for the first value only of a stretch that may have too many.
pub(in crate::engine) async fn within_partitions<S: Source>(
    source: &S,
    plan: &TablePlan,
    rest: &StretchAsk,
    end: Option<Cursor>,
) -> Result<Option<Cursor>, Fault> {
    let Some(unit) = unit_of_cursor(plan) else { return Ok(end) };
    let last = end.unwrap_or(rest.window.high);
    let reaches = |from: Cursor| unit.reach(from).is_none_or(|reach| reach.max_of(last) == reach);
    if let Low::After(low) | Low::From(low) = rest.window.low
        && reaches(low)
    {
        return Ok(end);
    }
    // No step end: there is one row, or several with one value.
    let first = source.step_end(rest, 1).await?;
    Ok(first.filter(|first| !reaches(*first)).and_then(|first| unit.reach(first)).or(end))
}

fn unit_of_cursor(plan: &TablePlan) -> Option<PartitionUnit> {
    let partitioning = plan.partitioning.as_ref()?;
    let column = partitioning.column.as_ref()?;
    same_name(column, &plan.cursor_column()?.target_name).then_some(partitioning.unit)
}

impl<P: Platform> Work<'_, P> {
    /// A smaller number of rows after a step that was too large; `None` where no step can be smaller.
    pub(in crate::engine) async fn fewer_rows(
        &self,
        prepared: &Prepared,
        failed: Window,
        rows: u64,
    ) -> Result<Option<u64>, Halt> {
        if !prepared.cursor.indexed {
            return Ok(None);
        }
        let scope = self.scope;
        let ask = prepared.stretch(failed);
        let mut rows = rows;
        while rows > LEAST_ROWS {
            rows = (rows / 2).max(LEAST_ROWS);
            if scope.unless_cancelled(scope.ports.source.step_end(&ask, rows)).await?.is_some() {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }
}
