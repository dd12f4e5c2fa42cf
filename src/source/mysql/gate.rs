//! Stands between sqlx and a server, and reads the server's greeting first.
//!
//! sqlx waits for as many bytes as any server announces, and panics where a greeting ends early. And it sends the
//! unencrypted password to any server that names `mysql_clear_password` in its greeting (it checks only a later request
//! to switch to that plugin), and no setting prevents it. A look at the greeting of another connection would prove
//! nothing about this one. So the gate connects, reads the greeting, and passes it on over a socket that only this
//! process reaches. Bytes pass unchanged, TLS included.

#[cfg(target_os = "linux")]
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Error;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::foreign;
use super::wire::{Greeting, Place, tcp};

/// The plugin that sends a password without encrypting it.
const CLEAR: &[u8] = b"mysql_clear_password";

/// A greeting has about a hundred bytes; some proxies send more.
const LONGEST_GREETING: usize = 16 * 1024;

/// Rows come in large pieces: fewer calls for the same bytes.
const ROWS: usize = 64 * 1024;

/// `CLIENT_SSL` in the lower two bytes of the server's capabilities.
const OFFERS_TLS: u16 = 0x0800;

/// The kernel takes at most 107 bytes for a socket's path, macOS 103.
const LONGEST_DIRECTORY: usize = 70;

type Reading = Box<dyn AsyncRead + Send + Unpin>;
type Writing = Box<dyn AsyncWrite + Send + Unpin>;

/// A server that has sent its greeting, and the socket through which this process reaches it.
pub struct Gate {
    server: (Reading, Writing),
    greeting: Vec<u8>,
    door: Door,
}

/// A socket that this process opens for its own use.
struct Door {
    listener: UnixListener,
    socket: PathBuf,
    /// Removed together with the socket in it.
    _directory: Option<TempDir>,
}

impl Gate {
    /// # Errors
    /// The errors of connecting, and that of a server that does not greet as MySQL does.
    pub async fn open(place: Place<'_>) -> Result<Self, Error> {
        let mut server = dial(place).await?;
        let greeting = greeting(&mut server.0).await?;
        Ok(Self { server, greeting, door: Door::open()? })
    }

    /// Whether the server asks for the unencrypted password.
    pub fn wants_clear_password(&self) -> bool {
        // The name is looked for anywhere, so that this does not depend on parsing the greeting as sqlx does.
        self.greeting.windows(CLEAR.len()).any(|bytes| bytes == CLEAR)
    }

    pub fn socket(&self) -> PathBuf {
        self.door.socket.clone()
    }

    pub fn offers_tls(&self) -> bool {
        offers_tls(&self.greeting)
    }

    /// Waits for this process to connect once, and carries the connection from then on.
    pub async fn carry(self) -> Result<(), Error> {
        let mut client = loop {
            let (client, _) = self.door.listener.accept().await?;
            // Other processes may find the socket, but are not let through.
            if client.peer_cred()?.pid().is_none_or(|pid| u32::try_from(pid) == Ok(std::process::id())) {
                break client;
            }
        };
        client.write_all(&self.greeting).await?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = self.server;
        tokio::spawn(async move {
            // When either side has ended, so does the other: both streams are dropped.
            tokio::select! {
                () = pump(from_server, to_client, ROWS) => {}
                () = pump(from_client, to_server, ROWS / 8) => {}
            }
        });
        Ok(())
    }
}

impl Door {
    /// Linux has sockets without a file, which leave nothing behind however this program ends.
    #[cfg(target_os = "linux")]
    fn open() -> Result<Self, Error> {
        let chance = RandomState::new().build_hasher().finish();
        let socket = PathBuf::from(format!("\0bqsync-{}-{chance:x}", std::process::id()));
        Ok(Self { listener: UnixListener::bind(&socket)?, socket, _directory: None })
    }

