//! `schedule`: of all mappings, and of one that goes its own way.

use chrono_tz::Tz;

use super::document::timezone;
use super::read::{Reading, Section, Value};
use super::yaml::Kind;
use crate::domain::schedule::{Schedule, Timetable};

const KEYS: [&str; 3] = ["cron", "timezone", "catch_up"];

/// The original tool's schedule where the section names none.
const DEFAULT_CRON: &str = "0 2 * * *";

/// Rows that are a day late because a machine was restarted at two in the night are worth a run at another hour; what
/// it reads is what the missed one would have read.
const DEFAULT_CATCH_UP: bool = true;

/// The word of a mapping that only runs when it is told to.
const NEVER: &str = "never";

/// The schedule of all mappings. A section without `cron` still means that there is one.
pub(super) fn of_all(r: &mut Reading<'_>, top: &Section<'_>, default_timezone: Tz) -> Option<Schedule> {
    let entry = top.entry("schedule")?;
    let base = Base::of(None, default_timezone);
    if entry.node.is_null() {
        return base.schedule();
    }
    let section = Section::open(r, &entry.node, &KEYS, "schedule.", String::new())?;
    group(r, &section, base)
}

/// A mapping's own: a cron line, a group whose missing keys are taken from `of_all`, or `never`; else `of_all`.
pub(super) fn of_mapping(
    r: &mut Reading<'_>,
    mapping: &Section<'_>,
    of_all: Option<&Schedule>,
    default_timezone: Tz,
) -> Option<Schedule> {
    let Some(entry) = mapping.entry("schedule").filter(|entry| !entry.node.is_null()) else { return of_all.cloned() };
    let base = Base::of(of_all, default_timezone);
    if let Kind::Mapping(_) = entry.node.kind {
        let section = mapping.inner(r, &entry.node, &KEYS, "schedule.")?;
        return group(r, &section, base);
    }
    let line = mapping.optional(r, "schedule")?;
    if line.text.eq_ignore_ascii_case(NEVER) {
        return None;
    }
    cron(r, mapping, ("schedule", ", or `never`"), &line, &base)
}

fn group(r: &mut Reading<'_>, section: &Section<'_>, base: Base) -> Option<Schedule> {
    let line = section.optional(r, "cron");
    let base = Base {
        timezone: timezone(r, section, "timezone").unwrap_or(base.timezone),
        catch_up: section.flag(r, "catch_up").unwrap_or(base.catch_up),
        ..base
    };
    match line {
        Some(line) => cron(r, section, ("cron", ""), &line, &base),
        None => base.schedule(),
    }
}

fn cron(
    r: &mut Reading<'_>,
    section: &Section<'_>,
    (key, or): (&str, &str),
    line: &Value,
    base: &Base,
) -> Option<Schedule> {
    match Timetable::parse(&line.text, base.timezone) {
        Ok(timetable) => Some(Schedule { timetable, catch_up: base.catch_up }),
        Err(hint) => {
            section.refuse(r, key, line, hint + or);
            None
        }
    }
}

/// What holds where a section says nothing.
struct Base {
    line: String,
    timezone: Tz,
    catch_up: bool,
}

impl Base {
    fn of(schedule: Option<&Schedule>, default_timezone: Tz) -> Self {
        match schedule {
            Some(Schedule { timetable, catch_up }) => {
                Self { line: timetable.line().to_owned(), timezone: timetable.timezone(), catch_up: *catch_up }
            }
            None => Self { line: DEFAULT_CRON.to_owned(), timezone: default_timezone, catch_up: DEFAULT_CATCH_UP },
        }
    }

    /// Its line has been read before, or is the default's.
    fn schedule(self) -> Option<Schedule> {
        let timetable = Timetable::parse(&self.line, self.timezone).ok()?;
        Some(Schedule { timetable, catch_up: self.catch_up })
    }
}

#[cfg(test)]
mod tests;
