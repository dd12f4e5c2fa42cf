//! Turns Cloud Storage's errors into faults.
//!
//! Source of the codes: Cloud Storage documentation, "HTTP status and error codes for XML".

use std::error::Error;
use std::fmt;
use std::time::Duration;

use object_store::client::{HttpError, HttpErrorKind};

use super::answers::Refused;
use crate::domain::excerpt::excerpt;
use crate::domain::fault::{Absent, Fault, FaultKind};
use crate::retry::Failure;
use crate::{trust, unreached};

/// A request that did not succeed.
#[derive(Debug)]
pub struct StorageError {
    /// `None` where no answer was read: the outcome is unknown.
    pub status: Option<u16>,
    pub kind: FaultKind,
    pub retry_after: Option<Duration>,
    message: String,
    hint: Option<String>,
    /// The server that was not reached, if that is the error.
    absent: Option<Absent>,
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure for StorageError {
    fn kind(&self) -> FaultKind {
        self.kind
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    fn absent(&self) -> Option<&Absent> {
        self.absent.as_ref()
    }
}

impl StorageError {
    /// `server`: host and port. `bucket` and `key` (`state_gcs_bucket`, `temp_bucket`) are used in the hints.
    pub fn new(error: &object_store::Error, server: &str, bucket: &str, key: &str) -> Self {
        let (mut said, mut cause) = (None, Some(error as &(dyn Error + 'static)));
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref::<Refused>() {
                return Self::refused(refused, bucket, key);
            }
            if let Some(fault) = error.downcast_ref::<Fault>() {
                return Self::on_the_way(fault);
            }
            if let Some(unanswered) = error.downcast_ref::<HttpError>() {
                said = Some(unanswered);
            }
            cause = error.source();
        }
        if let Some(fault) = trust::refused(error, server) {
            return Self::on_the_way(&fault);
        }
        match said {
            Some(said) => Self::unreached(said, server),
            None => Self::unanswered(format!("the answer is not one of Cloud Storage's: {}", deepest(error))),
        }
    }

    fn unreached(error: &HttpError, server: &str) -> Self {
        let why = match error.kind() {
            HttpErrorKind::Timeout => "none came in time".to_owned(),
            _ => unreached::why(error),
        };
        Self {
            hint: Some(unreached::hint(server)),
            absent: (error.kind() == HttpErrorKind::Connect).then(|| Absent::now(server)),
            ..Self::unanswered(format!("no answer from {server}: {why}"))
        }
    }

    /// An error on the way: a login without a token, a certificate that is refused.
    fn on_the_way(fault: &Fault) -> Self {
        Self {
            status: None,
            kind: fault.kind(),
            retry_after: fault.retry_after(),
            message: fault.to_string(),
            hint: Some(fault.hint().to_owned()),
            absent: fault.absent().cloned(),
        }
    }

    fn refused(refused: &Refused, bucket: &str, key: &str) -> Self {
        let role =
            || format!("grant this account the role `roles/storage.objectUser` on the bucket `{bucket}` (`{key}`)");
        let (kind, hint) = match (refused.status, refused.code.as_str()) {
            (404, "NoSuchBucket") => {
                let create = format!("create the bucket `{bucket}`, or correct `{key}` in config.yaml");
                (FaultKind::Config, Some(create))
            }
            (401 | 403, _) => (FaultKind::Auth, Some(role())),
            (409 | 412, _) => (FaultKind::Conflict, None),
            (408 | 429 | 500 | 502..=599, _) => (FaultKind::Transient, None),
            _ => (FaultKind::Config, Some(format!("check `{key}` in config.yaml"))),
        };
        let (status, retry_after) = (Some(refused.status), refused.retry_after);
        Self { status, kind, retry_after, message: refused.to_string(), hint, absent: None }
    }

    /// No answer came, or none that could be read.
    pub fn unanswered(message: impl Into<String>) -> Self {
        let (status, retry_after, hint) = (None, None, None);
        Self { status, kind: FaultKind::Transient, retry_after, message: excerpt(&message.into()), hint, absent: None }
    }

    /// Tells if there is no such object; a missing bucket is another error.
    pub fn is_not_found(&self) -> bool {
        self.status == Some(404) && !self.message.contains("NoSuchBucket")
    }

    /// Tells if the object has another generation than the request required.
    pub fn is_precondition(&self) -> bool {
        self.status == Some(412)
    }

    /// Makes a fault; `what` begins the sentence: `Reading gs://b/state/users.json failed`.
    pub fn into_fault(self, what: impl fmt::Display) -> Fault {
        Fault::new(self.kind, format!("{what}: {}", self.message))
            .with_retry_after(self.retry_after)
            .with_hint_if_any(self.hint)
            .with_absent(self.absent)
    }
}

/// The innermost message: the outer ones repeat the URL.
fn deepest(error: &dyn Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_decide_and_the_hint_names_the_key_or_the_role() {
        let cases = [
            (401, "", FaultKind::Auth, "roles/storage.objectUser"),
            (403, "AccessDenied", FaultKind::Auth, "roles/storage.objectUser"),
            (404, "NoSuchBucket", FaultKind::Config, "`state_gcs_bucket`"),
            (412, "PreconditionFailed", FaultKind::Conflict, ""),
            (429, "SlowDown", FaultKind::Transient, ""),
            (503, "", FaultKind::Transient, ""),
            (400, "InvalidArgument", FaultKind::Config, "`state_gcs_bucket`"),
        ];
        for (status, code, kind, hint) in cases {
            let refused = Refused { status, code: code.into(), message: String::new(), retry_after: None };
            let error = StorageError::refused(&refused, "b", "state_gcs_bucket");
            assert_eq!(error.kind, kind, "{status} {code}");
            assert!(error.into_fault("Reading failed").hint().contains(hint), "{status} {code}");
        }
    }
}
