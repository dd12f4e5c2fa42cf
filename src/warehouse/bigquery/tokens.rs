//! The credentials found here, for Cloud Storage: state and staging use the same account as the jobs.

use std::path::PathBuf;

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::auth::Tokens as Found;
use crate::bucket::Tokens;
use crate::domain::config::BigQuerySettings;
use crate::domain::fault::Fault;

/// Finds the credentials when the first token is asked for.
pub struct GoogleTokens {
    settings: BigQuerySettings,
    found: OnceCell<Found>,
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
        let found = self.found.get_or_try_init(|| Found::find(&self.settings)).await?;
        found.token().await.map_err(|error| error.into_fault("Asking for a token failed"))
    }
}
