//! The input of a plan.

use chrono_tz::Tz;

use crate::domain::column::{SourceColumn, SourceSchema, TargetSchema, same_name};
use crate::domain::config::{Mapping, SchemaAdditions};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::schema::{Decisions, Verdict};

/// Both sides' schemas and the mapping's wishes.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    pub mapping: &'a Mapping,
    pub timezone: Tz,
    pub additions: SchemaAdditions,
    pub source: &'a SourceSchema,
    /// `None`: the table does not exist yet.
    pub target: Option<&'a TargetSchema>,
    /// The operators' decisions on single columns.
    pub decisions: &'a Decisions,
}

impl<'a> PlanInput<'a> {
    /// The source's columns, without those that the mapping excludes.
    pub(super) fn carried(&self) -> impl Iterator<Item = &'a SourceColumn> + '_ {
        self.source.columns.iter().filter(|c| !self.mapping.excludes(&c.name))
    }

    /// The decision on a column that differs, and on a declined one that BigQuery has got from somebody else. A decision on
    /// another type does not count for this one.
    pub(super) fn said(&self, name: &str, source_type: &str, verdict: &Verdict) -> Option<bool> {
        let (_, decision) = self.decisions.iter().find(|(column, _)| same_name(column, name))?;
        let is_there = matches!(verdict, Verdict::Same) && !decision.accepted;
        let concerns = verdict.changes_target() || matches!(verdict, Verdict::Conflict(_)) || is_there;
        (concerns && decision.mysql == source_type).then_some(decision.accepted)
    }
}

/// The fault for a column that a `key` of the mapping names but that does not move.
pub(super) fn not_carried(mapping: &Mapping, column: &str, key: &str) -> Fault {
    Fault::new(
        FaultKind::Config,
        format!("Column `{column}`, `{key}` of mapping `{}`, is not among the columns that are moved", mapping.name),
    )
    .with_hint("take it out of `exclude` or `new_columns`, or let BigQuery have it: `bqsync schema-diff --apply`")
}
