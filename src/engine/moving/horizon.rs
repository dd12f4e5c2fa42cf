//! Fixes how far a run goes: only as far as rows are settled, so that no row can appear behind the watermark later.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::fence::{Fence, Trust};
use crate::domain::check::anew::forgetting;
use crate::domain::check::mapping as check;
use crate::domain::config::{Mapping, Mode, Pace};
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::lookback::Lookback;
use crate::domain::table_shard::emptying;
use crate::domain::window::{Low, Watermark, Window};
use crate::domain::{publish, quote};
use crate::engine::ports::Platform;
use crate::engine::protocol::Event;
use crate::engine::protocol::status::Lag;
use crate::engine::work::Work;
use crate::engine::work::ledger::Ledger;
use crate::engine::work::prepared::Prepared;
use crate::engine::work::scope::{Halt, Task};
use crate::format;
use crate::source::{Bounds, BoundsAsk, Source};

/// How long a statement may have waited for the table's definition: by that time it is stamped before its transaction
/// is seen to begin.
const BEFORE_THE_TRANSACTION: TimeDelta = TimeDelta::minutes(1);

/// The window of an incremental run, and what was learnt while fixing it.
pub(in crate::engine) struct Fixed {
    /// `None`: there are no new rows that are settled.
    pub window: Option<Window>,
    /// Rows in the window, by the index; `None` for a first load, which only statistics of any age can estimate.
    pub rows: Option<u64>,
    pub moment: Moment,
}

/// What the server answered when the run's end was chosen.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Moment {
    /// The server's clock (UTC).
    pub now: NaiveDateTime,
    /// This machine's clock when the server was asked for its time, and when it had answered.
    pub asked: DateTime<Utc>,
    pub answered: DateTime<Utc>,
    /// The server's clock as a value of the incremental column; `None` for integers.
    pub tick: Option<Cursor>,
    /// `None`: there were no transactions to wait for.
    pub trust: Option<Trust>,
}

impl<P: Platform> Work<'_, P> {
    /// Fixes the window of an incremental run.
    pub(in crate::engine) async fn fix_window(
        &mut self,
        prepared: &Prepared,
        watermark: Option<&Watermark>,
    ) -> Result<Fixed, Halt> {
        let scope = self.scope;
        let mapping = &scope.mapping;
        let low = self.low_end(prepared, watermark)?;
        let (ask, bounds) = self.look_at_bounds(prepared, low).await?;
        if let Err(fault) = self.refuse_clock_behind(watermark, &bounds) {
            remember_clock_behind(&mut self.ledger, prepared.kind(), &bounds)?;
            return Err(fault.into());
        }
        self.refuse_numbers_begun_again(prepared, watermark, &bounds)?;
        let Horizon { high, rows, newest, moment } = self.settled(prepared, ask, &bounds).await?;
        let reached = high.or(watermark.map(|mark| mark.cursor));
        self.tally.lag_seconds =
            reached.zip(newest).and_then(|(reached, newest)| Lag::between(reached, newest)?.seconds());
        let Some(high) = high else { return Ok(Fixed { window: None, rows, moment }) };
        // All rows that are read again may lie below the watermark; then the watermark stays.
        let high = watermark.map_or(high, |mark| mark.cursor.max_of(high));
        let window = Window { low, high };
        let rows_estimate = if low == Low::Beginning { prepared.schemas.source.rows_estimate } else { rows };
        self.tally.window = Some(window.to_string());
        scope.progress.update(|p| {
            p.window = Some(window.to_string());
            p.rows_estimate = rows_estimate;
        });
        let (run, mapping) = (scope.run.clone(), mapping.name.clone());
        scope.emit(Event::WindowFixed { run, mapping, window: window.to_string(), rows_estimate });
        Ok(Fixed { window: Some(window), rows, moment })
    }

    fn low_end(&self, prepared: &Prepared, watermark: Option<&Watermark>) -> Result<Low, Halt> {
        let mapping = &self.scope.mapping;
        let first = first_value(mapping, prepared.kind())?;
        match (self.lookback(), watermark) {
            // An append would have to look up each row that it reads again.
            (Some(lookback), Some(mark)) if mapping.mode == Mode::Upsert && !lookback.is_none() => {
                Ok(Low::From(lookback.below(mark.cursor)?))
            }
            _ => Ok(publish::low(mapping.operator, watermark, first)),
        }
    }
}

