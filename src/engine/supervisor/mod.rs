//! Takes commands, starts work side by side, and keeps the operator's switch for each mapping under work.

mod agenda;
mod schedule;

use std::collections::{HashMap, HashSet};
use std::future::Future;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};

use self::agenda::Known;
use self::schedule::Scheduler;
use super::answers::beside::beside;
use super::answers::check::check;
use super::answers::decide::decide;
use super::answers::history::{read_history, read_report};
use super::answers::preview::preview_each;
use super::answers::schema_diff::compare;
use super::answers::status::{inspect, look, measure};
use super::answers::tables::list_tables;
use super::answers::verify::verify;
use super::ports::{Platform, Ports};
use super::protocol::query::Question;
use super::protocol::{
    BackfillAsk, Command, Decide, Event, Inspect, Measure, PreviewBackfill, Progress, ReadHistory, ReadReport,
    Selection, SyncOrder,
};
use super::run::Run;
use super::run::aftermath::write_metrics;
use super::work::emitter::Emitter;
use super::work::hold::{Hold, Switch};
use super::work::scope::Task;
use crate::domain::config::{Deletes, Mapping, Mode};
use crate::domain::ids::MappingName;

/// What the handle sends.
pub(super) enum Ask {
    Command(Command),
    Question(Question),
}

/// Runs until the handle is dropped and all work has ended.
pub(in crate::engine) async fn supervise<P: Platform>(
    ports: Ports<P>,
    mut inbox: mpsc::UnboundedReceiver<Ask>,
    emitter: Emitter,
    progress: watch::Sender<Progress>,
) {
    let mut supervisor = Supervisor {
        ports,
        emitter,
        progress,
        active: HashMap::new(),
        works: JoinSet::new(),
        claims: HashMap::new(),
        scheduler: None,
        is_retired: false,
    };
    let mut closed = false;
    while !(closed || supervisor.is_retired) || !supervisor.works.is_empty() {
        tokio::select! {
            asked = inbox.recv(), if !closed => match asked {
                Some(Ask::Command(command)) => supervisor.obey(command),
                Some(Ask::Question(question)) => supervisor.answer(question),
                None => {
                    closed = true;
                    supervisor.scheduler = None;
                    supervisor.cancel_all();
                }
            },
            Some(ended) = supervisor.works.join_next_with_id(), if !supervisor.works.is_empty() => {
                supervisor.release(ended);
            }
            known = known(&mut supervisor.scheduler) => supervisor.run_what_is_due(&known),
        }
    }
}

/// Waits until the schedule has something to decide; never returns if no schedule is followed.
async fn known<P: Platform>(scheduler: &mut Option<Scheduler<P>>) -> Known {
    match scheduler {
        Some(scheduler) => scheduler.known().await,
        None => std::future::pending().await,
    }
}

struct Supervisor<P: Platform> {
    ports: Ports<P>,
    emitter: Emitter,
    progress: watch::Sender<Progress>,
    /// Mappings that are being worked on.
    active: HashMap<MappingName, Switch>,
    /// The running works; each gives the mappings that were due and are held by another process.
    works: JoinSet<Vec<MappingName>>,
    /// The mappings that each work has claimed.
    claims: HashMap<Id, Vec<MappingName>>,
    scheduler: Option<Scheduler<P>>,
    /// The engine ends with the last work.
    is_retired: bool,
}

impl<P: Platform> Supervisor<P> {
    fn obey(&mut self, command: Command) {
        match command {
            Command::Sync(order) => {
                let SyncOrder { selection, trigger, lookback, allow_shrink, forget_watermark } = order;
                self.run(&selection, Task::Sync { trigger, lookback, allow_shrink, forget_watermark });
            }
            Command::Backfill { ask, restart, shard } => {
                let selection = Selection::Named(vec![ask.mapping.clone()]);
                self.run(&selection, Task::Backfill { ask, restart, shard });
            }
            Command::Deletes { selection, dry_run } => {
                // A mode that reads its whole table finds deleted rows itself.
                let is_meant = |mapping: &Mapping| mapping.deletes != Deletes::Ignore && mapping.mode.has_windows();
                let meant = self.named_or(&selection, is_meant);
                self.run(&meant, Task::Deletes { dry_run });
            }
            Command::Repair(order) => {
                // The next run of a replace repairs it.
                let meant = self.named_or(&order.selection, |mapping| mapping.mode != Mode::Replace);
                self.run(&meant, Task::Repair(order));
            }
            Command::Pause(mapping) => self.hold(&mapping, true),
            Command::Resume(mapping) => self.hold(&mapping, false),
            Command::Cancel(mapping) => {
                if let Some(switch) = self.active.get(&mapping) {
                    switch.cancel.cancel();
                }
            }
            Command::CancelAll => self.cancel_all(),
            Command::FollowSchedule { make_up } => {
                self.spawn(|ports, emitter| async move { write_metrics(&ports, &emitter).await });
                self.follow(Scheduler::new(&self.ports, self.ports.clock.now(), make_up));
            }
            Command::TakeOverSchedule { since } => {
                self.spawn(|ports, emitter| async move { write_metrics(&ports, &emitter).await });
                self.follow(Scheduler::new(&self.ports, since, true));
            }
            Command::Retire => {
                self.scheduler = None;
                self.is_retired = true;
            }
            Command::LeaveSchedule => {
                self.scheduler = None;
                self.emitter.emit(Event::ScheduleLeft);
            }
        }
    }

    fn follow(&mut self, scheduler: Scheduler<P>) {
        self.scheduler = Some(scheduler);
        self.announce_next();
    }

