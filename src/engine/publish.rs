//! Publishes staged rows: noted in the state before it is sent, confirmed before the watermark moves.

use super::ports::Platform;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::attempt::Ground;
use super::ledger::Ledger;
use super::protocol::Event;
use super::rivals::Turn;
use super::run_id::Try;
use super::scope::{Halt, Scope};
use crate::domain::column::{TargetSchema, same_name};
use crate::domain::config::{Mode, Operator};
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{JobId, JobPlace, TableId};
use crate::domain::report::MappingReport;
use crate::domain::window::{Low, Published, Watermark, Window};
use crate::failpoint::reached;
use crate::state::{Moves, PendingPublish};
use crate::warehouse::{JobFate, PublishCounts, PublishKind, PublishOrder, Sent, Staged, Warehouse};

/// A publish sent when the operator cancels is given so long to end; after that the next run asks what became of it.
const GRACE: Duration = Duration::from_secs(4);

/// Where the window begins.
///
/// After a watermark that is not ours, rows sharing its value may be missing, so the value is read again.
pub(super) fn low(operator: Operator, watermark: Option<&Watermark>, first: Option<Cursor>) -> Low {
    match watermark {
        None => first.map_or(Low::Beginning, Low::From),
        Some(mark) if mark.imported || operator == Operator::GreaterOrEqual => Low::From(mark.cursor),
        Some(mark) => Low::After(mark.cursor),
    }
}

/// May the target hold rows of the window already? Not where it is gone on with after a watermark of ours: what lies
/// beyond it, only backfills and unfinished first loads bring, and these are remembered on their own.
pub(super) fn may_overlap(window: &Window, target: Option<&TargetSchema>, watermark: Option<&Watermark>) -> bool {
    let ours_alone = matches!(window.low, Low::After(_)) && watermark.is_some();
    target.is_some_and(|t| !t.is_empty()) && !ours_alone
}

/// What is known when rows have been staged, beside the schemas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub window: Window,
    /// How far the target may hold rows of an append.
    pub overlap: Option<Cursor>,
    /// The target may hold any row beyond the watermark.
    pub unsure: bool,
    /// Nothing has been published by this run since the target was described.
    pub is_first: bool,
    /// No two of the staged rows share their keys.
    pub each_key_once: bool,
    pub wins: Wins,
}

/// Which version of a row holds where the target has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wins {
    /// The one with the greater cursor.
    Newer,
    /// The one that was read now: rows from below the watermark that are read again.
    Read,
}

/// Chooses the cheapest publish that can neither lose nor double a row.
pub(super) fn kind(mode: Mode, known: &Known, ground: &Ground) -> PublishKind {
    match mode {
        Mode::Upsert if known.is_first && is_empty(ground) => {
            if known.each_key_once {
                PublishKind::Insert
            } else {
                PublishKind::InsertNewest
            }
        }
        Mode::Upsert if known.wins == Wins::Read => PublishKind::MergeAsRead,
        Mode::Upsert => PublishKind::Merge,
        Mode::Append if known.unsure || known.overlap.is_some_and(|to| known.window.low.reaches_below(&to)) => {
            PublishKind::InsertMissing
        }
        Mode::Append if can_copy(ground) => PublishKind::Copy,
        Mode::Append => PublishKind::Insert,
    }
}

/// Created in this try, or without a row when it was described.
fn is_empty(ground: &Ground) -> bool {
    ground.target.as_ref().is_none_or(TargetSchema::is_empty)
}

/// A copy job wants the same columns on both sides; BigQuery does not say what it does about others.
fn can_copy(ground: &Ground) -> bool {
    let Some(target) = &ground.target else { return false };
    let plan = &ground.plan;
    plan.partitioning.is_none()
        && plan.is_verbatim()
        && target.columns.len() == plan.columns.len()
        && target.columns.iter().all(|column| {
            let planned = plan.columns.iter().find(|c| same_name(&c.target_name, &column.name));
            !column.required && planned.is_some_and(|c| c.staged.target_type() == column.target_type)
        })
}

