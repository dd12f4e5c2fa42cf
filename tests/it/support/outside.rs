//! A machine's only way out: a proxy that opens TLS with its own authority, and answers in Google's place.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request that came through the proxy.
#[derive(Debug, Clone)]
pub struct Passed {
    /// The tunnel, `oauth2.googleapis.com:443`; empty if there was none.
    pub tunnel: String,
    /// The request line: `POST /token`.
    pub line: String,
    pub head: String,
}

impl Passed {
    pub fn bearer(&self) -> Option<&str> {
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization: bearer "))?;
        line.split_whitespace().last()
    }
}

/// An answer: status, further headers (each with its line's end), and body.
pub type Answer = (u16, String, String);

type Answers = dyn Fn(&Passed) -> Answer + Send + Sync;

/// How the proxy treats clients.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub wants_login: bool,
    /// The hosts that its certificate covers.
    pub hosts: &'static str,
}

impl Default for Manner {
    fn default() -> Self {
        Self { wants_login: false, hosts: "*.googleapis.com" }
    }
}

pub struct Outside {
    pub address: String,
    /// The authority that clients must trust.
    pub ca: PathBuf,
    tunnels: Arc<Mutex<Vec<String>>>,
    passed: Arc<Mutex<Vec<Passed>>>,
}

struct Inside {
    tls: Arc<ServerConfig>,
    manner: Manner,
    answers: Box<Answers>,
    tunnels: Arc<Mutex<Vec<String>>>,
    passed: Arc<Mutex<Vec<Passed>>>,
}

impl Outside {
    /// Its certificates are written to `dir`.
    pub fn open(dir: &Path, manner: Manner, answers: impl Fn(&Passed) -> Answer + Send + Sync + 'static) -> Self {
        let tls = Arc::new(certificates(dir, manner.hosts));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let outside = Self {
            address: listener.local_addr().unwrap().to_string(),
            ca: dir.join("ca.pem"),
            tunnels: Arc::default(),
            passed: Arc::default(),
        };
        let (tunnels, passed) = (Arc::clone(&outside.tunnels), Arc::clone(&outside.passed));
        let inside = Arc::new(Inside { tls, manner, answers: Box::new(answers), tunnels, passed });
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (inside, stream) = (Arc::clone(&inside), stream.unwrap());
                // A client that does not trust us hangs up.
                std::thread::spawn(move || inside.serve(stream).ok());
            }
        });
        outside
    }

    /// The number of tunnels to this host.
    pub fn tunnels(&self, host: &str) -> usize {
        self.tunnels.lock().unwrap().iter().filter(|tunnel| tunnel.starts_with(host)).count()
    }

    /// The requests through a tunnel to this host; an empty host: those without a tunnel.
    pub fn passed(&self, host: &str) -> Vec<Passed> {
        let passed = self.passed.lock().unwrap();
        let is_there =
            |passed: &&Passed| if host.is_empty() { passed.tunnel.is_empty() } else { passed.tunnel.starts_with(host) };
        passed.iter().filter(is_there).cloned().collect()
    }
}

impl Inside {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut plain = BufReader::new(stream);
        let Some(first) = read(&mut plain)? else { return Ok(()) };
        let Some(tunnel) = first.line.strip_prefix("CONNECT ").map(str::to_owned) else {
            self.answer(plain.get_mut(), &first)?;
            return Ok(());
        };
        self.tunnels.lock().unwrap().push(tunnel.clone());
        if self.manner.wants_login {
            return plain
                .get_mut()
                .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        }
        plain.get_mut().write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        let connection = ServerConnection::new(Arc::clone(&self.tls)).unwrap();
        let mut opened = BufReader::new(StreamOwned::new(connection, plain.into_inner()));
        while let Some(request) = read(&mut opened)? {
            self.answer(opened.get_mut(), &Passed { tunnel: tunnel.clone(), ..request })?;
        }
        Ok(())
    }

    fn answer(&self, to: &mut impl Write, request: &Passed) -> std::io::Result<()> {
        self.passed.lock().unwrap().push(request.clone());
        let (status, headers, body) = (self.answers)(request);
        write!(to, "HTTP/1.1 {status} x\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())?;
        to.flush()
    }
}

/// The next request; `None` at the end.
fn read(from: &mut impl BufRead) -> std::io::Result<Option<Passed>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    from.read_exact(&mut body)?;
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    Ok(Some(Passed { tunnel: String::new(), line, head }))
}

fn certificates(dir: &Path, hosts: &str) -> ServerConfig {
    let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=proxy \
                  -keyout ca-key.pem -out ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=google -keyout key.pem -out csr.pem
printf '%s\\n' basicConstraints=CA:FALSE \"subjectAltName=DNS:$HOSTS\" >ext
openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile ext -out cert.pem";
    let made = Command::new("sh").args(["-e", "-c", script]).env("HOSTS", hosts).current_dir(dir).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let certificate = CertificateDer::from_pem_file(dir.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(dir.join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()
}