    fn answer(&mut self, question: Question) {
        match question {
            Question::Inspect(Inspect(selection), reply) => {
                let mappings = self.selected(&selection);
                self.spawn(|ports, _| async move { inspect(&ports, mappings, &reply).await });
            }
            Question::Watch(reply) => {
                let mappings = self.selected(&Selection::All);
                self.spawn(|ports, _| async move { look(&ports, mappings, &reply).await });
            }
            Question::Measure(Measure { selection, by_index_only }, reply) => {
                let mappings = self.selected(&selection);
                self.spawn(move |ports, _| async move { measure(&ports, mappings, by_index_only, &reply).await });
            }
            Question::Check(query, reply) => {
                let mappings = self.selected(&query.selection);
                self.spawn(move |ports, _| async move { reply.give(check(&ports, mappings, &query).await) });
            }
            Question::ReadHistory(ReadHistory(most), reply) => {
                self.spawn(move |ports, _| async move { reply.give(read_history(&ports, most).await) });
            }
            Question::ReadReport(ReadReport(run), reply) => {
                self.spawn(|ports, _| async move { reply.give(read_report(&ports, &run).await) });
            }
            Question::PreviewBackfill(PreviewBackfill(ask), reply) => {
                let mut asks: Vec<_> = self.of_each(&ask).collect();
                // If no mapping has that name, the answer says so.
                asks.extend(asks.is_empty().then_some(ask));
                self.spawn(|ports, _| async move { preview_each(&ports, &asks, &reply).await });
            }
            Question::Verify(order, reply) => {
                let mappings = self.selected(&order.selection);
                self.spawn(|ports, _| async move { verify(&ports, mappings, &order, &reply).await });
            }
            Question::ReadBeside(order, reply) => {
                let Some(mapping) = self.selected(&Selection::Named(vec![order.mapping.clone()])).pop() else { return };
                self.spawn(|ports, _| async move { reply.give(beside(&ports, &mapping, &order).await) });
            }
            Question::Compare(query, reply) => {
                let mappings = self.selected(&query.selection);
                self.spawn(|ports, _| async move { compare(&ports, mappings, &query, &reply).await });
            }
            Question::Decide(Decide { mapping, decisions }, reply) => {
                let Some(mapping) = self.selected(&Selection::Named(vec![mapping])).pop() else { return };
                self.spawn(|ports, _| async move { reply.give(decide(&ports, &mapping, &decisions).await) });
            }
            Question::ListTables(query, reply) => {
                self.spawn(|ports, _| async move { reply.give(list_tables(&ports, &query).await) });
            }
        }
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&mut self, work: impl FnOnce(Ports<P>, Emitter) -> F) {
        let work = work(self.ports.clone(), self.emitter.clone());
        self.works.spawn(async move {
            work.await;
            Vec::new()
        });
    }

    fn run_what_is_due(&mut self, known: &Known) {
        let Some(scheduler) = &mut self.scheduler else { return };
        let (findings, at) = scheduler.judge(known, |mapping| self.active.contains_key(mapping));
        for event in findings.events {
            self.emitter.emit(event);
        }
        if !findings.start.is_empty() {
            self.run(&Selection::Named(findings.start), Task::Scheduled { at });
        }
        self.announce_next();
    }

    fn announce_next(&mut self) {
        if let Some(event) = self.scheduler.as_mut().and_then(Scheduler::announce) {
            self.emitter.emit(event);
        }
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

    /// The selected mappings in the order of the configuration; the name of an entry with a list of tables selects them
    /// all.
    fn selected(&self, selection: &Selection) -> Vec<Mapping> {
        let config = &self.ports.config;
        let Selection::Named(names) = selection else { return config.mappings.clone() };
        let meant: HashSet<_> =
            names.iter().flat_map(|name| config.named(&name.0)).map(|mapping| &mapping.name).collect();
        config.mappings.iter().filter(|mapping| meant.contains(&mapping.name)).cloned().collect()
    }

    /// The same backfill for each mapping that its name stands for.
    fn of_each(&self, ask: &BackfillAsk) -> impl Iterator<Item = BackfillAsk> {
        let mappings = self.selected(&Selection::Named(vec![ask.mapping.clone()]));
        mappings.into_iter().map(move |mapping| BackfillAsk { mapping: mapping.name, ..ask.clone() })
    }

    /// The named mappings, whatever they are; if all are selected, only those that the work is meant for.
    fn named_or(&self, selection: &Selection, is_meant: impl Fn(&Mapping) -> bool) -> Selection {
        let of_all = |mapping: &&Mapping| *selection != Selection::All || is_meant(mapping);
        Selection::Named(self.selected(selection).iter().filter(of_all).map(|mapping| mapping.name.clone()).collect())
    }

    /// Claims the mappings that no work of ours has yet.
    fn claim(&mut self, selection: &Selection) -> Vec<(Mapping, Hold)> {
        let mut claimed = Vec::new();
        for mapping in self.selected(selection) {
            if self.active.contains_key(&mapping.name) {
                let reason = "it is being synced already".to_owned();
                self.emitter.emit(Event::MappingRefused { mapping: mapping.name, reason });
                continue;
            }
            let switch = Switch::new();
            let hold = switch.hold();
            self.active.insert(mapping.name.clone(), switch);
            claimed.push((mapping, hold));
        }
        claimed
    }

    fn release(&mut self, ended: Result<(Id, Vec<MappingName>), tokio::task::JoinError>) {
        let (work, held) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                // Without this event, a caller that waits for the end of the work would wait without end.
                self.emitter.emit(Event::EngineFailed { error: error.to_string() });
                (error.id(), Vec::new())
            }
        };
        for mapping in self.claims.remove(&work).unwrap_or_default() {
            self.active.remove(&mapping);
            if let Some(scheduler) = &mut self.scheduler {
                scheduler.ended(&mapping, held.contains(&mapping));
            }
        }
    }
}
