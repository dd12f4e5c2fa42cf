//! Where a window may end: the greatest value that no further row can join.

use std::time::Instant;

use chrono::{NaiveDateTime, TimeDelta};

use super::clock::{self, tick};
use super::cursor_column::{explained, value};
use super::fault::from_sqlx;
use super::server::Server;
use super::session::Session;
use super::sql::{self, Bind, Query};
use super::{catalog, connect, texts};
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::epoch::{self, EpochUnit};
use crate::domain::fault::Fault;
use crate::domain::window::{Low, Window};
use crate::source::{Bounds, BoundsAsk, Looked, StretchAsk};

/// Reads the server's clock first and the table after it: a row that is written in between has the tick's value or a
/// later one, never an earlier one.
pub async fn bounds(server: &Server, ask: &BoundsAsk) -> Result<Bounds, Fault> {
    let mut session = connect::open(server).await?;
    let sentence = format!("Reading the bounds of {}.{} failed", ask.table, ask.column);
    let failed = |error| from_sqlx(error, &*sentence);
    let asked = Instant::now();
    let now = clock::now(&mut session).await.map_err(failed)?.ok_or_else(clock::unreadable)?;
    let looked = Looked { asked, answered: Instant::now() };
    let running = tick(now, ask.kind, ask.timezone).map(Cursor::Moment);
    let column = sql::identifier(&ask.column);
    let greatest = |condition: Option<&str>| sql::greatest(&ask.table, &column, sql::as_text, condition);
    let newest = value(&mut session, &ask.table, Query::plain(greatest(None)), ask.kind, &sentence).await?;
    let limit = match newest {
        Some(Cursor::Int(number)) => beside_numbers_ahead(&mut session, ask, now, number, &sentence).await?,
        _ => None,
    }
    .or_else(|| limit(now, ask, newest));
    let open = newest.filter(|newest| beyond(newest, &ask.low));
    let high = match (open, limit) {
        (Some(newest), Some(limit)) if !below(&newest, &limit) => {
            let (low, mut binds) = sql::not_below(&column, &ask.low);
            binds.push(Bind::from(&limit));
            let query = Query::new(greatest(Some(&format!("{low}{column} < ?"))), binds);
            value(&mut session, &ask.table, query, ask.kind, &sentence).await?
        }
        (open, _) => open,
    };
    let has_nulls = ask.nullable && {
        let rows = sql::rows(&ask.table, Some(&format!("{column} IS NULL")));
        let query = Query::plain(format!("SELECT 1 {rows} LIMIT 1"));
        !session.texts(query).await.map_err(failed)?.is_empty()
    };
    let rows = match high.filter(|_| ask.wants_rows) {
        Some(high) => explained(&mut session, &stretch(ask, high)).await?,
        None => None,
    };
    let next_number = match ask.kind {
        CursorKind::Int if open.is_none() => catalog::next_number(&mut session, &ask.table, &ask.column).await?,
        _ => None,
    };
    Ok(Bounds { high, rows, newest, now, looked, tick: running, limit, next_number, has_nulls })
}

/// The first value that is held back, if there is one.
pub fn limit(now: NaiveDateTime, ask: &BoundsAsk, newest: Option<Cursor>) -> Option<Cursor> {
    let limit = tick(settled(now, ask), ask.kind, ask.timezone).map(Cursor::Moment);
    limit.or_else(|| epoch_limit(now, ask, newest?))
}

/// Ten years, in seconds.
const RECENT: i128 = 10 * 366 * 86_400;

/// Rows that are at most this far ahead, in seconds, show the unit of their numbers by themselves.
const AHEAD: i128 = 60;

/// `9999-12-31 23:59:59`, in seconds since 1970: what stands for "for ever" in many tables.
const FOR_EVER: i128 = 253_402_300_799;

/// A column of the time that is in use has a value within this time, in seconds.
const IN_USE: i128 = 86_400;

/// The most rows beyond the present whose numbers are taken for the time without that: clients whose clocks are wrong are
/// few.
const MOST_AHEAD: u64 = 1_000;

fn stretch(ask: &BoundsAsk, high: Cursor) -> StretchAsk {
    let BoundsAsk { table, column, kind, low, .. } = ask.clone();
    StretchAsk { table, column, kind, window: Window { low, high } }
}

/// The instant that counts as the present: rows from it on are held back.
fn settled(now: NaiveDateTime, ask: &BoundsAsk) -> NaiveDateTime {
    let settle = TimeDelta::from_std(ask.settle).unwrap_or(TimeDelta::MAX);
    let settled = now.checked_sub_signed(settle).unwrap_or(NaiveDateTime::MIN);
    ask.before.map_or(settled, |before| before.min(settled))
}

/// The limit for whole numbers that count the time since 1970: the number of the present time, which more rows may
/// share. The unit is recognised by the greatest value, which must be recent.
fn epoch_limit(now: NaiveDateTime, ask: &BoundsAsk, newest: Cursor) -> Option<Cursor> {
    let Cursor::Int(number) = newest else { return None };
    units(ask).find(|&unit| is_recent(now, unit, number)).map(|unit| Cursor::Int(unit.number(now)))
}

