//! Logins at scripted servers: what each plugin is sent, and what no server is sent.

use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::crafted::Said;
use super::entry::{Entry, Place, Refused};
use super::secured::Security;
use crate::domain::config::SslMode;
use crate::domain::fault::FaultKind;
use crate::domain::secret::Secret;
use crate::source::mysql::fault::{from_login, number};

const NONCE: &[u8; 20] = b"abcdefghijklmnopqrst";
const DONE: &[u8] = b"\x00\x00\x00\x02\x00\x00\x00";

/// A public key of 2048 bits, as servers make theirs; nobody has kept the other half.
const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4EI0/kGHG9tt3jnaAY2a\n\
    DMztxWykeLE7BsAFq2O/FZ8OJI/gyZP6yXiUPKhOOSkIa1piiqAI5O42+gEdVfzF\n\
    UoOjx5ZdD5IsYMjJqI/VLWm0rB/GKLuk64dtJo6aPZKYstU7O2Xz9hB64pWuzVee\n\
    w64TUrABTiFD4Mdo0FA/BOLaY6SEA5muqcmikiyVy9JOOY/WJWTK7nIqstJH4DBG\n\
    v/ytNe3WKobN8HjWaJNOaw3p8yUyJU2UniDkCxysi8Feha1Zuq83yXXChnnNBexN\n\
    3p5wwzX+CXCSO3tpUPWWh53Z+at1SMRkx6JF19NEEi+FOfqO9TcgX6TdYBl4w7d2\n\
    hwIDAQAB\n\
    -----END PUBLIC KEY-----\n";

/// The greeting of MySQL 8 with these lower capabilities (0xf7ff: without TLS) and that plugin.
fn hello(capabilities: u16, plugin: &str) -> Vec<u8> {
    let mut packet = b"\x0a8.4.0\0\x19\0\0\0".to_vec();
    packet.extend(&NONCE[..8]);
    packet.push(0);
    packet.extend(capabilities.to_le_bytes());
    packet.extend(b"\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0");
    packet.extend(&NONCE[8..]);
    packet.push(0);
    packet.extend(plugin.as_bytes());
    packet.push(0);
    packet
}

/// One packet of the server, with that sequence number.
fn says(number: u8, packet: &[u8]) -> Said {
    Said::from(number).then(packet)
}

/// A server that greets, and waits for a packet before each further packet of the script; returns what it has received.
async fn scripted(listener: TcpListener, script: Vec<Said>) -> Vec<Vec<u8>> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut heard = Vec::new();
    for (step, said) in script.into_iter().enumerate() {
        if step > 0 {
            match packet_of(&mut stream).await {
                Some(packet) => heard.push(packet),
                None => return heard,
            }
        }
        stream.write_all(&said.bytes).await.unwrap();
    }
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.ok();
    if !rest.is_empty() {
        heard.push(rest);
    }
    heard
}

async fn packet_of(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).await.ok()?;
    let mut packet = vec![0; usize::from(header[0]) | usize::from(header[1]) << 8];
    stream.read_exact(&mut packet).await.ok()?;
    Some(packet)
}

/// The outcome of a login with that password, and what the server has received.
async fn login(password: &str, mode: SslMode, is_local: bool, said: Vec<Said>) -> (Result<(), Refused>, Vec<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(scripted(listener, said));
    let entry = Entry {
        place: Place::Tcp("127.0.0.1", port),
        is_local,
        security: Security { mode, host: "localhost", authority: None, client: None },
        user: "etl",
        database: "shop",
        password: &Secret::new(password),
        clear_password: true,
    };
    let outcome = entry.connect().await.map(drop);
    (outcome, server.await.unwrap())
}

