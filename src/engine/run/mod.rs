//! One run over some mappings, side by side; a failure of one does not affect the others.

pub(super) mod aftermath;
mod attempt;
mod forget;
mod incremental;
mod mapping;
mod mirror;
mod quiet;
mod report;
mod retries;
mod shared;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span};

use self::aftermath::follow_up;
use self::mapping::{Synced, sync_mapping};
use super::ports::{Platform, Ports};
use super::protocol::Event;
use super::protocol::progress::{Progress, ProgressOf};
use super::work::emitter::Emitter;
use super::work::first_look::FirstLook;
use super::work::hold::Hold;
use super::work::ids::new_run_id;
use super::work::leftovers::Leftovers;
use super::work::scope::{Scope, Task};
use crate::domain::config::{Mapping, Mode, NotMoved};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{MappingName, RunId, SourceName};
use crate::domain::report::{MappingReport, RunReport};

/// One run over some mappings.
pub(in crate::engine) struct Run<P: Platform> {
    ports: Ports<P>,
    emitter: Emitter,
    progress: watch::Sender<Progress>,
    task: Task,
    leftovers: Leftovers,
}

/// What the mappings of one server share.
struct OfServer<P: Platform> {
    first_look: FirstLook<P>,
    /// Places for the mappings that may move at the same time.
    places: Arc<Semaphore>,
}

impl<P: Platform> Clone for OfServer<P> {
    fn clone(&self) -> Self {
        Self { first_look: self.first_look.clone(), places: Arc::clone(&self.places) }
    }
}

impl<P: Platform> Run<P> {
    pub(in crate::engine) fn new(
        ports: Ports<P>,
        emitter: Emitter,
        progress: watch::Sender<Progress>,
        task: Task,
    ) -> Self {
        Self { ports, emitter, progress, task, leftovers: Leftovers::default() }
    }

    /// Runs the mappings, at most `concurrency` of each server at a time; gives those that were due and are held by
    /// another process.
    pub(in crate::engine) async fn go(self, mappings: Vec<(Mapping, Hold)>) -> Vec<MappingName> {
        let run = new_run_id(self.ports.clock.now());
        let started_at = self.ports.clock.now();
        let trigger = self.task.trigger();
        let cancels: Vec<_> = mappings.iter().map(|(_, hold)| hold.cancel.clone()).collect();
        let names: Vec<MappingName> = mappings.iter().map(|(m, _)| m.name.clone()).collect();
        self.emitter.emit(Event::RunStarted { run: run.clone(), trigger, mappings: names.clone() });
        let servers = self.servers(&mappings);
        let mut tasks = JoinSet::new();
        let mut task_of = HashMap::new();
        for (mapping, hold) in mappings {
            let Some(OfServer { first_look, places }) = servers.get(&mapping.source.server).cloned() else { continue };
            let scope = self.scope(&run, mapping.clone(), hold, first_look);
            scope.progress.update(|p| p.trigger = trigger);
            let span = info_span!("sync", mapping = %mapping.name, run = %run, operation = "sync");
            let work = async move {
                let _place = places.acquire_owned().await;
                // On the heap, and only now: a mapping that waits for its turn needs almost no memory.
                let synced = Box::pin(sync_mapping(&scope)).await;
                scope.progress.remove();
                scope.emit(match &synced {
                    Synced::Ended(report) => Event::MappingFinished { report: report.clone() },
                    Synced::Left { reason, .. } => Event::MappingLeft {
                        run: scope.run.clone(),
                        mapping: scope.mapping.name.clone(),
                        reason: reason.clone(),
                    },
                });
                synced
            };
            let task = tasks.spawn(work.instrument(span));
            task_of.insert(task.id(), mapping);
        }
        let (mut reports, mut held) = (Vec::new(), Vec::new());
        while let Some(ended) = tasks.join_next_with_id().await {
            match ended {
                Ok((_, Synced::Ended(report))) => reports.push(*report),
                Ok((task, Synced::Left { is_held, .. })) => {
                    held.extend(task_of.get(&task).filter(|_| is_held).map(|mapping| mapping.name.clone()));
                }
                Err(error) => {
                    reports.extend(task_of.get(&error.id()).map(|mapping| self.panicked(&run, mapping, error)));
                }
            }
        }
        reports.sort_by_key(|report| names.iter().position(|name| *name == report.mapping_name));
        let is_of_all = match self.task {
            Task::Scheduled { .. } => true,
            Task::Sync { .. } => names.len() == self.ports.config.mappings.len(),
            Task::Backfill { .. } | Task::Part(_) | Task::Deletes { .. } | Task::Repair(_) => false,
        };
        if is_of_all {
            reports.extend(self.ports.config.not_moved.iter().map(|not_moved| self.not_moved(&run, not_moved)));
        }
        self.finish(run, started_at, reports, &cancels).await;
        held
    }

