//! Moves a window in steps, each published and remembered on its own, so that a crash costs one step.

use super::reach::within_partitions;
use super::transfer::{Stretch, Transferred};
use super::turn::StagedStep;
use crate::domain::config::Mode;
use crate::domain::cursor::Cursor;
use crate::domain::fault::Fault;
use crate::domain::publish::{Facts, Staging, Wins, choose, may_overlap};
use crate::domain::window::{Low, Published, Window, step};
use crate::engine::ports::Platform;
use crate::engine::protocol::{Event, Phase};
use crate::engine::work::Work;
use crate::engine::work::prepared::Prepared;
use crate::engine::work::scope::Halt;
use crate::failpoint::reached;
use crate::source::Source;
use crate::state::Moves;
use crate::warehouse::Staged;

/// The server's estimate by index may be off by a factor of two or so. A window whose estimate is this many times
/// smaller than a step is one step, and its rows need not be counted.
const SURELY: u64 = 4;

/// A window under way.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Journey {
    pub window: Window,
    /// Rows in the window, by the index.
    pub rows: Option<u64>,
    /// What the end of each step moves in the state.
    pub moves: Moves,
    /// The window begins at or below this value, which is in the target already: no step ends before it.
    pub reread_to: Option<Cursor>,
    /// The number of steps of this attempt that came before.
    pub after: u64,
    /// Nothing has been published to the target since it was described.
    pub is_first: bool,
}

/// One step of a window.
#[derive(Debug, Clone, Copy)]
struct Step {
    window: Window,
    /// The step's number within this attempt, from 1.
    number: u64,
    /// The step is a part of a larger window.
    is_part: bool,
    moves: Moves,
    /// Nothing has been published to the target since it was described.
    is_first: bool,
}

/// How many rows a step may have.
#[derive(Debug, Clone, Copy)]
struct Size {
    rows: u64,
    /// Rows of the whole window, by the index.
    estimate: Option<u64>,
}

