//! An SSH server for one test, on loopback, and an `ssh` on the PATH that knows its key.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::{Sandbox, setting};

/// The server; ended when dropped.
pub struct Sshd {
    /// The value for `MYSQL_SSH`: a Host of the test's ssh_config.
    pub destination: &'static str,
    /// The value for PATH.
    pub path: String,
    directory: PathBuf,
    _child: Child,
}

fn program(name: &str) -> PathBuf {
    let places = setting("PATH");
    let places = places.split(':').chain(["/usr/sbin", "/usr/local/sbin"]);
    let found = places.map(|place| Path::new(place).join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed: dev/install"))
}

impl Sshd {
    /// `more`: further lines of its sshd_config.
    pub async fn start(sandbox: &Sandbox, more: &str) -> Self {
        let directory = sandbox.path("ssh");
        std::fs::create_dir_all(&directory).unwrap();
        for key in ["host", "client"] {
            let mut keygen = Command::new(program("ssh-keygen"));
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(directory.join(key));
            assert!(keygen.status().await.unwrap().success());
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let at = directory.display();
        let server = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {at}/host\nAuthorizedKeysFile {at}/client.pub\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n{more}\n"
        );
        std::fs::write(directory.join("sshd_config"), server).unwrap();
        let host = std::fs::read_to_string(directory.join("host.pub")).unwrap();
        std::fs::write(directory.join("known_hosts"), format!("[127.0.0.1]:{port} {host}")).unwrap();
        let client = format!(
            "Host bastion\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {at}/client\n  IdentitiesOnly yes\n  \
             UserKnownHostsFile {at}/known_hosts\n  GlobalKnownHostsFile none\n"
        );
        std::fs::write(directory.join("config"), client).unwrap();
        // Its own process becomes `ssh`, so that the test can see it and end it.
        let script = format!("echo $$ >>'{at}/pids'; exec '{}' -F '{at}/config' \"$@\"", program("ssh").display());
        let path = crate::getting_in::on_path(sandbox, "ssh", &script);
        // sshd needs this directory to drop its privileges, if root starts it.
        std::fs::create_dir_all("/run/sshd").ok();
        let child = Command::new(program("sshd"))
            .args(["-D", "-e", "-f"])
            .arg(directory.join("sshd_config"))
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(directory.join("log")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for _ in 0..200 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                return Self { destination: "bastion", path, directory, _child: child };
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("sshd does not start: {}", std::fs::read_to_string(directory.join("log")).unwrap());
    }

    /// The process ids of every `ssh` that was started, in order.
    pub fn clients(&self) -> Vec<i32> {
        let pids = std::fs::read_to_string(self.directory.join("pids")).unwrap_or_default();
        pids.lines().map(|pid| pid.parse().unwrap()).collect()
    }

    /// Forgets the server's key.
    pub fn distrust(&self) {
        std::fs::write(self.directory.join("known_hosts"), "").unwrap();
    }
}
