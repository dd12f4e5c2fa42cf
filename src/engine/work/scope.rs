//! What one mapping's run works with, and the reasons why a step stops.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tracing::{Instrument, info_span};

use super::emitter::Emitter;
use super::first_look::FirstLook;
use super::hold::Hold;
use super::ids::{Owner, Try};
use super::leftovers::Leftovers;
use super::tally::Tally;
use crate::domain::config::Mapping;
use crate::domain::fault::Fault;
use crate::domain::ids::{JobId, JobPlace, MappingName, RunId, TableId};
use crate::domain::lookback::Lookback;
use crate::domain::report::Trigger;
use crate::domain::retry::{RetryNote, RetryNotes};
use crate::domain::shard::Shard;
use crate::domain::undecided::Undecided;
use crate::engine::ports::{Platform, Ports};
use crate::engine::protocol::progress::{ProgressOf, Retry};
use crate::engine::protocol::{BackfillAsk, Event, Phase, RepairOrder};
use crate::source::Source;
use crate::state::{BackfillState, StateStore};
use crate::warehouse::Warehouse;

/// How long cleaning up may take: it must not keep an operator waiting who wants to leave, and what stays expires by
/// itself.
const TIDY: Duration = Duration::from_secs(3);

/// How long a sent job may take to end after the operator cancels; after that the next run asks how it ended.
const GRACE: Duration = Duration::from_secs(4);

/// Why a step stopped.
#[derive(Debug)]
pub(in crate::engine) enum Halt {
    Fault(Fault),
    Cancelled,
    /// The operator has to decide first.
    Waiting(Undecided),
    /// The source's table changed while it was read: the rows are thrown away and read again.
    Drifted(String),
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a run does with its mappings.
#[derive(Debug, Clone)]
pub(in crate::engine) enum Task {
    Sync {
        trigger: Trigger,
        lookback: Option<Lookback>,
        /// A table that is replaced as a whole may lose any number of rows.
        allow_shrink: bool,
        /// The table is loaded from the beginning.
        forget_watermark: bool,
    },
    /// The schedule has the mapping due at this moment.
    Scheduled {
        at: DateTime<Utc>,
    },
    Backfill {
        ask: BackfillAsk,
        restart: bool,
        shard: Option<Shard>,
    },
    /// One part of a backfill that several processes share.
    Part(BackfillState),
    /// Delete rows that the source no longer has, or only count them.
    Deletes {
        dry_run: bool,
    },
    /// Compare, and mend differences, or only count them.
    Repair(RepairOrder),
}

impl Task {
    pub(in crate::engine) const fn trigger(&self) -> Trigger {
        match self {
            Self::Sync { trigger, .. } => *trigger,
            Self::Scheduled { .. } => Trigger::Schedule,
            Self::Backfill { .. } | Self::Part(_) => Trigger::Backfill,
            Self::Deletes { .. } => Trigger::Deletes,
            Self::Repair(_) => Trigger::Repair,
        }
    }

    /// Tells if the task leaves a record in the history; a task that changes nothing does not.
    pub(in crate::engine) const fn is_remembered(&self) -> bool {
        match self {
            Self::Deletes { dry_run } | Self::Repair(RepairOrder { dry_run, .. }) => !*dry_run,
            Self::Sync { .. } | Self::Scheduled { .. } | Self::Backfill { .. } | Self::Part(_) => true,
        }
    }
}

/// What one mapping's run works with.
pub(in crate::engine) struct Scope<P: Platform> {
    pub ports: Ports<P>,
    pub run: RunId,
    pub mapping: Mapping,
    /// The name for its state, staging tables and jobs: the mapping's, or that of a part of its backfill.
    pub key: MappingName,
    pub task: Task,
    pub emitter: Emitter,
    pub progress: ProgressOf,
    pub hold: Hold,
    pub leftovers: Leftovers,
    pub first_look: FirstLook<P>,
}

impl<P: Platform> Scope<P> {
    pub(in crate::engine) fn emit(&self, event: Event) {
        self.emitter.emit(event);
    }

    pub(in crate::engine) fn warn(&self, message: String) {
        self.emit(Event::Warned { run: self.run.clone(), mapping: self.mapping.name.clone(), message });
    }

    /// The owner of the staging tables that this run makes and sweeps.
    pub(in crate::engine) fn owner(&self) -> Owner<'_> {
        Owner { mapping: &self.key, target: &self.mapping.target, state: self.ports.state.identity() }
    }

