//! Connection settings: only from the environment and `.env`, so that config.yaml can be shared.
//!
//! Messages name variables and never show their values: a password pasted into the wrong line must not reach a log.

use std::path::PathBuf;

use super::access::{BigQuerySettings, ClientCertificate, MysqlSettings, PasswordSource, SslMode, StorageSettings};
use super::interpolate::Env;
use super::path;
use super::problem::Problem;
use super::read::nearest;
use crate::domain::secret::Secret;

/// Source: RFC 1035, with a port behind it.
const LONGEST_HOST: usize = 260;

const SSL_MODES: [(&str, SslMode); 5] = [
    ("disabled", SslMode::Disabled),
    ("preferred", SslMode::Preferred),
    ("required", SslMode::Required),
    ("verify_ca", SslMode::VerifyCa),
    ("verify_identity", SslMode::VerifyIdentity),
];

/// Reads `MYSQL_*`.
///
/// # Errors
/// Every variable that is missing or not valid.
pub fn mysql_settings(env: Env<'_>) -> Result<MysqlSettings, Vec<Problem>> {
    let mut problems = Vec::new();
    let (host, port) = host_and_port(env, &mut problems);
    let user = required(env, "MYSQL_USER", "set the account that reads the tables", &mut problems);
    let database = required(env, "MYSQL_DATABASE", "set the database that the tables are in", &mut problems);
    let password = password(env, &mut problems);
    let ssl_ca = optional_file(env, "MYSQL_SSL_CA", &mut problems);
    let ssl_mode = ssl_mode(env, ssl_ca.is_some(), &mut problems);
    let client_certificate = client_certificate(env, ssl_mode, &mut problems);
    let clear_password = clear_password(env, ssl_mode, &password, &mut problems);
    let socket = optional_file(env, "MYSQL_SOCKET", &mut problems);
    let ssh = ssh(env, socket.is_some(), &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(MysqlSettings {
        source: None,
        host,
        port,
        socket,
        user,
        password,
        database,
        ssl_mode,
        ssl_ca,
        client_certificate,
        clear_password,
        ssh,
    })
}

fn host_and_port(env: Env<'_>, problems: &mut Vec<Problem>) -> (String, u16) {
    let host = text(env, "MYSQL_HOST").unwrap_or_else(|| "localhost".to_owned());
    if !is_host(&host) {
        problems.push(problem(
            "MYSQL_HOST is not a host's name",
            "write the name or address alone, without `mysql://`, account or password",
        ));
    }
    (host, port(env, problems))
}

/// Only one source is allowed: with two, an old password could stay in use for years beside the one that is rotated.
fn password(env: Env<'_>, problems: &mut Vec<Problem>) -> PasswordSource {
    // A password may begin or end with a space.
    let written = env("MYSQL_PASSWORD").filter(|value| !value.is_empty()).map(Secret::new);
    let sources: Vec<_> = [
        written.map(PasswordSource::Variable),
        optional_file(env, "MYSQL_PASSWORD_FILE", problems).map(PasswordSource::File),
        text(env, "MYSQL_PASSWORD_COMMAND").map(Secret::new).map(PasswordSource::Command),
    ]
    .into_iter()
    .flatten()
    .collect();
    if sources.len() > 1 {
        let names: Vec<_> = sources.iter().filter_map(PasswordSource::variable).collect();
        problems.push(problem(
            &format!("{} are set, but there is only one password", names.join(" and ")),
            "keep one of them, here and in the environment; an empty value counts as not set",
        ));
    }
    sources.into_iter().next().unwrap_or(PasswordSource::Nowhere)
}

fn client_certificate(env: Env<'_>, mode: SslMode, problems: &mut Vec<Problem>) -> Option<ClientCertificate> {
    let certificate = optional_file(env, "MYSQL_SSL_CERT", problems);
    let key = optional_file(env, "MYSQL_SSL_KEY", problems);
    let missing = match (&certificate, &key) {
        (None, None) => return None,
        (Some(_), None) => Some(("MYSQL_SSL_KEY", "name the PEM file with the private key of MYSQL_SSL_CERT")),
        (None, Some(_)) => Some(("MYSQL_SSL_CERT", "name the PEM file with the certificate of MYSQL_SSL_KEY")),
        (Some(_), Some(_)) => None,
    };
    if let Some((name, hint)) = missing {
        problems.push(problem(&format!("{name} is not set"), hint));
    }
    if mode == SslMode::Disabled {
        problems.push(problem(
            "MYSQL_SSL_CERT is set, but MYSQL_SSL_MODE=disabled shows no certificate to the server",
            "set MYSQL_SSL_MODE=required, or better verify_identity with MYSQL_SSL_CA",
        ));
    }
    Some(ClientCertificate { certificate: certificate?, key: key? })
}

/// Tells if the password may be sent in clear. By default it may if a command gives it, such as a cloud's IAM token,
/// and the server's certificate is verified.
fn clear_password(env: Env<'_>, mode: SslMode, from: &PasswordSource, problems: &mut Vec<Problem>) -> bool {
    const NAME: &str = "MYSQL_ENABLE_CLEARTEXT_PLUGIN";
    let Some(written) = text(env, NAME) else {
        return mode.verifies() && matches!(from, PasswordSource::Command(_));
    };
    let wanted = match written.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => true,
        "0" | "false" | "no" | "off" => false,
        _ => {
            problems.push(problem(&format!("{NAME} is not a yes or no"), "write 1 or 0"));
            return false;
        }
    };
    if wanted && !mode.verifies() {
        problems.push(problem(
            &format!("{NAME} needs a server whose certificate is verified: anyone else could ask for the password"),
            "set MYSQL_SSL_MODE=verify_identity (or verify_ca), with MYSQL_SSL_CA",
        ));
    }
    wanted
}

