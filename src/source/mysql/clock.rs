//! The server's clock, and the tick: the first value of a moment column that new rows may still get.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::session::Session;
use super::sql::Query;
use super::texts::first;
use crate::domain::cursor::{CursorKind, Moment};
use crate::domain::fault::{Fault, FaultKind};

/// The server's clock in UTC; `None` if it shows no time.
pub async fn now(session: &mut Session) -> Result<Option<NaiveDateTime>, sqlx::Error> {
    let clock = session.texts(Query::plain("SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)")).await?;
    Ok(first(&clock).and_then(Moment::parse).and_then(Moment::to_naive))
}

/// The fault for a clock that shows no time.
pub fn unreadable() -> Fault {
    Fault::new(FaultKind::Bug, "The server's clock cannot be read")
}

/// The tick at `now`, the server's clock in UTC; `None` for integers, which have none.
///
/// In the first pass of an autumn overlap the wall clock will go back, and rows written then will have earlier values
/// than the present one. So the tick stays at the overlap's start until the second pass has begun.
pub fn tick(now: NaiveDateTime, kind: CursorKind, zone: Tz) -> Option<Moment> {
    match kind {
        CursorKind::Int => None,
        CursorKind::DateTime { fsp, zone } => Some(Moment::from_naive(wall_floor(now, zone)).truncated(fsp)),
        CursorKind::Date => Some(Moment::from_naive(wall_floor(now, zone)).midnight()),
    }
}

/// The lowest wall clock that the zone will show from now on.
fn wall_floor(now: NaiveDateTime, zone: Tz) -> NaiveDateTime {
    let instant = now.and_utc();
    let local = instant.with_timezone(&zone).naive_local();
    let chrono::LocalResult::Ambiguous(first, second) = zone.offset_from_local_datetime(&local) else { return local };
    let (first, second) = (east(&first), east(&second));
    let (before, after) = (first.max(second), first.min(second));
    if east(&zone.offset_from_utc_datetime(&now)) != before {
        return local;
    }
    // The change lies between now and the second time of the same wall clock.
    let (mut still, mut past) = (0, i64::from(before - after));
    while past - still > 1 {
        let middle = i64::midpoint(still, past);
        if offset_in(instant, middle, zone) == before { still = middle } else { past = middle }
    }
    let at = now.checked_add_signed(TimeDelta::seconds(past)).unwrap_or(now);
    let start = at.checked_add_signed(TimeDelta::seconds(i64::from(after))).unwrap_or(local);
    // The search counts whole seconds, starting from a time with a fraction.
    start.min(local).with_fraction_cut()
}

fn offset_in(instant: DateTime<Utc>, seconds: i64, zone: Tz) -> i32 {
    let at = instant.checked_add_signed(TimeDelta::seconds(seconds)).unwrap_or(instant);
    east(&zone.offset_from_utc_datetime(&at.naive_utc()))
}

fn east(offset: &impl Offset) -> i32 {
    offset.fix().local_minus_utc()
}

trait CutFraction {
    fn with_fraction_cut(self) -> Self;
}

impl CutFraction for NaiveDateTime {
    fn with_fraction_cut(self) -> Self {
        chrono::Timelike::with_nanosecond(&self, 0).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YORK: Tz = chrono_tz::America::New_York;

    fn at(now: &str, kind: CursorKind, zone: Tz) -> String {
        tick(Moment::parse(now).unwrap().to_naive().unwrap(), kind, zone).unwrap().to_string()
    }

    #[test]
    fn an_instants_tick_is_now_cut_to_the_columns_digits() {
        let kind = |fsp| CursorKind::DateTime { fsp, zone: Tz::UTC };
        assert_eq!(at("2026-11-01 05:30:00.123456", kind(0), NEW_YORK), "2026-11-01 05:30:00");
        assert_eq!(at("2026-11-01 05:30:00.123456", kind(3), NEW_YORK), "2026-11-01 05:30:00.123000");
        assert_eq!(tick(NaiveDateTime::default(), CursorKind::Int, NEW_YORK), None);
    }

    #[test]
    fn a_datetimes_tick_stands_still_until_the_hour_has_been_repeated() {
        let kind = |zone| CursorKind::DateTime { fsp: 6, zone };
        let tick = |now| at(now, kind(NEW_YORK), NEW_YORK);
        assert_eq!(tick("2026-11-01 04:59:59.500000"), "2026-11-01 00:59:59.500000");
        // 01:00 to 02:00 occurs twice; the first pass is 05:00 to 06:00 UTC.
        assert_eq!(tick("2026-11-01 05:00:00"), "2026-11-01 01:00:00");
        assert_eq!(tick("2026-11-01 05:30:00.700000"), "2026-11-01 01:00:00");
        assert_eq!(tick("2026-11-01 05:59:59.999999"), "2026-11-01 01:00:00");
        assert_eq!(tick("2026-11-01 06:00:00"), "2026-11-01 01:00:00");
        assert_eq!(tick("2026-11-01 06:30:00.700000"), "2026-11-01 01:30:00.700000");
        assert_eq!(tick("2026-11-01 07:00:00"), "2026-11-01 02:00:00");
        assert_eq!(at("2026-04-04 14:45:00", kind(chrono_tz::Australia::Lord_Howe), NEW_YORK), "2026-04-05 01:30:00");
    }

    #[test]
    fn a_dates_tick_is_midnight_in_the_zone() {
        assert_eq!(at("2026-11-23 03:00:00", CursorKind::Date, NEW_YORK), "2026-11-22 00:00:00");
        assert_eq!(at("2026-11-23 03:00:00", CursorKind::Date, chrono_tz::Asia::Dhaka), "2026-11-23 00:00:00");
    }
}