    #[cfg(not(target_os = "linux"))]
    fn open() -> Result<Self, Error> {
        let directory = private_directory()?;
        let socket = directory.path().join("mysql");
        Ok(Self { listener: UnixListener::bind(&socket)?, socket, _directory: Some(directory) })
    }
}

/// A directory with a short path that only this user may enter.
///
/// # Errors
/// When the directory cannot be made.
pub fn private_directory() -> Result<TempDir, Error> {
    let usual = std::env::temp_dir();
    // `ssh` reads a colon as the end of a path, and a percent sign as the start of a token.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    let fits = usual.to_str().is_some_and(|path| path.len() <= LONGEST_DIRECTORY && path.chars().all(plain));
    let parent = if fits { usual } else { PathBuf::from("/tmp") };
    // With mode 0700.
    tempfile::Builder::new().prefix("bqsync.").tempdir_in(parent)
}

async fn dial(place: Place<'_>) -> Result<(Reading, Writing), Error> {
    Ok(match place {
        Place::Tcp(host, port) => {
            let (reading, writing) = tcp(host, port).await?.into_split();
            (Box::new(reading), Box::new(writing))
        }
        Place::Unix(path) => {
            let (reading, writing) = UnixStream::connect(path).await?.into_split();
            (Box::new(reading), Box::new(writing))
        }
    })
}

/// The first packet, including its header: a greeting, or a refusal in its place.
async fn greeting(server: &mut Reading) -> Result<Vec<u8>, Error> {
    let mut packet = vec![0; 4];
    server.read_exact(&mut packet).await.map_err(foreign::left)?;
    let length = usize::from(packet[0]) | usize::from(packet[1]) << 8 | usize::from(packet[2]) << 16;
    if length > LONGEST_GREETING {
        return Err(foreign::error());
    }
    packet.resize(4 + length, 0);
    server.read_exact(&mut packet[4..]).await.map_err(foreign::left)?;
    match Greeting::read(&packet[4..]) {
        Err(sqlx::Error::Protocol(_)) => Err(foreign::error()),
        Err(sqlx::Error::Io(foreign)) => Err(foreign),
        Ok(_) | Err(_) => Ok(packet),
    }
}

/// Protocol 10: version text, thread, 8 bytes of the scramble, a filler, capabilities.
fn offers_tls(greeting: &[u8]) -> bool {
    let Some((&10, rest)) = greeting.get(4..).and_then(<[u8]>::split_first) else { return false };
    let capabilities = rest.iter().position(|&byte| byte == 0).and_then(|end| rest.get(end + 14..end + 16));
    capabilities.is_some_and(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]) & OFFERS_TLS != 0)
}

