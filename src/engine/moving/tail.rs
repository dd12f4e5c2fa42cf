//! Looks below the watermark again, and reads once more what differs there from what the last run left.
//!
//! It backs up the fence: it finds rows of transactions that nobody could see, rows stamped by a clock that was set
//! back, by writers in another zone, or by the application itself.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::horizon::{Moment, first_value};
use super::steps::Journey;
use crate::domain::config::Mode;
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::fault::Fault;
use crate::domain::lookback::Lookback;
use crate::domain::plan::ColumnPlan;
use crate::domain::source_type::SourceType;
use crate::domain::tail::{self, Far, Hours, Tail};
use crate::domain::window::{Low, Watermark, Window};
use crate::engine::ports::Platform;
use crate::engine::work::Work;
use crate::engine::work::ids::short_hash;
use crate::engine::work::prepared::Prepared;
use crate::engine::work::scope::Halt;
use crate::source::{Source, TailAsk, TailStretch, TailSum};
use crate::state::Moves;

/// Clocks differ by a fraction of a second, and both are read to the second.
const CLOCK_NOISE: i64 = 2;

/// What a look below the watermark has found.
#[derive(Default)]
pub(in crate::engine) struct Found {
    /// The windows to read again.
    pub windows: Vec<Window>,
    /// How many rows more there are than before.
    grown: u64,
    /// Why some rows were not looked for, in words.
    left_out: Option<String>,
    far: FarFound,
}

#[derive(Default)]
struct FarFound {
    /// Hours that differ but are not read again this time, with their remembered sums: they will differ the next time
    /// too.
    kept: Vec<(String, Option<(u64, String)>)>,
    whole: Option<DateTime<Utc>>,
    behind_until: Option<DateTime<Utc>>,
    /// The earliest hour that has more rows than before.
    grown_in: Option<String>,
}

impl<P: Platform> Work<'_, P> {
    /// Compares the rows below the watermark with what is remembered of them.
    pub(in crate::engine) async fn look_below(&self, prepared: &Prepared, moment: &Moment) -> Result<Found, Halt> {
        let kind = prepared.kind();
        let Some(mark) = self.ledger.watermark(kind)? else { return Ok(Found::default()) };
        let mut found = Found::default();
        if let Some(from) = self.ledger.again_from() {
            found.windows.push(Window { low: Low::From(Cursor::parse(from, kind)?), high: mark.cursor });
        }
        if self.lookback().is_none() {
            match self.ledger.tail() {
                Some(tail) if tail.columns != content(prepared) => found.left_out = Some(self.altered()),
                Some(tail) => self.compare_tail(prepared, moment, tail, &mut found).await?,
                // Rows that are recognised by their content may have another column by now.
                None if content(prepared).is_some() => {}
                None => found.windows.extend(self.unremembered(kind, &mark)?),
            }
        }
        found.windows = tail::joined(found.windows);
        Ok(found)
    }

    /// The window to read if the state, left by another version or a killed run, remembers no tail.
    fn unremembered(&self, kind: CursorKind, mark: &Watermark) -> Result<Option<Window>, Fault> {
        if mark.imported || kind == CursorKind::Int {
            return Ok(None);
        }
        let first = first_value(&self.scope.mapping, kind)?;
        let from = tail::near_from(mark.cursor, kind, tail::NEAR, &[], first);
        Ok(Some(Window { low: Low::After(from), high: mark.cursor }))
    }
}

impl Found {
    /// Nothing is to be read again or to be reported.
    pub(in crate::engine) const fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.left_out.is_none() && self.far.grown_in.is_none()
    }
}

/// A fingerprint of the columns, for an append that recognises rows by their content: with other columns every row
/// would look missing. `None` for other plans.
pub(in crate::engine) fn content(prepared: &Prepared) -> Option<String> {
    let plan = &prepared.schemas.plan;
    (plan.mode == Mode::Append && !plan.keys_unique).then(|| {
        // With another mask a row has another content.
        let mask = |c: &ColumnPlan| c.mask.as_ref().map(|mask| format!(" {}", mask.fingerprint())).unwrap_or_default();
        let column = |c: &ColumnPlan| format!("{} {}{}", c.target_name, c.target_type, mask(c));
        let columns: Vec<_> = plan.columns.iter().map(column).collect();
        short_hash(&columns.join(","))
    })
}

