//! Sorts errors of sqlx and of the server by kind; the kind alone decides what the engine does.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use sqlx::mysql::MySqlDatabaseError;

use super::harmless;
use super::wire::Refusal;
use super::{foreign, limits, tls};
use crate::domain::fault::{Fault, FaultKind};
use crate::{trust, unreached};

/// A fault with the given sentence; the error decides its kind, and its hint where there is one. The server's words are
/// kept only where they cannot quote a row's value.
pub fn from_sqlx(error: sqlx::Error, sentence: impl Into<String>) -> Fault {
    fault(error, sentence, harmless::is_harmless)
}

fn fault(error: sqlx::Error, sentence: impl Into<String>, shows: fn(u16) -> bool) -> Fault {
    let (kind, hint) = classify(&error);
    let number = number(&error);
    let is_full = number.is_some_and(is_about_connections) && kind == FaultKind::Transient;
    let fault = Fault::new(kind, sentence);
    let fault = match error {
        sqlx::Error::Database(database) if is_full => fault.caused_by(Full(database.to_string())),
        sqlx::Error::Database(_) if number.is_some_and(|number| !shows(number)) => {
            let number = number.unwrap_or_default();
            fault.caused_by(format!("error {number}, whose words may quote a value and are left out here"))
        }
        // The server's own words, without sqlx's prefix.
        sqlx::Error::Database(database) => fault.caused_by(database.to_string()),
        sqlx::Error::Io(io) => fault.caused_by(in_words(&io)),
        sqlx::Error::Tls(error) => fault.caused_by(in_words(error.as_ref())),
        sqlx::Error::Protocol(text) => fault.caused_by(text),
        other => fault.caused_by(other),
    };
    fault.with_hint_if_any(hint)
}

/// The reason why a connection failed, without the words of libraries.
fn in_words(error: &(dyn Error + 'static)) -> String {
    trust::refused(error, "the server").map_or_else(|| unreached::why(error), |fault| fault.to_string())
}

/// The fault for an error during the login.
pub fn from_login(error: sqlx::Error, sentence: impl Into<String>) -> Fault {
    if !matches!(number(&error), Some(1045 | 1698)) {
        // No row has been read.
        return fault(error, sentence, |_| true);
    }
    let fault = Fault::new(FaultKind::Auth, sentence);
    match error {
        sqlx::Error::Database(database) => fault.caused_by(database.to_string()),
        other => fault.caused_by(other),
    }
}

/// The server has no free connection, for any account or for this one; in its own words.
#[derive(Debug)]
struct Full(String);

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Full {}

/// Whether a connection was refused because too many are open. A caller may go on with the connections it has.
pub fn is_full(fault: &Fault) -> bool {
    fault.source().is_some_and(<dyn Error>::is::<Full>)
}

/// Limits on connections: the server's for all accounts, the server's for each account, and the account's own (a number
/// that also stands for limits by the hour).
const fn is_about_connections(number: u16) -> bool {
    matches!(number, 1040 | 1203 | 1226)
}

/// Errors about a value in an expression of a view or a filter. 1644 is raised by a stored function.
const fn is_about_a_value(number: u16) -> bool {
    matches!(
        number,
        1292 | 1366 | 1367 | 1411 | 1525 | 1644 | 1690 | 1772 | 1918 | 3140..=3146 | 3616 | 3617 | 3732 | 4163 | 6138
    )
}

/// The server's error number, if the error came from the server.
pub fn number(error: &sqlx::Error) -> Option<u16> {
    let database = error.as_database_error()?;
    let ours = || database.try_downcast_ref::<Refusal>().map(|refusal| refusal.number);
    database.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number).or_else(ours)
}

