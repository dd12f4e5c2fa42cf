//! A proxy before the BigQuery emulator that fails as BigQuery and the network may, at the call that a rule names.
//!
//! It implements the resumable upload itself, with real offsets, which the emulator does not check: it collects the
//! chunks and sends the emulator the whole. It counts and keeps what it sees.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Method, Uri, request::Parts};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The purpose of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    GetDataset,
    CreateDataset,
    GetTable,
    ListTables,
    CreateTable,
    DropTable,
    InsertJob,
    GetJob,
    OpenUpload,
    Put,
    /// Asks how far an upload is.
    AskUpload,
    Query,
    /// Waits for a statement's end.
    GetResults,
    Other,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    /// Gives this answer without asking BigQuery.
    Answer(Reply),
    /// BigQuery acts, and the caller gets this answer.
    ActAndAnswer(Reply),
    /// The connection ends without an answer; BigQuery is not asked.
    HangUp,
    /// BigQuery acts, and the connection ends without an answer.
    ActAndHangUp,
    /// Takes only half of a chunk, and says so.
    TakeHalf,
    /// Takes the job, which ends with an error of this reason and does nothing.
    EndWith(&'static str),
    /// The same, with one of BigQuery's own messages.
    EndSaying(&'static str, &'static str),
    /// Takes the job, which never ends.
    NeverEnd,
    /// Succeeds once the test lets go.
    Hold,
    /// Succeeds after this time.
    Delay(Duration),
}

/// An answer that BigQuery's servers, or those in between, may give.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    pub status: u16,
    /// `None`: the answer is a proxy's HTML page.
    pub reason: Option<&'static str>,
    /// The value of `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

impl Reply {
    pub const fn new(status: u16, reason: &'static str) -> Self {
        Self { status, reason: Some(reason), retry_after: None }
    }

    pub const fn page(status: u16) -> Self {
        Self { status, reason: None, retry_after: None }
    }

    fn response(self) -> Response {
        let body = match self.reason {
            None => "<html><h1>Not now</h1></html>".to_owned(),
            Some(reason) => said(self.status, reason, "injected"),
        };
        let head = Response::builder().status(self.status);
        let head = match self.retry_after {
            Some(seconds) => head.header("retry-after", seconds),
            None => head,
        };
        head.body(body.into()).unwrap()
    }
}

/// An error in BigQuery's format.
fn said(status: u16, reason: &str, message: &str) -> String {
    let error = json!({ "reason": reason, "message": message, "domain": "global" });
    json!({ "error": { "code": status, "message": message, "errors": [error] } }).to_string()
}

fn refusal(status: u16, reason: &str, message: &str) -> Response {
    Response::builder().status(status).body(said(status, reason, message).into()).unwrap()
}

/// Trouble for calls of one kind.
#[derive(Debug, Clone)]
pub struct Rule {
    call: Call,
    /// A part of the job's id or of the path.
    about: String,
    times: usize,
    trouble: Trouble,
}

impl Rule {
    /// A rule for the first such call; see `about` and `times`.
    pub fn new(call: Call, trouble: Trouble) -> Self {
        Self { call, about: String::new(), times: 1, trouble }
    }

    /// Limits the rule to calls whose job id or path contains this: `publish_orders`.
    pub fn about(self, text: &str) -> Self {
        Self { about: text.to_owned(), ..self }
    }

    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }
}

/// Ends with the test's runtime.
pub struct BigQueryProxy {
    /// `host:port`.
    pub address: String,
    shared: Arc<Shared>,
}

struct Shared {
    address: String,
    emulator: String,
    http: reqwest::Client,
    state: Mutex<State>,
    held: Notify,
    let_go: Notify,
}

/// A job's error: reason and message.
type End = (&'static str, &'static str);

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    counts: BTreeMap<Call, usize>,
    /// The JSON bodies that were sent.
    sent: Vec<(Call, Value)>,
    /// Jobs that never reached the emulator.
    jobs: HashMap<String, Swallowed>,
    sessions: Vec<Session>,
    /// The bytes that each statement is reported to be billed for and estimated at.
    bill: Option<(u64, u64)>,
    /// A table, and the column on which every reader must have a condition.
    filtered: Option<(&'static str, &'static str)>,
    /// A table, and what its description says in addition to the emulator's.
    described: Option<(&'static str, Value)>,
    /// What no client of BigQuery may do.
    violations: Vec<String>,
}

#[derive(Clone)]
struct Swallowed {
    /// The job's error; `None` for a job that never ends.
    end: Option<End>,
    configuration: Value,
}

struct Session {
    job: String,
    uri: Uri,
    metadata: Bytes,
    held: Vec<u8>,
    /// Status and body of the answer that ended the upload.
    ended: Option<(u16, Bytes)>,
}

