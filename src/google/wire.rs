//! Requests for tokens: through the proxy of `HTTPS_PROXY` and `NO_PROXY`, each with a time limit; secrets of the
//! request are removed from its answer.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::DATE;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::Value;

use crate::domain::excerpt::excerpt;
use crate::domain::fault::{Absent, Fault, FaultKind};
use crate::domain::secret::Secret;
use crate::domain::span::duration;
use crate::{trust, unreached};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A token server answers within a second; two tries must fit into the half minute that `check` waits.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);

/// A token, a refresh token, a client's secret and a key are recognised by these marks, anywhere in a word.
const MARKS_OF_SECRETS: [&str; 5] = ["eyJ", "ya29.", "1//0", "GOCSPX-", "-----BEGIN"];

#[derive(Debug)]
pub struct Wire {
    through: Client,
    /// The client for servers that only this machine or its network can reach, which a proxy elsewhere cannot.
    direct: Client,
}

/// An answer, whatever its status.
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub host: String,
    /// The difference of the server's clock to ours, if it gives the time.
    pub clock: Option<TimeDelta>,
}

impl Wire {
    pub fn new() -> Result<Self, Fault> {
        // A second installation is refused, which means that the first one stands; without any, TLS panics.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = || {
            // The target of a redirection would learn what was meant for another server.
            Client::builder().connect_timeout(CONNECT_WITHIN).redirect(Policy::none()).user_agent("bqsync")
        };
        let built = |built: reqwest::Result<Client>| {
            built.map_err(|error| trust::unprepared(error, "Preparing the login to Google failed"))
        };
        Ok(Self { through: built(builder().build())?, direct: built(builder().no_proxy().build())? })
    }

    /// The client for a server whose address is in a credentials file.
    pub fn client(&self, url: &str) -> &Client {
        if is_link_local(url) { &self.direct } else { &self.through }
    }

    pub const fn direct(&self) -> &Client {
        &self.direct
    }

    pub async fn ask(&self, request: RequestBuilder) -> Result<Answer, Fault> {
        let answered = async {
            let answer = request.timeout(ANSWER_WITHIN).send().await?;
            let status = answer.status().as_u16();
            let host = answer.url().host_str().unwrap_or_default().to_owned();
            let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
            let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
            let clock = date.map(|date| date.with_timezone(&Utc) - Utc::now());
            Ok(Answer { status, body: answer.text().await?, host, clock })
        };
        answered.await.map_err(|error| unanswered(&error))
    }
}

/// Tells if the address means a different machine wherever it is used: the clouds' metadata servers.
fn is_link_local(url: &str) -> bool {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()));
    match host.and_then(|host| host.parse::<IpAddr>().ok()) {
        Some(IpAddr::V4(address)) => address.is_link_local(),
        Some(IpAddr::V6(address)) => address.is_unicast_link_local() || address.is_unique_local(),
        None => false,
    }
}

fn unanswered(error: &reqwest::Error) -> Fault {
    let host = error.url().map_or_else(|| "the token server".to_owned(), unreached::server);
    if error.is_builder() {
        // The error's text quotes the address, which may hold a secret.
        return Fault::new(FaultKind::Config, "an address in the credentials file is invalid")
            .with_hint("create the credentials file again");
    }
    if let Some(fault) = trust::refused(error, &host) {
        return fault;
    }
    if trust::causes(error).any(|cause| cause.to_string().contains("proxy authorization required")) {
        return Fault::new(FaultKind::Config, format!("the proxy on the way to {host} asks for a login"))
            .with_hint("write it into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT");
    }
    let why = if error.is_timeout() { "none came in time".to_owned() } else { unreached::why(error) };
    Fault::new(FaultKind::Transient, format!("no answer from {host}: {why}"))
        .with_hint(unreached::hint(&host))
        .with_absent(Some(Absent::now(host)))
}

