//! A credentials file, read field by field: messages name the file and the field, never a value.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::Secret;
use crate::paths::shown;

const KIND_HINT: &str = "point GOOGLE_APPLICATION_CREDENTIALS to a service account's key, a workload identity federation \
                         file, or what `gcloud auth application-default login` writes; docs/configuration.md (Google \
                         credentials) lists the kinds";

/// A JSON object of a credentials file: the whole file, or credentials within credentials.
#[derive(Clone)]
pub struct Document {
    path: PathBuf,
    /// The path to this object in messages: `source_credentials.`.
    place: String,
    value: Value,
}

impl Document {
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let text = std::fs::read(path).map_err(|error| {
            Fault::new(FaultKind::Auth, format!("The credentials file {} cannot be read", shown(path)))
                .with_hint(
                    "see that the file is there and that this user may read it, or point \
                            GOOGLE_APPLICATION_CREDENTIALS to another file",
                )
                .caused_by(error)
        })?;
        // serde's error messages may quote the value.
        let value = serde_json::from_slice(&text).unwrap_or_default();
        let document = Self { path: path.to_owned(), place: String::new(), value };
        if document.value.is_object() { Ok(document) } else { Err(document.unusable("is not a JSON object")) }
    }

    pub fn may(&self, field: &str) -> Option<&str> {
        self.value.get(field)?.as_str().filter(|text| !text.is_empty())
    }

    pub fn must(&self, field: &str) -> Result<&str, Fault> {
        self.may(field).ok_or_else(|| self.unusable(&format!("has no text in `{}{field}`", self.place)))
    }

    pub fn secret(&self, field: &str) -> Result<Secret, Fault> {
        self.must(field).map(Secret::new)
    }

    pub fn number(&self, field: &str) -> Option<u64> {
        self.value.get(field)?.as_u64()
    }

    /// The texts of an array; other values are left out.
    pub fn texts(&self, field: &str) -> Vec<String> {
        let texts = self.value.get(field).and_then(Value::as_array).into_iter().flatten();
        texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
    }

    /// The names and texts of an object.
    pub fn pairs(&self, field: &str) -> Vec<(String, String)> {
        let pairs = self.value.get(field).and_then(Value::as_object).into_iter().flatten();
        pairs.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect()
    }

    pub fn inside(&self, field: &str) -> Option<Self> {
        let value = self.value.get(field).filter(|value| value.is_object())?.clone();
        Some(Self { path: self.path.clone(), place: format!("{}{field}.", self.place), value })
    }

    pub fn must_inside(&self, field: &str) -> Result<Self, Fault> {
        self.inside(field).ok_or_else(|| self.unusable(&format!("has no object in `{}{field}`", self.place)))
    }

    /// The fault for an unusable file; `why` continues the sentence after the file's name.
    pub fn unusable(&self, why: &str) -> Fault {
        self.refused(why, KIND_HINT)
    }

    pub fn refused(&self, why: &str, hint: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Auth, format!("The credentials file {} {why}", self.path.display())).with_hint(hint)
    }
}
