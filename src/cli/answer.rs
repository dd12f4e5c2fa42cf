//! Waiting for the engine's answer to a command that moves nothing.

use super::exit::ExitStatus;
use super::printer::Printer;
use crate::engine::{Command, Event, Handle};

/// Sends a command and hands `read` every event until it has made the answer of them.
///
/// # Errors
/// How the process ends when the engine gives none; why is said.
pub(super) async fn answer<T>(
    handle: &mut Handle,
    command: Command,
    printer: Printer,
    mut read: impl FnMut(Event) -> Option<T>,
) -> Result<T, ExitStatus> {
    handle.send(command);
    loop {
        match handle.next_event().await {
            Some(Event::EngineFailed { error }) => {
                printer.note_own_failure(&error);
                return Err(ExitStatus::Failed);
            }
            Some(event) => {
                if let Some(answer) = read(event) {
                    return Ok(answer);
                }
            }
            None => return Err(ExitStatus::Failed),
        }
    }
}
