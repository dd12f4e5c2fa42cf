//! The tail: the stretch just below a watermark. Its rows are counted and summed when the watermark is set, and again
//! by the next run; stretches that differ are read again. It backs up the fence, and relies on nothing that the fence
//! does.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Serialize};

use super::cursor::{Cursor, CursorKind, Moment};
use super::window::{Low, Window};

/// The near part where the fence is exact: enough for a clock that is set back by seconds, or an application's own
/// stamps.
pub const NEAR_EXACT: Duration = Duration::from_mins(1);

/// The near part elsewhere: it finds rows of unseen transactions that stay open this long.
pub const NEAR: Duration = Duration::from_mins(10);

/// The far part, for a DATETIME: zones differ by 26 hours at most.
pub const FAR: TimeDelta = TimeDelta::hours(26);

/// The near part for a column of whole numbers, whose values say nothing about time, until it is known how far the
/// watermark moves in [`NEAR`].
pub const NUMBERS: i128 = 1_000_000;

/// How often an hour of the far part is read again that changes without growing, as when rows are updated: a late row
/// may have come while another one left.
pub const WHOLE: TimeDelta = TimeDelta::hours(1);

/// How long every change of the far part is read again after rows with stamps behind were seen.
pub const BEHIND: TimeDelta = TimeDelta::days(7);

/// What is remembered of the tail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// The watermark below which the tail lies.
    pub to: String,
    /// Values above this one belong to the near part.
    pub from: String,
    pub rows: u64,
    /// The sum over the rows: a whole number of any size, as text.
    pub sum: String,
    /// For an append that recognises rows by their content: a fingerprint of the columns that the content had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<String>,
    /// The difference of the server's clock to this machine's, in seconds, when the tail was summed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far: Option<Far>,
    /// For a column of whole numbers: earlier watermarks, the first at least [`NEAR`] older than the second.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
}

/// A watermark, and when it was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub at: DateTime<Utc>,
    pub value: String,
}

/// The part of the tail below the near part, hour by hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Far {
    /// Values above this one belong to it, up to the near part.
    pub from: String,
    pub hours: Hours,
    /// When all hours were last found equal, or read again.
    pub whole: DateTime<Utc>,
    /// Until this time every change is read again, because rows stamped in another zone were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_until: Option<DateTime<Utc>>,
}

/// Rows and sum of each hour, by its beginning: `2026-11-23 07`. One line in the state, however many hours there are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Hours(pub BTreeMap<String, (u64, String)>);

impl From<String> for Hours {
    fn from(text: String) -> Self {
        let hour = |entry: &str| {
            let (hour, rest) = entry.split_once('=')?;
            let (rows, sum) = rest.split_once(':')?;
            Some((hour.to_owned(), (rows.parse().ok()?, sum.to_owned())))
        };
        Self(text.split(',').filter_map(hour).collect())
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        let entries: Vec<_> = hours.0.iter().map(|(hour, (rows, sum))| format!("{hour}={rows}:{sum}")).collect();
        entries.join(",")
    }
}

impl Hours {
    /// The hours that differ from `now`, and whether one of them has grown.
    #[must_use]
    pub fn changed(&self, now: &Self) -> (Vec<String>, bool) {
        let none = (0, String::new());
        let all: std::collections::BTreeSet<_> = self.0.keys().chain(now.0.keys()).collect();
        let differs = |hour: &&&String| {
            let rows = |of: &Self| of.0.get(**hour).unwrap_or(&none).0;
            self.0.get(**hour) != now.0.get(**hour) && (rows(self), rows(now)) != (0, 0)
        };
        let grown = |hour: &&String| now.0.get(*hour).unwrap_or(&none).0 > self.0.get(*hour).unwrap_or(&none).0;
        let changed: Vec<_> = all.iter().filter(|hour| differs(hour)).copied().collect();
        let has_grown = changed.iter().any(grown);
        (changed.into_iter().cloned().collect(), has_grown)
    }
}