impl<P: Platform> Work<'_, P> {
    /// Moves a window in steps; gives the number of its last step.
    pub(in crate::engine) async fn move_in_steps(
        &mut self,
        prepared: &Prepared,
        journey: Journey,
    ) -> Result<u64, Halt> {
        let scope = self.scope;
        self.note_overlap(prepared, &journey).await?;
        let Journey { moves, after, .. } = journey;
        let mut low = journey.window.low;
        let mut number = after;
        let mut size = Size { rows: scope.ports.config.pace.window_rows, estimate: journey.rows };
        loop {
            scope.unless_paused().await?;
            let rest = Window { low, high: journey.window.high };
            let end = scope.in_phase(Phase::Plan, self.step_end(prepared, rest, size)).await?;
            let window = step(rest, end, journey.reread_to);
            number += 1;
            let (is_first, is_last) = (number == after + 1, window.high == rest.high);
            let is_part = !(is_first && is_last);
            if is_part {
                scope.progress.update(|p| p.step = number);
                let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
                scope.emit(Event::StepStarted { run, mapping, step: number, window: window.to_string() });
            }
            let step = Step { window, number, is_part, moves, is_first: is_first && journey.is_first };
            match self.move_step(prepared, step).await {
                Err(Halt::Fault(fault)) if fault.is_too_much_at_once() => {
                    size = self.smaller(prepared, window, size, fault).await?;
                    continue;
                }
                moved => moved?,
            }
            if is_last {
                return Ok(number);
            }
            low = Low::After(window.high);
        }
    }

    /// Gives up a step that was too large for BigQuery, and gives the size of the next one.
    async fn smaller(&mut self, prepared: &Prepared, window: Window, size: Size, fault: Fault) -> Result<Size, Halt> {
        let Some(rows) = self.fewer_rows(prepared, window, size.rows).await? else { return Err(fault.into()) };
        // Also drops its staging table.
        self.scope.in_phase(Phase::Recover, self.recover()).await?;
        let key = format!("`window_rows: {rows}` begins with such steps");
        self.note(format!("a step was too large ({fault}); from here on steps have {rows} rows; {key}"));
        // Without an estimate: a mere guess must not make the whole window one step.
        Ok(Size { rows, estimate: None })
    }

    /// Where the next step ends; `None` when the rest is one step.
    async fn step_end(&self, prepared: &Prepared, rest: Window, size: Size) -> Result<Option<Cursor>, Halt> {
        let scope = self.scope;
        let (source, ask) = (&scope.ports.source, prepared.stretch(rest));
        let is_small = size.estimate.is_some_and(|rows| rows <= size.rows / SURELY);
        // Without an index each look, and each step, would read the whole table.
        let end = if is_small || !prepared.cursor.indexed {
            None
        } else {
            scope.unless_cancelled(source.step_end(&ask, size.rows)).await?
        };
        scope.unless_cancelled(within_partitions(&**source, &prepared.schemas.plan, &ask, end)).await
    }

    /// Remembers how far the target may hold rows that are about to be published. Otherwise a later step, or a later run
    /// after a crash, would take our watermark for the proof that it holds none.
    async fn note_overlap(&mut self, prepared: &Prepared, journey: &Journey) -> Result<(), Halt> {
        let Journey { window, moves, .. } = journey;
        let watermark = self.ledger.watermark(prepared.kind())?;
        let overlaps = match (moves, self.scope.mapping.mode) {
            (Moves::Watermark, Mode::Append) => {
                may_overlap(window, prepared.schemas.target.as_ref(), watermark.as_ref())
            }
            // After a watermark that was forgotten. What others have passed, an upsert finds by its key.
            (Moves::Watermark, Mode::Upsert) => {
                self.ledger.overlap(prepared.kind())?.is_some_and(|to| window.low.reaches_below(&to))
            }
            (Moves::Backfill, Mode::Append) => true,
            _ => false,
        };
        if overlaps {
            self.ledger.note_overlap(prepared.kind(), window.high).await?;
        }
        Ok(())
    }

    async fn move_step(&mut self, prepared: &Prepared, step: Step) -> Result<(), Halt> {
        let scope = self.scope;
        let Step { window, number, moves, .. } = step;
        let attempt = scope.attempt(self.tally.attempt(), number);
        let stretch = Stretch::of(window, step.is_part);
        let Transferred { staged, each_key_once, flaws, bytes, .. } =
            self.transfer(&prepared.schemas, stretch, attempt).await?;
        self.tally.add_flaws(&flaws);
        let Some(staged) = staged else {
            // There is nothing to publish, but the backfill is done up to here.
            if moves == Moves::Backfill {
                self.ledger.checkpoint(window.high, 0).await?;
            }
            self.tally.steps += 1;
            return Ok(());
        };
        let settled = self.settle_staged(prepared, step, &staged, each_key_once).await;
        if settled.is_err() && self.ledger.pending().is_none() {
            // No later run asks for this job, so its staging table is dropped here.
            self.drop_staged(&staged).await;
        }
        settled?;
        self.tally.bytes_read += bytes;
        Ok(())
    }

    async fn settle_staged(
        &mut self,
        prepared: &Prepared,
        step: Step,
        staged: &Staged,
        each_key_once: bool,
    ) -> Result<(), Halt> {
        let scope = self.scope;
        let Step { window, number, moves, .. } = step;
        let staging = if staged.inline.is_some() { Staging::Inline } else { Staging::Table };
        if staging == Staging::Table {
            self.sweep().await?;
        }
        if number > 1 {
            self.look_at_target_again().await?;
        }
        let kind = choose(&Facts { staging, ..self.facts(prepared, step, each_key_once)? });
        let attempt = scope.attempt(self.tally.attempt(), number);
        let target = &scope.mapping.target;
        self.settle(prepared, &StagedStep { target, window, moves, kind, staged: staged.clone(), attempt }).await
    }

    fn facts<'f>(&self, prepared: &'f Prepared, step: Step, each_key_once: bool) -> Result<Facts<'f>, Fault> {
        let Step { window, moves, .. } = step;
        let overlap = match moves {
            // Rows that are read again are in the target already, except those that came late.
            Moves::Replace | Moves::Mirror | Moves::Nothing => Some(window.high),
            Moves::Watermark | Moves::Backfill => self.ledger.overlap(prepared.kind())?,
        };
        let wins = match moves {
            // Servers that take turns may show an older row than another one did.
            Moves::Nothing if self.scope.is_balanced() => Wins::Newer,
            Moves::Nothing => Wins::Read,
            // The watermark was forgotten, perhaps because BigQuery holds rows with wrong values of the cursor.
            Moves::Watermark if overlap.is_some_and(|to| window.low.reaches_below(&to)) => Wins::Read,
            Moves::Watermark | Moves::Backfill | Moves::Replace | Moves::Mirror => Wins::Newer,
        };
        Ok(Facts {
            plan: &prepared.schemas.plan,
            target: prepared.schemas.target.as_ref(),
            window,
            unsure: self.ledger.left().is_none_or(|left| left.unsure),
            overlap,
            // Several processes publish the parts of a backfill.
            is_first: step.is_first && moves == Moves::Watermark,
            each_key_once,
            staging: Staging::Table,
            wins,
        })
    }

    /// Publishes the step, moves the watermark, and cleans up.
    pub(super) async fn settle(&mut self, prepared: &Prepared, step: &StagedStep<'_>) -> Result<(), Halt> {
        let scope = self.scope;
        let (published, job) = scope.in_phase(Phase::Publish, self.publish(&prepared.schemas, step)).await?;
        scope.in_phase(Phase::Advance, self.advance(prepared, step, &published)).await?;
        reached("advanced");
        let StagedStep { staged, .. } = step;
        self.tally.steps += 1;
        self.tally.rows += staged.rows;
        self.tally.inserted += published.inserted;
        self.tally.updated += published.updated;
        self.tally.bytes_staged += staged.bytes;
        self.tally.cost.add(published.cost);
        self.tally.jobs.push(job);
        let done = self.tally.moved().rows;
        scope.progress.update(|p| p.rows_published = done);
        self.drop_staged(&step.staged).await;
        reached("cleaned_up");
        Ok(())
    }

    /// Moves the watermark or checkpoint of a confirmed publish.
    async fn advance(&mut self, prepared: &Prepared, step: &StagedStep<'_>, published: &Published) -> Result<(), Halt> {
        let scope = self.scope;
        let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
        match step.moves {
            Moves::Watermark => {
                let from = self.ledger.watermark_text();
                let to = self.ledger.advance(prepared.kind(), published).await?.cursor.to_string();
                scope.emit(Event::WatermarkAdvanced { run, mapping, from, to, whole: false });
            }
            Moves::Backfill => {
                let state = self.ledger.checkpoint(published.high, step.staged.rows).await?;
                let (done, to) = (published.high.to_string(), state.to);
                let (slices, rows) = (state.slices, state.rows);
                scope.emit(Event::BackfillAdvanced { run, mapping, done, to, slices, rows });
            }
            // A step is never a whole table.
            Moves::Replace | Moves::Mirror | Moves::Nothing => self.ledger.drop_pending().await?,
        }
        Ok(())
    }
}
