//! Rows on their way into a staging table: encoded in a thread, uploaded by a task.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use super::chunks::ChunkWriter;
use super::client::Api;
use super::jobs::JobState;
use super::load;
use super::parquet::{Encoded, ParquetEncoder};
use super::staged_object::StagedObjects;
use crate::domain::counted::counted;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::TablePlan;
use crate::warehouse::{StageOrder, Staged};

/// One batch waits while one is encoded; more would only cost memory.
const WAITING_BATCHES: usize = 1;

/// One chunk waits while one is sent and one is filled.
const WAITING_CHUNKS: usize = 1;

/// What the encoder receives. A channel that closes without `End` means that the upload was given up.
enum Step {
    Rows(RecordBatch),
    End,
}

/// Rows on their way into a staging table.
#[derive(Debug)]
pub struct StagingUpload {
    order: StageOrder,
    steps: mpsc::Sender<Step>,
    encoder: JoinHandle<Result<Option<Encoded>, Fault>>,
    /// A set of one: dropping it aborts the task.
    uploader: JoinSet<Result<Option<JobState>, Fault>>,
    sent: Arc<AtomicU64>,
}

impl StagingUpload {
    /// Begins the upload. `objects`: the bucket to go through, if one is configured.
    pub fn begin(api: Api, order: StageOrder, objects: Option<Arc<StagedObjects>>) -> Self {
        let (steps, inbox) = mpsc::channel(WAITING_BATCHES);
        let (sender, chunks) = mpsc::channel(WAITING_CHUNKS);
        let plan = Arc::clone(&order.plan);
        // Encoding runs in a thread of its own: it is computation, and the channels make it wait.
        let encoder = tokio::task::spawn_blocking(move || encode(&plan, inbox, ChunkWriter::new(sender)));
        let sent = Arc::new(AtomicU64::new(0));
        let mut uploader = JoinSet::new();
        let (to, counter) = (order.clone(), Arc::clone(&sent));
        match objects {
            Some(objects) => uploader.spawn(objects.upload(api, to, chunks, counter)),
            None => uploader.spawn(load::upload(api, to, chunks, counter)),
        };
        Self { order, steps, encoder, uploader, sent }
    }

    /// Hands rows over; waits while the network is behind.
    pub async fn write(&mut self, rows: RecordBatch) -> Result<(), Fault> {
        match self.steps.send(Step::Rows(rows)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.trouble().await),
        }
    }

    /// Bytes of Parquet that the server has so far.
    pub fn bytes_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Ends the file and waits for the load job.
    pub async fn finish(mut self) -> Result<Staged, Fault> {
        if self.steps.send(Step::End).await.is_err() {
            return Err(self.trouble().await);
        }
        // The uploader is awaited first: when it fails, the encoder only knows that nobody listens.
        let job = match self.uploader.join_next().await {
            Some(Ok(Ok(Some(job)))) => job,
            Some(Ok(Err(fault))) => return Err(fault),
            Some(Err(error)) => return Err(panicked(error)),
            Some(Ok(Ok(None))) | None => return Err(self.trouble().await),
        };
        let encoded = match self.encoder.await {
            Ok(Ok(Some(encoded))) => encoded,
            Ok(Ok(None)) => return Err(Fault::new(FaultKind::Bug, "An upload was given up and finished at once")),
            Ok(Err(fault)) => return Err(fault),
            Err(error) => return Err(panicked(error)),
        };
        self.sent.store(encoded.bytes, Ordering::Relaxed);
        reconciled(self.order, encoded, &job)
    }

    /// The fault that made the other side go away.
    async fn trouble(&mut self) -> Fault {
        match self.uploader.join_next().await {
            Some(Ok(Err(fault))) => fault,
            Some(Err(error)) => panicked(error),
            // The uploader left because the encoder did.
            Some(Ok(Ok(_))) | None => match (&mut self.encoder).await {
                Ok(Err(fault)) => fault,
                Err(error) => panicked(error),
                Ok(Ok(_)) => Fault::new(FaultKind::Bug, "An upload was written to after its end"),
            },
        }
    }
}

/// Encodes until the end; `None` when the upload was given up and the file must not become complete.
fn encode(plan: &TablePlan, mut inbox: mpsc::Receiver<Step>, sink: ChunkWriter) -> Result<Option<Encoded>, Fault> {
    let mut encoder = ParquetEncoder::new(plan, sink)?;
    while let Some(step) = inbox.blocking_recv() {
        match step {
            Step::Rows(rows) => encoder.write(&rows)?,
            Step::End => {
                let (chunks, file) = encoder.finish()?;
                chunks.finish().map_err(|error| {
                    Fault::new(FaultKind::Transient, "Handing over the end of a file failed").caused_by(error)
                })?;
                return Ok(Some(file));
            }
        }
    }
    Ok(None)
}

/// Counts rows as staged only if BigQuery loaded as many as were written.
fn reconciled(order: StageOrder, encoded: Encoded, job: &JobState) -> Result<Staged, Fault> {
    let loaded = job.loaded_rows();
    if loaded != Some(encoded.rows) {
        let loaded = loaded.map_or_else(|| "an unknown number of rows".to_owned(), |rows| counted(rows, "row"));
        let sentence =
            format!("{loaded} arrived in {}, but {} had been written", order.staging, counted(encoded.rows, "row"));
        return Err(Fault::new(FaultKind::Bug, sentence));
    }
    Ok(Staged {
        table: order.staging,
        inline: None,
        rows: encoded.rows,
        bytes: encoded.bytes,
        key_ranges: encoded.key_ranges,
        cursor_range: encoded.cursor_range,
    })
}

fn panicked(error: JoinError) -> Fault {
    Fault::new(FaultKind::Bug, "A task of the upload ended in the middle").caused_by(error)
}
