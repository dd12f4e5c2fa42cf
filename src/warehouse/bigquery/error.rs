//! Turns BigQuery's errors into faults.
//!
//! The table of reasons is BigQuery's "Error messages" page. The answer of a proxy in between has no reason and is
//! judged by its status alone.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use super::refusals::{Judged, by_words};
use super::{invalid, values};
use crate::domain::excerpt::excerpt;
use crate::domain::fault::{Absent, Fault, FaultKind};
use crate::retry::Failure;
use crate::{trust, unreached};

/// A request that did not succeed.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// `None` where no answer was read: the outcome is unknown.
    pub status: Option<u16>,
    pub kind: FaultKind,
    /// BigQuery itself answered, not a proxy in between; only BigQuery can say that something exists or not.
    is_bigquerys: bool,
    /// The same request must not be sent again, whatever the kind says.
    is_final: bool,
    retry_after: Option<Duration>,
    message: String,
    hint: Option<Cow<'static, str>>,
    /// The server that was not reached, if that is the error.
    absent: Option<Absent>,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// One entry of a job's `status.errors`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct JobError {
    pub reason: String,
    pub message: String,
    pub location: Option<String>,
}

impl ApiError {
    /// Makes an error from an answer's status, reason (may be empty) and text.
    #[must_use]
    pub fn answered(status: u16, reason: &str, message: &str) -> Self {
        let Judged { kind, hint, retry_after, .. } = judged(status, reason, message);
        let hint = by_text(message).or(hint).map(Cow::Borrowed);
        Self {
            status: Some(status),
            kind,
            is_bigquerys: true,
            is_final: false,
            retry_after,
            message: if reason.is_empty() {
                format!("HTTP {status}: {}", bounded(&values::left_out(message, reason)))
            } else {
                format!("{} ({reason}, HTTP {status})", bounded(&values::left_out(message, reason)))
            },
            hint,
            absent: None,
        }
    }

    /// Makes an error from an answer's body, as Google or a proxy writes it. `url`: what was asked.
    #[must_use]
    pub fn from_body(status: u16, body: &str, url: &Url) -> Self {
        let Ok(answer) = serde_json::from_str::<ErrorBody>(body) else {
            return Self::of_another(Some(status), url);
        };
        let reason = answer.error.errors.first().map_or("", |e| e.reason.as_str());
        Self::answered(status, reason, &answer.error.message)
    }

    /// Something else answered in BigQuery's place; its text says nothing that its status does not. `status`: of a
    /// refusal; `None` for an answer that claims success, where the outcome is unknown.
    #[must_use]
    pub fn of_another(status: Option<u16>, url: &Url) -> Self {
        let (server, origin) = (unreached::server(url), url.origin().ascii_serialization());
        let told = status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
        let hint = format!(
            "a proxy (HTTPS_PROXY) or a network's login page may answer in place of {server}: see with `curl -i {origin}` what \
             answers, then run again"
        );
        Self {
            status,
            kind: status.map_or(FaultKind::Transient, |status| by_status(status, "").0),
            hint: Some(Cow::Owned(hint)),
            ..Self::unanswered(format!("the answer from {server} is not one of BigQuery's{told}"))
        }
    }

    /// No answer came, or none that could be read.
    #[must_use]
    pub fn unanswered(message: impl Into<String>) -> Self {
        Self {
            status: None,
            kind: FaultKind::Transient,
            is_bigquerys: false,
            is_final: false,
            retry_after: None,
            message: bounded(&message.into()),
            hint: None,
            absent: None,
        }
    }

    /// Marks the error as not to be repeated here; the caller may begin the whole work anew.
    #[must_use]
    pub fn for_good(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// Marks the error as one about a job that BigQuery has taken: how the job ended is unknown, so this is never the
    /// job's own failure.
    #[must_use]
    pub fn of_a_job_sent(mut self) -> Self {
        if self.kind == FaultKind::Schema {
            self.kind = FaultKind::Transient;
            // Whatever answers in BigQuery's place is still to be looked at.
            self.hint = self.hint.filter(|_| !self.is_bigquerys);
        }
        self
    }

    /// Sets the wait that the server asks for in a header.
    #[must_use]
    pub fn after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait.or(self.retry_after);
        self
    }

    /// Tells if BigQuery has no such thing. (A proxy's 404 page only means that BigQuery was not asked.)
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self.status, Some(404)) && self.is_bigquerys
    }

    /// Tells if BigQuery has it already.
    #[must_use]
    pub const fn is_duplicate(&self) -> bool {
        matches!(self.status, Some(409)) && self.is_bigquerys
    }

    /// Makes a fault; `what` begins the sentence: `Reading the columns of p.d.t failed`.
    #[must_use]
    pub fn into_fault(self, what: impl std::fmt::Display) -> Fault {
        Fault::new(self.kind, format!("{what}: {}", self.message))
            .with_retry_after(self.retry_after)
            .with_hint_if_any(self.hint)
            .with_absent(self.absent)
    }
}

