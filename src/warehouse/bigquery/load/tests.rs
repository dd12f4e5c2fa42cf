//! Uploads against a server that misbehaves as BigQuery's may. (The emulator never loses a part or an answer.)

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;

use super::super::chunks::CHUNK;
use super::super::fixture::{orders, target};
use super::*;
use crate::domain::fault::FaultKind;
use crate::domain::ids::{JobId, MappingName};
use crate::domain::retry::{Patience, RetryNotes};

/// What the server does with a PUT that brings bytes.
#[derive(Debug, Clone, Copy)]
enum Put {
    /// Takes all of it.
    Take,
    /// Takes this many bytes, and says so.
    TakePart(usize),
    /// Takes all of it and hangs up before it has answered.
    TakeAndHangUp,
    /// Takes nothing.
    Unavailable,
    /// Knows no such session.
    Gone,
}

#[derive(Debug, Default)]
struct Server {
    /// The server's next reactions, the last one first; when empty, `Take`.
    puts: Mutex<Vec<Put>>,
    held: Mutex<Vec<u8>>,
    /// The upload of the job is complete.
    is_job: Mutex<bool>,
    requests: Mutex<Vec<String>>,
}

impl Server {
    fn begin(puts: &[Put]) -> (Arc<Self>, String) {
        let server = Arc::new(Self { puts: Mutex::new(puts.iter().rev().copied().collect()), ..Self::default() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let (here, session) = (Arc::clone(&server), format!("{root}/session"));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                here.serve(stream.unwrap(), &session);
            }
        });
        (server, root)
    }

    fn serve(&self, mut stream: TcpStream, session: &str) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        let Some(request) = lines.first().cloned() else { return };
        let header = |name: &str| {
            lines.iter().find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
        };
        let mut body = vec![0; header("content-length").map_or(0, |l| l.parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        let range = header("content-range").unwrap_or_default().to_owned();
        self.requests.lock().unwrap().push(format!("{} {range}", &request[..3]));
        let answer = match &request[..3] {
            "PUT" => self.put(&range, &body),
            "GET" if *self.is_job.lock().unwrap() => json(200, r#"{"status": {"state": "DONE"}}"#),
            "GET" => json(404, r#"{"error": {"message": "no such job", "errors": [{"reason": "notFound"}]}}"#),
            _ if request.contains("/upload/") => {
                Some(format!("HTTP/1.1 200 OK\r\nLocation: {session}\r\nContent-Length: 0\r\n\r\n"))
            }
            _ => json(200, r#"{"schema": {}, "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "t"}}"#),
        };
        if let Some(answer) = answer {
            let _ = stream.write_all(answer.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes());
        }
    }

    fn put(&self, range: &str, body: &[u8]) -> Option<String> {
        let mut held = self.held.lock().unwrap();
        let put = if body.is_empty() { Put::Take } else { self.puts.lock().unwrap().pop().unwrap_or(Put::Take) };
        let taken = match put {
            Put::Take | Put::TakeAndHangUp => body.len(),
            Put::TakePart(bytes) => bytes,
            Put::Unavailable => return json(503, "<html>try later</html>"),
            Put::Gone => return json(404, "gone"),
        };
        if let Some((first, _)) = range.trim_start_matches("bytes ").split_once('-') {
            assert_eq!(first.parse::<usize>().unwrap(), held.len(), "a part was sent twice or left out");
        }
        held.extend_from_slice(&body[..taken]);
        let total = range.rsplit('/').next().unwrap_or("*");
        let is_whole = total == held.len().to_string();
        if is_whole {
            *self.is_job.lock().unwrap() = true;
        }
        if matches!(put, Put::TakeAndHangUp) {
            return None;
        }
        if is_whole {
            return json(200, "{}");
        }
        let held = held.len().checked_sub(1).map(|last| format!("Range: bytes=0-{last}\r\n")).unwrap_or_default();
        Some(format!("HTTP/1.1 308 Resume Incomplete\r\n{held}Content-Length: 0\r\n\r\n"))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the other answers may be none")]
fn json(status: u16, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// Sends a whole chunk and a short last one.
async fn run(puts: &[Put]) -> (Arc<Server>, Result<Option<JobState>, Fault>) {
    let (server, root) = Server::begin(puts);
    let hasty = RetryNotes::default().with_patience(Patience::one_in(100));
    let api = Api::at(&root, None, "p", "EU").unwrap().watched(&hasty);
    let order = StageOrder {
        mapping: MappingName("orders".into()),
        plan: Arc::new(orders()),
        staging: target().sibling("_bqsync_1"),
        job: JobId("load_1".into()),
        inline_rows: 0,
    };
    let (sender, receiver) = mpsc::channel(2);
    sender.send(Chunk { bytes: vec![1; CHUNK].into(), is_last: false }).await.unwrap();
    sender.send(Chunk { bytes: vec![2; 1000].into(), is_last: true }).await.unwrap();
    let outcome = upload(api, order, receiver, Arc::default()).await;
    (server, outcome)
}

fn assert_whole(server: &Server, outcome: Result<Option<JobState>, Fault>) {
    assert!(outcome.unwrap().unwrap().is_done());
    let held = server.held.lock().unwrap();
    assert_eq!(held.len(), CHUNK + 1000);
    assert_eq!(held.split(|&byte| byte != 2).map(<[u8]>::len).sum::<usize>(), 1000);
}

#[tokio::test]
async fn bytes_that_the_server_did_not_take_are_sent_again_and_none_twice() {
    let (server, outcome) = run(&[Put::TakePart(262_144)]).await;
    assert_whole(&server, outcome);
}

#[tokio::test]
async fn an_unavailable_server_is_asked_how_many_bytes_it_holds() {
    let (server, outcome) = run(&[Put::Unavailable]).await;
    assert_whole(&server, outcome);
    assert!(server.requests.lock().unwrap().iter().any(|r| r == "PUT bytes */*"));
}

#[tokio::test]
async fn an_answer_lost_in_the_middle_sends_nothing_twice() {
    let (server, outcome) = run(&[Put::TakeAndHangUp]).await;
    assert_whole(&server, outcome);
}

#[tokio::test]
async fn an_answer_lost_at_the_end_finds_the_job_done() {
    let (server, outcome) = run(&[Put::Take, Put::TakeAndHangUp]).await;
    assert_whole(&server, outcome);
}

#[tokio::test]
async fn a_session_that_is_gone_without_a_job_is_a_transient_fault() {
    let (_, outcome) = run(&[Put::Take, Put::Gone]).await;
    assert_eq!(outcome.unwrap_err().kind(), FaultKind::Transient);
}

#[test]
fn the_server_says_its_last_byte_not_its_count() {
    assert_eq!(held("bytes=0-262143"), Some(262_144));
    assert_eq!(held("0-42"), Some(43));
    assert_eq!(held("nonsense"), None);
}
