//! Reads a window: one reader at first, and more of them once a full page has shown that there is work for them.

mod by_parts;
mod page;
mod reader;
mod select;
mod slice;
mod wanted;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use self::page::PageOrder;
use self::reader::{Read, Reader, Team};
use self::slice::Slice;
use super::server::Server;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::retry::RetryNotes;
use crate::source::{Extract, Extraction, Step};

/// Two waiting batches hide one slow upload; more only costs memory.
const WAITING: usize = 2;

/// Starts reading in the background.
pub fn start(server: Arc<Server>, notes: RetryNotes, job: Extraction) -> Extract {
    let (steps, receiver) = mpsc::channel(WAITING);
    let (given, taken) = mpsc::unbounded_channel();
    let cancel = job.cancel.clone();
    let of = Arc::clone(&server);
    let (at_work, most) = (AtomicUsize::new(1), AtomicUsize::new(job.readers));
    let team = Arc::new(Team { server, notes, job, steps: steps.clone(), given, at_work, most });
    // Ends early when the receiver is gone. Dropping the readers in the middle drops their connections, which are never
    // used again.
    tokio::spawn(async move {
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => Ok(Step::Stopped),
            () = steps.closed() => return,
            outcome = read(team, taken) => {
                outcome.map(|each_key_once| Step::End { each_key_once }).map_err(|fault| of.worded(fault))
            }
        };
        // An error here means that the receiver is gone, and there is nobody to tell.
        steps.send(outcome).await.ok();
    });
    Extract::new(receiver)
}

/// Waits for all readers; the first fault ends them all. A slice that is given away gets a reader of its own, at once
/// or, if the server has no connection for one, when another reader has ended. True if no key can have come twice: no
/// two slices have a value in common.
async fn read(team: Arc<Team>, mut taken: mpsc::UnboundedReceiver<(Slice, PageOrder)>) -> Result<bool, Fault> {
    let mut each_key_once = true;
    let mut left = Vec::new();
    let mut readers = JoinSet::new();
    readers.spawn(Reader::new(Arc::clone(&team), Slice::default(), None).read());
    loop {
        tokio::select! {
            biased;
            // A slice is given away before its giver ends, so none is left when the last reader has ended.
            Some((slice, order)) = taken.recv() => {
                readers.spawn(Reader::new(Arc::clone(&team), slice, Some(order)).read());
            }
            ended = readers.join_next() => match ended {
                Some(ended) => match ended.unwrap_or_else(broken)? {
                    Read::Whole(once) => {
                        each_key_once &= once;
                        match left.pop() {
                            Some((slice, order)) => {
                                readers.spawn(Reader::new(Arc::clone(&team), slice, Some(order)).read());
                            }
                            None => team.leave_place(),
                        }
                    }
                    Read::Left(slice, order) => {
                        tracing::info!(table = %team.job.table, "MySQL has no connection for another reader; the others go on");
                        team.leave_place();
                        left.push((slice, order));
                    }
                },
                None => match left.pop() {
                    // The reader that it was left to had already ended.
                    Some((slice, order)) => {
                        team.at_work.fetch_add(1, Ordering::SeqCst);
                        readers.spawn(Reader::new(Arc::clone(&team), slice, Some(order)).read());
                    }
                    None => return Ok(each_key_once),
                },
            },
        }
    }
}

fn broken(error: JoinError) -> Result<Read, Fault> {
    Err(Fault::new(FaultKind::Bug, "A reader broke").caused_by(error))
}
