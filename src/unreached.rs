//! Why a server was not reached, in words for an operator: those of libraries name their own parts.

use std::error::Error;
use std::io;

use crate::trust::causes;

/// The reason behind an error of a connection; the innermost text where the error is of no known kind.
#[must_use]
pub fn why(error: &(dyn Error + 'static)) -> String {
    if let Some(known) = causes(error).find_map(known) {
        return known.to_owned();
    }
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// The next step towards a server of Google's.
#[must_use]
pub fn hint(server: &str) -> String {
    format!("see that this machine reaches {server}, by itself or through the proxy that HTTPS_PROXY names")
}

/// Host and port of an address, for messages; the port only where it is not the scheme's own.
#[must_use]
pub fn server(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn known(cause: &(dyn Error + 'static)) -> Option<&'static str> {
    use io::ErrorKind as Kind;
    match cause.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidMessage(_)) => return Some("it does not speak TLS on that port"),
        Some(_) => return None,
        None => {}
    }
    let error = cause.downcast_ref::<io::Error>()?;
    let is_the_systems = error.raw_os_error().is_some();
    Some(match error.kind() {
        Kind::UnexpectedEof => "the connection was cut off",
        Kind::ConnectionRefused if is_the_systems => "the connection is refused: nothing listens there",
        Kind::TimedOut if is_the_systems => "no answer in time",
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::NotConnected if is_the_systems => {
            "the connection was cut off"
        }
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable
            if is_the_systems =>
        {
            "there is no way to it from this machine"
        }
        _ => return name(&error.to_string()),
    })
}

/// The standard library tells a failed look-up by its text alone.
fn name(text: &str) -> Option<&'static str> {
    let said = text.strip_prefix("failed to lookup address information: ")?;
    // The words of glibc, of macOS and of musl.
    let is_unknown = [
        "not known",
        "No address associated",
        "nodename nor servname",
        "Name does not resolve",
        "Name has no usable address",
    ];
    Some(if is_unknown.iter().any(|words| said.contains(words)) {
        "no host has this name (DNS)"
    } else {
        "its name cannot be looked up (DNS) at the moment"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_in_words_and_of_the_systems_numbers_nothing_is_left() {
        let refused = io::Error::from_raw_os_error(111);
        let wrapped = io::Error::other(io::Error::other(refused));
        assert_eq!(why(&wrapped), "the connection is refused: nothing listens there");
        let named = |text: &str| why(&io::Error::other(format!("failed to lookup address information: {text}")));
        assert_eq!(named("Name or service not known"), "no host has this name (DNS)");
        assert!(named("Temporary failure in name resolution").contains("at the moment"));
        // musl's.
        for unknown in ["Name does not resolve", "Name has no usable address"] {
            assert_eq!(named(unknown), "no host has this name (DNS)");
        }
        assert!(named("Try again").contains("at the moment"));
        let eof = io::Error::new(io::ErrorKind::UnexpectedEof, "expected to read 4 bytes, got 0 bytes at EOF");
        assert_eq!(why(&eof), "the connection was cut off");
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        assert!(why(&io::Error::other(plain)).contains("does not speak TLS"));
    }

    #[test]
    fn words_of_our_own_are_kept() {
        let own = io::Error::new(io::ErrorKind::TimedOut, "the server no longer has it");
        assert_eq!(why(&own), "the server no longer has it");
    }

    #[test]
    fn a_server_is_named_with_the_port_that_is_not_usual() {
        let named = |url: &str| server(&url.parse().unwrap());
        assert_eq!(named("https://bigquery.googleapis.com/x"), "bigquery.googleapis.com");
        assert_eq!(named("http://127.0.0.1:9050/x"), "127.0.0.1:9050");
    }
}
