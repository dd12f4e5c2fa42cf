//! Makes a connection: its path, its credentials, and the meaning of a refusal.

use std::path::{Path, PathBuf};
use std::pin::pin;

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};

use super::fault::{from_login, number};
use super::foreign;
use super::gate::Gate;
use super::refusal::{self, Refused};
use super::roles;
use super::server::Server;
use super::session::Session;
use super::wire::{Connection, Entry, Place, Refused as Shut, Security};
use crate::domain::config::{ClientCertificate, MysqlSettings, SslMode};
use crate::domain::fault::{Absent, Fault, FaultKind};
use crate::domain::secret::Secret;
use crate::paths::shown;

/// A refused user name or password.
const DENIED: u16 = 1045;

/// The account may not use the database.
const NO_DATABASE: u16 = 1044;

/// What one connection needs.
pub struct Login<'a> {
    server: &'a Server,
    /// The tunnel's socket, or the server's own.
    socket: Option<PathBuf>,
    files: Files,
    secret: Secret,
    is_kept: bool,
}

/// PEM of the files that the settings name.
struct Files {
    authority: Option<Vec<u8>>,
    /// This client's certificate and its key.
    client: Option<(Vec<u8>, Vec<u8>)>,
}

/// A kind of connection, and how it is made.
pub trait Dials: Sized + Send {
    /// Connects and logs in, once.
    fn dial(login: &Login<'_>, database: &str, mode: SslMode) -> impl Future<Output = Result<Self, Failure>> + Send;
}

/// Why there is no connection.
pub enum Failure {
    ClearPassword,
    /// Nobody answered, or nobody that greets as MySQL does.
    Unreached(sqlx::Error),
    /// The flag: whether TLS was used, as far as that is known.
    Sqlx(sqlx::Error, Option<bool>),
}

impl<'a> Login<'a> {
    /// Reads files, asks for the password and starts the tunnel: everything that may take longer than a server's
    /// answer.
    ///
    /// # Errors
    /// `Config` for files that cannot be used; the errors of the password's source and of `ssh`.
    pub async fn prepare(server: &'a Server) -> Result<Self, Fault> {
        let files = Files::read(&server.settings)?;
        let password = server.passwords.get().await?;
        let socket = match &server.tunnel {
            Some(tunnel) => Some(tunnel.socket().await?),
            None => server.settings.socket.clone(),
        };
        Ok(Self { server, socket, files, secret: password.secret, is_kept: password.is_kept })
    }

    /// Connects and logs in. A password that was kept for a while may be outdated: then tries once more with a new one.
    ///
    /// # Errors
    /// The errors of [`super::connect::open`]; the server is absent if it did not answer.
    pub async fn connect<C: Dials>(&mut self) -> Result<C, Fault> {
        if let Some(tunnel) = &self.server.tunnel {
            tunnel.forget();
        }
        let database = self.server.settings.database.as_str();
        let failure = match self.log_in(database).await {
            Ok(connection) => return Ok(connection),
            Err(Failure::Sqlx(error, _)) if self.is_kept && number(&error) == Some(DENIED) => {
                self.server.passwords.forget(&self.secret).await;
                let password = self.server.passwords.get().await?;
                (self.secret, self.is_kept) = (password.secret, password.is_kept);
                match self.log_in(database).await {
                    Ok(connection) => return Ok(connection),
                    Err(failure) => failure,
                }
            }
            Err(failure) => failure,
        };
        Err(self.fault(failure).await)
    }

    /// Over an unencrypted socket, a server does the full exchange of caching_sha2_password (once, until it has cached
    /// the password) in a form that sqlx does not speak; over TLS both speak the same.
    async fn log_in<C: Dials>(&self, database: &str) -> Result<C, Failure> {
        let mode = ssl_mode(self.server);
        let is_bare = self.server.settings.socket.is_some() && matches!(mode, SslMode::Disabled);
        match C::dial(self, database, mode).await {
            Err(Failure::Sqlx(error, tls)) if is_bare && number(&error) == Some(DENIED) => {
                C::dial(self, database, SslMode::Required).await.map_err(|second| match second {
                    Failure::Sqlx(second, tls) if number(&second).is_some() => Failure::Sqlx(second, tls),
                    // If TLS is not possible, the first error is the real one.
                    _ => Failure::Sqlx(error, tls),
                })
            }
            outcome => outcome,
        }
    }

