//! TLS of the default transport. The set-up is the client's own: nothing process-wide is installed.

use std::error::Error as StdError;
#[cfg(any(feature = "__rustls", feature = "native-tls"))]
use std::fmt;
use std::future::poll_fn;
#[cfg(any(feature = "__rustls", feature = "native-tls"))]
use std::sync::{Arc, OnceLock};

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::Connection;
use tower_service::Service;

use super::connection::Conn;
use super::fault::Fault;

type BoxError = Box<dyn StdError + Send + Sync>;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Server,
    /// A proxy, which is spoken to in HTTP/1.1.
    Proxy,
}

/// Makes a connection with this connector.
async fn plain<C>(connector: &mut C, target: Uri) -> Result<C::Response, BoxError>
where
    C: Service<Uri, Error: Into<BoxError>>,
{
    poll_fn(|cx| connector.poll_ready(cx)).await.map_err(Into::into)?;
    connector.call(target).await.map_err(Into::into)
}

#[cfg(feature = "__rustls")]
pub(crate) use self::with_rustls::{TlsSetup, parse_pem};

#[cfg(feature = "__rustls")]
mod with_rustls {
    use std::sync::{Mutex, PoisonError, Weak};

    use rustls::ClientConfig;
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use rustls_platform_verifier::Verifier;

    use super::*;

    /// Certificates of authorities that are trusted beside the platform's.
    pub(crate) type Roots = Vec<CertificateDer<'static>>;

    /// Reads certificates.
    ///
    /// # Errors
    /// When the text has none, or one that cannot be read.
    pub(crate) fn parse_pem(pem: &[u8]) -> Result<Roots, String> {
        let roots: Result<Roots, _> = CertificateDer::pem_slice_iter(pem).collect();
        match roots {
            Ok(roots) if roots.is_empty() => Err("has no certificate in it".to_owned()),
            Ok(roots) => Ok(roots),
            Err(cause) => Err(format!("cannot be read as PEM: {cause}")),
        }
    }

    /// TLS by rustls. Certificates are read, which takes milliseconds, when they are first needed.
    #[derive(Clone, Default)]
    pub(crate) struct TlsSetup {
        roots: Arc<Roots>,
        given: Option<Arc<ClientConfig>>,
        configs: Arc<OnceLock<Configs>>,
    }

    struct Configs {
        server: Arc<ClientConfig>,
        proxy: Arc<ClientConfig>,
    }

    impl TlsSetup {
        /// Trusts these authorities beside the platform's.
        pub(crate) fn with_roots(mut self, roots: Roots) -> Self {
            Arc::make_mut(&mut self.roots).extend(roots);
            self
        }

        /// Uses this configuration instead of one of its own.
        pub(crate) fn with_config(mut self, config: Arc<ClientConfig>) -> Self {
            self.given = Some(config);
            self
        }

        /// Connects, with TLS for `https`.
        pub(in crate::transport) async fn connect<C>(
            &self,
            mut connector: C,
            target: Uri,
            peer: Peer,
        ) -> Result<Conn, BoxError>
        where
            C: Service<Uri, Error: Into<BoxError>, Future: Send + 'static>,
            C::Response: Read + Write + Connection + Send + Unpin + 'static,
        {
            if target.scheme() != Some(&Scheme::HTTPS) {
                return plain(&mut connector, target).await.map(Conn::new);
            }
            let configs = self.configs()?;
            let config = if peer == Peer::Server { &configs.server } else { &configs.proxy };
            plain(&mut hyper_rustls::HttpsConnector::from((connector, config.clone())), target)
                .await
                .map(Conn::new)
        }

        fn configs(&self) -> Result<&Configs, Fault> {
            if let Some(configs) = self.configs.get() {
                return Ok(configs);
            }
            // A failure is not kept: certificates may be there the next time. Of two that are made at the
            // same time, one is kept.
            let made = self.make().map_err(|cause| Fault::Setup(cause.to_string()))?;
            Ok(self.configs.get_or_init(|| made))
        }

        fn make(&self) -> Result<Configs, rustls::Error> {
            let mut config = match &self.given {
                Some(config) => (**config).clone(),
                None => {
                    let crypto = crypto();
                    let verifier = self.verifier(crypto.clone())?;
                    ClientConfig::builder_with_provider(crypto)
                        .with_safe_default_protocol_versions()?
                        .dangerous()
                        .with_custom_certificate_verifier(verifier)
                        .with_no_client_auth()
                }
            };
            config.alpn_protocols.clear();
            let proxy = Arc::new(config.clone());
            if cfg!(feature = "http2") {
                config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            }
            Ok(Configs { server: Arc::new(config), proxy })
        }

        /// The platform's certificates. As long as one client has them, they serve every further one.
        fn verifier(&self, crypto: Arc<CryptoProvider>) -> Result<Arc<Verifier>, rustls::Error> {
            static LATEST: Mutex<Weak<Verifier>> = Mutex::new(Weak::new());
            if !self.roots.is_empty() {
                return with_extra_roots(&self.roots, crypto).map(Arc::new);
            }
            let mut latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(verifier) = latest.upgrade() {
                return Ok(verifier);
            }
            let verifier = Arc::new(Verifier::new(crypto)?);
            *latest = Arc::downgrade(&verifier);
            Ok(verifier)
        }
    }

