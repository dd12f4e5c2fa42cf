//! TLS around a connection, as strict as the configuration says. It uses rustls with ring, as all of this program does.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sqlx::Error;
use tokio_rustls::TlsConnector;

use super::connection::Duplex;
use crate::domain::config::SslMode;

/// The protection that a connection must have before the login.
#[derive(Debug, Clone, Copy)]
pub struct Security<'a> {
    pub mode: SslMode,
    /// The server's name, which its certificate must contain if it is verified.
    pub host: &'a str,
    /// PEM of the authorities that may have signed the certificate, in addition to the system's.
    pub authority: Option<&'a [u8]>,
    /// PEM of this client's certificate and of its key.
    pub client: Option<(&'a [u8], &'a [u8])>,
}

impl Security<'_> {
    pub const fn verifies(&self) -> bool {
        self.mode.verifies()
    }

    /// TLS is used unless the mode is `disabled`, or the server offers none and the mode allows that.
    pub const fn wants_tls(&self, is_offered: bool) -> bool {
        match self.mode {
            SslMode::Disabled => false,
            SslMode::Preferred => is_offered,
            SslMode::Required | SslMode::VerifyCa | SslMode::VerifyIdentity => true,
        }
    }
}

/// # Errors
/// `Tls` and `Io` with rustls's error inside, for which `tls.rs` has hints.
pub async fn wrap(stream: Box<dyn Duplex>, security: &Security<'_>) -> Result<Box<dyn Duplex>, Error> {
    let name = ServerName::try_from(security.host.to_owned()).map_err(tls)?;
    let connector = TlsConnector::from(Arc::new(config(security)?));
    Ok(Box::new(connector.connect(name, stream).await?))
}

fn config(security: &Security<'_>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = verifier(security, &provider)?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(tls)?;
    let config = config.dangerous().with_custom_certificate_verifier(verifier);
    let Some((certificate, key)) = security.client else { return Ok(config.with_no_client_auth()) };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| Error::Configuration(error.to_string().into()))?;
    config.with_client_auth_cert(chain.map_err(tls)?, key).map_err(tls)
}

fn verifier(security: &Security<'_>, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let algorithms = provider.signature_verification_algorithms;
    if !security.verifies() {
        return Ok(Arc::new(Lenient { authority: None, algorithms }));
    }
    let mut authorities = RootCertStore::empty();
    // An authority that rustls cannot read is left out.
    let _ = authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in security.authority.into_iter().flat_map(CertificateDer::pem_slice_iter) {
        authorities.add(certificate.map_err(tls)?).map_err(tls)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(provider));
    let verifier = verifier.build().map_err(tls)?;
    Ok(match security.mode {
        SslMode::VerifyCa => Arc::new(Lenient { authority: Some(verifier), algorithms }),
        _ => verifier,
    })
}

fn tls(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Tls(Box::new(error))
}

/// Verifies less than an authority and a name: where a mode asks for both, rustls's own verifier does it.
#[derive(Debug)]
struct Lenient {
    /// Verifies that an authority has signed the certificate, whatever name it is for. None: anybody may answer.
    authority: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(authority) = &self.authority else { return Ok(ServerCertVerified::assertion()) };
        match authority.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