    /// Where the server, or the proxy or tunnel to it, listens.
    fn place(&self) -> Place<'_> {
        let MysqlSettings { host, port, .. } = &*self.server.settings;
        self.socket.as_deref().map_or_else(|| Place::Tcp(bare(host), *port), Place::Unix)
    }

    async fn fault(&self, failure: Failure) -> Fault {
        let place = self.server.place();
        match failure {
            Failure::ClearPassword => refusal::clear_password(&sentence(self.server), &place),
            Failure::Unreached(error) => {
                let fault = self.failed(error, None).await;
                // Otherwise somebody has answered: something else than MySQL, or an `ssh` that may not forward.
                let is_absent = fault.kind() == FaultKind::Transient;
                fault.with_absent(is_absent.then(|| Absent::now(place)))
            }
            Failure::Sqlx(error, tls) => self.failed(error, tls).await,
        }
    }

    async fn failed(&self, error: sqlx::Error, tls: Option<bool>) -> Fault {
        let server = self.server;
        let sentence = sentence(server);
        if let (sqlx::Error::Io(_), Some(tunnel)) = (&error, &server.tunnel)
            && let Some(said) = tunnel.why().await
        {
            return refusal::behind_ssh(&sentence, &said, &server.settings);
        }
        if number(&error) == Some(NO_DATABASE)
            && let Some(activation) = self.sleeping_role().await
        {
            return from_login(error, sentence).with_hint(roles::asleep(&activation));
        }
        let refused = Refused { settings: &server.settings, secret: &self.secret, tls };
        let hint = refused.hint(&error);
        from_login(error, sentence).with_hint_if_any(hint)
    }

    /// For an account that may not use its database: whether it can log in without one and has roles that are not
    /// active.
    async fn sleeping_role(&self) -> Option<String> {
        let connection: MySqlConnection = self.log_in("").await.ok()?;
        roles::activation(&mut Session::of(connection)).await
    }
}

impl Dials for MySqlConnection {
    async fn dial(login: &Login<'_>, database: &str, mode: SslMode) -> Result<Self, Failure> {
        let ssl_mode = login.server.settings.ssl_mode;
        let password = login.secret.expose();
        let mut options = login.options(database, mode);
        if !password.is_empty() {
            options = options.password(password);
        }
        let gate = Gate::open(login.place()).await.map_err(|error| Failure::Unreached(error.into()))?;
        // A verified server gets the password in any case, and an empty password cannot be disclosed.
        if gate.wants_clear_password() && !ssl_mode.verifies() && !password.is_empty() {
            return Err(Failure::ClearPassword);
        }
        let tls = Some(gate.offers_tls() && !matches!(mode, SslMode::Disabled));
        let failed = |error| Failure::Sqlx(error, tls);
        let options = options.socket(gate.socket());
        let mut connecting = pin!(foreign::heard(options.connect()));
        tokio::select! {
            biased;
            outcome = &mut connecting => return outcome.map_err(failed),
            carried = gate.carry() => carried.map_err(|error| failed(sqlx::Error::Io(error)))?,
        }
        connecting.await.map_err(failed)
    }
}

impl Dials for Connection {
    async fn dial(login: &Login<'_>, database: &str, mode: SslMode) -> Result<Self, Failure> {
        let MysqlSettings { user, host, socket, clear_password, .. } = &*login.server.settings;
        let Files { authority, client } = &login.files;
        let entry = Entry {
            place: login.place(),
            is_local: socket.is_some(),
            security: Security {
                mode,
                host: bare(host),
                authority: authority.as_deref(),
                client: client.as_ref().map(|(certificate, key)| (certificate.as_slice(), key.as_slice())),
            },
            user,
            database,
            password: &login.secret,
            clear_password: *clear_password,
        };
        entry.connect().await.map_err(|refused| match refused {
            Shut::ClearPassword => Failure::ClearPassword,
            Shut::Unreached(error) => Failure::Unreached(error),
            Shut::Failed(error, tls) => Failure::Sqlx(error, tls),
        })
    }
}

