//! Staging through a bucket of Cloud Storage (`temp_bucket`): the file is put there in parts and loaded by its exact URI.
//!
//! An object has the name of its staging table: a process that may drop the table may remove the object, and a listing
//! finds what a dead run left behind.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::chunks::Chunk;
use super::client::Api;
use super::jobs::JobState;
use super::load;
use crate::bucket::{Bucket, MOST_PARTS, Multipart, Replaces, StorageError};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::TableId;
use crate::domain::naming::STAGING_PREFIX;
use crate::domain::retry::RetryNotes;
use crate::warehouse::StageOrder;

/// The folder of everything that this program keeps in the bucket.
const FOLDER: &str = "bqsync";

/// How long a removal waits for the last request of an abandoned upload: a request that is answered later would bring
/// back what was removed. If a slow line brings it back all the same, the next run finds it as a leftover.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// The bucket, and the uploads under way to it.
#[derive(Debug)]
pub struct StagedObjects {
    bucket: Bucket,
    /// Tasks that receive chunks, by object; a task whose upload is dropped ends after its current request.
    receiving: Mutex<HashMap<String, JoinHandle<()>>>,
    /// Multipart uploads that have begun and are not complete: the service keeps them, and charges for them, until
    /// somebody aborts them.
    unfinished: Mutex<HashMap<String, Multipart>>,
}

impl StagedObjects {
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket, receiving: Mutex::default(), unfinished: Mutex::default() }
    }

    /// Puts all chunks into the bucket, creates the staging table, waits for the load job. `None` when the sender went
    /// away without a last chunk: then nothing is loaded.
    pub async fn upload(
        self: Arc<Self>,
        api: Api,
        order: StageOrder,
        chunks: mpsc::Receiver<Chunk>,
        sent: Arc<AtomicU64>,
    ) -> Result<Option<JobState>, Fault> {
        let path = path(&order.staging);
        let uri = self.bucket.uri(&path);
        let (outcome, told) = oneshot::channel();
        let (objects, bucket, to) = (Arc::clone(&self), self.bucket.watched(api.notes()), path.clone());
        let task = tokio::spawn(async move {
            // Nobody waits for the outcome of an abandoned upload.
            outcome.send(objects.receive(&bucket, &to, chunks, &sent).await).ok();
        });
        self.receiving.lock().await.insert(path, task);
        let receive = async {
            let lost = Fault::new(FaultKind::Bug, "The task that receives chunks ended in the middle");
            let received = told.await.map_err(|_| lost)?;
            received.map_err(|error| error.into_fault(format!("Uploading rows of {} to {uri} failed", order.mapping)))
        };
        let (received, ()) = tokio::try_join!(receive, api.create_staging(&order))?;
        match received {
            Received::Whole => {}
            Received::GivenUp => return Ok(None),
            Received::TooLarge => return Err(too_large(&order)),
        }
        let failed = format!("Loading rows of {} into {} failed", order.mapping, order.staging);
        // Boxed: the job's description is a large value to carry on the stack through every call below.
        let load = Box::pin(async {
            let configuration = load::configuration(&api, &order, Some(uri));
            api.run(&order.job, configuration, &failed).await
        });
        load.await?.succeeded(&failed).map(Some)
    }

    async fn receive(
        &self,
        bucket: &Bucket,
        path: &str,
        mut chunks: mpsc::Receiver<Chunk>,
        sent: &AtomicU64,
    ) -> Result<Received, StorageError> {
        let Some(mut chunk) = chunks.recv().await else { return Ok(Received::GivenUp) };
        if chunk.is_last {
            let length = chunk.bytes.len() as u64;
            bucket.put(path, chunk.bytes, &Replaces::Anything).await?;
            sent.store(length, Ordering::Relaxed);
            return Ok(Received::Whole);
        }
        let upload = bucket.begin_parts(path).await?;
        self.unfinished.lock().await.insert(path.to_owned(), upload.clone());
        let mut parts = Vec::new();
        loop {
            if parts.len() == MOST_PARTS {
                return Ok(Received::TooLarge);
            }
            let length = chunk.bytes.len() as u64;
            parts.push(bucket.put_part(path, &upload, parts.len(), chunk.bytes).await?);
            let total = sent.fetch_add(length, Ordering::Relaxed) + length;
            if chunk.is_last {
                match bucket.complete_parts(path, &upload, &parts).await {
                    // An earlier request, whose answer was lost, completed the upload.
                    Err(error) if error.is_not_found() && bucket.size(path).await? == Some(total) => {}
                    completed => completed?,
                }
                self.unfinished.lock().await.remove(path);
                return Ok(Received::Whole);
            }
            chunk = match chunks.recv().await {
                Some(next) => next,
                None => return Ok(Received::GivenUp),
            };
        }
    }

    /// Writes, reads and removes an object of its own, as staged files are; gives their folder.
    pub async fn try_bucket(&self, staging: &TableId, notes: &RetryNotes) -> Result<String, Fault> {
        let (path, folder) = (path(staging), folder(staging));
        let bucket = self.bucket.watched(notes);
        let tried = async {
            bucket.put(&path, Bytes::from_static(b"PAR1"), &Replaces::Anything).await?;
            let found = bucket.size(&path).await;
            // The object is removed whatever the answer was.
            bucket.delete(&path).await?;
            found?;
            bucket.list(&folder).await
        };
        let uri = bucket.uri(&folder);
        match tried.await {
            Ok(_) => Ok(uri),
            Err(error) => Err(error.into_fault(format!("Trying {uri} failed"))),
        }
    }

    /// Removes what was put into the bucket for a staging table; succeeds if nothing is there.
    pub async fn remove(&self, staging: &TableId) -> Result<(), Fault> {
        let path = path(staging);
        let receiving = self.receiving.lock().await.remove(&path);
        let unfinished = self.unfinished.lock().await.remove(&path);
        // A part under way is refused once its upload is aborted, so only a whole object is worth waiting for.
        if let (Some(task), None) = (receiving, &unfinished) {
            tokio::time::timeout(LAST_REQUEST, task).await.ok();
        }
        let removed = async {
            if let Some(upload) = unfinished {
                self.bucket.abort_parts(&path, &upload).await?;
            }
            self.bucket.delete(&path).await
        };
        removed.await.map_err(|error| error.into_fault(format!("Removing {} failed", self.bucket.uri(&path))))
    }

    /// The staging tables of a dataset whose objects nobody has removed yet.
    pub async fn leftovers(&self, beside: &TableId) -> Result<Vec<TableId>, Fault> {
        let folder = folder(beside);
        let listed = self.bucket.list(&folder).await;
        let listed =
            listed.map_err(|error| error.into_fault(format!("Listing {} failed", self.bucket.uri(&folder))))?;
        Ok(listed.iter().filter_map(|found| staging_of(found, beside)).collect())
    }
}