fn classify(error: &sqlx::Error) -> (FaultKind, Option<Cow<'static, str>>) {
    let (kind, hint) = match error {
        sqlx::Error::Database(database) => match number(error) {
            Some(1226) => return limits::judged(database.message()),
            Some(number) => by_number(number, &database.code().unwrap_or_default(), database.message()),
            None => (FaultKind::Bug, None),
        },
        sqlx::Error::Io(error) if foreign::is_foreign(error) => (FaultKind::Config, Some(foreign::hint(error))),
        sqlx::Error::Io(error) if foreign::is_bug(error) => (FaultKind::Bug, None),
        sqlx::Error::Io(error) if refuses_certificate(error) => (FaultKind::Config, Some(tls::hint(error))),
        sqlx::Error::Io(_) => (
            FaultKind::Transient,
            Some("see that the server is up and no firewall is in between, and check how it is reached: MYSQL_*"),
        ),
        sqlx::Error::Tls(source) => by_tls(source.as_ref()),
        // sqlx's error for a server that speaks another protocol or asks for a plugin that sqlx does not know.
        sqlx::Error::Protocol(text) if text.contains("plugin") => {
            (FaultKind::Auth, Some("let the account use caching_sha2_password or mysql_native_password"))
        }
        sqlx::Error::Protocol(text) if text.contains("column type") => {
            (FaultKind::Schema, Some("a column is of a type this version cannot read: name it in `exclude`"))
        }
        // The words of the crate that seals passwords with the server's key: 213 bytes go into one of 2048 bits.
        sqlx::Error::Protocol(text) if text.contains("message too long") => (
            FaultKind::Auth,
            Some(
                "the password is too long for the server's key, which seals it where there is no TLS: MYSQL_SSL_MODE=required, or a shorter password",
            ),
        ),
        // The stream was cut off in the middle of a packet.
        sqlx::Error::Protocol(_) => (FaultKind::Transient, None),
        sqlx::Error::Configuration(_) => (FaultKind::Config, None),
        _ => (FaultKind::Bug, None),
    };
    (kind, hint.map(Cow::Borrowed))
}

const DEFINER_GONE: &str =
    "create that account again, or give the view another definer: ALTER DEFINER = <account> VIEW ...";

/// A certificate that rustls refuses comes as an error of the socket.
fn refuses_certificate(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some())
}

/// A refused certificate is refused again; a handshake that was cut off may succeed the next time.
fn by_tls(source: &(dyn std::error::Error + Send + Sync + 'static)) -> (FaultKind, Option<&'static str>) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
    let cut_off = source
        .downcast_ref::<std::io::Error>()
        .is_some_and(|io| matches!(io.kind(), ConnectionAborted | ConnectionReset | TimedOut | UnexpectedEof));
    if cut_off { (FaultKind::Transient, None) } else { (FaultKind::Config, Some(tls::hint(source))) }
}

