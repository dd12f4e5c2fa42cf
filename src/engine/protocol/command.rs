//! What an operator can order from the engine.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ids::MappingName;
use crate::domain::lookback::Lookback;
use crate::domain::report::Trigger;
use crate::domain::shard::Shard;

/// What an operator can order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// One incremental run.
    Sync(SyncOrder),
    /// Move a given window, whatever the watermark is; goes on with an unfinished backfill of the same words.
    Backfill {
        ask: BackfillAsk,
        restart: bool,
        /// This process is one of several that share the backfill.
        shard: Option<Shard>,
    },
    /// Delete or mark, as each mapping says, the rows that the source no longer has; with `dry_run`, only count them.
    /// If all mappings are selected, this means those that delete or mark.
    Deletes {
        selection: Selection,
        dry_run: bool,
    },
    /// Compare the rows of both sides, and mend differences; with `dry_run`, only count them.
    Repair(RepairOrder),
    /// Hold a running mapping between two batches.
    Pause(MappingName),
    Resume(MappingName),
    /// Stop one mapping at its next safe point.
    Cancel(MappingName),
    /// Stop everything at its next safe point; the engine still follows the schedule.
    CancelAll,
    /// Run mappings when they are due; with `make_up`, also run once those that came due while no process followed the
    /// schedule.
    FollowSchedule {
        make_up: bool,
    },
    /// Follow the schedule after another engine of this process, which was told to [`Retire`](Self::Retire) then;
    /// mappings that have come due since then are due.
    TakeOverSchedule {
        since: DateTime<Utc>,
    },
    /// Begin no more runs by the schedule; running work goes on.
    LeaveSchedule,
    /// The same, and end when all running work has ended.
    Retire,
}

/// What an incremental run is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncOrder {
    pub selection: Selection,
    pub trigger: Trigger,
    /// How far below the watermark to read again; upsert mappings only. Overrides the mapping's own.
    pub lookback: Option<Lookback>,
    /// Replace a table even if it shrinks by more than the mapping allows; `replace` mappings only.
    pub allow_shrink: bool,
    /// Forget the watermark of a table whose rows are gone, and load it from the beginning; `append` and `upsert` only.
    pub forget_watermark: bool,
}

impl SyncOrder {
    /// An order that an operator, or a program that called this one, gives.
    #[must_use]
    pub const fn manual(selection: Selection) -> Self {
        Self { selection, trigger: Trigger::Manual, lookback: None, allow_shrink: false, forget_watermark: false }
    }
}

/// What a repair is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairOrder {
    pub selection: Selection,
    pub dry_run: bool,
    /// The most bytes that comparing one mapping may read in BigQuery.
    pub most_bytes: u64,
    /// The most keys of one mapping that are named.
    pub most_named: usize,
}

/// A window of a mapping's incremental column in the operator's words; both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillAsk {
    pub mapping: MappingName,
    pub start: String,
    /// `None`: the watermark, or, before the first run, as far as rows are settled.
    pub end: Option<String>,
}

/// Stands in place of a column's name for a decision about a whole table that waits to be taken.
pub const WHOLE_TABLE: &str = "*";

/// A column by its name in BigQuery, and whether it may change the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDecision {
    pub column: String,
    /// `false`: declined, the column is left out of the mapping.
    pub accept: bool,
}

/// Which mappings are selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    All,
    Named(Vec<MappingName>),
}
