//! An issuer's token in a file or at a URL.

use std::path::PathBuf;

use serde_json::Value;

use super::document::Document;
use super::wire::Wire;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::Secret;

/// The value of `credential_source.format`.
#[derive(Debug)]
enum Format {
    Text,
    /// A JSON object; this field holds the token.
    Json(String),
}

impl Format {
    fn of(source: &Document) -> Result<Self, Fault> {
        let Some(format) = source.inside("format") else { return Ok(Self::Text) };
        match format.may("type") {
            None | Some("text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json(format.must("subject_token_field_name")?.to_owned())),
            Some(_) => Err(format.unusable("has neither `text` nor `json` in `credential_source.format.type`")),
        }
    }

    /// `place`: where the text was read from.
    fn token(&self, text: &str, place: &str) -> Result<Secret, Fault> {
        let token = match self {
            Self::Text => Some(text.trim().to_owned()),
            Self::Json(field) => {
                let body = serde_json::from_str::<Value>(text).ok();
                body.and_then(|body| body.get(field)?.as_str().map(str::to_owned))
            }
        };
        let token = token.filter(|token| !token.is_empty()).ok_or_else(|| {
            let what = match self {
                Self::Text => format!("{place} is empty"),
                Self::Json(field) => format!("{place} has no text in `{field}`"),
            };
            Fault::new(FaultKind::Auth, format!("the identity has no token: {what}")).with_hint(
                "see what writes it there, and that `credential_source.format` of the credentials file says how",
            )
        })?;
        Ok(Secret::new(token))
    }
}

#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    format: Format,
}

impl FileSource {
    pub fn of(source: &Document) -> Result<Self, Fault> {
        Ok(Self { path: source.must("file")?.into(), format: Format::of(source)? })
    }

    /// The token, read each time: its issuer replaces it before it ends.
    pub fn token(&self) -> Result<Secret, Fault> {
        let place = self.path.display().to_string();
        let text = std::fs::read_to_string(&self.path).map_err(|error| {
            Fault::new(FaultKind::Auth, format!("the identity has no token: {place} cannot be read"))
                .with_hint("see that what writes this file is running and that this user may read it")
                .caused_by(error)
        })?;
        self.format.token(&text, &place)
    }
}

#[derive(Debug)]
pub struct UrlSource {
    url: Secret,
    headers: Vec<(String, Secret)>,
    format: Format,
}

impl UrlSource {
    pub fn of(source: &Document) -> Result<Self, Fault> {
        let headers = source.pairs("headers").into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        Ok(Self { url: source.secret("url")?, headers, format: Format::of(source)? })
    }

    pub async fn token(&self, wire: &Wire) -> Result<Secret, Fault> {
        let url = self.url.expose();
        let mut request = wire.client(url).get(url);
        for (name, value) in &self.headers {
            request = request.header(name, value.expose());
        }
        let answer = wire.ask(request).await?;
        let place = format!("the answer from {}", answer.host);
        if answer.is_success() {
            return self.format.token(&answer.body, &place);
        }
        let kind = if matches!(answer.status, 408 | 429 | 500..=599) { FaultKind::Transient } else { FaultKind::Auth };
        Err(Fault::new(kind, format!("the identity has no token: {place} is HTTP {}", answer.status)).with_hint(
            "see `credential_source` of the credentials file: its `url` and `headers`, and what answers there",
        ))
    }
}