    /// What names the tables and jobs of one try of one step.
    pub(in crate::engine) fn attempt(&self, attempt: u32, step: u64) -> Try<'_> {
        Try { run: &self.run, mapping: &self.key, state: self.ports.state.identity(), attempt, step }
    }

    /// Tells the operator now, and the report's reader later; only once, however often it occurs.
    pub(in crate::engine) fn note(&self, tally: &mut Tally, message: String) {
        if tally.warn(&message) {
            self.warn(message);
        }
    }

    /// The same run's work on one part of its backfill.
    pub(in crate::engine) fn of_part(&self, number: usize, part: BackfillState) -> Self {
        Self {
            ports: self.ports.clone(),
            run: self.run.clone(),
            mapping: self.mapping.clone(),
            key: self.mapping.name.part(number),
            task: Task::Part(part),
            emitter: self.emitter.clone(),
            progress: self.progress.clone(),
            hold: self.hold.clone(),
            leftovers: self.leftovers.clone(),
            first_look: self.first_look.clone(),
        }
    }

    /// The schedule's due time that this run is for.
    pub(in crate::engine) fn due(&self) -> Option<DateTime<Utc>> {
        match &self.task {
            Task::Scheduled { at } => self.mapping.schedule.as_ref()?.timetable.latest_until(*at),
            Task::Sync { .. } | Task::Backfill { .. } | Task::Part(_) | Task::Deletes { .. } | Task::Repair(_) => None,
        }
    }

    /// Runs a step with its name in progress, events and every log line under it.
    pub(in crate::engine) async fn in_phase<F: Future>(&self, phase: Phase, work: F) -> F::Output {
        // A span of its own, not inside the mapping's, because it has the same fields.
        let span =
            info_span!(parent: None, "sync", mapping = %self.mapping.name, run = %self.run, operation = phase.word());
        self.progress.update(|p| {
            p.phase = phase;
            p.retry = None;
        });
        async {
            self.emit(Event::PhaseStarted { run: self.run.clone(), mapping: self.mapping.name.clone(), phase });
            // On the heap: nested futures of steps would make the outermost one larger than a thread's stack can hold.
            Box::pin(work).await
        }
        .instrument(span)
        .await
    }

    /// Waits for work that may be dropped at any point, or for the operator's cancel.
    pub(in crate::engine) async fn unless_cancelled<V>(
        &self,
        work: impl Future<Output = Result<V, Fault>>,
    ) -> Result<V, Halt> {
        tokio::select! {
            () = self.hold.cancel.cancelled() => Err(Halt::Cancelled),
            done = Box::pin(work) => Ok(done?),
        }
    }

    /// Tells if connections to the table's server have reached more than one server.
    pub(in crate::engine) fn is_balanced(&self) -> bool {
        self.ports.source.is_balanced(self.mapping.source.server.as_ref())
    }

    /// Where this mapping's jobs run.
    pub(in crate::engine) fn place(&self) -> JobPlace {
        let project = self.ports.config.jobs_project().to_owned();
        JobPlace { project, location: self.mapping.location.clone() }
    }

    /// Waits for a job that has been sent, but not for long once the operator has cancelled.
    pub(in crate::engine) async fn in_patience<V>(
        &self,
        job: &JobId,
        sent: impl Future<Output = Result<V, Fault>>,
    ) -> Result<V, Halt> {
        let patience = async {
            self.hold.cancel.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            ended = Box::pin(sent) => Ok(ended?),
            () = patience => {
                self.warn(format!("job {job} is still running; the next run asks what became of it"));
                Err(Halt::Cancelled)
            }
        }
    }

    /// Drops a staging table that is no longer needed; false if it stays. The rows are safe either way.
    pub(in crate::engine) async fn clean_up(&self, staging: &TableId) -> bool {
        let dropped = tokio::time::timeout(TIDY, self.ports.warehouse.drop_staging(staging)).await;
        match &dropped {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => {
                tracing::warn!(table = %staging, error = %fault, "the staging table was not dropped; it expires by itself");
            }
            Err(_) => tracing::warn!(table = %staging, "dropping the staging table takes long; it expires by itself"),
        }
        matches!(dropped, Ok(Ok(())))
    }

    /// Goes on at once, or when the operator resumes.
    pub(in crate::engine) async fn unless_paused(&self) -> Result<(), Halt> {
        if self.hold.cancel.is_cancelled() {
            return Err(Halt::Cancelled);
        }
        let mut paused = self.hold.paused.clone();
        if !*paused.borrow_and_update() {
            return Ok(());
        }
        self.progress.update(|p| p.paused = true);
        self.emit(Event::Paused { mapping: self.mapping.name.clone() });
        let resumed = tokio::select! {
            () = self.hold.cancel.cancelled() => Err(Halt::Cancelled),
            // An operator who has left pauses nothing.
            _ = paused.wait_for(|paused| !paused) => Ok(()),
        };
        self.progress.update(|p| p.paused = false);
        if resumed.is_ok() {
            self.emit(Event::Resumed { mapping: self.mapping.name.clone() });
        }
        resumed
    }

    /// The same scope; its adapters report to this run every call that they repeat.
    pub(in crate::engine) fn watched(mut self) -> Self {
        let (run, mapping) = (self.run.clone(), self.mapping.name.clone());
        let (emitter, progress) = (self.emitter.clone(), self.progress.clone());
        let tell = move |note: RetryNote| announce(&run, &mapping, &emitter, &progress, note);
        let notes = RetryNotes::to(tell).with_patience(self.ports.patience);
        self.ports.source = Arc::new(self.ports.source.watched(notes.clone()));
        self.ports.warehouse = Arc::new(self.ports.warehouse.watched(notes));
        self.ports = self.ports.billed(&self.mapping, Some(&self.run));
        self
    }

    /// Announces a retry: of what, and when.
    pub(in crate::engine) fn announce(&self, note: RetryNote) {
        announce(&self.run, &self.mapping.name, &self.emitter, &self.progress, note);
    }
}

fn announce(run: &RunId, mapping: &MappingName, emitter: &Emitter, progress: &ProgressOf, note: RetryNote) {
    let RetryNote { operation, attempt, wait, because, absent } = note;
    progress.update(|p| p.retry = Some(Retry { at: Instant::now() + wait, because: because.clone(), attempt }));
    let (run, mapping) = (run.clone(), mapping.clone());
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    emitter.emit(Event::RetryScheduled { run, mapping, operation, attempt, wait_ms, because, absent });
}
