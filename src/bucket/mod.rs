//! A bucket of Cloud Storage with what the state and the staging need: small objects as a whole with generation
//! preconditions, and large ones in parts.
//!
//! Every request may be sent again. If a request with a precondition took effect and its answer was lost, the second
//! one is answered 412: its caller then looks if the object is its own.

mod answers;
mod error;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use object_store::client::CredentialProvider;
use object_store::gcp::{GcpCredential, GoogleCloudStorage, GoogleCloudStorageBuilder};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, MultipartId, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutPayload, RetryConfig, UpdateVersion,
};

use self::answers::{Answers, ServerTime};
pub use self::error::StorageError;
use crate::domain::fault::Fault;
use crate::domain::retry::RetryNotes;
use crate::google::Login;
use crate::retry::repeated;
use crate::trust;

/// A server that is there accepts a connection at once; `status` waits for one that is not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Small objects arrive within a second; half a minute tells a slow answer from a dead connection.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A part may be large and the line slow: 8 MiB in five minutes is 28 kB/s.
const PART_TIMEOUT: Duration = Duration::from_mins(5);

/// State objects and reports have kilobytes; this program did not write a larger one.
const LARGEST_OBJECT: u64 = 64 << 20;

/// Cloud Storage's limit on the parts of one multipart upload.
pub const MOST_PARTS: usize = 10_000;

/// How Cloud Storage is reached.
#[derive(Debug, Clone)]
pub enum Access {
    /// `http://host:port` of an emulator, which needs no credentials.
    Emulator(String),
    Google(Login),
}

/// One bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bucket {
    store: GoogleCloudStorage,
    name: Arc<str>,
    /// Host and port of the service, for messages.
    server: Arc<str>,
    /// The key in config.yaml that names the bucket, for messages.
    key: &'static str,
    notes: RetryNotes,
}

/// A whole object as it was at one moment.
#[derive(Debug, Clone)]
pub struct Object {
    pub content: Bytes,
    /// The generation, which identifies this content among all that the object has had.
    pub generation: String,
    /// When it was written, by the server's clock, to the second.
    pub modified: DateTime<Utc>,
    /// When it was read, by the server's clock, to the second.
    pub read_at: DateTime<Utc>,
}

/// What a write may replace.
#[derive(Debug, Clone)]
pub enum Replaces {
    Anything,
    /// There must be no such object.
    Nothing,
    Generation(String),
}

/// An upload in parts. The service keeps it, and charges for it, until it is completed or aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multipart(MultipartId);

/// A part that was uploaded.
#[derive(Debug, Clone)]
pub struct Part(PartId);

#[derive(Debug)]
struct Bearer(Login);

#[async_trait]
impl CredentialProvider for Bearer {
    type Credential = GcpCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<GcpCredential>> {
        match self.0.pass().await {
            Ok(pass) => Ok(Arc::new(GcpCredential { bearer: pass.token })),
            Err(fault) => Err(object_store::Error::Generic { store: "GCS", source: Box::new(fault) }),
        }
    }
}

impl Bucket {
    /// Makes the bucket without using the network yet. `key`: the key in config.yaml that names it.
    ///
    /// # Errors
    /// `Config` if the name or the emulator's address is not valid.
    pub fn new(access: &Access, name: &str, key: &'static str) -> Result<Self, Fault> {
        // A second installation is refused, which means that the first one stands; without any, TLS panics.
        drop(rustls::crypto::ring::default_provider().install_default());
        let options = ClientOptions::new()
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_timeout(PART_TIMEOUT)
            .with_allow_http(matches!(access, Access::Emulator(_)));
        // This module makes the retries.
        let once = RetryConfig { max_retries: 0, retry_timeout: PART_TIMEOUT, backoff: BackoffConfig::default() };
        let builder =
            GoogleCloudStorageBuilder::new().with_bucket_name(name).with_client_options(options).with_retry(once);
        let builder = match access {
            Access::Emulator(root) => {
                builder.with_base_url(root).with_bearer_token("emulator").with_http_connector(Answers(None))
            }
            Access::Google(login) => builder
                .with_credentials(Arc::new(Bearer(login.clone())))
                .with_http_connector(Answers(Some(login.clone()))),
        };
        let store = builder.build().map_err(|error| {
            trust::unprepared(error, format!("Preparing the connection to the bucket `{name}` (`{key}`) failed"))
        })?;
        let server = match access {
            Access::Emulator(root) => {
                root.split_once("://").map_or(root.as_str(), |(_, server)| server).trim_end_matches('/')
            }
            Access::Google(_) => "storage.googleapis.com",
        };
        Ok(Self { store, name: name.into(), server: server.into(), key, notes: RetryNotes::default() })
    }

    /// The same bucket; it reports repeated calls to `notes`.
    #[must_use]
    pub fn watched(&self, notes: &RetryNotes) -> Self {
        Self { notes: notes.clone(), ..self.clone() }
    }

    /// The URI: `gs://bucket/path`.
    #[must_use]
    pub fn uri(&self, path: &str) -> String {
        format!("gs://{}/{path}", self.name)
    }

