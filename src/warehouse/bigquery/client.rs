//! Requests to BigQuery: through the client library where it has the call, beside it where it has not.
//!
//! Every request may be sent again: what changes something is named by us, so a repetition is told from the first.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use gcp_bigquery_client::auth::Authenticator;
use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::error::BQError;
use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde::de::DeserializeOwned;

use super::auth::authenticator;
use super::error::ApiError;
use crate::domain::config::BigQuerySettings;
use crate::domain::fault::{Fault, FaultKind};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// BigQuery answers within seconds; a minute tells a slow answer from a dead connection.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// One connection of the client library's, which the emulator and Google's endpoint share.
pub struct Api {
    /// Billed for the jobs.
    pub project: String,
    pub location: String,
    pub is_emulator: bool,
    library: gcp_bigquery_client::Client,
    http: reqwest::Client,
    auth: Arc<dyn Authenticator>,
    root: String,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("root", &self.root).field("project", &self.project).finish_non_exhaustive()
    }
}

impl Api {
    pub async fn connect(settings: &BigQuerySettings, project: &str, location: &str) -> Result<Self, Fault> {
        // A second installation is refused and means that the first stands; without one, TLS panics.
        drop(rustls::crypto::ring::default_provider().install_default());
        let auth = authenticator(settings).await?;
        let root = settings.emulator.as_deref().unwrap_or("https://bigquery.googleapis.com");
        let root = root.trim_end_matches('/').to_owned();
        let library = ClientBuilder::new()
            .with_v2_base_url(format!("{root}/bigquery/v2"))
            .build_from_authenticator(Arc::clone(&auth))
            .await
            .map_err(|error| ApiError::from(error).into_fault("Preparing the BigQuery client failed"))?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // An upload's 308 is no redirection.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("bqsync")
            .build()
            .map_err(|error| {
                Fault::new(FaultKind::Config, "Preparing the connection to BigQuery failed").caused_by(error)
            })?;
        let is_emulator = settings.emulator.is_some();
        Ok(Self { project: project.to_owned(), location: location.to_owned(), is_emulator, library, http, auth, root })
    }

    /// An address below `/bigquery/v2/projects/{project}`, or below `/upload/...` of the same.
    pub fn url(&self, upload: bool, project: &str, path: &[&str]) -> String {
        let prefix = if upload { "/upload" } else { "" };
        let mut url = format!("{}{prefix}/bigquery/v2/projects/{}", self.root, encoded(project));
        for part in path {
            url.push('/');
            url.push_str(&encoded(part));
        }
        url
    }

    /// A call of the client library, with the timeout and the repetition that it lacks.
    pub async fn call<'a, T, F>(&'a self, call: impl Fn(&'a gcp_bigquery_client::Client) -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, BQError>>,
    {
        repeated(|| async {
            match tokio::time::timeout(REQUEST_TIMEOUT, call(&self.library)).await {
                Ok(answer) => answer.map_err(ApiError::from),
                Err(_) => Err(ApiError::unanswered("no answer within a minute")),
            }
        })
        .await
    }

    /// A request of our own whose answer is JSON.
    pub async fn json<T: DeserializeOwned>(
        &self,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
    ) -> Result<T, ApiError> {
        repeated(|| async {
            let answer = self.send(request(&self.http), REQUEST_TIMEOUT).await?;
            let body = read(answer).await?;
            serde_json::from_str(&body).map_err(|_| ApiError::unanswered("the answer is not one of BigQuery's"))
        })
        .await
    }

    /// A request of our own; an answer other than 2xx is an error. Repeated like the others.
    pub async fn answer(&self, request: impl Fn(&reqwest::Client) -> RequestBuilder) -> Result<Response, ApiError> {
        repeated(|| async { succeeded(self.send(request(&self.http), REQUEST_TIMEOUT).await?).await }).await
    }

    /// A request of our own, once, its answer whatever it is.
    pub async fn send(&self, request: RequestBuilder, timeout: Duration) -> Result<Response, ApiError> {
        let token = tokio::time::timeout(REQUEST_TIMEOUT, self.auth.access_token())
            .await
            .map_err(|_| ApiError::unanswered("no token within a minute"))??;
        Ok(request.bearer_auth(token).timeout(timeout).send().await?)
    }

    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

/// Reads an answer's body; one other than 2xx is an error.
pub async fn read(answer: Response) -> Result<String, ApiError> {
    Ok(succeeded(answer).await?.text().await?)
}

async fn succeeded(answer: Response) -> Result<Response, ApiError> {
    if answer.status().is_success() { Ok(answer) } else { Err(refused(answer).await) }
}

/// The error that an answer other than 2xx stands for.
pub async fn refused(answer: Response) -> ApiError {
    let status = answer.status();
    let wait = retry_after(answer.headers());
    let body = answer.text().await.unwrap_or_default();
    ApiError::from_body(status.as_u16(), &body).after(wait)
}

/// `Retry-After` in seconds, the only form that Google's servers send.
fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The waits of Google's reliability guide: exponential from 1 s, at most 32 s, with jitter. Five attempts in
/// all; what lasts longer is the engine's to wait out.
pub fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(32))
        .with_max_times(4)
        .with_jitter()
}

async fn repeated<T, F>(attempt: impl FnMut() -> F) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    attempt
        .retry(backoff())
        .when(|error: &ApiError| error.retryable)
        // `None` is "no more attempts"; a server's wish only lengthens a wait that is due anyway.
        .adjust(|error, wait| wait.map(|wait| error.retry_after.map_or(wait, |wish| wish.max(wait))))
        .notify(|error, wait| {
            let wait_ms = wait.as_millis();
            tracing::warn!(%error, wait_ms, "bigquery request failed, trying again");
        })
        .await
}

/// Is it the answer to a chunk that is not the last? (BigQuery's "Resume Incomplete".)
pub fn is_incomplete(status: StatusCode) -> bool {
    status == StatusCode::PERMANENT_REDIRECT
}

/// Percent-encodes a part of a path.
fn encoded(part: &str) -> String {
    use std::fmt::Write;
    part.bytes().fold(String::with_capacity(part.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            // Writing into a String does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_fit_an_address() {
        assert_eq!(encoded("größe t-1_x"), "gr%C3%B6%C3%9Fe%20t-1_x");
    }
}
