//! A proxy before MySQL that cuts connections at a chosen byte of the server's answers, silently stops one there, is
//! slow, or is away.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::setting;

/// Ends with the test's runtime.
pub struct MysqlProxy {
    pub port: u16,
    shared: Arc<Mutex<Behaviour>>,
}

#[derive(Default)]
struct Behaviour {
    /// The coming cuts: each after this many bytes of answers, counted over all connections since the one before.
    cuts: VecDeque<u64>,
    /// The connection is not cut: it silently stops.
    holds_up: bool,
    /// The statement without an answer: the first that contains these words.
    unanswered: Option<&'static str>,
    /// Bytes since the last cut.
    passed: u64,
    latency: Duration,
    away_until: Option<Instant>,
    /// Bytes of all answers.
    answered: u64,
    /// The number of open connections, and the greatest number so far.
    open: usize,
    most_open: usize,
}

impl MysqlProxy {
    pub async fn start() -> Self {
        let server: SocketAddr = format!("{}:{}", setting("MYSQL_HOST"), setting("MYSQL_PORT")).parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Behaviour::default()));
        tokio::spawn(listen(listener, address, server, Arc::clone(&shared)));
        Self { port: address.port(), shared }
    }

    /// From now on: after this many bytes of the server's answers, counted anew from each cut, the connection that
    /// carries them is reset in the middle of whatever it sends.
    pub fn cut(&self, after: impl IntoIterator<Item = u64>) {
        let mut behaviour = self.shared.lock().unwrap();
        (behaviour.cuts, behaviour.passed, behaviour.holds_up) = (after.into_iter().collect(), 0, false);
    }

    /// From now on: after this many bytes the connection that carries them stops for ever.
    pub fn hold_up(&self, after: u64) {
        self.cut([after]);
        self.shared.lock().unwrap().holds_up = true;
    }

    /// From now on: the connection that sends the first statement with these words, unencrypted, stops for ever.
    pub fn hold_up_at(&self, words: &'static str) {
        self.shared.lock().unwrap().unanswered = Some(words);
    }

    /// Tells if the statement has not come yet.
    pub fn is_waiting_for_words(&self) -> bool {
        self.shared.lock().unwrap().unanswered.is_some()
    }

    /// The number of cuts that have not been made.
    pub fn cuts_left(&self) -> usize {
        self.shared.lock().unwrap().cuts.len()
    }

    /// Delays every answer by this time.
    pub fn delay(&self, latency: Duration) {
        self.shared.lock().unwrap().latency = latency;
    }

    /// Listens to nobody for this time, like a server that restarts.
    pub async fn go_away(&self, duration: Duration) {
        self.shared.lock().unwrap().away_until = Some(Instant::now() + duration);
        // The listener notices it at its next look.
        let connecting = || TcpStream::connect(("127.0.0.1", self.port));
        while connecting().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The greatest number of connections that were open at one time.
    pub fn most_open(&self) -> usize {
        self.shared.lock().unwrap().most_open
    }

    /// The number of bytes of all answers of the server.
    pub fn answered(&self) -> u64 {
        self.shared.lock().unwrap().answered
    }
}

async fn listen(mut listener: TcpListener, address: SocketAddr, server: SocketAddr, shared: Arc<Mutex<Behaviour>>) {
    loop {
        let away_until = shared.lock().unwrap().away_until.take();
        if let Some(until) = away_until {
            drop(listener);
            tokio::time::sleep_until(until.into()).await;
            listener = TcpListener::bind(address).await.unwrap();
        }
        let accepted = tokio::time::timeout(Duration::from_millis(10), listener.accept()).await;
        if let Ok(accepted) = accepted {
            let client = accepted.unwrap().0;
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                shared.lock().unwrap().opened();
                relay(client, server, Arc::clone(&shared)).await;
                shared.lock().unwrap().open -= 1;
            });
        }
    }
}

/// Passes data both ways until either side ends, or until the cut.
async fn relay(client: TcpStream, server: SocketAddr, shared: Arc<Mutex<Behaviour>>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let is_held_up = AtomicBool::new(false);
    let asking = async {
        let mut buffer = vec![0; 16 * 1024];
        // If a side is gone, the connection ends, whatever the reason.
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            is_held_up.fetch_or(shared.lock().unwrap().holds_up_at(&buffer[..read]), Ordering::SeqCst);
            if to_server.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    let answering = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let Ok(read @ 1..) = from_server.read(&mut buffer).await else { return false };
            let latency = shared.lock().unwrap().latency;
            tokio::time::sleep(latency).await;
            if is_held_up.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            let (pass, is_cut) = shared.lock().unwrap().pass(read);
            if to_client.write_all(&buffer[..pass]).await.is_err() {
                return false;
            }
            if is_cut && shared.lock().unwrap().holds_up {
                std::future::pending::<()>().await;
            }
            if is_cut {
                return true;
            }
        }
    };
    let is_cut = tokio::select! {
        () = asking => false,
        is_cut = answering => is_cut,
    };
    if is_cut && let Ok(client) = to_client.reunite(from_client) {
        // A reset instead of a regular end.
        client.set_zero_linger().unwrap();
    }
}

impl Behaviour {
    fn opened(&mut self) {
        self.open += 1;
        self.most_open = self.most_open.max(self.open);
    }

    fn holds_up_at(&mut self, asked: &[u8]) -> bool {
        let is_in = |words: &&str| asked.windows(words.len()).any(|part| part == words.as_bytes());
        self.unanswered.take_if(|words| is_in(&&**words)).is_some()
    }

    /// How many of the server's bytes pass, and whether the connection ends after them.
    fn pass(&mut self, bytes: usize) -> (usize, bool) {
        let bytes = bytes as u64;
        let after = self.cuts.front().copied().filter(|after| self.passed + bytes > *after);
        let pass = after.map_or(bytes, |after| after - self.passed);
        let is_cut = after.is_some() && self.cuts.pop_front().is_some();
        self.answered += pass;
        self.passed = if is_cut { 0 } else { self.passed + bytes };
        (usize::try_from(pass).unwrap(), is_cut)
    }
}