impl Failure for ApiError {
    fn kind(&self) -> FaultKind {
        self.kind
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    fn absent(&self) -> Option<&Absent> {
        self.absent.as_ref()
    }

    fn is_final(&self) -> bool {
        self.is_final
    }
}

impl From<reqwest::Error> for ApiError {
    fn from(error: reqwest::Error) -> Self {
        let server = error.url().map_or_else(|| "BigQuery".to_owned(), unreached::server);
        if let Some(fault) = trust::refused(&error, &server) {
            return fault.into();
        }
        let why = if error.is_timeout() { "none came in time".to_owned() } else { unreached::why(&error) };
        Self {
            hint: Some(Cow::Owned(unreached::hint(&server))),
            absent: error.is_connect().then(|| Absent::now(server.clone())),
            ..Self::unanswered(format!("no answer from {server}: {why}"))
        }
    }
}

/// Errors on the way to BigQuery: a login without a token, a certificate that is refused.
impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self {
            kind: fault.kind(),
            retry_after: fault.retry_after(),
            hint: fault.own_hint().map(|hint| Cow::Owned(hint.to_owned())),
            absent: fault.absent().cloned(),
            ..Self::unanswered(fault.to_string())
        }
    }
}

/// A finished job's whole error: its result first, then its other messages.
#[must_use]
pub fn job_fault(what: impl std::fmt::Display, result: &JobError, all: &[JobError]) -> Fault {
    let Judged { kind, hint, retry_after, is_too_much } = judged(400, &result.reason, &result.message);
    let mut text = values::left_out(&result.message, &result.reason);
    for more in all.iter().filter(|e| e.message != result.message && !e.message.is_empty()) {
        text.push_str("; ");
        text.push_str(&values::left_out(&more.message, &more.reason));
    }
    let place = result.location.as_deref().map(|l| format!(", at {l}")).unwrap_or_default();
    Fault::new(kind, format!("{what}: {} ({}{place})", bounded(&text), result.reason))
        .with_retry_after(retry_after)
        .too_much_at_once(is_too_much)
        .with_hint_if_any(hint)
}

const SCOPES_HINT: &str = "the machine's access scopes leave BigQuery out: while it is stopped, `gcloud compute instances \
                           set-service-account NAME --scopes=cloud-platform` (of a GKE node pool: a new one with \
                           `--scopes=cloud-platform`, or workload identity)";
const QUOTA_PROJECT_HINT: &str = "grant this account `roles/serviceusage.serviceUsageConsumer` on the quota project, or \
                                  set GOOGLE_CLOUD_QUOTA_PROJECT to a project where it has that";
const LOCATION_HINT: &str =
    "check that it exists and that `location` in config.yaml is the dataset's: BigQuery finds nothing elsewhere";
const BILLING_HINT: &str = "enable billing for the project, then run again";
const BILLED_HINT: &str = "raise `maximum_bytes_billed` in the mapping, or at the top of config.yaml; docs/operate.md \
                           (What it costs) says how a publish reads less";
const SMALLER_HINT: &str =
    "a smaller step makes the statement cheaper: set a smaller `window_rows`, or `backfill_start` later";

/// Judges by the message where it tells more than the reason, else by the reason, else by the status.
fn judged(status: u16, reason: &str, message: &str) -> Judged {
    by_words(message).unwrap_or_else(|| {
        let (kind, hint) = kind_of(status, reason, message);
        Judged { kind, hint, retry_after: None, is_too_much: false }
    })
}

/// The one table from BigQuery's reasons to our kinds. Source: "Error messages" and "Troubleshoot quotas".
fn kind_of(status: u16, reason: &str, message: &str) -> (FaultKind, Option<&'static str>) {
    let kind = match reason {
        "quotaExceeded" => FaultKind::Quota,
        // Rate limits pass in seconds.
        "rateLimitExceeded"
        | "jobRateLimitExceeded"
        | "userRateLimitExceeded"
        | "backendError"
        | "internalError"
        | "jobBackendError"
        | "jobInternalError"
        | "tableUnavailable"
        | "badGateway"
        | "resourceInUse"
        | "stopped" => FaultKind::Transient,
        "accessDenied" | "authError" | "forbidden" => FaultKind::Auth,
        "billingNotEnabled" | "blocked" => return (FaultKind::Auth, Some(BILLING_HINT)),
        "notFound" => return (FaultKind::Schema, Some(LOCATION_HINT)),
        "duplicate" | "conditionNotMet" => FaultKind::Conflict,
        "resourcesExceeded" | "timeout" | "responseTooLarge" | "billingTierLimitExceeded" => {
            return (FaultKind::Data, Some(SMALLER_HINT));
        }
        "bytesBilledLimitExceeded" => return (FaultKind::Config, Some(BILLED_HINT)),
        "invalid" | "invalidQuery" | "attributeError" | "parseError" | "badRequest" => {
            return invalid::judged(message);
        }
        _ => return by_status(status, message),
    };
    (kind, None)
}

