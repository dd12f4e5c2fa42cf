//! Moves a window in steps, each published and remembered on its own: what a crash costs is one step.

use super::attempt::Ground;
use super::ledger::Ledger;
use super::ports::Platform;
use super::protocol::{Event, Phase};
use super::publish::{self, Known, Wins, Work};
use super::reach::{fewer_rows, within_partitions};
use super::recover::recover;
use super::rivals::look_again;
use super::scope::{Halt, Scope};
use super::transfer::{Moved, Stretch, transfer};
use crate::domain::config::Mode;
use crate::domain::cursor::Cursor;
use crate::domain::fault::Fault;
use crate::domain::report::{FlawCount, MappingReport};
use crate::domain::window::{Low, Window, step};
use crate::failpoint::reached;
use crate::source::{Source, StretchAsk};
use crate::state::Moves;

/// The server's look into an index is off by a factor of two or so: a window of so many times fewer rows than a step is
/// one step, and its rows need not be counted one by one.
const SURELY: u64 = 4;

/// A window on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Journey {
    pub window: Window,
    /// Rows in it, by a look into the index.
    pub rows: Option<u64>,
    /// What each step's end is remembered as.
    pub moves: Moves,
    /// The window begins at or below this value, which stands: no step ends before it.
    pub reread_to: Option<Cursor>,
    /// Steps of this try that were numbered before.
    pub after: u64,
    /// Nothing has been published to the target since it was described.
    pub is_first: bool,
}

