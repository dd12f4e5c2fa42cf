//! How staged rows are published to the target: chosen from what is known, so that no row is lost or doubled.

use super::column::{TargetSchema, same_name};
use super::config::{Mode, Operator};
use super::cursor::Cursor;
use super::plan::{ColumnPlan, TablePlan};
use super::window::{Low, Watermark, Window};

/// How staged rows are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishKind {
    /// upsert: MERGE on the keys; a newer row replaces an older one.
    Merge,
    /// upsert of rows that are read again: MERGE on the keys, whichever row is newer. MySQL's present row counts, even
    /// if its stamp is older than before.
    MergeAsRead,
    /// upsert with keys that the target holds twice: removes each key's rows and inserts its newest staged row, in one
    /// statement.
    MergeOnce,
    /// upsert into an empty target, where several staged rows may share keys: INSERT of each key's newest row.
    InsertNewest,
    /// append without a possible overlap, or upsert of distinct keys into an empty target, without a cast: a copy job,
    /// which is free.
    Copy,
    /// append without a possible overlap, or upsert of distinct keys into an empty target: INSERT of every row.
    Insert,
    /// append to a target that may hold some of the rows: INSERT of the rows whose key and cursor (without keys: whose
    /// content, counted) are missing.
    InsertMissing,
    /// replace: every row replaces all rows of the target.
    Replace,
    /// mirror: MERGE on the keys of rows that differ; rows of the staged parts that are not staged are removed.
    Mirror,
}

impl PublishKind {
    /// The publish that is right whatever the target holds: it either looks up its rows first, or does not depend on
    /// them.
    #[must_use]
    pub const fn that_looks_for_rows(mode: Mode) -> Self {
        match mode {
            Mode::Upsert => Self::Merge,
            Mode::Append => Self::InsertMissing,
            Mode::Replace => Self::Replace,
            Mode::Mirror => Self::Mirror,
        }
    }
}

/// Which version of a row wins if the target already has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wins {
    /// The version with the greater cursor.
    Newer,
    /// The version that was read now, for rows that are read again.
    Read,
}

/// Where the rows are before they are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staging {
    Table,
    /// The rows travel within the publish; there is no table to copy.
    Inline,
}

/// What is known once rows have been staged.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub plan: &'a TablePlan,
    /// The target as described; `None`: the table was created since.
    pub target: Option<&'a TargetSchema>,
    pub window: Window,
    /// Up to where the target may hold rows beyond the watermark.
    pub overlap: Option<Cursor>,
    /// The target may hold any row beyond the watermark.
    pub unsure: bool,
    /// This run has published nothing since the target was described.
    pub is_first: bool,
    /// No two of the staged rows have the same keys.
    pub each_key_once: bool,
    pub staging: Staging,
    pub wins: Wins,
}

/// Chooses the cheapest publish that can neither lose nor double a row.
#[must_use]
pub fn choose(facts: &Facts<'_>) -> PublishKind {
    match facts.plan.mode {
        Mode::Upsert if facts.is_first && is_empty(facts.target) => {
            if !facts.each_key_once {
                PublishKind::InsertNewest
            } else if is_copied_whole(facts) {
                PublishKind::Copy
            } else {
                PublishKind::Insert
            }
        }
        Mode::Upsert if facts.wins == Wins::Read => PublishKind::MergeAsRead,
        Mode::Upsert => PublishKind::Merge,
        Mode::Append if facts.unsure || facts.overlap.is_some_and(|to| facts.window.low.reaches_below(&to)) => {
            PublishKind::InsertMissing
        }
        Mode::Append if is_copied_whole(facts) => PublishKind::Copy,
        Mode::Append => PublishKind::Insert,
        Mode::Replace => PublishKind::Replace,
        Mode::Mirror => PublishKind::Mirror,
    }
}

/// Tells if the target is empty: created since it was looked for, or without rows when it was described.
fn is_empty(target: Option<&TargetSchema>) -> bool {
    target.is_none_or(TargetSchema::is_empty)
}

/// Tells if a copy job can publish the rows. A table that was created for the plan has its columns, and perhaps one for
/// deleted rows.
fn is_copied_whole(facts: &Facts<'_>) -> bool {
    let Facts { plan, target, .. } = facts;
    if let Some(target) = target {
        return facts.staging == Staging::Table && can_copy(plan, target);
    }
    let has_its_type = |c: &ColumnPlan| c.staged.target_type() == c.target_type;
    facts.staging == Staging::Table
        && plan.partitioning.is_none()
        && plan.deleted_column.is_none()
        && plan.is_verbatim()
        && plan.columns.iter().all(has_its_type)
}

/// A copy job needs the same columns on both sides; BigQuery does not document what it does otherwise.
fn can_copy(plan: &TablePlan, target: &TargetSchema) -> bool {
    plan.partitioning.is_none()
        && plan.is_verbatim()
        && target.columns.len() == plan.columns.len()
        && target.columns.iter().all(|column| {
            let planned = plan.columns.iter().find(|c| same_name(&c.target_name, &column.name));
            !column.required && planned.is_some_and(|c| c.staged.target_type() == column.target_type)
        })
}

/// Where the window begins.
///
/// After a watermark that is not ours, rows with the watermark's value may be missing, so that value is read again.
#[must_use]
pub fn low(operator: Operator, watermark: Option<&Watermark>, first: Option<Cursor>) -> Low {
    match watermark {
        None => first.map_or(Low::Beginning, Low::From),
        Some(mark) if mark.imported || operator == Operator::GreaterOrEqual => Low::From(mark.cursor),
        Some(mark) => Low::After(mark.cursor),
    }
}

/// Tells if the target may already hold rows of the window. After a watermark of ours it does not: only backfills and
/// unfinished first loads bring rows beyond it, and these are remembered separately.
#[must_use]
pub fn may_overlap(window: &Window, target: Option<&TargetSchema>, watermark: Option<&Watermark>) -> bool {
    let ours_alone = matches!(window.low, Low::After(_)) && watermark.is_some();
    target.is_some_and(|t| !t.is_empty()) && !ours_alone
}

#[cfg(test)]
mod tests;