/// The first value of a mapping without a watermark.
pub(in crate::engine) fn first_value(mapping: &Mapping, kind: CursorKind) -> Result<Option<Cursor>, Fault> {
    mapping.backfill_start.as_deref().map(|text| Cursor::parse(text, kind)).transpose().map_err(|fault| {
        Fault::new(FaultKind::Config, format!("`backfill_start` of mapping `{}`", mapping.name)).caused_by(fault)
    })
}

impl<P: Platform> Work<'_, P> {
    /// How far below the watermark this run must read.
    pub(in crate::engine) fn lookback(&self) -> Option<Lookback> {
        let scope = self.scope;
        match &scope.task {
            Task::Sync { lookback, .. } => lookback.or(scope.mapping.lookback),
            Task::Scheduled { .. } => scope.mapping.lookback,
            Task::Backfill { .. } | Task::Part(_) | Task::Deletes { .. } | Task::Repair(_) => None,
        }
    }
}

/// Up to where rows are settled, and what there is.
pub(in crate::engine) struct Horizon {
    /// The greatest value from `low` on that no further row can join.
    pub high: Option<Cursor>,
    /// Rows up to `high`, as far as the server can tell.
    rows: Option<u64>,
    /// The greatest value of all, if the question asked for it.
    newest: Option<Cursor>,
    moment: Moment,
}

impl<P: Platform> Work<'_, P> {
    pub(in crate::engine) async fn horizon(&mut self, prepared: &Prepared, low: Low) -> Result<Horizon, Halt> {
        let (ask, bounds) = self.look_at_bounds(prepared, low).await?;
        self.settled(prepared, ask, &bounds).await
    }

    async fn look_at_bounds(&mut self, prepared: &Prepared, low: Low) -> Result<(BoundsAsk, Bounds), Halt> {
        let scope = self.scope;
        let ask = BoundsAsk {
            // The statistics tell how many rows a whole table holds.
            wants_rows: prepared.cursor.indexed && low != Low::Beginning,
            settle: scope.ports.config.pace.settle.unwrap_or_default(),
            ..prepared.bounds(low)
        };
        let bounds = scope.unless_cancelled(scope.ports.source.bounds(&ask)).await?;
        self.warn_about(&bounds, &ask);
        Ok((ask, bounds))
    }

    /// Waits at the fence; if transactions stay open, lowers the chosen end.
    async fn settled(&mut self, prepared: &Prepared, ask: BoundsAsk, bounds: &Bounds) -> Result<Horizon, Halt> {
        let here = self.scope.ports.clock.now();
        let [asked, answered] = [bounds.looked.asked, bounds.looked.answered]
            .map(|at| here - TimeDelta::from_std(at.elapsed()).unwrap_or(TimeDelta::zero()));
        let pace = self.scope.ports.config.pace;
        let (rows, newest) = (bounds.rows, bounds.newest);
        if ask.kind == CursorKind::Date
            && newest.zip(bounds.tick).is_some_and(|(newest, tick)| newest.max_of(tick) == newest)
        {
            let day = bounds.tick.map_or_else(String::new, |tick| tick.to_string());
            let zone = ask.timezone;
            self.held_back(format!("rows of {day} wait until that day has ended in {zone}: more may join them"));
        }
        let moment = |trust| Moment { now: bounds.now, asked, answered, tick: bounds.tick, trust };
        let Some(high) = bounds.high else { return Ok(Horizon { high: None, rows, newest, moment: moment(None) }) };
        let (fence, trust) = self.fence(prepared, &pace).await?;
        let high = match fence {
            Fence::Clear => self.wait_settle(bounds, pace.settle).await.map(|()| Some(high)),
            Fence::Unseen if pace.settle.is_some() => self.wait_settle(bounds, pace.settle).await.map(|()| Some(high)),
            Fence::Unseen if bounds.tick.is_none() => {
                self.wait_settle(bounds, Some(Pace::UNSEEN_SETTLE)).await.map(|()| Some(high))
            }
            Fence::Unseen => {
                let ask = BoundsAsk { settle: Pace::UNSEEN_SETTLE, wants_rows: false, ..ask };
                self.hold_back(ask, &unseen()).await
            }
            Fence::Standing { oldest: Some(oldest), words } if bounds.tick.is_some() => {
                let before = oldest.checked_sub_signed(BEFORE_THE_TRANSACTION).unwrap_or(NaiveDateTime::MIN);
                let ask = BoundsAsk { before: Some(before), nullable: false, wants_rows: false, ..ask };
                self.hold_back(ask, &words).await
            }
            Fence::Standing { words, .. } => {
                self.held_back(format!(
                    "{words}: what values they have taken is unknown, so all rows from the watermark on wait"
                ));
                Ok(None)
            }
        }?;
        Ok(Horizon { high, rows, newest, moment: moment(Some(trust)) })
    }
}

