//! Where a window may end: the greatest value that no further row can join.

use std::ops::RangeInclusive;
use std::time::Instant;

use chrono::{NaiveDateTime, TimeDelta};

use super::clock::{self, tick};
use super::cursor_column::{explained, value};
use super::fault::from_sqlx;
use super::server::Server;
use super::session::Session;
use super::sql::{self, Bind, Query};
use super::{catalog, connect};
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::epoch::EpochUnit;
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
    let limit = match limit(now, ask, newest) {
        None if ask.kind == CursorKind::Int => beside_numbers_ahead(&mut session, ask, now, newest, &sentence).await?,
        limit => limit,
    };
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
    limit.or_else(|| epoch_limit(now, newest.filter(|_| !ask.is_unique)?))
}

/// Ten years, in seconds.
const RECENT: i128 = 10 * 366 * 86_400;

/// Rows that are at most this far ahead, in seconds, show the unit of their numbers by themselves.
const AHEAD: i128 = 60;

/// The most rows beyond the present whose numbers are taken for seconds.
const MOST_AHEAD: u32 = 1_000;

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
/// share. The unit is recognised by the greatest value, which must lie within the last ten years and at most a minute
/// ahead.
fn epoch_limit(now: NaiveDateTime, newest: Cursor) -> Option<Cursor> {
    counted(now, newest, -RECENT..=AHEAD).map(|(_, now)| Cursor::Int(now))
}

/// The same where the greatest value is further ahead: one row with a wrong clock must not carry the watermark past all
/// rows that are written until then. The numbers count time if the greatest of those up to the present is recent.
/// A counter may have come as far as the seconds since 1970, and then many rows are beyond them.
async fn beside_numbers_ahead(
    session: &mut Session,
    ask: &BoundsAsk,
    now: NaiveDateTime,
    newest: Option<Cursor>,
    sentence: &str,
) -> Result<Option<Cursor>, Fault> {
    let Some((unit, limit)) = newest.and_then(|newest| far_ahead(now, newest)) else { return Ok(None) };
    let column = sql::identifier(&ask.column);
    let bind = || vec![Bind::from(&Cursor::Int(limit))];
    let settled = sql::greatest(&ask.table, &column, sql::as_text, Some(&format!("{column} <= ?")));
    let settled = value(session, &ask.table, Query::new(settled, bind()), ask.kind, sentence).await?;
    if !matches!(settled, Some(Cursor::Int(settled)) if settled >= limit - RECENT * unit.second()) {
        return Ok(None);
    }
    if unit == EpochUnit::Second {
        let rows = sql::rows(&ask.table, Some(&format!("{column} > ?")));
        let query = Query::new(format!("SELECT 1 {rows} LIMIT 1 OFFSET {MOST_AHEAD}"), bind());
        if ask.is_unique || !session.texts(query).await.map_err(|error| from_sqlx(error, sentence))?.is_empty() {
            return Ok(None);
        }
    }
    Ok(Some(Cursor::Int(limit)))
}

/// The unit in which a number counts a time of the next hundred years, and the number of the present.
fn far_ahead(now: NaiveDateTime, newest: Cursor) -> Option<(EpochUnit, i128)> {
    counted(now, newest, AHEAD..=10 * RECENT)
}

/// The unit in which a number counts an instant within these seconds of the present, and the number of the present.
fn counted(now: NaiveDateTime, number: Cursor, seconds: RangeInclusive<i128>) -> Option<(EpochUnit, i128)> {
    let Cursor::Int(number) = number else { return None };
    EpochUnit::ALL.into_iter().find_map(|unit| {
        let (now, second) = (unit.number(now), unit.second());
        (now + seconds.start() * second..=now + seconds.end() * second).contains(&number).then_some((unit, now))
    })
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
        let limit = |newest| epoch_limit(now, Cursor::Int(newest));
        assert_eq!(limit(seconds - 9), Some(Cursor::Int(seconds)));
        assert_eq!(limit(seconds * 1_000 - 9), Some(Cursor::Int(seconds * 1_000)));
        assert_eq!(limit(seconds * 1_000_000 + 9), Some(Cursor::Int(seconds * 1_000_000)));
        for other in [0, 7, -5, 88_120_332, seconds + 3_600, 20_261_123] {
            assert_eq!(limit(other), None, "{other}");
        }
    }

    #[test]
    fn a_number_that_is_ahead_of_the_clock_shows_its_unit() {
        let now = Moment::parse("2026-11-23 08:00:00").and_then(Moment::to_naive).unwrap();
        let seconds = i128::from(now.and_utc().timestamp());
        let ahead = |newest| far_ahead(now, Cursor::Int(newest));
        assert_eq!(ahead(seconds + 3_600), Some((EpochUnit::Second, seconds)));
        assert_eq!(ahead((seconds + 3_600) * 1_000), Some((EpochUnit::Millisecond, seconds * 1_000)));
        assert_eq!(ahead((seconds + 3_600) * 1_000_000), Some((EpochUnit::Microsecond, seconds * 1_000_000)));
        for other in [0, 7, seconds, seconds * 1_000 + 9, 88_120_332_000, 1 << 62] {
            assert_eq!(ahead(other), None, "{other}");
        }
    }
}
