//! The load job's upload: a resumable session, which a dropped connection or a 5xx only interrupts.
//!
//! One task sends a chunk while a blocking thread encodes the next one. The channel between them holds one, so three
//! chunks bound the memory, whatever the table's size.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gcp_bigquery_client::model::job::Job;
use gcp_bigquery_client::model::job_configuration::JobConfiguration;
use gcp_bigquery_client::model::job_configuration_load::JobConfigurationLoad;
use gcp_bigquery_client::model::job_reference::JobReference;
use gcp_bigquery_client::model::table_reference::TableReference;
use gcp_bigquery_client::model::table_schema::TableSchema;
use reqwest::{Response, header};
use tokio::sync::mpsc;

use super::chunks::Chunk;
use super::client::{self, Api};
use super::emulator;
use super::error::ApiError;
use super::jobs::JobState;
use super::labels::labels;
use super::staging::{encrypted, staging_fields};
use crate::domain::fault::Fault;
use crate::retry::Waits;
use crate::warehouse::StageOrder;

/// A chunk may be large and the line slow: 8 MiB in five minutes is 28 kB/s.
const CHUNK_TIMEOUT: Duration = Duration::from_mins(5);

/// Creates the staging table, sends all chunks, waits for the load job. `None` when the sender went away without a
/// last chunk: then nothing is loaded.
pub async fn upload(
    api: Api,
    order: StageOrder,
    mut chunks: mpsc::Receiver<Chunk>,
    sent: Arc<AtomicU64>,
) -> Result<Option<JobState>, Fault> {
    let what = format!("Uploading rows of {} to {} failed", order.mapping, order.staging);
    let session = async { start(&api, &order).await.map_err(|error| error.into_fault(&what)) };
    let (session, ()) = tokio::try_join!(session, api.create_staging(&order))?;
    let mut upload = Session { api: &api, order: &order, url: session, sent: &sent, offset: 0 };
    while let Some(chunk) = chunks.recv().await {
        if upload.send(chunk).await.map_err(|error| error.into_fault(&what))? == Sent::Finished {
            let state = api.wait(&order.job).await.map_err(|error| error.of_a_job_sent().into_fault(&what))?;
            let failed = format!("Loading rows of {} into {} failed", order.mapping, order.staging);
            return state.succeeded(failed).map(Some);
        }
    }
    Ok(None)
}

/// Opens the session; the job begins when its last byte has arrived.
async fn start(api: &Api, order: &StageOrder) -> Result<String, ApiError> {
    let url = api.url(true, &api.project, &["jobs"]);
    let job = load_job(api, order);
    api.remember(Some(&order.job.0), &format!("Loading rows of {} into {}", order.mapping, order.staging), None);
    let answer = api
        .answer(format!("opening the upload into {}", order.staging), |http| {
            http.post(&url)
                .query(&[("uploadType", "resumable")])
                .header("X-Upload-Content-Type", "application/octet-stream")
                .json(&job)
        })
        .await?;
    let session = answer.headers().get(header::LOCATION).and_then(|l| l.to_str().ok()).map(str::to_owned);
    session.ok_or_else(|| ApiError::unanswered("the answer names no upload session"))
}

fn load_job(api: &Api, order: &StageOrder) -> Job {
    Job {
        configuration: Some(configuration(api, order, None)),
        job_reference: Some(JobReference {
            job_id: Some(order.job.0.clone()),
            location: Some(api.location.clone()),
            project_id: Some(api.project.clone()),
        }),
        ..Default::default()
    }
}

/// What the load job does: it loads the file that is uploaded with it, or the file at `uri` (`gs://...`).
pub fn configuration(api: &Api, order: &StageOrder, uri: Option<String>) -> JobConfiguration {
    let table = &order.staging;
    // Without a schema, BigQuery would read wall clocks as instants.
    let schema = TableSchema::new(staging_fields(&order.plan));
    let schema = (!(api.is_emulator && emulator::refuses_schema(&order.plan))).then_some(schema);
    let load = JobConfigurationLoad {
        source_uris: uri.map(|uri| vec![uri]),
        destination_table: Some(TableReference::new(&table.project, &table.dataset, &table.table)),
        source_format: Some("PARQUET".to_owned()),
        schema,
        create_disposition: Some("CREATE_NEVER".to_owned()),
        // A second load into the same staging table would double its rows.
        write_disposition: Some("WRITE_EMPTY".to_owned()),
        destination_encryption_configuration: encrypted(&order.plan),
        decimal_target_types: Some(vec!["NUMERIC".to_owned()]),
        ..Default::default()
    };
    JobConfiguration { load: Some(load), labels: Some(labels(api.billing())), ..Default::default() }
}

