//! Credentials, found as Google's own tools find them.
//!
//! Messages name files and what was tried, never what a file holds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gcp_bigquery_client::yup_oauth2::authenticator::{
    ApplicationDefaultCredentialsAuthenticator, ApplicationDefaultCredentialsTypes, AuthorizedUserAuthenticator,
    DefaultAuthenticator, ExternalAccountAuthenticator, ServiceAccountAuthenticator,
};
use gcp_bigquery_client::yup_oauth2::{AccessToken, ApplicationDefaultCredentialsFlowOpts, Error};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::domain::check::access::Identity;
use crate::domain::config::BigQuerySettings;
use crate::domain::fault::{Fault, FaultKind};

/// The one scope that BigQuery and Cloud Storage both take.
const SCOPES: [&str; 1] = ["https://www.googleapis.com/auth/cloud-platform"];

/// Away from Google's machines nobody answers for the metadata server.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(20);

const KEY_HINT: &str = "set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file";

/// A token in the middle of the work: the answer of a server that was there a moment ago.
const RENEWAL_TIMEOUT: Duration = Duration::from_mins(1);

/// Where the tokens come from.
pub enum Tokens {
    /// The emulator asks for no credentials, but its clients send a token all the same.
    Emulator,
    Google(DefaultAuthenticator),
}

impl Tokens {
    /// Finds the credentials and fetches the first token, so that a wrong key is told before any work begins.
    ///
    /// # Errors
    /// `Auth`, naming what was tried; `Transient` when the token server could not be reached.
    pub async fn find(settings: &BigQuerySettings) -> Result<Self, Fault> {
        if settings.emulator.is_some() {
            return Ok(Self::Emulator);
        }
        let file = file(settings);
        let google = match &file {
            Some(path) => from_file(path).await?,
            None => from_metadata_server().await?,
        };
        let Err(error) = text_of(TOKEN_TIMEOUT, google.token(&SCOPES)).await else { return Ok(Self::Google(google)) };
        let Some(file) = file else { return Err(nowhere()) };
        let fault = error.into_fault(format!("No token with the credentials of {}", file.display()));
        Err(if fault.kind() == FaultKind::Auth { fault.with_hint(KEY_HINT) } else { fault })
    }

    /// The token at hand, or the next one when it is about to expire.
    pub async fn token(&self) -> Result<String, ApiError> {
        match self {
            Self::Emulator => Ok("emulator".to_owned()),
            Self::Google(google) => text_of(RENEWAL_TIMEOUT, google.token(&SCOPES)).await,
        }
    }

    /// Another one than that at hand, which BigQuery has refused.
    pub async fn renewed(&self) -> Result<String, ApiError> {
        match self {
            Self::Emulator => Ok("emulator-renewed".to_owned()),
            Self::Google(google) => text_of(RENEWAL_TIMEOUT, google.force_refreshed_token(&SCOPES)).await,
        }
    }
}

/// The credentials' file; `None`: the metadata server is asked.
fn file(settings: &BigQuerySettings) -> Option<PathBuf> {
    settings.credentials.clone().or_else(|| well_known_file().filter(|f| f.is_file()))
}

/// Who the credentials say we are. Only a service account's key names the account.
pub fn identity(settings: &BigQuerySettings) -> Identity {
    if let Some(emulator) = &settings.emulator {
        return Identity {
            account: None,
            origin: format!("the emulator at {emulator}, which asks for no credentials"),
        };
    }
    let Some(file) = file(settings) else {
        return Identity { account: None, origin: "the metadata server's account".to_owned() };
    };
    let key = std::fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str::<Named>(&text).ok());
    Identity { account: key.and_then(|key| key.client_email), origin: format!("credentials of {}", file.display()) }
}

/// The part of a key that is no secret.
#[derive(Deserialize)]
struct Named {
    client_email: Option<String>,
}

async fn text_of(
    limit: Duration,
    asking: impl Future<Output = Result<AccessToken, Error>>,
) -> Result<String, ApiError> {
    let Ok(answer) = tokio::time::timeout(limit, asking).await else {
        return Err(ApiError::unanswered("no answer from the token server"));
    };
    answer?.token().map(str::to_owned).ok_or_else(|| ApiError::credentials("no token was given for these credentials"))
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
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    async fn refused(content: &str) -> Fault {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let settings = BigQuerySettings { emulator: None, credentials: Some(file.path().to_owned()) };
        let fault = Tokens::find(&settings).await.err().unwrap();
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
        let fault = Tokens::find(&settings).await.err().unwrap();
        assert!(fault.to_string().contains("/nowhere/key.json"));
        assert!(fault.hint().contains("GOOGLE_APPLICATION_CREDENTIALS"));
    }

    #[test]
    fn a_key_names_its_account_and_nothing_else_of_it_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), r#"{"client_email": "etl@p.iam.gserviceaccount.com", "private_key": "s3cret"}"#)
            .unwrap();
        let settings = BigQuerySettings { emulator: None, credentials: Some(file.path().to_owned()) };
        let identity = identity(&settings);
        assert_eq!(identity.account.as_deref(), Some("etl@p.iam.gserviceaccount.com"));
        assert!(!format!("{identity:?}").contains("s3cret"));
    }

    /// A token server that numbers what it gives out.
    fn token_server() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for (number, stream) in (1..).zip(listener.incoming()) {
                let mut stream = stream.unwrap();
                let mut request = [0; 8192];
                let _ = stream.read(&mut request);
                let body = format!(
                    r#"{{"access_token": "token-{number}", "issued_token_type": "x", "token_type": "Bearer", "expires_in": 3600}}"#
                );
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
                let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            }
        });
        url
    }

    #[tokio::test]
    async fn a_token_is_kept_until_it_is_refused_and_then_renewed() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = tempfile::tempdir().unwrap();
        let (identity, credentials) = (dir.path().join("identity"), dir.path().join("credentials.json"));
        std::fs::write(&identity, "who I am").unwrap();
        let content = serde_json::json!({
            "type": "external_account", "audience": "a", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": token_server(), "credential_source": { "file": identity },
        });
        std::fs::write(&credentials, content.to_string()).unwrap();
        let settings = BigQuerySettings { emulator: None, credentials: Some(credentials) };
        let tokens = Tokens::find(&settings).await.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(tokens.token().await.unwrap(), "token-1");
        assert_eq!(tokens.token().await.unwrap(), "token-1");
        assert_eq!(tokens.renewed().await.unwrap(), "token-2");
        assert_eq!(tokens.token().await.unwrap(), "token-2");
    }
}
