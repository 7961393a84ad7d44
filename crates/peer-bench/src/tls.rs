//! TLS for the server, with a certificate of its own.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use tokio_rustls::TlsAcceptor;

use crate::client::Failure;

/// Where systems have the certificates that they trust.
const TRUSTED: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Makes a certificate for `localhost`, and writes it to a file for clients to trust, behind those that the
/// system trusts: a client has as many of them to read as anywhere.
pub fn acceptor(trusted: &Path) -> Result<TlsAcceptor, Failure> {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let system = TRUSTED.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    std::fs::write(trusted, format!("{system}\n{}", own.cert.pem()))?;
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    // Sessions are kept, which is what it does unless told otherwise.
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
