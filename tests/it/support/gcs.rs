//! A stand-in for Cloud Storage: the part of the XML API that object_store uses, with generation preconditions as in
//! the real service, and trouble on demand.
//!
//! Objects are written to the folder from which the BigQuery emulator reads `gs://`, so that load jobs find them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;

use super::program::{Ran, finish};
use super::{Sandbox, setting};

/// The size of a page of a listing; small, so that tests with more than a few objects turn pages.
const PAGE: usize = 40;

/// The real service's least size of a part, except the last one.
const LEAST_PART: usize = 5 << 20;

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// Does nothing, and gives this answer.
    Answer(u16),
    /// Acts, and a proxy answers 502 in place of the service.
    LoseAnswer,
    /// Acts, and answers once a permit is given.
    Hold(Arc<Semaphore>),
}

#[derive(Debug)]
struct Rule {
    method: Method,
    /// A part of the bucket's and object's name, or of the query.
    part: String,
    /// A part of the body; empty fits any.
    body: String,
    times: usize,
    trouble: Trouble,
}

#[derive(Debug, Clone)]
struct Stored {
    generation: u64,
    modified: DateTime<Utc>,
    content: Bytes,
}

#[derive(Debug, Default)]
struct Upload {
    name: String,
    parts: BTreeMap<usize, Bytes>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The objects by `bucket/object`.
    objects: BTreeMap<String, Stored>,
    buckets: Vec<String>,
    uploads: BTreeMap<String, Upload>,
    rules: Vec<Rule>,
    requests: Vec<String>,
    generations: u64,
}

/// The server of one test, with its only bucket.
#[derive(Debug)]
pub struct Gcs {
    pub bucket: String,
    pub address: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    /// How wrong the server's clock is.
    skew: Mutex<TimeDelta>,
    inner: Mutex<Inner>,
}

static BUCKETS: AtomicU64 = AtomicU64::new(0);

impl Gcs {
    /// Serves within the test's runtime, with a correct clock.
    pub async fn start() -> Self {
        Self::with_clock(TimeDelta::zero()).await
    }

    /// The same with a wrong clock.
    pub async fn with_clock(skew: TimeDelta) -> Self {
        let bucket = format!("b-{}-{}", std::process::id(), BUCKETS.fetch_add(1, Ordering::Relaxed));
        let root = PathBuf::from(setting("BQSYNC_DEV_GCS_ROOT"));
        let inner = Inner { buckets: vec![bucket.clone()], generations: 1_700_000_000_000_000, ..Inner::default() };
        let shared = Arc::new(Shared { root, skew: Mutex::new(skew), inner: Mutex::new(inner) });
        let app = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { bucket, address, shared }
    }

    /// The next `times` requests of this method whose address contains `part` meet trouble.
    pub fn trouble(&self, method: &Method, part: &str, times: usize, trouble: Trouble) {
        self.trouble_with(method, part, "", times, trouble);
    }

    /// The same for requests whose body contains a text.
    pub fn trouble_with(&self, method: &Method, part: &str, body: &str, times: usize, trouble: Trouble) {
        let (part, body) = (part.to_owned(), body.to_owned());
        self.shared.inner.lock().unwrap().rules.push(Rule { method: method.clone(), part, body, times, trouble });
    }

    /// Moves the server's clock forward by this time.
    pub fn pass(&self, time: TimeDelta) {
        *self.shared.skew.lock().unwrap() += time;
    }

    /// Tells if all trouble has been met.
    pub fn all_met(&self) -> bool {
        self.shared.inner.lock().unwrap().rules.is_empty()
    }

    /// Writes an object, as an operator would.
    pub fn put(&self, path: &str, content: &str) {
        let name = format!("{}/{path}", self.bucket);
        self.shared.write(&mut self.shared.inner.lock().unwrap(), &name, Bytes::from(content.to_owned()));
    }

    pub fn remove(&self, path: &str) {
        self.shared.inner.lock().unwrap().objects.remove(&format!("{}/{path}", self.bucket)).unwrap();
    }

    pub fn text(&self, path: &str) -> Option<String> {
        let inner = self.shared.inner.lock().unwrap();
        let stored = inner.objects.get(&format!("{}/{path}", self.bucket))?;
        Some(String::from_utf8(stored.content.to_vec()).unwrap())
    }

    #[track_caller]
    pub fn json(&self, path: &str) -> serde_json::Value {
        let text = self.text(path).unwrap_or_else(|| panic!("no {path} among {:?}", self.names("")));
        serde_json::from_str(&text).unwrap()
    }

