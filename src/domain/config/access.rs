//! How the servers are reached: what the environment and `.env` say.

use std::path::PathBuf;

use crate::domain::ids::SourceName;
use crate::domain::secret::Secret;

/// What the variables of a server without a name begin with.
pub(super) const PLAIN: &str = "MYSQL_";

/// A server of several (`sources`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSource {
    pub name: SourceName,
    /// What its variables begin with.
    pub prefix: String,
}

impl NamedSource {
    /// Its variables have its name in them.
    #[must_use]
    pub fn called(name: &str) -> Self {
        let prefix = format!("{PLAIN}{}_", name.to_ascii_uppercase().replace('-', "_"));
        Self { name: SourceName(name.to_owned()), prefix }
    }

    /// Does it read the variables of a server without a name?
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.prefix == PLAIN
    }

    /// What is said of a server without a name, said of this one: its variables have names of their own.
    #[must_use]
    pub fn worded(&self, text: &str) -> String {
        text.replace(PLAIN, &self.prefix)
    }
}

/// How to reach MySQL; from the environment and `.env` alone.
#[derive(Debug, Clone)]
pub struct MysqlSettings {
    /// `None`: the server of the plain variables.
    pub source: Option<NamedSource>,
    pub host: String,
    pub port: u16,
    /// Wins over host and port.
    pub socket: Option<PathBuf>,
    pub user: String,
    pub password: PasswordSource,
    pub database: String,
    pub ssl_mode: SslMode,
    pub ssl_ca: Option<PathBuf>,
    pub client_certificate: Option<ClientCertificate>,
    /// The password may be sent as it is, inside a connection to a server whose certificate was verified.
    pub clear_password: bool,
    /// A host that `ssh` forwards the connection from, as `ssh` takes it; host and port are seen from there.
    pub ssh: Option<String>,
}

/// Where the password comes from; at most one of the variables is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    Nowhere,
    Variable(Secret),
    /// Read anew for each connection.
    File(PathBuf),
    /// For `/bin/sh`. A secret: people write tokens into it.
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

/// PEM files of `MYSQL_SSL_CERT` and `MYSQL_SSL_KEY`.
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
    /// Is the server's certificate held against an authority?
    #[must_use]
    pub const fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyIdentity)
    }
}

/// How to reach BigQuery; from the environment and `.env` alone.
#[derive(Debug, Clone)]
pub struct BigQuerySettings {
    /// `http://host:port`; then no credentials are used.
    pub emulator: Option<String>,
    /// `GOOGLE_APPLICATION_CREDENTIALS`.
    pub credentials: Option<PathBuf>,
}

/// How to reach Cloud Storage; from the environment and `.env` alone.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// `http://host:port`; then no credentials are used.
    pub emulator: Option<String>,
}