async fn pump(from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, size: usize) {
    // An error ends the connection, which sqlx notices by itself.
    tokio::io::copy_buf(&mut BufReader::with_capacity(size, from), &mut to).await.ok();
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::domain::fault::FaultKind;
    use crate::source::mysql::fault::from_sqlx;
    use crate::unreached;

    /// A greeting as MySQL 8.0.18 sends it, with these capabilities and that plugin.
    fn hello(capabilities: u16, plugin: &[u8]) -> Vec<u8> {
        let mut body = b"\n8.0.18\0\x19\0\0\0\x114aB0c\x06g\0".to_vec();
        body.extend(capabilities.to_le_bytes());
        body.extend(b"\xff\x02\0\xff\xc7\x15\0\0\0\0\0\0\0\0\0\0tL\x03s\x0f[4\rl4. \0");
        body.extend(plugin);
        body.push(0);
        let mut packet = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        packet.extend(body);
        packet
    }

    async fn greets(with: Vec<u8>) -> (Result<Gate, Error>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&with).await.unwrap();
            stream
        };
        tokio::join!(Gate::open(Place::Tcp("127.0.0.1", port)), server)
    }

    #[tokio::test]
    async fn a_server_that_asks_for_the_unencrypted_password_receives_no_byte() {
        let (gate, mut server) = greets(hello(0xf7ff, CLEAR)).await;
        assert!(gate.as_ref().is_ok_and(Gate::wants_clear_password));
        drop(gate);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"");
    }

    #[tokio::test]
    async fn everything_else_passes_unchanged_in_both_directions_and_ends_together() {
        let greeting = hello(0xffff, b"caching_sha2_password");
        let (gate, mut server) = greets(greeting.clone()).await;
        let gate = gate.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(gate.offers_tls() && !gate.wants_clear_password());
        let socket = gate.socket();
        let (client, carried) = tokio::join!(UnixStream::connect(&socket), gate.carry());
        carried.unwrap();
        UnixStream::connect(&socket).await.expect_err("nobody else comes in");
        let mut client = client.unwrap();
        let mut seen = vec![0; greeting.len()];
        client.read_exact(&mut seen).await.unwrap();
        assert_eq!(seen, greeting);
        let rows = vec![7; 3 * ROWS];
        let mut arrived = vec![0; rows.len()];
        let (sent, read) = tokio::join!(server.write_all(&rows), client.read_exact(&mut arrived));
        sent.unwrap();
        read.unwrap();
        assert_eq!(arrived, rows);
        client.write_all(b"login").await.unwrap();
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"login");
    }

    #[tokio::test]
    async fn a_server_that_does_not_greet_like_mysql_is_an_error_at_once() {
        let whole = hello(0xffff, b"caching_sha2_password");
        // Packets that say how long they are, and end before the fields of a greeting do.
        let cut =
            [1, 5, 12, 30, 45].map(|length: u8| [&[length, 0, 0, 0], &whole[4..4 + usize::from(length)]].concat());
        let others =
            [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.6\r\n", b"\0\0\0\0"].map(<[u8]>::to_vec);
        for bytes in cut.into_iter().chain(others) {
            let (outcome, _server) = greets(bytes.clone()).await;
            assert!(outcome.is_err_and(|error| foreign::is_foreign(&error)), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn a_refusal_in_place_of_a_greeting_is_passed_on_and_a_lost_connection_may_come_back() {
        let (gate, _server) = greets(b"\x17\0\0\0\xff\x10\x04Too many connections".to_vec()).await;
        assert!(gate.is_ok());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let leaves = async { drop(listener.accept().await) };
        let (outcome, ()) = tokio::join!(Gate::open(Place::Tcp("127.0.0.1", port)), leaves);
        let error = outcome.err().unwrap();
        assert!(!foreign::is_foreign(&error) && unreached::why(&error).contains("before its greeting"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_is_too_old_is_named_and_another_protocol_is_a_wrong_port() {
        // Without PROTOCOL_41; and the first packet of MySQL's other protocol, at port 33060.
        let (outcome, _server) = greets(hello(0xfdff, b"mysql_native_password")).await;
        let fault = from_sqlx(outcome.err().unwrap().into(), "Connecting failed");
        assert_eq!(fault.to_string(), "Connecting failed: the server is older than MySQL 4.1");
        assert!(fault.kind() == FaultKind::Config && fault.hint().contains("upgrade it"), "{}", fault.hint());
        let (outcome, _server) = greets(b"\x05\0\0\0\x0b\x08\x05\x1a\0".to_vec()).await;
        let fault = from_sqlx(outcome.err().unwrap().into(), "Connecting failed");
        assert!(fault.to_string().contains("another protocol than version 10"), "{fault}");
        assert!(fault.hint().contains("is it the right port?"), "{}", fault.hint());
    }

    #[test]
    fn an_offer_of_tls_is_read_from_the_capabilities() {
        assert!(offers_tls(&hello(0xffff, b"mysql_native_password")));
        assert!(!offers_tls(&hello(!OFFERS_TLS, b"mysql_native_password")));
        // A refusal in place of a greeting, and a greeting that was cut off.
        assert!(!offers_tls(b"\x10\0\0\0\xff\x10\x04Too many"));
        assert!(!offers_tls(&hello(0xffff, b"")[..20]));
    }
}
