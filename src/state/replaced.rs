//! A table that was read and published as a whole.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    pub rows: u64,
    /// When reading began: what was committed in MySQL by then is in BigQuery.
    pub at: DateTime<Utc>,
}

impl fmt::Display for Replaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.at.format("%Y-%m-%d %H:%M:%SZ"))
    }
}