/// The units in which a column's numbers may count time. A counter, which is unique, may have come as far as the seconds
/// since 1970.
fn units(ask: &BoundsAsk) -> impl Iterator<Item = EpochUnit> + use<> {
    let is_unique = ask.is_unique;
    EpochUnit::ALL.into_iter().filter(move |&unit| !is_unique || unit != EpochUnit::Second)
}

/// Tells if a number counts an instant of the last ten years, or one at most a minute ahead.
fn is_recent(now: NaiveDateTime, unit: EpochUnit, number: i128) -> bool {
    let now = unit.number(now);
    (now - RECENT * unit.second()..=now + AHEAD * unit.second()).contains(&number)
}

/// The limit where the greatest value is further ahead, or counts in another unit than the others do: one row of a wrong
/// clock must not carry the watermark past all rows that are written until then.
async fn beside_numbers_ahead(
    session: &mut Session,
    ask: &BoundsAsk,
    now: NaiveDateTime,
    newest: i128,
    sentence: &str,
) -> Result<Option<Cursor>, Fault> {
    for unit in units(ask).filter(|&unit| may_be_ahead(now, unit, newest) && may_count(now, unit, &ask.low)) {
        if count_time(session, ask, now, newest, unit, sentence).await? {
            // The numbers of AUTO_INCREMENT count rows.
            let counter = catalog::next_number(session, &ask.table, &ask.column).await?;
            return Ok(counter.is_none().then(|| Cursor::Int(unit.number(now))));
        }
    }
    Ok(None)
}

/// Tells if a number of this unit would be ahead of the clock.
fn may_be_ahead(now: NaiveDateTime, unit: EpochUnit, number: i128) -> bool {
    number > unit.number(now) + AHEAD * unit.second() && !begins_with_a_day(number, now)
}

/// Tells if the rows up to a watermark may count in this unit: those of a watermark beyond any time do not, nor those of
/// one that is recent in a larger unit, or begins with a day.
fn may_count(now: NaiveDateTime, unit: EpochUnit, low: &Low) -> bool {
    let Some(mark) = mark(low) else { return true };
    let is_of_larger = |larger: &EpochUnit| larger.second() > unit.second() && is_recent(now, *larger, mark);
    mark <= FOR_EVER * unit.second() && !EpochUnit::ALL.iter().any(is_of_larger) && !begins_with_a_day(mark, now)
}

/// The number from which a window begins.
const fn mark(low: &Low) -> Option<i128> {
    match low {
        Low::After(Cursor::Int(mark)) | Low::From(Cursor::Int(mark)) => Some(*mark),
        _ => None,
    }
}

/// Tells if a column's numbers count time in this unit: the greatest of those up to the present is recent. That may be
/// chance where numbers count orders or begin with a code, so it takes a watermark that counts in the unit, a value of
/// today, or fewer rows beyond the present than before it. A number beyond any time of the unit may be one of a larger
/// unit, in which most numbers of the column count.
async fn count_time(
    session: &mut Session,
    ask: &BoundsAsk,
    now: NaiveDateTime,
    newest: i128,
    unit: EpochUnit,
    sentence: &str,
) -> Result<bool, Fault> {
    let column = sql::identifier(&ask.column);
    let (present, past) = (unit.number(now), unit.number(now) - RECENT * unit.second());
    let bind = |number| Bind::from(&Cursor::Int(number));
    let settled = sql::greatest(&ask.table, &column, sql::as_text, Some(&format!("{column} <= ?")));
    let settled = value(session, &ask.table, Query::new(settled, vec![bind(present)]), ask.kind, sentence).await?;
    let Some(Cursor::Int(settled)) = settled else { return Ok(false) };
    if settled < past {
        return Ok(false);
    }
    let is_in_use = settled >= present - IN_USE * unit.second();
    let is_marked = mark(&ask.low).is_some_and(|mark| is_recent(now, unit, mark));
    if is_marked && (is_in_use || unit != EpochUnit::Second) || is_in_use && newest <= FOR_EVER * unit.second() {
        return Ok(true);
    }
    let mut count = async |condition: String, binds| {
        let rows = sql::rows(&ask.table, Some(&condition));
        let some =
            format!("SELECT CAST(COUNT(*) AS CHAR) FROM (SELECT 1 {rows} LIMIT {}) AS some_rows", MOST_AHEAD + 1);
        let rows = session.texts(Query::new(some, binds)).await.map_err(|error| from_sqlx(error, sentence))?;
        Ok::<_, Fault>(rows.first().and_then(|row| texts::number(row, 0)).unwrap_or(0))
    };
    let ahead: u64 = count(format!("{column} > ?"), vec![bind(present)]).await?;
    if ahead > MOST_AHEAD {
        return Ok(false);
    }
    let recent = count(format!("{column} BETWEEN ? AND ?"), vec![bind(past), bind(present)]).await?;
    Ok(ahead <= recent)
}

/// Tells if the number may be ahead of the clock in the unit of its column, which takes further looks at the table.
pub fn is_ahead(now: NaiveDateTime, ask: &BoundsAsk, newest: Option<Cursor>) -> bool {
    let Some(Cursor::Int(newest)) = newest else { return false };
    units(ask).any(|unit| may_be_ahead(now, unit, newest) && newest <= FOR_EVER * unit.second())
}

