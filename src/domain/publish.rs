//! How staged rows join the target: chosen from what is known, so that no row is lost or doubled.

use super::column::{TargetSchema, same_name};
use super::config::{Mode, Operator};
use super::cursor::Cursor;
use super::plan::TablePlan;
use super::window::{Low, Watermark, Window};

/// How staged rows join the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishKind {
    /// upsert: MERGE on the keys, newer over older.
    Merge,
    /// upsert, rows that are read again: MERGE on the keys, whichever is newer. What MySQL shows now is what holds, also where
    /// its stamp is older than the one of before.
    MergeAsRead,
    /// upsert, keys that the target holds twice: each key's rows are taken out and its newest staged row is put in, at once.
    MergeOnce,
    /// upsert into an empty target: INSERT of each key's newest row.
    InsertNewest,
    /// append, no overlap possible, no cast: a copy job, which is free.
    Copy,
    /// append, no overlap possible, or upsert into an empty target of keys that differ: INSERT of every row.
    Insert,
    /// append, the target may hold some already: INSERT of the rows whose key and cursor (without keys: whose content,
    /// so many times) are not there.
    InsertMissing,
}

impl PublishKind {
    /// The publish that looks for its rows in the target first: right whatever the target holds.
    #[must_use]
    pub const fn that_looks_for_rows(mode: Mode) -> Self {
        match mode {
            Mode::Upsert => Self::Merge,
            Mode::Append => Self::InsertMissing,
        }
    }
}

/// Which version of a row holds where the target has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wins {
    /// The one with the greater cursor.
    Newer,
    /// The one that was read now: rows from below the watermark that are read again.
    Read,
}

/// What is known when rows have been staged.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub plan: &'a TablePlan,
    /// As it was described; `None`: the table was created since.
    pub target: Option<&'a TargetSchema>,
    pub window: Window,
    /// How far the target may hold rows of an append.
    pub overlap: Option<Cursor>,
    /// The target may hold any row beyond the watermark.
    pub unsure: bool,
    /// This run has published nothing since the target was described.
    pub is_first: bool,
    /// No two of the staged rows share their keys.
    pub each_key_once: bool,
    pub wins: Wins,
}

/// Chooses the cheapest publish that can neither lose nor double a row.
#[must_use]
pub fn choose(facts: &Facts<'_>) -> PublishKind {
    match facts.plan.mode {
        Mode::Upsert if facts.is_first && is_empty(facts.target) => {
            if facts.each_key_once {
                PublishKind::Insert
            } else {
                PublishKind::InsertNewest
            }
        }
        Mode::Upsert if facts.wins == Wins::Read => PublishKind::MergeAsRead,
        Mode::Upsert => PublishKind::Merge,
        Mode::Append if facts.unsure || facts.overlap.is_some_and(|to| facts.window.low.reaches_below(&to)) => {
            PublishKind::InsertMissing
        }
        Mode::Append if facts.target.is_some_and(|target| can_copy(facts.plan, target)) => PublishKind::Copy,
        Mode::Append => PublishKind::Insert,
    }
}

/// Created since it was looked for, or without a row when it was described.
fn is_empty(target: Option<&TargetSchema>) -> bool {
    target.is_none_or(TargetSchema::is_empty)
}

/// A copy job wants the same columns on both sides; BigQuery does not say what it does about others.
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
/// After a watermark that is not ours, rows sharing its value may be missing, so the value is read again.
#[must_use]
pub fn low(operator: Operator, watermark: Option<&Watermark>, first: Option<Cursor>) -> Low {
    match watermark {
        None => first.map_or(Low::Beginning, Low::From),
        Some(mark) if mark.imported || operator == Operator::GreaterOrEqual => Low::From(mark.cursor),
        Some(mark) => Low::After(mark.cursor),
    }
}

/// May the target hold rows of the window already? Not where it is gone on with after a watermark of ours: what lies
/// beyond it, only backfills and unfinished first loads bring, and these are remembered on their own.
#[must_use]
pub fn may_overlap(window: &Window, target: Option<&TargetSchema>, watermark: Option<&Watermark>) -> bool {
    let ours_alone = matches!(window.low, Low::After(_)) && watermark.is_some();
    target.is_some_and(|t| !t.is_empty()) && !ours_alone
}

#[cfg(test)]
mod tests;
