//! Takes commands, runs mappings side by side, and lets the trouble of one be its own.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span};

use super::Ports;
use super::announce::watched;
use super::compare::compare;
use super::emitter::Emitter;
use super::inspect::inspect;
use super::progress::{Progress, ProgressOf};
use super::protocol::{Command, Event, Selection};
use super::run_id::new_run_id;
use super::sync::{Scope, sync_mapping};
use crate::domain::config::Mapping;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{MappingReport, RunReport, Trigger};
use crate::source::Source;
use crate::state::StateStore;
use crate::warehouse::Warehouse;

/// Mappings that are being worked on, each with the switch that stops it.
type Active = HashMap<MappingName, CancellationToken>;

/// Runs until the handle is dropped and everything has come to its end.
pub(super) async fn supervise<S: Source, W: Warehouse, T: StateStore>(
    ports: Ports<S, W, T>,
    mut inbox: mpsc::UnboundedReceiver<Command>,
    emitter: Emitter,
    progress: watch::Sender<Progress>,
) {
    let mut active = Active::new();
    let mut works: JoinSet<()> = JoinSet::new();
    let mut claims: HashMap<Id, Vec<MappingName>> = HashMap::new();
    let mut closed = false;
    while !closed || !works.is_empty() {
        tokio::select! {
            command = inbox.recv(), if !closed => match command {
                Some(Command::Sync(order)) => {
                    let mappings = claim(&ports, &order.selection, &mut active, &emitter);
                    let names = mappings.iter().map(|(mapping, _)| mapping.name.clone()).collect();
                    let run = Run { ports: ports.clone(), emitter: emitter.clone(), progress: progress.clone() };
                    claims.insert(works.spawn(run.go(mappings)).id(), names);
                }
                Some(Command::Compare { selection, apply, .. }) => {
                    let (ports, emitter) = (ports.clone(), emitter.clone());
                    let mappings = selected(&ports, &selection);
                    works.spawn(async move { compare(&ports, mappings, apply, &emitter).await });
                }
                Some(Command::Inspect(selection)) => {
                    let (ports, emitter) = (ports.clone(), emitter.clone());
                    let mappings = selected(&ports, &selection);
                    works.spawn(async move { inspect(&ports, mappings, &emitter).await });
                }
                Some(Command::Cancel(mapping)) => {
                    if let Some(token) = active.get(&mapping) {
                        token.cancel();
                    }
                }
                Some(
                    Command::Backfill { .. }
                    | Command::PreviewBackfill(_)
                    | Command::Decide { .. }
                    | Command::ReadHistory { .. }
                    | Command::ReadReport(_)
                    | Command::Pause(_)
                    | Command::Resume(_),
                ) => {}
                Some(Command::CancelAll) => active.values().for_each(CancellationToken::cancel),
                None => {
                    closed = true;
                    active.values().for_each(CancellationToken::cancel);
                }
            },
            Some(ended) = works.join_next_with_id(), if !works.is_empty() => {
                let work = match ended {
                    Ok((work, ())) => work,
                    Err(error) => {
                        // Whoever waits for the end of it would wait for ever.
                        emitter.emit(Event::EngineFailed { error: error.to_string() });
                        error.id()
                    }
                };
                for mapping in claims.remove(&work).unwrap_or_default() {
                    active.remove(&mapping);
                }
            }
        }
    }
}

fn selected<S, W, T>(ports: &Ports<S, W, T>, selection: &Selection) -> Vec<Mapping> {
    let chosen = |mapping: &&Mapping| match selection {
        Selection::All => true,
        Selection::Named(names) => names.contains(&mapping.name),
    };
    ports.config.mappings.iter().filter(chosen).cloned().collect()
}

/// Takes the mappings that nobody of ours works on yet.
fn claim<S, W, T>(
    ports: &Ports<S, W, T>,
    selection: &Selection,
    active: &mut Active,
    emitter: &Emitter,
) -> Vec<(Mapping, CancellationToken)> {
    let mut claimed = Vec::new();
    for mapping in selected(ports, selection) {
        if active.contains_key(&mapping.name) {
            let reason = "it is being synced already".to_owned();
            emitter.emit(Event::MappingRefused { mapping: mapping.name, reason });
            continue;
        }
        let token = CancellationToken::new();
        active.insert(mapping.name.clone(), token.clone());
        claimed.push((mapping, token));
    }
    claimed
}

