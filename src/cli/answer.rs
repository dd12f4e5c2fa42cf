//! Waits for the engine's answers to a question.

use super::exit::ExitStatus;
use super::printer::Printer;
use crate::engine::{Event, Handle, Query};

/// All answers of the engine.
///
/// # Errors
/// The exit status if the engine breaks; the reason has been printed.
pub(super) async fn answers<Q: Query>(
    handle: &mut Handle,
    query: Q,
    printer: Printer,
) -> Result<Vec<Q::Answer>, ExitStatus> {
    if let Some(answers) = handle.ask(query).all().await {
        return Ok(answers);
    }
    while let Some(event) = handle.next_event().await {
        if let Event::EngineFailed { error } = event {
            printer.note_own_failure(&error);
            break;
        }
    }
    Err(ExitStatus::Failed)
}

/// The answer to a question that has a single one.
///
/// # Errors
/// The error of `answers`.
pub(super) async fn answer<Q: Query>(mut handle: Handle, query: Q, printer: Printer) -> Result<Q::Answer, ExitStatus> {
    answers(&mut handle, query, printer).await?.pop().ok_or(ExitStatus::Failed)
}
