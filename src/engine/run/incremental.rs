//! An incremental run: what MySQL holds beyond the watermark, and otherwise below it, and then the rows.
//!
//! MySQL is asked first. Where nothing is new, and nothing can have changed of what a plan is made from, BigQuery is not
//! asked at all.

use chrono::TimeDelta;

use crate::domain::column::SourceSchema;
use crate::domain::config::SchemaAdditions;
use crate::domain::tail::Tail;
use crate::domain::window::{Watermark, Window};
use crate::engine::moving::horizon::Fixed;
use crate::engine::moving::steps::Journey;
use crate::engine::moving::tail::{Found, content};
use crate::engine::ports::{Described, Platform};
use crate::engine::protocol::Phase;
use crate::engine::work::Work;
use crate::engine::work::ids::short_hash;
use crate::engine::work::prepared::{Prepared, Schemas};
use crate::engine::work::scope::{Halt, Scope};
use crate::source::Source;
use crate::state::{Compared, Moves};

/// A target that was dropped, emptied or altered is noticed within this time, although nothing is new.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);

/// What MySQL holds and the target does not.
struct Survey {
    watermark: Option<Watermark>,
    /// Beyond the watermark.
    window: Option<Window>,
    /// Rows in it, by a look into the index.
    rows: Option<u64>,
    /// Below it.
    found: Found,
    /// What is to be remembered of the stretch below the new watermark.
    next: Option<Tail>,
}

impl<P: Platform> Work<'_, P> {
    /// From the watermark to as far as rows are settled.
    pub(super) async fn incremental(&mut self) -> Result<(), Halt> {
        let (mut source, mut survey) = (None, None);
        if self.may_be_as_compared() {
            let described = self.describe_source().await?;
            if let Some(prepared) = self.foreseen(&described) {
                let known = self.survey(&prepared).await?;
                if known.window.is_none() && known.found.is_empty() {
                    self.keep_tail(known.next);
                    return Ok(());
                }
                survey = Some(known);
            }
            source = Some(described);
        }
        let Some(schemas) = self.prepare(source).await? else { return Ok(()) };
        let prepared = schemas.by_cursor()?;
        self.follow_rules(&prepared.schemas.source);
        let survey = match survey {
            Some(survey) => survey,
            None => self.survey(&prepared).await?,
        };
        self.travel(&prepared, survey).await?;
        // What was said is to be said again, and what was left to be looked for.
        let is_clean = self.tally.warnings.is_empty() && !self.tally.left_behind;
        let compared = is_clean.then(|| self.compared(&prepared.schemas.source));
        self.ledger.set_compared(compared);
        Ok(())
    }

    async fn describe_source(&self) -> Result<SourceSchema, Halt> {
        let scope = self.scope;
        let describe = scope.unless_cancelled(scope.ports.source.describe(&scope.mapping.source));
        scope.in_phase(Phase::Describe, describe).await
    }

    async fn survey(&mut self, prepared: &Prepared) -> Result<Survey, Halt> {
        let scope = self.scope;
        let watermark = self.ledger.watermark(prepared.kind())?;
        let fix = self.fix_window(prepared, watermark.as_ref());
        let Fixed { window, rows, moment } = scope.in_phase(Phase::Plan, fix).await?;
        let found = scope.in_phase(Phase::Plan, self.look_below(prepared, &moment)).await?;
        // Before a row is read: what comes while rows are read is found by the next run.
        let high = window.map(|window| window.high).or(watermark.map(|mark| mark.cursor));
        let next = scope.in_phase(Phase::Plan, self.summed(prepared, &moment, &found, high)).await?;
        Ok(Survey { watermark, window, rows, found, next })
    }

    /// Moves what was found.
    async fn travel(&mut self, prepared: &Prepared, survey: Survey) -> Result<(), Halt> {
        let Survey { watermark, window, rows, found, next } = survey;
        let is_first = found.windows.is_empty();
        let after = self.read_again(prepared, &found).await?;
        if let Some(window) = window {
            self.ledger.set_tail(next.clone());
            let reread_to = watermark.map(|mark| mark.cursor);
            let journey = Journey { window, rows, moves: Moves::Watermark, reread_to, after, is_first };
            self.move_in_steps(prepared, journey).await?;
        }
        self.keep_tail(next);
        if self.is_in_doubt() {
            self.scope.in_phase(Phase::Advance, self.settle_doubt(prepared)).await?;
        }
        Ok(())
    }

    /// Servers that take turns remember nothing in common.
    fn keep_tail(&mut self, tail: Option<Tail>) {
        let is_balanced = self.scope.ports.source.is_balanced();
        self.ledger.set_tail(tail.filter(|_| !is_balanced));
    }

    /// Have both sides been compared a short while ago, and was there nothing to say, and nothing to be watched since?
    pub(super) fn may_be_as_compared(&self) -> bool {
        let now = self.scope.ports.clock.now();
        let is_recent = |compared: &Compared| compared.at <= now && now - compared.at < LOOK_AGAIN;
        let is_unclean = self.ledger.follows_an_unclean_run() || !self.tally.is_first_attempt();
        self.ledger.compared().is_some_and(is_recent) && !is_unclean && !self.is_in_doubt()
    }

    /// What MySQL can be asked by, where the schemas are the ones that were compared; without a target to publish to.
    fn foreseen(&mut self, source: &SourceSchema) -> Option<Prepared> {
        let Scope { ports, mapping, .. } = self.scope;
        let now = self.compared(source).schemas;
        self.ledger.compared().filter(|then| then.schemas == now)?;
        let described = Described { source: source.clone(), target: None };
        let planned = described.plan(ports, mapping, SchemaAdditions::Deny, self.ledger.decisions()).ok()?;
        let prepared = Schemas::new(mapping, described, planned.table).by_cursor().ok()?;
        // Rows that are told by their content are told by the target's columns.
        content(&prepared).is_none().then_some(prepared)
    }

    /// Both sides as of now.
    fn compared(&self, source: &SourceSchema) -> Compared {
        let Scope { ports, mapping, .. } = self.scope;
        let source = SourceSchema { rows_estimate: None, ..source.clone() };
        let (config, decisions) = (&ports.config, self.ledger.decisions());
        let all = format!(
            "{} {source:?} {mapping:?} {:?} {} {decisions:?}",
            env!("CARGO_PKG_VERSION"),
            config.schema_additions,
            config.default_timezone
        );
        Compared { schemas: short_hash(&all), at: ports.clock.now() }
    }
}
