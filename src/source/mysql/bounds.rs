//! Where a window may end: the greatest value that no further row can join.

use chrono::{NaiveDateTime, TimeDelta};

use super::clock::tick;
use super::connect::{self, Session, first};
use super::fault::from_sqlx;
use super::sql::{self, Bind, Query};
use super::stretch::explained;
use crate::domain::config::MysqlSettings;
use crate::domain::cursor::{Cursor, Moment};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::window::{Low, Window};
use crate::source::{Bounds, BoundsAsk, StretchAsk};

/// Asks the server's clock first and the table after it: a row written in between is at the tick or beyond, never
/// below it.
pub async fn bounds(settings: &MysqlSettings, ask: &BoundsAsk) -> Result<Bounds, Fault> {
    let mut session = connect::open(settings).await?;
    let failed = |error| from_sqlx(error, format!("Reading the bounds of {}.{} failed", ask.table, ask.column));
    let clock = session.texts(Query::plain("SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)")).await.map_err(failed)?;
    let Some(now) = first(&clock).and_then(Moment::parse).and_then(Moment::to_naive) else {
        return Err(Fault::new(FaultKind::Bug, "The server's clock cannot be read"));
    };
    let at = |instant| tick(instant, ask.kind, ask.timezone).map(Cursor::Moment);
    let (running, limit) = (at(now), at(settled(now, ask)));
    let (table, column) = (sql::table(&ask.table), sql::identifier(&ask.column));
    let greatest = format!("SELECT CAST(MAX({column}) AS CHAR) FROM {table}");
    let newest = value(&mut session, ask, Query::plain(greatest.clone())).await?;
    let open = newest.filter(|newest| beyond(newest, &ask.low));
    let high = match (open, limit) {
        (Some(newest), Some(limit)) if !below(&newest, &limit) => {
            let (low, mut binds) = low_filter(&ask.low, &column);
            binds.push(Bind::from(&limit));
            value(&mut session, ask, Query::new(format!("{greatest} WHERE {low}{column} < ?"), binds)).await?
        }
        (open, _) => open,
    };
    let has_nulls = ask.nullable && {
        let query = Query::plain(format!("SELECT 1 FROM {table} WHERE {column} IS NULL LIMIT 1"));
        !session.texts(query).await.map_err(failed)?.is_empty()
    };
    let rows = match high.filter(|_| ask.wants_rows) {
        Some(high) => explained(&mut session, &stretch(ask, high)).await?,
        None => None,
    };
    Ok(Bounds { high, rows, newest, tick: running, limit, has_nulls })
}

fn stretch(ask: &BoundsAsk, high: Cursor) -> StretchAsk {
    let BoundsAsk { table, column, kind, low, .. } = ask.clone();
    StretchAsk { table, column, kind, window: Window { low, high } }
}

/// The instant that counts as the present: rows from there on are held back.
fn settled(now: NaiveDateTime, ask: &BoundsAsk) -> NaiveDateTime {
    let settle = TimeDelta::from_std(ask.settle).unwrap_or(TimeDelta::MAX);
    let settled = now.checked_sub_signed(settle).unwrap_or(NaiveDateTime::MIN);
    ask.before.map_or(settled, |before| before.min(settled))
}

async fn value(session: &mut Session, ask: &BoundsAsk, query: Query) -> Result<Option<Cursor>, Fault> {
    let sentence = || format!("Reading the bounds of {}.{} failed", ask.table, ask.column);
    let rows = session.texts(query).await.map_err(|error| from_sqlx(error, sentence()))?;
    first(&rows).map(|text| Cursor::parse(text, ask.kind)).transpose().map_err(|fault| {
        Fault::new(FaultKind::Schema, sentence())
            .caused_by(fault)
            .with_hint("the column is no longer of the type it was described with: run again")
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

pub(super) fn low_filter(low: &Low, column: &str) -> (String, Vec<Bind>) {
    match low {
        Low::Beginning => (String::new(), Vec::new()),
        Low::After(low) => (format!("{column} > ? AND "), vec![Bind::from(low)]),
        Low::From(low) => (format!("{column} >= ? AND "), vec![Bind::from(low)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_its_low_value_only_from_there() {
        assert!(!beyond(&Cursor::Int(3), &Low::After(Cursor::Int(3))));
        assert!(beyond(&Cursor::Int(3), &Low::From(Cursor::Int(3))));
        assert!(beyond(&Cursor::Int(-9), &Low::Beginning));
        assert!(below(&Cursor::Int(2), &Cursor::Int(3)) && !below(&Cursor::Int(3), &Cursor::Int(3)));
    }

    #[test]
    fn the_held_back_part_is_cut_off_in_the_query() {
        let (filter, binds) = low_filter(&Low::After(Cursor::Int(3)), "`c`");
        assert_eq!((filter.as_str(), binds), ("`c` > ? AND ", vec![Bind::Int(3)]));
    }
}
