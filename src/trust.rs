//! Refused certificates, in words for an operator.
//!
//! A certificate that this machine does not trust is refused however often it is tried: this is a fault of the
//! configuration, not of the network.

use std::error::Error;
use std::{fmt, io};

use rustls::CertificateError;

use crate::domain::fault::{Fault, FaultKind};

const TRUST_HINT: &str = "if a proxy on the way opens TLS, put its authority's certificate beside the system's \
                          (/usr/local/share/ca-certificates, then `update-ca-certificates`), or set SSL_CERT_FILE to a \
                          PEM file of the authorities to trust";

const CLOCK_HINT: &str = "compare this machine's clock with another one's (`date -u`); if it is right, whoever keeps that \
                          server or the proxy on the way must renew the certificate";

/// The fault of a connection whose certificate was refused; `None`: it failed for another reason. `server`: the host,
/// or a description of it for the reader.
#[must_use]
pub fn refused(error: &(dyn Error + 'static), server: &str) -> Option<Fault> {
    let refused = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    let rustls::Error::InvalidCertificate(why) = refused else { return None };
    let (why, hint) = in_words(why);
    let sentence = format!("the certificate of {server} is refused: {why}");
    Some(Fault::new(FaultKind::Config, sentence).with_hint(hint))
}

fn in_words(why: &CertificateError) -> (String, &'static str) {
    match why {
        // The second error: an authority of the same name is trusted, but not this one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            ("this machine does not trust the authority that signed it".to_owned(), TRUST_HINT)
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("by this machine's clock it has expired".to_owned(), CLOCK_HINT)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("by this machine's clock it is not valid yet".to_owned(), CLOCK_HINT)
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("it is for another name".to_owned(), "see what answers there in its place: a proxy, or a wrong DNS entry")
        }
        other => (other.to_string(), TRUST_HINT),
    }
}

/// The fault of a client that cannot be built. The only cause seen so far is a machine that trusts no authority at all.
/// `what` begins the sentence: `Preparing the connection to BigQuery failed`.
#[must_use]
pub fn unprepared(error: impl Error + Send + Sync + 'static, what: impl fmt::Display) -> Fault {
    let trusts_nobody = causes(&error).any(|cause| cause.to_string().contains("No CA certificates"));
    if !trusts_nobody {
        return Fault::new(FaultKind::Config, what.to_string()).caused_by(error);
    }
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .find_map(|name| Some((name, std::env::var(name).ok().filter(|value| !value.is_empty())?)));
    let (why, hint) = match named {
        Some((name, value)) => (
            format!("{name} is {value}, where no certificate can be read"),
            format!("correct {name}, or unset it to trust the system's authorities"),
        ),
        None => (
            "this machine has no certificates of authorities, so that no server can be trusted".to_owned(),
            "install the package `ca-certificates`, or set SSL_CERT_FILE to a PEM file of the authorities to trust"
                .to_owned(),
        ),
    };
    Fault::new(FaultKind::Config, format!("{what}: {why}")).with_hint(hint)
}

/// An error and all its causes; `source` of an `io::Error` skips the error inside it.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| underneath(error))
}

fn underneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inside) => Some(inside),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(why: CertificateError) -> Option<Fault> {
        let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(why));
        refused(&io::Error::other(error), "bigquery.googleapis.com")
    }

    #[test]
    fn a_refused_certificate_is_a_configuration_fault_with_the_fitting_remedy() {
        for (why, words, remedy) in [
            (CertificateError::UnknownIssuer, "does not trust the authority", "SSL_CERT_FILE"),
            (CertificateError::Expired, "has expired", "date -u"),
            (CertificateError::NotValidYet, "not valid yet", "date -u"),
            (CertificateError::NotValidForName, "another name", "proxy"),
            (CertificateError::BadSignature, "does not trust the authority", "SSL_CERT_FILE"),
            (CertificateError::BadEncoding, "refused", "SSL_CERT_FILE"),
        ] {
            let fault = of(why).unwrap();
            assert_eq!(fault.kind(), FaultKind::Config);
            assert!(
                fault.to_string().contains(words) && fault.to_string().contains("bigquery.googleapis.com"),
                "{fault}"
            );
            assert!(fault.hint().contains(remedy), "{}", fault.hint());
        }
    }

    #[test]
    fn a_broken_connection_is_not_a_trust_fault() {
        assert!(refused(&io::Error::from(io::ErrorKind::ConnectionReset), "x").is_none());
        let alert = io::Error::other(rustls::Error::HandshakeNotComplete);
        assert!(refused(&alert, "x").is_none());
    }

    #[test]
    fn a_machine_without_trusted_authorities_is_reported_with_what_to_install() {
        let error = io::Error::other(rustls::Error::General("No CA certificates were loaded from the system".into()));
        let fault = unprepared(error, "Preparing failed");
        assert_eq!(fault.kind(), FaultKind::Config);
        assert!(fault.hint().contains("ca-certificates") || fault.hint().contains("SSL_CERT_"), "{}", fault.hint());
        let other = unprepared(io::Error::other("too many open files"), "Preparing failed");
        assert_eq!(other.to_string(), "Preparing failed: too many open files");
    }
}
