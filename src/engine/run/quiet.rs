//! Decides when BigQuery need not be asked: both sides were compared a short while ago without a warning, and nothing
//! that a plan is made from can have changed.

use chrono::TimeDelta;

use crate::domain::column::SourceSchema;
use crate::domain::config::SchemaAdditions;
use crate::engine::ports::{Described, Platform};
use crate::engine::protocol::Phase;
use crate::engine::work::Work;
use crate::engine::work::ids::short_hash;
use crate::engine::work::prepared::Schemas;
use crate::engine::work::scope::{Halt, Scope};
use crate::source::Source;
use crate::state::Compared;

/// A target that was dropped, emptied or altered is noticed within this time, even if nothing is new.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);

impl<P: Platform> Work<'_, P> {
    /// The table as the run's first look described it.
    pub(super) async fn first_described(&self) -> Result<Option<SourceSchema>, Halt> {
        let scope = self.scope;
        let (table, source) = (&scope.mapping.source, &scope.ports.source);
        let look = scope.unless_cancelled(async { Ok(scope.first_look.of(table, source).await) });
        scope.in_phase(Phase::Describe, look).await
    }

    pub(super) async fn describe_source(&self) -> Result<SourceSchema, Halt> {
        let scope = self.scope;
        let describe = scope.unless_cancelled(scope.ports.source.describe(&scope.mapping.source));
        scope.in_phase(Phase::Describe, describe).await
    }

    /// Tells if both sides were compared a short while ago, with no warning and nothing to watch since.
    pub(super) fn may_be_as_compared(&self) -> bool {
        let now = self.scope.ports.clock.now();
        let is_recent = |compared: &Compared| compared.at <= now && now - compared.at < LOOK_AGAIN;
        let is_unclean = self.ledger.follows_an_unclean_run() || !self.tally.is_first_attempt() || self.is_to_forget();
        self.ledger.state().compared.as_ref().is_some_and(is_recent) && !is_unclean && !self.is_in_doubt()
    }

    /// What MySQL is asked by, if the schemas are the ones that were compared; without a target to publish to.
    pub(super) fn foreseen(&mut self, source: &SourceSchema) -> Option<Schemas> {
        let Scope { ports, mapping, .. } = self.scope;
        let now = self.compared(source).schemas;
        self.ledger.state().compared.as_ref().filter(|then| then.schemas == now)?;
        let described = Described { source: source.clone(), target: None };
        let planned = described.plan(ports, mapping, SchemaAdditions::Deny, self.ledger.decisions()).ok()?;
        Some(Schemas::new(mapping, described, planned.table))
    }

    /// Remembers that both sides were compared; not if there was a warning to repeat, or something left to look for.
    pub(super) fn note_compared(&mut self, source: &SourceSchema, has_spoken: bool) {
        let is_clean = !has_spoken && !self.tally.left_behind;
        let compared = is_clean.then(|| self.compared(source));
        self.ledger.set_compared(compared);
    }

    /// Both sides as they are now.
    fn compared(&self, source: &SourceSchema) -> Compared {
        let Scope { ports, mapping, .. } = self.scope;
        let source = SourceSchema { rows_estimate: None, ..source.clone() };
        let (config, decisions) = (&ports.config, self.ledger.decisions());
        let all = format!(
            "{} {source:?} {mapping:?} {:?} {} {decisions:?}",
            env!("CARGO_PKG_VERSION"),
            config.schema_additions,
            config.timezone_of(mapping.source.server.as_ref())
        );
        Compared { schemas: short_hash(&all), at: ports.clock.now() }
    }
}