fn unseen() -> String {
    let settle = format::duration(Pace::UNSEEN_SETTLE);
    format!("the account may not see open transactions (GRANT PROCESS ON *.* shows them), so rows of the last {settle}")
}

impl<P: Platform> Work<'_, P> {
    /// Waits for `settle`: numbers have no age, so open transactions get this time to end.
    async fn wait_settle(&self, bounds: &Bounds, settle: Option<Duration>) -> Result<(), Halt> {
        let Some(settle) = settle.filter(|_| bounds.tick.is_none()) else { return Ok(()) };
        let sleep = async {
            tokio::time::sleep(settle).await;
            Ok(())
        };
        self.scope.unless_cancelled(sleep).await
    }

    /// Asks for the high again, below the rows that others may still join.
    async fn hold_back(&mut self, ask: BoundsAsk, because: &str) -> Result<Option<Cursor>, Halt> {
        let bounds = self.scope.unless_cancelled(self.scope.ports.source.bounds(&ask)).await?;
        let holds = bounds.newest.zip(bounds.limit).filter(|(newest, limit)| newest.max_of(*limit) == *newest);
        if let Some((_, limit)) = holds {
            self.held_back(format!("{because} wait for the next run, from {limit} on"));
        }
        Ok(bounds.high)
    }

    fn held_back(&mut self, reason: String) {
        let scope = self.scope;
        let (run, mapping) = (scope.run.clone(), scope.mapping.name.clone());
        scope.emit(Event::HeldBack { run, mapping, reason: reason.clone() });
        self.tally.held_back = Some(reason);
    }

    /// Refuses a clock that is behind the watermark. A watermark was below the server's clock when it was set; if the
    /// clock is behind it now, rows are stamped below the watermark, where no run would see them.
    fn refuse_clock_behind(&self, watermark: Option<&Watermark>, bounds: &Bounds) -> Result<(), Fault> {
        let (Some(mark), Some(tick)) = (watermark, check::clock(bounds.tick, bounds.limit)) else { return Ok(()) };
        if mark.cursor.max_of(tick) == tick {
            return Ok(());
        }
        let (name, mark) = (&self.scope.mapping.name, mark.cursor);
        let (shown, hint) = match tick {
            Cursor::Moment(_) => {
                let zone = self.scope.mapping.source.zone_key();
                let hint = format!(
                    "set the server's clock (or `{zone}`) right: the next run reads from {tick} on again. If the watermark \
                     itself is wrong, correct it in `last_sync`"
                );
                ("in that column's zone", hint)
            }
            Cursor::Int(_) => {
                // An upsert also replaces the rows that BigQuery holds with such numbers.
                let again = if self.scope.mapping.mode == Mode::Upsert {
                    format!("`{}` loads the table again", forgetting(name))
                } else {
                    "write into `last_sync` a number from before they were written: rows are read from there on again"
                        .to_owned()
                };
                let hint = format!(
                    "if the server's clock is wrong, set it right: the next run reads from {tick} on again. If rows had \
                     numbers ahead of the clock, correct them in MySQL; then {again}"
                );
                ("as such a number", hint)
            }
        };
        let sentence = format!(
            "The watermark of `{name}` is {mark}, but MySQL's clock shows {tick} {shown}: rows written now would fall below \
             the watermark and never be seen"
        );
        Err(Fault::new(FaultKind::Conflict, sentence).with_hint(hint))
    }
}

