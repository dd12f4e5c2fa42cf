//! How the servers are reached, from the environment and `.env`.

use std::path::PathBuf;

use chrono_tz::Tz;

use crate::domain::ids::SourceName;
use crate::domain::secret::Secret;

/// The prefix of the variables for a server without a name.
pub(super) const PLAIN: &str = "MYSQL_";

/// A server of `sources`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSource {
    pub name: SourceName,
    /// The prefix of its variables.
    pub prefix: String,
    /// The zone of the wall clocks in its DATETIME columns; `None`: `default_timezone`.
    pub timezone: Option<Tz>,
}

impl NamedSource {
    /// The server of this name, whose variables contain the name.
    #[must_use]
    pub fn called(name: &str) -> Self {
        let prefix = format!("{PLAIN}{}_", name.to_ascii_uppercase().replace('-', "_"));
        Self { name: SourceName(name.to_owned()), prefix, timezone: None }
    }

    /// Tells if it reads the variables of a server without a name.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.prefix == PLAIN
    }

    /// A text about the variables of a server without a name, reworded for this server.
    #[must_use]
    pub fn worded(&self, text: &str) -> String {
        text.replace(PLAIN, &self.prefix)
    }
}

/// How to reach MySQL; only from the environment and `.env`.
#[derive(Debug, Clone)]
pub struct MysqlSettings {
    /// `None`: the server of the variables without a name.
    pub source: Option<NamedSource>,
    pub host: String,
    pub port: u16,
    /// The socket; takes precedence over host and port.
    pub socket: Option<PathBuf>,
    pub user: String,
    pub password: PasswordSource,
    pub database: String,
    pub ssl_mode: SslMode,
    pub ssl_ca: Option<PathBuf>,
    pub client_certificate: Option<ClientCertificate>,
    /// The password may be sent in clear, within a connection to a server whose certificate was verified.
    pub clear_password: bool,
    /// The host from which `ssh` forwards the connection, in `ssh` syntax; that host resolves host and port.
    pub ssh: Option<String>,
}

/// Where the password comes from; at most one of the variables is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    Nowhere,
    Variable(Secret),
    /// The file is read for each connection.
    File(PathBuf),
    /// A command for `/bin/sh`. It is secret, because people write tokens into it.
    Command(Secret),
}

impl PasswordSource {
    #[must_use]
    pub const fn variable(&self) -> Option<&'static str> {
        match self {
            Self::Nowhere => None,
            Self::Variable(_) => Some("MYSQL_PASSWORD"),
            Self::File(_) => Some("MYSQL_PASSWORD_FILE"),
            Self::Command(_) => Some("MYSQL_PASSWORD_COMMAND"),
        }
    }
}

/// The PEM files of `MYSQL_SSL_CERT` and `MYSQL_SSL_KEY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// `MYSQL_SSL_MODE`, in MySQL's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    Disabled,
    Preferred,
    Required,
    VerifyCa,
    VerifyIdentity,
}

impl SslMode {
    /// Tells if the server's certificate is checked against an authority.
    #[must_use]
    pub const fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyIdentity)
    }
}

/// How to reach BigQuery; only from the environment and `.env`.
#[derive(Debug, Clone)]
pub struct BigQuerySettings {
    /// The emulator, `http://host:port`; with it no credentials are used.
    pub emulator: Option<String>,
    /// The file of `GOOGLE_APPLICATION_CREDENTIALS`.
    pub credentials: Option<PathBuf>,
}

/// How to reach Cloud Storage; only from the environment and `.env`.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// The emulator, `http://host:port`; with it no credentials are used.
    pub emulator: Option<String>,
}
