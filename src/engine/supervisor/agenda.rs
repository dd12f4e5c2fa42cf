//! What is due by the schedule, what of it has to wait, and what comes next. Pure: clock and state are told to it.
//!
//! A mapping has at most one due time open. One that comes while an earlier one waits takes its place, so that runs
//! never pile up; one that another process has run for is crossed out, so that each is run for once.

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
    /// The due time that a run of ours is under way for.
    running: Option<DateTime<Utc>>,
}

/// A due time that no run has begun for.
#[derive(Debug, Clone, Copy)]
struct Due {
    at: DateTime<Utc>,
    /// It came before this agenda was made: the state has to say whether anybody ran for it.
    is_past: bool,
    /// That it waits has been said.
    is_told: bool,
}

/// What is known of all mappings at one moment.
#[derive(Debug, Default)]
pub(in crate::engine) struct Known {
    /// `None`: the state cannot be read.
    pub states: Option<BTreeMap<MappingName, MappingState>>,
    /// Who works on what, this process's runs among them.
    pub holders: BTreeMap<MappingName, Holder>,
}

/// What follows from it.
#[derive(Debug, Default)]
pub(in crate::engine) struct Findings {
    /// Their runs begin now.
    pub start: Vec<MappingName>,
    pub events: Vec<Event>,
}

/// What is done about an open due time.
enum Verdict {
    Start,
    Wait(Option<String>),
    CrossOut,
}

impl Agenda {
    /// `make_up`: due times of the past are open too, where the mapping's `catch_up` wants it.
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

    /// Opens what has come due; `true` when there is something.
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

    /// Is there anything whose run could begin, were it known that nobody works on it?
    pub(in crate::engine) fn is_open(&self) -> bool {
        self.entries.values().any(|entry| entry.open.is_some() && entry.running.is_none())
    }

    /// The next due time of all, and the mappings it is of.
    pub(in crate::engine) fn next(&self) -> Option<(DateTime<Utc>, Vec<MappingName>)> {
        let at = self.entries.values().filter_map(|entry| entry.next).min()?;
        let due = self.entries.iter().filter(|(_, entry)| entry.next == Some(at));
        Some((at, due.map(|(name, _)| name.clone()).collect()))
    }

    /// Decides about everything that is open. `is_busy` tells of the mappings that this process works on.
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

    /// A run of ours has come to its end. `is_held`: another process was quicker to take the mapping, and whether its
    /// run is the one that was due is not known yet.
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
        // A run says aloud, and on record, what is wrong with the state; a past due time can wait for an answer.
        return if due.is_past || is_busy { Verdict::Wait(None) } else { Verdict::Start };
    };
    let state = states.get(name);
    // Of a mapping that has never run nobody knows that it should have been.
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

/// A scheduled run has come to its end for this due time or a later one; or somebody's own run has begun after it and
/// brought the same rows.
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
