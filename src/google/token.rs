//! Access tokens, and the requests that give them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::document::Document;
use super::refusal::{self, Asked};
use super::wire::{Answer, Wire};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::Secret;

/// The one scope that both BigQuery and Cloud Storage accept.
pub const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The token server for a credentials file that names none.
pub const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// The lifetime of a token if Google does not state one.
const USUAL: Duration = Duration::from_hours(1);

#[derive(Debug, Clone)]
pub struct Token {
    pub text: Secret,
    /// The lifetime from the token's arrival.
    pub lasts: Duration,
}

/// Sends a request to an OAuth token server; it contains `secrets`.
pub async fn granted(
    wire: &Wire,
    request: RequestBuilder,
    asked: Asked<'_>,
    secrets: &[&Secret],
) -> Result<Token, Fault> {
    let answer = wire.ask(request).await?;
    if answer.is_success() { read(&answer) } else { Err(refusal::fault(asked, &answer, secrets)) }
}

/// A token in the form of RFC 6749, as token servers and metadata servers give it.
pub fn read(answer: &Answer) -> Result<Token, Fault> {
    let Some(body) = answer.json() else { return Err(answer.unreadable()) };
    let Some(text) = body.get("access_token").and_then(Value::as_str).filter(|text| !text.is_empty()) else {
        let sentence = format!("the answer from {} has no access token", answer.host);
        return Err(Fault::new(FaultKind::Auth, sentence).with_hint("create the credentials file again"));
    };
    let seconds = body.get("expires_in").and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    Ok(Token { text: Secret::new(text), lasts: seconds.map_or(USUAL, Duration::from_secs) })
}

/// A person's login: a refresh token of `gcloud auth application-default login`.
#[derive(Debug)]
pub struct Person {
    token_uri: String,
    client_id: String,
    client_secret: Secret,
    refresh_token: Secret,
    /// The client's id and secret go into a header, as Google's STS expects.
    by_header: bool,
    again: &'static str,
}

impl Person {
    /// Reads an `authorized_user`.
    pub fn of(document: &Document) -> Result<Self, Fault> {
        let token_uri = document.may("token_uri").unwrap_or(TOKEN_URI);
        Self::new(document, token_uri, false, "gcloud auth application-default login")
    }

    /// Reads an `external_account_authorized_user`: a member of a workforce pool.
    pub fn of_workforce(document: &Document) -> Result<Self, Fault> {
        let again = "gcloud auth application-default login --login-config=FILE";
        Self::new(document, document.must("token_url")?, true, again)
    }

    fn new(document: &Document, token_uri: &str, by_header: bool, again: &'static str) -> Result<Self, Fault> {
        Ok(Self {
            token_uri: token_uri.to_owned(),
            client_id: document.must("client_id")?.to_owned(),
            client_secret: document.secret("client_secret")?,
            refresh_token: document.secret("refresh_token")?,
            by_header,
            again,
        })
    }

    pub async fn token(&self, wire: &Wire) -> Result<Token, Fault> {
        let (id, secret) = (self.client_id.as_str(), self.client_secret.expose());
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", self.refresh_token.expose())];
        let request = wire.client(&self.token_uri).post(&self.token_uri);
        let request = if self.by_header {
            request.basic_auth(id, Some(secret))
        } else {
            fields.extend([("client_id", id), ("client_secret", secret)]);
            request
        };
        let secrets = [&self.client_secret, &self.refresh_token];
        granted(wire, request.form(&fields), Asked::Person { again: self.again }, &secrets).await
    }
}

/// Another account, whose tokens the present credentials may request.
#[derive(Debug)]
pub struct Impersonation {
    url: String,
    delegates: Vec<String>,
    lifetime: Duration,
    /// The role that the caller needs on the account.
    role: &'static str,
}

impl Impersonation {
    pub fn new(url: &str, delegates: Vec<String>, lifetime: Option<u64>, role: &'static str) -> Self {
        Self { url: url.to_owned(), delegates, lifetime: lifetime.map_or(USUAL, Duration::from_secs), role }
    }

    /// The account in `https://.../serviceAccounts/ACCOUNT:generateAccessToken`.
    pub fn account(&self) -> &str {
        let last = self.url.rsplit('/').next().unwrap_or_default();
        last.split(':').next().unwrap_or_default()
    }

    /// `caller`: the requesting account as IAM names it.
    pub async fn token(&self, wire: &Wire, bearer: &Token, caller: &str) -> Result<Token, Fault> {
        let body = json!({
            "scope": [SCOPE], "delegates": self.delegates, "lifetime": format!("{}s", self.lifetime.as_secs()),
        });
        let request = wire.client(&self.url).post(&self.url).bearer_auth(bearer.text.expose());
        let answer = wire.ask(request.json(&body)).await?;
        if !answer.is_success() {
            let asked = Asked::Impersonation { target: self.account(), role: self.role, caller };
            return Err(refusal::fault(asked, &answer, &[&bearer.text]));
        }
        let Some(body) = answer.json() else { return Err(answer.unreadable()) };
        let field = |name: &str| body.get(name).and_then(Value::as_str);
        let Some(text) = field("accessToken") else { return Err(answer.unreadable()) };
        let ends = field("expireTime").and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        // By the server's clock, because ours may be wrong.
        let now = Utc::now() + answer.clock.unwrap_or_default();
        let left = ends.and_then(|ends| (ends.with_timezone(&Utc) - now).to_std().ok());
        Ok(Token { text: Secret::new(text), lasts: left.unwrap_or(self.lifetime) })
    }
}
