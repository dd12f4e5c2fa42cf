//! `schedule`: for all mappings, or for a single one.

use chrono_tz::Tz;

use super::key::{self, At, Gaps, Key, Missing, Row, put};
use super::read::{Reading, Value};
use super::validate;
use super::yaml::Kind;
use crate::domain::schedule::{Schedule, Timetable};

const KEYS: &[Key<Draft>] = &[
    // The default is the original tool's schedule.
    Key::new(
        "cron",
        Missing::Is("0 2 * * *"),
        "Five fields: minute, hour, day, month, weekday (0 or 7 is Sunday)",
        |schedule, at| put(&mut schedule.cron, at.value().map(Some)),
    ),
    Key::new("timezone", Missing::Means("`default_timezone`"), "Zone of the fields", |schedule, at| {
        put(&mut schedule.timezone, at.parsed(validate::timezone));
    }),
    // Missed runs are made up by default: if a machine was restarted at two in the night, rows would be a day late. The
    // run at another hour reads what the missed one would have read.
    Key::new(
        "catch_up",
        Missing::Is("true"),
        "`bqsync schedule` makes up, once, the run that was missed while it was down; `false`: it waits for the next \
         due time",
        |schedule, at| put(&mut schedule.catch_up, at.flag()),
    ),
];

const PREFIX: &str = "schedule.";

/// The word for a mapping that runs only on demand.
const NEVER: &str = "never";

/// The lines for the documentation of these keys.
pub(super) fn rows() -> Vec<Row> {
    key::rows(KEYS, PREFIX)
}

/// The values of a group; before it is read, the defaults.
struct Draft {
    cron: Option<Value>,
    timezone: Tz,
    catch_up: bool,
}

/// The schedule of all mappings. A section without `cron` still sets one.
pub(super) fn of_all(at: &mut At<'_, '_>, default_timezone: Tz) -> Option<Schedule> {
    if !at.is_written() {
        return None;
    }
    let mut draft = Draft::usual(default_timezone);
    if let Some(node) = at.node() {
        let section = key::open(at.r, node, KEYS, PREFIX, String::new())?;
        key::read(at.r, &section, KEYS, Gaps::Keep, &mut draft);
    }
    draft.schedule(at.r, "")
}

/// A mapping's own schedule: a cron line, a group whose missing keys come from `of_all`, or `never`; without any,
/// `of_all`.
pub(super) fn of_mapping(at: &mut At<'_, '_>, of_all: Option<Schedule>, default_timezone: Tz) -> Option<Schedule> {
    let Some(node) = at.node() else { return of_all };
    let mut draft = match of_all {
        Some(Schedule { timetable, catch_up }) => {
            Draft { cron: Some(at.unwritten(timetable.line())), timezone: timetable.timezone(), catch_up }
        }
        None => Draft::usual(default_timezone),
    };
    if let Kind::Mapping(_) = node.kind {
        let section = key::open(at.r, node, KEYS, PREFIX, at.section.of.clone())?;
        key::read(at.r, &section, KEYS, Gaps::Keep, &mut draft);
        return draft.schedule(at.r, "");
    }
    let line = at.value()?;
    if line.text.eq_ignore_ascii_case(NEVER) {
        return None;
    }
    Draft { cron: Some(line), ..draft }.schedule(at.r, ", or `never`")
}

impl Draft {
    /// The defaults.
    fn usual(timezone: Tz) -> Self {
        let mut draft = Self { cron: None, timezone, catch_up: false };
        key::defaults(KEYS, &mut draft);
        draft
    }

    /// `or`: what else could be written in place of the line.
    fn schedule(self, r: &mut Reading<'_>, or: &str) -> Option<Schedule> {
        let line = self.cron?;
        let timetable = Timetable::parse(&line.text, self.timezone).map_err(|hint| r.refuse(&line, hint + or)).ok()?;
        Some(Schedule { timetable, catch_up: self.catch_up })
    }
}

#[cfg(test)]
mod tests;
