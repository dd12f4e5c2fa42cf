//! What an operator can ask of the engine.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ids::MappingName;
use crate::domain::lookback::Lookback;
use crate::domain::report::Trigger;
use crate::domain::shard::Shard;

/// What an operator can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// One incremental run.
    Sync(SyncOrder),
    /// Move a given window, whatever the watermark says; goes on with an unfinished one of the same words.
    Backfill {
        ask: BackfillAsk,
        restart: bool,
        /// This process is one of several that share it.
        shard: Option<Shard>,
    },
    /// Delete or mark, as each mapping says, what the source no longer has; with `dry_run`, only count it. All mappings
    /// are those that say so.
    Deletes {
        selection: Selection,
        dry_run: bool,
    },
    /// Compare the rows of both sides, and mend what differs; with `dry_run`, only count it.
    Repair(RepairOrder),
    /// Hold a running mapping between two batches.
    Pause(MappingName),
    Resume(MappingName),
    /// Stop one mapping at its next safe point.
    Cancel(MappingName),
    /// Stop everything at its next safe point; the schedule is followed all the same.
    CancelAll,
    /// Run mappings when they are due; with `make_up` also, once, those that were due while nobody followed.
    FollowSchedule {
        make_up: bool,
    },
    /// The same after another engine of this process, which was told to [`Retire`](Self::Retire) then: what has come due since
    /// is due.
    TakeOverSchedule {
        since: DateTime<Utc>,
    },
    /// Begin no more runs by the schedule; what runs goes on.
    LeaveSchedule,
    /// The same, and end when all that runs has come to its end.
    Retire,
}

/// What an incremental run is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncOrder {
    pub selection: Selection,
    pub trigger: Trigger,
    /// Read so much below the watermark again; upsert mappings only. Wins over the mapping's own.
    pub lookback: Option<Lookback>,
    /// Replace a table though it would shrink by more than the mapping allows; `replace` mappings only.
    pub allow_shrink: bool,
}

impl SyncOrder {
    /// As an operator, or whatever called the program, asks for it.
    #[must_use]
    pub const fn manual(selection: Selection) -> Self {
        Self { selection, trigger: Trigger::Manual, lookback: None, allow_shrink: false }
    }
}

/// What a repair is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairOrder {
    pub selection: Selection,
    pub dry_run: bool,
    /// Bytes that comparing one mapping may read in BigQuery.
    pub most_bytes: u64,
    /// Keys of one mapping that are named.
    pub most_named: usize,
}

/// A window of a mapping's incremental column, as the operator writes it; both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillAsk {
    pub mapping: MappingName,
    pub start: String,
    /// `None`: the watermark, or, before the first run, as far as rows are settled.
    pub end: Option<String>,
}

/// In the place of a column's name: the decision is about a whole table that waits to be taken.
pub const WHOLE_TABLE: &str = "*";

/// A column by its name in BigQuery, and whether it may change the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDecision {
    pub column: String,
    /// Declined: the column is left out of the mapping.
    pub accept: bool,
}

/// Which mappings are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    All,
    Named(Vec<MappingName>),
}