#[derive(Debug, PartialEq, Eq)]
enum Sent {
    More,
    Finished,
}

struct Session<'a> {
    api: &'a Api,
    order: &'a StageOrder,
    url: String,
    sent: &'a AtomicU64,
    /// Bytes that the server has said it holds.
    offset: u64,
}

impl Session<'_> {
    /// Sends one chunk whole, however many requests that takes.
    async fn send(&mut self, chunk: Chunk) -> Result<Sent, ApiError> {
        let begin = self.offset;
        let end = begin + chunk.bytes.len() as u64;
        let total = if chunk.is_last { end.to_string() } else { "*".to_owned() };
        let mut waits = Waits::new(self.api.notes(), format!("uploading rows into {}", self.order.staging));
        let mut unsure = false;
        loop {
            let before = self.offset;
            let error = match self.attempt(&chunk.bytes, begin, &total, unsure).await {
                Ok(Sent::Finished) => return Ok(Sent::Finished),
                Ok(Sent::More) if self.offset >= end && !chunk.is_last => return Ok(Sent::More),
                // The server took a part: the rest goes at once.
                Ok(Sent::More) if self.offset > before => {
                    unsure = false;
                    waits.progressed();
                    continue;
                }
                Ok(Sent::More) => ApiError::unanswered("the server does not take the rest of a chunk"),
                Err(error) if matches!(error.status, Some(404 | 410)) => return self.session_gone().await,
                // The whole upload had arrived before, and its answer was lost.
                Err(error) if error.is_duplicate() => return Ok(Sent::Finished),
                Err(error) => error,
            };
            unsure = true;
            waits.after(error).await?;
        }
    }

    /// Sends one request: the rest of the chunk, or, when the last answer was lost, the question how far the server is.
    async fn attempt(&mut self, chunk: &Bytes, begin: u64, total: &str, unsure: bool) -> Result<Sent, ApiError> {
        if unsure {
            let answer = self.put(Bytes::new(), format!("bytes */{total}")).await?;
            if self.progress(answer).await? == Sent::Finished {
                return Ok(Sent::Finished);
            }
        }
        let end = begin + chunk.len() as u64;
        let taken = usize::try_from(self.offset.saturating_sub(begin)).unwrap_or(usize::MAX);
        if self.offset < begin {
            // Staging everything again can succeed; repeating this session cannot.
            let lost = ApiError::unanswered("the server lost a part that it had confirmed");
            return Err(lost.for_good());
        }
        if taken >= chunk.len() {
            return Ok(Sent::More);
        }
        let range = format!("bytes {}-{}/{total}", self.offset, end - 1);
        let answer = self.put(chunk.slice(taken..), range).await?;
        self.progress(answer).await
    }

    async fn put(&self, body: Bytes, range: String) -> Result<Response, ApiError> {
        let request = self
            .api
            .http()
            .put(&self.url)
            .header(header::CONTENT_RANGE, range)
            .header(header::CONTENT_LENGTH, body.len())
            .body(body);
        self.api.send(request, CHUNK_TIMEOUT).await
    }

    /// Reads from an answer how far the server is.
    async fn progress(&mut self, answer: Response) -> Result<Sent, ApiError> {
        if client::is_incomplete(answer.status()) {
            let range = answer.headers().get(header::RANGE).and_then(|r| r.to_str().ok());
            self.offset = range.and_then(held).unwrap_or(0);
            self.sent.store(self.offset, Ordering::Relaxed);
            return Ok(Sent::More);
        }
        if answer.status().is_success() {
            return Ok(Sent::Finished);
        }
        Err(client::refused(answer).await)
    }

    /// A session ends when its job begins, or after a week: if the job exists, the first is true.
    async fn session_gone(&self) -> Result<Sent, ApiError> {
        match self.api.look(&self.order.job).await {
            Ok(_) => Ok(Sent::Finished),
            Err(error) if error.is_not_found() => {
                Err(ApiError::unanswered("the upload session is gone, and nothing was loaded"))
            }
            Err(error) => Err(error),
        }
    }
}

/// The number of bytes that a range stands for: `bytes=0-262143` is 262,144 bytes.
fn held(range: &str) -> Option<u64> {
    range.rsplit_once('-')?.1.trim().parse::<u64>().ok()?.checked_add(1)
}

#[cfg(test)]
mod tests;
