//! How far each mapping is: the latest value wins, and reading it slows nobody.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::event::Phase;
use crate::domain::ids::MappingName;
use crate::domain::report::Trigger;
use crate::domain::verify::Looking;
use crate::format::roughly;

/// All mappings of the runs under way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    pub mappings: BTreeMap<MappingName, MappingProgress>,
}

/// One mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingProgress {
    pub trigger: Trigger,
    pub phase: Phase,
    /// The whole window, with all its steps.
    pub window: Option<String>,
    /// What a repair compares at the moment.
    pub looking: Option<Looking>,
    /// The step being moved, from 1; 0 before the first.
    pub step: u64,
    /// The operator has paused it between two batches.
    pub paused: bool,
    /// The coming retry, and the error behind it.
    pub retry: Option<Retry>,
    /// The server's estimate for a first load; `None` if it is unknown, then no percentage is shown.
    pub rows_estimate: Option<u64>,
    /// Rows read, over all steps.
    pub rows_read: u64,
    /// Bytes of values read from MySQL.
    pub bytes_read: u64,
    /// Bytes of Parquet that BigQuery has received.
    pub bytes_uploaded: u64,
    pub rows_published: u64,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When reading began, for the rate.
    pub extract_began: Option<std::time::Instant>,
    /// When the statement began that reads the whole table, while it reads: MySQL keeps old row versions since then.
    pub snapshot_began: Option<std::time::Instant>,
}

impl MappingProgress {
    /// The age of the snapshot that a single statement reads, in words, once it is worth reporting.
    #[must_use]
    pub fn snapshot_words(&self) -> Option<String> {
        let age = self.snapshot_began?.elapsed();
        (age.as_secs() >= 60).then(|| format!("snapshot {} old", roughly(age)))
    }
}

/// A wait before a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    pub at: std::time::Instant,
    pub because: String,
    /// The number of the coming try.
    pub attempt: u32,
}

impl Default for MappingProgress {
    fn default() -> Self {
        Self {
            trigger: Trigger::Manual,
            phase: Phase::Queued,
            window: None,
            looking: None,
            step: 0,
            paused: false,
            retry: None,
            rows_estimate: None,
            rows_read: 0,
            bytes_read: 0,
            bytes_uploaded: 0,
            rows_published: 0,
            attempt: 1,
            extract_began: None,
            snapshot_began: None,
        }
    }
}

/// The writing end for one mapping.
#[derive(Debug, Clone)]
pub(in crate::engine) struct ProgressOf {
    mapping: MappingName,
    sender: watch::Sender<Progress>,
}

impl ProgressOf {
    pub(in crate::engine) const fn new(mapping: MappingName, sender: watch::Sender<Progress>) -> Self {
        Self { mapping, sender }
    }

    /// Changes this mapping's progress; readers see it at their own pace.
    pub(in crate::engine) fn update(&self, change: impl FnOnce(&mut MappingProgress)) {
        self.sender.send_modify(|all| change(all.mappings.entry(self.mapping.clone()).or_default()));
    }

    pub(in crate::engine) fn remove(&self) {
        self.sender.send_modify(|all| {
            all.mappings.remove(&self.mapping);
        });
    }
}