impl BigQueryProxy {
    pub async fn start(emulator: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let emulator = format!("http://{}", emulator.trim_start_matches("http://"));
        let (http, state) = (reqwest::Client::new(), Mutex::default());
        let (held, let_go) = (Notify::new(), Notify::new());
        let shared = Arc::new(Shared { address: address.clone(), emulator, http, state, held, let_go });
        let here = Arc::clone(&shared);
        let serve = move |request: Request| {
            let shared = Arc::clone(&here);
            async move { shared.serve(request).await }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
        Self { address, shared }
    }

    /// Sets the rules, of which the first that fits applies, and counts from 0.
    pub fn set(&self, rules: impl IntoIterator<Item = Rule>) {
        let mut state = self.shared.state();
        state.rules = rules.into_iter().collect();
        state.counts.clear();
        state.sent.clear();
    }

    /// The number of calls since the rules were set.
    pub fn counts(&self) -> BTreeMap<Call, usize> {
        self.shared.state().counts.clone()
    }

    pub fn count(&self, call: Call) -> usize {
        self.counts().get(&call).copied().unwrap_or(0)
    }

    /// The bodies of such calls since the rules were set, in order.
    pub fn sent(&self, call: Call) -> Vec<Value> {
        self.shared.state().sent.iter().filter(|(of, _)| *of == call).map(|(_, body)| body.clone()).collect()
    }

    /// Waits until a call is held.
    pub async fn held(&self) {
        self.shared.held.notified().await;
    }

    pub fn let_go(&self) {
        self.shared.let_go.notify_one();
    }

    /// Ends the jobs that run for ever, with an error of this reason.
    pub fn end_jobs(&self, reason: &'static str) {
        self.shared.state().jobs.values_mut().for_each(|job| job.end = job.end.or(Some((reason, "injected"))));
    }

    /// From now on each statement that has ended reports this cost. (With the emulator everything is free.)
    pub fn bill(&self, billed: u64, estimated: u64) {
        self.shared.state().bill = Some((billed, estimated));
    }

    /// From now on this table is partitioned by this column and requires a filter. (The emulator does not support
    /// that.)
    pub fn require_filter(&self, table: &'static str, column: &'static str) {
        self.shared.state().filtered = Some((table, column));
        let by = json!({ "type": "DAY", "field": column });
        self.describe(table, json!({ "timePartitioning": by, "requirePartitionFilter": true }));
    }

    /// From now on `tables.get` also says this about a table.
    pub fn describe(&self, table: &'static str, more: Value) {
        self.shared.state().described = Some((table, more));
    }

    /// Rules that are not used up: the test expects calls that nobody makes.
    pub fn unused(&self) -> Vec<Rule> {
        self.shared.state().rules.iter().filter(|rule| rule.times > 0).cloned().collect()
    }

    /// Chunks that came twice or left a gap.
    pub fn violations(&self) -> Vec<String> {
        self.shared.state().violations.clone()
    }
}

/// One request, parsed.
struct Seen {
    call: Call,
    /// The job's id, or the path if there is none.
    about: String,
    method: Method,
    uri: Uri,
    body: Bytes,
    range: String,
}

impl Seen {
    fn is_of(&self, table: &str) -> bool {
        self.uri.path().ends_with(&format!("/tables/{table}"))
    }

