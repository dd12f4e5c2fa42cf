//! Clock changes, month ends, and past due times.

use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

use super::*;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn timetable(line: &str, timezone: Tz) -> Timetable {
    Timetable::parse(line, timezone).unwrap()
}

/// The due times after a moment, in UTC.
fn dues(line: &str, timezone: Tz, after: &str, count: usize) -> Vec<String> {
    let timetable = timetable(line, timezone);
    let mut moment = utc(after);
    let mut found = Vec::new();
    while found.len() < count {
        moment = timetable.next_after(moment).unwrap();
        found.push(moment.format("%m-%d %H:%M").to_string());
    }
    found
}

#[test]
fn cron_fields_are_read_in_their_zone() {
    assert_eq!(dues("0 2 * * *", Tz::UTC, "2026-11-23T01:00:00Z", 2), ["11-23 02:00", "11-24 02:00"]);
    // Bishkek is six hours ahead, all year.
    assert_eq!(dues("0 2 * * *", chrono_tz::Asia::Bishkek, "2026-11-23T01:00:00Z", 2), ["11-23 20:00", "11-24 20:00"]);
}

#[test]
fn a_skipped_time_is_due_right_after_the_clock_change() {
    // 2026-03-29: 02:00 in Berlin becomes 03:00, at 01:00 UTC.
    let due = dues("30 2 * * *", Berlin, "2026-03-28T02:00:00Z", 3);
    assert_eq!(due, ["03-29 01:00", "03-30 00:30", "03-31 00:30"]);
}

#[test]
fn a_repeated_time_is_due_once() {
    // 2026-10-25: 03:00 in Berlin becomes 02:00, at 01:00 UTC.
    let due = dues("30 2 * * *", Berlin, "2026-10-24T12:00:00Z", 2);
    assert_eq!(due, ["10-25 00:30", "10-26 01:30"]);
    let table = timetable("30 2 * * *", Berlin);
    assert_eq!(table.latest_until(utc("2026-10-25T12:00:00Z")), Some(utc("2026-10-25T00:30:00Z")));
}

#[test]
fn an_interval_continues_through_a_clock_change() {
    let autumn = dues("*/30 * * * *", Berlin, "2026-10-25T00:00:00Z", 4);
    assert_eq!(autumn, ["10-25 00:30", "10-25 01:00", "10-25 01:30", "10-25 02:00"]);
    let spring = dues("*/30 * * * *", Berlin, "2026-03-29T00:30:00Z", 3);
    assert_eq!(spring, ["03-29 01:00", "03-29 01:30", "03-29 02:00"]);
}

#[test]
fn months_without_the_day_are_skipped_and_l_means_the_last_day() {
    assert_eq!(dues("0 0 31 * *", Tz::UTC, "2026-01-31T00:00:00Z", 2), ["03-31 00:00", "05-31 00:00"]);
    assert_eq!(dues("0 0 L 2 *", Tz::UTC, "2027-01-01T00:00:00Z", 2), ["02-28 00:00", "02-29 00:00"]);
    assert_eq!(dues("0 0 29 2 *", Tz::UTC, "2026-01-01T00:00:00Z", 1), ["02-29 00:00"]);
}

#[test]
fn a_due_time_is_its_own_latest_due_time_and_not_its_next() {
    let table = timetable("0 2 * * *", Tz::UTC);
    let due = utc("2026-11-23T02:00:00Z");
    for moment in [due, utc("2026-11-23T02:00:00.750Z"), utc("2026-11-24T01:59:59.999Z")] {
        assert_eq!(table.latest_until(moment), Some(due), "{moment}");
        assert_eq!(table.next_after(moment), Some(utc("2026-11-24T02:00:00Z")), "{moment}");
    }
    assert_eq!(table.latest_until(utc("2026-11-23T01:59:59.999Z")), Some(utc("2026-11-22T02:00:00Z")));
}

#[test]
fn cron_lines_that_are_invalid_or_never_fire_are_refused_with_a_hint() {
    for (line, words) in [
        ("0 2 * *", "five fields"),
        ("@daily", "five fields"),
        ("0 0 31 2 *", "would never run"),
        ("61 0 * * *", "an example is"),
    ] {
        let hint = Timetable::parse(line, Tz::UTC).unwrap_err();
        assert!(hint.contains(words), "{line}: {hint}");
    }
}

/// Lines of every shape, in zones that change their clocks by an hour, by half an hour, or never.
fn any_timetable() -> impl Strategy<Value = Timetable> {
    let lines = ["30 2 * * *", "0 3 * * *", "*/7 * * * *", "15 */5 * * *", "0 2-4 * * *", "0 0 1 * *", "5 1 * * 0"];
    let zones = [Tz::UTC, Berlin, chrono_tz::America::New_York, chrono_tz::Australia::Lord_Howe];
    (prop::sample::select(lines.to_vec()), prop::sample::select(zones.to_vec()))
        .prop_map(|(line, zone)| timetable(line, zone))
}

/// Any second of four years, every other time close to a change of Berlin's clock.
fn any_moment() -> impl Strategy<Value = DateTime<Utc>> {
    let far = 1_767_225_600..1_893_456_000_i64;
    let near = prop::sample::select(vec![1_774_746_000_i64, 1_792_890_000]);
    prop_oneof![far, (near, -90_000..90_000_i64).prop_map(|(change, offset)| change + offset)]
        .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
}

proptest! {
    #[test]
    fn latest_until_finds_the_due_times_of_next_after(table in any_timetable(), moment in any_moment()) {
        let latest = table.latest_until(moment).unwrap();
        let next = table.next_after(moment).unwrap();
        prop_assert!(latest <= moment && moment < next, "{latest} {moment} {next}");
        prop_assert_eq!(table.next_after(latest), Some(next));
        prop_assert_eq!(table.latest_until(next), Some(next));
    }
}
