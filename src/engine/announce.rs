//! Lets the adapters tell of every call that they make again: to the operator as an event, to the console as a countdown.

use std::sync::Arc;
use std::time::Instant;

use super::Ports;
use super::emitter::Emitter;
use super::progress::{ProgressOf, Retry};
use super::protocol::Event;
use crate::domain::ids::{MappingName, RunId};
use crate::domain::retry::{RetryNote, RetryNotes};
use crate::source::Source;
use crate::warehouse::Warehouse;

/// The ports for the work on one mapping.
pub(super) fn watched<S: Source, W: Warehouse, T>(
    ports: &Ports<S, W, T>,
    run: &RunId,
    mapping: &MappingName,
    emitter: &Emitter,
    progress: &ProgressOf,
) -> Ports<S, W, T> {
    let (run, mapping, emitter, progress) = (run.clone(), mapping.clone(), emitter.clone(), progress.clone());
    let tell = move |note: RetryNote| announce(&run, &mapping, &emitter, &progress, note);
    let notes = RetryNotes::to(tell).with_patience(ports.patience);
    let source = Arc::new(ports.source.watched(notes.clone()));
    Ports { source, warehouse: Arc::new(ports.warehouse.watched(notes)), ..ports.clone() }
}

/// Says that something will be tried again, what and when.
pub(super) fn announce(run: &RunId, mapping: &MappingName, emitter: &Emitter, progress: &ProgressOf, note: RetryNote) {
    let RetryNote { operation, attempt, wait, because } = note;
    progress.update(|p| p.retry = Some(Retry { at: Instant::now() + wait, because: because.clone(), attempt }));
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    emitter.emit(Event::RetryScheduled {
        run: run.clone(),
        mapping: mapping.clone(),
        operation,
        attempt,
        wait_ms,
        because,
    });
}