/// Reads the `ssh` destination; refuses one that `ssh` would take for an option, or a shell for two words.
fn ssh(env: Env<'_>, has_socket: bool, problems: &mut Vec<Problem>) -> Option<String> {
    let destination = text(env, "MYSQL_SSH")?;
    // ssh takes no password there, and messages show the destination.
    let account = destination.trim_start_matches("ssh://").rsplit_once('@').map(|(account, _)| account);
    let has_password = account.is_some_and(|account| account.contains(':'));
    let has_breaks = destination.contains(|c: char| c.is_whitespace() || c.is_control());
    if destination.starts_with('-') || has_breaks || has_password {
        problems.push(problem(
            "MYSQL_SSH is not a destination of ssh",
            "write `user@host` or a Host of ~/.ssh/config alone; options such as the port belong in that file",
        ));
    }
    if has_socket {
        problems.push(problem(
            "MYSQL_SSH and MYSQL_SOCKET are both set",
            "keep MYSQL_SSH, and say with MYSQL_HOST and MYSQL_PORT where the server is as seen from there",
        ));
    }
    Some(destination)
}

/// Tells if the text is a host. An IPv6 address has colons. A URL may contain a password beside the host, and messages
/// show the host.
fn is_host(host: &str) -> bool {
    host.len() <= LONGEST_HOST && host.chars().all(|c| c.is_alphanumeric() || "-_.:%[]".contains(c))
}

fn port(env: Env<'_>, problems: &mut Vec<Problem>) -> u16 {
    let Some(written) = text(env, "MYSQL_PORT") else { return 3306 };
    match written.parse() {
        Ok(port) if port > 0 => return port,
        // Kubernetes sets NAME_PORT in every pod for each Service, in the manner of Docker's links.
        _ if written.starts_with("tcp://") => problems.push(problem(
            "MYSQL_PORT is not a port's number but the address of a Kubernetes Service named `mysql`",
            "set `enableServiceLinks: false` in the pod's spec, or MYSQL_PORT in the container's `env`",
        )),
        _ => {
            problems.push(problem("MYSQL_PORT is not a port's number", "write a number from 1 to 65535, such as 3306"));
        }
    }
    0
}

/// The TLS mode, with the default of MySQL's own clients: naming an authority asks for verification.
fn ssl_mode(env: Env<'_>, has_ca: bool, problems: &mut Vec<Problem>) -> SslMode {
    let default = if has_ca { SslMode::VerifyCa } else { SslMode::Preferred };
    let Some(written) = text(env, "MYSQL_SSL_MODE") else { return default };
    let wanted = written.replace('-', "_");
    let found = SSL_MODES.iter().find(|(word, _)| word.eq_ignore_ascii_case(&wanted)).map(|(_, mode)| *mode);
    found.unwrap_or_else(|| {
        let words: Vec<_> = SSL_MODES.iter().map(|(word, _)| *word).collect();
        problems.push(problem("MYSQL_SSL_MODE is not a mode of MySQL", nearest(&wanted, &words)));
        default
    })
}

/// Reads `BIGQUERY_EMULATOR_HOST` and `GOOGLE_APPLICATION_CREDENTIALS`.
///
/// # Errors
/// An emulator address that is not valid, or a key in place of its file.
pub fn bigquery_settings(env: Env<'_>) -> Result<BigQuerySettings, Vec<Problem>> {
    let credentials = file_setting(env, "GOOGLE_APPLICATION_CREDENTIALS").map_err(|problem| vec![problem])?;
    Ok(BigQuerySettings { emulator: emulator(env, "BIGQUERY_EMULATOR_HOST", "localhost:9050")?, credentials })
}

