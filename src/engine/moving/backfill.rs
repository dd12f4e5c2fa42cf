//! Moves a window that the operator names, in slices; the state remembers each slice, so that the backfill goes on
//! where it stopped. The watermark does not move.

use super::steps::Journey;
use crate::domain::config::Mapping;
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::quote;
use crate::domain::shard::Shard;
use crate::domain::window::{Low, Window};
use crate::engine::ports::Platform;
use crate::engine::protocol::{BackfillAsk, Event, Phase};
use crate::engine::work::Work;
use crate::engine::work::asked::{Asked, beyond, nothing};
use crate::engine::work::prepared::Prepared;
use crate::engine::work::rules::{Renewed, rules_of, still_hold};
use crate::engine::work::scope::Halt;
use crate::failpoint::reached;
use crate::format;
use crate::source::Source;
use crate::state::{BackfillState, Moves, Rules};

/// The backfill that an attempt is to do.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Order<'a> {
    pub ask: &'a BackfillAsk,
    /// Give up an unfinished backfill first. A second attempt goes on with the one that the first attempt has begun.
    pub restart: bool,
    /// Cut the backfill into parts for this many processes; the parts are moved under their own leases.
    pub shard: Option<Shard>,
}

impl<P: Platform> Work<'_, P> {
    /// Begins the backfill, or goes on with an unfinished one of the same words.
    pub(in crate::engine) async fn backfill(&mut self, prepared: &Prepared, order: Order<'_>) -> Result<(), Halt> {
        let Order { ask, restart, shard } = order;
        let scope = self.scope;
        let state = match self.ledger.backfill().filter(|_| !restart).cloned() {
            // Another process cut it while this one waited for the lease.
            Some(shared) if shared.parts.is_some() && shard.is_none() => {
                return Err(another(&scope.mapping, &shared).into());
            }
            Some(unfinished) if is_of(&unfinished, ask) => unfinished,
            Some(other) => return Err(another(&scope.mapping, &other).into()),
            None => scope.in_phase(Phase::Plan, self.begin_backfill(prepared, ask)).await?,
        };
        let state = match shard {
            Some(shard) => scope.in_phase(Phase::Plan, self.cut(prepared, state, shard)).await?,
            None => state,
        };
        self.mix_rules(&prepared.schemas);
        if self.ledger.backfill() != Some(&state) {
            self.ledger.set_backfill(Some(state.clone())).await?;
            reached("backfill_begun");
        }
        if shard.is_some() {
            return Ok(());
        }
        self.move_the_rest(prepared, &state).await?;
        if let Some(rules) = state.rules.filter(|rules| still_hold(rules, &scope.mapping)) {
            self.renew_rules(Renewed::Moved, *rules);
        }
        Ok(self.ledger.set_backfill(None).await?)
    }

    /// Moves one part of a shared backfill, or the rest that an earlier holder of the part left.
    pub(in crate::engine) async fn part(&mut self, prepared: &Prepared, planned: &BackfillState) -> Result<(), Halt> {
        if !self.ledger.backfill().is_some_and(|known| known.is_same(planned)) {
            self.ledger.set_backfill(Some(planned.clone())).await?;
        }
        let state = self.ledger.backfill().unwrap_or(planned).clone();
        // The part's state stays, so that the other processes see that the part is done.
        self.move_the_rest(prepared, &state).await
    }

    async fn move_the_rest(&mut self, prepared: &Prepared, state: &BackfillState) -> Result<(), Halt> {
        let scope = self.scope;
        let window = state.rest(prepared.kind())?;
        self.tally.window = Some(window.to_string());
        scope.progress.update(|p| p.window = Some(window.to_string()));
        let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
        scope.emit(Event::WindowFixed { run, mapping, window: window.to_string(), rows_estimate: None });
        if state.is_done() {
            return Ok(());
        }
        let journey = Journey { window, rows: None, moves: Moves::Backfill, reread_to: None, after: 0, is_first: true };
        self.move_in_steps(prepared, journey).await.map(|_| ())
    }

    /// The backfill that the operator's words ask for: both ends included, and nothing beyond the watermark, which the
    /// incremental runs move.
    async fn begin_backfill(&mut self, prepared: &Prepared, ask: &BackfillAsk) -> Result<BackfillState, Halt> {
        let scope = self.scope;
        let kind = prepared.kind();
        let asked = Asked::read(ask, kind)?;
        let watermark = self.ledger.watermark(kind)?;
        let latest = match &watermark {
            Some(mark) => Some(mark.cursor),
            None => self.horizon(prepared, Low::From(asked.start)).await?.high,
        };
        let (to, cut) = asked.until(latest).ok_or_else(|| nothing(&scope.mapping, &asked, latest))?;
        if let (true, Some(mark)) = (cut, &watermark) {
            self.note(beyond(mark.cursor));
        }
        let rules = self.rules_of_all(prepared, asked.start, latest == Some(to)).await?;
        Ok(BackfillState {
            start: ask.start.clone(),
            end: ask.end.clone(),
            from: asked.start.to_string(),
            to: to.to_string(),
            done: None,
            slices: 0,
            rows: 0,
            began_at: scope.ports.clock.now(),
            by: scope.ports.operator.to_string(),
            parts: None,
            rules: rules.map(Box::new),
        })
    }

    /// The rules by which this backfill moves all rows up to the watermark; `None` if it leaves some rows as they are.
    async fn rules_of_all(
        &mut self,
        prepared: &Prepared,
        start: Cursor,
        to_watermark: bool,
    ) -> Result<Option<Rules>, Halt> {
        let scope = self.scope;
        let rules = rules_of(&scope.mapping, &prepared.schemas);
        if !to_watermark || !self.has_rules(&rules) {
            return Ok(None);
        }
        let first = scope.mapping.backfill_start.as_deref();
        let first = first.map(|text| Cursor::parse(text, prepared.kind())).transpose()?;
        let before = prepared.stretch(Window { low: first.map_or(Low::Beginning, Low::From), high: start });
        let one = scope.unless_cancelled(scope.ports.source.step_end(&before, 1)).await?;
        Ok(one.is_none().then_some(rules))
    }
}

/// Tells if the same words ask for the unfinished backfill.
pub(in crate::engine) fn is_of(unfinished: &BackfillState, ask: &BackfillAsk) -> bool {
    unfinished.start == ask.start && unfinished.end == ask.end
}

pub(in crate::engine) fn another(mapping: &Mapping, unfinished: &BackfillState) -> Fault {
    let BackfillState { start, end, from, to, done, by, .. } = unfinished;
    let reached = match (done, unfinished.part_count()) {
        (None, 0) => "nothing of it is done".to_owned(),
        (Some(done), 0) => format!("done up to {done}"),
        (_, parts) => format!("`bqsync status` shows how far its {} are", format::counted(parts, "part")),
    };
    let sentence =
        format!("A backfill of `{}` from {from} to {to}, begun by {by}, has not ended ({reached})", mapping.name);
    let end = end.as_deref().map(|end| format!(" {}", quote::shell_option("--end", end))).unwrap_or_default();
    Fault::new(FaultKind::Conflict, sentence).with_hint(format!(
        "`bqsync backfill {} {}{end}` continues it; your command with `--restart` discards it",
        quote::shell_option("--mapping", &mapping.name.0),
        quote::shell_option("--start", start)
    ))
}