/// One run over some mappings.
struct Run<S, W, T> {
    ports: Ports<S, W, T>,
    emitter: Emitter,
    progress: watch::Sender<Progress>,
}

impl<S: Source, W: Warehouse, T: StateStore> Run<S, W, T> {
    /// Runs the mappings, at most `concurrency` at a time.
    async fn go(self, mappings: Vec<(Mapping, CancellationToken)>) {
        let run = new_run_id();
        let started_at = Utc::now();
        let names: Vec<MappingName> = mappings.iter().map(|(m, _)| m.name.clone()).collect();
        self.emitter.emit(Event::RunStarted { run: run.clone(), trigger: Trigger::Manual, mappings: names.clone() });
        let places = Arc::new(Semaphore::new(self.ports.config.concurrency));
        let mut tasks = JoinSet::new();
        let mut task_of = HashMap::new();
        for (mapping, cancel) in mappings {
            let scope = self.scope(&run, mapping.clone(), cancel);
            scope.progress.update(|_| ());
            let places = Arc::clone(&places);
            let span = info_span!("sync", mapping = %mapping.name, run = %run, operation = "sync");
            let work = async move {
                let _place = places.acquire_owned().await;
                let report = sync_mapping(&scope).await;
                scope.progress.remove();
                scope.emit(Event::MappingFinished { report: Box::new(report.clone()) });
                report
            };
            let task = tasks.spawn(work.instrument(span));
            task_of.insert(task.id(), mapping);
        }
        let mut reports = Vec::new();
        while let Some(ended) = tasks.join_next_with_id().await {
            match ended {
                Ok((_, report)) => reports.push(report),
                Err(error) => {
                    reports.extend(task_of.get(&error.id()).map(|mapping| self.panicked(&run, mapping, error)));
                }
            }
        }
        self.finish(run, started_at, reports, &names).await;
    }

    fn scope(&self, run: &RunId, mapping: Mapping, cancel: CancellationToken) -> Scope<S, W, T> {
        let progress = ProgressOf::new(mapping.name.clone(), self.progress.clone());
        Scope {
            ports: watched(&self.ports, run, &mapping.name, &self.emitter, &progress),
            run: run.clone(),
            progress,
            mapping,
            emitter: self.emitter.clone(),
            cancel,
        }
    }

    /// A mapping whose task panicked has failed; the watermark is where the last confirmed publish left it.
    fn panicked(&self, run: &RunId, mapping: &Mapping, error: tokio::task::JoinError) -> MappingReport {
        ProgressOf::new(mapping.name.clone(), self.progress.clone()).remove();
        let (source, target) = (mapping.source.to_string(), mapping.target.to_string());
        let mut report =
            MappingReport::begin(mapping.name.clone(), mapping.mode, run.clone(), source, target, Utc::now());
        report.fail(&Fault::new(FaultKind::Bug, "The mapping's task ended in a panic").caused_by(error));
        self.emitter.emit(Event::MappingFinished { report: Box::new(report.clone()) });
        report
    }

    /// Puts the reports in the order of the configuration and writes them down.
    async fn finish(
        &self,
        run_id: RunId,
        started_at: chrono::DateTime<Utc>,
        mut mappings: Vec<MappingReport>,
        order: &[MappingName],
    ) {
        mappings.sort_by_key(|report| order.iter().position(|name| *name == report.mapping_name));
        let report = RunReport {
            run_id,
            trigger: Trigger::Manual,
            by: String::new(),
            started_at,
            finished_at: Utc::now(),
            mappings,
        };
        if let Err(fault) = self.ports.state.record_run(&report).await {
            self.emitter.emit(Event::RecordFailed { run: report.run_id.clone(), error: fault.to_string() });
        }
        self.emitter.emit(Event::RunFinished { report });
    }
}
