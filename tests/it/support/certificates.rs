//! Certificates that a test makes, with the command that people use.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A certificate and its key.
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(directory)
        .output()
        .expect("openssl is needed: dev/install");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn pair(directory: &Path, name: &str) -> Pair {
    Pair { certificate: directory.join(format!("{name}.pem")), key: directory.join(format!("{name}-key.pem")) }
}

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

/// A certificate signed by an authority whose key is beside its certificate, as on both development servers.
pub fn signed(directory: &Path, name: &str, authority: &Path) -> Pair {
    let key = authority.with_file_name("ca-key.pem");
    let (authority, key) = (authority.display(), key.display());
    std::fs::write(directory.join("client.ext"), "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n").unwrap();
    openssl(directory, &format!("req {NEW_KEY} -subj /CN={name} -keyout {name}-key.pem -out {name}.csr"));
    openssl(
        directory,
        &format!(
            "x509 -req -in {name}.csr -CA {authority} -CAkey {key} -set_serial 4711 -days 30 -extfile client.ext \
             -out {name}.pem"
        ),
    );
    pair(directory, name)
}

/// A self-signed certificate with an RSA key, which old ciphers need.
pub fn own(directory: &Path, name: &str) -> Pair {
    let new = format!("req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN={name}");
    openssl(directory, &format!("{new} -keyout {name}-key.pem -out {name}.pem"));
    pair(directory, name)
}

/// The same as X.509 version 1, which OpenSSL makes from a request without extensions; newer versions need an option
/// for it.
pub fn version_1(directory: &Path, name: &str) -> Pair {
    openssl(directory, &format!("req {NEW_KEY} -subj /CN={name} -keyout {name}-key.pem -out {name}.csr"));
    let sign = format!("x509 -req -in {name}.csr -signkey {name}-key.pem -days 30 -out {name}.pem");
    openssl(directory, &sign);
    let is_version_1 = || {
        let file = directory.join(format!("{name}.pem"));
        let shown = Command::new("openssl").args(["x509", "-noout", "-text", "-in"]).arg(file).output().unwrap();
        String::from_utf8_lossy(&shown.stdout).contains("Version: 1 ")
    };
    if !is_version_1() {
        openssl(
            directory,
            &format!("req -x509v1 {NEW_KEY} -days 30 -subj /CN={name} -keyout {name}-key.pem -out {name}.pem"),
        );
    }
    assert!(is_version_1(), "this openssl makes no certificate of version 1");
    pair(directory, name)
}

/// A copy of the key with a passphrase.
pub fn encrypted(directory: &Path, key: &Path) -> PathBuf {
    openssl(directory, &format!("pkey -in {} -aes256 -passout pass:hunter2 -out locked-key.pem", key.display()));
    directory.join("locked-key.pem")
}
