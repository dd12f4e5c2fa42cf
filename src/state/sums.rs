//! What a mirror remembers of its table beside the state, where it would be too much: in one of two places, so that what the
//! state speaks of is never overwritten.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where sums are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SumsPlace {
    A,
    B,
}

impl SumsPlace {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// What the state says of the sums of a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedSums {
    pub place: SumsPlace,
    /// Of their text: sums of another one are not what was remembered.
    pub hash: String,
    /// A word for all that rows and sums depend on beside MySQL's rows.
    pub plan: String,
    /// Parts of which nobody knows what BigQuery holds: a publish of them may have been sent. Runs of neighbours, both ends
    /// included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<(u64, u64)>,
}

impl RememberedSums {
    #[must_use]
    pub fn hash(text: &[u8]) -> String {
        Sha256::digest(text).iter().take(16).fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"))
    }
}
