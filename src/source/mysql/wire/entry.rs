//! The login at a server.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use sqlx::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixStream, lookup_host};

use super::answer::{END, OK};
use super::auth::{Plugin, clear, scramble_sha1, scramble_sha256, sealed};
use super::connection::{Connection, Duplex, next};
use super::fields::{Fields, malformed};
use super::handshake::Greeting;
use super::packets::Incoming;
use super::secured::{self, Security};
use crate::domain::secret::Secret;
use crate::source::mysql::foreign;

/// The server's byte that announces more of the login.
const MORE: u8 = 0x01;

/// Answers of caching_sha2_password to a scramble: it is right, or the full exchange is needed.
const KNOWN: u8 = 0x03;
const WANTS_PASSWORD: u8 = 0x04;

/// The requests for a server's public key.
const KEY_OF_SHA256: u8 = 0x01;
const KEY_OF_CACHING_SHA2: u8 = 0x02;

/// A login takes three or four answers: another plugin, its key, its reply, the end.
const MOST_ANSWERS: usize = 8;

/// A resolver that gets no answer asks again after 5 s. The rest of a set-up's 10 s is for the connection.
const LOOKED_UP_WITHIN: Duration = Duration::from_secs(8);

/// A machine that is there accepts a connection at once, after a lost packet within three seconds; a firewall that drops
/// packets never does.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);

/// Where the server, or the proxy or tunnel to it, listens.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    Tcp(&'a str, u16),
    Unix(&'a Path),
}

/// What a login needs.
pub struct Entry<'a> {
    pub place: Place<'a>,
    /// The socket leads to the server itself, so nobody can listen in between.
    pub is_local: bool,
    pub security: Security<'a>,
    pub user: &'a str,
    /// Empty: no database.
    pub database: &'a str,
    pub password: &'a Secret,
    /// The unencrypted password may be sent if the plugin wants it, but only to a verified server.
    pub clear_password: bool,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Refused {
    /// The server's greeting asks for the unencrypted password, and nothing proves that it is the right server.
    ClearPassword,
    /// Nobody answered, or nobody that greets as MySQL does.
    Unreached(Error),
    /// The flag: whether TLS was used, as far as that is known.
    Failed(Error, Option<bool>),
}

impl Entry<'_> {
    /// # Errors
    /// The server's refusal, a fault of its certificate, or an error of the connection.
    pub async fn connect(&self) -> Result<Connection, Refused> {
        let mut stream = dial(self.place).await.map_err(|error| Refused::Unreached(error.into()))?;
        let mut incoming = Incoming::new();
        let greeting = greeting(&mut stream, &mut incoming).await.map_err(|error| match error {
            // The server is there, and says why it takes no connection.
            Error::Database(_) => Refused::Failed(error, None),
            _ => Refused::Unreached(error),
        })?;
        let over_tls = self.security.wants_tls(greeting.offers_tls());
        let failed = |error: Error| Refused::Failed(error, Some(over_tls));
        let plugin = Plugin::named(&greeting.plugin).map_err(failed)?;
        if plugin == Plugin::Clear && !self.password.expose().is_empty() && !self.security.verifies() {
            return Err(Refused::ClearPassword);
        }
        if over_tls {
            stream = self.secured(stream, &mut incoming, &greeting).await.map_err(failed)?;
        }
        let mut exchange = Exchange { entry: self, stream, incoming, over_tls, nonce: greeting.nonce.clone(), plugin };
        exchange.log_in(&greeting).await.map_err(failed)?;
        Ok(Connection::new(exchange.stream, exchange.incoming, greeting.deprecates_eof()))
    }

    async fn secured(
        &self,
        mut stream: Box<dyn Duplex>,
        incoming: &mut Incoming,
        greeting: &Greeting,
    ) -> Result<Box<dyn Duplex>, Error> {
        if !greeting.offers_tls() {
            return Err(Error::Tls("server does not support TLS".into()));
        }
        // Bytes after the greeting were sent before TLS, by anyone on the way; they would be believed later.
        if !incoming.is_empty() {
            return Err(malformed("the server says more than its greeting"));
        }
        say(&mut stream, incoming, &greeting.ask_for_tls(self.database)).await?;
        secured::wrap(stream, &self.security).await
    }
}

/// A login that is under way.
struct Exchange<'a> {
    entry: &'a Entry<'a>,
    stream: Box<dyn Duplex>,
    incoming: Incoming,
    over_tls: bool,
    nonce: Vec<u8>,
    plugin: Plugin,
}

