//! A server, and what it takes to get into it: settings, password, a tunnel where there is one.

use std::sync::Arc;
use std::time::Duration;

use super::away::Away;
use super::password::Passwords;
use super::tunnel::Tunnel;
use crate::domain::config::MysqlSettings;
use crate::domain::fault::Fault;

/// How long an answer may not come until the server is asked what has become of it.
const SILENCE: Duration = Duration::from_mins(1);

/// Holds no connection; all connections share its tunnel and the last answer of its password command, and so do its clones.
#[derive(Debug, Clone)]
pub struct Server {
    pub settings: Arc<MysqlSettings>,
    pub passwords: Arc<Passwords>,
    pub tunnel: Option<Arc<Tunnel>>,
    pub away: Arc<Away>,
    /// How long an answer may not come until the server is asked what has become of it.
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

    /// Where it is, for messages.
    pub fn place(&self) -> String {
        let MysqlSettings { host, port, socket, ssh, .. } = &*self.settings;
        match (socket, ssh) {
            (Some(path), _) => path.display().to_string(),
            (None, None) => format!("{host}:{port}"),
            (None, Some(destination)) => format!("{host}:{port} through ssh {destination}"),
        }
    }

    /// A fault in words of this server: its variables may have names of their own.
    pub fn worded(&self, fault: Fault) -> Fault {
        match &self.settings.source {
            Some(source) => fault.reworded(|text| source.worded(text)),
            None => fault,
        }
    }

    /// Is TLS worth asking for where `preferred` leaves it open? What goes through a server's own socket never leaves
    /// the machine (MySQL's client does the same); a tunnel's socket leads away, and a certificate is there to be shown.
    pub fn is_bare_socket(&self) -> bool {
        self.settings.socket.is_some() && self.settings.client_certificate.is_none()
    }
}
