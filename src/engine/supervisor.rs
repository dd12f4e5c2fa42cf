//! Takes commands, starts work side by side, and keeps the operator's hold on each mapping that is worked on.

use std::collections::HashMap;
use std::future::Future;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};

use super::Ports;
use super::check::check;
use super::compare::compare;
use super::decide::decide;
use super::emitter::Emitter;
use super::history::{read_history, read_report};
use super::inspect::{inspect, look, measure};
use super::preview::preview;
use super::progress::Progress;
use super::protocol::{Command, Event, Selection};
use super::run::{Hold, Run};
use super::scope::{Switch, Task};
use crate::domain::config::Mapping;
use crate::domain::ids::MappingName;
use crate::source::Source;
use crate::state::StateStore;
use crate::warehouse::Warehouse;

/// Runs until the handle is dropped and everything has come to its end.
pub(super) async fn supervise<S: Source, W: Warehouse, T: StateStore>(
    ports: Ports<S, W, T>,
    mut inbox: mpsc::UnboundedReceiver<Command>,
    emitter: Emitter,
    progress: watch::Sender<Progress>,
) {
    let mut supervisor =
        Supervisor { ports, emitter, progress, active: HashMap::new(), works: JoinSet::new(), claims: HashMap::new() };
    let mut closed = false;
    while !closed || !supervisor.works.is_empty() {
        tokio::select! {
            command = inbox.recv(), if !closed => {
                if let Some(command) = command {
                    supervisor.obey(command);
                } else {
                    closed = true;
                    supervisor.cancel_all();
                }
            }
            Some(ended) = supervisor.works.join_next_with_id(), if !supervisor.works.is_empty() => {
                supervisor.release(ended);
            }
        }
    }
}

struct Supervisor<S, W, T> {
    ports: Ports<S, W, T>,
    emitter: Emitter,
    progress: watch::Sender<Progress>,
    /// Mappings that are being worked on.
    active: HashMap<MappingName, Switch>,
    works: JoinSet<()>,
    /// Which mappings a work has taken.
    claims: HashMap<Id, Vec<MappingName>>,
}

impl<S: Source, W: Warehouse, T: StateStore> Supervisor<S, W, T> {
    fn obey(&mut self, command: Command) {
        match command {
            Command::Sync(order) => {
                let task = Task::Sync { trigger: order.trigger, lookback: order.lookback };
                self.run(&order.selection, task);
            }
            Command::Backfill { ask, restart } => {
                let selection = Selection::Named(vec![ask.mapping.clone()]);
                self.run(&selection, Task::Backfill { ask, restart });
            }
            Command::PreviewBackfill(ask) => {
                self.spawn(|ports, emitter| async move { preview(&ports, ask, &emitter).await });
            }
            Command::Compare { selection, apply, columns } => {
                let mappings = self.selected(&selection);
                self.spawn(move |ports, emitter| async move {
                    compare(&ports, mappings, (apply, columns), &emitter).await;
                });
            }
            Command::Decide { mapping, decisions } => {
                let mapping = self.selected(&Selection::Named(vec![mapping])).pop();
                self.spawn(|ports, emitter| async move { decide(&ports, mapping, decisions, &emitter).await });
            }
            Command::Inspect(selection) => {
                let mappings = self.selected(&selection);
                self.spawn(|ports, emitter| async move { inspect(&ports, mappings, &emitter).await });
            }
            Command::Watch => {
                let mappings = self.selected(&Selection::All);
                self.spawn(|ports, emitter| async move { look(&ports, mappings, &emitter).await });
            }
            Command::Measure(selection) => {
                let mappings = self.selected(&selection);
                self.spawn(|ports, emitter| async move { measure(&ports, mappings, &emitter).await });
            }
            Command::Check { selection, probe } => {
                let mappings = self.selected(&selection);
                self.spawn(move |ports, emitter| async move { check(&ports, mappings, probe, &emitter).await });
            }
            Command::ReadHistory { most } => {
                self.spawn(move |ports, emitter| async move { read_history(&ports, most, &emitter).await });
            }
            Command::ReadReport(run) => {
                self.spawn(|ports, emitter| async move { read_report(&ports, run, &emitter).await });
            }
            Command::Pause(mapping) => self.hold(&mapping, true),
            Command::Resume(mapping) => self.hold(&mapping, false),
            Command::Cancel(mapping) => {
                if let Some(switch) = self.active.get(&mapping) {
                    switch.cancel.cancel();
                }
            }
            Command::CancelAll => self.cancel_all(),
        }
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&mut self, work: impl FnOnce(Ports<S, W, T>, Emitter) -> F) {
        self.works.spawn(work(self.ports.clone(), self.emitter.clone()));
    }

    fn run(&mut self, selection: &Selection, task: Task) {
        let mappings = self.claim(selection);
        let names = mappings.iter().map(|(mapping, _)| mapping.name.clone()).collect();
        let run = Run::new(self.ports.clone(), self.emitter.clone(), self.progress.clone(), task);
        self.claims.insert(self.works.spawn(run.go(mappings)).id(), names);
    }

    fn hold(&self, mapping: &MappingName, paused: bool) {
        if let Some(switch) = self.active.get(mapping) {
            switch.paused.send_replace(paused);
        }
    }

    fn cancel_all(&self) {
        self.active.values().for_each(|switch| switch.cancel.cancel());
    }

    fn selected(&self, selection: &Selection) -> Vec<Mapping> {
        let chosen = |mapping: &&Mapping| match selection {
            Selection::All => true,
            Selection::Named(names) => names.contains(&mapping.name),
        };
        self.ports.config.mappings.iter().filter(chosen).cloned().collect()
    }

    /// Takes the mappings that nobody of ours works on yet.
    fn claim(&mut self, selection: &Selection) -> Vec<(Mapping, Hold)> {
        let mut claimed = Vec::new();
        for mapping in self.selected(selection) {
            if self.active.contains_key(&mapping.name) {
                let reason = "it is being synced already".to_owned();
                self.emitter.emit(Event::MappingRefused { mapping: mapping.name, reason });
                continue;
            }
            let switch = Switch::new();
            let hold = Hold { cancel: switch.cancel.clone(), paused: switch.paused.subscribe() };
            self.active.insert(mapping.name.clone(), switch);
            claimed.push((mapping, hold));
        }
        claimed
    }

    fn release(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let work = match ended {
            Ok((work, ())) => work,
            Err(error) => {
                // Whoever waits for the end of it would wait for ever.
                self.emitter.emit(Event::EngineFailed { error: error.to_string() });
                error.id()
            }
        };
        for mapping in self.claims.remove(&work).unwrap_or_default() {
            self.active.remove(&mapping);
        }
    }
}