/// The window of an hour of the far part; `None` for a text that is not an hour.
#[must_use]
pub fn hour(text: &str) -> Option<Window> {
    let first = Moment::parse(&format!("{text}:00:00"))?;
    let last = Moment { minute: 59, second: 59, micro: 999_999, ..first };
    Some(Window { low: Low::From(Cursor::Moment(first)), high: Cursor::Moment(last) })
}

/// Joins windows that touch or overlap, so that no row is read twice; in order.
#[must_use]
pub fn joined(mut windows: Vec<Window>) -> Vec<Window> {
    use std::cmp::Ordering::Greater;
    windows.sort_by(|a, b| begins(a).compare(&begins(b)).unwrap_or(std::cmp::Ordering::Equal));
    let mut found: Vec<Window> = Vec::new();
    for window in windows {
        match found.last_mut().filter(|last| begins(&window).compare(&next(last.high)) != Some(Greater)) {
            Some(last) => last.high = last.high.max_of(window.high),
            None => found.push(window),
        }
    }
    found
}

fn begins(window: &Window) -> Cursor {
    match window.low {
        Low::Beginning => Cursor::Int(i128::MIN),
        Low::After(low) => next(low),
        Low::From(low) => low,
    }
}

/// The value after this one, in the smallest step that a column may have.
fn next(value: Cursor) -> Cursor {
    moved(value, 1, TimeDelta::microseconds(1))
}

/// The value moved by `numbers` or `by`, up or down; unchanged if no calendar has the result.
fn moved(value: Cursor, numbers: i128, by: TimeDelta) -> Cursor {
    match value {
        Cursor::Int(value) => Cursor::Int(value.saturating_add(numbers)),
        Cursor::Moment(moment) => {
            let at = moment.to_naive().and_then(|at| at.checked_add_signed(by));
            Cursor::Moment(at.map_or(moment, Moment::from_naive))
        }
    }
}

/// The value above which the near part of the tail below `to` begins.
///
/// `marks` are the earlier watermarks of a column of whole numbers; `first` is the mapping's first value
/// (`backfill_start`), below which nothing is read.
#[must_use]
pub fn near_from(to: Cursor, kind: CursorKind, near: Duration, marks: &[Mark], first: Option<Cursor>) -> Cursor {
    let from = match kind {
        CursorKind::Int => {
            let mark = if marks.len() > 1 { marks.first() } else { None };
            let earlier = mark.and_then(|mark| Cursor::parse(&mark.value, kind).ok());
            let by_count = moved(to, -NUMBERS, TimeDelta::zero());
            earlier.unwrap_or(by_count)
        }
        CursorKind::DateTime { .. } => moved(to, 0, -TimeDelta::from_std(near).unwrap_or_default()),
        // In other zones the day lasts longer, and rows may still join it.
        CursorKind::Date => moved(to, 0, -TimeDelta::days(2)),
    };
    not_below(from, first)
}

/// The value above which the far part of the tail below `to` begins.
#[must_use]
pub fn far_from(to: Cursor, first: Option<Cursor>) -> Cursor {
    let Cursor::Moment(moment) = moved(to, 0, -FAR) else { return to };
    // Whole hours, otherwise the first hour would change with every run.
    let hour = moment.to_naive().and_then(|at| at.with_minute(0)?.with_second(0)?.with_nanosecond(0));
    let from = Cursor::Moment(hour.map_or(moment, Moment::from_naive));
    not_below(moved(from, 0, -TimeDelta::microseconds(1)), first)
}

fn not_below(from: Cursor, first: Option<Cursor>) -> Cursor {
    first.map_or(from, |first| from.max_of(moved(first, -1, -TimeDelta::microseconds(1))))
}