/// Login refusals that only their text tells apart.
fn by_text(message: &str) -> Option<&'static str> {
    if message.contains("insufficient authentication scopes") {
        Some(SCOPES_HINT)
    } else if message.contains("serviceUsageConsumer") {
        Some(QUOTA_PROJECT_HINT)
    } else {
        None
    }
}

fn by_status(status: u16, message: &str) -> (FaultKind, Option<&'static str>) {
    match status {
        401 | 403 => (FaultKind::Auth, None),
        404 => (FaultKind::Schema, Some(LOCATION_HINT)),
        409 | 412 => (FaultKind::Conflict, None),
        408 | 429 | 500 | 502..=599 => (FaultKind::Transient, None),
        400..=499 | 501 => invalid::judged(message),
        _ => (FaultKind::Transient, None),
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Deserialize)]
struct ErrorDetail {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<JobError>,
}

/// Messages of BigQuery may quote whole statements.
fn bounded(text: &str) -> String {
    excerpt(text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_decides_and_without_one_the_status() {
        let cases = [
            (403, "rateLimitExceeded", FaultKind::Transient),
            (403, "quotaExceeded", FaultKind::Quota),
            (429, "", FaultKind::Transient),
            (403, "accessDenied", FaultKind::Auth),
            (401, "authError", FaultKind::Auth),
            (400, "invalidQuery", FaultKind::Schema),
            (404, "notFound", FaultKind::Schema),
            (409, "duplicate", FaultKind::Conflict),
            (400, "jobBackendError", FaultKind::Transient),
            (503, "backendError", FaultKind::Transient),
            (502, "", FaultKind::Transient),
            (400, "resourcesExceeded", FaultKind::Data),
            (500, "bytesBilledLimitExceeded", FaultKind::Config),
        ];
        for (status, reason, kind) in cases {
            assert_eq!(ApiError::answered(status, reason, "x").kind, kind, "{status} {reason}");
        }
    }

    fn asked() -> Url {
        "https://bigquery.googleapis.com/bigquery/v2/projects/p/jobs".parse().unwrap()
    }

    #[test]
    fn a_page_in_bigquerys_place_names_the_host_and_its_text_is_not_repeated() {
        let page = "<html><h1>Log in to the guest network</h1></html>";
        for (status, kind) in [(302, FaultKind::Transient), (502, FaultKind::Transient), (404, FaultKind::Schema)] {
            let fault = ApiError::from_body(status, page, &asked()).into_fault("Reading failed");
            let told = format!(
                "Reading failed: the answer from bigquery.googleapis.com is not one of BigQuery's (HTTP {status})"
            );
            assert_eq!((fault.kind(), fault.to_string()), (kind, told));
        }
        let fault = ApiError::of_another(None, &asked()).into_fault("Reading failed");
        assert_eq!(fault.kind(), FaultKind::Transient);
        assert_eq!(
            fault.to_string(),
            "Reading failed: the answer from bigquery.googleapis.com is not one of BigQuery's"
        );
        for part in ["HTTPS_PROXY", "login page", "`curl -i https://bigquery.googleapis.com`"] {
            assert!(fault.hint().contains(part), "{}", fault.hint());
        }
    }

    #[test]
    fn what_a_proxy_says_of_a_job_that_was_sent_keeps_its_next_step() {
        let fault = ApiError::from_body(404, "<html>", &asked()).of_a_job_sent().into_fault("Publishing failed");
        assert_eq!(fault.kind(), FaultKind::Transient);
        assert!(fault.hint().contains("HTTPS_PROXY"), "{}", fault.hint());
        let bigquerys = ApiError::answered(404, "notFound", "Not found: Job p:j").of_a_job_sent().into_fault("x");
        assert!(!bigquerys.hint().contains("`location`"), "{}", bigquerys.hint());
    }

    #[test]
    fn a_proxys_404_does_not_mean_that_bigquery_lacks_the_object() {
        assert!(!ApiError::from_body(404, "<html>no such page</html>", &asked()).is_not_found());
        let bigquerys =
            r#"{"error": {"code": 404, "message": "Not found: Job p:j", "errors": [{"reason": "notFound"}]}}"#;
        assert!(ApiError::from_body(404, bigquerys, &asked()).is_not_found());
    }

    #[test]
    fn a_jobs_errors_are_reported_completely_up_to_a_limit() {
        let result = JobError { reason: "invalid".into(), message: "first".into(), location: Some("query".into()) };
        let more = JobError { message: "é".repeat(5_000), ..JobError::default() };
        let fault = job_fault("Publishing orders failed", &result, &[result.clone(), more]);
        let text = fault.to_string();
        assert!(text.starts_with("Publishing orders failed: first; éé"));
        assert!(text.ends_with("... (invalid, at query)"));
        assert!(text.chars().count() < 700);
    }
}