impl Answer {
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok().filter(Value::is_object)
    }

    /// The fault for an answer that no server of Google gives: a proxy's page, or a server in trouble.
    pub fn unreadable(&self) -> Fault {
        let Self { status, host, .. } = self;
        let sentence = format!("the answer from {host} (HTTP {status}) is not that of a token server");
        let kind = match status {
            400..=407 | 409..=428 | 430..=499 => FaultKind::Auth,
            _ => FaultKind::Transient,
        };
        Fault::new(kind, sentence)
            .with_hint(format!(
                "check what answers in place of {host}: a proxy (HTTPS_PROXY), a firewall or a network's login page on the way"
            ))
    }

    /// How wrong this machine's clock is, in words; `None`: less than a minute, or the server gives no time.
    pub fn clock_in_words(&self) -> Option<String> {
        let off = self.clock?;
        let minutes = off.num_minutes().unsigned_abs();
        let direction = if off > TimeDelta::zero() { "behind" } else { "ahead of" };
        if minutes == 0 {
            return None;
        }
        let size = duration(Duration::from_secs(60 * minutes));
        Some(format!("this machine's clock is {size} {direction} that of {}", self.host))
    }
}

/// A server's message on one line of limited length, without the secrets that were sent, and without what looks like
/// one.
pub fn harmless(text: &str, secrets: &[&Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.expose().is_empty()) {
        text = text.replace(secret.expose(), "***");
    }
    let text = text.replace(|c: char| c.is_control(), " ");
    let is_secret = |word: &str| MARKS_OF_SECRETS.iter().any(|mark| word.contains(mark));
    let words = text.split_whitespace().map(|word| if is_secret(word) { "***" } else { word });
    excerpt(&words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_metadata_servers_address_bypasses_the_proxy() {
        assert!(is_link_local("http://169.254.169.254/latest/meta-data"));
        assert!(is_link_local("http://[fd00:ec2::254]/latest/meta-data"));
        assert!(!is_link_local("https://sts.googleapis.com/v1/token"));
        assert!(!is_link_local("http://127.0.0.1:8080/token"));
    }

    #[test]
    fn a_servers_message_is_shown_on_one_line_without_secrets() {
        let secrets = [&Secret::new("hunter2"), &Secret::new("")];
        let said =
            "Bad hunter2,\nnot \"eyJhbGciOi.J9.x\"\x1b[31m or token=ya29.abc GOCSPX-1 of etl@p.iam.gserviceaccount.com";
        assert_eq!(harmless(said, &secrets), "Bad ***, not *** [31m or *** *** of etl@p.iam.gserviceaccount.com");
        assert!(harmless(&"é".repeat(2_000), &[]).chars().count() < 700);
    }

    #[test]
    fn a_page_in_a_token_servers_place_names_the_host_and_what_may_have_answered() {
        let page = Answer { status: 200, body: "<html>".into(), host: "oauth2.googleapis.com".into(), clock: None };
        let fault = page.unreadable();
        assert_eq!(fault.kind(), FaultKind::Transient);
        assert!(fault.to_string().contains("oauth2.googleapis.com (HTTP 200)"), "{fault}");
        for part in ["oauth2.googleapis.com", "HTTPS_PROXY", "login page"] {
            assert!(fault.hint().contains(part), "{}", fault.hint());
        }
    }

    #[test]
    fn a_wrong_clock_is_reported_with_direction_and_size() {
        let off = |seconds| {
            let clock = Some(TimeDelta::seconds(seconds));
            Answer { status: 400, body: String::new(), host: "h".into(), clock }.clock_in_words()
        };
        assert_eq!(off(30), None);
        assert_eq!(off(-59), None);
        assert_eq!(off(12 * 60).unwrap(), "this machine's clock is 12 min behind that of h");
        assert_eq!(off(-3 * 3600).unwrap(), "this machine's clock is 3 h ahead of that of h");
        assert_eq!(off(86_400 * 40).unwrap(), "this machine's clock is 40 days behind that of h");
    }
}
