//! TLS around a connection, as strict as the configuration says. rustls with ring, as everywhere in this program.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sqlx::Error;
use tokio_rustls::TlsConnector;

use super::connection::Duplex;
use crate::domain::config::SslMode;

/// What a connection must be before a login.
#[derive(Debug, Clone, Copy)]
pub struct Security<'a> {
    pub mode: SslMode,
    /// The server's name, as its certificate must have it where that is verified.
    pub host: &'a str,
    /// PEM of the authorities that may have signed it, beside the system's own.
    pub authority: Option<&'a [u8]>,
    /// PEM of this client's certificate and of its key.
    pub client: Option<(&'a [u8], &'a [u8])>,
}

impl Security<'_> {
    pub const fn verifies(&self) -> bool {
        self.mode.verifies()
    }

    /// Without TLS only where the server offers none, and never where it must.
    pub const fn wants_tls(&self, is_offered: bool) -> bool {
        match self.mode {
            SslMode::Disabled => false,
            SslMode::Preferred => is_offered,
            SslMode::Required | SslMode::VerifyCa | SslMode::VerifyIdentity => true,
        }
    }
}

/// # Errors
/// `Tls` and `Io` with the error of rustls within, which `tls.rs` has hints for.
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
    if !security.verifies() {
        return Ok(Arc::new(Anybody(Arc::clone(provider))));
    }
    let mut authorities = RootCertStore::empty();
    // One that rustls cannot read signs nothing here.
    let _ = authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in security.authority.into_iter().flat_map(CertificateDer::pem_slice_iter) {
        authorities.add(certificate.map_err(tls)?).map_err(tls)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(provider));
    let verifier = verifier.build().map_err(tls)?;
    Ok(if matches!(security.mode, SslMode::VerifyCa) { Arc::new(AnyName(verifier)) } else { verifier })
}

fn tls(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Tls(Box::new(error))
}

/// Encrypts, and asks nobody who he is.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Signed by an authority that is trusted, whatever name it is for.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
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
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