impl Exchange<'_> {
    async fn log_in(&mut self, greeting: &Greeting) -> Result<(), Error> {
        let Entry { user, database, .. } = self.entry;
        let answer = self.answer()?;
        let packet = greeting.log_in(user, database, self.over_tls, &answer);
        self.say(&packet).await?;
        for _ in 0..MOST_ANSWERS {
            let packet = next(&mut self.stream, &mut self.incoming).await?.to_vec();
            match packet.as_slice() {
                [OK, ..] => return Ok(()),
                [END, request @ ..] => {
                    self.switch(request)?;
                    let answer = self.answer()?;
                    self.say(&answer).await?;
                }
                [MORE, more @ ..] => self.go_on(more).await?,
                _ => return Err(malformed("the server neither accepts nor refuses the login")),
            }
        }
        Err(malformed("the server's login exchange does not end"))
    }

    /// Switches to another plugin, with a nonce of its own.
    fn switch(&mut self, request: &[u8]) -> Result<(), Error> {
        // MySQL 4.0's request has no name, and asks for a scramble that is easily broken.
        if request.is_empty() {
            return Err(Error::Protocol("unknown authentication plugin: mysql_old_password".to_owned()));
        }
        let mut fields = Fields::of(request);
        self.plugin = Plugin::named(&String::from_utf8_lossy(fields.until_zero()))?;
        let nonce = fields.rest();
        self.nonce = nonce.strip_suffix(&[0]).unwrap_or(nonce).to_vec();
        Ok(())
    }

    /// Answers the plugin's next packet.
    async fn go_on(&mut self, more: &[u8]) -> Result<(), Error> {
        let password = self.entry.password.expose();
        match (self.plugin, more) {
            (Plugin::CachingSha2, [KNOWN]) => Ok(()),
            (Plugin::CachingSha2, [WANTS_PASSWORD]) if self.is_private() => self.say(&clear(password)).await,
            (Plugin::CachingSha2, [WANTS_PASSWORD]) => self.say(&[KEY_OF_CACHING_SHA2]).await,
            (Plugin::CachingSha2 | Plugin::Sha256, key) if !self.is_private() => {
                let answer = sealed(password, &self.nonce, key)?;
                self.say(&answer).await
            }
            _ => Err(malformed("the server's answer during the login is not understood")),
        }
    }

    /// The first thing that the plugin is sent.
    fn answer(&self) -> Result<Vec<u8>, Error> {
        let Entry { password, clear_password, security, .. } = self.entry;
        let password = password.expose();
        match self.plugin {
            Plugin::Native => Ok(scramble_sha1(password, &self.nonce)),
            Plugin::CachingSha2 => Ok(scramble_sha256(password, &self.nonce)),
            // It has no scramble: the server's key is asked for first.
            Plugin::Sha256 if !self.is_private() && !password.is_empty() => Ok(vec![KEY_OF_SHA256]),
            Plugin::Sha256 => Ok(clear(password)),
            Plugin::Clear if password.is_empty() || (*clear_password && self.over_tls && security.verifies()) => {
                Ok(clear(password))
            }
            // `refusal.rs` reads these words.
            Plugin::Clear => Err(Error::Protocol("mysql_cleartext_plugin disabled".to_owned())),
        }
    }

    /// Whether nobody can listen; the server judges its own socket the same way.
    const fn is_private(&self) -> bool {
        self.over_tls || self.entry.is_local
    }

    async fn say(&mut self, payload: &[u8]) -> Result<(), Error> {
        say(&mut self.stream, &mut self.incoming, payload).await
    }
}

async fn dial(place: Place<'_>) -> Result<Box<dyn Duplex>, io::Error> {
    Ok(match place {
        Place::Tcp(host, port) => Box::new(tcp(host, port).await?),
        Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
    })
}

/// Connects to a port; looking the host up and each of its addresses have a limited time.
///
/// # Errors
/// The system's for the last address, and `TimedOut`.
pub async fn tcp(host: &str, port: u16) -> Result<TcpStream, io::Error> {
    let addresses = limited(LOOKED_UP_WITHIN, "its name was not looked up (DNS)", lookup_host((host, port))).await?;
    let stream = first_of(addresses).await?;
    // What is sent in one piece should leave in one, without delay.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Connects to the first address that answers: a firewall may drop the packets to one, often that of IPv6.
async fn first_of(addresses: impl Iterator<Item = SocketAddr>) -> Result<TcpStream, io::Error> {
    let mut failed = io::Error::new(ErrorKind::NotFound, "its name has no address (DNS)");
    for address in addresses {
        match limited(CONNECTED_WITHIN, "no answer", TcpStream::connect(address)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// `late`: what is said after that time, such as `no answer`.
async fn limited<T>(
    time: Duration,
    late: &str,
    work: impl Future<Output = Result<T, io::Error>>,
) -> Result<T, io::Error> {
    let late = |_| io::Error::new(ErrorKind::TimedOut, format!("{late} within {} s", time.as_secs()));
    tokio::time::timeout(time, work).await.map_err(late)?
}

async fn greeting(stream: &mut Box<dyn Duplex>, incoming: &mut Incoming) -> Result<Greeting, Error> {
    let read = async { Greeting::read(next(stream, incoming).await?) };
    read.await.map_err(|error| match error {
        Error::Protocol(_) => foreign::error().into(),
        Error::Io(io) => foreign::left(io).into(),
        other => other,
    })
}

async fn say(stream: &mut Box<dyn Duplex>, incoming: &mut Incoming, payload: &[u8]) -> Result<(), Error> {
    let mut out = Vec::new();
    incoming.put(payload, &mut out);
    stream.write_all(&out).await?;
    Ok(stream.flush().await?)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::net::TcpListener;

    use super::*;
    use crate::unreached::why;

    #[tokio::test]
    async fn an_address_at_which_nobody_listens_does_not_keep_the_next_one_from_being_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        assert_eq!(first_of([nobody, there].into_iter()).await.unwrap().peer_addr().unwrap(), there);
        let refused = first_of([nobody].into_iter()).await.unwrap_err();
        assert!(why(&refused).contains("nothing listens there"), "{refused}");
        assert!(why(&first_of([].into_iter()).await.unwrap_err()).contains("no address"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_is_not_looked_up_in_time_is_told_from_a_server_that_is_silent() {
        let never = limited(LOOKED_UP_WITHIN, "its name was not looked up (DNS)", pending::<io::Result<()>>()).await;
        assert_eq!(why(&never.unwrap_err()), "its name was not looked up (DNS) within 8 s");
    }
}