    /// The column, if a statement reads the table anywhere without a condition on it.
    fn reads_unfiltered(&self, table: &str, column: &'static str) -> Option<&'static str> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let sql = match self.call {
            Call::InsertJob => body["configuration"]["query"]["query"].as_str()?,
            Call::Query => body["query"].as_str()?,
            _ => return None,
        };
        let named = sql.matches(&format!(".{table}`")).count();
        let written =
            usize::from(sql.starts_with("INSERT INTO") || sql.starts_with("CREATE") || sql.starts_with("ALTER"));
        let filters = sql.matches(&format!("`{column}` IS NOT NULL)")).count();
        (filters + written < named).then_some(column)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn serve(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { hang_up() };
        let seen = self.seen(&head, body);
        let trouble = self.state().note(&seen);
        let filtered = self.state().filtered;
        if let Some(column) = filtered.and_then(|(table, column)| seen.reads_unfiltered(table, column)) {
            let words = format!(
                "Cannot query over table 't' without a filter over column(s) '{column}' that can be used for partition elimination"
            );
            return refusal(400, "invalidQuery", &words);
        }
        match trouble {
            None => self.act(&seen).await,
            Some(Trouble::Answer(reply)) => reply.response(),
            Some(Trouble::ActAndAnswer(reply)) => {
                self.act(&seen).await;
                reply.response()
            }
            Some(Trouble::HangUp) => hang_up(),
            Some(Trouble::ActAndHangUp) => {
                self.act(&seen).await;
                hang_up()
            }
            Some(Trouble::TakeHalf) => {
                let half = seen.body.slice(..seen.body.len() / 2);
                self.put(&seen, half).await
            }
            Some(Trouble::EndWith(reason)) => self.swallow(&seen, Some((reason, "injected"))),
            Some(Trouble::EndSaying(reason, words)) => self.swallow(&seen, Some((reason, words))),
            Some(Trouble::NeverEnd) => self.swallow(&seen, None),
            Some(Trouble::Hold) => {
                self.held.notify_one();
                self.let_go.notified().await;
                self.act(&seen).await
            }
            Some(Trouble::Delay(time)) => {
                tokio::time::sleep(time).await;
                self.act(&seen).await
            }
        }
    }

    fn seen(&self, head: &Parts, body: Bytes) -> Seen {
        let path = head.uri.path();
        let parts: Vec<&str> = path.split('/').skip_while(|part| *part != "projects").skip(2).collect();
        let range = header(head, "content-range");
        let call = match (head.method.as_str(), parts.as_slice()) {
            ("POST", ["jobs"]) if path.starts_with("/upload") => Call::OpenUpload,
            ("PUT", _) if body.is_empty() && range.starts_with("bytes */") => Call::AskUpload,
            ("PUT", _) => Call::Put,
            ("POST", ["jobs"]) => Call::InsertJob,
            ("GET", ["jobs", _]) => Call::GetJob,
            ("POST", ["queries"]) => Call::Query,
            ("GET", ["queries", _]) => Call::GetResults,
            ("GET", ["datasets", _]) => Call::GetDataset,
            ("POST", ["datasets"]) => Call::CreateDataset,
            ("GET", ["datasets", _, "tables", _]) => Call::GetTable,
            ("GET", ["datasets", _, "tables"]) => Call::ListTables,
            ("POST", ["datasets", _, "tables"]) => Call::CreateTable,
            ("DELETE", ["datasets", _, "tables", _]) => Call::DropTable,
            _ => Call::Other,
        };
        let about = match call {
            Call::InsertJob | Call::OpenUpload => job_id(&body),
            Call::CreateTable => table_id(&body),
            Call::Put | Call::AskUpload => self.state().sessions[session_of(&head.uri)].job.clone(),
            _ => path.to_owned(),
        };
        Seen { call, about, method: head.method.clone(), uri: head.uri.clone(), body, range }
    }

    /// Acts as BigQuery does.
    async fn act(&self, seen: &Seen) -> Response {
        match seen.call {
            Call::OpenUpload => {
                let mut state = self.state();
                let url = format!("http://{}/session/{}", self.address, state.sessions.len());
                let (job, uri, metadata) = (seen.about.clone(), seen.uri.clone(), seen.body.clone());
                state.sessions.push(Session { job, uri, metadata, held: Vec::new(), ended: None });
                Response::builder().header("location", url).body(Body::empty()).unwrap()
            }
            Call::Put | Call::AskUpload => self.put(seen, seen.body.clone()).await,
            Call::InsertJob if self.state().jobs.contains_key(&seen.about) => Reply::new(409, "duplicate").response(),
            Call::GetJob => {
                let jobs = self.state().jobs.clone();
                match jobs.iter().find(|(id, _)| seen.about.ends_with(*id)) {
                    Some((_, job)) => job_state(job),
                    None => self.forward(seen).await,
                }
            }
            _ => self.forward(seen).await,
        }
    }

    async fn forward(&self, seen: &Seen) -> Response {
        let request = self.http.request(seen.method.clone(), format!("{}{}", self.emulator, seen.uri));
        let request = request.header("content-type", "application/json").body(seen.body.clone());
        let (status, mut body) = answered(request).await;
        let bill = self.state().bill.filter(|_| seen.call == Call::GetJob && status == 200);
        if let Some(bill) = bill {
            body = charged(&body, bill);
        }
        if seen.call == Call::InsertJob && status == 200 {
            body = begun(&body);
        }
        let more = self.state().described.clone();
        if let Some((_, more)) = more.filter(|(table, _)| seen.call == Call::GetTable && seen.is_of(table)) {
            let mut table: Value = serde_json::from_slice(&body).unwrap();
            table.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body = table.to_string().into();
        }
        Response::builder().status(status).header("content-type", "application/json").body(body.into()).unwrap()
    }

    /// Takes bytes of a chunk, as the protocol says.
    async fn put(&self, seen: &Seen, taken: Bytes) -> Response {
        let number = session_of(&seen.uri);
        let total = seen.range.rsplit('/').next().unwrap_or("*").to_owned();
        let (uri, metadata, held) = {
            let mut state = self.state();
            let session = &mut state.sessions[number];
            if let Some((status, body)) = &session.ended {
                return Response::builder().status(*status).body(body.clone().into()).unwrap();
            }
            if seen.call == Call::Put {
                let first = seen.range.trim_start_matches("bytes ").split('-').next().unwrap_or_default();
                if first != session.held.len().to_string() {
                    let violation = format!("{} came, but {} bytes are held", seen.range, session.held.len());
                    state.violations.push(violation);
                    return Reply::new(400, "invalid").response();
                }
                session.held.extend_from_slice(&taken);
            }
            if total != session.held.len().to_string() {
                let answer = Response::builder().status(308);
                let answer = match session.held.len() {
                    0 => answer,
                    held => answer.header("range", format!("bytes=0-{}", held - 1)),
                };
                return answer.body(Body::empty()).unwrap();
            }
            (session.uri.clone(), session.metadata.clone(), std::mem::take(&mut session.held))
        };
        let opening = self.http.post(format!("{}{uri}", self.emulator)).header("content-type", "application/json");
        let opened = opening.body(metadata).send().await.unwrap();
        let url = opened.headers()["location"].to_str().unwrap().to_owned();
        let whole = format!("bytes 0-{}/{total}", held.len() - 1);
        let ended = answered(self.http.put(url).header("content-range", whole).body(held)).await;
        let response = Response::builder().status(ended.0).body(ended.1.clone().into()).unwrap();
        self.state().sessions[number].ended = Some(ended);
        response
    }

    /// Takes a job and keeps it from the emulator.
    fn swallow(&self, seen: &Seen, end: Option<End>) -> Response {
        let mut state = self.state();
        let sent: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        state.jobs.insert(seen.about.clone(), Swallowed { end, configuration: sent["configuration"].clone() });
        if seen.call == Call::Put {
            state.sessions[session_of(&seen.uri)].ended = Some((200, Bytes::from_static(b"{}")));
        }
        Response::new("{}".into())
    }
}

impl State {
    /// Counts a call, and takes the trouble that applies to it.
    fn note(&mut self, seen: &Seen) -> Option<Trouble> {
        *self.counts.entry(seen.call).or_default() += 1;
        if seen.call != Call::Put
            && let Ok(body) = serde_json::from_slice(&seen.body)
        {
            self.sent.push((seen.call, body));
        }
        let fits = |rule: &&mut Rule| rule.times > 0 && rule.call == seen.call && seen.about.contains(&rule.about);
        let rule = self.rules.iter_mut().find(fits)?;
        rule.times -= 1;
        Some(rule.trouble)
    }
}

/// Ends the connection instead of answering. (Only the server notices this panic, and drops the connection.)
fn hang_up() -> ! {
    std::panic::resume_unwind(Box::new("hung up"))
}

fn header(head: &Parts, name: &str) -> String {
    head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

async fn answered(request: reqwest::RequestBuilder) -> (u16, Bytes) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap())
}

fn session_of(uri: &Uri) -> usize {
    uri.path().rsplit('/').next().and_then(|number| number.parse().ok()).expect("an address that the proxy gave")
}

/// The answer to a job that was sent: BigQuery has rarely finished it by then, the emulator always has.
fn begun(body: &Bytes) -> Bytes {
    let mut job: Value = serde_json::from_slice(body).unwrap();
    job["status"] = json!({ "state": "RUNNING" });
    job.to_string().into()
}

/// A job's state with a bill, if it ran a statement.
fn charged(body: &Bytes, (billed, estimated): (u64, u64)) -> Bytes {
    let mut job: Value = serde_json::from_slice(body).unwrap();
    if let Some(query) = job.pointer_mut("/statistics/query").and_then(Value::as_object_mut) {
        query.insert("totalBytesBilled".into(), json!(billed.to_string()));
        query.insert("estimatedBytesProcessed".into(), json!(estimated.to_string()));
    }
    job.to_string().into()
}

fn job_id(body: &Bytes) -> String {
    let job: Value = serde_json::from_slice(body).unwrap_or_default();
    job["jobReference"]["jobId"].as_str().unwrap_or_default().to_owned()
}

fn table_id(body: &Bytes) -> String {
    let table: Value = serde_json::from_slice(body).unwrap_or_default();
    table["tableReference"]["tableId"].as_str().unwrap_or_default().to_owned()
}

fn job_state(job: &Swallowed) -> Response {
    let status = match job.end {
        None => json!({ "state": "RUNNING" }),
        Some((reason, message)) => {
            let error = json!({ "reason": reason, "message": message });
            json!({ "state": "DONE", "errorResult": error, "errors": [error] })
        }
    };
    Response::new(json!({ "status": status, "configuration": job.configuration }).to_string().into())
}
