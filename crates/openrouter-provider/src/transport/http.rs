//! The HTTP client, and the proxy that it takes.

use provider_core::{Error, ErrorKind};
use reqwest::Client;
use reqwest::redirect::Policy;

use super::Proxy;
use crate::config::{Config, is_loopback};
use crate::{ID, Limits};

/// An HTTP client.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) client: Client,
    /// The proxy that the environment names. Not known of a client that the host made.
    pub(crate) proxy: Option<Proxy>,
}

impl Http {
    /// The client of a host, who knows how it was made.
    pub(super) fn of_host(client: Client) -> Self {
        Self { client, proxy: None }
    }

    /// Makes a client. For `https` this reads the certificates of the platform, which takes milliseconds.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the platform has no certificates.
    pub(super) fn new(config: &Config, limits: &Limits) -> Result<Self, Error> {
        let proxy = Proxy::for_url(&config.base_url);
        client(config, limits, proxy.as_ref()).map(|client| Self { client, proxy })
    }
}

#[cfg_attr(
    not(feature = "rustls-ring"),
    expect(unused_variables, reason = "the HTTP client sets TLS up by itself")
)]
fn client(config: &Config, limits: &Limits, proxy: Option<&Proxy>) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        // A redirect could take the key to another origin.
        .redirect(Policy::none())
        .connect_timeout(limits.connect_timeout);
    // One connection of HTTP/2 carries only as many streams as its server allows; every further one would
    // wait.
    #[cfg(not(feature = "http2"))]
    {
        builder = builder.http1_only();
    }
    if is_loopback(&config.base_url) {
        builder = builder.no_proxy();
    }
    #[cfg(feature = "rustls-ring")]
    {
        let has_tls =
            config.base_url.scheme() == "https" || proxy.is_some_and(|proxy| proxy.has_scheme("https"));
        let tls = if has_tls { crate::tls::platform() } else { crate::tls::unused() };
        let no_tls = |cause: rustls::Error| {
            let message = "TLS cannot be set up; are CA certificates installed?";
            Error::new(ErrorKind::Config, message).with_provider(ID).with_source(cause)
        };
        builder = builder.tls_backend_preconfigured(tls.map_err(no_tls)?);
    }
    builder.build().map_err(|cause| {
        Error::new(ErrorKind::Config, "the HTTP client cannot be set up").with_provider(ID).with_source(cause)
    })
}
