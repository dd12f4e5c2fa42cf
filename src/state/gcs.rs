//! State in a bucket of Cloud Storage: an object per mapping, because one object takes one write a second.
//!
//! Every write names the generation that it replaces, and every lease has a greater number than the one before: two
//! hosts can neither overwrite each other's state nor both believe that a mapping is theirs.

mod held;
mod lease;
mod names;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::{Mutex, RwLock};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::held::GcsLease;
use self::held::{Hold, content};
use self::lease::{Lease, Taken};
use self::names::Names;
use super::document::Document;
use super::{Holder, MappingState, StateStore, SumsPlace, reports};
use crate::bucket::{Bucket, Object, Replaces, StorageError};
use crate::domain::estate::KnownTables;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{MappingName, RunId};
use crate::domain::report::{RunReport, RunSummary};
use crate::domain::retry::RetryNotes;
use crate::files;
use crate::state::Diagnose;

/// How many objects are read at the same time.
const READERS: usize = 8;

/// Another writer may be quicker a few times; one that always is holds the lease by then.
const TRIES: usize = 5;

/// `state_store: gcs`. Cheap to clone; the clones share their leases.
#[derive(Debug, Clone)]
pub struct GcsState {
    bucket: Bucket,
    names: Names,
    identity: String,
    lease_length: Duration,
    report_dir: PathBuf,
    /// The tasks behind the leases of this process.
    keepers: Arc<Mutex<Vec<Keeper>>>,
    /// Read-locked while a lease is being taken; write-locked to wait until all of these attempts have ended.
    taking: Arc<RwLock<()>>,
}