fn error(outcome: Result<(), Refused>) -> String {
    match outcome {
        Err(Refused::Failed(error, _)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Whether any packet contains the password.
fn tells(heard: &[Vec<u8>], password: &str) -> bool {
    heard.iter().any(|packet| packet.windows(password.len()).any(|bytes| bytes == password.as_bytes()))
}

#[tokio::test]
async fn a_password_is_sent_as_a_scramble_that_the_server_can_check() {
    let said = vec![says(0, &hello(0xf7ff, "caching_sha2_password")), says(2, b"\x01\x03").then(DONE)];
    let (outcome, heard) = login("hunter2", SslMode::Preferred, false, said).await;
    outcome.unwrap();
    assert!(!tells(&heard, "hunter2"));
    // The scramble lies behind capabilities, sizes, filler, the name and its own length.
    let scramble = heard[0][32 + b"etl\0".len() + 1..][..32].to_vec();
    // The server's own check: it stores the hash of the hash.
    let stage = Sha256::digest("hunter2");
    let salted = Sha256::new().chain_update(Sha256::digest(stage)).chain_update(NONCE).finalize();
    let shown: Vec<u8> = scramble.iter().zip(&salted).map(|(one, other)| one ^ other).collect();
    assert_eq!(Sha256::digest(&shown), Sha256::digest(stage));
    assert!(heard[0].ends_with(b"shop\0caching_sha2_password\0"));
}

#[tokio::test]
async fn an_unverified_server_that_asks_for_the_unencrypted_password_gets_nothing() {
    let greeting = || vec![says(0, &hello(0xf7ff, "mysql_clear_password"))];
    let (outcome, heard) = login("hunter2", SslMode::Preferred, false, greeting()).await;
    assert!(matches!(outcome, Err(Refused::ClearPassword)), "{outcome:?}");
    assert!(heard.is_empty());
    for is_local in [false, true] {
        let asks = vec![says(0, &hello(0xf7ff, "mysql_native_password")), says(2, b"\xfemysql_clear_password\0")];
        let (outcome, heard) = login("hunter2", SslMode::Preferred, is_local, asks).await;
        assert!(error(outcome).contains("cleartext_plugin disabled"));
        assert!(!tells(&heard, "hunter2"));
    }
    // Without TLS there is no certificate to verify, whatever the mode.
    let (outcome, heard) = login("hunter2", SslMode::VerifyCa, false, greeting()).await;
    assert!(error(outcome).contains("does not support TLS"));
    assert!(!tells(&heard, "hunter2"));
}

#[tokio::test]
async fn the_password_itself_is_sent_only_over_the_servers_own_socket() {
    let said = || vec![says(0, &hello(0xf7ff, "caching_sha2_password")), says(2, b"\x01\x04"), says(4, DONE)];
    let (outcome, heard) = login("hunter2", SslMode::Disabled, true, said()).await;
    outcome.unwrap();
    assert_eq!(heard[1], b"hunter2\0");
    let (_, heard) = login("hunter2", SslMode::Disabled, false, said()).await;
    assert_eq!(heard[1], [2], "the server's key is asked for");
    assert!(!tells(&heard, "hunter2"));
}

#[tokio::test]
async fn a_password_that_is_too_long_for_the_servers_key_is_not_tried_again() {
    let said = || {
        let key = [&b"\x01"[..], KEY.as_bytes()].concat();
        let greeting = says(0, &hello(0xf7ff, "caching_sha2_password"));
        vec![greeting, says(2, b"\x01\x04"), says(4, &key), says(6, DONE)]
    };
    let most = "x".repeat(213);
    login(&most, SslMode::Disabled, false, said()).await.0.unwrap();
    let (outcome, heard) = login(&"x".repeat(256), SslMode::Disabled, false, said()).await;
    assert!(!tells(&heard, "xxxxxxxx"));
    let Err(Refused::Failed(error, _)) = outcome else { panic!("{outcome:?}") };
    let fault = from_login(error, "Connecting failed");
    assert_eq!(fault.kind(), FaultKind::Auth);
    assert!(fault.hint().contains("MYSQL_SSL_MODE=required"), "{}", fault.hint());
}

#[tokio::test]
async fn a_server_may_ask_for_another_plugin_with_another_nonce() {
    let switch = [b"\xfemysql_native_password\0".as_slice(), b"ABCDEFGHIJKLMNOPQRST\0"].concat();
    let said = |switch: &[u8]| vec![says(0, &hello(0xf7ff, "caching_sha2_password")), says(2, switch), says(4, DONE)];
    let (outcome, heard) = login("hunter2", SslMode::Preferred, false, said(&switch)).await;
    outcome.unwrap();
    assert_eq!(heard[1], super::auth::scramble_sha1("hunter2", b"ABCDEFGHIJKLMNOPQRST"));
    let (outcome, heard) = login("", SslMode::Preferred, false, said(&switch)).await;
    outcome.unwrap();
    assert_eq!(heard[1], b"", "an empty password is nothing");
    let (outcome, _) = login("hunter2", SslMode::Preferred, false, said(b"\xfedialog\0")).await;
    assert!(error(outcome).contains("unknown authentication plugin: dialog"));
    let (outcome, _) = login("hunter2", SslMode::Preferred, false, said(b"\xfe")).await;
    assert!(error(outcome).contains("mysql_old_password"));
}

#[tokio::test]
async fn a_refusal_keeps_its_number_at_any_step_of_the_login() {
    let denied = b"\xff\x15\x04#28000Access denied for user 'etl'";
    for (expected, said) in [
        (1040, vec![says(0, b"\xff\x10\x04Too many connections")]),
        (1045, vec![says(0, &hello(0xf7ff, "mysql_native_password")), says(2, denied)]),
        (1045, vec![says(0, &hello(0xf7ff, "caching_sha2_password")), says(2, b"\x01\x04"), says(4, denied)]),
    ] {
        let (outcome, _) = login("hunter2", SslMode::Disabled, true, said).await;
        let Err(Refused::Failed(error, _)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(number(&error), Some(expected));
    }
}

#[tokio::test]
async fn bytes_sent_before_tls_are_refused() {
    let greeting = Said::from(0).then(&hello(0xffff, "mysql_native_password"));
    let more = Said::from(2).then(DONE);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&greeting.and(&more).bytes).await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.ok();
        heard
    });
    let entry = Entry {
        place: Place::Tcp("127.0.0.1", port),
        is_local: false,
        security: Security { mode: SslMode::Required, host: "localhost", authority: None, client: None },
        user: "etl",
        database: "",
        password: &Secret::new("hunter2"),
        clear_password: false,
    };
    assert!(error(entry.connect().await.map(drop)).contains("more than its greeting"));
    assert_eq!(server.await.unwrap(), b"");
}

#[tokio::test]
async fn a_server_that_does_not_greet_like_mysql_is_an_error() {
    for greeting in [&b"\x09old"[..], b"", b"\x0a8.0", b"SSH-2.0-OpenSSH"] {
        let (outcome, heard) = login("hunter2", SslMode::Preferred, false, vec![says(0, greeting)]).await;
        assert!(outcome.is_err() && heard.is_empty(), "{greeting:?}");
    }
}

#[tokio::test]
async fn a_login_that_never_ends_is_given_up() {
    let again = |step: u8| says(2 * step, &[&b"\xfemysql_native_password\0"[..], NONCE, &[0]].concat());
    let script = std::iter::once(says(0, &hello(0xf7ff, "mysql_native_password"))).chain((1..20).map(again)).collect();
    let (outcome, heard) = login("secret", SslMode::Disabled, false, script).await;
    assert!(error(outcome).contains("does not end"));
    assert!(heard.len() < 12, "{}", heard.len());
}
