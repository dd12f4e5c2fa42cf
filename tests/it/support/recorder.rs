//! A proxy that keeps every byte that the program sends through it.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Ends with the test's runtime.
pub struct Recorder {
    /// `host:port`.
    pub address: String,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (seen, server) = (Arc::<Mutex<Vec<u8>>>::default(), server.trim_start_matches("http://").to_owned());
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, kept) = (server.clone(), Arc::clone(&kept));
                tokio::spawn(async move { pass(client, TcpStream::connect(server).await.unwrap(), kept).await });
            }
        });
        Self { address, seen }
    }

    /// Everything that was sent.
    pub fn seen(&self) -> Vec<u8> {
        self.seen.lock().unwrap().clone()
    }
}

async fn pass(client: TcpStream, server: TcpStream, kept: Arc<Mutex<Vec<u8>>>) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut bytes = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
        kept.lock().unwrap().extend_from_slice(&bytes[..read]);
        if to_server.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
    to_server.shutdown().await.ok();
    back.await.ok();
}