/// The earlier watermarks, with `value` added at `at`: the first is the latest one that is at least [`NEAR`] old.
#[must_use]
pub fn marked(marks: &[Mark], value: String, at: DateTime<Utc>) -> Vec<Mark> {
    let near = TimeDelta::from_std(NEAR).unwrap_or_default();
    let mut marks = marks.to_vec();
    match marks.last() {
        Some(last) if at - last.at < near => {}
        _ => marks.push(Mark { at, value }),
    }
    // Once a third mark is old enough, the second becomes the first.
    while marks.len() > 2 && at - marks[1].at >= near {
        marks.remove(0);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Cursor {
        Cursor::Moment(Moment::parse(text).unwrap())
    }

    const KIND: CursorKind = CursorKind::DateTime { fsp: 0, zone: chrono_tz::UTC };

    #[test]
    fn the_near_part_begins_minutes_below_a_moment_and_never_below_the_mappings_first_value() {
        let from = |first| near_from(at("2026-11-23 08:00:00"), KIND, NEAR, &[], first).to_string();
        assert_eq!(from(None), "2026-11-23 07:50:00");
        assert_eq!(from(Some(at("2026-11-23 07:55:00"))), "2026-11-23 07:54:59.999999");
        let day = near_from(at("2026-11-23"), CursorKind::Date, NEAR, &[], None);
        assert_eq!(day, at("2026-11-21"));
    }

    #[test]
    fn the_near_part_of_numbers_begins_at_the_watermark_of_minutes_ago() {
        let start = DateTime::UNIX_EPOCH;
        let minutes = |n| start + TimeDelta::minutes(n);
        let mut marks = Vec::new();
        let mut from = Vec::new();
        for (minute, value) in [(0, 10), (5, 20), (11, 30), (15, 40), (22, 50), (90, 60)] {
            marks = marked(&marks, value.to_string(), minutes(minute));
            from.push(near_from(Cursor::Int(value), CursorKind::Int, NEAR, &marks, None));
        }
        let by_count = |value: i128| Cursor::Int(value - NUMBERS);
        let expected = [by_count(10), by_count(20), Cursor::Int(10), Cursor::Int(10), Cursor::Int(30), Cursor::Int(50)];
        assert_eq!(from, expected);
    }

    #[test]
    fn hours_are_stored_in_one_line_and_read_back() {
        let hours = Hours([("2026-11-23 07".to_owned(), (3, "99".to_owned()))].into());
        let text = String::from(hours.clone());
        assert_eq!(text, "2026-11-23 07=3:99");
        assert_eq!(Hours::from(text), hours);
        assert_eq!(Hours::from(String::new()), Hours::default());
    }

    #[test]
    fn differing_hours_are_listed_and_growth_is_noticed() {
        let hours = |of: &[(&str, u64, &str)]| {
            Hours(of.iter().map(|(hour, rows, sum)| ((*hour).to_owned(), (*rows, (*sum).to_owned()))).collect())
        };
        let then = hours(&[("a", 3, "9"), ("b", 2, "5")]);
        let changed = |now: &[(&str, u64, &str)]| then.changed(&hours(now));
        assert_eq!(changed(&[("a", 3, "9"), ("b", 2, "5")]), (vec![], false));
        assert_eq!(changed(&[("a", 3, "8"), ("b", 2, "5")]), (vec!["a".to_owned()], false));
        assert_eq!(changed(&[("a", 2, "4")]), (vec!["a".to_owned(), "b".to_owned()], false));
        assert_eq!(changed(&[("a", 3, "9"), ("b", 2, "5"), ("c", 1, "1")]), (vec!["c".to_owned()], true));
    }

    #[test]
    fn windows_that_touch_become_one() {
        let seven = hour("2026-11-23 07").unwrap();
        let eight = hour("2026-11-23 08").unwrap();
        let ten = hour("2026-11-23 10").unwrap();
        let near = Window { low: Low::After(at("2026-11-23 08:50:00")), high: at("2026-11-23 09:00:00") };
        let all = joined(vec![near, ten, eight, seven]);
        let texts: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["[2026-11-23 07:00:00, 2026-11-23 09:00:00]", "[2026-11-23 10:00:00, 2026-11-23 10:59:59.999999]"]
        );
        assert_eq!(hour("no hour"), None);
    }

    #[test]
    fn the_far_part_begins_with_a_whole_hour() {
        assert_eq!(far_from(at("2026-11-23 08:12:34"), None).to_string(), "2026-11-22 05:59:59.999999");
    }
}
