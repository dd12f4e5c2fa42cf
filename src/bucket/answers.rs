//! Keeps what object_store drops from an answer: the server's clock, `Retry-After`, and the code of a refusal.
//!
//! object_store would also retry by itself, without a message and without following the server's wishes; it does not
//! retry the refusals from here.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{ClientOptions, HeaderMap, HeaderValue};
use reqwest::StatusCode;

use crate::google::{Login, Pass};

/// Enough for Cloud Storage's error messages.
const LONGEST_MESSAGE: usize = 500;

/// The server's clock when it answered.
#[derive(Debug, Clone, Copy)]
pub struct ServerTime(pub DateTime<Utc>);

/// An answer whose status is not 2xx.
#[derive(Debug, Clone)]
pub struct Refused {
    pub status: u16,
    /// The code, such as `NoSuchBucket` or `AccessDenied`; empty if a proxy answered.
    pub code: String,
    pub message: String,
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.message.is_empty(), self.code.is_empty()) {
            (false, false) => write!(f, "{} ({}, HTTP {})", self.message, self.code, self.status),
            (true, false) => write!(f, "{} (HTTP {})", self.code, self.status),
            (_, true) => write!(f, "HTTP {}", self.status),
        }
    }
}

impl std::error::Error for Refused {}

impl Refused {
    /// Reads an answer's body, as Cloud Storage (XML) or a proxy writes it.
    fn read(status: u16, headers: &HeaderMap, body: &str) -> Self {
        let part = |name: &str| {
            let text = body.split_once(&format!("<{name}>"))?.1.split_once(&format!("</{name}>"))?.0;
            Some(text.chars().take(LONGEST_MESSAGE).collect::<String>())
        };
        let wish = header(headers, "retry-after").and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let message = part("Details").or_else(|| part("Message")).unwrap_or_default();
        Self { status, code: part("Code").unwrap_or_default(), message, retry_after: wish }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Makes clients whose answers pass through here; `None`: the server needs no login.
#[derive(Debug)]
pub struct Answers(pub Option<Login>);

impl HttpConnector for Answers {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Listening { client: ReqwestConnector::default().connect(options)?, login: self.0.clone() }))
    }
}

#[derive(Debug)]
struct Listening {
    client: HttpClient,
    login: Option<Login>,
}

impl Listening {
    /// Sends a request once. A refused token is renewed once, as for BigQuery.
    async fn answer(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let Some(login) = &self.login else { return self.client.execute(request).await };
        let pass = login.pass().await.map_err(lost)?;
        carry(&mut request, &pass)?;
        let mut again = request.clone();
        let answer = self.client.execute(request).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        carry(&mut again, &login.renewed(&pass).await.map_err(lost)?)?;
        self.client.execute(again).await
    }
}

fn carry(request: &mut HttpRequest, pass: &Pass) -> Result<(), HttpError> {
    let mut set = |name: &'static str, value: &str| {
        let mut value = HeaderValue::from_str(value).map_err(lost)?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
        Ok(())
    };
    set("authorization", &format!("Bearer {}", pass.token))?;
    match &pass.quota_project {
        Some(project) => set("x-goog-user-project", project),
        None => Ok(()),
    }
}

fn lost(error: impl std::error::Error + Send + Sync + 'static) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, error)
}

#[async_trait]
impl HttpService for Listening {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut answer = self.answer(request).await.map_err(once)?;
        if answer.status().is_success() {
            let date = header(answer.headers(), "date").and_then(|text| DateTime::parse_from_rfc2822(text).ok());
            if let Some(date) = date {
                answer.extensions_mut().insert(ServerTime(date.with_timezone(&Utc)));
            }
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let body = body.bytes().await.unwrap_or_default();
        let refused = Refused::read(parts.status.as_u16(), &parts.headers, &String::from_utf8_lossy(&body));
        Err(HttpError::new(HttpErrorKind::Unknown, refused))
    }
}

/// The same error in a form that object_store does not retry.
fn once(error: HttpError) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_code_and_message_and_a_proxys_page_keeps_only_its_status() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().unwrap());
        let body = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access denied.</Message>\
                    <Details>x does not have storage.objects.get access</Details></Error>";
        let refused = Refused::read(403, &headers, body);
        assert_eq!(refused.to_string(), "x does not have storage.objects.get access (AccessDenied, HTTP 403)");
        assert_eq!(refused.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(Refused::read(502, &HeaderMap::new(), "<html>Bad Gateway</html>").to_string(), "HTTP 502");
    }
}
