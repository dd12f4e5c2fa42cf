//! The credentials found here, for Cloud Storage: state and staging use the same account as the jobs.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use gcp_bigquery_client::auth::Authenticator;
use tokio::sync::OnceCell;

use super::auth::authenticator;
use super::error::ApiError;
use crate::bucket::Tokens;
use crate::domain::config::BigQuerySettings;
use crate::domain::fault::Fault;

/// Finds the credentials when the first token is asked for.
pub struct GoogleTokens {
    settings: BigQuerySettings,
    found: OnceCell<Arc<dyn Authenticator>>,
}

impl std::fmt::Debug for GoogleTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GoogleTokens").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl GoogleTokens {
    /// `credentials`: `GOOGLE_APPLICATION_CREDENTIALS`.
    #[must_use]
    pub fn new(credentials: Option<PathBuf>) -> Self {
        // An emulator of BigQuery is no reason to go to Cloud Storage without credentials.
        Self { settings: BigQuerySettings { emulator: None, credentials }, found: OnceCell::new() }
    }
}

#[async_trait]
impl Tokens for GoogleTokens {
    async fn token(&self) -> Result<String, Fault> {
        let found = self.found.get_or_try_init(|| authenticator(&self.settings)).await?;
        let token = found.access_token().await;
        token.map_err(|error| ApiError::from(error).into_fault("Asking for a token failed"))
    }
}
