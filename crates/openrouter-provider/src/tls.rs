//! TLS by rustls with the ring crypto provider, set up without installing anything process-wide.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// The TLS set-up for `https`, with the certificates of the platform. A crypto provider that the host has
/// installed for the process is used before ours.
///
/// # Errors
/// When the platform has no certificates, as in a container without a CA bundle.
pub(crate) fn platform() -> Result<ClientConfig, rustls::Error> {
    let crypto = crypto();
    let verifier = verifier(crypto.clone())?;
    let config = ClientConfig::builder_with_provider(crypto).with_safe_default_protocol_versions()?;
    Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// The platform's certificates. Reading them takes milliseconds, so as long as one provider has them, they
/// serve every further one: a host has a provider for each workspace. Everything else of TLS, its sessions
/// above all, each provider has for itself.
fn verifier(crypto: Arc<CryptoProvider>) -> Result<Arc<Verifier>, rustls::Error> {
    static LATEST: Mutex<Weak<Verifier>> = Mutex::new(Weak::new());
    let mut latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(verifier) = latest.upgrade() {
        return Ok(verifier);
    }
    let verifier = Arc::new(Verifier::new(crypto)?);
    *latest = Arc::downgrade(&verifier);
    Ok(verifier)
}

/// A TLS set-up that trusts nobody, for plain `http` on this machine: reading the platform's certificates
/// takes time.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_once_for_all_who_have_them() {
        let Ok(first) = verifier(crypto()) else {
            println!("skipped: this machine has no certificates");
            return;
        };
        let second = verifier(crypto()).expect("certificates");
        assert!(Arc::ptr_eq(&first, &second));
    }
}
