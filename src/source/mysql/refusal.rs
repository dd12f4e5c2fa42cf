//! The meaning of a server's refusal where the same words have many causes.

use super::fault::number;
use crate::domain::config::MysqlSettings;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::Secret;

/// The circumstances of a login that was refused.
pub struct Refused<'a> {
    pub settings: &'a MysqlSettings,
    pub secret: &'a Secret,
    /// Whether TLS was used, as far as that is known.
    pub tls: Option<bool>,
}

impl Refused<'_> {
    /// The next step for this login's circumstances.
    pub fn hint(&self, error: &sqlx::Error) -> Option<String> {
        if let sqlx::Error::Protocol(text) = error {
            return plugin(text);
        }
        match number(error)? {
            1045 => Some(self.denied()),
            1698 => Some(format!(
                "the account logs in as a user of the server's own machine (unix_socket, auth_socket): give it a \
                 password there, or let bqsync use another account; check {} too",
                self.password()
            )),
            _ => None,
        }
    }

    fn password(&self) -> &'static str {
        self.settings.password.variable().unwrap_or("MYSQL_PASSWORD")
    }

    /// The hint for "access denied", which stands for a wrong name or password, a wrong host, missing TLS or a missing
    /// certificate.
    fn denied(&self) -> String {
        let (secret, variable) = (self.secret.expose(), self.password());
        let mut steps = Vec::new();
        if secret.is_empty() {
            steps
                .push("no password was sent: set MYSQL_PASSWORD, MYSQL_PASSWORD_FILE or MYSQL_PASSWORD_COMMAND".into());
        } else if secret.contains(['\n', '\r']) {
            steps.push(format!("the password of {variable} holds a line break: remove it if it is not part of it"));
        } else if secret.trim() != secret {
            steps.push(format!("the password of {variable} begins or ends with white space: is that part of it?"));
        }
        steps.push(format!("check MYSQL_USER and {variable}, and from which hosts the account may come"));
        match self.tls {
            Some(false) => steps.push(
                "this connection was without TLS, and an account with REQUIRE SSL is refused like this: \
                 MYSQL_SSL_MODE=required"
                    .into(),
            ),
            _ if self.settings.client_certificate.is_none() => steps
                .push("an account with REQUIRE X509 is refused like this too: MYSQL_SSL_CERT and MYSQL_SSL_KEY".into()),
            _ => steps.push("an account with REQUIRE SUBJECT or ISSUER wants those of MYSQL_SSL_CERT".into()),
        }
        steps.join("; ")
    }
}

/// The plugin that sqlx names: one that it does not know, or that it was not allowed to use.
fn plugin(text: &str) -> Option<String> {
    const ACCOUNT: &str = "make an account with a password for bqsync, `CREATE USER ... IDENTIFIED BY '...'`: it logs in \
                           with mysql_native_password, caching_sha2_password and sha256_password";
    if text.contains("cleartext_plugin disabled") {
        return Some(format!("the account's plugin wants the password as it is: {CLEAR}"));
    }
    let (_, name) = text.split_once("unknown authentication plugin: ")?;
    let name = name.split([' ', '(']).next().unwrap_or_default();
    let what = match name {
        "client_ed25519" => "ed25519 (MariaDB)",
        "parsec" => "PARSEC (MariaDB)",
        "dialog" => "PAM (MariaDB)",
        "auth_gssapi_client" | "authentication_kerberos_client" | "authentication_windows_client" => "Kerberos",
        "authentication_ldap_sasl_client" => "LDAP with SASL",
        "authentication_webauthn_client" | "authentication_fido_client" => "a security key",
        "authentication_openid_connect_client" => "OpenID Connect",
        _ => return Some(format!("the server, or the account, wants another plugin: {ACCOUNT}")),
    };
    Some(format!("the account logs in by {what}, which bqsync cannot do: {ACCOUNT}"))
}

/// How to allow a password to be sent in clear.
const CLEAR: &str = "if you want that (IAM tokens, PAM, LDAP), set MYSQL_SSL_MODE=verify_identity, MYSQL_SSL_CA and \
                     MYSQL_ENABLE_CLEARTEXT_PLUGIN=1";

