//! A server and what a login needs: settings, password, and a tunnel if there is one.

use std::sync::Arc;
use std::time::Duration;

use super::away::Away;
use super::password::Passwords;
use super::tunnel::Tunnel;
use crate::domain::config::MysqlSettings;
use crate::domain::fault::Fault;

/// How long an answer may take until the server is asked what the connection is doing.
const SILENCE: Duration = Duration::from_mins(1);

/// A server without a connection; all connections and clones share its tunnel and the last answer of its password
/// command.
#[derive(Debug, Clone)]
pub struct Server {
    pub settings: Arc<MysqlSettings>,
    pub passwords: Arc<Passwords>,
    pub tunnel: Option<Arc<Tunnel>>,
    pub away: Arc<Away>,
    /// How long an answer may take until the server is asked what the connection is doing.
    pub silence: Duration,
}

impl Server {
    pub fn new(settings: MysqlSettings) -> Self {
        let (passwords, tunnel) = (Passwords::new(settings.password.clone()), Tunnel::new(&settings));
        Self {
            settings: Arc::new(settings),
            passwords: Arc::new(passwords),
            tunnel: tunnel.map(Arc::new),
            away: Arc::default(),
            silence: SILENCE,
        }
    }

    /// The server's place, for messages.
    pub fn place(&self) -> String {
        let MysqlSettings { host, port, socket, ssh, .. } = &*self.settings;
        match (socket, ssh) {
            (Some(path), _) => path.display().to_string(),
            (None, None) => format!("{host}:{port}"),
            (None, Some(destination)) => format!("{host}:{port} through ssh {destination}"),
        }
    }

    /// A fault reworded for this server, whose variables may have names of their own.
    pub fn worded(&self, fault: Fault) -> Fault {
        match &self.settings.source {
            Some(source) => fault.reworded(|text| source.worded(text)),
            None => fault,
        }
    }

    /// Tells if the connection uses the server's own socket and has no certificate to show, so that `preferred` need
    /// not ask for TLS: what goes through that socket never leaves the machine (MySQL's client does the same). A
    /// tunnel's socket leads to another machine.
    pub fn is_bare_socket(&self) -> bool {
        self.settings.socket.is_some() && self.settings.client_certificate.is_none()
    }
}
