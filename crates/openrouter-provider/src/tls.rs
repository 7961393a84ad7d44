//! TLS by rustls with the ring crypto provider, set up without touching anything process-wide.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};

/// The TLS set-up for `https`, with the certificates of the platform. A crypto provider that the host has installed for
/// the process is used before ours.
///
/// # Errors
/// When the platform has no certificates, as in a container without a CA bundle.
pub(crate) fn platform() -> Result<ClientConfig, rustls::Error> {
    let crypto = crypto();
    let verifier = rustls_platform_verifier::Verifier::new(crypto.clone())?;
    let config = ClientConfig::builder_with_provider(crypto).with_safe_default_protocol_versions()?;
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// A TLS set-up that trusts nobody, for plain `http` on this machine: reading the platform's certificates takes time.
///
/// # Errors
/// When the crypto provider does not know the protocol versions, which ring does.
pub(crate) fn unused() -> Result<ClientConfig, rustls::Error> {
    let config = ClientConfig::builder_with_provider(crypto()).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn crypto() -> Arc<CryptoProvider> {
    CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()))
}