/// Reads `STORAGE_EMULATOR_HOST`; the login is that of [`bigquery_settings`].
///
/// # Errors
/// An emulator address that is not valid.
pub fn storage_settings(env: Env<'_>) -> Result<StorageSettings, Vec<Problem>> {
    Ok(StorageSettings { emulator: emulator(env, "STORAGE_EMULATOR_HOST", "localhost:4443")? })
}

/// An address with or without a scheme, as Google's own clients take it.
fn emulator(env: Env<'_>, name: &str, example: &str) -> Result<Option<String>, Vec<Problem>> {
    let Some(written) = text(env, name) else { return Ok(None) };
    let (scheme, address) = written.split_once("://").unwrap_or(("http", &written));
    let address = address.trim_end_matches('/');
    let sound = matches!(scheme, "http" | "https") && !address.is_empty() && is_host(address);
    if !sound {
        let hint = format!("write `host:port` or `http://host:port`, such as `{example}`");
        return Err(vec![problem(&format!("{name} is not an address"), hint)]);
    }
    Ok(Some(format!("{scheme}://{address}")))
}

/// A problem. The message begins with the variable's name, so that a caller who knows where it was set can add the
/// place.
fn problem(message: &str, hint: impl Into<String>) -> Problem {
    Problem { file: "environment".to_owned(), line: None, message: message.to_owned(), hint: hint.into() }
}