/// Tells if a number begins with a day of the last two years or the next one (`YYMMDD`), as numbers of orders and
/// deliveries do.
fn begins_with_a_day(number: i128, now: NaiveDateTime) -> bool {
    let (first, last) = (now.date() - TimeDelta::days(2 * 366), now.date() + TimeDelta::days(366));
    epoch::leading_day(number).is_some_and(|day| (first..=last).contains(&day))
}

fn beyond(value: &Cursor, low: &Low) -> bool {
    use std::cmp::Ordering::{Equal, Greater};
    match low {
        Low::Beginning => true,
        Low::After(low) => value.compare(low) == Some(Greater),
        Low::From(low) => matches!(value.compare(low), Some(Greater | Equal)),
    }
}

fn below(value: &Cursor, tick: &Cursor) -> bool {
    value.compare(tick) == Some(std::cmp::Ordering::Less)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cursor::Moment;
    use crate::domain::ids::SourceTable;

    /// The question about a column of whole numbers.
    fn numbers(is_unique: bool) -> BoundsAsk {
        BoundsAsk {
            table: SourceTable::whole(None, "t".into()),
            column: "at".into(),
            is_unique,
            nullable: false,
            wants_rows: false,
            kind: CursorKind::Int,
            timezone: chrono_tz::UTC,
            low: Low::Beginning,
            before: None,
            settle: std::time::Duration::ZERO,
        }
    }

    #[test]
    fn a_windows_beginning_is_included_only_if_it_says_so() {
        assert!(!beyond(&Cursor::Int(3), &Low::After(Cursor::Int(3))));
        assert!(beyond(&Cursor::Int(3), &Low::From(Cursor::Int(3))));
        assert!(beyond(&Cursor::Int(-9), &Low::Beginning));
        assert!(below(&Cursor::Int(2), &Cursor::Int(3)) && !below(&Cursor::Int(3), &Cursor::Int(3)));
    }

    #[test]
    fn numbers_that_count_time_are_held_back_from_the_present_on() {
        let now = Moment::parse("2026-11-23 08:00:00").and_then(Moment::to_naive).unwrap();
        let seconds = i128::from(now.and_utc().timestamp());
        let limit = |newest| epoch_limit(now, &numbers(false), Cursor::Int(newest));
        assert_eq!(limit(seconds - 9), Some(Cursor::Int(seconds)));
        assert_eq!(limit(seconds * 1_000 - 9), Some(Cursor::Int(seconds * 1_000)));
        assert_eq!(limit(seconds * 1_000_000 + 9), Some(Cursor::Int(seconds * 1_000_000)));
        for other in [0, 7, -5, 88_120_332, seconds + 3_600, 20_261_123] {
            assert_eq!(limit(other), None, "{other}");
        }
        let unique = |newest| epoch_limit(now, &numbers(true), Cursor::Int(newest));
        assert_eq!(unique(seconds - 9), None, "it may be a counter");
        assert_eq!(unique(seconds * 1_000 - 9), Some(Cursor::Int(seconds * 1_000)));
    }

    #[test]
    fn a_number_that_may_be_ahead_of_the_clock_takes_a_further_look() {
        let now = Moment::parse("2026-11-23 08:00:00").and_then(Moment::to_naive).unwrap();
        let seconds = i128::from(now.and_utc().timestamp());
        let ahead = |unique, newest| is_ahead(now, &numbers(unique), Some(Cursor::Int(newest)));
        for number in [seconds + 3_600, FOR_EVER, (seconds + 3_600) * 1_000, FOR_EVER * 1_000, FOR_EVER * 1_000_000] {
            assert!(ahead(false, number), "{number}");
        }
        assert!(!ahead(true, seconds + 3_600), "it may be a counter");
        // The last ones begin with a day, 22 and 23 November 2026.
        let dated = [2_611_220_815, 2_611_230_000_001, 2_611_230_000_000_001];
        for other in [0, 7, seconds, seconds * 1_000 + 9, 1 << 62].into_iter().chain(dated) {
            assert!(!ahead(false, other), "{other}");
        }
    }

    #[test]
    fn a_watermark_tells_what_the_numbers_up_to_it_may_count() {
        let now = Moment::parse("2026-11-23 08:00:00").and_then(Moment::to_naive).unwrap();
        let seconds = i128::from(now.and_utc().timestamp());
        let may = |unit, mark| may_count(now, unit, &Low::After(Cursor::Int(mark)));
        let [second, milli, micro] = EpochUnit::ALL;
        assert!(may_count(now, second, &Low::Beginning) && may(second, seconds - 9) && may(second, FOR_EVER));
        assert!(!may(second, seconds * 1_000 - 9) && may(milli, seconds * 1_000 - 9) && may(micro, seconds));
        assert!(EpochUnit::ALL.into_iter().all(|unit| !may(unit, 1 << 62)), "numbers beyond any time");
        assert!(!may(second, 2_611_220_815), "an order of 22 November");
    }
}