/// Remembers where the clock was behind: the first run after the clock has passed the watermark reads those rows.
fn remember_clock_behind<P: Platform>(ledger: &mut Ledger<P>, kind: CursorKind, bounds: &Bounds) -> Result<(), Fault> {
    let Some(tick) = check::clock(bounds.tick, bounds.limit) else { return Ok(()) };
    let known = ledger.again_from().map(|text| Cursor::parse(text, kind)).transpose()?;
    let least = known.filter(|known| known.max_of(tick) == tick).unwrap_or(tick);
    ledger.set_again_from(Some(least.to_string()));
    Ok(())
}

/// Tells an append's operator to empty the target first: it would keep the rows whose numbers come again.
fn emptied_first(mapping: &Mapping) -> String {
    let emptying = emptying(&mapping.target, mapping.shard.as_ref());
    match (mapping.mode, &mapping.shard) {
        (Mode::Append, None) => format!(
            " (before that, in BigQuery: {emptying}; the rows of before are lost, unless you name another `bigquery_table`)"
        ),
        (Mode::Append, Some(_)) => format!(" (before that, in BigQuery: {emptying}; the rows of before are lost)"),
        (Mode::Upsert | Mode::Replace | Mode::Mirror, _) => String::new(),
    }
}

impl<P: Platform> Work<'_, P> {
    /// Refuses numbers that began again (TRUNCATE, a table made anew): they are below the watermark, where no run would
    /// see them.
    fn refuse_numbers_begun_again(
        &mut self,
        prepared: &Prepared,
        watermark: Option<&Watermark>,
        bounds: &Bounds,
    ) -> Result<(), Fault> {
        let scope = self.scope;
        let Some(mark) = watermark.map(|mark| mark.cursor) else { return Ok(()) };
        let (name, table) = (&scope.mapping.name, &scope.mapping.source);
        let column = &prepared.column().source.name;
        let below = match bounds.newest {
            Some(newest) => newest.compare(&mark) == Some(std::cmp::Ordering::Less) && matches!(mark, Cursor::Int(_)),
            None => true,
        };
        if !below {
            return Ok(());
        }
        let newest =
            bounds.newest.map_or_else(|| "no row".to_owned(), |newest| format!("{newest} as the greatest `{column}`"));
        match (bounds.next_number, mark) {
            (Some(next), Cursor::Int(mark)) if i128::from(next) <= mark => {
                let sentence = format!(
                    "{table} holds {newest} and numbers its next row {next}, but the watermark of `{name}` is {mark}: its \
                 numbers have begun again, and rows up to {mark} would never be seen"
                );
                Err(Fault::new(FaultKind::Conflict, sentence).with_hint(format!(
                    "if the table was emptied for good: `{}` loads it from the beginning{}",
                    forgetting(name),
                    emptied_first(&scope.mapping)
                )))
            }
            _ => {
                self.note(format!(
                    "{table} holds {newest}, but the watermark is {mark}: rows were deleted, or the table was emptied; rows \
                     that are written below {mark} are not seen (`bqsync verify {}` compares both sides)",
                    quote::shell_option("--mapping", &name.0)
                ),
            );
                Ok(())
            }
        }
    }

    /// Warns the operator of rows that no window holds, or not yet, or not surely.
    fn warn_about(&mut self, bounds: &Bounds, ask: &BoundsAsk) {
        let column = &ask.column;
        if bounds.has_nulls {
            self.note(check::null_rows(column).to_string());
        }
        let clock = check::clock(bounds.tick, bounds.limit);
        if let Some(ahead) = check::ahead_of_clock(&self.scope.mapping, column, bounds.newest, clock) {
            self.note(ahead.to_string());
        }
        if let Some(shared) = check::shared_numbers(ask.kind, column, ask.is_unique, bounds.limit) {
            self.note(shared.to_string());
        }
    }
}
