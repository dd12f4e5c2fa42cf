//! Follows the schedule: waits for due times, looks at the state that all hosts share, and decides what begins.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinHandle;

use super::agenda::{Agenda, Findings, Known};
use crate::domain::ids::MappingName;
use crate::engine::clock::Clock;
use crate::engine::ports::{Platform, Ports};
use crate::engine::protocol::Event;
use crate::state::StateStore;

/// How often a mapping that waits for another process's run, or for the state, is looked at again.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(30);

/// The agenda with a clock and a view of the state.
#[derive(Debug)]
pub(in crate::engine) struct Scheduler<P: Platform> {
    state: Arc<P::State>,
    clock: Arc<dyn Clock>,
    agenda: Agenda,
    look: Option<JoinHandle<Known>>,
    /// The earliest time of the next look; `None`: at once, if anything is open.
    look_at: Option<DateTime<Utc>>,
    /// The next run that was announced.
    announced: Option<DateTime<Utc>>,
}

impl<P: Platform> Scheduler<P> {
    /// Due times after `since` are due; earlier ones are past.
    pub(in crate::engine) fn new(ports: &Ports<P>, since: DateTime<Utc>, make_up: bool) -> Self {
        let agenda = Agenda::new(&ports.config.mappings, since, make_up);
        let (state, clock) = (Arc::clone(&ports.state), Arc::clone(&ports.clock));
        Self { state, clock, agenda, look: None, look_at: None, announced: None }
    }

    /// Waits until something is due and the state has been read. May be dropped and called again at any time.
    pub(in crate::engine) async fn known(&mut self) -> Known {
        loop {
            if let Some(look) = &mut self.look {
                // A look that panicked has seen nothing.
                let known = look.await.unwrap_or_default();
                self.look = None;
                return known;
            }
            let now = self.clock.now();
            if self.agenda.pass(now) {
                self.look_at = None;
            }
            let is_open = self.agenda.is_open();
            if is_open && self.look_at.is_none_or(|at| at <= now) {
                self.look = Some(tokio::spawn(look(Arc::clone(&self.state))));
                continue;
            }
            let next = self.agenda.next().map(|(at, _)| at);
            match next.into_iter().chain(self.look_at.filter(|_| is_open)).min() {
                Some(at) => self.clock.reaches(at).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Decides which runs begin, and when that was decided.
    pub(in crate::engine) fn judge(
        &mut self,
        known: &Known,
        is_busy: impl Fn(&MappingName) -> bool,
    ) -> (Findings, DateTime<Utc>) {
        let now = self.clock.now();
        self.look_at = Some(now + LOOK_AGAIN);
        (self.agenda.judge(known, is_busy), now)
    }

    /// Records that a run has ended: a mapping that waited for it is looked at at once.
    pub(in crate::engine) fn ended(&mut self, mapping: &MappingName, is_held: bool) {
        self.agenda.ended(mapping, is_held);
        if !is_held {
            self.look_at = None;
        }
    }

    /// The next run, if it has not been announced yet.
    pub(in crate::engine) fn announce(&mut self) -> Option<Event> {
        let (at, mappings) = self.agenda.next()?;
        if self.announced.replace(at) == Some(at) {
            return None;
        }
        Some(Event::RunScheduled { at, mappings })
    }
}

async fn look<T: StateStore>(state: Arc<T>) -> Known {
    let states = state.load_all().await.map_err(|fault| {
        tracing::warn!(error = %fault, hint = fault.hint(), "it is unknown which due times were run");
    });
    let holders = state.holders().await.unwrap_or_else(|fault| {
        tracing::warn!(error = %fault, "it is unknown which mappings other processes work on");
        std::collections::BTreeMap::new()
    });
    Known { states: states.ok(), holders }
}