/// Gives the number of its last step.
pub(super) async fn move_in_steps<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
    ground: &Ground,
    journey: Journey,
) -> Result<u64, Halt> {
    note_overlap(scope, ledger, ground, &journey).await?;
    let mut low = journey.window.low;
    let mut number = journey.after;
    let mut size = Size { rows: scope.ports.config.pace.window_rows, estimate: journey.rows };
    loop {
        scope.unless_paused().await?;
        let rest = Window { low, high: journey.window.high };
        let end = scope.in_phase(Phase::Plan, step_end(scope, ground, rest, size)).await?;
        let window = step(rest, end, journey.reread_to);
        number += 1;
        let is_last = window.high == rest.high;
        let is_step = number > journey.after + 1 || !is_last;
        if is_step {
            scope.progress.update(|p| p.step = number);
            scope.emit(Event::StepStarted {
                run: scope.run.clone(),
                mapping: scope.mapping.name.clone(),
                step: number,
                window: window.to_string(),
            });
        }
        let already = Moved {
            rows: report.records_processed,
            bytes_read: report.bytes_read,
            bytes_uploaded: report.bytes_staged,
        };
        let stretch = Stretch { window, is_step, already };
        match move_one(scope, ledger, report, ground, (stretch, &journey, number)).await {
            Err(Halt::Fault(fault)) if fault.is_too_much_at_once() => {
                size = smaller(scope, ledger, report, ground, (window, size), fault).await?;
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

/// How many rows a step may have.
#[derive(Debug, Clone, Copy)]
struct Size {
    rows: u64,
    /// Rows of the whole window, by a look into the index.
    estimate: Option<u64>,
}

/// Gives up a step that was too large for BigQuery, and says how large the next may be.
async fn smaller<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
    ground: &Ground,
    (window, size): (Window, Size),
    fault: Fault,
) -> Result<Size, Halt> {
    let Some(rows) = fewer_rows(scope, ground, window, size.rows).await? else { return Err(fault.into()) };
    // Also drops its staging table.
    scope.in_phase(Phase::Recover, recover(scope, ledger, report)).await?;
    let key = format!("`window_rows: {rows}` begins with such steps");
    scope.note(report, format!("a step was too large ({fault}); from here on steps have {rows} rows; {key}"));
    // Never the whole window by a mere guess.
    Ok(Size { rows, estimate: None })
}

/// Where the next step may end; `None` when the rest is one step.
async fn step_end<P: Platform>(
    scope: &Scope<P>,
    ground: &Ground,
    rest: Window,
    size: Size,
) -> Result<Option<Cursor>, Halt> {
    let (source, ask) = (&scope.ports.source, stretch(scope, ground, rest));
    let is_small = size.estimate.is_some_and(|rows| rows <= size.rows / SURELY);
    // Without an index each look would read the whole table, and so would each step.
    let end = if is_small || !ground.plan.cursor_indexed {
        None
    } else {
        scope.unless_cancelled(source.step_end(&ask, size.rows)).await?
    };
    scope.unless_cancelled(within_partitions(&**source, &ground.plan, &ask, end)).await
}

pub(super) fn stretch<P: Platform>(scope: &Scope<P>, ground: &Ground, window: Window) -> StretchAsk {
    StretchAsk {
        table: scope.mapping.source.clone(),
        column: ground.plan.cursor_column().source.name.clone(),
        kind: ground.plan.cursor_kind,
        window,
    }
}

/// Remembers how far the target may hold rows that are about to be appended: a later step, and a later run after a
/// crash, would otherwise take a watermark of ours for the proof that it holds none.
async fn note_overlap<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    ground: &Ground,
    journey: &Journey,
) -> Result<(), Halt> {
    let watermark = ledger.watermark(ground.plan.cursor_kind)?;
    let may_overlap = match journey.moves {
        Moves::Watermark => publish::may_overlap(&journey.window, ground.target.as_ref(), watermark.as_ref()),
        Moves::Backfill => true,
        Moves::Nothing => false,
    };
    if may_overlap && scope.mapping.mode == Mode::Append {
        ledger.note_overlap(ground.plan.cursor_kind, journey.window.high).await?;
    }
    Ok(())
}

async fn move_one<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
    ground: &Ground,
    (stretch, journey, number): (Stretch, &Journey, u64),
) -> Result<(), Halt> {
    let (window, moves) = (stretch.window, journey.moves);
    let attempt = scope.attempt(report.attempts, number);
    let transferred = transfer(scope, ground, stretch, attempt).await?;
    for flaw in &transferred.flaws {
        add_flaw(&mut report.flaws, flaw);
    }
    let Some(staged) = transferred.staged else {
        // Nothing to publish, but as far as a backfill is concerned this stretch is done.
        if moves == Moves::Backfill {
            ledger.checkpoint(window.high, 0).await?;
        }
        report.steps += 1;
        return Ok(());
    };
    if number > 1 {
        look_again(scope, ledger, report).await?;
    }
    let known = Known {
        window,
        unsure: ledger.left().is_none_or(|left| left.unsure),
        // What is read again stands in the target, but for what came late.
        overlap: match moves {
            Moves::Nothing => Some(window.high),
            Moves::Watermark | Moves::Backfill => ledger.overlap(ground.plan.cursor_kind)?,
        },
        // The parts of a backfill are published by several processes.
        is_first: journey.is_first && number == journey.after + 1 && moves == Moves::Watermark,
        each_key_once: transferred.each_key_once,
        // Servers that take turns may show an older row than another did.
        wins: if moves == Moves::Nothing && !scope.ports.source.is_balanced() { Wins::Read } else { Wins::Newer },
    };
    let kind = publish::kind(scope.mapping.mode, &known, ground);
    let target = &scope.mapping.target;
    settle(scope, ledger, report, &Work { ground, target, window, moves, kind, staged, attempt }).await?;
    report.bytes_read += transferred.bytes;
    Ok(())
}

fn add_flaw(flaws: &mut Vec<FlawCount>, more: &FlawCount) {
    match flaws.iter_mut().find(|f| f.column == more.column && f.flaw == more.flaw) {
        Some(known) => known.count += more.count,
        None => flaws.push(more.clone()),
    }
}

/// Publishes, advances and cleans up.
async fn settle<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
    work: &Work<'_>,
) -> Result<(), Halt> {
    let Work { ground, staged, moves, .. } = work;
    let publish = publish::publish(scope, ledger, report, work);
    let (published, job) = scope.in_phase(Phase::Publish, publish).await?;
    let kind = ground.plan.cursor_kind;
    let advance = async {
        let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
        match moves {
            Moves::Watermark => {
                let from = ledger.watermark_text();
                let to = ledger.advance(kind, &published).await?.cursor.to_string();
                scope.emit(Event::WatermarkAdvanced { run, mapping, from, to });
            }
            Moves::Backfill => {
                let state = ledger.checkpoint(published.high, staged.rows).await?;
                let (done, to) = (published.high.to_string(), state.to);
                let (slices, rows) = (state.slices, state.rows);
                scope.emit(Event::BackfillAdvanced { run, mapping, done, to, slices, rows });
            }
            Moves::Nothing => ledger.drop_pending().await?,
        }
        Ok::<_, Halt>(())
    };
    scope.in_phase(Phase::Advance, advance).await?;
    reached("advanced");
    report.steps += 1;
    report.records_processed += staged.rows;
    report.rows_inserted += published.inserted;
    report.rows_updated += published.updated;
    report.bytes_staged += staged.bytes;
    report.charge(published.cost);
    report.jobs.push(job);
    let done = report.records_processed;
    scope.progress.update(|p| p.rows_published = done);
    scope.clean_up(&staged.table).await;
    reached("cleaned_up");
    Ok(())
}
