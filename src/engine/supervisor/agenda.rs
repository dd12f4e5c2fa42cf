//! What is due by the schedule, what has to wait, and what comes next. Pure: the caller passes clock and state.
//!
//! A mapping has at most one open due time. A new due time replaces one that still waits, so that runs never pile up; a
//! due time that another process has run for is crossed out, so that each is run for once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::config::Mapping;
use crate::domain::ids::MappingName;
use crate::domain::report::Outcome;
use crate::domain::schedule::Timetable;
use crate::engine::protocol::Event;
use crate::state::{Holder, MappingState};

/// The mappings that have a schedule.
#[derive(Debug)]
pub(in crate::engine) struct Agenda {
    entries: BTreeMap<MappingName, Entry>,
}

#[derive(Debug)]
struct Entry {
    timetable: Timetable,
    next: Option<DateTime<Utc>>,
    open: Option<Due>,
    /// The due time that one of our runs is under way for.
    running: Option<DateTime<Utc>>,
}

/// A due time for which no run has begun.
#[derive(Debug, Clone, Copy)]
struct Due {
    at: DateTime<Utc>,
    /// The due time is older than this agenda: the state has to tell if a process ran for it.
    is_past: bool,
    /// An event has said that it waits.
    is_told: bool,
}

/// What is known of all mappings at one moment.
#[derive(Debug, Default)]
pub(in crate::engine) struct Known {
    /// `None`: the state cannot be read.
    pub states: Option<BTreeMap<MappingName, MappingState>>,
    /// Who works on which mapping, including this process's runs.
    pub holders: BTreeMap<MappingName, Holder>,
}

/// What follows from a look at the state.
#[derive(Debug, Default)]
pub(in crate::engine) struct Findings {
    /// The mappings whose runs begin now.
    pub start: Vec<MappingName>,
    pub events: Vec<Event>,
}

/// What to do about an open due time.
enum Verdict {
    Start,
    Wait(Option<String>),
    CrossOut,
}

impl Agenda {
    /// `make_up`: past due times are open too, if the mapping's `catch_up` says so.
    pub(in crate::engine) fn new(mappings: &[Mapping], now: DateTime<Utc>, make_up: bool) -> Self {
        let entry = |mapping: &Mapping| {
            let schedule = mapping.schedule.as_ref()?;
            let timetable = schedule.timetable.clone();
            let past = timetable.latest_until(now).filter(|_| make_up && schedule.catch_up);
            let open = past.map(|at| Due { at, is_past: true, is_told: false });
            let next = timetable.next_after(now);
            Some((mapping.name.clone(), Entry { timetable, next, open, running: None }))
        };
        Self { entries: mappings.iter().filter_map(entry).collect() }
    }

    /// Opens the due times that have come; `true` if there are any.
    pub(in crate::engine) fn pass(&mut self, now: DateTime<Utc>) -> bool {
        let mut any = false;
        for entry in self.entries.values_mut() {
            let Some(next) = entry.next.filter(|next| *next <= now) else { continue };
            let at = entry.timetable.latest_until(now).unwrap_or(next);
            let is_told = entry.open.is_some_and(|former| former.is_told);
            entry.open = Some(Due { at, is_past: false, is_told });
            entry.next = entry.timetable.next_after(now);
            any = true;
        }
        any
    }

    /// Tells if there is a mapping whose run could begin if nobody works on it.
    pub(in crate::engine) fn is_open(&self) -> bool {
        self.entries.values().any(|entry| entry.open.is_some() && entry.running.is_none())
    }

    /// The next due time of all, and the mappings that it belongs to.
    pub(in crate::engine) fn next(&self) -> Option<(DateTime<Utc>, Vec<MappingName>)> {
        let at = self.entries.values().filter_map(|entry| entry.next).min()?;
        let due = self.entries.iter().filter(|(_, entry)| entry.next == Some(at));
        Some((at, due.map(|(name, _)| name.clone()).collect()))
    }

    /// Decides about all open due times. `is_busy` tells if this process works on a mapping.
    pub(in crate::engine) fn judge(&mut self, known: &Known, is_busy: impl Fn(&MappingName) -> bool) -> Findings {
        let mut findings = Findings::default();
        for (name, entry) in &mut self.entries {
            let Some(due) = entry.open.filter(|_| entry.running.is_none()) else { continue };
            let (mapping, at) = (name.clone(), due.at);
            match verdict(name, due, known, is_busy(name)) {
                Verdict::Start => {
                    entry.running = Some(due.at);
                    entry.open = None;
                    if due.is_past {
                        findings.events.push(Event::MissedRunFound { mapping: mapping.clone(), due: at });
                    }
                    findings.start.push(mapping);
                }
                Verdict::CrossOut => {
                    entry.open = None;
                    if !due.is_past {
                        findings.events.push(Event::DueRunLeft { mapping, due: at });
                    }
                }
                Verdict::Wait(reason) => {
                    let Some(reason) = reason.filter(|_| !due.is_told) else { continue };
                    entry.open = Some(Due { is_told: true, ..due });
                    findings.events.push(Event::DueRunDelayed { mapping, due: at, reason });
                }
            }
        }
        findings
    }

    /// Records the end of one of our runs. `is_held`: another process took the mapping first, and it is not known yet
    /// whether its run is the due one.
    pub(in crate::engine) fn ended(&mut self, mapping: &MappingName, is_held: bool) {
        let Some(entry) = self.entries.get_mut(mapping) else { return };
        let Some(at) = entry.running.take() else { return };
        if is_held && entry.open.is_none() {
            entry.open = Some(Due { at, is_past: false, is_told: false });
        }
    }
}

fn verdict(name: &MappingName, due: Due, known: &Known, is_busy: bool) -> Verdict {
    let Some(states) = &known.states else {
        // Starting a run reports what is wrong with the state; a past due time can wait for an answer.
        return if due.is_past || is_busy { Verdict::Wait(None) } else { Verdict::Start };
    };
    let state = states.get(name);
    // A mapping that has never run has no missed runs.
    if state.is_some_and(|state| is_served(state, due.at)) || (due.is_past && !state.is_some_and(has_run)) {
        Verdict::CrossOut
    } else if let Some(holder) = known.holders.get(name) {
        Verdict::Wait(Some(format!("it is held by {holder}")))
    } else if is_busy {
        Verdict::Wait(Some("an earlier run of it is still under way".to_owned()))
    } else {
        Verdict::Start
    }
}

const fn has_run(state: &MappingState) -> bool {
    state.scheduled_for.is_some() || state.last_run.is_some()
}

/// Tells if a scheduled run has ended for this due time or a later one, or an operator's run began after it and brought
/// the same rows.
fn is_served(state: &MappingState, due: DateTime<Utc>) -> bool {
    let by_hand = state.last_run.as_ref().is_some_and(|run| {
        let took = i64::try_from(run.duration_ms).map_or(chrono::TimeDelta::MAX, chrono::TimeDelta::milliseconds);
        let began = run.finished_at.checked_sub_signed(took).unwrap_or(DateTime::<Utc>::MIN_UTC);
        run.outcome == Outcome::Ok && run.trigger.is_incremental() && began >= due
    });
    by_hand || state.scheduled_for.is_some_and(|latest| latest >= due)
}

#[cfg(test)]
mod tests;
