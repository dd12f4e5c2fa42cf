//! The checksums that a mirror remembers of its table, kept beside the state because they would be too large for it.
//! There are two places, so that the sums which the state names are never overwritten.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The two places where sums are kept.
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

/// What the state says about the sums of a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedSums {
    pub place: SumsPlace,
    /// Hash of their text: sums with another hash are not those that the state names.
    pub hash: String,
    /// A digest of everything except MySQL's rows that rows and sums depend on.
    pub plan: String,
    /// Parts whose content in BigQuery is unknown, because a publish of them may have been sent. Ranges of neighbours,
    /// both ends included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<(u64, u64)>,
}

impl RememberedSums {
    #[must_use]
    pub fn hash(text: &[u8]) -> String {
        Sha256::digest(text).iter().take(16).fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"))
    }
}
