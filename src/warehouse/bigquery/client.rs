//! Requests to BigQuery: each with a token, a limit to how long it may take, and the repetition that its error allows.
//!
//! Every request may be sent again: the caller names whatever a request changes, so BigQuery recognises a repetition.
//! The client library has most of these calls too, but keeps neither `Retry-After` nor the status of an answer that is
//! not JSON, and both decide what comes next. Its models serve as the bodies.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde::de::DeserializeOwned;

use super::error::ApiError;
use super::making::Making;
use crate::domain::config::BigQuerySettings;
use crate::domain::fault::Fault;
use crate::domain::retry::RetryNotes;
use crate::google::{Login, Pass};
use crate::retry::repeated;
use crate::statements::{Statement, Statements};
use crate::trust;
use crate::warehouse::Billing;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// BigQuery answers within seconds; a minute tells a slow answer from a dead connection.
pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// One set of connections. Cheap to clone; the clones share them.
#[derive(Clone)]
pub struct Api {
    /// The project that is billed for the jobs.
    pub project: String,
    pub location: String,
    pub is_emulator: bool,
    http: reqwest::Client,
    /// `None`: the emulator asks for no credentials.
    login: Option<Login>,
    root: String,
    notes: RetryNotes,
    billing: Arc<Billing>,
    /// The project that requests are counted for (`billing_project`); `None`: the one that the credentials name.
    quota_project: Option<String>,
    making: Making,
    statements: Option<Arc<Statements>>,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("root", &self.root).field("project", &self.project).finish_non_exhaustive()
    }
}

impl Api {
    /// Logs in with the first request, so that wrong credentials are reported before any work begins.
    pub async fn connect(
        settings: &BigQuerySettings,
        login: &Login,
        project: &str,
        location: &str,
    ) -> Result<Self, Fault> {
        let login = settings.emulator.is_none().then(|| login.clone());
        if let Some(login) = &login {
            login.pass().await?;
        }
        let root = settings.emulator.as_deref().unwrap_or("https://bigquery.googleapis.com");
        Self::at(root, login, project, location)
    }

    /// `root`: scheme and host of the service.
    pub fn at(root: &str, login: Option<Login>, project: &str, location: &str) -> Result<Self, Fault> {
        // A second installation is refused, which means that the first one stands; without any, TLS panics.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // An upload's status 308 is not a redirection.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("bqsync")
            .build()
            .map_err(|error| trust::unprepared(error, "Preparing the connection to BigQuery failed"))?;
        let (project, location) = (project.to_owned(), location.to_owned());
        Ok(Self {
            project,
            location,
            is_emulator: login.is_none(),
            http,
            login,
            root: root.trim_end_matches('/').to_owned(),
            notes: RetryNotes::default(),
            billing: Arc::default(),
            quota_project: None,
            making: Making::default(),
            statements: None,
        })
    }

    /// The same connections; they report repeated calls to `notes`.
    pub fn watched(&self, notes: &RetryNotes) -> Self {
        Self { notes: notes.clone(), ..self.clone() }
    }

    /// The same connections; their jobs carry `billing` and run in its location.
    pub fn billed(self, billing: &Arc<Billing>) -> Self {
        let location = billing.location.clone().unwrap_or_else(|| self.location.clone());
        Self { location, billing: Arc::clone(billing), ..self }
    }

    /// The same connections; their requests are counted for `project`.
    pub fn counted_for(self, project: Option<&str>) -> Self {
        Self { quota_project: project.map(str::to_owned), ..self }
    }

    /// The same connections; they remember their jobs in `statements`.
    pub fn remembered(self, statements: Option<&Arc<Statements>>) -> Self {
        Self { statements: statements.cloned(), ..self }
    }

    /// Remembers a job that is sent, if `statements` is there to show it. `what`: the message of its failure (`..
    /// failed`).
    pub fn remember(&self, job: Option<&str>, what: &str, sql: Option<&str>) {
        if let Some(statements) = &self.statements {
            statements.push(Statement {
                number: 0,
                at: Utc::now(),
                project: self.project.clone(),
                location: self.location.clone(),
                job: job.map(str::to_owned),
                what: what.strip_suffix(" failed").unwrap_or(what).to_owned(),
                sql: sql.map(str::to_owned),
            });
        }
    }

    pub fn billing(&self) -> &Billing {
        &self.billing
    }

    pub const fn notes(&self) -> &RetryNotes {
        &self.notes
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

    /// Sends a request whose answer is JSON and repeats it as its errors allow. `operation` says in words what it does.
    pub async fn json<T: DeserializeOwned>(
        &self,
        operation: impl Into<String>,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
    ) -> Result<T, ApiError> {
        repeated(&self.notes, operation, || async {
            let answer = succeeded(self.send(request(&self.http), REQUEST_TIMEOUT).await?).await?;
            let (url, body) = (answer.url().clone(), answer.text().await?);
            serde_json::from_str(&body).map_err(|_| ApiError::of_another(None, &url))
        })
        .await
    }

    /// Like [`Api::json`], for an answer of which only the headers matter, or nothing.
    pub async fn answer(
        &self,
        operation: impl Into<String>,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
    ) -> Result<Response, ApiError> {
        repeated(&self.notes, operation, || async {
            succeeded(self.send(request(&self.http), REQUEST_TIMEOUT).await?).await
        })
        .await
    }

    /// Sends a request once and gives any answer. A refused token is renewed once: it may have been withdrawn, or this
    /// machine's clock may be slow, long before the token seems to expire.
    pub async fn send(&self, request: RequestBuilder, timeout: Duration) -> Result<Response, ApiError> {
        let Some(login) = &self.login else {
            // The emulator's clients send a token as well.
            return Ok(request.bearer_auth("emulator").timeout(timeout).send().await?);
        };
        let again = request.try_clone();
        let pass = login.pass().await?;
        let answer = self.carrying(request, &pass).timeout(timeout).send().await?;
        match again {
            Some(again) if answer.status() == StatusCode::UNAUTHORIZED => {
                Ok(self.carrying(again, &login.renewed(&pass).await?).timeout(timeout).send().await?)
            }
            _ => Ok(answer),
        }
    }

    fn carrying(&self, request: RequestBuilder, pass: &Pass) -> RequestBuilder {
        let request = request.bearer_auth(&pass.token);
        match self.quota_project.as_ref().or(pass.quota_project.as_ref()) {
            Some(project) => request.header("x-goog-user-project", project),
            None => request,
        }
    }

    pub const fn making(&self) -> &Making {
        &self.making
    }

    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

async fn succeeded(answer: Response) -> Result<Response, ApiError> {
    if answer.status().is_success() { Ok(answer) } else { Err(refused(answer).await) }
}

/// The error for an answer whose status is not 2xx.
pub async fn refused(answer: Response) -> ApiError {
    let status = answer.status();
    let (wait, url) = (retry_after(answer.headers()), answer.url().clone());
    let body = answer.text().await.unwrap_or_default();
    ApiError::from_body(status.as_u16(), &body, &url).after(wait)
}

/// `Retry-After` in seconds, the only form that Google's servers send.
fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Tells if this is the answer to a chunk that is not the last (BigQuery's "Resume Incomplete").
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
mod tests;
