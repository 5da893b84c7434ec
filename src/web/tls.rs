//! TLS of the service itself: its certificate, and whose certificates clients may show.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme, StreamOwned,
};
use sha2::{Digest, Sha256};

use super::auth::PeerCertificate;
use crate::storage::OpenError;

/// Reads the certificate chain, its key, and the authorities whose clients may show a certificate (all PEM). Without authorities no client is
/// asked for one; with them a client may still come without.
///
/// # Errors
/// A sentence for the operator, which names the file.
pub fn tls_config(certificate: &Path, key: &Path, client_ca: Option<&Path>) -> Result<ServerConfig, OpenError> {
    let chain = certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|why| unusable("private key", key, &why))?;
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|why| OpenError(format!("TLS cannot be set up: {why}")))?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut authorities = RootCertStore::empty();
            for authority in certificates(file)? {
                authorities.add(authority).map_err(|why| unusable("client authority", file, &why))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider);
            let verifier = verifier.allow_unauthenticated().build();
            builder.with_client_cert_verifier(verifier.map_err(|why| unusable("client authority", file, &why))?)
        }
    };
    builder.with_single_cert(chain, private).map_err(|why| unusable("certificate", certificate, &why))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(|why| unusable("certificate", file, &why))?;
    if found.is_empty() { Err(unusable("certificate", file, &"it holds none")) } else { Ok(found) }
}

fn unusable(what: &str, file: &Path, why: &dyn std::fmt::Display) -> OpenError {
    OpenError(format!("the {what} in {} cannot be used: {why}", file.display()))
}

/// Notes with a new connection which certificate it was opened with.
pub fn peer_certificate(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else { return };
    if let Some(certificate) = stream.get_ref().1.peer_certificates().and_then(<[_]>::first) {
        data.insert(PeerCertificate(Sha256::digest(certificate).into()));
    }
}

/// A connection to the very service that has this certificate, whatever name it goes by: for asking oneself.
///
/// # Errors
/// When the certificate cannot be read, or another one is shown.
pub fn connect_to_own(stream: std::net::TcpStream, certificate: &Path) -> Result<OwnConnection, OpenError> {
    let failed = |why: rustls::Error| OpenError(format!("TLS cannot be set up: {why}"));
    let own = certificates(certificate)?.into_iter().next().unwrap_or_else(|| CertificateDer::from(Vec::new()));
    let provider = Arc::new(default_provider());
    let only = Arc::new(OnlyOwn { own, algorithms: provider.signature_verification_algorithms });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(only)
        .with_no_client_auth();
    let name = ServerName::from(std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST));
    let connection = ClientConnection::new(Arc::new(config), name).map_err(failed)?;
    Ok(StreamOwned::new(connection, stream))
}

/// What [`connect_to_own`] gives.
pub type OwnConnection = StreamOwned<ClientConnection, std::net::TcpStream>;

/// Trusts one certificate and no authority.
#[derive(Debug)]
struct OnlyOwn {
    own: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for OnlyOwn {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown == self.own {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