impl<P: Platform> Work<'_, P> {
    fn altered(&self) -> String {
        format!(
            "the columns of {} have changed, and without keys rows are told by their content: rows that came late, below the \
         watermark, were not looked for by this run",
            self.scope.mapping.source
        )
    }

    async fn compare_tail(
        &self,
        prepared: &Prepared,
        moment: &Moment,
        tail: &Tail,
        found: &mut Found,
    ) -> Result<(), Halt> {
        let scope = self.scope;
        let kind = prepared.kind();
        let mark = Cursor::parse(&tail.to, kind)?;
        let from = Cursor::parse(&tail.from, kind)?;
        let mut stretches = vec![TailStretch { above: from, high: mark, by_hour: false, unless_now: None }];
        if let Some(far) = &tail.far {
            let above = Cursor::parse(&far.from, kind)?;
            stretches.push(TailStretch { above, high: from, by_hour: true, unless_now: None });
        }
        let sums = scope.unless_cancelled(scope.ports.source.tail_sums(&ask(prepared, stretches))).await?;
        let mut sums = sums.into_iter();
        let (rows, sum) = whole(sums.next());
        if (rows, sum.as_str()) != (tail.rows, tail.sum.as_str()) || scope.is_balanced() {
            found.windows.push(Window { low: Low::After(from), high: mark });
            found.grown += rows.saturating_sub(tail.rows);
        }
        found.windows.extend(since_the_clock_was_set_back(moment, tail, mark));
        if let Some(far) = &tail.far {
            compare_far(far, &hours(sums.next()), from, scope.ports.clock.now(), found);
        }
        Ok(())
    }
}

/// The window of rows that may have been stamped below the watermark after the clock was set back.
fn since_the_clock_was_set_back(moment: &Moment, tail: &Tail, mark: Cursor) -> Option<Window> {
    moment.tick?;
    let back = tail.clock? - clock_at_most(moment);
    let span = u64::try_from(back).ok().filter(|_| back >= CLOCK_NOISE)?;
    let low = Lookback::Span(Duration::from_secs(span) + tail::NEAR_EXACT).below(mark).ok()?;
    Some(Window { low: Low::From(low), high: mark })
}

/// The greatest possible difference of the server's clock to this machine's, in seconds: the server looked at its clock
/// after it was asked. On a busy machine an answer takes seconds, which must not look like a clock that was set back.
fn clock_at_most(moment: &Moment) -> i64 {
    moment.now.and_utc().timestamp() - moment.asked.timestamp()
}

/// The smallest possible difference: the server looked at its clock before the answer arrived.
fn clock_at_least(moment: &Moment) -> i64 {
    moment.now.and_utc().timestamp() - moment.answered.timestamp()
}

fn compare_far(far: &Far, hours: &Hours, to: Cursor, now: DateTime<Utc>, found: &mut Found) {
    let (changed, has_grown) = far.hours.changed(hours);
    let rows = |of: &Hours, hour: &str| of.0.get(hour).map_or(0, |(rows, _)| *rows);
    let behind_until = if has_grown { Some(now + tail::BEHIND) } else { far.behind_until.filter(|until| *until > now) };
    let is_due = behind_until.is_some() || now - far.whole >= tail::WHOLE;
    found.far.behind_until = behind_until;
    found.far.whole = Some(if changed.is_empty() || is_due { now } else { far.whole });
    for hour in changed {
        let grown = rows(hours, &hour).saturating_sub(rows(&far.hours, &hour));
        if !is_due {
            found.far.kept.push((hour.clone(), far.hours.0.get(&hour).cloned()));
            continue;
        }
        found.grown += grown;
        if grown > 0 && found.far.grown_in.is_none() {
            found.far.grown_in = Some(hour.clone());
        }
        let Some(window) = tail::hour(&hour) else { continue };
        let high = if window.high.max_of(to) == to { window.high } else { to };
        found.windows.push(Window { high, ..window });
    }
}

