//! What a mapping waits for when an operator has to decide first.

use serde::{Deserialize, Serialize};

use super::ids::MappingName;
use super::quote;

/// What a mapping that waits for the operator's decision waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undecided {
    /// Columns that are new or have changed.
    Columns,
    /// A table that a pattern would take.
    Table,
}

impl Undecided {
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Columns => "its columns wait for a decision",
            Self::Table => "its table is new and waits for a decision",
        }
    }

    /// The commands with which it is decided.
    #[must_use]
    pub fn next_step(self, mapping: &MappingName) -> String {
        let option = quote::shell_option("--mapping", &mapping.0);
        let declined = match self {
            Self::Columns => "COLUMN",
            Self::Table => "'*'",
        };
        format!("see `bqsync schema-diff {option}`, then add `--apply` or `--decline {declined}`")
    }
}
