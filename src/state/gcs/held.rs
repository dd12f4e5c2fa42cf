//! A mapping that this process holds: shows signs of life in the background, writes its state, and gives it back.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::lease::{Lease, Taken, lost};
use super::names::Names;
use crate::bucket::{Bucket, Replaces, StorageError};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::MappingName;
use crate::state::document::{Document, Stamp};
use crate::state::{self, Holder, MappingState};

/// Signs of life within the length of a lease, so that one lost sign does not end the lease.
const BEATS: u32 = 3;

/// A lease that cannot be given back within this time expires by itself.
const GIVING_BACK: Duration = Duration::from_secs(10);

/// The first look may find an earlier write of ours that arrived although its answer was lost; the second, another
/// holder's write.
const LOOKS: usize = 3;

/// A mapping taken for this process, until the last copy is dropped.
#[derive(Debug, Clone)]
pub struct GcsLease(Arc<Held>);

#[derive(Debug)]
struct Held {
    hold: Arc<Hold>,
    /// Tells the task that shows signs of life to give the lease back.
    _stop: DropGuard,
}

impl GcsLease {
    /// `stop` ends the task that runs [`Hold::keep`].
    pub(super) fn new(hold: Arc<Hold>, stop: CancellationToken) -> Self {
        Self(Arc::new(Held { hold, _stop: stop.drop_guard() }))
    }

    pub(super) fn hold(&self) -> &Hold {
        &self.0.hold
    }
}

impl state::Lease for GcsLease {
    fn follows_a_dead_one(&self) -> bool {
        self.0.hold.follows_a_dead_one
    }
}

/// What the holder's saves and its signs of life have in common.
#[derive(Debug)]
pub(super) struct Hold {
    pub bucket: Bucket,
    pub names: Names,
    pub lease: Lease,
    /// The former holder has not given the lease back.
    pub follows_a_dead_one: bool,
    pub written: Mutex<Written>,
    /// The new holder, once another process has taken the lease; `None` inside when that holder has gone already.
    lost: OnceLock<Option<Holder>>,
}

/// The state object as this holder wrote it last.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub document: Option<Document>,
    pub generation: String,
    /// Serial number of the last write that was sent.
    serial: u64,
    /// Serial number of the last write that is known to have arrived.
    confirmed: u64,
}

/// What the object holds after a write was refused.
enum Seen {
    /// The write itself: its answer was lost.
    This(String),
    /// An earlier write of ours, whose answer was lost.
    Earlier(String),
}

impl Hold {
    pub fn new(bucket: Bucket, names: Names, taken: Taken) -> Self {
        let Taken { lease, follows_a_dead_one, .. } = taken;
        Self { bucket, names, lease, follows_a_dead_one, written: Mutex::default(), lost: OnceLock::new() }
    }

    fn mapping(&self) -> &MappingName {
        &self.lease.mapping
    }

    /// Writes the state object anew with its present content under this lease's number: from here on no former holder
    /// can write it. `first` is the content to write when there is no object.
    pub async fn fence(&self, first: &MappingState) -> Result<(), Fault> {
        let path = self.names.state(self.mapping());
        let uri = self.bucket.uri(&path);
        let mut written = self.written.lock().await;
        for _ in 0..LOOKS {
            let found = self.bucket.get(&path).await.map_err(|e| e.into_fault(format!("Reading {uri} failed")))?;
            let mut document = Document::of_object(&uri, found.as_ref().map(|o| &*o.content))?;
            let replaces = if let Some(object) = found {
                Replaces::Generation(object.generation)
            } else {
                document.set(self.mapping(), first)?;
                Replaces::Nothing
            };
            if document.stamp().fence > self.lease.fence {
                return Err(self.taken_over().await);
            }
            document.set_stamp(Stamp { fence: self.lease.fence, serial: 0 });
            match self.bucket.put(&path, document.to_bytes()?.into(), &replaces).await {
                Ok(generation) => {
                    *written = Written { document: Some(document), generation, serial: 0, confirmed: 0 };
                    return Ok(());
                }
                // The last write of a former holder, or a write of ours whose answer was lost.
                Err(error) if error.is_precondition() => {}
                Err(error) => return Err(error.into_fault(format!("Writing {uri} failed"))),
            }
        }
        Err(self.changed(&uri))
    }

    /// Replaces the state; durable when it returns.
    pub async fn save(&self, state: &MappingState) -> Result<(), Fault> {
        let path = self.names.state(self.mapping());
        let uri = self.bucket.uri(&path);
        let mut written = self.written.lock().await;
        if let Some(holder) = self.lost.get() {
            return Err(lost(self.mapping(), holder.as_ref()));
        }
        let Some(mut document) = written.document.clone() else {
            return Err(Fault::new(FaultKind::Bug, format!("{uri} was to be written before its lease was complete")));
        };
        document.set(self.mapping(), state)?;
        written.serial += 1;
        let stamp = Stamp { fence: self.lease.fence, serial: written.serial };
        document.set_stamp(stamp);
        let content = Bytes::from(document.to_bytes()?);
        for _ in 0..LOOKS {
            let replaces = Replaces::Generation(written.generation.clone());
            let generation = match self.bucket.put(&path, content.clone(), &replaces).await {
                Ok(generation) => generation,
                Err(error) if error.is_precondition() => match self.look(stamp, written.confirmed, &path).await? {
                    Seen::This(generation) => generation,
                    Seen::Earlier(generation) => {
                        written.generation = generation;
                        continue;
                    }
                },
                Err(error) => return Err(error.into_fault(format!("Writing {uri} failed"))),
            };
            (written.generation, written.confirmed, written.document) = (generation, stamp.serial, Some(document));
            return Ok(());
        }
        Err(self.changed(&uri))
    }

