//! The reader: one task, one connection, rows straight into batches, batches through a short channel.

use std::sync::Arc;

use futures_util::{FutureExt, Stream, StreamExt};
use sqlx::Connection;
use sqlx::mysql::MySqlRow;
use tokio::sync::mpsc;

use super::catalog;
use super::connect::{self, SILENCE, Session};
use super::decode::Batcher;
use super::fault::from_sqlx;
use super::position::{PageOrder, Position};
use super::sql::{Query, Reading};
use super::wire;
use crate::domain::config::MysqlSettings;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::Paging;
use crate::domain::retry::RetryNotes;
use crate::domain::window::Low;
use crate::retry::Waits;
use crate::source::{Extract, Extraction, Step};

/// Two waiting batches hide one slow upload; more only costs memory.
const WAITING: usize = 2;

type Steps = mpsc::Sender<Result<Step, Fault>>;

/// Starts reading in the background.
pub fn start(settings: Arc<MysqlSettings>, notes: RetryNotes, job: Extraction) -> Extract {
    let (steps, receiver) = mpsc::channel(WAITING);
    tokio::spawn(run(settings, notes, job, steps));
    Extract::new(receiver)
}

/// Ends early when nobody listens any more. Dropping the reader in the middle drops its connection, which nobody uses
/// again.
async fn run(settings: Arc<MysqlSettings>, notes: RetryNotes, job: Extraction, steps: Steps) {
    let cancel = job.cancel.clone();
    let outcome = tokio::select! {
        biased;
        () = cancel.cancelled() => Ok(Step::Stopped),
        () = steps.closed() => return,
        outcome = Reader::new(&settings, &job, &steps).read(&notes) => outcome.map(|()| Step::End),
    };
    // An error here means that the receiver is gone, and there is nobody to tell.
    steps.send(outcome).await.ok();
}

struct Reader<'a> {
    settings: &'a MysqlSettings,
    job: &'a Extraction,
    steps: &'a Steps,
    batcher: Batcher,
    /// Found with the first connection and kept: the last row only makes sense in its order. `None` for a stream.
    order: Option<PageOrder>,
    /// The last row of the last batch handed over.
    last: Option<Position>,
    batches: u64,
}

impl<'a> Reader<'a> {
    fn new(settings: &'a MysqlSettings, job: &'a Extraction, steps: &'a Steps) -> Self {
        let batcher = Batcher::new(job.table.clone(), Arc::clone(&job.plan), job.limits);
        Self { settings, job, steps, batcher, order: None, last: None, batches: 0 }
    }

    /// Reads the window, going on after the last batch where a connection breaks.
    async fn read(mut self, notes: &RetryNotes) -> Result<(), Fault> {
        let mut waits = Waits::new(notes, format!("reading {}", self.job.table));
        loop {
            let before = self.batches;
            let Err(fault) = self.attempt().await else { return Ok(()) };
            // Rows of a stream come in no order: what was handed over cannot be told from what was not.
            if self.job.plan.paging == Paging::Stream && self.batches > 0 {
                return Err(fault);
            }
            if self.batches > before {
                waits.progressed();
            }
            waits.after(fault).await?;
            self.batcher.clear();
        }
    }

    /// Reads with one connection until the window's end.
    async fn attempt(&mut self) -> Result<(), Fault> {
        let mut session = connect::open(self.settings).await?;
        if self.order.is_none() && self.job.plan.paging == Paging::Keyset {
            let whole = self.job.window.is_none_or(|w| w.low == Low::Beginning) && !self.job.is_step;
            self.order = Some(catalog::page_order(&mut session, &self.job.table, &self.job.plan, whole).await?);
        }
        let Extraction { table, plan, window, .. } = self.job;
        let order = self.order.clone().unwrap_or_else(|| PageOrder::planned(plan));
        let reading = Reading::new(table, plan, *window, &order, session.flavour);
        match self.job.plan.paging {
            Paging::Stream => {
                self.rows_of(&mut session, reading.stream()).await?;
            }
            Paging::Keyset => {
                let most = self.job.limits.page_rows.max(1);
                while self.rows_of(&mut session, reading.page(self.last.as_ref(), most)).await? >= most {}
            }
        }
        // All rows are here; a goodbye that fails changes nothing.
        session.connection.close().await.ok();
        Ok(())
    }

    /// Hands over every row of one query; gives their number.
    async fn rows_of(&mut self, session: &mut Session, query: Query) -> Result<usize, Fault> {
        let mut rows = query.prepared().fetch(&mut session.connection);
        let mut count = 0;
        // Kept so that the page's last row can say where the next page begins.
        let mut last = None;
        while let Some(row) = self.next(&mut rows).await? {
            if count == 0 {
                wire::check(&row, &self.job.plan, &self.job.table)?;
            }
            count += 1;
            self.batcher.push(&row)?;
            if self.batcher.is_full() {
                self.hand_over(&row).await?;
                last = None;
            } else {
                last = Some(row);
            }
        }
        if let Some(row) = last {
            self.hand_over(&row).await?;
        }
        Ok(count)
    }

    async fn next<S>(&self, rows: &mut S) -> Result<Option<MySqlRow>, Fault>
    where
        S: Stream<Item = Result<MySqlRow, sqlx::Error>> + Unpin,
    {
        // Most rows have already arrived; a timer for each would cost more than decoding it.
        let row = match rows.next().now_or_never() {
            Some(row) => row,
            None => tokio::time::timeout(SILENCE, rows.next()).await.map_err(|_| {
                let sentence = format!("Reading {} failed: the server sent nothing for 30 minutes", self.job.table);
                Fault::new(FaultKind::Transient, sentence)
            })?,
        };
        row.transpose().map_err(|error| from_sqlx(error, format!("Reading {} failed", self.job.table)))
    }

    /// Sends the batch that ends with this row.
    async fn hand_over(&mut self, row: &MySqlRow) -> Result<(), Fault> {
        let position = match &self.order {
            None => None,
            Some(order) => Some(Position::of(&self.job.plan, order, row).ok_or_else(|| {
                let sentence =
                    format!("A key of {} cannot be compared with, so pages cannot go on after it", self.job.table);
                Fault::new(FaultKind::Data, sentence).with_hint("its text is no valid UTF-8; correct it at the source")
            })?),
        };
        let batch = self.batcher.finish()?;
        // The receiver being gone ends the whole task at `steps.closed()`.
        self.steps.send(Ok(Step::Batch(batch))).await.ok();
        self.last = position;
        self.batches += 1;
        Ok(())
    }
}
