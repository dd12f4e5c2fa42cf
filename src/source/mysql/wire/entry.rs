//! The way into a server, until it says that the login is done.

use std::io::{self, ErrorKind};
use std::path::Path;

use sqlx::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixStream};

use super::answer::{END, OK};
use super::auth::{Plugin, clear, scramble_sha1, scramble_sha256, sealed};
use super::connection::{Connection, Duplex, next};
use super::fields::{Fields, malformed};
use super::handshake::Greeting;
use super::packets::Incoming;
use super::secured::{self, Security};
use crate::domain::secret::Secret;

/// Says that more of a login follows.
const MORE: u8 = 0x01;

/// What caching_sha2_password says of a scramble: known and right, or the password itself is asked for.
const KNOWN: u8 = 0x03;
const WANTS_PASSWORD: u8 = 0x04;

/// The requests for a server's public key.
const KEY_OF_SHA256: u8 = 0x01;
const KEY_OF_CACHING_SHA2: u8 = 0x02;

/// A login takes three or four: another plugin, its key, its word, the end.
const MOST_ANSWERS: usize = 8;

/// Where the server, or what leads to it, listens.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    Tcp(&'a str, u16),
    Unix(&'a Path),
}

/// What a login needs.
pub struct Entry<'a> {
    pub place: Place<'a>,
    /// Does the socket lead to the server itself? Then nobody listens in between.
    pub is_local: bool,
    pub security: Security<'a>,
    pub user: &'a str,
    /// None where it is empty.
    pub database: &'a str,
    pub password: &'a Secret,
    /// May the password be sent as it is, where the plugin wants that? Only to a server that is verified.
    pub clear_password: bool,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Refused {
    /// The server's greeting asks for the password as it is, and nothing proves that it is the right server.
    ClearPassword,
    /// Over TLS or not, as far as that is known.
    Failed(Error, Option<bool>),
}

impl Entry<'_> {
    /// # Errors
    /// What the server says against it, what is wrong with its certificate, and what becomes of the connection.
    pub async fn connect(&self) -> Result<Connection, Refused> {
        let unknown = |error: Error| Refused::Failed(error, None);
        let mut stream = dial(self.place).await.map_err(|error| unknown(error.into()))?;
        let mut incoming = Incoming::new();
        let greeting = greeting(&mut stream, &mut incoming).await.map_err(unknown)?;
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
        // Whoever says more than the greeting now would be believed once TLS stands.
        if !incoming.is_empty() {
            return Err(malformed("the server says more than its greeting"));
        }
        say(&mut stream, incoming, &greeting.ask_for_tls(self.database)).await?;
        secured::wrap(stream, &self.security).await
    }
}

/// A login on its way.
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
                _ => return Err(malformed("a login is neither taken nor refused")),
            }
        }
        Err(malformed("a login comes to no end"))
    }

    /// Another plugin, with a nonce of its own.
    fn switch(&mut self, request: &[u8]) -> Result<(), Error> {
        // The request of MySQL 4.0 has no name, and asks for a scramble that anybody can break.
        if request.is_empty() {
            return Err(Error::Protocol("unknown authentication plugin: mysql_old_password".to_owned()));
        }
        let mut fields = Fields::of(request);
        self.plugin = Plugin::named(&String::from_utf8_lossy(fields.until_zero()))?;
        let nonce = fields.rest();
        self.nonce = nonce.strip_suffix(&[0]).unwrap_or(nonce).to_vec();
        Ok(())
    }

    /// What a plugin says of what it was shown.
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
            _ => Err(malformed("a login's answer is not understood")),
        }
    }

    /// What the plugin is shown first.
    fn answer(&self) -> Result<Vec<u8>, Error> {
        let Entry { password, clear_password, security, .. } = self.entry;
        let password = password.expose();
        match self.plugin {
            Plugin::Native => Ok(scramble_sha1(password, &self.nonce)),
            Plugin::CachingSha2 => Ok(scramble_sha256(password, &self.nonce)),
            // It has no scramble: the server's key is asked for.
            Plugin::Sha256 if !self.is_private() && !password.is_empty() => Ok(vec![KEY_OF_SHA256]),
            Plugin::Sha256 => Ok(clear(password)),
            Plugin::Clear if password.is_empty() || (*clear_password && self.over_tls && security.verifies()) => {
                Ok(clear(password))
            }
            // `refusal.rs` reads these words.
            Plugin::Clear => Err(Error::Protocol("mysql_cleartext_plugin disabled".to_owned())),
        }
    }

    /// Can nobody listen? The server thinks the same of its own socket.
    const fn is_private(&self) -> bool {
        self.over_tls || self.entry.is_local
    }

    async fn say(&mut self, payload: &[u8]) -> Result<(), Error> {
        say(&mut self.stream, &mut self.incoming, payload).await
    }
}

async fn dial(place: Place<'_>) -> Result<Box<dyn Duplex>, io::Error> {
    Ok(match place {
        Place::Tcp(host, port) => {
            let stream = TcpStream::connect((host, port)).await?;
            // A statement leaves at once.
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
        Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
    })
}

async fn greeting(stream: &mut Box<dyn Duplex>, incoming: &mut Incoming) -> Result<Greeting, Error> {
    let read = async { Greeting::read(next(stream, incoming).await?) };
    // `login.rs` says then that something else listens there.
    read.await.map_err(|error| match error {
        Error::Protocol(text) => io::Error::new(ErrorKind::InvalidData, text).into(),
        other => other,
    })
}

async fn say(stream: &mut Box<dyn Duplex>, incoming: &mut Incoming, payload: &[u8]) -> Result<(), Error> {
    let mut out = Vec::new();
    incoming.put(payload, &mut out);
    stream.write_all(&out).await?;
    Ok(stream.flush().await?)
}