    /// The names of the objects in a folder.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let inner = self.shared.inner.lock().unwrap();
        let prefix = format!("{}/", self.bucket);
        let names = inner.objects.keys().filter_map(|name| name.strip_prefix(&prefix));
        names.filter(|name| name.starts_with(folder)).map(str::to_owned).collect()
    }

    /// The number of uploads in parts that nobody has completed or aborted.
    pub fn unfinished(&self) -> usize {
        self.shared.inner.lock().unwrap().uploads.len()
    }

    /// `METHOD bucket/object?query` of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.shared.inner.lock().unwrap().requests.clone()
    }

    /// The program in a sandbox, with this server in place of Cloud Storage.
    pub fn command(&self, sandbox: &Sandbox, arguments: &[&str]) -> Command {
        let mut command = sandbox.command(arguments);
        command.env("STORAGE_EMULATOR_HOST", &self.address);
        command
    }

    pub async fn run(&self, sandbox: &Sandbox, arguments: &[&str]) -> Ran {
        finish(self.command(sandbox, arguments)).await
    }

    /// `run-once` of all mappings with JSON on stdout.
    pub async fn run_once(&self, sandbox: &Sandbox) -> Ran {
        self.run(sandbox, &["--no-tui", "run-once", "--output", "json"]).await
    }
}

impl Shared {
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + *self.skew.lock().unwrap()
    }

    fn write(&self, inner: &mut Inner, name: &str, content: Bytes) -> u64 {
        let file = self.root.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &content).unwrap();
        inner.generations += 1;
        let stored = Stored { generation: inner.generations, modified: self.now(), content };
        inner.objects.insert(name.to_owned(), stored);
        inner.generations
    }

    fn handle(&self, request: &Asked, body: Bytes) -> Answer {
        let mut inner = self.inner.lock().unwrap();
        let bucket = request.name.split('/').next().unwrap_or_default();
        if !request.headers.get("authorization").is_some_and(|v| v.to_str().is_ok_and(|v| v.starts_with("Bearer "))) {
            return refused(401, "AuthenticationRequired", "Authentication required.");
        }
        if !inner.buckets.iter().any(|b| b == bucket) {
            return refused(404, "NoSuchBucket", "The specified bucket does not exist.");
        }
        match (request.method.as_str(), request.query("uploadId"), request.query("partNumber")) {
            ("GET", None, None) if request.query("list-type").is_some() => list(&inner, request, bucket),
            ("GET" | "HEAD", None, None) => match inner.objects.get(&request.name) {
                Some(stored) => Answer::object(stored, request.method == Method::GET),
                None => refused(404, "NoSuchKey", "The specified key does not exist."),
            },
            ("PUT", None, None) => {
                let there = inner.objects.get(&request.name).map_or(0, |stored| stored.generation);
                let wanted = request.headers.get("x-goog-if-generation-match").map(|v| v.to_str().unwrap().to_owned());
                if wanted.is_some_and(|wanted| wanted != there.to_string()) {
                    let sentence = "At least one of the pre-conditions you specified did not hold.";
                    return refused(412, "PreconditionFailed", sentence);
                }
                Answer::written(self.write(&mut inner, &request.name, body))
            }
            ("DELETE", None, None) => match inner.objects.remove(&request.name) {
                Some(_) => {
                    std::fs::remove_file(self.root.join(&request.name)).unwrap();
                    Answer::empty(204)
                }
                None => refused(404, "NoSuchKey", "The specified key does not exist."),
            },
            _ => self.parts(&mut inner, request, body),
        }
    }

    fn parts(&self, inner: &mut Inner, request: &Asked, body: Bytes) -> Answer {
        if request.method == Method::POST && request.query("uploads").is_some() {
            inner.generations += 1;
            let id = format!("upload-{}", inner.generations);
            inner.uploads.insert(id.clone(), Upload { name: request.name.clone(), ..Upload::default() });
            let xml =
                format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
            return Answer::xml(200, xml);
        }
        let id = request.query("uploadId").unwrap_or_default();
        let Some(upload) = inner.uploads.get_mut(&id).filter(|upload| upload.name == request.name) else {
            return refused(404, "NoSuchUpload", "The specified multipart upload does not exist.");
        };
        match request.method.as_str() {
            "PUT" => {
                let number = request.query("partNumber").unwrap().parse().unwrap();
                upload.parts.insert(number, body);
                let mut answer = Answer::empty(200);
                answer.headers.push(("etag", format!("\"part-{number}\"")));
                answer
            }
            "DELETE" => {
                inner.uploads.remove(&id);
                Answer::empty(204)
            }
            "POST" => {
                let parts: Vec<Bytes> = upload.parts.values().cloned().collect();
                let listed = String::from_utf8_lossy(&body).matches("<PartNumber>").count();
                let numbered = upload.parts.keys().copied().eq(1..=parts.len());
                let too_small = parts.iter().rev().skip(1).any(|part| part.len() < LEAST_PART);
                if listed != parts.len() || !numbered || too_small {
                    return refused(400, "InvalidPart", "One or more of the specified parts could not be found.");
                }
                inner.uploads.remove(&id);
                let generation = self.write(inner, &request.name, parts.concat().into());
                let xml = "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>";
                let mut answer = Answer::xml(200, xml.to_owned());
                answer.headers.push(("x-goog-generation", generation.to_string()));
                answer
            }
            _ => refused(405, "MethodNotAllowed", "The specified method is not allowed."),
        }
    }
}

