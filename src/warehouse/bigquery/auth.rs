//! Credentials, found as Google's own tools find them.
//!
//! Messages name files and what was tried, never what a file holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gcp_bigquery_client::auth::Authenticator;
use gcp_bigquery_client::error::BQError;
use gcp_bigquery_client::yup_oauth2::ApplicationDefaultCredentialsFlowOpts;
use gcp_bigquery_client::yup_oauth2::authenticator::{
    ApplicationDefaultCredentialsAuthenticator, ApplicationDefaultCredentialsTypes, AuthorizedUserAuthenticator,
    DefaultAuthenticator, ExternalAccountAuthenticator, ServiceAccountAuthenticator,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::domain::config::BigQuerySettings;
use crate::domain::fault::{Fault, FaultKind};

/// The one scope that BigQuery and Cloud Storage both take.
const SCOPES: [&str; 1] = ["https://www.googleapis.com/auth/cloud-platform"];

/// Away from Google's machines nobody answers for the metadata server.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(20);

const KEY_HINT: &str = "set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file";

/// The emulator asks for no credentials, but its clients send a token all the same.
#[derive(Clone)]
struct NoCredentials;

#[async_trait]
impl Authenticator for NoCredentials {
    async fn access_token(&self) -> Result<String, BQError> {
        Ok("emulator".to_owned())
    }
}

#[derive(Clone)]
struct GoogleCredentials(DefaultAuthenticator);

#[async_trait]
impl Authenticator for GoogleCredentials {
    async fn access_token(&self) -> Result<String, BQError> {
        let token = self.0.token(&SCOPES).await?;
        token.token().map(str::to_owned).ok_or(BQError::NoToken)
    }
}

/// Finds the credentials and fetches the first token, so that a wrong key is told before any work begins.
///
/// # Errors
/// `Auth`, naming what was tried; `Transient` when the token server could not be reached.
pub async fn authenticator(settings: &BigQuerySettings) -> Result<Arc<dyn Authenticator>, Fault> {
    if settings.emulator.is_some() {
        return Ok(Arc::new(NoCredentials));
    }
    let file = settings.credentials.clone().or_else(|| well_known_file().filter(|f| f.is_file()));
    let google = GoogleCredentials(match &file {
        Some(path) => from_file(path).await?,
        None => from_metadata_server().await?,
    });
    let first = tokio::time::timeout(TOKEN_TIMEOUT, google.access_token()).await;
    let error = match first {
        Ok(Ok(_)) => return Ok(Arc::new(google)),
        Ok(Err(error)) => ApiError::from(error),
        Err(_) => ApiError::unanswered("no answer from the token server"),
    };
    let Some(file) = file else { return Err(nowhere()) };
    let fault = error.into_fault(format!("No token with the credentials of {}", file.display()));
    Err(if fault.kind() == FaultKind::Auth { fault.with_hint(KEY_HINT) } else { fault })
}

fn nowhere() -> Fault {
    let tried = well_known_file().map_or_else(|| "no home directory".to_owned(), |f| f.display().to_string());
    Fault::new(
        FaultKind::Auth,
        format!(
            "No Google credentials: GOOGLE_APPLICATION_CREDENTIALS is not set, {tried} does not exist, and no metadata \
             server answers"
        ),
    )
    .with_hint(format!("{KEY_HINT}, or run `gcloud auth application-default login`"))
}

/// Where `gcloud auth application-default login` leaves its file.
fn well_known_file() -> Option<PathBuf> {
    let folder = match std::env::var_os("CLOUDSDK_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None if cfg!(windows) => PathBuf::from(std::env::var_os("APPDATA")?).join("gcloud"),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".config/gcloud"),
    };
    Some(folder.join("application_default_credentials.json"))
}

#[derive(Deserialize)]
struct Kind {
    r#type: String,
}

async fn from_file(path: &Path) -> Result<DefaultAuthenticator, Fault> {
    let text = tokio::fs::read_to_string(path).await.map_err(|error| {
        Fault::new(FaultKind::Auth, format!("The credentials file {} cannot be read", path.display()))
            .with_hint(KEY_HINT)
            .caused_by(error)
    })?;
    let kind: Kind = parsed(&text, path, "credentials file with a `type`")?;
    let built = match kind.r#type.as_str() {
        "service_account" => {
            ServiceAccountAuthenticator::builder(parsed(&text, path, "service account key")?).build().await
        }
        "authorized_user" => {
            AuthorizedUserAuthenticator::builder(parsed(&text, path, "gcloud user's file")?).build().await
        }
        "external_account" => {
            ExternalAccountAuthenticator::builder(parsed(&text, path, "workload identity file")?).build().await
        }
        _ => {
            return Err(Fault::new(
                FaultKind::Auth,
                format!("The credentials file {} is of a kind that bqsync does not know", path.display()),
            )
            .with_hint(
                "use a service account's key, a workload identity file, or `gcloud auth application-default login`",
            ));
        }
    };
    built.map_err(|_| unusable(path, "service account key"))
}

fn parsed<T: DeserializeOwned>(text: &str, path: &Path, wanted: &str) -> Result<T, Fault> {
    // serde's own words may quote the value it stumbled over.
    serde_json::from_str(text).map_err(|_| unusable(path, wanted))
}

fn unusable(path: &Path, wanted: &str) -> Fault {
    Fault::new(FaultKind::Auth, format!("The credentials file {} is not a {wanted}", path.display()))
        .with_hint("download the key again, or point GOOGLE_APPLICATION_CREDENTIALS to another file")
}

async fn from_metadata_server() -> Result<DefaultAuthenticator, Fault> {
    let options = ApplicationDefaultCredentialsFlowOpts::default();
    let built = match ApplicationDefaultCredentialsAuthenticator::builder(options).await {
        ApplicationDefaultCredentialsTypes::InstanceMetadata(builder) => builder.build().await,
        ApplicationDefaultCredentialsTypes::ServiceAccount(builder) => builder.build().await,
    };
    built.map_err(|error| Fault::new(FaultKind::Auth, "No Google credentials").with_hint(KEY_HINT).caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(content: &str) -> Fault {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let settings = BigQuerySettings { emulator: None, credentials: Some(file.path().to_owned()) };
        let fault = authenticator(&settings).await.err().unwrap();
        assert!(fault.to_string().contains(&file.path().display().to_string()));
        fault
    }

    #[tokio::test]
    async fn a_broken_key_is_named_but_never_quoted() {
        for content in ["s3cret", r#"{"type": "service_account", "private_key": 7}"#, r#"{"type": "s3cret"}"#] {
            let fault = refused(content).await;
            assert_eq!(fault.kind(), FaultKind::Auth);
            assert!(!fault.to_string().contains("s3cret"), "{fault}");
        }
    }

    #[tokio::test]
    async fn a_missing_key_file_is_named() {
        let settings = BigQuerySettings { emulator: None, credentials: Some("/nowhere/key.json".into()) };
        let fault = authenticator(&settings).await.err().unwrap();
        assert!(fault.to_string().contains("/nowhere/key.json"));
        assert!(fault.hint().contains("GOOGLE_APPLICATION_CREDENTIALS"));
    }
}
