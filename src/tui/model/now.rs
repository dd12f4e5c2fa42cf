//! The time that a message brings.

use std::time::Instant;

use chrono::{DateTime, Utc};

/// Both clocks, read once for each message, because `update` reads none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    pub at: Instant,
    pub utc: DateTime<Utc>,
}
