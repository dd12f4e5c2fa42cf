//! The variables that Google's own tools read to find credentials, except the one that names the file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::domain::config;
use crate::domain::secret::Secret;

const NAMES: [&str; 13] = [
    "HOME",
    "CLOUDSDK_CONFIG",
    "GCE_METADATA_HOST",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "KUBERNETES_SERVICE_HOST",
    "K_SERVICE",
    "CLOUD_RUN_JOB",
];

/// Their values when the program began; empty ones count as unset.
#[derive(Debug, Clone, Default)]
pub struct Variables(HashMap<&'static str, Secret>);

impl Variables {
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let value = |name: &'static str| Some((name, Secret::new(get(name).filter(|value| !value.is_empty())?)));
        Self(NAMES.into_iter().filter_map(value).collect())
    }

    /// The process's own variables, without `.env`.
    #[must_use]
    pub fn of_the_process() -> Self {
        Self::read(&|name| std::env::var(name).ok())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose)
    }

    /// The file that `gcloud auth application-default login` writes.
    pub(super) fn gcloud_file(&self) -> Option<PathBuf> {
        let folder = match (self.get("CLOUDSDK_CONFIG"), self.get("HOME")) {
            // A key in its place must not become a file's name.
            (Some(folder), _) => config::path(folder)?,
            (None, Some(home)) => Path::new(home).join(".config/gcloud"),
            (None, None) => return None,
        };
        Some(folder.join("application_default_credentials.json"))
    }

    pub(super) fn quota_project(&self) -> Option<&str> {
        self.get("GOOGLE_CLOUD_QUOTA_PROJECT")
    }

    pub(super) fn may_run_executables(&self) -> bool {
        self.get("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES") == Some("1")
    }
}
