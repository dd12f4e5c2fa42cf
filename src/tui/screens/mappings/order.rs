//! How the list is ordered.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::engine::Lag;
use crate::tui::model::Row;

/// How the list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The order of the file.
    #[default]
    File,
    /// Mappings that need the operator come first.
    Status,
    Lag,
    LastRun,
    Name,
}

pub const ORDERS: [Order; 5] = [Order::File, Order::Status, Order::Lag, Order::LastRun, Order::Name];

impl Order {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Status => "status",
            Self::Lag => "lag",
            Self::LastRun => "last run",
            Self::Name => "name",
        }
    }

    pub(super) const fn next(self) -> Self {
        match self {
            Self::File => Self::Status,
            Self::Status => Self::Lag,
            Self::Lag => Self::LastRun,
            Self::LastRun => Self::Name,
            Self::Name => Self::File,
        }
    }

    pub(super) fn compare(self, a: &Row, b: &Row) -> Ordering {
        match self {
            Self::File => Ordering::Equal,
            Self::Status => a.word().cmp(&b.word()),
            // The longest lags come first, and unknown ones.
            Self::Lag => behind(b).cmp(&behind(a)),
            Self::LastRun => ended(b).cmp(&ended(a)),
            Self::Name => a.name.cmp(&b.name),
        }
    }
}

/// Seconds and steps cannot be compared, so seconds come first.
fn behind(row: &Row) -> (u8, i64) {
    match row.measured.as_ref().map(|measured| (measured.lag, measured.problem.is_some())) {
        Some((_, true)) => (3, 0),
        Some((Some(Lag::Seconds(seconds)), _)) => (2, seconds),
        Some((Some(Lag::Steps(steps)), _)) => (1, steps),
        Some((None, false)) | None => (0, 0),
    }
}

fn ended(row: &Row) -> Option<chrono::DateTime<chrono::Utc>> {
    row.last_run().map(|run| run.finished_at)
}