enum Received {
    Whole,
    GivenUp,
    TooLarge,
}

fn too_large(order: &StageOrder) -> Fault {
    let sentence = format!("A step of {} makes a file of more than {MOST_PARTS} parts", order.mapping);
    Fault::new(FaultKind::Config, sentence).with_hint("set a smaller `window_rows`, then run again")
}

fn folder(beside: &TableId) -> String {
    format!("{FOLDER}/{}/{}/", beside.project, beside.dataset)
}

fn path(staging: &TableId) -> String {
    format!("{}{}.parquet", folder(staging), staging.table)
}

/// The staging table of an object that was found; `None` if the object is not ours.
fn staging_of(found: &str, beside: &TableId) -> Option<TableId> {
    let table = found.strip_prefix(&folder(beside))?.strip_suffix(".parquet")?;
    (table.starts_with(STAGING_PREFIX) && !table.contains('/')).then(|| beside.sibling(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_ours_if_its_folder_and_staging_table_match() {
        let staging = TableId { project: "p:q".into(), dataset: "d".into(), table: "bqsync_staging_users_1".into() };
        assert_eq!(path(&staging), "bqsync/p:q/d/bqsync_staging_users_1.parquet");
        assert_eq!(staging_of(&path(&staging), &staging), Some(staging.clone()));
        for other in ["bqsync/p:q/e/bqsync_staging_users_1.parquet", "bqsync/p:q/d/mine.parquet", "mine.parquet"] {
            assert_eq!(staging_of(other, &staging), None);
        }
    }
}
