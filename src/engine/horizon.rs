//! Fixes how far a run goes: no further than rows are settled, so that none can appear behind the watermark later.

use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta};

use super::attempt::Ground;
use super::fence::{Fence, fence};
use super::protocol::Event;
use super::publish;
use super::scope::{Halt, Scope, Task};
use super::status::Lag;
use crate::domain::check::mapping as check;
use crate::domain::config::{Mode, Pace};
use crate::domain::cursor::Cursor;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::report::MappingReport;
use crate::domain::window::{Low, Watermark, Window};
use crate::source::{Bounds, BoundsAsk, Source};
use crate::state::StateStore;
use crate::warehouse::Warehouse;

/// A statement is stamped before its transaction is seen to begin, by as long as it waited for the table's definition.
const BEFORE_THE_TRANSACTION: TimeDelta = TimeDelta::minutes(1);

/// The window of an incremental run.
pub(super) struct Fixed {
    pub window: Window,
    /// Rows in it, by a look into the index; `None` for a first load, of which only statistics of any age tell.
    pub rows: Option<u64>,
}

/// Fixes the window of an incremental run; `None` when there is nothing new that is settled.
pub(super) async fn fix_window<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    ground: &Ground,
    watermark: Option<&Watermark>,
    report: &mut MappingReport,
) -> Result<Option<Fixed>, Halt> {
    let mapping = &scope.mapping;
    let low = low(scope, ground, watermark)?;
    let Horizon { high, rows, newest } = horizon(scope, ground, low, watermark, report).await?;
    let reached = high.or(watermark.map(|mark| mark.cursor));
    report.lag_seconds = reached.zip(newest).and_then(|(reached, newest)| Lag::between(reached, newest)?.seconds());
    let Some(high) = high else { return Ok(None) };
    // Rows that are read again may all lie below the watermark, which stays where it is.
    let high = watermark.map_or(high, |mark| mark.cursor.max_of(high));
    let window = Window { low, high };
    let rows_estimate = if low == Low::Beginning { ground.source.rows_estimate } else { rows };
    report.window = Some(window.to_string());
    scope.progress.update(|p| {
        p.window = Some(window.to_string());
        p.rows_estimate = rows_estimate;
    });
    let (run, mapping) = (scope.run.clone(), mapping.name.clone());
    scope.emit(Event::WindowFixed { run, mapping, window: window.to_string(), rows_estimate });
    Ok(Some(Fixed { window, rows }))
}

fn low<S, W, T>(scope: &Scope<S, W, T>, ground: &Ground, watermark: Option<&Watermark>) -> Result<Low, Halt> {
    let mapping = &scope.mapping;
    let kind = ground.plan.cursor_kind;
    let first =
        mapping.backfill_start.as_deref().map(|text| Cursor::parse(text, kind)).transpose().map_err(|fault| {
            Fault::new(FaultKind::Config, format!("`backfill_start` of mapping `{}`", mapping.name)).caused_by(fault)
        })?;
    let asked = match &scope.task {
        Task::Sync { lookback, .. } => lookback.or(mapping.lookback),
        Task::Scheduled { .. } => mapping.lookback,
        Task::Backfill { .. } | Task::Part(_) | Task::Deletes { .. } => None,
    };
    match (asked, watermark) {
        // An append would have to look for each row that it reads again.
        (Some(lookback), Some(mark)) if mapping.mode == Mode::Upsert => Ok(Low::From(lookback.below(mark.cursor)?)),
        _ => Ok(publish::low(mapping.operator, watermark, first)),
    }
}

/// What is settled, and what there is.
pub(super) struct Horizon {
    /// The greatest value from `low` on that no further row can join.
    pub high: Option<Cursor>,
    /// Rows up to there, as far as the server can tell.
    rows: Option<u64>,
    /// The greatest value of all, when that was asked for.
    newest: Option<Cursor>,
}