/// Sends the publish and waits for its end; the state remembers it from before it is sent.
pub(super) async fn publish<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    report: &mut MappingReport,
    work: &Work<'_>,
) -> Result<(Published, JobId), Halt> {
    let mut turn = Turn::first(ledger, work);
    loop {
        let job = turn.job();
        let counts = match send(scope, ledger, work, &turn).await {
            Ok(Sent::Done(counts)) => Some(counts),
            Ok(Sent::Taken(other)) => {
                turn.give_way(scope, ledger, report, other).await?;
                None
            }
            Err(Halt::Fault(fault)) if turn.kind == PublishKind::Copy && fault.kind() == FaultKind::Schema => {
                instead_of_copy(scope, &mut turn, &fault).await?
            }
            Err(halt) => return Err(halt),
        };
        if let Some(counts) = counts {
            ledger.note_published(&counts, turn.used());
            return Ok((published(work, counts), job));
        }
    }
}

/// The copy job's own rules are only partly documented; an INSERT does the same for the price of a scan. It is sent
/// only once the copy is known not to have happened.
async fn instead_of_copy<P: Platform>(
    scope: &Scope<P>,
    turn: &mut Turn<'_>,
    fault: &Fault,
) -> Result<Option<PublishCounts>, Halt> {
    let (copy, mark) = (turn.job(), turn.mark());
    match scope.unless_cancelled(scope.ports.warehouse.fate(&copy, &place(scope), Some(&mark))).await? {
        JobFate::Done(counts) => Ok(Some(counts)),
        JobFate::Failed(_) | JobFate::Unknown => {
            scope.warn(format!("the copy job was refused ({fault}); rows are inserted instead"));
            turn.instead(PublishKind::Insert);
            Ok(None)
        }
    }
}

/// Where the jobs of this configuration live.
pub(super) fn place<P: Platform>(scope: &Scope<P>) -> JobPlace {
    let config = &scope.ports.config;
    JobPlace { project: config.project.clone(), location: config.location.clone() }
}

/// One staged window on its way into the target.
#[derive(Debug, Clone)]
pub(super) struct Work<'a> {
    pub ground: &'a Ground,
    pub target: &'a TableId,
    pub window: Window,
    pub moves: Moves,
    pub kind: PublishKind,
    pub staged: Staged,
    pub attempt: Try<'a>,
}

fn published(work: &Work<'_>, counts: PublishCounts) -> Published {
    Published { high: work.window.high, inserted: counts.inserted, updated: counts.updated, cost: counts.cost }
}

async fn send<P: Platform>(
    scope: &Scope<P>,
    ledger: &mut Ledger<P>,
    work: &Work<'_>,
    turn: &Turn<'_>,
) -> Result<Sent, Halt> {
    let (job, mark) = (turn.job(), turn.mark());
    ledger
        .note_pending(PendingPublish {
            job: job.clone(),
            place: place(scope),
            staging: work.staged.table.clone(),
            mark: Some(mark.clone()),
            moves: work.moves,
            since: ledger.stands_at(work.moves),
            high: work.window.high.to_string(),
            rows: work.staged.rows,
        })
        .await?;
    reached("pending_noted");
    let order = PublishOrder {
        mapping: scope.mapping.name.clone(),
        job: job.clone(),
        mark,
        kind: turn.kind,
        target: scope.mapping.target.clone(),
        plan: Arc::clone(&work.ground.plan),
        staged: work.staged.clone(),
    };
    let sent = in_patience(scope, &job, scope.ports.warehouse.publish(&order)).await?;
    let Sent::Done(counts) = sent else { return Ok(sent) };
    reached("published");
    scope.emit(Event::Published {
        run: scope.run.clone(),
        mapping: scope.mapping.name.clone(),
        job,
        inserted: counts.inserted,
        updated: counts.updated,
        bytes_billed: counts.cost.billed,
    });
    Ok(sent)
}

/// Waits for a job that has been sent, but not for long once the operator has cancelled.
pub(super) async fn in_patience<P: Platform, V>(
    scope: &Scope<P>,
    job: &JobId,
    sent: impl Future<Output = Result<V, Fault>>,
) -> Result<V, Halt> {
    let patience = async {
        scope.cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = Box::pin(sent) => Ok(ended?),
        () = patience => {
            scope.warn(format!("job {job} is still running; the next run asks what became of it"));
            Err(Halt::Cancelled)
        }
    }
}

#[cfg(test)]
mod tests;
