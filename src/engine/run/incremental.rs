//! An incremental run: surveys MySQL's rows beyond the watermark, and changed ones below it, and moves them.
//!
//! MySQL is asked first. If nothing is new, and nothing that a plan is made from can have changed, BigQuery is not
//! asked at all.

use crate::domain::column::SourceSchema;
use crate::domain::tail::Tail;
use crate::domain::window::{Watermark, Window};
use crate::engine::moving::horizon::Fixed;
use crate::engine::moving::steps::Journey;
use crate::engine::moving::tail::{Found, content};
use crate::engine::ports::Platform;
use crate::engine::protocol::Phase;
use crate::engine::work::Work;
use crate::engine::work::prepared::Prepared;
use crate::engine::work::scope::Halt;
use crate::state::Moves;

/// What MySQL holds and the target lacks.
struct Survey {
    watermark: Option<Watermark>,
    /// The window beyond the watermark.
    window: Option<Window>,
    /// Rows in the window, by the index.
    rows: Option<u64>,
    /// What was found below the watermark.
    found: Found,
    /// What to remember of the tail below the new watermark.
    next: Option<Tail>,
}

impl<P: Platform> Work<'_, P> {
    /// Moves the rows from the watermark up to where they are settled.
    pub(super) async fn incremental(&mut self) -> Result<(), Halt> {
        let (mut source, mut survey) = (None, None);
        if self.may_be_as_compared() {
            let first = self.first_described().await?;
            let is_first_look = first.is_some();
            let mut described = match first {
                Some(described) => described,
                None => self.describe_source().await?,
            };
            if let Some(prepared) = self.foreseen_by_cursor(&described) {
                let known = self.survey(&prepared).await?;
                if known.window.is_none() && known.found.is_empty() {
                    self.keep_tail(known.next);
                    return Ok(());
                }
                survey = Some(known);
            }
            if is_first_look {
                // There is work, and it must use the table as it is now.
                let now = self.describe_source().await?;
                survey = survey.filter(|_| now.is_like(&described));
                described = now;
            }
            source = Some(described);
        }
        let Some(schemas) = self.prepare(source).await? else { return Ok(()) };
        let prepared = schemas.by_cursor()?;
        self.follow_rules(&prepared.schemas);
        self.follow_columns(&prepared.schemas);
        let survey = match survey {
            Some(survey) => survey,
            None => self.survey(&prepared).await?,
        };
        self.travel(&prepared, survey).await?;
        self.remember_columns(&prepared.schemas);
        self.note_compared(&prepared.schemas.source, !self.tally.warnings.is_empty());
        Ok(())
    }

    async fn survey(&mut self, prepared: &Prepared) -> Result<Survey, Halt> {
        let scope = self.scope;
        let watermark = self.ledger.watermark(prepared.kind())?;
        let fix = self.fix_window(prepared, watermark.as_ref());
        let Fixed { window, rows, moment } = scope.in_phase(Phase::Plan, fix).await?;
        let found = scope.in_phase(Phase::Plan, self.look_below(prepared, &moment)).await?;
        // Taken before a row is read: the next run finds the rows that come while this one reads.
        let high = window.map(|window| window.high).or(watermark.map(|mark| mark.cursor));
        let next = scope.in_phase(Phase::Plan, self.summed(prepared, &moment, &found, high)).await?;
        Ok(Survey { watermark, window, rows, found, next })
    }

    /// Moves what was found.
    async fn travel(&mut self, prepared: &Prepared, survey: Survey) -> Result<(), Halt> {
        let Survey { watermark, window, rows, found, next } = survey;
        let is_first = found.windows.is_empty();
        if window.is_some() || !found.is_empty() {
            self.mix_rules(&prepared.schemas);
        }
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

    /// Keeps the tail, unless servers take turns: they have no common state to remember.
    fn keep_tail(&mut self, tail: Option<Tail>) {
        let is_balanced = self.scope.is_balanced();
        self.ledger.set_tail(tail.filter(|_| !is_balanced));
    }

    /// What MySQL is asked by, foreseen without the target; `None` if rows are recognised by their content, which
    /// depends on the target's columns.
    fn foreseen_by_cursor(&mut self, source: &SourceSchema) -> Option<Prepared> {
        let prepared = self.foreseen(source)?.by_cursor().ok()?;
        content(&prepared).is_none().then_some(prepared)
    }
}