/// The beginning of every message about a failed connection.
pub fn sentence(server: &Server) -> String {
    let of = server.settings.source.as_ref().map(|source| format!(" (source `{}`)", source.name)).unwrap_or_default();
    format!("Connecting to MySQL as {}@{}{of} failed", server.settings.user, server.place())
}

/// An IPv6 address without enclosing brackets.
fn bare(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

impl Login<'_> {
    /// All options except the password and the socket.
    fn options(&self, database: &str, mode: SslMode) -> MySqlConnectOptions {
        let settings = &*self.server.settings;
        // Everything that sqlx would set by itself is set in `pinned`, in one statement.
        let mut options = MySqlConnectOptions::new()
            .username(&settings.user)
            // The certificate at the end of a tunnel also names the server's host.
            .host(bare(&settings.host))
            .port(settings.port)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .set_names(false)
            .enable_cleartext_plugin(settings.clear_password)
            .ssl_mode(match mode {
                SslMode::Disabled => MySqlSslMode::Disabled,
                SslMode::Preferred => MySqlSslMode::Preferred,
                SslMode::Required => MySqlSslMode::Required,
                SslMode::VerifyCa => MySqlSslMode::VerifyCa,
                SslMode::VerifyIdentity => MySqlSslMode::VerifyIdentity,
            })
            // It would log the text of slow statements, and every long read is slow.
            .disable_statement_logging();
        if !database.is_empty() {
            options = options.database(database);
        }
        if let Some(authority) = &self.files.authority {
            options = options.ssl_ca_from_pem(authority.clone());
        }
        if let Some((certificate, key)) = &self.files.client {
            options = options.ssl_client_cert_from_pem(certificate.clone()).ssl_client_key_from_pem(key.clone());
        }
        options
    }
}

impl Files {
    fn read(settings: &MysqlSettings) -> Result<Self, Fault> {
        let authority = match &settings.ssl_ca {
            Some(path) if settings.ssl_mode.verifies() => {
                Some(pem("MYSQL_SSL_CA", path, "the authority's certificate")?)
            }
            _ => None,
        };
        let client = match &settings.client_certificate {
            Some(ClientCertificate { certificate, key }) => {
                Some((pem("MYSQL_SSL_CERT", certificate, "this client's certificate")?, private_key(key)?))
            }
            None => None,
        };
        Ok(Self { authority, client })
    }
}

fn pem(variable: &str, path: &Path, what: &str) -> Result<Vec<u8>, Fault> {
    let hint = format!("give the path of the PEM file with {what}");
    let config =
        |sentence: &str| Fault::new(FaultKind::Config, format!("{variable} names {}, which {sentence}", shown(path)));
    let pem = std::fs::read(path).map_err(|error| config("cannot be read").caused_by(error).with_hint(&*hint))?;
    // rustls finds no certificate in such a file, and reports no error.
    if pem.windows(11).any(|bytes| bytes == b"-----BEGIN ") {
        Ok(pem)
    } else {
        Err(config("is not PEM").with_hint(hint))
    }
}

fn private_key(path: &Path) -> Result<Vec<u8>, Fault> {
    let pem = pem("MYSQL_SSL_KEY", path, "the certificate's private key")?;
    if PrivateKeyDer::from_pem_slice(&pem).is_ok() {
        return Ok(pem);
    }
    let file = path.display();
    let is_encrypted = String::from_utf8_lossy(&pem).contains("ENCRYPTED");
    let what = if is_encrypted { "is encrypted" } else { "holds no private key" };
    let hint = format!("write it without a passphrase, for this user alone: `openssl pkey -in {file} -out key.pem`");
    Err(Fault::new(FaultKind::Config, format!("MYSQL_SSL_KEY names {file}, which {what}")).with_hint(hint))
}

fn ssl_mode(server: &Server) -> SslMode {
    match server.settings.ssl_mode {
        // Like MySQL's own clients: no TLS if the server offers none, but never after a handshake that failed.
        SslMode::Preferred if server.is_bare_socket() => SslMode::Disabled,
        mode => mode,
    }
}