    /// What the mappings of each server share: one server's failures take no place of another's, and only its own
    /// mappings wait for its answers.
    fn servers(&self, mappings: &[(Mapping, Hold)]) -> HashMap<Option<SourceName>, OfServer<P>> {
        let mut tables: HashMap<_, Vec<_>> = HashMap::new();
        for (Mapping { source, mode, .. }, _) in mappings {
            let of_server = tables.entry(source.server.clone()).or_default();
            of_server.extend(mode.has_windows().then(|| source.clone()));
        }
        let of_server = |tables| OfServer {
            first_look: FirstLook::at(tables),
            places: Arc::new(Semaphore::new(self.ports.config.concurrency)),
        };
        tables.into_iter().map(|(server, tables)| (server, of_server(tables))).collect()
    }

    fn scope(&self, run: &RunId, mapping: Mapping, hold: Hold, first_look: FirstLook<P>) -> Scope<P> {
        let scope = Scope {
            ports: self.ports.clone(),
            run: run.clone(),
            progress: ProgressOf::new(mapping.name.clone(), self.progress.clone()),
            key: mapping.name.clone(),
            mapping,
            task: self.task.clone(),
            emitter: self.emitter.clone(),
            hold,
            leftovers: self.leftovers.clone(),
            first_look,
        };
        scope.watched()
    }

    /// The report of a mapping whose task panicked: it failed, and the watermark is where the last confirmed publish
    /// left it.
    fn panicked(&self, run: &RunId, mapping: &Mapping, error: tokio::task::JoinError) -> MappingReport {
        ProgressOf::new(mapping.name.clone(), self.progress.clone()).remove();
        let (source, target) = (mapping.source.to_string(), mapping.target.to_string());
        let mut report = MappingReport::begin(
            mapping.name.clone(),
            mapping.mode,
            run.clone(),
            source,
            target,
            self.ports.clock.now(),
        );
        report.fail(&Fault::new(FaultKind::Bug, "The mapping's task ended in a panic").caused_by(error));
        self.emitter.emit(Event::MappingFinished { report: Box::new(report.clone()) });
        report
    }

    /// The report on what no run can move, for those who read reports or are told of failures.
    fn not_moved(&self, run: &RunId, not_moved: &NotMoved) -> MappingReport {
        let NotMoved { name, target, fault } = not_moved;
        let now = self.ports.clock.now();
        let mut report =
            MappingReport::begin(name.clone(), Mode::Upsert, run.clone(), name.0.clone(), target.clone(), now);
        report.fail(fault);
        report
    }

    async fn finish(
        &self,
        run_id: RunId,
        started_at: DateTime<Utc>,
        mappings: Vec<MappingReport>,
        cancels: &[CancellationToken],
    ) {
        let (trigger, by) = (self.task.trigger(), self.ports.operator.to_string());
        let report = RunReport { run_id, trigger, by, started_at, finished_at: self.ports.clock.now(), mappings };
        if self.task.is_remembered() {
            follow_up(&self.ports, &report, cancels, &self.emitter).await;
        }
        self.emitter.emit(Event::RunFinished { report });
    }
}
