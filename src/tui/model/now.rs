//! The time as a message brings it.

use std::time::Instant;

use chrono::{DateTime, Utc};

/// Both clocks, read once for each message: `update` looks at none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    pub at: Instant,
    pub utc: DateTime<Utc>,
}
