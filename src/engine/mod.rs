//! The engine: moves mappings from a source to a warehouse, and speaks only commands, events and progress.

mod aftermath;
mod agenda;
mod attempt;
mod backfill;
mod check;
mod clock;
mod command;
mod compare;
mod conflicts;
mod cut;
mod decide;
mod deletes;
mod emitter;
mod fence;
mod history;
mod horizon;
mod inspect;
mod ledger;
mod prepare;
mod preview;
mod progress;
mod protocol;
mod publish;
mod reach;
mod recover;
mod retries;
mod rivals;
mod run;
mod run_id;
mod schedule;
mod scope;
mod shared;
mod status;
mod steps;
mod supervisor;
mod survey;
mod sweep;
mod sync;
mod tail;
mod transfer;
mod verify;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

pub use self::clock::{Clock, SystemClock};
pub use self::progress::{MappingProgress, Progress, Retry};
pub use self::protocol::{
    BackfillAsk, BackfillPreview, ColumnDecision, Command, Event, Lag, MappingStatus, Phase, PublishBytes, Selection,
    SlicePreview, SyncOrder, VerifyOrder,
};
pub use crate::state::{BackfillState, Holder, LastRun};

use self::emitter::Emitter;
use crate::domain::config::{Config, Mapping};
use crate::domain::ids::RunId;
use crate::domain::retry::Patience;
use crate::outlets::Outlets;
use crate::source::{BatchLimits, Source};
use crate::state::StateStore;
use crate::warehouse::{Billing, Warehouse};

/// Everything a run needs; cheap to clone.
#[derive(Debug)]
pub struct Ports<S, W, T> {
    pub config: Arc<Config>,
    pub source: Arc<S>,
    pub warehouse: Arc<W>,
    pub state: Arc<T>,
    pub limits: BatchLimits,
    /// How much of an announced wait is waited out before something is tried again.
    pub patience: Patience,
    /// `user@host`, for the history.
    pub operator: Arc<str>,
    /// What schedules go by.
    pub clock: Arc<dyn Clock>,
    pub outlets: Arc<Outlets>,
}

impl<S, W, T> Clone for Ports<S, W, T> {
    fn clone(&self) -> Self {
        Self {
            config: Arc::clone(&self.config),
            source: Arc::clone(&self.source),
            warehouse: Arc::clone(&self.warehouse),
            state: Arc::clone(&self.state),
            limits: self.limits,
            patience: self.patience,
            operator: Arc::clone(&self.operator),
            clock: Arc::clone(&self.clock),
            outlets: Arc::clone(&self.outlets),
        }
    }
}

impl<S, W: Warehouse, T> Ports<S, W, T> {
    /// The same, whose jobs are billed as work on a mapping.
    fn billed(&self, mapping: &Mapping, run: Option<&RunId>) -> Self {
        let billing = Billing {
            mapping: Some(mapping.name.clone()),
            run: run.cloned(),
            most_bytes: mapping.maximum_bytes_billed,
        };
        Self { warehouse: Arc::new(self.warehouse.billed(billing)), ..self.clone() }
    }
}

/// The operator's end of a running engine. Dropping it cancels what runs at the next safe point.
#[derive(Debug)]
pub struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<Event>,
    progress: watch::Receiver<Progress>,
}

impl Handle {
    /// Asks for something; the answer comes as events.
    pub fn send(&self, command: Command) {
        // The engine outlives its handle, so the channel is open.
        let _ = self.commands.send(command);
    }

    /// The next event; `None` once the engine has ended.
    pub async fn next_event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// How far everything is, now and later.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }
}

/// Starts the engine in the background of the current tokio runtime.
pub fn start<S: Source, W: Warehouse, T: StateStore>(ports: Ports<S, W, T>) -> Handle {
    let (commands, inbox) = mpsc::unbounded_channel();
    let (outbox, events) = mpsc::unbounded_channel();
    let (progress, latest) = watch::channel(Progress::default());
    tokio::spawn(supervisor::supervise(ports, inbox, Emitter::new(outbox), progress));
    Handle { commands, events, progress: latest }
}