    /// The whole object; `None` if it does not exist.
    pub async fn get(&self, path: &str) -> Result<Option<Object>, StorageError> {
        let read = self
            .repeated("reading", path, REQUEST_TIMEOUT, || async {
                let answer = self.store.get_opts(&object(path)?, GetOptions::default()).await?;
                let (meta, now) = (answer.meta.clone(), answer.extensions.get::<ServerTime>().copied());
                let content = if meta.size > LARGEST_OBJECT { Bytes::new() } else { answer.bytes().await? };
                Ok((meta, now, content))
            })
            .await;
        let (meta, now, content) = match read {
            Err(error) if error.is_not_found() => return Ok(None),
            read => read?,
        };
        if meta.size > LARGEST_OBJECT {
            return Err(StorageError::unanswered(format!("{} is too large to be ours", self.uri(path))));
        }
        let Some(generation) = meta.version else {
            return Err(StorageError::unanswered("the answer names no generation"));
        };
        // The service gives its time in every answer; an emulator may not.
        let read_at = now.map_or_else(Utc::now, |time| time.0);
        Ok(Some(Object { content, generation, modified: meta.last_modified, read_at }))
    }

    /// Writes a whole object; gives its generation.
    ///
    /// # Errors
    /// [`StorageError::is_precondition`] if there is something that may not be replaced.
    pub async fn put(&self, path: &str, content: Bytes, replaces: &Replaces) -> Result<String, StorageError> {
        let mode = match replaces {
            Replaces::Anything => PutMode::Overwrite,
            Replaces::Nothing => PutMode::Create,
            Replaces::Generation(g) => PutMode::Update(UpdateVersion { e_tag: None, version: Some(g.clone()) }),
        };
        let put = self
            .repeated("writing", path, PART_TIMEOUT, || async {
                let options = PutOptions { mode: mode.clone(), ..PutOptions::default() };
                self.store.put_opts(&object(path)?, content.clone().into(), options).await
            })
            .await?;
        put.version.ok_or_else(|| StorageError::unanswered("the answer names no generation"))
    }

    /// Removes an object; succeeds if it is gone.
    pub async fn delete(&self, path: &str) -> Result<(), StorageError> {
        match self
            .repeated("removing", path, REQUEST_TIMEOUT, || async { self.store.delete(&object(path)?).await })
            .await
        {
            Err(error) if !error.is_not_found() => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The names of all objects in a folder and its subfolders, sorted.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, StorageError> {
        let found = self
            .repeated("listing", folder, PART_TIMEOUT, || async {
                let listed = self.store.list(Some(&object(folder)?));
                listed.map_ok(|meta| String::from(meta.location)).try_collect::<Vec<_>>().await
            })
            .await;
        let mut found = found?;
        found.sort();
        Ok(found)
    }

    /// An object's size in bytes; `None` if it does not exist.
    pub async fn size(&self, path: &str) -> Result<Option<u64>, StorageError> {
        match self
            .repeated("looking at", path, REQUEST_TIMEOUT, || async { self.store.head(&object(path)?).await })
            .await
        {
            Ok(meta) => Ok(Some(meta.size)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Begins an upload in parts. The object is visible only after it is completed.
    pub async fn begin_parts(&self, path: &str) -> Result<Multipart, StorageError> {
        self.repeated("beginning the upload to", path, REQUEST_TIMEOUT, || async {
            self.store.create_multipart(&object(path)?).await
        })
        .await
        .map(Multipart)
    }

    /// Sends the part with this number (from 0); all parts but the last have at least 5 MiB.
    pub async fn put_part(
        &self,
        path: &str,
        upload: &Multipart,
        number: usize,
        content: Bytes,
    ) -> Result<Part, StorageError> {
        let payload = PutPayload::from(content);
        self.repeated("uploading a part of", path, PART_TIMEOUT, || async {
            self.store.put_part(&object(path)?, &upload.0, number, payload.clone()).await
        })
        .await
        .map(Part)
    }

    /// Makes one object of all parts, in order.
    pub async fn complete_parts(&self, path: &str, upload: &Multipart, parts: &[Part]) -> Result<(), StorageError> {
        let parts: Vec<_> = parts.iter().map(|part| part.0.clone()).collect();
        self.repeated("completing the upload to", path, PART_TIMEOUT, || async {
            self.store.complete_multipart(&object(path)?, &upload.0, parts.clone()).await
        })
        .await
        .map(|_| ())
    }

    /// Aborts an upload; succeeds if it is gone.
    pub async fn abort_parts(&self, path: &str, upload: &Multipart) -> Result<(), StorageError> {
        let aborted = self.repeated("giving up the upload to", path, REQUEST_TIMEOUT, || async {
            self.store.abort_multipart(&object(path)?, &upload.0).await
        });
        match aborted.await {
            Err(error) if !error.is_not_found() => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Makes a request until it succeeds or its error allows no further try; each try has the time limit `limit`.
    async fn repeated<T, F>(
        &self,
        doing: &str,
        path: &str,
        limit: Duration,
        call: impl Fn() -> F,
    ) -> Result<T, StorageError>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        repeated(&self.notes, format!("{doing} {}", self.uri(path)), || async {
            match tokio::time::timeout(limit, call()).await {
                Ok(answer) => answer.map_err(|error| StorageError::new(&error, &self.server, &self.name, self.key)),
                Err(_) => Err(StorageError::unanswered(format!("no answer from {} in time", self.server))),
            }
        })
        .await
    }
}

/// A path for object_store, unchanged.
fn object(path: &str) -> object_store::Result<Path> {
    Ok(Path::parse(path)?)
}