pub(super) async fn horizon<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    ground: &Ground,
    low: Low,
    watermark: Option<&Watermark>,
    report: &mut MappingReport,
) -> Result<Horizon, Halt> {
    let pace = scope.ports.config.pace;
    let column = &ground.plan.cursor_column().source;
    let ask = BoundsAsk {
        table: scope.mapping.source.clone(),
        column: column.name.clone(),
        // Of a whole table the statistics tell how much it holds.
        wants_rows: ground.plan.cursor_indexed && low != Low::Beginning,
        nullable: column.nullable,
        kind: ground.plan.cursor_kind,
        timezone: ground.plan.timezone,
        low,
        before: None,
        settle: pace.settle.unwrap_or_default(),
    };
    let bounds = scope.unless_cancelled(scope.ports.source.bounds(&ask)).await?;
    warn_about(&bounds, &column.name, scope, report);
    refuse_clock_behind(scope, watermark, &bounds)?;
    let (rows, newest) = (bounds.rows, bounds.newest);
    let Some(high) = bounds.high else { return Ok(Horizon { high: None, rows, newest }) };
    let high = match fence(scope, &pace).await? {
        Fence::Clear => wait_settle(scope, &bounds, pace.settle).await.map(|()| Some(high)),
        Fence::Unseen if pace.settle.is_some() => wait_settle(scope, &bounds, pace.settle).await.map(|()| Some(high)),
        Fence::Unseen if bounds.tick.is_none() => {
            wait_settle(scope, &bounds, Some(Pace::UNSEEN_SETTLE)).await.map(|()| Some(high))
        }
        Fence::Unseen => {
            let ask = BoundsAsk { settle: Pace::UNSEEN_SETTLE, wants_rows: false, ..ask };
            hold_back(scope, report, ask, &unseen()).await
        }
        Fence::Standing { oldest, words } if bounds.tick.is_some() => {
            let before = oldest.checked_sub_signed(BEFORE_THE_TRANSACTION).unwrap_or(NaiveDateTime::MIN);
            let ask = BoundsAsk { before: Some(before), nullable: false, wants_rows: false, ..ask };
            hold_back(scope, report, ask, &words).await
        }
        Fence::Standing { words, .. } => {
            held_back(
                scope,
                report,
                format!("{words}: whatever number they have taken, all rows from the watermark on wait"),
            );
            Ok(None)
        }
    }?;
    Ok(Horizon { high, rows, newest })
}

fn unseen() -> String {
    let seconds = Pace::UNSEEN_SETTLE.as_secs();
    format!(
        "the account may not see open transactions (GRANT PROCESS ON *.* shows them), so rows of the last {seconds} s"
    )
}

/// Numbers have no age: what may still be open when they are seen is given the time to end.
async fn wait_settle<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    bounds: &Bounds,
    settle: Option<Duration>,
) -> Result<(), Halt> {
    let Some(settle) = settle.filter(|_| bounds.tick.is_none()) else { return Ok(()) };
    let sleep = async {
        tokio::time::sleep(settle).await;
        Ok(())
    };
    scope.unless_cancelled(sleep).await
}

/// Asks for the high again, below what may still be joined.
async fn hold_back<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    report: &mut MappingReport,
    ask: BoundsAsk,
    because: &str,
) -> Result<Option<Cursor>, Halt> {
    let bounds = scope.unless_cancelled(scope.ports.source.bounds(&ask)).await?;
    let holds = bounds.newest.zip(bounds.limit).filter(|(newest, limit)| newest.max_of(*limit) == *newest);
    if let Some((_, limit)) = holds {
        held_back(scope, report, format!("{because} wait for the next run, from {limit} on"));
    }
    Ok(bounds.high)
}

fn held_back<S: Source, W: Warehouse, T: StateStore>(
    scope: &Scope<S, W, T>,
    report: &mut MappingReport,
    reason: String,
) {
    let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
    scope.emit(Event::HeldBack { run, mapping, reason: reason.clone() });
    report.held_back = Some(reason);
}

/// A watermark was below the server's clock when it was set. If the clock is behind it now, rows are being stamped below
/// the watermark, where no run would see them.
fn refuse_clock_behind<S, W, T>(
    scope: &Scope<S, W, T>,
    watermark: Option<&Watermark>,
    bounds: &Bounds,
) -> Result<(), Halt> {
    let (Some(mark), Some(tick)) = (watermark, bounds.tick) else { return Ok(()) };
    if mark.cursor.max_of(tick) == tick {
        return Ok(());
    }
    let (name, mark) = (&scope.mapping.name, mark.cursor);
    let sentence = format!(
        "The watermark of `{name}` is {mark}, but MySQL's clock shows {tick} in that column's zone: rows written now \
         would fall below the watermark and never be seen"
    );
    Err(Fault::new(FaultKind::Conflict, sentence)
        .with_hint(format!(
            "set the server's clock (or `default_timezone`) right; then `bqsync backfill --mapping {name} --start \
             '{tick}'` fetches what was written meanwhile. If the watermark itself is wrong, correct it in `last_sync`"
        ))
        .into())
}

/// Tells the operator of rows that no window holds, or not yet.
fn warn_about<S: Source, W: Warehouse, T: StateStore>(
    bounds: &Bounds,
    column: &str,
    scope: &Scope<S, W, T>,
    report: &mut MappingReport,
) {
    if bounds.has_nulls {
        scope.note(report, check::null_rows(column).to_string());
    }
    if let Some(ahead) = check::ahead_of_clock(column, bounds.newest, bounds.tick) {
        scope.note(report, ahead.to_string());
    }
}
