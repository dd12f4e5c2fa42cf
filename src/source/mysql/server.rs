//! A server, and what it takes to get into it: settings, password, a tunnel where there is one.

use super::password::Passwords;
use super::tunnel::Tunnel;
use crate::domain::config::MysqlSettings;

/// Holds no connection; all connections share its tunnel and the last answer of its password command.
#[derive(Debug)]
pub struct Server {
    pub settings: MysqlSettings,
    pub passwords: Passwords,
    pub tunnel: Option<Tunnel>,
}

impl Server {
    pub fn new(settings: MysqlSettings) -> Self {
        let (passwords, tunnel) = (Passwords::new(settings.password.clone()), Tunnel::new(&settings));
        Self { settings, passwords, tunnel }
    }

    /// Where it is, for messages.
    pub fn place(&self) -> String {
        let MysqlSettings { host, port, socket, ssh, .. } = &self.settings;
        match (socket, ssh) {
            (Some(path), _) => path.display().to_string(),
            (None, None) => format!("{host}:{port}"),
            (None, Some(destination)) => format!("{host}:{port} through ssh {destination}"),
        }
    }

    /// Is TLS worth asking for where `preferred` leaves it open? What goes through a server's own socket never leaves
    /// the machine (MySQL's client does the same); a tunnel's socket leads away, and a certificate is there to be shown.
    pub const fn is_bare_socket(&self) -> bool {
        self.settings.socket.is_some() && self.settings.client_certificate.is_none()
    }
}