    /// Why a write was refused.
    async fn look(&self, wanted: Stamp, confirmed: u64, path: &str) -> Result<Seen, Fault> {
        let uri = self.bucket.uri(path);
        let found = self.bucket.get(path).await.map_err(|e| e.into_fault(format!("Reading {uri} failed")))?;
        let Some(object) = found else { return Err(self.changed(&uri)) };
        let stamp = Document::of_object(&uri, Some(&object.content))?.stamp();
        if stamp.fence > wanted.fence {
            return Err(self.taken_over().await);
        }
        if stamp == wanted {
            return Ok(Seen::This(object.generation));
        }
        if stamp.fence == wanted.fence && stamp.serial > confirmed {
            return Ok(Seen::Earlier(object.generation));
        }
        Err(self.changed(&uri))
    }

    fn changed(&self, uri: &str) -> Fault {
        let sentence = format!("{uri} was changed by somebody else while mapping `{}` was worked on", self.mapping());
        Fault::new(FaultKind::Conflict, sentence).with_hint(
            "their change is kept; change a watermark only while no run works on the mapping, then run again",
        )
    }

    async fn taken_over(&self) -> Fault {
        let path = self.names.lease(self.mapping());
        let found = self.bucket.get(&path).await.ok().flatten();
        let lease = found.and_then(|object| Lease::read(&self.bucket.uri(&path), &object).ok());
        let holder = lease.filter(|lease| *lease != self.lease).and_then(|lease| lease.holder);
        lost(self.mapping(), self.lost.get_or_init(|| holder).as_ref())
    }

    /// Shows signs of life until `stop`, then gives the lease back. `generation` is the lease object's.
    pub async fn keep(self: Arc<Self>, mut generation: String, stop: CancellationToken) {
        let every = Duration::from_secs(self.lease.seconds) / BEATS;
        loop {
            let beat = async {
                tokio::time::sleep(every).await;
                tokio::time::timeout(every, self.beat(&generation)).await
            };
            let beaten = tokio::select! {
                () = stop.cancelled() => break,
                beaten = beat => beaten,
            };
            match beaten {
                Ok(Ok(Some(next))) => generation = next,
                Ok(Ok(None)) => {
                    let fault = self.taken_over().await;
                    tracing::error!(mapping = %self.mapping(), error = %fault, "the lease is lost");
                    return;
                }
                Ok(Err(error)) => {
                    tracing::warn!(mapping = %self.mapping(), %error, "a sign of life did not arrive, trying again");
                }
                Err(_) => {
                    tracing::warn!(mapping = %self.mapping(), "a sign of life was not answered in time, trying again");
                }
            }
        }
        match tokio::time::timeout(GIVING_BACK, self.give_back(generation)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(mapping = %self.mapping(), %error, "the lease was not given back; it expires by itself");
            }
            Err(_) => tracing::warn!(mapping = %self.mapping(), "the lease was not given back; it expires by itself"),
        }
    }

    /// Writes the lease object again; returns its new generation, or `None` when another holder has it.
    async fn beat(&self, generation: &str) -> Result<Option<String>, StorageError> {
        let path = self.names.lease(self.mapping());
        let replaces = Replaces::Generation(generation.to_owned());
        match self.bucket.put(&path, content(&self.lease), &replaces).await {
            Ok(next) => Ok(Some(next)),
            Err(error) if error.is_precondition() => self.own_generation().await,
            Err(error) => Err(error),
        }
    }

    /// The lease object's generation, while the lease is ours.
    async fn own_generation(&self) -> Result<Option<String>, StorageError> {
        let path = self.names.lease(self.mapping());
        let Some(object) = self.bucket.get(&path).await? else { return Ok(None) };
        let is_ours = serde_json::from_slice::<Lease>(&object.content).is_ok_and(|lease| lease == self.lease);
        Ok(is_ours.then_some(object.generation))
    }

    async fn give_back(&self, generation: String) -> Result<(), StorageError> {
        let path = self.names.lease(self.mapping());
        let released = content(&Lease { holder: None, ..self.lease.clone() });
        match self.bucket.put(&path, released.clone(), &Replaces::Generation(generation)).await {
            // Either a sign of life arrived although its answer was lost, or another holder has the lease, which is
            // fine here.
            Err(error) if error.is_precondition() => match self.own_generation().await? {
                Some(generation) => {
                    self.bucket.put(&path, released, &Replaces::Generation(generation)).await.map(|_| ())
                }
                None => Ok(()),
            },
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }
}

/// A lease as JSON. (Serializing a struct of texts and numbers cannot fail.)
pub(super) fn content(lease: &Lease) -> Bytes {
    serde_json::to_vec_pretty(lease).unwrap_or_default().into()
}