/// Sorts by the error numbers of MySQL and MariaDB, then by the class of the SQLSTATE.
/// Source: "Server Error Message Reference" of MySQL, "MariaDB Error Codes".
fn by_number(number: u16, sqlstate: &str, message: &str) -> (FaultKind, Option<&'static str>) {
    use FaultKind::{Auth, Bug, Config, Data, Schema, Transient};
    match number {
        1130 => (Auth, Some("the server takes no connections from this host: create the account for it")),
        1044 => (
            Auth,
            Some(
                "see that the database is spelt as MySQL spells it: of one that does not exist MySQL says the same; else let the \
                 account in: GRANT SELECT ON <database>.* TO <account>",
            ),
        ),
        1142 | 1143 | 1227 | 1370 => (Auth, Some("grant the account SELECT on the table")),
        1251 | 1524 | 2059 | 2061 => (Auth, Some("let the account use caching_sha2_password or mysql_native_password")),
        1275 => (
            Auth,
            Some(
                "the account's password is kept in the format of MySQL 4.0: set it anew, SET PASSWORD FOR <account> = PASSWORD('...')",
            ),
        ),
        1820 | 1862 => (Auth, Some("the account's password has expired: set a new one")),
        3118 | 4151 => (Auth, Some("the account is locked: ALTER USER <account> ACCOUNT UNLOCK")),
        3159 => (Auth, Some("the server takes no connection without TLS: MYSQL_SSL_MODE=required")),
        1049 => (Config, Some("check MYSQL_DATABASE, and that the account may see that database")),
        1129 => (Config, Some("the server has blocked this host after failed connections: FLUSH HOSTS there")),
        // Something was dropped or changed between describe and read: table, column, view, storage, definition.
        1051 | 1054 | 1109 | 1146 | 1347 | 1356 | 1412 | 1932 => (Schema, None),
        // The account that a view (or a function in it) reads with no longer exists; after the login, 1045 means the
        // same.
        1045 | 1449 | 1698 => (Schema, Some(DEFINER_GONE)),
        1040 => (
            Transient,
            Some(
                "the server has no connection to spare: lower `readers` or `concurrency`, or raise its max_connections",
            ),
        ),
        1203 => (Transient, Some(limits::NO_CONNECTION_OF_OURS)),
        1461 => (
            Transient,
            Some("the server holds as many prepared statements as it may: raise its max_prepared_stmt_count"),
        ),
        1184 if message.contains("init_connect") => {
            (Config, Some("the server's init_connect fails for this account: correct it there, or grant what it needs"))
        }
        // Out of sort memory, disk full, lock waits, deadlocks, shutdown, killed, interrupted or timed out statements,
        // broken packets, a cluster node that is not ready, idle disconnects.
        1021
        | 1037
        | 1038
        | 1041
        | 1047
        | 1053
        | 1077..=1079
        | 1152
        | 1154..=1161
        | 1184
        | 1189
        | 1190
        | 1205
        | 1206
        | 1213
        | 1317
        | 1615
        | 1927
        | 1969
        | 2002
        | 2003
        | 2006
        | 2013
        | 2055
        | 3024
        | 3168
        | 3169
        | 4031 => (Transient, None),
        1153 => (Data, Some("a row exceeds the server's max_allowed_packet: raise it there")),
        number if is_about_a_value(number) => (
            Data,
            Some(
                "an expression of the view fails on a row: run its SELECT in MySQL to see which, and mend the row or the view",
            ),
        ),
        1064 => (Bug, None),
        _ => match sqlstate.get(..2) {
            Some("08" | "40" | "70") => (Transient, None),
            Some("22") => (Data, None),
            Some("28") => (Auth, None),
            Some("42") => (Schema, None),
            // Storage engines report errors of the layers below them without a class; these may be temporary.
            _ => (Transient, None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_logins_and_missing_rights_are_never_retried() {
        for number in [1044, 1251, 1142, 1143, 1275, 1524, 3118, 3159] {
            assert_eq!(by_number(number, "HY000", "").0, FaultKind::Auth, "{number}");
        }
    }

    #[test]
    fn temporary_errors_are_transient() {
        for number in [1040, 1053, 1205, 1213, 1317, 1927, 2006, 2013, 4031] {
            assert_eq!(by_number(number, "HY000", "").0, FaultKind::Transient, "{number}");
        }
        assert_eq!(by_number(9999, "08S01", "").0, FaultKind::Transient);
        assert_eq!(from_sqlx(sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into()), "x").kind(), FaultKind::Transient);
    }

    #[test]
    fn a_refused_certificate_is_a_configuration_fault_and_a_cut_handshake_is_not() {
        let refused = std::io::Error::new(std::io::ErrorKind::InvalidData, "invalid peer certificate");
        assert_eq!(from_sqlx(sqlx::Error::Tls(refused.into()), "x").kind(), FaultKind::Config);
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let refused = std::io::Error::other(refused);
        assert_eq!(from_sqlx(sqlx::Error::Io(refused), "x").kind(), FaultKind::Config);
        let cut: std::io::Error = std::io::ErrorKind::ConnectionReset.into();
        assert_eq!(from_sqlx(sqlx::Error::Tls(cut.into()), "x").kind(), FaultKind::Transient);
    }

    #[test]
    fn the_text_of_an_error_that_quotes_a_value_is_left_out() {
        let refusal =
            |number, message: &str| Refusal { number, state: "HY000".to_owned(), message: message.to_owned() };
        let quoting = refusal(1411, "Incorrect string value: '4111secret' for function uuid_to_bin");
        let fault = from_sqlx(quoting.into(), "Reading v failed");
        assert_eq!(fault.kind(), FaultKind::Data);
        assert_eq!(
            fault.to_string(),
            "Reading v failed: error 1411, whose words may quote a value and are left out here"
        );
        for number in [1105, 6138, 9999] {
            let unknown = from_sqlx(refusal(number, "'4111secret' is wrong").into(), "Reading v failed");
            assert!(!unknown.to_string().contains("4111"), "{unknown}");
            let login = from_login(refusal(number, "Max connect timeout reached").into(), "Connecting failed");
            assert!(login.to_string().ends_with("Max connect timeout reached"), "{login}");
        }
        let plain = from_sqlx(refusal(1030, "Got error 28").into(), "Reading v failed");
        assert!(plain.to_string().ends_with("1030 (HY000): Got error 28"), "{plain}");
    }

    #[test]
    fn a_missing_table_or_column_is_a_schema_fault() {
        assert_eq!(by_number(1146, "42S02", "").0, FaultKind::Schema);
        assert_eq!(by_number(1054, "42S22", "").0, FaultKind::Schema);
        // A view's definer is missing: an administrator is told so, other accounts get the error for a wrong password.
        for number in [1045, 1356, 1449] {
            assert_eq!(by_number(number, "HY000", "").0, FaultKind::Schema, "{number}");
        }
        assert_eq!(by_number(1049, "42000", "").0, FaultKind::Config);
    }
}
