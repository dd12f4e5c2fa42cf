//! A service account's key: signs a statement that it is the account (RFC 7523), and exchanges it for a token.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::document::Document;
use super::refusal::Asked;
use super::token::{self, SCOPE, Token};
use super::wire::Wire;
use crate::domain::fault::Fault;
use crate::domain::secret::Secret;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The longest validity that Google accepts.
const VALID_SECONDS: i64 = 3600;

pub struct Key {
    pub account: String,
    id: Option<String>,
    token_uri: String,
    signing: std::sync::Arc<dyn rustls::sign::SigningKey>,
    document: Document,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Key {
    pub fn of(document: &Document) -> Result<Self, Fault> {
        let pem = document.secret("private_key")?;
        let parsed = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).ok();
        let signing = parsed.and_then(|key| any_supported_type(&key).ok());
        let signing = signing.ok_or_else(|| damaged(document))?;
        Ok(Self {
            account: document.must("client_email")?.to_owned(),
            id: document.may("private_key_id").map(str::to_owned),
            token_uri: document.may("token_uri").unwrap_or(token::TOKEN_URI).to_owned(),
            signing,
            document: document.clone(),
        })
    }

    pub async fn token(&self, wire: &Wire) -> Result<Token, Fault> {
        let assertion = Secret::new(self.signed(Utc::now())?);
        let fields = [("grant_type", GRANT), ("assertion", assertion.expose())];
        let request = wire.client(&self.token_uri).post(&self.token_uri).form(&fields);
        token::granted(wire, request, Asked::Key { account: &self.account }, &[&assertion]).await
    }

    fn signed(&self, now: DateTime<Utc>) -> Result<String, Fault> {
        let issued = now.timestamp();
        let head = json!({ "alg": "RS256", "typ": "JWT", "kid": self.id });
        let claims = json!({
            "iss": self.account, "scope": SCOPE, "aud": self.token_uri, "iat": issued, "exp": issued + VALID_SECONDS,
        });
        let encoded = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encoded(&head), encoded(&claims));
        let signer = self.signing.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]);
        let signature = signer.and_then(|signer| signer.sign(text.as_bytes()).ok());
        let signature = signature.ok_or_else(|| damaged(&self.document))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn damaged(document: &Document) -> Fault {
    document.refused(
        "has no RSA key in `private_key`",
        "use the file as it was downloaded: a copy through a variable or a template often loses the key's line breaks",
    )
}
