//! Google in a test's own process: token servers, the metadata server and the services that accept a token. A test can
//! look at each request afterwards.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{Login, Variables};

/// A part of every secret in these files; a message must never contain it.
pub const CANARY: &str = "c4n4ry";

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Seen {
    /// A field of a form.
    pub fn field(&self, name: &str) -> Option<String> {
        let url = reqwest::Url::parse(&format!("http://x/?{}", self.body)).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

type Answers = dyn Fn(&Seen) -> Option<(u16, String)> + Send + Sync;

/// A server on its own port, which ends with the test's runtime.
#[derive(Debug)]
pub struct StandIn {
    pub host: String,
    pub dir: TempDir,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl StandIn {
    pub async fn start() -> Self {
        Self::answering(|_| None).await
    }

    /// `special` answers first; if it gives no answer, the usual answer of Google follows.
    pub async fn answering(special: impl Fn(&Seen) -> Option<(u16, String)> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(serve(listener, Arc::new(special), Arc::clone(&seen)));
        Self { host, dir: tempfile::tempdir().unwrap(), seen }
    }

    pub fn root(&self) -> String {
        format!("http://{}", self.host)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// All requests whose path contains this text.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path.contains(path)).cloned().collect()
    }

    #[expect(clippy::needless_pass_by_value, reason = "what is written is made for it")]
    pub fn file(&self, name: &str, content: impl ToString) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content.to_string()).unwrap();
        path
    }

    pub fn login(&self, content: &Value) -> Login {
        self.login_with(content, &[])
    }

    pub fn login_with(&self, content: &Value, variables: &[(&str, &str)]) -> Login {
        Login::new(Some(self.file("credentials.json", content)), variables_of(variables))
    }

    /// A service account's key as the console and gcloud write it.
    pub fn key(&self) -> Value {
        json!({
            "type": "service_account", "project_id": "p", "private_key_id": "k1", "private_key": private_key(),
            "client_email": "etl@p.iam.gserviceaccount.com", "client_id": "1", "universe_domain": "googleapis.com",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": self.url("/token"),
        })
    }

    /// The file that `gcloud auth application-default login` writes.
    pub fn person(&self) -> Value {
        json!({
            "type": "authorized_user", "account": "", "client_id": "id.apps", "client_secret": CANARY,
            "refresh_token": CANARY, "quota_project_id": "quota", "universe_domain": "googleapis.com",
            "token_uri": self.url("/token"),
        })
    }

    /// The file that `gcloud iam workload-identity-pools create-cred-config` writes.
    pub fn external(&self, source: &Value) -> Value {
        json!({
            "type": "external_account", "universe_domain": "googleapis.com",
            "audience": "//iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/pool/providers/p1",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": self.url("/sts"),
            "credential_source": source,
        })
    }

    pub fn impersonation_url(&self) -> String {
        self.url("/v1/projects/-/serviceAccounts/to@p.iam.gserviceaccount.com:generateAccessToken")
    }
}

pub fn variables_of(variables: &[(&str, &str)]) -> Variables {
    let found = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Variables::read(&found)
}

/// An RSA key, made once in a process.
pub fn private_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let args = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
        let made = Command::new("openssl").args(args).output().unwrap();
        String::from_utf8(made.stdout).unwrap()
    })
}

/// Writes a script to this folder, for an executable source.
pub fn script(dir: &Path, name: &str, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// Answers at an address that is known before the server listens there.
pub async fn serve_at(address: SocketAddr, special: impl Fn(&Seen) -> Option<(u16, String)> + Send + Sync + 'static) {
    let listener = TcpListener::bind(address).await.unwrap();
    serve(listener, Arc::new(special), Arc::default()).await;
}

async fn serve(listener: TcpListener, special: Arc<Answers>, log: Arc<Mutex<Vec<Seen>>>) {
    let handler = move |request: Request<Body>| {
        let (special, log) = (Arc::clone(&special), Arc::clone(&log));
        async move {
            let (head, body) = request.into_parts();
            let body = to_bytes(body, 1 << 20).await.unwrap();
            let headers =
                head.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
            let seen = Seen {
                method: head.method.to_string(),
                path: head.uri.to_string(),
                headers: headers.collect(),
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            log.lock().unwrap().push(seen.clone());
            let (status, text) = special(&seen).unwrap_or_else(|| usual(&seen));
            let answer = Response::builder().status(status).header("metadata-flavor", "Google");
            answer.body(Body::from(text)).unwrap()
        }
    };
    axum::serve(listener, Router::new().fallback(handler)).await.unwrap();
}

/// Google's usual answer to a valid request.
fn usual(seen: &Seen) -> (u16, String) {
    let token =
        |text: &str| (200, json!({"access_token": text, "expires_in": 3599, "token_type": "Bearer"}).to_string());
    let grant = seen.field("grant_type").unwrap_or_default();
    match (seen.path.split('?').next().unwrap(), grant.rsplit(':').next().unwrap()) {
        ("/token", "jwt-bearer") => token("of-key"),
        ("/token", "refresh_token") => token("of-person"),
        ("/sts", "token-exchange") => token("of-exchange"),
        ("/sts", "refresh_token") => token("of-workforce"),
        ("/computeMetadata/v1/instance/service-accounts/default/token", _) => token("of-machine"),
        ("/computeMetadata/v1/instance/service-accounts/default/email", _) => {
            (200, "vm@p.iam.gserviceaccount.com\n".to_owned())
        }
        (path, _) if path.ends_with(":generateAccessToken") => {
            let ends = chrono::Utc::now() + chrono::TimeDelta::hours(1);
            let caller = seen.header("authorization").trim_start_matches("Bearer ");
            (200, json!({"accessToken": format!("acting-{caller}"), "expireTime": ends.to_rfc3339()}).to_string())
        }
        (path, _) if path.starts_with("/bigquery/") => {
            let error = json!({"code": 404, "message": "Not found: Table", "errors": [{"reason": "notFound"}]});
            (404, json!({ "error": error }).to_string())
        }
        _ => (404, "not found".to_owned()),
    }
}
