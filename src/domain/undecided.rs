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
    /// The same, and one of them has a type that BigQuery's column cannot be changed to.
    Conflict,
    /// A table that a pattern would take.
    Table,
}

impl Undecided {
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Columns => "its columns wait for a decision",
            Self::Conflict => "its columns wait for a decision, and types are in conflict",
            Self::Table => "its table is new and waits for a decision",
        }
    }

    /// The commands with which it is decided.
    #[must_use]
    pub fn next_step(self, mapping: &MappingName) -> String {
        let option = quote::shell_option("--mapping", &mapping.0);
        let see = format!("see `bqsync schema-diff {option}`");
        match self {
            Self::Columns => format!("{see}, then add `--apply` or `--decline COLUMN`"),
            // No statement of `--apply` ends a conflict.
            Self::Conflict => format!("{see}: it names what ends each conflict; `--decline COLUMN` leaves one out"),
            Self::Table => format!("{see}, then add `--apply` or `--decline '*'`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apply_is_proposed_only_where_it_ends_the_wait() {
        let step = |undecided: Undecided| undecided.next_step(&MappingName("t".into()));
        assert!(step(Undecided::Columns).contains("--apply") && step(Undecided::Table).contains("--apply"));
        let step = step(Undecided::Conflict);
        assert!(step.contains("`bqsync schema-diff --mapping t`") && !step.contains("--apply"), "{step}");
    }
}
