//! The hints for failed TLS handshakes.
//!
//! rustls supports TLS 1.3, 1.2 with ECDHE, and certificates of X.509 version 3. Old servers offer less, which OpenSSL
//! (and so MySQL's own client) still accepts.

use rustls::{AlertDescription, CertificateError, Error};

const OTHER: &str = "check MYSQL_SSL_MODE and MYSQL_SSL_CA against the server's certificate";

const VERSION_1: &str = "the server's certificate is of X.509 version 1, which is not accepted here: make one of version 3 \
    and name it in the server's ssl_cert (`openssl x509 -req -in server-req.pem -CA ca.pem -CAkey ca-key.pem -days 3650 \
    -extfile <(echo basicConstraints=CA:FALSE) -out server-cert.pem`), or, on a trusted network or with MYSQL_SSH, go \
    without: MYSQL_SSL_MODE=disabled";

const OLD_CIPHERS: &str = "the server offers no cipher that is accepted here (TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM or \
    ChaCha20): set its tls_version to TLSv1.2,TLSv1.3 and its ssl_cipher to ECDHE ones, or, on a trusted network or with \
    MYSQL_SSH, go without: MYSQL_SSL_MODE=disabled";

const OLD_VERSIONS: &str = "the server speaks neither TLS 1.2 nor 1.3: set its tls_version to TLSv1.2,TLSv1.3, or, on a \
    trusted network or with MYSQL_SSH, go without: MYSQL_SSL_MODE=disabled";

const NO_TLS: &str = "the server offers no TLS: enable it there (ssl_cert, ssl_key), or go without on a trusted network or \
    with MYSQL_SSH: MYSQL_SSL_MODE=preferred";

const CLIENT: &str = "the server does not accept the certificate of MYSQL_SSL_CERT: it must be valid today, and signed by an \
    authority of the server's ssl_ca";

/// The next step after a handshake error, whether TLS or the socket reports it.
pub fn hint(error: &(dyn std::error::Error + 'static)) -> &'static str {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<Error>() {
            return of_rustls(error);
        }
        // `source` of an io::Error skips the error inside it.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = held.map(|held| held as &(dyn std::error::Error + 'static)).or_else(|| error.source());
    }
    if error.to_string().contains("does not support TLS") { NO_TLS } else { OTHER }
}

fn of_rustls(error: &Error) -> &'static str {
    use AlertDescription as Alert;
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::InconsistentKeys(_) => "MYSQL_SSL_KEY is not the private key of MYSQL_SSL_CERT",
        Error::AlertReceived(Alert::HandshakeFailure | Alert::InsufficientSecurity) => OLD_CIPHERS,
        Error::AlertReceived(Alert::ProtocolVersion) => OLD_VERSIONS,
        Error::AlertReceived(Alert::CertificateRequired) => {
            "the server wants a client certificate: MYSQL_SSL_CERT and MYSQL_SSL_KEY"
        }
        Error::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::AccessDenied
            | Alert::DecryptError,
        ) => CLIENT,
        Error::PeerIncompatible(_) => OLD_VERSIONS,
        _ => OTHER,
    }
}

fn of_certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired (or this machine's clock is wrong): renew it there"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: check the clocks of both machines (`timedatectl`)"
        }
        CertificateError::UnknownIssuer => {
            "let MYSQL_SSL_CA name the PEM file of the authority that signed the server's certificate"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for other names: set MYSQL_HOST to one of them, or MYSQL_SSL_MODE=verify_ca"
        }
        error => {
            let said = format!("{error:?}");
            if said.contains("UnsupportedCertVersion") {
                VERSION_1
            } else if said.contains("CaUsedAsEndEntity") {
                "the server shows an authority's certificate as its own: let it have one of its own, signed by that"
            } else {
                OTHER
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_handshake_says_what_to_change() {
        let words = |error: Error| hint(&std::io::Error::new(std::io::ErrorKind::InvalidData, error));
        let alert = |alert| words(Error::AlertReceived(alert));
        assert!(alert(AlertDescription::HandshakeFailure).contains("ssl_cipher"));
        assert!(alert(AlertDescription::ProtocolVersion).contains("tls_version"));
        assert!(alert(AlertDescription::UnknownCA).contains("MYSQL_SSL_CERT"));
        assert!(words(Error::InvalidCertificate(CertificateError::Expired)).contains("expired"));
        assert!(words(Error::InvalidCertificate(CertificateError::NotValidForName)).contains("verify_ca"));
        assert!(words(Error::InvalidCertificate(CertificateError::UnknownIssuer)).contains("MYSQL_SSL_CA"));
        let no_tls: Box<dyn std::error::Error + Send + Sync> = "server does not support TLS".into();
        assert!(hint(no_tls.as_ref()).contains("offers no TLS"));
    }
}
