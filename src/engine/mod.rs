//! The engine: moves mappings from a source to a warehouse, and communicates by commands, events and progress only.

mod answers;
mod clock;
mod moving;
mod ports;
mod protocol;
mod run;
mod supervisor;
#[cfg(test)]
mod tests;
mod work;

use tokio::sync::{mpsc, watch};

pub use self::answers::expansion::{Expanding, expand_tables, may_be_taken};
pub use self::answers::tables::{Around, propose_tables};
pub use self::clock::{Clock, SystemClock};
pub use self::ports::{Platform, Ports};
pub use self::protocol::{
    Answers, Asked, BackfillAsk, BackfillPreview, Check, Checked, ColumnDecision, Command, Compare, Comparison, Decide,
    Decided, Event, Failure, Inspect, Lag, ListTables, MOST_BYTES, MappingProgress, MappingStatus, Measure, Of, Phase,
    PreviewBackfill, Progress, PublishBytes, Query, Question, ReadBeside, ReadHistory, ReadReport, RepairOrder, Reply,
    Retry, Selection, SlicePreview, SyncOrder, Tables, Verified, Verify, WHOLE_TABLE, Watch,
};
use self::supervisor::Ask;
use self::work::emitter::Emitter;
pub use crate::state::{BackfillState, Holder, LastRun, Parts};

/// The operator's end of a running engine. Dropping it cancels all running work at the next safe point.
#[derive(Debug)]
pub struct Handle {
    asks: mpsc::UnboundedSender<Ask>,
    events: mpsc::UnboundedReceiver<Event>,
    progress: watch::Receiver<Progress>,
}

impl Handle {
    /// Asks for work; events report its results.
    pub fn send(&self, command: Command) {
        // The engine outlives its handle, so the channel is open.
        let _ = self.asks.send(Ask::Command(command));
    }

    /// Asks a question. If the answers end early, a fault of ours broke them; an event reports it.
    pub fn ask<Q: Query>(&self, query: Q) -> Answers<Q::Answer> {
        let (reply, answers) = Answers::expect();
        let _ = self.asks.send(Ask::Question(query.with(reply)));
        answers
    }

    /// The next event; `None` once the engine has ended.
    pub async fn next_event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// How far each mapping is, now and later.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }
}

/// Starts the engine in the background of the current tokio runtime.
pub fn start<P: Platform>(ports: Ports<P>) -> Handle {
    let (asks, inbox) = mpsc::unbounded_channel();
    let (outbox, events) = mpsc::unbounded_channel();
    let (progress, latest) = watch::channel(Progress::default());
    tokio::spawn(supervisor::supervise(ports, inbox, Emitter::new(outbox), progress));
    Handle { asks, events, progress: latest }
}
