//! What the engine receives: adapters, settings and a clock.

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

/// Tries of each call that a question makes: the second one tells a short disturbance from a lasting error.
pub(in crate::engine) const TRIES_FOR_AN_ANSWER: usize = 2;

/// Everything a run needs; cheap to clone.
#[derive(Debug)]
pub struct Ports<P: Platform> {
    pub config: Arc<Config>,
    pub source: Arc<P::Source>,
    pub warehouse: Arc<P::Warehouse>,
    pub state: Arc<P::State>,
    pub limits: BatchLimits,
    /// How much of an announced wait is waited out before a retry.
    pub patience: Patience,
    /// `user@host`, for the history.
    pub operator: Arc<str>,
    /// The source of the engine's time.
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

/// Both sides of a mapping, described together.
#[derive(Debug)]
pub(in crate::engine) struct Described {
    pub source: SourceSchema,
    /// `None`: the table does not exist yet.
    pub target: Option<TargetSchema>,
}

impl Described {
    /// Plans what to move, and how both sides differ.
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
    /// The input from which a run plans.
    pub(in crate::engine) fn plan_input<'a>(
        &self,
        mapping: &'a Mapping,
        source: &'a SourceSchema,
        target: Option<&'a TargetSchema>,
        decisions: &'a Decisions,
    ) -> PlanInput<'a> {
        let (timezone, additions) =
            (self.config.timezone_of(mapping.source.server.as_ref()), self.config.schema_additions);
        PlanInput { mapping, timezone, additions, source, target, decisions }
    }

    /// The same ports for a question somebody waits on: each call is tried at most `tries` times.
    pub(in crate::engine) fn impatient(&self, tries: usize) -> Self {
        let notes = RetryNotes::default().with_patience(self.patience).with_most_tries(tries);
        Self {
            source: Arc::new(self.source.watched(notes.clone())),
            state: Arc::new(self.state.watched(&notes)),
            warehouse: Arc::new(self.warehouse.watched(notes)),
            ..self.clone()
        }
    }

    /// The same ports; the source knows which of the tables that it described together have no foreign keys.
    pub(in crate::engine) async fn knowing_cascades(self) -> Self {
        Self { source: Arc::new(self.source.having_cascades().await), ..self }
    }

    pub(in crate::engine) async fn describe_both(&self, mapping: &Mapping) -> Result<Described, Fault> {
        let (source, target) = tokio::try_join!(self.source.describe(&mapping.source), self.describe_target(mapping))?;
        Ok(Described { source, target })
    }

    /// Describes the target for one mapping. Of a table that several shards share it gives only the shard's own rows,
    /// and not the moment of the last change, which may be another shard's.
    pub(in crate::engine) async fn describe_target(&self, mapping: &Mapping) -> Result<Option<TargetSchema>, Fault> {
        let described = self.warehouse.describe(&mapping.target).await?;
        let (Some(target), Some(shard)) = (&described, &mapping.shard) else { return Ok(described) };
        // If the column is missing or has another type, no row belongs to the shard, and the plan says so.
        if !target.has_texts(&shard.column) {
            return Ok(described);
        }
        let rows = self.warehouse.rows_held(&mapping.target, target, Some(shard)).await?;
        Ok(described.map(|target| TargetSchema { rows, modified: None, ..target }))
    }

    /// The same ports; jobs are billed as work on the mapping and run in its dataset's location.
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
