//! Connection settings: from the environment and `.env` alone, so that config.yaml can be shared.
//!
//! Messages name variables and never show their values: a password pasted into the wrong line must not reach a log.

use std::path::PathBuf;

use super::interpolate::Env;
use super::path;
use super::read::nearest;
use super::{BigQuerySettings, MysqlSettings, Problem, SslMode, StorageSettings};
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
/// Every variable that is missing or cannot be meant.
pub fn mysql_settings(env: Env<'_>) -> Result<MysqlSettings, Vec<Problem>> {
    let mut problems = Vec::new();
    let socket = optional_file(env, "MYSQL_SOCKET", &mut problems);
    let host = text(env, "MYSQL_HOST").unwrap_or_else(|| "localhost".to_owned());
    if !is_host(&host) {
        problems.push(problem(
            "MYSQL_HOST is not a host's name",
            "write the name or address alone, without `mysql://`, account or password",
        ));
    }
    let port = port(env, &mut problems);
    let user = required(env, "MYSQL_USER", "set the account that reads the tables", &mut problems);
    let database = required(env, "MYSQL_DATABASE", "set the database that the tables are in", &mut problems);
    let ssl_ca = optional_file(env, "MYSQL_SSL_CA", &mut problems);
    let ssl_mode = ssl_mode(env, ssl_ca.is_some(), &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    // A password may begin or end with a space.
    let password = Secret::new(env("MYSQL_PASSWORD").unwrap_or_default());
    Ok(MysqlSettings { host, port, socket, user, password, database, ssl_mode, ssl_ca })
}

/// An address of IPv6 has colons. What a URL has beside the host may be a password, and a host's name is shown.
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

/// As MySQL's own clients: naming an authority asks for it to be checked.
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
/// An emulator's address that is none, a key in the place of its file.
pub fn bigquery_settings(env: Env<'_>) -> Result<BigQuerySettings, Vec<Problem>> {
    let credentials = file_setting(env, "GOOGLE_APPLICATION_CREDENTIALS").map_err(|problem| vec![problem])?;
    Ok(BigQuerySettings { emulator: emulator(env, "BIGQUERY_EMULATOR_HOST", "localhost:9050")?, credentials })
}

/// Reads `STORAGE_EMULATOR_HOST` and `GOOGLE_APPLICATION_CREDENTIALS`.
///
/// # Errors
/// As [`bigquery_settings`].
pub fn storage_settings(env: Env<'_>) -> Result<StorageSettings, Vec<Problem>> {
    let credentials = file_setting(env, "GOOGLE_APPLICATION_CREDENTIALS").map_err(|problem| vec![problem])?;
    Ok(StorageSettings { emulator: emulator(env, "STORAGE_EMULATOR_HOST", "localhost:4443")?, credentials })
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

/// The message begins with the variable's name, by which whoever knows where it was set puts the place in.
fn problem(message: &str, hint: impl Into<String>) -> Problem {
    Problem { file: "environment".to_owned(), line: None, message: message.to_owned(), hint: hint.into() }
}

/// An empty line in `.env` means the same as none.
fn text(env: Env<'_>, name: &str) -> Option<String> {
    env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A variable that names a file.
///
/// # Errors
/// Its value cannot be a path; it may be the secret that the file holds, so it is not shown.
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
    // An account or a database is shown in many messages; a URL has the password in it.
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
        assert_eq!(settings.password.expose(), " #:${x} ");
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
