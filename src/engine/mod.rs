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
mod ports;
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

use tokio::sync::{mpsc, watch};

pub use self::clock::{Clock, SystemClock};
pub use self::ports::{Platform, Ports};
pub use self::progress::{MappingProgress, Progress, Retry};
pub use self::protocol::{
    BackfillAsk, BackfillPreview, ColumnDecision, Command, Event, Lag, MappingStatus, Phase, PublishBytes, Selection,
    SlicePreview, SyncOrder, VerifyOrder,
};
pub use crate::state::{BackfillState, Holder, LastRun};

use self::emitter::Emitter;

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
pub fn start<P: Platform>(ports: Ports<P>) -> Handle {
    let (commands, inbox) = mpsc::unbounded_channel();
    let (outbox, events) = mpsc::unbounded_channel();
    let (progress, latest) = watch::channel(Progress::default());
    tokio::spawn(supervisor::supervise(ports, inbox, Emitter::new(outbox), progress));
    Handle { commands, events, progress: latest }
}
