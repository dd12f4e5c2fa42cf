//! A server that listens in place of MySQL and greets like it, to see what clients tell it.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

/// What it does with clients.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Names a plugin in its greeting, and offers no TLS.
    Greets(&'static str),
    /// Asks for another plugin after the client has answered.
    Switches(&'static str),
    /// Offers TLS, which the server at that port of loopback handles.
    Tls(u16),
    /// Says this in place of a greeting, as an SSH or web server would, or a proxy that cuts packets short.
    Says(&'static [u8]),
    /// Accepts any login, and describes the columns of a statement in packets that end too early.
    CutsShort,
}

/// Ends with the test's runtime.
pub struct Impostor {
    pub port: u16,
    told: Arc<Mutex<Vec<u8>>>,
}

impl Impostor {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, told) = (listener.local_addr().unwrap().port(), Arc::default());
        let ear = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(talk(client, manner, Arc::clone(&ear)));
            }
        });
        Self { port, told }
    }

    /// Tells if a client has sent this in any connection.
    pub fn was_told(&self, secret: &str) -> bool {
        self.told.lock().unwrap().windows(secret.len()).any(|bytes| bytes == secret.as_bytes())
    }
}

/// An error here means that the client has left.
async fn talk(mut client: TcpStream, manner: Manner, ear: Arc<Mutex<Vec<u8>>>) -> std::io::Result<()> {
    let (plugin, offers_tls) = match manner {
        Manner::Greets(plugin) => (plugin, false),
        Manner::Switches(_) | Manner::CutsShort => ("mysql_native_password", false),
        Manner::Tls(_) => ("mysql_native_password", true),
        Manner::Says(bytes) => {
            client.write_all(bytes).await?;
            return hear(client, &ear).await;
        }
    };
    client.write_all(&packet(0, &greeting(plugin, offers_tls))).await?;
    match manner {
        Manner::Greets(_) => {}
        Manner::Switches(plugin) => {
            let mut header = [0; 4];
            client.read_exact(&mut header).await?;
            let mut answer = vec![0; usize::from(header[0]) | usize::from(header[1]) << 8];
            client.read_exact(&mut answer).await?;
            let switch = [b"\xfe", plugin.as_bytes(), b"\0abcdefghijabcdefghij\0"].concat();
            client.write_all(&packet(2, &switch)).await?;
        }
        Manner::Tls(port) => {
            // The request for TLS has a fixed length.
            client.read_exact(&mut [0; 36]).await?;
            let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
            copy_bidirectional(&mut client, &mut server).await?;
        }
        Manner::CutsShort => return cut_short(client).await,
        Manner::Says(_) => {}
    }
    hear(client, &ear).await
}

async fn hear(mut client: TcpStream, ear: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let mut piece = [0; 1024];
    while let n @ 1.. = client.read(&mut piece).await? {
        ear.lock().unwrap().extend(&piece[..n]);
    }
    Ok(())
}

/// Answers packet by packet; a statement is prepared with a column, whose description lacks most of its fields.
async fn cut_short(mut client: TcpStream) -> std::io::Result<()> {
    const PREPARE: u8 = 0x16;
    const DONE: &[u8] = b"\0\0\0\x02\0\0\0";
    loop {
        let mut header = [0; 4];
        client.read_exact(&mut header).await?;
        let mut said = vec![0; usize::from(header[0]) | usize::from(header[1]) << 8];
        client.read_exact(&mut said).await?;
        let number = header[3] + 1;
        if said.first() == Some(&PREPARE) {
            client.write_all(&packet(number, b"\0\x01\0\0\0\x01\0\0\0\0\0\0")).await?;
            client.write_all(&packet(number + 1, b"\x03def\0\0\0\x01a\0\x0c")).await?;
        } else {
            client.write_all(&packet(number, DONE)).await?;
        }
    }
}

fn greeting(plugin: &str, offers_tls: bool) -> Vec<u8> {
    let capabilities = if offers_tls { 0xffff_u16 } else { 0xf7ff };
    let mut body = b"\n8.0.18\0\x19\0\0\0\x114aB0c\x06g\0".to_vec();
    body.extend(capabilities.to_le_bytes());
    body.extend(b"\xff\x02\0\xff\xc7\x15\0\0\0\0\0\0\0\0\0\0tL\x03s\x0f[4\rl4. \0");
    body.extend(plugin.as_bytes());
    body.push(0);
    body
}

fn packet(number: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).unwrap();
    [&[length, 0, 0, number], body].concat()
}

/// An `openssl s_server` with further arguments; ended when dropped.
pub struct TlsServer {
    pub port: u16,
    _child: Child,
}

impl TlsServer {
    pub async fn start(certificate: &Path, key: &Path, more: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", &format!("127.0.0.1:{port}")])
            .arg("-cert")
            .arg(certificate)
            .arg("-key")
            .arg(key)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("openssl is needed: dev/install");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("ACCEPT") {
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Self { port, _child: child };
            }
        }
        panic!("openssl s_server has ended");
    }
}