impl<P: Platform> Work<'_, P> {
    /// The sums to remember of the tail below `high`, taken before the rows up to there are read. If nothing has
    /// changed and nothing is to come, the remembered ones.
    pub(in crate::engine) async fn summed(
        &self,
        prepared: &Prepared,
        moment: &Moment,
        found: &Found,
        high: Option<Cursor>,
    ) -> Result<Option<Tail>, Halt> {
        let scope = self.scope;
        let known = self.ledger.tail();
        let Some(high) = high.filter(|_| self.lookback().is_none()) else { return Ok(None) };
        let to = high.to_string();
        if let Some(known) =
            known.filter(|known| known.to == to && found.windows.is_empty() && found.left_out.is_none())
        {
            return Ok(Some(known.clone()));
        }
        let (kind, now) = (prepared.kind(), scope.ports.clock.now());
        let first = first_value(&scope.mapping, kind)?;
        let is_exact = moment.trust.is_some_and(|trust| trust.is_exact);
        let marks = match kind {
            CursorKind::Int => tail::marked(known.map_or(&[], |known| &known.marks), to.clone(), now),
            CursorKind::DateTime { .. } | CursorKind::Date => Vec::new(),
        };
        let near = if is_exact { tail::NEAR_EXACT } else { tail::NEAR };
        let from = tail::near_from(high, kind, near, &marks, first);
        // Writers in different zones may read such a wall clock differently.
        let in_any_zone = matches!(prepared.column().source.source_type, SourceType::DateTime { .. });
        let unless_now = moment.tick.filter(|_| in_any_zone);
        let mut stretches = vec![TailStretch { above: from, high, by_hour: false, unless_now }];
        // Without an index each look would read the whole table again.
        let far_from = Some(tail::far_from(high, first)).filter(|far| {
            in_any_zone && prepared.cursor.indexed && far.compare(&from) == Some(std::cmp::Ordering::Less)
        });
        stretches.extend(far_from.map(|above| TailStretch { above, high: from, by_hour: true, unless_now }));
        let sums = scope.unless_cancelled(scope.ports.source.tail_sums(&ask(prepared, stretches))).await?;
        let mut sums = sums.into_iter();
        let (rows, sum) = whole(sums.next());
        let far = far_from.map(|far| Far {
            from: far.to_string(),
            hours: kept(hours(sums.next()), &found.far.kept),
            whole: found.far.whole.unwrap_or(now),
            behind_until: found.far.behind_until,
        });
        let clock = moment.tick.map(|_| clock_at_least(moment));
        Ok(Some(Tail { to, from: from.to_string(), rows, sum, columns: content(prepared), clock, far, marks }))
    }
}

fn kept(mut hours: Hours, kept: &[(String, Option<(u64, String)>)]) -> Hours {
    for (hour, was) in kept {
        match was {
            Some(was) => hours.0.insert(hour.clone(), was.clone()),
            None => hours.0.remove(hour),
        };
    }
    hours
}

impl<P: Platform> Work<'_, P> {
    /// Rereads the found windows; returns the number of the last step.
    pub(in crate::engine) async fn read_again(&mut self, prepared: &Prepared, found: &Found) -> Result<u64, Halt> {
        let (read, inserted) = (self.tally.rows, self.tally.inserted);
        let mut after = 0;
        for &window in &found.windows {
            tracing::info!(%window, "reading below the watermark again, because it has changed since the last run");
            let journey =
                Journey { window, rows: None, moves: Moves::Nothing, reread_to: None, after, is_first: false };
            after = self.move_in_steps(prepared, journey).await?;
        }
        self.tally.read_again += self.tally.rows - read;
        self.tally.late += found.grown.max(self.tally.inserted - inserted);
        self.ledger.set_again_from(None);
        if let Some(note) = &found.left_out {
            self.note(note.clone());
        }
        if let Some(hour) = &found.far.grown_in {
            let (table, column) = (&self.scope.mapping.source, &prepared.column().source.name);
            self.note(format!(
                "rows of {table} came with a `{column}` of hour {hour}, long after it: sessions that write them use \
                 another time zone than `{}` says. They were found, and for {} days every change of the last {} \
                 hours is read again; a TIMESTAMP column, or one time zone for all writers, needs no second reading",
                table.zone_key(),
                tail::BEHIND.num_days(),
                tail::FAR.num_hours()
            ));
        }
        Ok(after)
    }
}

fn ask(prepared: &Prepared, stretches: Vec<TailStretch>) -> TailAsk {
    let plan = &prepared.schemas.plan;
    let keys = plan.keys.iter().map(|&key| plan.columns[key].source.name.clone()).collect();
    TailAsk { table: prepared.schemas.table.clone(), column: prepared.cursor().to_owned(), keys, stretches }
}

fn whole(sums: Option<Vec<TailSum>>) -> (u64, String) {
    sums.into_iter().flatten().next().map_or((0, "0".to_owned()), |sum| (sum.rows, sum.sum))
}

fn hours(sums: Option<Vec<TailSum>>) -> Hours {
    Hours(sums.into_iter().flatten().map(|sum| (sum.hour, (sum.rows, sum.sum))).collect())
}