/// The variable's text; an empty line in `.env` counts as unset.
fn text(env: Env<'_>, name: &str) -> Option<String> {
    env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A variable that names a file.
///
/// # Errors
/// The value is not a path; it may be the secret that belongs into the file, so it is not shown.
pub fn file_setting(env: Env<'_>, name: &str) -> Result<Option<PathBuf>, Problem> {
    let Some(written) = text(env, name) else { return Ok(None) };
    path::path(&written).map(Some).ok_or_else(|| problem(&format!("{name} is not the path of a file"), path::HINT))
}

fn optional_file(env: Env<'_>, name: &str, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    file_setting(env, name).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    })
}

fn required(env: Env<'_>, name: &str, what: &str, problems: &mut Vec<Problem>) -> String {
    let Some(value) = text(env, name) else {
        let hint = format!("{what}: `{name}=...` in `.env` or the environment");
        problems.push(problem(&format!("{name} is not set"), hint));
        return String::new();
    };
    // Many messages show accounts and databases; a URL contains the password.
    if value.contains("://") || value.contains(char::is_control) {
        problems.push(problem(&format!("{name} is not a name"), "write the name alone, not a URL"));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mysql(pairs: &[(&str, &str)]) -> Result<MysqlSettings, Vec<Problem>> {
        mysql_settings(&|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn mysql_settings_have_their_defaults() {
        let settings =
            mysql(&[("MYSQL_USER", "etl"), ("MYSQL_DATABASE", "shop"), ("MYSQL_PASSWORD", " #:${x} ")]).expect("fine");
        assert_eq!((settings.host.as_str(), settings.port, settings.ssl_mode), ("localhost", 3306, SslMode::Preferred));
        assert_eq!(settings.password, PasswordSource::Variable(Secret::new(" #:${x} ")));
        let base = [("MYSQL_USER", "etl"), ("MYSQL_DATABASE", "shop")];
        for (written, mode) in
            [("VERIFY-CA", SslMode::VerifyCa), ("Required", SslMode::Required), ("", SslMode::Preferred)]
        {
            assert_eq!(mysql(&[base[0], base[1], ("MYSQL_SSL_MODE", written)]).expect("fine").ssl_mode, mode);
        }
        assert_eq!(mysql(&[base[0], base[1], ("MYSQL_SSL_CA", "ca.pem")]).expect("fine").ssl_mode, SslMode::VerifyCa);
    }

    #[test]
    fn wrong_variables_are_named_and_their_values_are_not() {
        let secret = "hunter2";
        let problems =
            mysql(&[("MYSQL_PORT", secret), ("MYSQL_SSL_MODE", secret), ("MYSQL_HOST", "mysql://hunter2@x")])
                .expect_err("five problems");
        let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for name in ["MYSQL_PORT", "MYSQL_SSL_MODE", "MYSQL_HOST", "MYSQL_USER", "MYSQL_DATABASE"] {
            assert!(text.contains(&format!("environment: {name} is not")), "{text}");
        }
        assert!(!text.contains(secret), "{text}");
    }

    /// The settings of an account with these further variables, or the sentences about what is wrong.
    fn account(pairs: &[(&'static str, &'static str)]) -> Result<MysqlSettings, String> {
        let base = [("MYSQL_USER", "etl"), ("MYSQL_DATABASE", "shop")];
        let all: Vec<_> = base.iter().chain(pairs).copied().collect();
        mysql(&all).map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn a_password_has_one_source() {
        let from = |pairs: &[(&'static str, &'static str)]| account(pairs).expect("fine").password;
        assert_eq!(from(&[("MYSQL_PASSWORD", "")]), PasswordSource::Nowhere);
        assert_eq!(
            from(&[("MYSQL_PASSWORD", ""), ("MYSQL_PASSWORD_FILE", "/run/secrets/pw")]),
            PasswordSource::File("/run/secrets/pw".into())
        );
        assert_eq!(from(&[("MYSQL_PASSWORD_COMMAND", "pass db")]), PasswordSource::Command(Secret::new("pass db")));
        let all = ["MYSQL_PASSWORD", "MYSQL_PASSWORD_FILE", "MYSQL_PASSWORD_COMMAND"];
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let text = account(&[(all[one], "hunter2"), (all[other], "hunter2")]).unwrap_err();
            assert!(text.contains(&format!("{} and {} are set", all[one], all[other])), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        let settings = account(&[("MYSQL_PASSWORD_COMMAND", "vault --token hunter2")]).expect("fine");
        assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
    }

    #[test]
    fn a_client_certificate_needs_its_key_and_tls() {
        let pair = [("MYSQL_SSL_CERT", "c.pem"), ("MYSQL_SSL_KEY", "k.pem")];
        let found = account(&pair).expect("fine").client_certificate.expect("both");
        assert_eq!((found.certificate, found.key), ("c.pem".into(), "k.pem".into()));
        assert!(account(&pair[..1]).unwrap_err().contains("MYSQL_SSL_KEY is not set"));
        assert!(account(&pair[1..]).unwrap_err().contains("MYSQL_SSL_CERT is not set"));
        let text = account(&[pair[0], pair[1], ("MYSQL_SSL_MODE", "disabled")]).unwrap_err();
        assert!(text.contains("MYSQL_SSL_MODE=disabled shows no certificate"), "{text}");
    }

    #[test]
    fn an_unencrypted_password_is_allowed_only_for_a_verified_server() {
        let clear = |pairs: &[(&'static str, &'static str)]| account(pairs).map(|settings| settings.clear_password);
        let (verified, command) = (("MYSQL_SSL_MODE", "verify_ca"), ("MYSQL_PASSWORD_COMMAND", "token"));
        let asked = |answer| ("MYSQL_ENABLE_CLEARTEXT_PLUGIN", answer);
        assert_eq!(clear(&[]), Ok(false));
        assert_eq!(clear(&[command]), Ok(false));
        assert_eq!(clear(&[verified]), Ok(false));
        assert_eq!(clear(&[verified, command]), Ok(true));
        assert_eq!(clear(&[verified, command, asked("0")]), Ok(false));
        assert_eq!(clear(&[verified, asked("Yes")]), Ok(true));
        for mode in ["disabled", "preferred", "required"] {
            let text = clear(&[("MYSQL_SSL_MODE", mode), asked("1")]).unwrap_err();
            assert!(text.contains("verify_identity"), "{text}");
        }
        assert!(clear(&[verified, asked("maybe")]).unwrap_err().contains("not a yes or no"));
    }

    #[test]
    fn an_ssh_destination_must_be_one_word_and_not_an_option() {
        assert_eq!(account(&[("MYSQL_SSH", "ops@bastion")]).expect("fine").ssh.as_deref(), Some("ops@bastion"));
        for wrong in ["-oProxyCommand=id", "ops@bastion -p 22", "a\u{1b}b"] {
            assert!(account(&[("MYSQL_SSH", wrong)]).unwrap_err().contains("not a destination"), "{wrong}");
        }
        assert!(account(&[("MYSQL_SSH", "b"), ("MYSQL_SOCKET", "/s")]).unwrap_err().contains("both set"));
    }

    #[test]
    fn an_emulators_address_may_leave_out_its_scheme() {
        let with = |host: &'static str| {
            bigquery_settings(&move |name| (name == "BIGQUERY_EMULATOR_HOST").then(|| host.to_owned()))
        };
        for host in ["localhost:9050", "http://localhost:9050", "http://localhost:9050/"] {
            assert_eq!(with(host).expect("fine").emulator.as_deref(), Some("http://localhost:9050"));
        }
        assert_eq!(with("").expect("fine").emulator, None);
        for host in ["ftp://x", "http://", "a b", "host/path"] {
            assert!(with(host).is_err(), "{host}");
        }
    }
}
