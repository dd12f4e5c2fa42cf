//! What the engine is given: adapters, settings and a clock.

use std::sync::Arc;

use super::clock::Clock;
use crate::domain::column::{SourceSchema, TargetSchema};
use crate::domain::config::{Config, Mapping, SchemaAdditions};
use crate::domain::fault::Fault;
use crate::domain::ids::RunId;
use crate::domain::plan::{PlanInput, Planned, plan};
use crate::domain::retry::{Patience, RetryNotes};
use crate::domain::schema::Decisions;
use crate::domain::verify::{Comparable, Keyed, NewestRows};
use crate::outlets::Outlets;
use crate::source::{self, BatchLimits, Diagnose, Source};
use crate::state::{self, StateStore};
use crate::warehouse::{self, Billing, Deletes, Estimates, Warehouse};

/// The adapters that an engine works with, chosen together: one type parameter stands for all of them.
pub trait Platform: Sized + 'static {
    type Source: Source + Comparable + NewestRows + source::Diagnose;
    type Warehouse: Warehouse + Comparable + Keyed + Estimates + Deletes + warehouse::Diagnose;
    type State: StateStore + state::Diagnose;
}

/// Tries of a call that a question makes: a second one tells a hiccup from trouble.
pub(in crate::engine) const TRIES_FOR_AN_ANSWER: usize = 2;

/// Everything a run needs; cheap to clone.
#[derive(Debug)]
pub struct Ports<P: Platform> {
    pub config: Arc<Config>,
    pub source: Arc<P::Source>,
    pub warehouse: Arc<P::Warehouse>,
    pub state: Arc<P::State>,
    pub limits: BatchLimits,
    /// How much of an announced wait is waited out before something is tried again.
    pub patience: Patience,
    /// `user@host`, for the history.
    pub operator: Arc<str>,
    /// What the engine's time comes from.
    pub clock: Arc<dyn Clock>,
    pub outlets: Arc<Outlets>,
}

impl<P: Platform> Clone for Ports<P> {
    fn clone(&self) -> Self {
        Self {
            config: Arc::clone(&self.config),
            source: Arc::clone(&self.source),
            warehouse: Arc::clone(&self.warehouse),
            state: Arc::clone(&self.state),
            limits: self.limits,
            patience: self.patience,
            operator: Arc::clone(&self.operator),
            clock: Arc::clone(&self.clock),
            outlets: Arc::clone(&self.outlets),
        }
    }
}

/// Both sides of a mapping, looked at together.
#[derive(Debug)]
pub(in crate::engine) struct Described {
    pub source: SourceSchema,
    /// `None`: there is no such table yet.
    pub target: Option<TargetSchema>,
}

impl Described {
    /// What would be moved, and how both sides differ.
    pub(in crate::engine) fn plan<P: Platform>(
        &self,
        ports: &Ports<P>,
        mapping: &Mapping,
        additions: SchemaAdditions,
        decisions: &Decisions,
    ) -> Result<Planned, Fault> {
        let input = ports.plan_input(mapping, &self.source, self.target.as_ref(), decisions);
        plan(PlanInput { additions, ..input })
    }
}

impl<P: Platform> Ports<P> {
    /// What a run would plan from.
    pub(in crate::engine) fn plan_input<'a>(
        &self,
        mapping: &'a Mapping,
        source: &'a SourceSchema,
        target: Option<&'a TargetSchema>,
        decisions: &'a Decisions,
    ) -> PlanInput<'a> {
        let (timezone, additions) = (self.config.default_timezone, self.config.schema_additions);
        PlanInput { mapping, timezone, additions, source, target, decisions }
    }

    /// The same for somebody who waits for an answer: no call is made more often than so many times.
    pub(in crate::engine) fn impatient(&self, tries: usize) -> Self {
        let notes = RetryNotes::default().with_patience(self.patience).with_most_tries(tries);
        Self {
            source: Arc::new(self.source.watched(notes.clone())),
            warehouse: Arc::new(self.warehouse.watched(notes)),
            ..self.clone()
        }
    }

    /// The same, whose source knows which of the tables that it has described together have no foreign keys.
    pub(in crate::engine) async fn knowing_cascades(self) -> Self {
        Self { source: Arc::new(self.source.having_cascades().await), ..self }
    }

    pub(in crate::engine) async fn describe_both(&self, mapping: &Mapping) -> Result<Described, Fault> {
        let (source, target) = tokio::try_join!(self.source.describe(&mapping.source), self.describe_target(mapping))?;
        Ok(Described { source, target })
    }

    /// The target as far as the mapping is about it: of a table that several shards share, its rows are the shard's alone,
    /// and the moment of its last change, which may be another's, is nobody's.
    pub(in crate::engine) async fn describe_target(&self, mapping: &Mapping) -> Result<Option<TargetSchema>, Fault> {
        let described = self.warehouse.describe(&mapping.target).await?;
        let (Some(target), Some(shard)) = (&described, &mapping.shard) else { return Ok(described) };
        // Without the column, or with one of another type, no row is anybody's, and the plan says so.
        if !target.has_texts(&shard.column) {
            return Ok(described);
        }
        let rows = self.warehouse.rows_held(&mapping.target, target, Some(shard)).await?;
        Ok(described.map(|target| TargetSchema { rows, modified: None, ..target }))
    }

    /// The same, whose jobs are billed as work on a mapping, and run where its dataset is.
    pub(in crate::engine) fn billed(&self, mapping: &Mapping, run: Option<&RunId>) -> Self {
        let billing = Billing {
            mapping: Some(mapping.name.clone()),
            run: run.cloned(),
            most_bytes: mapping.maximum_bytes_billed,
            location: Some(mapping.location.clone()),
        };
        Self { warehouse: Arc::new(self.warehouse.billed(billing)), ..self.clone() }
    }
}