    #[cfg(any(all(unix, not(target_os = "android")), windows))]
    fn with_extra_roots(roots: &Roots, crypto: Arc<CryptoProvider>) -> Result<Verifier, rustls::Error> {
        Verifier::new_with_extra_roots(roots.iter().cloned(), crypto)
    }

    #[cfg(not(any(all(unix, not(target_os = "android")), windows)))]
    fn with_extra_roots(_: &Roots, _: Arc<CryptoProvider>) -> Result<Verifier, rustls::Error> {
        Err(rustls::Error::General("this platform takes no certificates beside its own".to_owned()))
    }

    /// The crypto provider that the host has installed for the process, or else ours.
    fn crypto() -> Arc<CryptoProvider> {
        CryptoProvider::get_default().cloned().unwrap_or_else(|| {
            #[cfg(feature = "rustls-ring")]
            let ours = rustls::crypto::ring::default_provider();
            #[cfg(all(feature = "rustls-aws-lc", not(feature = "rustls-ring")))]
            let ours = rustls::crypto::aws_lc_rs::default_provider();
            #[cfg(not(any(feature = "rustls-ring", feature = "rustls-aws-lc")))]
            compile_error!("`__rustls` is internal: take `rustls-ring` or `rustls-aws-lc`");
            Arc::new(ours)
        })
    }

    impl fmt::Debug for TlsSetup {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("TlsSetup").field("extra_roots", &self.roots.len()).finish_non_exhaustive()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn certificates_are_read_once_for_all_clients() {
            let Ok(first) = TlsSetup::default().verifier(crypto()) else {
                println!("skipped: this machine has no certificates");
                return;
            };
            let second = TlsSetup::default().verifier(crypto()).expect("certificates");
            assert!(Arc::ptr_eq(&first, &second));
        }
    }
}

#[cfg(all(feature = "native-tls", not(feature = "__rustls")))]
pub(crate) use self::with_native_tls::{TlsSetup, parse_pem};

#[cfg(all(feature = "native-tls", not(feature = "__rustls")))]
mod with_native_tls {
    use native_tls::{Certificate, TlsConnector};

    use super::*;

    /// Certificates of authorities that are trusted beside the platform's.
    pub(crate) type Roots = Vec<Certificate>;

    /// Reads a certificate.
    ///
    /// # Errors
    /// When the text is none.
    pub(crate) fn parse_pem(pem: &[u8]) -> Result<Roots, String> {
        Certificate::stack_from_pem(pem).map_err(|cause| format!("cannot be read as PEM: {cause}"))
    }

    /// TLS by the platform's library.
    #[derive(Clone, Default)]
    pub(crate) struct TlsSetup {
        roots: Arc<Roots>,
        connectors: Arc<OnceLock<[TlsConnector; 2]>>,
    }

    impl TlsSetup {
        /// Trusts these authorities beside the platform's.
        pub(crate) fn with_roots(mut self, roots: Roots) -> Self {
            Arc::make_mut(&mut self.roots).extend(roots);
            self
        }

        /// Connects, with TLS for `https`.
        pub(in crate::transport) async fn connect<C>(
            &self,
            mut connector: C,
            target: Uri,
            peer: Peer,
        ) -> Result<Conn, BoxError>
        where
            C: Service<Uri, Error: Into<BoxError>, Future: Send + 'static> + Send,
            C::Response: Read + Write + Connection + Send + Unpin + 'static,
        {
            if target.scheme() != Some(&Scheme::HTTPS) {
                return plain(&mut connector, target).await.map(Conn::new);
            }
            let [server, proxy] = self.connectors()?;
            let tls = if peer == Peer::Server { server } else { proxy };
            let tls = tokio_native_tls::TlsConnector::from(tls.clone());
            plain(&mut hyper_tls::HttpsConnector::from((connector, tls)), target).await.map(Conn::new)
        }

        fn connectors(&self) -> Result<&[TlsConnector; 2], Fault> {
            if let Some(connectors) = self.connectors.get() {
                return Ok(connectors);
            }
            let make = |alpn: &[&str]| {
                let mut builder = TlsConnector::builder();
                builder.request_alpns(alpn);
                for root in self.roots.iter() {
                    builder.add_root_certificate(root.clone());
                }
                builder.build().map_err(|cause| Fault::Setup(cause.to_string()))
            };
            let server = make(if cfg!(feature = "http2") { &["h2", "http/1.1"] } else { &[] })?;
            let made = [server, make(&[])?];
            Ok(self.connectors.get_or_init(|| made))
        }
    }

    impl fmt::Debug for TlsSetup {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("TlsSetup").field("extra_roots", &self.roots.len()).finish_non_exhaustive()
        }
    }
}

#[cfg(not(any(feature = "__rustls", feature = "native-tls")))]
pub(crate) use self::without::TlsSetup;

#[cfg(not(any(feature = "__rustls", feature = "native-tls")))]
mod without {
    use super::*;

    /// No TLS.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct TlsSetup;

    impl TlsSetup {
        /// Connects, and refuses `https`.
        pub(in crate::transport) async fn connect<C>(
            &self,
            mut connector: C,
            target: Uri,
            _: Peer,
        ) -> Result<Conn, BoxError>
        where
            C: Service<Uri, Error: Into<BoxError>, Future: Send + 'static>,
            C::Response: Read + Write + Connection + Send + Unpin + 'static,
        {
            if target.scheme() == Some(&Scheme::HTTPS) {
                return Err(Fault::NoTls.into());
            }
            plain(&mut connector, target).await.map(Conn::new)
        }
    }
}