/// Shows signs of life for a lease; gives it back once `stop` is set.
#[derive(Debug)]
struct Keeper {
    mapping: MappingName,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl GcsState {
    /// Sends no request yet. A holder that shows no sign of life for `lease_length` may be taken over. The report of
    /// the last run is also written to `report_dir`, where readers of the original tool look for it.
    #[must_use]
    pub fn new(bucket: Bucket, prefix: &str, lease_length: Duration, report_dir: PathBuf) -> Self {
        let names = Names::new(prefix);
        let identity = bucket.uri(&names.leases_folder());
        Self { bucket, names, identity, lease_length, report_dir, keepers: Arc::default(), taking: Arc::default() }
    }

    /// Waits for released leases to be given back, but no longer than `most`: the rest expire by themselves.
    pub async fn settle(&self, most: Duration) {
        let settled = async {
            drop(self.taking.write().await);
            self.wait_for(|_| true).await;
        };
        if tokio::time::timeout(most, settled).await.is_err() {
            tracing::warn!("a lease was not given back in time; it expires by itself");
        }
    }

    /// Waits for the chosen keepers that are giving their lease back.
    async fn wait_for(&self, chosen: impl Fn(&MappingName) -> bool) {
        let leaving: Vec<_> = {
            let mut keepers = self.keepers.lock().await;
            keepers.extract_if(.., |keeper| keeper.stop.is_cancelled() && chosen(&keeper.mapping)).collect()
        };
        for keeper in leaving {
            // A keeper that panicked has given nothing back; its lease expires.
            let _ = keeper.task.await;
        }
    }

    async fn read(&self, path: &str) -> Result<Option<Object>, Fault> {
        let read = self.bucket.get(path).await;
        read.map_err(|error| error.into_fault(format!("Reading {} failed", self.bucket.uri(path))))
    }

    async fn document(&self, path: &str) -> Result<Option<Document>, Fault> {
        let Some(object) = self.read(path).await? else { return Ok(None) };
        Document::of_object(&self.bucket.uri(path), Some(&object.content)).map(Some)
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Fault> {
        let listed = self.bucket.list(folder).await;
        listed.map_err(|error| error.into_fault(format!("Listing {} failed", self.bucket.uri(folder))))
    }

    /// What the original tool, or a local state file put in its place, remembers of a mapping.
    async fn original(&self, mapping: &MappingName) -> Result<MappingState, Fault> {
        let document = self.document(&self.names.original()).await?;
        document.map_or_else(|| Ok(MappingState::default()), |document| document.state(mapping))
    }

    /// Writes the lease object under a number greater than its present one and than `fenced`.
    async fn take(&self, mapping: &MappingName, run: &RunId, fenced: u64) -> Result<Taken, Fault> {
        let path = self.names.lease(mapping);
        let uri = self.bucket.uri(&path);
        let holder = Holder::here(run);
        let mut last = None;
        let mut follows_a_dead_one = false;
        for _ in 0..TRIES {
            let (number, replaces) = match self.read(&path).await? {
                None => (0, Replaces::Nothing),
                Some(object) => {
                    let found = Lease::read(&uri, &object)?;
                    if last.as_ref() == Some(&found) {
                        // Our own write, whose answer was lost.
                        return Ok(Taken { lease: found, generation: object.generation, follows_a_dead_one });
                    }
                    if let Some((holder, until)) = found.current(&object) {
                        return Err(lease::held(mapping, holder, until));
                    }
                    follows_a_dead_one = found.holder.is_some();
                    if let Some(former) = &found.holder {
                        tracing::warn!(%mapping, former = %former, "the former holder gave no sign of life; taking over");
                    }
                    (found.fence, Replaces::Generation(object.generation))
                }
            };
            let lease = Lease {
                mapping: mapping.clone(),
                fence: number.max(fenced) + 1,
                holder: Some(holder.clone()),
                seconds: self.lease_length.as_secs(),
            };
            match self.bucket.put(&path, content(&lease), &replaces).await {
                Ok(generation) => return Ok(Taken { lease, generation, follows_a_dead_one }),
                Err(error) if error.is_precondition() => last = Some(lease),
                Err(error) => return Err(error.into_fault(format!("Writing {uri} failed"))),
            }
        }
        let sentence = format!(
            "The lease of mapping `{mapping}` ({uri}) was changed by another process at each attempt to take it"
        );
        Err(Fault::new(FaultKind::Conflict, sentence))
    }

    /// Takes a mapping, and keeps every former holder from writing its state.
    async fn hold(&self, mapping: &MappingName, run: &RunId) -> Result<GcsLease, Fault> {
        self.wait_for(|leaving| leaving == mapping).await;
        // If somebody removed the lease object, the state object still holds its number.
        let (first, fenced) = match self.document(&self.names.state(mapping)).await? {
            Some(state) => (MappingState::default(), state.stamp().fence),
            None => (self.original(mapping).await?, 0),
        };
        let taken = self.take(mapping, run, fenced).await?;
        let generation = taken.generation.clone();
        let hold = Arc::new(Hold::new(self.bucket.clone(), self.names.clone(), taken));
        let stop = CancellationToken::new();
        let task = tokio::spawn(Arc::clone(&hold).keep(generation, stop.clone()));
        {
            let mut keepers = self.keepers.lock().await;
            keepers.retain(|keeper| !keeper.task.is_finished());
            keepers.push(Keeper { mapping: mapping.clone(), stop: stop.clone(), task });
        }
        // From here on, dropping the lease gives it back.
        let lease = GcsLease::new(hold, stop);
        lease.hold().fence(&first).await?;
        Ok(lease)
    }
}

impl StateStore for GcsState {
    type Lease = GcsLease;

    fn identity(&self) -> &str {
        &self.identity
    }

    fn watched(&self, notes: &RetryNotes) -> Self {
        Self { bucket: self.bucket.watched(notes), ..self.clone() }
    }

    async fn lease(&self, mapping: &MappingName, run: &RunId) -> Result<GcsLease, Fault> {
        let (store, mapping, run) = (self.clone(), mapping.clone(), run.clone());
        // In a task of its own: a lease that was written after its caller went away is given back, not left to expire.
        let taken = tokio::spawn(async move {
            let _taking = store.taking.read().await;
            store.hold(&mapping, &run).await
        });
        taken.await.unwrap_or_else(|error| Err(Fault::new(FaultKind::Bug, "Taking a lease broke off").caused_by(error)))
    }

    async fn load(&self, mapping: &MappingName) -> Result<MappingState, Fault> {
        match self.document(&self.names.state(mapping)).await? {
            Some(document) => document.state(mapping),
            None => self.original(mapping).await,
        }
    }

    async fn load_all(&self) -> Result<BTreeMap<MappingName, MappingState>, Fault> {
        let mut all = match self.document(&self.names.original()).await? {
            Some(original) => original.states()?,
            None => BTreeMap::new(),
        };
        let paths = self.list(&self.names.states_folder()).await?;
        let read: Vec<_> = paths.iter().map(|path| self.document(path)).collect();
        let documents: Vec<_> = stream::iter(read).buffered(READERS).try_collect().await?;
        for document in documents.into_iter().flatten() {
            all.extend(document.states()?);
        }
        Ok(all)
    }

    async fn load_tables(&self) -> Result<KnownTables, Fault> {
        self.document(&self.names.tables()).await?.map_or_else(|| Ok(KnownTables::default()), |found| found.tables())
    }

    async fn note_tables(&self, news: &KnownTables) -> Result<(), Fault> {
        let path = self.names.tables();
        let uri = self.bucket.uri(&path);
        for _ in 0..TRIES {
            let found = self.read(&path).await?;
            let mut document = Document::of_object(&uri, found.as_ref().map(|object| &*object.content))?;
            document.note_tables(news)?;
            let replaces = found.map_or(Replaces::Nothing, |object| Replaces::Generation(object.generation));
            match self.bucket.put(&path, document.to_bytes()?.into(), &replaces).await {
                Ok(_) => return Ok(()),
                // Another writer was quicker, or our own earlier write arrived and its answer was lost: read again and
                // add to that.
                Err(error) if error.is_precondition() => {}
                Err(error) => return Err(error.into_fault(format!("Writing {uri} failed"))),
            }
        }
        Err(Fault::new(
            FaultKind::Conflict,
            format!("{uri} was changed by another process at each attempt to write it"),
        ))
    }

    async fn save(&self, lease: &GcsLease, state: &MappingState) -> Result<(), Fault> {
        lease.hold().save(state).await
    }

    async fn save_sums(&self, mapping: &MappingName, place: SumsPlace, text: Vec<u8>) -> Result<(), Fault> {
        let path = self.names.sums(mapping, place);
        // A holder that has lost the lease may write here: sums that the state does not name are never read.
        let written = self.bucket.put(&path, text.into(), &Replaces::Anything).await;
        written.map(drop).map_err(|error| error.into_fault(format!("Writing {} failed", self.bucket.uri(&path))))
    }

    async fn load_sums(&self, mapping: &MappingName, place: SumsPlace) -> Result<Option<Vec<u8>>, Fault> {
        let object = self.read(&self.names.sums(mapping, place)).await?;
        Ok(object.map(|object| object.content.to_vec()))
    }

    async fn holders(&self) -> Result<BTreeMap<MappingName, Holder>, Fault> {
        let paths = self.list(&self.names.leases_folder()).await?;
        let read: Vec<_> = paths.iter().map(|path| self.holder(path)).collect();
        let found: Vec<_> = stream::iter(read).buffered(READERS).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn record_run(&self, report: &RunReport) -> Result<(), Fault> {
        let (directory, last) = (self.report_dir.clone(), report.clone());
        files::off_thread(move || reports::write_last(&directory, &last)).await?;
        let path = self.names.run(&report.run_id);
        let content = reports::sorted_json(report)?.into();
        let written = self.bucket.put(&path, content, &Replaces::Anything).await;
        written.map_err(|error| error.into_fault(format!("Writing {} failed", self.bucket.uri(&path))))?;
        self.prune().await;
        Ok(())
    }

    async fn history(&self, most: usize) -> Result<Vec<RunSummary>, Fault> {
        let paths = self.list(&self.names.runs_folder()).await?;
        // A few more than asked for, because an object that is not a report is left out.
        let read: Vec<_> =
            paths.iter().rev().take(most.saturating_add(READERS)).map(|path| self.report(path)).collect();
        let found: Vec<_> = stream::iter(read).buffered(READERS).try_collect().await?;
        let reports: Vec<RunReport> = found.into_iter().flatten().take(most).collect();
        Ok(reports.iter().map(RunSummary::from).collect())
    }

    async fn run_report(&self, run: &RunId) -> Result<Option<RunReport>, Fault> {
        self.report(&self.names.run(run)).await
    }
}

impl Diagnose for GcsState {
    async fn probe(&self) -> Result<String, Fault> {
        let directory = self.report_dir.clone();
        files::off_thread(move || files::probe(&directory.join("report.json"))).await?;
        let path = self.names.probe();
        let uri = self.bucket.uri(&path);
        let tried = async {
            let first = self.bucket.put(&path, Bytes::from_static(b"{}"), &Replaces::Anything).await?;
            // Leases depend on this: a write replaces the present generation and no other.
            self.bucket.put(&path, Bytes::from_static(b"{}"), &Replaces::Generation(first.clone())).await?;
            let refused = self.bucket.put(&path, Bytes::from_static(b"{}"), &Replaces::Generation(first)).await;
            self.bucket.delete(&path).await?;
            Ok::<_, StorageError>(refused.is_err_and(|error| error.is_precondition()))
        };
        match tried.await {
            Ok(true) => Ok(format!("{} and reports in {} can be written", self.bucket.uri(&self.names.states_folder()), self.report_dir.display())),
            Ok(false) => Err(Fault::new(
                FaultKind::Config,
                format!("{uri} was replaced although the request named an older generation of it"),
            )
            .with_hint("a proxy between this host and Cloud Storage drops the header `x-goog-if-generation-match`, which leases need: let it pass this header")),
            Err(error) => Err(error.into_fault(format!("Writing {uri} failed"))),
        }
    }
}

impl GcsState {
    /// Who holds the mapping, or the part of its backfill, that a lease object belongs to.
    async fn holder(&self, path: &str) -> Result<Option<(MappingName, Holder)>, Fault> {
        let Some(object) = self.read(path).await? else { return Ok(None) };
        let lease = Lease::read(&self.bucket.uri(path), &object)?;
        let holder = lease.current(&object).map(|(holder, _)| holder.clone());
        Ok(holder.map(|holder| (lease.mapping.whole(), holder)))
    }

    async fn report(&self, path: &str) -> Result<Option<RunReport>, Fault> {
        let object = self.read(path).await?;
        Ok(object.and_then(|object| reports::parsed(&self.bucket.uri(path), &object.content)))
    }

    /// Removes all but the newest reports. Reports that cannot be removed now are removed after a later run.
    async fn prune(&self) {
        let pruned = async {
            let paths = self.bucket.list(&self.names.runs_folder()).await?;
            for path in &paths[..paths.len().saturating_sub(reports::KEPT_RUNS)] {
                self.bucket.delete(path).await?;
            }
            Ok::<_, StorageError>(())
        };
        if let Err(error) = pruned.await {
            tracing::warn!(%error, "old run reports cannot be removed");
        }
    }
}