fn list(inner: &Inner, request: &Asked, bucket: &str) -> Answer {
    let prefix = format!("{bucket}/{}", request.query("prefix").unwrap_or_default());
    let after = request.query("continuation-token").unwrap_or_default();
    let mut found = inner.objects.iter().filter(|(name, _)| name.starts_with(&prefix) && **name > after);
    let mut xml = "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult>".to_owned();
    let page: Vec<_> = found.by_ref().take(PAGE).collect();
    for (name, stored) in &page {
        let key = name[bucket.len() + 1..].replace('&', "&amp;").replace('<', "&lt;");
        let (size, modified) = (stored.content.len(), stored.modified.to_rfc3339());
        write!(xml, "<Contents><Key>{key}</Key><LastModified>{modified}</LastModified>").unwrap();
        write!(xml, "<ETag>\"{}\"</ETag><Size>{size}</Size></Contents>", stored.generation).unwrap();
    }
    if let (Some(_), Some((last, _))) = (found.next(), page.last()) {
        write!(xml, "<NextContinuationToken>{last}</NextContinuationToken>").unwrap();
    }
    Answer::xml(200, xml + "</ListBucketResult>")
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    let xml =
        format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Answer::xml(status, xml)
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Answer {
    fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    fn xml(status: u16, xml: String) -> Self {
        Self { status, headers: vec![("content-type", "application/xml".to_owned())], body: xml.into() }
    }

    fn written(generation: u64) -> Self {
        let headers = vec![("etag", format!("\"{generation}\"")), ("x-goog-generation", generation.to_string())];
        Self { status: 200, headers, body: Bytes::new() }
    }

    fn object(stored: &Stored, with_body: bool) -> Self {
        let mut answer = Self::written(stored.generation);
        let modified = stored.modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        answer.headers.extend([("last-modified", modified), ("content-length", stored.content.len().to_string())]);
        if with_body {
            answer.body = stored.content.clone();
        }
        answer
    }
}

/// A request without its body.
#[derive(Debug)]
struct Asked {
    method: Method,
    /// The name: `bucket/object`.
    name: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
}

impl Asked {
    fn query(&self, name: &str) -> Option<String> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.replace('+', " ").into_bytes().into_iter();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(n, v)| (decoded(n), decoded(v)));
    let asked = Asked {
        method: parts.method,
        name: decoded(parts.uri.path().trim_start_matches('/')),
        query: pairs.collect(),
        headers: parts.headers,
    };
    let line = format!("{} {}?{query}", asked.method, asked.name);
    let trouble = met(&mut shared.inner.lock().unwrap(), &asked, &line, &body);
    let answer = match trouble {
        None => shared.handle(&asked, body),
        Some(Trouble::Answer(status)) => refused(status, if status == 403 { "AccessDenied" } else { "" }, ""),
        Some(Trouble::LoseAnswer) => {
            shared.handle(&asked, body);
            Answer { status: 502, headers: Vec::new(), body: "<html>Bad Gateway</html>".into() }
        }
        Some(Trouble::Hold(permits)) => {
            let answer = shared.handle(&asked, body);
            permits.acquire().await.unwrap().forget();
            answer
        }
    };
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
    response = response.header("date", shared.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

/// Records a request; gives the trouble that it meets.
fn met(inner: &mut Inner, asked: &Asked, line: &str, body: &Bytes) -> Option<Trouble> {
    inner.requests.push(line.to_owned());
    let body = String::from_utf8_lossy(body);
    let fits = |rule: &Rule| rule.method == asked.method && line.contains(&rule.part) && body.contains(&rule.body);
    let at = inner.rules.iter().position(fits)?;
    let rule = &mut inner.rules[at];
    rule.times -= 1;
    let trouble = rule.trouble.clone();
    if rule.times == 0 {
        inner.rules.remove(at);
    }
    Some(trouble)
}
