//! The schedule of a mapping if the file, the mapping or neither sets one.

use chrono_tz::{Asia::Bishkek, Europe::Berlin, Tz};

use super::*;
use crate::domain::config::tests::{ORIGINAL, only, read, with};

/// Line, zone, and whether missed runs are made up, for the only mapping.
#[track_caller]
fn of(top: &str, mapping: &str) -> Option<(String, Tz, bool)> {
    let config = with(top, mapping).expect("no problem");
    let Schedule { timetable, catch_up } = config.mappings[0].schedule.clone()?;
    Some((timetable.line().to_owned(), timetable.timezone(), catch_up))
}

fn own(line: &str, timezone: Tz, catch_up: bool) -> (String, Tz, bool) {
    (line.to_owned(), timezone, catch_up)
}

#[test]
fn the_schedule_of_the_original_file_applies_to_all_mappings() {
    let config = read(ORIGINAL).expect("no problem");
    let nightly = Timetable::parse("0 2 * * *", Tz::UTC).expect("a line");
    for mapping in config.mappings {
        assert_eq!(mapping.schedule, Some(Schedule { timetable: nightly.clone(), catch_up: true }));
    }
}

#[test]
fn a_schedule_without_a_cron_line_uses_the_original_tools_line() {
    for top in ["schedule: {}", "schedule:"] {
        assert_eq!(of(&format!("default_timezone: Asia/Bishkek\n{top}"), ""), Some(own("0 2 * * *", Bishkek, true)));
    }
    let top = "schedule: {timezone: Europe/Berlin, catch_up: no}\ndefault_timezone: Asia/Bishkek";
    assert_eq!(of(top, ""), Some(own("0 2 * * *", Berlin, false)));
}

#[test]
fn a_mapping_overrides_only_the_schedule_keys_that_it_names() {
    let top = "schedule: {cron: 0 3 * * *, timezone: Europe/Berlin, catch_up: false}";
    for (mapping, expected) in [
        ("", Some(own("0 3 * * *", Berlin, false))),
        ("    schedule:", Some(own("0 3 * * *", Berlin, false))),
        ("    schedule: '*/15 * * * *'", Some(own("*/15 * * * *", Berlin, false))),
        ("    schedule: {cron: 0 5 * * 1}", Some(own("0 5 * * 1", Berlin, false))),
        ("    schedule: {timezone: Asia/Bishkek, catch_up: true}", Some(own("0 3 * * *", Bishkek, true))),
        ("    schedule: never", None),
    ] {
        assert_eq!(of(top, mapping), expected, "{mapping}");
    }
    assert_eq!(of("default_timezone: Asia/Bishkek", "    schedule: 0 4 * * *"), Some(own("0 4 * * *", Bishkek, true)));
}

#[test]
fn an_invalid_schedule_is_reported_with_its_line() {
    for (top, words) in [
        ("schedule: {cron: 0 2 * *}", "five fields"),
        ("schedule: {cron: '@daily'}", "five fields"),
        ("schedule: {cron: 0 0 31 2 *}", "would never run"),
        ("schedule: {cron: 61 0 * * *}", "`schedule.cron` cannot be `61 0 * * *`"),
        ("schedule: {corn: 0 2 * * *}", "did you mean `cron`?"),
        ("schedule: {timezone: Mars}", "`schedule.timezone` cannot be `Mars`"),
        ("schedule: {catch_up: perhaps}", "`schedule.catch_up` cannot be `perhaps`"),
        ("schedule: daily", "schedule is a single value, not a group of keys"),
    ] {
        assert_eq!(only(with(top, ""), words), Some(3), "{top}");
    }
    for (mapping, words) in [
        ("    schedule: nightly", "`schedule` of mapping `users` cannot be `nightly`"),
        ("    schedule: 0 2 * *", "such as `0 2 * * *`, or `never`"),
        ("    schedule: {cron: 61 0 * * *}", "`schedule.cron` of mapping `users` cannot be `61 0 * * *`"),
        ("    schedule: {crom: 0 2 * * *}", "`schedule.crom` of mapping `users` is not a key"),
        ("    schedule: [0 2 * * *]", "`schedule` of mapping `users` is a list"),
    ] {
        assert_eq!(only(with("location: EU", mapping), words), Some(8), "{mapping}");
    }
}