/// The fault for a server that asks for the password in clear without proof that it is the right one.
pub fn clear_password(sentence: &str, place: &str) -> Fault {
    let sentence = format!(
        "{sentence}: the server asks for the password in clear text (mysql_clear_password), and nothing proves that it \
         is the right server; the password was not sent"
    );
    Fault::new(FaultKind::Auth, sentence).with_hint(format!("{CLEAR}; if not, find out what answers at {place}"))
}

/// The fault for a server that `ssh` cannot reach, although `ssh` itself is connected.
pub fn behind_ssh(sentence: &str, said: &str, settings: &MysqlSettings) -> Fault {
    let MysqlSettings { host, port, ssh, .. } = settings;
    let destination = ssh.as_deref().unwrap_or_default();
    let sentence = format!("{sentence}: ssh says: {said}");
    if said.contains("administratively prohibited") {
        let hint =
            format!("let {destination} forward to {host}:{port} (AllowTcpForwarding, PermitOpen in its sshd_config)");
        return Fault::new(FaultKind::Auth, sentence).with_hint(hint);
    }
    let hint = format!("MYSQL_HOST and MYSQL_PORT are as seen from {destination}: see that it reaches {host}:{port}");
    Fault::new(FaultKind::Transient, sentence).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::{ClientCertificate, PasswordSource, SslMode};

    fn settings(password: PasswordSource) -> MysqlSettings {
        MysqlSettings {
            source: None,
            host: "db".into(),
            port: 3306,
            socket: None,
            user: "etl".into(),
            password,
            database: "shop".into(),
            ssl_mode: SslMode::Preferred,
            ssl_ca: None,
            client_certificate: None,
            clear_password: false,
            ssh: Some("ops@bastion".into()),
        }
    }

    #[test]
    fn a_denied_login_names_the_likely_causes() {
        let of = |password: &str, tls, settings: &MysqlSettings| {
            Refused { settings, secret: &Secret::new(password), tls }.denied()
        };
        let file = settings(PasswordSource::File("/run/secrets/pw".into()));
        let text = of("hunter2\n", Some(true), &file);
        assert!(text.starts_with("the password of MYSQL_PASSWORD_FILE holds a line break"), "{text}");
        assert!(!text.contains("hunter2") && text.contains("REQUIRE X509"), "{text}");
        assert!(of("hunter2 ", None, &file).contains("ends with white space"));
        let text = of("hunter2", Some(false), &file);
        assert!(text.starts_with("check MYSQL_USER and MYSQL_PASSWORD_FILE"), "{text}");
        assert!(text.contains("REQUIRE SSL") && !text.contains("X509"), "{text}");
        assert!(of("", None, &settings(PasswordSource::Nowhere)).starts_with("no password was sent"));
        let certificate = Some(ClientCertificate { certificate: "c".into(), key: "k".into() });
        let with = MysqlSettings { client_certificate: certificate, ..file };
        let text = of("hunter2", Some(true), &with);
        assert!(text.contains("REQUIRE SUBJECT") && !text.contains("X509"), "{text}");
    }

    #[test]
    fn an_unusable_plugin_is_named_with_a_remedy() {
        let hint = |name: &str| plugin(&format!("unexpected: unknown authentication plugin: {name} (sqlx)")).unwrap();
        for (name, word) in
            [("client_ed25519", "ed25519"), ("parsec", "PARSEC"), ("dialog", "PAM"), ("other", "another")]
        {
            let hint = hint(name);
            assert!(hint.contains(word) && hint.contains("IDENTIFIED BY"), "{hint}");
        }
        let hint = plugin("unexpected: mysql_cleartext_plugin disabled").unwrap();
        assert!(hint.contains("verify_identity"), "{hint}");
        assert_eq!(plugin("Packet empty"), None);
    }

    #[test]
    fn a_server_behind_ssh_is_reported_as_down_or_forbidden() {
        let settings = settings(PasswordSource::Nowhere);
        let fault = behind_ssh("No", "channel 1: open failed: connect failed: Connection refused", &settings);
        assert_eq!(fault.kind(), FaultKind::Transient);
        assert!(fault.hint().contains("as seen from ops@bastion"), "{}", fault.hint());
        let fault = behind_ssh("No", "channel 1: open failed: administratively prohibited: open failed", &settings);
        assert_eq!(fault.kind(), FaultKind::Auth);
    }
}
