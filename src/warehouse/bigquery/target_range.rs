//! A window of the incremental column in the target's own terms, and the number of target rows within it.

use chrono::{Offset, TimeZone};
use chrono_tz::Tz;

use super::literal::{column, table};
use super::own_rows;
use crate::domain::cursor::{Cursor, CursorKind, Moment};
use crate::domain::ids::TableId;
use crate::domain::partitioning::Partitioning;
use crate::domain::plan::TablePlan;
use crate::domain::target_type::TargetType;
use crate::domain::window::{Low, Window};

/// The statement that counts the rows of a window.
#[must_use]
pub fn count(target: &TableId, plan: &TablePlan, window: Window) -> String {
    format!("SELECT COUNT(*) FROM {} WHERE {}{}", table(target), filter(plan, window), own_rows::and(plan, ""))
}

/// The statement that counts all rows, or those that meet a condition.
#[must_use]
pub fn count_all(target: &TableId, partitioning: Option<&Partitioning>, only: Option<String>) -> String {
    let conditions: Vec<String> = only.into_iter().chain(partitioning.and_then(|by| by.condition(""))).collect();
    let only = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    format!("SELECT COUNT(*) FROM {}{only}", table(target))
}

/// The statement that counts the rows beyond a value.
#[must_use]
pub fn count_beyond(target: &TableId, plan: &TablePlan, mark: &Cursor) -> String {
    let beyond = on_cursor(plan, |name, value| format!("{name} > {}", value(mark)));
    format!("SELECT COUNT(*) FROM {} WHERE {beyond}{}", table(target), own_rows::and(plan, ""))
}

/// The condition that a row of the target lies in the window.
#[must_use]
pub fn filter(plan: &TablePlan, window: Window) -> String {
    on_cursor(plan, |name, value| {
        let low = match &window.low {
            Low::Beginning => String::new(),
            Low::After(low) => format!("{name} > {} AND ", value(low)),
            Low::From(low) => format!("{name} >= {} AND ", value(low)),
        };
        format!("{low}{name} <= {}", value(&window.high))
    })
}

/// The condition that a row's value is at least `from`.
#[must_use]
pub fn reaches(plan: &TablePlan, from: &Cursor) -> String {
    on_cursor(plan, |name, value| format!("IFNULL({name} >= {}, FALSE)", value(from)))
}

/// A condition on the incremental column, built from the column's name and the literal of a value. Without an
/// incremental column it is FALSE: no row lies in any window.
fn on_cursor(plan: &TablePlan, condition: impl Fn(&str, &dyn Fn(&Cursor) -> String) -> String) -> String {
    let Some(cursor) = plan.cursor else { return "FALSE".to_owned() };
    let of = &plan.columns[cursor.position];
    condition(&column(&of.target_name), &|value| literal(value, cursor.kind, &of.target_type))
}

/// A value as a literal; a moment that no calendar has is written as the last one before it, or as the smallest that
/// BigQuery's types hold.
pub fn literal(value: &Cursor, kind: CursorKind, target: &TargetType) -> String {
    let moment = match value {
        Cursor::Int(number) => return format!("CAST('{number}' AS {})", target.name()),
        Cursor::Moment(moment) => {
            moment.on_calendar().map_or(Moment { year: 1, month: 1, day: 1, ..Moment::default() }, Moment::from_naive)
        }
    };
    let zone = match kind {
        CursorKind::DateTime { zone, .. } => zone,
        CursorKind::Date | CursorKind::Int => Tz::UTC,
    };
    match target {
        TargetType::Timestamp => format!("TIMESTAMP '{}+00:00'", in_utc(moment, zone)),
        TargetType::Date => format!("DATE '{:04}-{:02}-{:02}'", moment.year, moment.month, moment.day),
        TargetType::DateTime => format!("DATETIME '{moment}'"),
        _ => format!("'{moment}'"),
    }
}

/// A wall clock as UTC. A wall clock that occurs twice is read as the first; one that never occurs as if it did. Only
/// counts of rows depend on this.
fn in_utc(moment: Moment, zone: Tz) -> Moment {
    let Some(wall) = moment.to_naive() else { return moment };
    let offset = match zone.offset_from_local_datetime(&wall) {
        chrono::LocalResult::Single(offset) | chrono::LocalResult::Ambiguous(offset, _) => offset,
        chrono::LocalResult::None => zone.offset_from_utc_datetime(&wall),
    };
    let east = chrono::TimeDelta::seconds(i64::from(offset.fix().local_minus_utc()));
    Moment::from_naive(wall.checked_sub_signed(east).unwrap_or(wall))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_is_compared_as_the_instant_that_the_target_holds() {
        let kind = CursorKind::DateTime { fsp: 0, zone: chrono_tz::America::New_York };
        let at = Cursor::Moment(Moment::parse("2026-07-01 08:00:00").unwrap());
        assert_eq!(literal(&at, kind, &TargetType::Timestamp), "TIMESTAMP '2026-07-01 12:00:00+00:00'");
        assert_eq!(literal(&at, kind, &TargetType::DateTime), "DATETIME '2026-07-01 08:00:00'");
        assert_eq!(literal(&at, CursorKind::Date, &TargetType::Date), "DATE '2026-07-01'");
        assert_eq!(literal(&Cursor::Int(-7), CursorKind::Int, &TargetType::Int64), "CAST('-7' AS INT64)");
    }

    #[test]
    fn a_zero_date_is_below_every_row() {
        let zero = Cursor::Moment(Moment::default());
        let kind = CursorKind::DateTime { fsp: 0, zone: Tz::UTC };
        assert_eq!(literal(&zero, kind, &TargetType::Timestamp), "TIMESTAMP '0001-01-01 00:00:00+00:00'");
    }
}
